# The types that turn connection.py into native code. The meaning is all over there.
import cython

from libc.stdint cimport uint8_t, uint64_t

from wsproto_async._native.kernels cimport unmask
from wsproto_async.core.reader cimport FrameReader
from wsproto_async.core.sender cimport MessageSender


@cython.final
cdef class Connection(MessageSender):
    cdef object __weakref__
    cdef readonly bint is_server
    cdef public object sink
    cdef readonly FrameReader reader
    cdef public bint fail_by_drop, echo_close
    cdef public bytes pending, backlog
    cdef Py_ssize_t worked_off
    cdef readonly bint receiving, paused, stopped
    cdef bint added
    cdef public bint heard, held_back
    cdef public object on_batch
    cdef public uint64_t octets_received, preopen_received, preopen_sent
    cdef public object send_close
    cdef public bint was_clean, closed_by_me, failed_by_me, dropped_by_me
    cdef public object not_clean_reason
    cdef public object local_close_code, local_close_reason, remote_close_code, remote_close_reason
    cdef readonly int ended_in
    cdef public bint told

    cpdef object receive(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t end)
    cdef object take(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t end, bytes source, bint at_once)
    cdef object work(self, const uint8_t *p, Py_ssize_t pos, Py_ssize_t end, bytes source)
    @cython.locals(data=bytes, start=Py_ssize_t)
    cpdef object resume(self, bint at_once=*)
    cpdef bint is_behind(self)
    cpdef bytes waiting(self)
    cpdef object begin_work(self)
    cpdef object end_work(self, bint at_once=*)
    cpdef object landed(self, Py_ssize_t size)
    cdef object keep(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t end)
    cdef object keep_first(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t end)
