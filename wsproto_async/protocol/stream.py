"""Messages for coroutines: the queue behind ``recv()`` and ``async for``.

A :class:`MessageStream` stands where a hook would: the reader pushes messages into it. It is
bounded; above its marks it pauses the connection, and below a quarter of them lets it go on.

What makes it fast is that nothing is scheduled that need not be:

* a message that waits is had without suspending, and no future is made for it;
* a task that waits is stepped at the end of the read that brought its messages, still *inside* of
  it (the eager step), so that it finds all of them, and what it sends in reply shares the read's
  one write. It runs as it would have a moment later: same task, same context. Where another task
  is running right now, it is scheduled instead.

Receiving is safe to cancel: a message leaves the queue only when the task that waited for it runs.

This file runs as it is, and compiled: stream.pxd gives the types.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError, current_task
from collections.abc import Callable, Generator
from contextvars import Context
from copy import copy
from typing import Any

from .._native import kernels
from .._native.kernels import most_octets
from ..errors import StateError

__all__ = ["MessageStream", "Receive"]

Message = bytes | str

PILE = 1024
"""Places of messages that were taken, after which a queue that is never empty gives them back."""


class Waiter:
    """What a task that waits for a message is told to wait for; of a future, as much as it takes.

    The names are those that :class:`asyncio.Task` calls.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.callback: Callable[[object], object] | None = None
        self.context: Context | None = None
        self.cancelled_with: object = None
        self.is_cancelled = False
        self._asyncio_future_blocking = True

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self.loop

    def add_done_callback(
        self, callback: Callable[[object], object], *, context: Context | None = None
    ) -> None:
        self.callback = callback
        self.context = context

    def done(self) -> bool:
        return self.callback is None

    def cancel(self, msg: object = None) -> bool:
        if self.callback is None:
            return False
        self.is_cancelled = True
        self.cancelled_with = msg
        self.schedule()
        return True

    def result(self) -> None:
        if self.is_cancelled:
            raise CancelledError(*([] if self.cancelled_with is None else [self.cancelled_with]))

    def schedule(self) -> None:
        """Step the task in the next turn of the loop."""
        callback, self.callback = self.callback, None
        if callback is not None:
            self.loop.call_soon(callback, self, context=self.context)

    def wake(self) -> None:
        """Step the task now, unless another one is running."""
        if self.callback is None:
            return
        if current_task(self.loop) is not None or self.context is None:
            self.schedule()
            return
        callback, self.callback = self.callback, None
        try:
            self.context.run(callback, self)
        except RuntimeError:  # we are in that very context already, and it cannot be entered twice
            self.callback = callback
            self.schedule()
        finally:
            del callback  # it leads to the task, and what the task raises leads to this frame


class Receive:
    """One ``recv()``, or one turn of ``async for``."""

    __name__ = "recv"  # as whoever looks at a task of it is to know it

    def __init__(self, stream: MessageStream, iterating: bool) -> None:
        self.stream = stream
        self.iterating = iterating
        self.waiter: Waiter | None = None

    def __await__(self) -> Generator[Any, None, Message]:
        return self  # it is its own generator

    def __iter__(self) -> Receive:
        return self

    def __next__(self) -> Waiter:
        step = receive_step(self)
        if isinstance(step, Waiter):
            return step
        raise StopIteration(step)

    def send(self, value: object) -> Waiter:
        return self.__next__()

    def throw(self, typ: Any, val: Any = None, tb: Any = None) -> Waiter:
        self.close()
        if val is None:
            val = typ() if isinstance(typ, type) else typ
        try:
            raise val
        finally:
            del typ, val  # the exception leads to this frame, which must not lead back to it

    def close(self) -> None:
        # By now another task may wait.
        if self.waiter is not None and self.stream.waiter is self.waiter:
            self.stream.waiter = None
        self.waiter = None


def receive_step(awaitable: Any) -> Waiter | Message:
    """One step of a :class:`Receive`: what to wait for, or the message."""
    receive: Receive = awaitable
    stream = receive.stream
    if stream.count:
        receive.waiter = None
        return stream.pop()
    if stream.ended:
        receive.waiter = None
        stream.raise_end(receive.iterating)
    receive.waiter = stream.wait()
    return receive.waiter


def described(callback: object) -> str:
    """The task that a waiter steps, by its name, and by the line in which it waits."""
    task = getattr(callback, "__self__", None)
    if not isinstance(task, asyncio.Task):
        return "another task"
    coroutine: Any = task.get_coro()
    place = ""
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "ag_frame", None)
        if frame is not None:
            code = frame.f_code
            place = f" (in {code.co_name}, {code.co_filename}:{frame.f_lineno})"
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "ag_await", None)
    return f"the task {task.get_name()!r}{place}"


# Natively, awaiting takes this step without the detour over StopIteration.
kernels.make_awaitable(Receive, Waiter, receive_step)


class MessageStream:
    """A bounded queue of messages with one consumer.

    Args:
        loop: the loop of the connection.
        pause: called when ``max_messages`` messages or ``max_octets`` octets wait.
        resume: called when not more than a quarter of them does.
        max_messages, max_octets: the marks.

    Attributes:
        count, octets: what waits; see :func:`~.._native.kernels.most_octets`.
        dropped: messages that came above the marks after :meth:`let_go`.
        before_waiting: called when a task is going to wait for a message; it may raise.
        batching: whoever pushes will call :meth:`settle` behind the last one.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        pause: Callable[[], object],
        resume: Callable[[], object],
        max_messages: int,
        max_octets: int,
    ) -> None:
        self.loop = loop
        self.pause: Callable[[], object] | None = pause
        self.resume: Callable[[], object] | None = resume
        self.max_messages = max_messages
        self.max_octets = max_octets
        self.queue: list[Message | None] = []
        self.taken = 0
        self.count = 0
        self.octets = 0
        self.dropped = 0
        self.paused = False
        self.lossy = False
        self.waiter: Waiter | None = None
        self.before_waiting: Callable[[], object] | None = None
        self.ended = False
        self.error: BaseException | None = None
        self.clean = False
        self.batching = False

    def push(self, message: Message, is_binary: bool) -> None:
        """A message arrived: the reader's slot."""
        if self.lossy and self.is_full():
            self.dropped += 1
            return
        self.queue.append(message)
        self.count += 1
        self.octets += most_octets(message)
        full = self.is_full()
        if full or not self.batching:
            self.settle()
            full = self.is_full()
        if full and not (self.paused or self.lossy):
            self.paused = True
            if self.pause is not None:
                self.pause()

    def settle(self) -> None:
        """No more messages come for now: step the task that waits for them."""
        waiter = self.waiter
        if waiter is not None and self.count:
            self.waiter = None
            waiter.wake()

    def is_full(self) -> bool:
        return self.count >= self.max_messages or self.octets >= self.max_octets

    def let_go(self) -> None:
        """Pause no more: what comes above the marks from now on is dropped.

        For a connection that we are closing: behind all that nobody fetches comes the peer's
        close frame, which has to be read.
        """
        self.lossy = True
        if self.paused:
            self.paused = False
            if self.resume is not None:
                self.resume()

    def pop(self) -> Message:
        """Take the oldest message; there must be one."""
        queue = self.queue
        message = queue[self.taken]
        assert message is not None
        queue[self.taken] = None
        self.taken += 1
        self.count -= 1
        if self.count == 0 or self.taken == PILE:
            # Nearly always the first: a read's messages are taken before the next read.
            del queue[: self.taken]
            self.taken = 0
        self.octets -= most_octets(message)
        low = self.count * 4 <= self.max_messages and self.octets * 4 <= self.max_octets
        if self.paused and low:
            self.paused = False
            if self.resume is not None:
                self.resume()
        return message

    def is_awaited(self) -> bool:
        """Whether a task waits for a message."""
        return self.waiter is not None and not self.waiter.done()

    def wait(self) -> Waiter:
        if self.before_waiting is not None:
            self.before_waiting()
        if self.waiter is not None and not self.waiter.done():
            raise StateError(
                f"{described(self.waiter.callback)} is already waiting for a message of this "
                "connection: receive in one task, or have it hand out what it receives"
            )
        self.waiter = Waiter(self.loop)
        return self.waiter

    def end(self, error: BaseException, clean: bool, at_once: bool = False) -> None:
        """No message will come any more; the ones that wait can still be had.

        Args:
            error: what ``recv()`` raises then.
            clean: ``async for`` ends quietly instead of raising it.
            at_once: step the task that waits now, if that can be.
        """
        if self.ended:
            return
        self.ended = True
        self.error = error
        self.clean = clean
        self.pause = self.resume = None
        waiter, self.waiter = self.waiter, None
        if waiter is None:
            return
        if at_once:
            waiter.wake()
        else:
            waiter.schedule()

    def raise_end(self, iterating: bool) -> None:
        if iterating and self.clean:
            raise StopAsyncIteration
        assert self.error is not None
        # A copy: with its traceback it would hold the frames of whom it was raised to, and they us.
        raise copy(self.error)

    def recv(self) -> Receive:
        """The next message; what is awaited raises what :meth:`end` was given."""
        return Receive(self, False)

    def __aiter__(self) -> MessageStream:
        return self

    def __anext__(self) -> Receive:
        return Receive(self, True)
