"""A wire: octets on their way in one direction, and what can go wrong with them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from ..errors import OptionError, check_type

__all__ = ["CAPACITY", "Faults", "Reader", "Wire", "Writer"]

CAPACITY = 64 * 1024
"""Octets that a wire holds, as the buffers of the operating system do."""

READ_SIZE = 256 * 1024
"""Octets that a reader is given at once, as from a socket."""

TICK = 0.01
"""Seconds between two pieces on a slow wire."""


class Reader(Protocol):
    """The far end of a wire."""

    def is_ready(self) -> bool:
        """Whether it wants octets now; it calls :meth:`Wire.kick` when that becomes true."""

    def take(self, octets: bytes, /) -> int:
        """Receive some of these octets; how many they were, at least one."""

    def take_end(self) -> None:
        """Hear that there will be no more."""

    def lose(self, error: Exception, /) -> None:
        """Hear that the connection is broken."""


class Writer(Protocol):
    """The near end of a wire."""

    def more(self) -> None:
        """Hear that there is room for more."""

    def lose(self, error: Exception, /) -> None:
        """Hear that the connection is broken."""


class Wire:
    """One direction of a connection, with faults that a test can switch on and off.

    Octets arrive in a later turn of the loop than they were written in, in order, and a reader
    gets what has come together.

    Attributes:
        capacity: octets that it holds before its writer has to wait.
        passed: octets that have arrived so far.
        on_octets: called with what is about to arrive, piece by piece.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, capacity: int = CAPACITY) -> None:
        check_type("capacity", capacity, int)
        if capacity < 1:
            raise OptionError(f"capacity must be 1 octet or more, not {capacity}")
        self.capacity = capacity
        self.passed = 0
        self.on_octets: Callable[[bytes], object] | None = None
        self.reader: Reader | None = None
        self.writer: Writer | None = None
        self._loop = loop
        self._octets = bytearray()
        self._ending = False
        self._handle: asyncio.Handle | None = None
        self._stalled = False
        self._sizes: Iterator[int] | None = None
        self._rate: float | None = None
        self._cut_at: int | None = None

    # --- faults -------------------------------------------------------------------------------

    def stall(self) -> None:
        """Let nothing arrive, as if a cable were pulled; neither end is told."""
        self._stalled = True

    def resume(self) -> None:
        """Let everything arrive again as it comes: undo ``stall``, ``slow`` and ``split``."""
        self._stalled = False
        self._rate = self._sizes = None
        if self._handle is not None and self.reader is not None:
            self._handle.cancel()  # it may be for a piece of a slow wire, hours from now
            self._handle = None
        self.kick()

    def slow(self, octets_per_second: float) -> None:
        """Let so many octets arrive in a second, a hundredth of that at a time.

        Raises:
            OptionError: the rate is not positive.
        """
        if not octets_per_second > 0:
            raise OptionError(f"octets_per_second must be above 0, not {octets_per_second!r}")
        self._rate = octets_per_second

    def split(self, sizes: int | Iterable[int]) -> None:
        """Cut what arrives into pieces of at most these sizes, over and over.

        Each piece arrives in a turn of the loop of its own.

        Raises:
            OptionError: a size is not positive, or there is none.
        """
        fixed = [sizes] if isinstance(sizes, int) else list(sizes)
        if not fixed or min(fixed) < 1:
            raise OptionError(f"split() needs sizes from 1 octet on, not {fixed}")
        self._sizes = itertools.cycle(fixed)

    def cut(self, after: int = 0) -> None:
        """Break the connection, for both ends, when ``after`` more octets have arrived.

        Both are told ``ConnectionResetError``; what was still on its way is lost.
        """
        check_type("after", after, int)
        self._cut_at = self.passed + after
        if after <= 0:
            self.close(ConnectionResetError("the connection was cut"))

    # --- its two ends -------------------------------------------------------------------------

    def __len__(self) -> int:
        """Octets that are on their way."""
        return len(self._octets)

    def put(self, octets: bytes | bytearray | memoryview) -> int:
        """Take octets for the reader, as far as there is room; how many they were."""
        if self.reader is None:
            # TCP answers that by a reset; what was sent the other way before arrives before it.
            if self._handle is None:
                error = ConnectionResetError("the peer is gone")
                self._handle = self._loop.call_soon(self.close, error)
            return len(octets)
        taken = min(len(octets), max(self.capacity - len(self._octets), 0))
        self._octets += octets[:taken]
        self.kick()
        return taken

    def end(self) -> None:
        """No more will be put; the reader hears so behind everything else."""
        self.writer = None
        self._ending = True
        self.kick()

    def kick(self) -> None:
        """Go on in the next turn, if there is anything to do."""
        if self._handle is None and self._can_deliver():
            self._handle = self._loop.call_soon(self._deliver)

    def leave(self) -> None:
        """The reader is gone: nothing will arrive any more, as its writer finds out."""
        self.reader = None
        self._octets.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self.writer is not None:
            self.writer.more()

    def close(self, error: Exception) -> None:
        """The connection is broken: tell both ends."""
        reader, writer, self.reader, self.writer = self.reader, self.writer, None, None
        self.leave()
        for end in (reader, writer):
            if end is not None:
                end.lose(error)

    def _can_deliver(self) -> bool:
        return (
            not self._stalled
            and self.reader is not None
            and bool(self._octets or self._ending)
            and self.reader.is_ready()
        )

    def _deliver(self) -> None:
        """Give the reader what it can take at once."""
        self._handle = None
        if not self._can_deliver():
            return
        assert self.reader is not None
        if not self._octets:
            self._ending = False
            self.reader.take_end()
            return
        size = self._next_size()
        piece = bytes(self._octets[:size])
        del self._octets[:size]
        taken = self.reader.take(piece)
        self.passed += taken
        if self.on_octets is not None:
            self.on_octets(piece[:taken])
        if self.reader is None:
            return  # it was the last piece that it wanted
        self._octets[:0] = piece[taken:]
        if self._cut_at is not None and self.passed >= self._cut_at:
            self.close(ConnectionResetError("the connection was cut"))
            return
        if self.writer is not None:
            self.writer.more()
        if self._rate is None:
            self.kick()
        else:
            if self._handle is not None:
                self._handle.cancel()  # what came in meanwhile has to wait as well
            self._handle = self._loop.call_later(taken / self._rate, self._deliver)

    def _next_size(self) -> int:
        size = READ_SIZE
        if self._sizes is not None:
            size = min(size, next(self._sizes))
        if self._rate is not None:
            size = min(size, int(self._rate * TICK) or 1)
        if self._cut_at is not None:
            size = min(size, self._cut_at - self.passed)
        return size


class Faults:
    """Both directions of a connection, with faults for both; each has its own, too.

    Attributes:
        to_server: from the client to the server.
        to_client: from the server to the client.
    """

    def __init__(self, to_server: Wire, to_client: Wire) -> None:
        self.to_server = to_server
        self.to_client = to_client

    def stall(self) -> None:
        """Let nothing arrive, in neither direction: see :meth:`Wire.stall`."""
        self.to_server.stall()
        self.to_client.stall()

    def resume(self) -> None:
        """Let everything arrive again: see :meth:`Wire.resume`."""
        self.to_server.resume()
        self.to_client.resume()

    def slow(self, octets_per_second: float) -> None:
        """Let so many octets arrive in a second, each way: see :meth:`Wire.slow`."""
        self.to_server.slow(octets_per_second)
        self.to_client.slow(octets_per_second)

    def split(self, sizes: int | Iterable[int]) -> None:
        """Cut what arrives into pieces: see :meth:`Wire.split`."""
        sizes = sizes if isinstance(sizes, int) else list(sizes)
        self.to_server.split(sizes)
        self.to_client.split(sizes)

    def cut(self) -> None:
        """Break the connection: see :meth:`Wire.cut`."""
        self.to_server.cut()
        self.to_client.cut()
