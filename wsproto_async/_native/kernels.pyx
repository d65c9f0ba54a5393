# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The native twin of kernels.py, which has the documentation: same names, same tests."""

import os

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from "octets.h" nogil:
    uint64_t ws_mask(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, unsigned int phase)
    uint64_t ws_copy(uint8_t *dst, const uint8_t *src, size_t n)
    size_t ws_utf8(uint32_t *state, const uint8_t *p, size_t n)
    size_t ws_header(uint8_t *p, uint8_t first, uint64_t length, bint masked, uint32_t key)

cdef extern from "awaitable.h":
    void ws_make_awaitable(type cls, type waiter, Step step)

cdef extern from "Python.h":
    # Pointers, not objects: a bytes object that grows may move, and nobody else may hold it then.
    PyObject *new_bytes "PyBytes_FromStringAndSize" (const char *p, Py_ssize_t size) except NULL
    int _PyBytes_Resize(PyObject **octets, Py_ssize_t size) except -1
    char *bytes_pointer "PyBytes_AS_STRING" (PyObject *octets) noexcept
    void Py_XINCREF(PyObject *)
    void Py_XDECREF(PyObject *)
    void Py_CLEAR(PyObject *)
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    void *PyUnicode_DATA(object text) noexcept
    object PyUnicode_DecodeUTF8(const char *p, Py_ssize_t size, const char *errors)
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    bint PyUnicode_Check(object o) noexcept
    bint PyUnicode_IS_ASCII(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept

NATIVE = True
NO_KEY = 0
Key = int

READ_SIZE = 256 * 1024
cdef enum:
    READ_ROOM = 256 * 1024
    FIRST_ROOM = 480          # with its header just what the small-object allocator serves
    KEYS = 1024

cdef Py_ssize_t MOST = <Py_ssize_t>(<size_t>-1 >> 2)     # octets in one object, with room to double

cdef uint32_t keys[KEYS]
cdef Py_ssize_t keys_left = 0


def forget_keys():
    global keys_left
    keys_left = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_keys)


cpdef uint32_t new_key() except? 0:
    global keys_left
    cdef bytes block
    if keys_left == 0:
        block = os.urandom(sizeof(keys))
        memcpy(keys, PyBytes_AS_STRING(block), sizeof(keys))
        keys_left = KEYS
    keys_left -= 1
    return keys[keys_left]


cdef object make_awaitable(type cls, type waiter, Step step):
    ws_make_awaitable(cls, waiter, step)


cpdef Py_ssize_t most_octets(object message) except -1:
    if not PyUnicode_Check(message):
        return len(message)
    return PyUnicode_GET_LENGTH(message) * (1 if PyUnicode_IS_ASCII(message) else 4)


cpdef uint32_t key_at(const uint8_t *p, Py_ssize_t position, bint masked) noexcept:
    cdef uint32_t key = 0
    if masked:
        memcpy(&key, p + position, 4)
    return key


cdef inline uint64_t put(uint8_t *dst, const uint8_t *src, Py_ssize_t n, bint masked, uint32_t key, unsigned int phase) noexcept:
    return ws_mask(dst, src, n, key, phase) if masked else ws_copy(dst, src, n)


cpdef bytes unmask(const uint8_t *p, Py_ssize_t start, Py_ssize_t length, bint masked, uint32_t key):
    cdef bytes payload = PyBytes_FromStringAndSize(NULL, length)
    put(<uint8_t *>PyBytes_AS_STRING(payload), p + start, length, masked, key, 0)
    return payload


cpdef bytes unmask_text(const uint8_t *p, Py_ssize_t start, Py_ssize_t length, bint masked, uint32_t key):
    cdef bytes payload = PyBytes_FromStringAndSize(NULL, length)
    cdef uint8_t *q = <uint8_t *>PyBytes_AS_STRING(payload)
    cdef uint32_t state = 0
    if put(q, p + start, length, masked, key, 0):
        if ws_utf8(&state, q, length) != <size_t>length or state:
            return None
    return payload


cpdef str unmask_str(const uint8_t *p, Py_ssize_t start, Py_ssize_t length, bint masked, uint32_t key):
    cdef object text
    cdef bytes payload
    if length == 0:
        return ""
    text = PyUnicode_New(length, 127)
    if not put(<uint8_t *>PyUnicode_DATA(text), p + start, length, masked, key, 0):
        return text
    payload = unmask(p, start, length, masked, key)
    try:
        return PyUnicode_DecodeUTF8(PyBytes_AS_STRING(payload), length, NULL)
    except UnicodeDecodeError:
        return None


cdef class Utf8:
    cpdef void reset(self) noexcept:
        self.state = 0
        self.count = 0

    cpdef bint check(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t length) noexcept:
        cdef Py_ssize_t good = <Py_ssize_t>ws_utf8(&self.state, p + start, length)
        self.count += good
        return good == length

    cpdef bint complete(self) noexcept:
        return self.state == 0


cdef class Growing:
    def __dealloc__(self):
        Py_CLEAR(self.octets)

    def __len__(self):
        return self.size

    cdef int need(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t size, room = self.room
        cdef PyObject *copy
        if more <= room - self.size:
            return 0
        if more > MOST - self.size:
            raise MemoryError
        if room == 0:
            room = FIRST_ROOM
            if more > room:
                room = more
        else:
            room = room * 8 if room == FIRST_ROOM else room * 2
            if room < self.size + more:
                room = self.size + more
        if self.octets == NULL:
            self.octets = new_bytes(NULL, room)
        elif self.exports:
            copy = new_bytes(NULL, room)
            memcpy(bytes_pointer(copy), self.p, self.size)
            Py_CLEAR(self.octets)
            self.octets = copy
        else:
            size = self.size
            self.size = self.room = 0       # the octets are gone if this raises
            _PyBytes_Resize(&self.octets, room)
            self.size = size
        self.p = <uint8_t *>bytes_pointer(self.octets)
        self.room = room
        return 0

    cpdef bytes take(self):
        cdef bytes taken = b""
        cdef Py_ssize_t size = self.size, room = self.room
        self.size = self.room = 0           # whatever happens from here on, nothing is left
        if size and size < room and self.exports:
            taken = PyBytes_FromStringAndSize(<char *>self.p, size)
        elif size:
            if size < room:
                _PyBytes_Resize(&self.octets, size)
            taken = <bytes>self.octets
        Py_CLEAR(self.octets)
        return taken


cdef class Assembly(Growing):
    # A loop keeps the strip that it read into until after it told us, and does not touch it again.
    # So the octets are handed on while it is still held; each view keeps those alive that it shows.

    def __cinit__(self):
        self.utf8 = Utf8()

    cpdef int reserve(self, Py_ssize_t more) except -1:
        return self.need(more)

    cpdef bint append(self, const uint8_t *p, Py_ssize_t start, Py_ssize_t length, bint masked, uint32_t key, unsigned int phase, bint text) except -1:
        cdef uint64_t high
        self.need(length)
        high = put(self.p + self.size, p + start, length, masked, key, phase)
        return self.accept(length, high, text)

    cdef inline bint accept(self, Py_ssize_t length, uint64_t high, bint text) except -1:
        cdef Py_ssize_t start = self.size
        self.size += length
        if not text:
            return True
        if not high and self.utf8.state == 0:
            self.utf8.count += length
            return True
        return self.utf8.check(self.p, start, length)

    cpdef object landing_strip(self, Py_ssize_t length):
        self.need(length)
        self.strip = length
        return memoryview(self)

    cpdef bint landed(self, Py_ssize_t length, bint masked, uint32_t key, unsigned int phase, bint text) except -1:
        cdef uint64_t high = 1
        self.need(length)
        if masked:
            high = ws_mask(self.p + self.size, self.p + self.size, length, key, phase)
        return self.accept(length, high, text)

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.p + self.size, self.strip, 0, flags)
        Py_XINCREF(self.octets)
        view.internal = self.octets
        self.exports += 1

    def __releasebuffer__(self, Py_buffer *view):
        self.exports -= 1
        Py_XDECREF(<PyObject *>view.internal)


cdef class Outgoing(Growing):
    cpdef Py_ssize_t append_frame(self, int first, object payload, bint masked, bint apply) except -1:
        cdef Py_buffer view
        cdef Py_ssize_t length = 0
        cdef const char *p
        if PyBytes_CheckExact(payload):
            length = PyBytes_GET_SIZE(payload)
            self.put_frame(first, <const uint8_t *>PyBytes_AS_STRING(payload), length, masked, apply)
        elif PyUnicode_Check(payload):
            p = PyUnicode_AsUTF8AndSize(payload, &length)
            self.put_frame(first, <const uint8_t *>p, length, masked, apply)
        else:
            PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
            try:
                length = view.len
                self.put_frame(first, <const uint8_t *>view.buf, length, masked, apply)
            finally:
                PyBuffer_Release(&view)
        return length

    cdef inline int put_frame(self, int first, const uint8_t *p, Py_ssize_t length, bint masked, bint apply) except -1:
        cdef uint32_t key = new_key() if masked else 0
        self.need(length + 14)
        self.size += ws_header(self.p + self.size, <uint8_t>first, length, masked, key)
        if masked and apply:
            ws_mask(self.p + self.size, p, length, key, 0)
        else:
            memcpy(self.p + self.size, p, length)
        self.size += length
        return 0

    cpdef int append_header(self, int first, uint64_t length, bint masked, uint32_t key) except -1:
        self.need(14)
        self.size += ws_header(self.p + self.size, <uint8_t>first, length, masked, key)
        return 0

    cpdef int append(self, object data, bint masked, uint32_t key, uint64_t phase) except -1:
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.need(view.len)
            put(self.p + self.size, <const uint8_t *>view.buf, view.len, masked, key, <unsigned int>(phase & 3))
            self.size += view.len
        finally:
            PyBuffer_Release(&view)
        return 0


cdef class ReadBuffer:
    # The octets are an object of their own, so that buffer and view do not go round in a circle.

    def __cinit__(self):
        octets = PyByteArray_FromStringAndSize(NULL, READ_ROOM)
        self.p = <uint8_t *>PyByteArray_AS_STRING(octets)
        self.whole = memoryview(octets)     # which also keeps it from moving

    cpdef object view(self, bytes pending):
        cdef Py_ssize_t size = 0 if pending is None else PyBytes_GET_SIZE(pending)
        if size > READ_ROOM:
            raise BufferError("more octets are pending than a read buffer has")
        self.offset = size
        if size == 0:
            return self.whole
        memcpy(self.p, PyBytes_AS_STRING(pending), size)
        return self.whole[size:]
