# The types that turn header.py into native code. The meaning is all over there.
import cython

from libc.stdint cimport uint8_t, uint64_t


cdef class HeaderRules:
    cdef public bint require_mask, refuse_mask
    cdef public object inflater
    cdef readonly int opcode
    cdef readonly bint failed, dropping
    cdef bint bad_header, lenient

    @cython.locals(opcode=int)
    cdef object check_header(self, int first, bint masked, uint64_t length)
    cdef object check_control(self, int first, int opcode, uint64_t length)
    @cython.locals(length=uint64_t, i=int)
    cdef uint64_t long_length(self, const uint8_t *p, Py_ssize_t pos) except? 0
    cdef object refuse(self, str reason)
