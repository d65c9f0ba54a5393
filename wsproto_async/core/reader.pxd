# The types that turn reader.py into native code. The meaning is all over there.
import cython

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from wsproto_async.core.message cimport IncomingMessage
from wsproto_async._native.kernels cimport Assembly, key_at, unmask


@cython.final
cdef class FrameReader(IncomingMessage):
    cdef public uint64_t max_frame
    cdef object on_control
    cdef bint sink_control
    cdef public Py_ssize_t position
    cdef public bint halted
    cdef public Py_ssize_t credit
    cdef readonly bint in_frame
    cdef int first
    cdef bint masked
    cdef uint32_t key
    cdef uint64_t length
    cdef readonly uint64_t left
    cdef bint taken, skipping
    cdef Py_ssize_t granted

    cpdef Py_ssize_t feed(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t end) except -1
    cpdef object grant(self, Py_ssize_t steps)
    cpdef bint step(self, const uint8_t *p, Py_ssize_t end) except -1
    @cython.locals(pos=Py_ssize_t, have=Py_ssize_t, size=Py_ssize_t, begin=Py_ssize_t, first=int,
                   masked=bint, length=uint64_t, opcode=int, key=uint32_t, whole=bint)
    cdef bint take_header(self, const uint8_t *p, Py_ssize_t end) except -1
    @cython.locals(begin=Py_ssize_t, size=uint64_t, phase=uint64_t)
    cdef bint take_payload(self, const uint8_t *p, Py_ssize_t end) except -1
    cdef Py_ssize_t bite(self)
    cdef object hand_on(self, const uint8_t *p, Py_ssize_t begin, Py_ssize_t size, uint64_t phase)
    cdef bytes cut(self, const uint8_t *p, Py_ssize_t begin, Py_ssize_t size, uint64_t phase)
    @cython.locals(piece=bytes)
    cdef bytes inflate_piece(self, bytes deflated)
    cdef bint owes_end(self)
    @cython.locals(have=uint64_t, room=uint64_t)
    cpdef object landing_strip(self)
    @cython.locals(phase=uint64_t, text=bint)
    cpdef object landed(self, uint64_t size)

    cdef object begin_frame(self, int first, bint masked, uint64_t length, uint32_t key)
    cdef object skip_frame(self, uint64_t length)
    @cython.locals(first=int, ends=bint)
    cdef object end_frame(self)

    @cython.locals(size=uint64_t)
    cdef object refuse_size(self, int first, uint64_t length)
