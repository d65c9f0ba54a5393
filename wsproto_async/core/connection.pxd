# The types that turn connection.py into native code. The meaning is all over there.
import cython

from wsproto_async.core.receiver cimport MessageReceiver


@cython.final
cdef class Connection(MessageReceiver):
    cdef object __weakref__
    cdef public bint fail_by_drop, echo_close
    cdef public object send_close
    cdef public bint was_clean, closed_by_me, failed_by_me, dropped_by_me
    cdef public object not_clean_reason
    cdef public object local_close_code, local_close_reason, remote_close_code, remote_close_reason
    cdef readonly int ended_in
    cdef public bint told
