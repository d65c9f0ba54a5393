# The types that turn doors.py into native code. The meaning is all over there.
import cython

from wsproto_async._native.kernels cimport ReadBuffer, unmask
from wsproto_async.core.connection cimport Connection


@cython.final
cdef class Turn:
    cdef object loop
    cdef readonly ReadBuffer buffer
    cdef list waiting
    cdef readonly bint shared

    cpdef object add(self, Connection connection)


@cython.locals(turn=Turn)
cdef Turn turn_of(object loop)


cdef class Doors:
    cdef public Connection _connection
    cdef public Turn _turn
    cdef public bint _slow_receive, _slow_send, _writing_paused
    cdef bint _landing
    cdef ReadBuffer _own
