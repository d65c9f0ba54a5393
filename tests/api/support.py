"""Servers for tests, and peers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from tests.contract.support import Frame, frame, frames, request, response
from wsproto_async import ConnectionClosed, Server, WebSocket, serve

__all__ = [
    "Certificates",
    "RawPeer",
    "collect",
    "drain",
    "echo",
    "port_of",
    "raw_client",
    "raw_server",
    "serving",
    "until",
]


T = TypeVar("T")


class Certificates(NamedTuple):
    """TLS contexts for both sides."""

    server: ssl.SSLContext
    client: ssl.SSLContext


async def echo(ws: WebSocket) -> None:
    """A handler that sends everything back."""
    async for message in ws:
        await ws.send(message)


async def drain(ws: WebSocket) -> None:
    """A handler that reads, and says nothing."""
    with contextlib.suppress(ConnectionClosed):
        async for _ in ws:
            pass


def port_of(server: Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


@contextlib.asynccontextmanager
async def serving(
    handler: Callable[[WebSocket], Awaitable[Any]] = echo, **arguments: Any
) -> AsyncIterator[tuple[Server, str]]:
    """A server at a free port, and its URL."""
    async with serve(handler, "127.0.0.1", 0, **arguments) as server:
        scheme, host = ("wss", "localhost") if arguments.get("ssl") else ("ws", "127.0.0.1")
        yield server, f"{scheme}://{host}:{port_of(server)}/"


async def collect(messages: AsyncIterator[T], into: list[T]) -> None:
    """Take messages until there are no more."""
    async for message in messages:
        into.append(message)


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until something is so."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


class RawPeer:
    """The other end, frame by frame.

    Attributes:
        head: the HTTP head it has received.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = b""

    async def read_head(self) -> bytes:
        self.head = await self.reader.readuntil(b"\r\n\r\n")
        return self.head

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def frame(self) -> Frame:
        """The next frame."""
        head = await self.reader.readexactly(2)
        size, more = head[1] & 0x7F, b""
        if size > 125:
            more = await self.reader.readexactly(2 if size == 126 else 8)
            size = int.from_bytes(more, "big")
        more += await self.reader.readexactly(size + (4 if head[1] & 0x80 else 0))
        return frames(head + more)[0]._replace(mask=None)

    async def everything(self) -> bytes:
        """What comes until the end."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""

    def close(self) -> None:
        self.writer.close()

    def abort(self) -> None:
        """Drop the connection without a word."""
        self.writer.transport.abort()

    def send(self, opcode: int, payload: bytes = b"", **more: Any) -> None:
        self.write(frame(opcode, payload, **more))


@contextlib.asynccontextmanager
async def raw_client(
    server: Server | int, upgrade: bool = True, **arguments: Any
) -> AsyncIterator[RawPeer]:
    """A client of a server of ours, or of its port; the handshake is done if wanted."""
    port = server if isinstance(server, int) else port_of(server)
    peer = RawPeer(*await asyncio.open_connection("127.0.0.1", port, **arguments))
    try:
        if upgrade:
            peer.write(request())
            assert (await peer.read_head()).startswith(b"HTTP/1.1 101 ")
        yield peer
    finally:
        peer.close()


@contextlib.asynccontextmanager
async def raw_server(
    script: Callable[[RawPeer], Awaitable[object]], upgrade: bool = True, **arguments: Any
) -> AsyncIterator[str]:
    """A server that does what a script says with each client; the URL."""
    peers = set()

    async def on_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = RawPeer(reader, writer)
        peers.add(asyncio.current_task())
        try:
            if upgrade:
                head = await peer.read_head()
                key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
                peer.write(response(key))
            await script(peer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            peer.close()
            peers.discard(asyncio.current_task())

    server = await asyncio.start_server(on_client, "127.0.0.1", 0, **arguments)
    scheme, host = ("wss", "localhost") if arguments.get("ssl") else ("ws", "127.0.0.1")
    try:
        yield f"{scheme}://{host}:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in list(peers):
            if task is not None:
                task.cancel()
        await server.wait_closed()
