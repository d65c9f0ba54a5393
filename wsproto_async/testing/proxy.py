"""A TCP proxy in front of a server, for what can go wrong between real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any

from .recorder import Recorder
from .wire import CAPACITY, Faults, Wire

__all__ = ["FaultyProxy"]

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a reset, and forgets what was not sent."""


class FaultyProxy:
    """Passes connections on to a server, with faults for all of them: ``async with``.

    Attributes:
        host, port: where it listens, once it is entered.
        connections: the connections that go through it, the oldest first; each has the same
            faults, and its two directions.
    """

    def __init__(
        self,
        port: int,
        host: str = "127.0.0.1",
        *,
        capacity: int = CAPACITY,
        recorder: Recorder | None = None,
    ) -> None:
        """Make it.

        Args:
            port: of the server.
            host: of the server.
            capacity: octets that it holds in each direction of a connection.
            recorder: writes down what passes; TLS it cannot read.
        """
        self.host = host
        self.port = 0
        self.connections: list[Faults] = []
        self._target = (host, port)
        self._capacity = capacity
        self._recorder = recorder
        self._lasting: list[Callable[[Faults], None]] = []
        self._server: asyncio.Server | None = None
        self._ends: set[_End] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> FaultyProxy:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        ends = list(self._ends)
        for end in ends:
            end.transport.abort()
        await asyncio.gather(*(end.lost for end in ends))
        await self._server.wait_closed()

    # --- faults -------------------------------------------------------------------------------

    def stall(self) -> None:
        """Let nothing arrive, on connections of now and later: see :meth:`Wire.stall`."""
        self._last(lambda connection: connection.stall())

    def slow(self, octets_per_second: float) -> None:
        """Let so many octets arrive in a second, on each connection: see :meth:`Wire.slow`."""
        self._last(lambda connection: connection.slow(octets_per_second))

    def split(self, sizes: int | Iterable[int]) -> None:
        """Cut what arrives into pieces: see :meth:`Wire.split`."""
        fixed = sizes if isinstance(sizes, int) else list(sizes)
        self._last(lambda connection: connection.split(fixed))

    def resume(self) -> None:
        """Let everything arrive again, on connections of now and later."""
        self._lasting.clear()
        for connection in self.connections:
            connection.resume()

    def cut(self) -> None:
        """Break the connections there are: both ends get a reset."""
        for connection in list(self.connections):
            connection.cut()

    def _last(self, fault: Callable[[Faults], None]) -> None:
        self._lasting.append(fault)
        for connection in self.connections:
            fault(connection)

    # --- connections --------------------------------------------------------------------------

    def _accept(self) -> _End:
        """A client has connected: connect to the server for it."""
        near = _End(self._ends)
        task = asyncio.ensure_future(self._connect(near))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return near

    async def _connect(self, near: _End) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, far = await loop.create_connection(lambda: _End(self._ends), *self._target)
        except OSError:
            near.transport.abort()
            return
        connection = Faults(Wire(loop, self._capacity), Wire(loop, self._capacity))
        for fault in self._lasting:
            fault(connection)
        if self._recorder is not None:
            self._recorder.watch(connection)
        self.connections.append(connection)
        near.lost.add_done_callback(lambda _: self.connections.remove(connection))
        far.join(connection.to_client, connection.to_server)
        near.join(connection.to_server, connection.to_client)


class _End(asyncio.Protocol):
    """One of the two sockets of a connection: an end of each wire."""

    transport: Any
    outgoing: Wire | None = None
    incoming: Wire | None = None

    def __init__(self, ends: set[_End]) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ends = ends
        self._backlog = b""
        self._ended = False
        self._finished = False
        self._full = False

    def join(self, outgoing: Wire, incoming: Wire) -> None:
        """The other end is there: pass on what has come, and what comes."""
        self.outgoing, self.incoming = outgoing, incoming
        outgoing.writer = incoming.reader = self
        if self.lost.done():  # it was not worth waiting for
            self._leave(None)
        else:
            self.more()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._ends.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._ends.discard(self)
        self._leave(exc)
        self.lost.set_result(None)

    def _leave(self, exc: BaseException | None) -> None:
        outgoing, self.outgoing = self.outgoing, None
        incoming, self.incoming = self.incoming, None
        if outgoing is None or incoming is None:
            return
        if exc is not None:
            outgoing.close(ConnectionResetError("the peer is gone"))
        outgoing.end()
        incoming.leave()

    # --- from the socket to a wire --------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._backlog += data
        self.more()

    def more(self) -> None:
        if self.outgoing is None:
            if len(self._backlog) > CAPACITY and not self.transport.is_closing():
                self.transport.pause_reading()
            return
        if self._backlog:
            self._backlog = self._backlog[self.outgoing.put(self._backlog) :]
        if self.transport.is_closing():
            return
        if self._backlog:
            self.transport.pause_reading()
        elif self._ended:
            self.outgoing.end()
        else:
            self.transport.resume_reading()

    def eof_received(self) -> bool:
        self._ended = True
        self.more()
        self._close_if_done()
        return True

    # --- from a wire to the socket --------------------------------------------------------------

    def is_ready(self) -> bool:
        return not self._full and not self.transport.is_closing()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        assert self.incoming is not None  # what was written came out of it
        self.incoming.kick()

    def take(self, octets: bytes) -> int:
        self.transport.write(octets)
        return len(octets)

    def take_end(self) -> None:
        self._finished = True
        with contextlib.suppress(OSError):  # it has been reset meanwhile
            self.transport.write_eof()
        self._close_if_done()

    def lose(self, error: Exception) -> None:
        sock: socket.socket = self.transport.get_extra_info("socket")
        if not self.transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()

    def _close_if_done(self) -> None:
        if self._ended and self._finished:
            self.transport.close()
