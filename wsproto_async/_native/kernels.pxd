# What compiled modules may call without going through Python. kernels.py says what it means.
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cpdef Py_ssize_t most_octets(object message) except -1
cpdef uint32_t key_at(const uint8_t *p, Py_ssize_t position, bint masked) noexcept
cpdef uint32_t new_key() except? 0
cpdef bytes unmask(const uint8_t *p, Py_ssize_t start, Py_ssize_t length, bint masked, uint32_t key)
cpdef bytes unmask_text(const uint8_t *p, Py_ssize_t start, Py_ssize_t length, bint masked, uint32_t key)
cpdef str unmask_str(const uint8_t *p, Py_ssize_t start, Py_ssize_t length, bint masked, uint32_t key)

ctypedef object (*Step)(object)
cdef object make_awaitable(type cls, type waiter, Step step)


cdef class Utf8:
    cdef uint32_t state
    cdef readonly Py_ssize_t count

    cpdef void reset(self) noexcept
    cpdef bint check(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t length) noexcept
    cpdef bint complete(self) noexcept


cdef class Growing:
    cdef PyObject *octets
    cdef uint8_t *p
    cdef Py_ssize_t room
    cdef readonly Py_ssize_t size
    cdef Py_ssize_t exports

    cdef int need(self, Py_ssize_t more) except -1
    cpdef bytes take(self)


cdef class Assembly(Growing):
    cdef Py_ssize_t strip
    cdef readonly Utf8 utf8

    cdef bint accept(self, Py_ssize_t length, uint64_t high, bint text) except -1

    cpdef int reserve(self, Py_ssize_t more) except -1
    cpdef bint append(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t length, bint masked, uint32_t key, unsigned int phase, bint text) except -1
    cpdef object landing_strip(self, Py_ssize_t length)
    cpdef bint landed(self, Py_ssize_t length, bint masked, uint32_t key, unsigned int phase, bint text) except -1


cdef class Outgoing(Growing):
    cdef int put_frame(self, int first, const uint8_t *p, Py_ssize_t length, bint masked, bint apply) except -1
    cpdef Py_ssize_t append_frame(self, int first, object payload, bint masked, bint apply) except -1
    cpdef int append_header(self, int first, uint64_t length, bint masked, uint32_t key) except -1
    cpdef int append(self, object data, bint masked, uint32_t key, uint64_t phase) except -1


cdef class ReadBuffer:
    cdef uint8_t *p
    cdef readonly Py_ssize_t offset
    cdef public bint busy
    cdef object whole

    cpdef object view(self, bytes pending)
