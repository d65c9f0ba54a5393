"""What a :class:`~.websocket.WebSocket` must do fast: sending a message that needs no care.

This file runs as it is, and compiled: outlet.pxd gives the types.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Coroutine, Iterable, Iterator
from typing import Any

from ..core.connection import Connection
from ..errors import WebSocketError
from ..protocol.doors import Doors

__all__ = ["Outlet"]

Sendable = str | bytes | bytearray | memoryview
"""A message, or a fragment of one."""

NOTHING = iter(())
"""What to iterate over where nothing is to be waited for: it is at its end already."""


class Sent:
    """What is awaited after sending where nobody need wait: a coroutine that has ended."""

    def __await__(self) -> Iterator[Any]:
        return NOTHING

    def send(self, value: object) -> None:
        raise StopIteration

    def throw(self, typ: Any, val: Any = None, tb: Any = None) -> None:
        raise typ if val is None else val

    def close(self) -> None:
        pass


SENT: Coroutine[Any, Any, None] = Sent()  # type: ignore[assignment]  # by all it can do
"""One is enough for all: there is nothing in it."""


class Outlet:
    """Sends messages.

    Args:
        connection: where to.
        doors: the protocol that the connection belongs to.

    Attributes:
        careful: no message takes the short way now, because a message is being sent in
            fragments, or somebody watches.
    """

    def __init__(self, connection: Connection, doors: Doors) -> None:
        self._connection = connection
        self._doors = doors
        self._careful = False

    def send(
        self,
        message: Sendable | Iterable[Sendable] | AsyncIterable[Sendable],
        compress: bool = True,
    ) -> Coroutine[Any, Any, None]:
        """Send a message; awaiting it waits while more waits than ``write_buffer_high`` octets.

        Where there is no need to wait it gives way to other tasks only once in a thousand
        messages. What can leave at once has been sent when this returns, so messages leave in the
        order of the calls, also where the awaiting is left to tasks. A cancelled call has either
        sent the whole message or nothing.

        Args:
            message: ``str`` is sent as text, anything like ``bytes`` as binary. An iterable of
                these is sent as one message, a frame for each element, typed by the first;
                other messages wait for its end. If it raises, the connection fails with 1011,
                since half a message cannot be taken back.
            compress: False sends it as it is, whatever compression was agreed on.

        Raises:
            ConnectionClosed: the connection has ended; while it is closing, as soon as it has.
            PayloadExceededError: the message is larger than ``max_message_payload_size``; what
                comes out of an iterable is not measured.
            OptionTypeError: it is something else.
        """
        kind = type(message)
        if self._careful or not compress or (kind is not str and kind is not bytes):
            return self._send_with_care(message, compress)
        doors = self._doors
        try:
            self._connection.send_message(message, kind is bytes)  # type: ignore[arg-type]
        except WebSocketError:  # is found there again, and raised to whoever awaits
            return self._send_with_care(message, compress)
        doors._credit -= 1
        if doors._writing_paused or doors._credit < 0:
            return self._give_way()
        return SENT

    def _send_with_care(self, message: Any, compress: bool) -> Coroutine[Any, Any, None]:
        """Send what is not plain, or not now."""
        raise AssertionError

    def _give_way(self) -> Coroutine[Any, Any, None]:
        """Wait for the peer, and now and then for the loop, which may know that it is gone."""
        raise AssertionError
