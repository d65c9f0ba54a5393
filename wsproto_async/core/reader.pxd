# The types that turn reader.py into native code. The meaning is all over there.
import cython

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from wsproto_async.core.header cimport HeaderRules
from wsproto_async._native.kernels cimport Assembly, Utf8, key_at, unmask, unmask_str, unmask_text


@cython.final
cdef class FrameReader(HeaderRules):
    cdef public bint apply_mask, validate, decode
    cdef public uint64_t max_frame, max_message
    cdef object on_message, on_result, on_control, sink
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
    cdef bint compressed, text
    cdef uint64_t wire_size
    cdef readonly uint64_t size
    cdef Assembly assembly
    cdef public uint64_t frames, messages, octets, inflated

    cpdef Py_ssize_t feed(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t end) except -1
    cpdef bint step(self, const uint8_t *p, Py_ssize_t end) except -1
    @cython.locals(pos=Py_ssize_t, have=Py_ssize_t, size=Py_ssize_t, begin=Py_ssize_t, first=int,
                   masked=bint, length=uint64_t, opcode=int, key=uint32_t, whole=bint)
    cdef bint take_header(self, const uint8_t *p, Py_ssize_t end) except -1
    cdef uint64_t room(self)
    cdef object take_message(self, const uint8_t *p, Py_ssize_t begin, Py_ssize_t length, bint masked, uint32_t key)
    @cython.locals(begin=Py_ssize_t, size=uint64_t, phase=uint64_t)
    cdef bint take_payload(self, const uint8_t *p, Py_ssize_t end) except -1
    @cython.locals(masked=bint)
    cdef object hand_on(self, const uint8_t *p, Py_ssize_t begin, Py_ssize_t size, uint64_t phase)
    cdef bint owes_end(self)
    @cython.locals(room=uint64_t)
    cpdef object landing_strip(self)
    @cython.locals(phase=uint64_t, masked=bint, text=bint, good=bint)
    cpdef object landed(self, uint64_t size)

    cdef object begin_message(self, int first, int opcode)
    cdef object begin_frame(self, int first, bint masked, uint64_t length, uint32_t key)
    cdef object start_parts(self)
    cdef object skip_frame(self, uint64_t length)
    @cython.locals(masked=bint, text=bint, good=bint)
    cdef object add(self, const uint8_t *p, Py_ssize_t begin, Py_ssize_t size, unsigned int phase)
    cdef bytes cut(self, const uint8_t *p, Py_ssize_t begin, Py_ssize_t size, uint64_t phase)
    @cython.locals(utf8=Utf8, text=bint, good=bint, size=Py_ssize_t)
    cdef object take_piece(self, bytes piece)
    cdef bytes inflate(self, bytes piece)
    @cython.locals(first=int, ends=bint)
    cdef object end_frame(self)
    cdef object end_message(self)
    @cython.locals(octets=bytes)
    cdef object deliver(self)

    cdef object refuse_size(self, uint64_t length)
    cdef object skip_message(self, uint64_t length)
    @cython.locals(utf8=Utf8)
    cdef object refuse_text(self, bytes payload)
    cdef object refuse_end(self)
    cdef object refuse_octet(self, Py_ssize_t index)
