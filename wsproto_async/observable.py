"""Events with handlers, beside the hooks that a subclass overrides."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from .errors import WebSocketError

__all__ = ["EventError", "Handler", "ObservableMixin"]

Handler = Callable[..., Any]
"""What is called for an event; may be a coroutine function."""

log = logging.getLogger(__name__)

running: set[asyncio.Future[Any]] = set()
"""What handlers do: the event loop itself would not keep it alive."""


class EventError(WebSocketError, RuntimeError):
    """There is no such event, or a handler without its event."""


class ObservableMixin:
    """Lets others listen to an object.

    It needs no ``__init__``, and costs nothing until somebody listens.
    """

    _valid_events: Sequence[str] | None = None
    _handlers: dict[str, list[Handler]] | None = None
    _parent: ObservableMixin | None = None

    def set_valid_events(self, valid_events: Sequence[str] | None = None) -> None:
        """Say which events there are; None for any."""
        self._valid_events = valid_events

    def on(self, event: str, handler: Handler) -> None:
        """Call ``handler`` for each ``event``, after those that listen already.

        A handler that is given twice is called twice. May be called at any time.

        Raises:
            EventError: there is no such event.
        """
        self._check_event(event)
        if self._handlers is None:
            self._handlers = {}
        self._handlers.setdefault(event, []).append(handler)

    def off(self, event: str | None = None, handler: Handler | None = None) -> None:
        """Forget a handler of an event, all handlers of an event, or all handlers.

        A handler that does not listen is ignored. May be called at any time.

        Raises:
            EventError: there is no such event, or a handler comes without an event.
        """
        if event is None:
            if handler is not None:
                raise EventError("off() needs the event that the handler listens to")
            self._handlers = None
            return
        self._check_event(event)
        handlers = (self._handlers or {}).get(event, [])
        if handler is None:
            handlers.clear()
        elif handler in handlers:
            handlers.remove(handler)

    def fire(self, event: str, *args: Any, **kwargs: Any) -> asyncio.Future[list[Any]]:
        """Call all handlers of an event, in order, and then those of ``_parent``.

        A handler that raises is logged and does not keep the next one from being called.

        Returns:
            A future of what the handlers returned, and last the list of the parent's, if there
            is one. It fails with the first error of a handler. It need not be awaited.

        Raises:
            EventError: there is no such event.
            RuntimeError: no event loop is running.
        """
        self._check_event(event)
        loop = self._get_loop()
        handlers = (self._handlers or {}).get(event, ())
        results = [self._call(loop, event, handler, args, kwargs) for handler in tuple(handlers)]
        if self._parent is not None:
            results.append(self._parent.fire(event, *args, **kwargs))
        return _gathered(loop, results)

    def _get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop on which handlers run. To be overridden where it is known otherwise."""
        return asyncio.get_running_loop()

    def _handler_failed(self, event: str, handler: Handler, error: BaseException) -> None:
        """Log the error of a handler. To be overridden where there is a better place."""
        log.error("handler %r of event %r failed", handler, event, exc_info=error)

    def _check_event(self, event: str) -> None:
        if self._valid_events is not None and event not in self._valid_events:
            known = ", ".join(self._valid_events)
            raise EventError(f"there is no event {event!r}, but these: {known}")

    def _call(
        self,
        loop: asyncio.AbstractEventLoop,
        event: str,
        handler: Handler,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> asyncio.Future[Any]:
        """The result of a handler, as a future."""

        def settled(future: asyncio.Future[Any]) -> None:
            running.discard(future)
            if not future.cancelled() and (error := future.exception()) is not None:
                self._handler_failed(event, handler, error)

        try:
            result = handler(*args, **kwargs)
        except Exception as error:
            self._handler_failed(event, handler, error)
            return _failed(loop, error)
        if not isinstance(result, Awaitable):
            done = loop.create_future()
            done.set_result(result)
            return done
        future = asyncio.ensure_future(result, loop=loop)
        running.add(future)
        future.add_done_callback(settled)
        return future


def _failed(loop: asyncio.AbstractEventLoop, error: BaseException) -> asyncio.Future[Any]:
    """A future that has failed, and is not to be complained of."""
    future = loop.create_future()
    future.set_exception(error)
    future.exception()
    return future


def _gathered(
    loop: asyncio.AbstractEventLoop, futures: list[asyncio.Future[Any]]
) -> asyncio.Future[list[Any]]:
    """The results of all, at once if they are there already."""
    if not all(future.done() for future in futures):
        gathered = asyncio.gather(*futures)
        gathered.add_done_callback(lambda done: done.cancelled() or done.exception())
        return gathered
    result: asyncio.Future[list[Any]] = loop.create_future()
    for future in futures:
        if future.cancelled():
            result.cancel()
            return result
        if (error := future.exception()) is not None:
            return _failed(loop, error)
    result.set_result([future.result() for future in futures])
    return result
