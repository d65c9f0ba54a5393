# The types that turn stream.py into native code. The meaning is all over there.
import cython

from wsproto_async._native cimport kernels
from wsproto_async._native.kernels cimport most_octets


@cython.final
cdef class Waiter:
    cdef object loop, callback, context, cancelled_with
    cdef bint is_cancelled
    cdef public bint _asyncio_future_blocking

    cdef object schedule(self)
    cdef object wake(self)
    cpdef bint done(self)


@cython.final
@cython.freelist(64)
cdef class Receive:
    cdef MessageStream stream
    cdef bint iterating
    cdef Waiter waiter


@cython.locals(receive=Receive, stream=MessageStream)
cdef object receive_step(object awaitable)


@cython.final
cdef class MessageStream:
    cdef object loop, pause, resume
    cdef readonly Py_ssize_t max_messages, max_octets
    cdef list queue
    cdef Py_ssize_t taken
    cdef readonly Py_ssize_t count, octets, dropped
    cdef readonly bint paused
    cdef bint lossy
    cdef Waiter waiter
    cdef public object before_waiting
    cdef readonly bint ended
    cdef object error
    cdef bint clean
    cdef public bint batching

    @cython.locals(full=bint)
    cpdef object push(self, object message, bint is_binary)
    @cython.locals(waiter=Waiter)
    cpdef object settle(self)
    cdef bint is_full(self)
    @cython.locals(queue=list)
    cdef object pop(self)
    cdef Waiter wait(self)
    cdef object raise_end(self, bint iterating)
