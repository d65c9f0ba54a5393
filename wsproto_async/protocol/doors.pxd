# The types that turn doors.py into native code. The meaning is all over there.
import cython

from libc.stdint cimport uint64_t

from wsproto_async._native.kernels cimport ReadBuffer, unmask
from wsproto_async.core.connection cimport Connection
from wsproto_async.core.reader cimport FrameReader
from wsproto_async.core.writer cimport FrameWriter


@cython.final
cdef class Turn:
    cdef object loop
    cdef readonly ReadBuffer buffer
    cdef list waiting
    cdef uint64_t number
    cdef bint counting
    cdef readonly bint shared
    cdef readonly Py_ssize_t spare, allowance, few
    cdef object fresh, heavy, serving
    cdef bint working

    cpdef bint add(self, FrameWriter writer) except -1


@cython.locals(turn=Turn)
cpdef Turn turn_of(object loop)


cdef class Doors:
    cdef public Connection _connection
    cdef public Turn _turn
    cdef public bint _slow_receive, _slow_send, _writing_paused
    cdef public int _credit
    cdef bint _landing
    cdef ReadBuffer _own

    @cython.locals(start=Py_ssize_t)
    cdef object _read(self, Connection connection, ReadBuffer buffer, Py_ssize_t nbytes)
    @cython.locals(turn=Turn, reader=FrameReader)
    cdef Py_ssize_t _allowance(self, Connection connection, Py_ssize_t nbytes)
    @cython.locals(spent=Py_ssize_t)
    cdef object _settle(self, Connection connection, Py_ssize_t allowance, uint64_t inflated)
    @cython.locals(spent=Py_ssize_t, octets=uint64_t)
    cpdef Py_ssize_t _spent(self, Connection connection, Py_ssize_t allowance, uint64_t inflated)
