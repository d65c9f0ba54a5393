# The types that turn message.py into native code. The meaning is all over there.
import cython

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from wsproto_async.core.header cimport HeaderRules
from wsproto_async._native.kernels cimport Assembly, Utf8, unmask, unmask_str, unmask_text


cdef class IncomingMessage(HeaderRules):
    cdef public bint apply_mask, validate, decode
    cdef public uint64_t max_message
    cdef object on_message, on_result, sink
    cdef bint compressed, text
    cdef uint64_t wire_size
    cdef readonly uint64_t size
    cdef Assembly assembly
    cdef public uint64_t frames, messages, octets, inflated

    @cython.final
    cdef object take_whole(self, const uint8_t *p, Py_ssize_t begin, Py_ssize_t length, bint masked, uint32_t key)
    @cython.final
    cdef object hand_over(self, object payload)

    @cython.final
    cdef object begin_message(self, int first, int opcode)
    @cython.final
    cdef object start_parts(self)
    @cython.final
    cdef uint64_t room(self)
    @cython.final
    @cython.locals(text=bint, good=bint)
    cdef object add(self, const uint8_t *p, Py_ssize_t begin, Py_ssize_t size, bint masked, uint32_t key, unsigned int phase)
    @cython.final
    cdef object grow(self, uint64_t size, bint good)
    @cython.final
    @cython.locals(size=Py_ssize_t, good=bint)
    cdef object take_piece(self, bytes piece)
    @cython.final
    @cython.locals(limit=uint64_t)
    cdef bytes inflate(self, bytes piece)
    @cython.final
    cdef object end_message(self)
    @cython.final
    @cython.locals(octets=bytes)
    cdef object deliver(self)

    @cython.final
    @cython.locals(utf8=Utf8)
    cdef object refuse_text(self, bytes payload)
    @cython.final
    cdef object refuse_end(self)
    @cython.final
    cdef object refuse_octet(self, Py_ssize_t index)
