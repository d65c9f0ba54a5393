"""What a server does with clients for whom the process has no descriptor left."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import time
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["Reserve"]

SILENCE = 60.0
"""Seconds between two lines in the log."""


class Reserve:
    """A descriptor that is kept to turn clients away with.

    Without one left, a selector loop of asyncio can neither accept a client nor be rid of it: it
    tries a hundred times a second, and logs a traceback each time. So the one in reserve is given
    up for a moment, and the client accepted and sent away. uvloop does that by itself.

    Args:
        server: whose listening sockets are to be guarded.
        say: is told in words, now and then.
    """

    def __init__(self, server: asyncio.Server, say: Callable[[str], object]) -> None:
        self.say = say
        self.quiet_until = 0.0
        self.descriptor: int | None = None
        sockets: list[Any] = getattr(server, "_sockets", None) or []  # uvloop's has none
        if sockets:
            with contextlib.suppress(OSError):  # then the next time
                self.hold()
        for each in sockets:
            each.__class__ = Guarded
            _reserves[each] = self

    def turn_away(self, accept: Callable[[], tuple[socket.socket, Any]]) -> None:
        """Accept a client and send it away.

        Raises:
            OSError: not even that can be done.
        """
        if self.descriptor is None:
            self.hold()
        self.release()
        now = time.monotonic()
        if now >= self.quiet_until:
            self.quiet_until = now + SILENCE
            self.say("clients are turned away: the process has no file descriptors left")
        try:
            accept()[0].close()
        finally:
            self.hold()

    def hold(self) -> None:
        self.descriptor = os.open(os.devnull, os.O_RDONLY)

    def release(self) -> None:
        """Let go of it."""
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None:
            os.close(descriptor)


_reserves: weakref.WeakKeyDictionary[socket.socket, Reserve] = weakref.WeakKeyDictionary()


class Guarded(socket.socket):
    """A listening socket that turns clients away where it cannot accept them."""

    __slots__ = ()  # or a socket could not become one

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a client; ``InterruptedError``, and one less waits, if it cannot be kept."""
        try:
            return super().accept()
        except OSError as error:
            reserve = _reserves.get(self)
            if reserve is None or error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
        reserve.turn_away(super().accept)
        raise InterruptedError
