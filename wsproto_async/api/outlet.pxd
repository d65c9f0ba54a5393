# The types that turn outlet.py into native code. The meaning is all over there.
import cython

from wsproto_async.core.connection cimport Connection
from wsproto_async.protocol.doors cimport Doors


@cython.final
cdef class Sent:
    pass


cdef class Outlet:
    cdef object __weakref__
    cdef readonly Connection _connection
    cdef Doors _doors
    cdef public bint _careful
