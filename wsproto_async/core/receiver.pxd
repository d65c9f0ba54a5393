# The types that turn receiver.py into native code. The meaning is all over there.
import cython

from libc.stdint cimport uint8_t, uint64_t

from wsproto_async._native.kernels cimport unmask
from wsproto_async.core.reader cimport FrameReader
from wsproto_async.core.sender cimport MessageSender


cdef class MessageReceiver(MessageSender):
    cdef readonly bint is_server
    cdef public object sink
    cdef readonly FrameReader reader
    cdef public bytes pending, backlog
    cdef Py_ssize_t worked_off
    cdef readonly bint receiving, paused, stopped
    cdef bint added
    cdef public bint heard, held_back
    cdef public object on_batch
    cdef public object by_hand
    cdef public uint64_t octets_received, preopen_received, preopen_sent

    cpdef object receive(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t end)
    @cython.final
    cdef object take(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t end, bytes source, bint at_once)
    @cython.final
    cdef object work(self, const uint8_t *p, Py_ssize_t pos, Py_ssize_t end, bytes source)
    @cython.locals(data=bytes, start=Py_ssize_t)
    cpdef object resume(self, bint at_once=*)
    cpdef bint is_behind(self)
    cpdef bytes waiting(self)
    cpdef object begin_work(self)
    cpdef object end_work(self, bint at_once=*)
    cpdef object landed(self, Py_ssize_t size)
    @cython.final
    cdef object keep(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t end)
    @cython.final
    cdef object keep_first(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t end)
