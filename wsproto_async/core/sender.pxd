# The types that turn sender.py into native code. The meaning is all over there.
import cython

from libc.stdint cimport uint64_t

from wsproto_async.core.writer cimport FrameWriter


cdef class MessageSender:
    cdef readonly FrameWriter writer
    cdef public int state
    cdef public object codec
    cdef public Py_ssize_t compress_from, max_send, fragment
    cdef public int send_state
    cdef int send_opcode
    cdef readonly bint send_compressed
    cdef public bint max_message_exceeded
    cdef public uint64_t messages_sent
    cdef public long long plain_octets_sent

    cpdef object send_message(self, object payload, bint binary)
    cpdef object check_ready(self)
    cdef bint surely_fits(self, object payload)
    cpdef object send_with_care(self, object payload, bint binary, Py_ssize_t fragment, bint compress)
    @cython.locals(plain=Py_ssize_t)
    cpdef list cut_message(self, object payload, bint binary, Py_ssize_t fragment, bint compress)
