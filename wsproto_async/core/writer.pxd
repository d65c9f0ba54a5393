# The types that turn writer.py into native code. The meaning is all over there.
import cython

from libc.stdint cimport uint32_t, uint64_t

from wsproto_async._native.kernels cimport Outgoing, new_key


@cython.final
cdef class FrameWriter:
    cdef public bint mask, apply_mask, corked
    cdef bint woken
    cdef readonly Outgoing out
    cdef readonly uint64_t left
    cdef uint64_t phase
    cdef uint32_t key
    cdef list held
    cdef object write, write_pieces, wake
    cdef public uint64_t turn
    cdef public uint64_t frames, octets, wire

    @cython.locals(size=Py_ssize_t)
    cpdef object frame(self, int first, object payload)
    cdef object large_frame(self, int first, bytes payload)
    cpdef object whole(self, bytes octets)
    cpdef object control(self, int opcode, bytes payload)
    cdef object hold(self, int opcode, bytes payload)
    cpdef object begin_frame(self, int first, uint64_t length)
    @cython.locals(size=Py_ssize_t)
    cpdef object frame_data(self, object payload)
    cpdef object raw(self, object data)
    cdef object settle(self)
    cpdef object flush(self)
