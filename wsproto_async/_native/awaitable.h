/* An awaitable that hands its result over without raising StopIteration.

   A class that is its own iterator says "done" by raising; what is awaited a million times a
   second should not. Its type gets the slots that generators have: am_send, which returns result
   and verdict, and a tp_iternext that sets StopIteration without making a traceback. */
#ifndef WSPROTO_ASYNC_AWAITABLE_H
#define WSPROTO_ASYNC_AWAITABLE_H

#include <Python.h>

/* Returns what is to be waited for, an object of the waiter's type, or else the result. */
typedef PyObject *(*ws_step_function)(PyObject *self);

static ws_step_function ws_step;
static PyTypeObject *ws_waiter_type;

PyAPI_FUNC(int) _PyGen_SetStopIterationValue(PyObject *);

static PySendResult ws_am_send(PyObject *self, PyObject *value, PyObject **result)
{
    *result = ws_step(self);
    if (*result == NULL)
        return PYGEN_ERROR;
    return Py_TYPE(*result) == ws_waiter_type ? PYGEN_NEXT : PYGEN_RETURN;
}

static PyObject *ws_iternext(PyObject *self)
{
    PyObject *result = ws_step(self);
    if (result == NULL || Py_TYPE(result) == ws_waiter_type)
        return result;
    _PyGen_SetStopIterationValue(result);
    Py_DECREF(result);
    return NULL;
}

static void ws_make_awaitable(PyTypeObject *type, PyTypeObject *waiter, ws_step_function step)
{
    ws_step = step;
    ws_waiter_type = waiter;
    type->tp_iternext = ws_iternext;
    type->tp_as_async->am_send = ws_am_send;
    PyType_Modified(type);
}

#endif
