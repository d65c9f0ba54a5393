"""A transport of asyncio whose other end is in the same process."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from .wire import Wire

__all__ = ["MemoryTransport", "join"]

Octets = bytes | bytearray | memoryview

HIGH = 64 * 1024
"""Octets that may wait before a protocol is told to pause; what asyncio's transports have."""

_ports = itertools.count(49152)


class MemoryTransport(asyncio.Transport):
    """One end of a connection in memory. It behaves as asyncio's own over a socket do.

    It has a write buffer with marks, for what the wire has no room for; ``close`` ends it behind
    what was written, ``abort`` at once; ``connection_lost`` is called in a later turn.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BaseProtocol,
        extra: dict[str, Any],
        outgoing: Wire,
        incoming: Wire,
    ) -> None:
        super().__init__(extra)
        self._loop = loop
        self._protocol: Any = protocol
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)
        self._outgoing = outgoing
        self._incoming = incoming
        self._backlog = bytearray()
        self._high, self._low = HIGH, HIGH // 4
        self._protocol_paused = False
        self._reading = True
        self._closing = False
        self._ending = False
        self._lost = False
        outgoing.writer = self
        incoming.reader = self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} to {self.get_extra_info('peername')}>"

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Whom it belongs to."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Give it to another protocol, as ``start_tls`` and upgrades do."""
        self._protocol = protocol
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)

    # --- writing ------------------------------------------------------------------------------

    def write(self, data: Octets) -> None:
        """Send octets; never waits."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data must be bytes-like, not {type(data).__name__}")
        if self._ending:
            raise RuntimeError("write() behind write_eof()")
        if self._lost or not data:
            return
        if not self._backlog:
            data = data[self._outgoing.put(data) :]
        self._backlog += data
        self._check_marks()

    def write_eof(self) -> None:
        """Close this direction, behind what was written."""
        if not self._ending and not self._closing:
            self._ending = True
            self._finish_writing()

    def can_write_eof(self) -> bool:
        """It can."""
        return True

    def get_write_buffer_size(self) -> int:
        """Octets that the wire had no room for."""
        return len(self._backlog)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Marks at which the protocol is told to pause and to go on: low, high."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the marks, in octets; what is left out is as with asyncio's transports."""
        if high is None:
            high = HIGH if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._high, self._low = high, low
        self._check_marks()

    def more(self) -> None:
        """The wire has room."""
        if self._backlog:
            del self._backlog[: self._outgoing.put(self._backlog)]
            self._check_marks()
        self._finish_writing()

    def _check_marks(self) -> None:
        waiting = len(self._backlog)
        if waiting > self._high and not self._protocol_paused:
            self._protocol_paused = True
            self._protocol.pause_writing()
        elif waiting <= self._low and self._protocol_paused:
            self._protocol_paused = False
            self._protocol.resume_writing()

    def _finish_writing(self) -> None:
        if self._backlog or self._lost:
            return
        if self._closing:
            self._lose_soon(None)
        elif self._ending:
            self._outgoing.end()

    # --- reading ------------------------------------------------------------------------------

    def pause_reading(self) -> None:
        """Receive nothing for now."""
        self._reading = False

    def resume_reading(self) -> None:
        """Receive again."""
        self._reading = True
        self._incoming.kick()

    def is_reading(self) -> bool:
        """Whether it receives."""
        return self.is_ready()

    def is_ready(self) -> bool:
        """Whether it receives."""
        return self._reading and not self._closing

    def take(self, octets: bytes) -> int:
        """Receive octets: once, as much as the protocol has room for."""
        if not self._buffered:
            self._protocol.data_received(octets)
            return len(octets)
        buffer = memoryview(self._protocol.get_buffer(len(octets))).cast("B")
        size = min(len(buffer), len(octets))
        buffer[:size] = octets[:size]
        del buffer
        self._protocol.buffer_updated(size)
        return size

    def take_end(self) -> None:
        """The peer writes no more."""
        if not self._protocol.eof_received():
            self.close()

    # --- the end ------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Whether it has begun to end."""
        return self._closing

    def close(self) -> None:
        """End the connection, behind what was written."""
        if not self._closing:
            self._closing = True
            self._finish_writing()

    def abort(self) -> None:
        """End the connection now; what the wire had no room for is lost."""
        self._lose_soon(None)

    def lose(self, error: Exception) -> None:
        """The connection is broken."""
        self._lose_soon(error)

    def _lose_soon(self, error: Exception | None) -> None:
        self._closing = True
        if not self._lost:
            self._lost = True
            self._backlog.clear()
            self._loop.call_soon(self._connection_lost, error)

    def _connection_lost(self, error: Exception | None) -> None:
        self._outgoing.end()
        self._incoming.leave()
        protocol, self._protocol = self._protocol, None
        protocol.connection_lost(error)


def join(
    loop: asyncio.AbstractEventLoop,
    client: asyncio.BaseProtocol,
    server: asyncio.BaseProtocol,
    capacity: int,
) -> tuple[Wire, Wire]:
    """Connect two protocols, and tell both; the server hears of it first.

    Returns:
        The wires to the server and to the client.
    """
    to_server, to_client = Wire(loop, capacity), Wire(loop, capacity)
    here, there = ("127.0.0.1", next(_ports)), ("127.0.0.1", 80)
    names = {"peername": here, "sockname": there}
    at_server = MemoryTransport(loop, server, names, to_client, to_server)
    names = {"peername": there, "sockname": here}
    at_client = MemoryTransport(loop, client, names, to_server, to_client)
    server.connection_made(at_server)
    client.connection_made(at_client)
    return to_server, to_client
