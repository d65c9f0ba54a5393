"""Other implementations at the other end: echo servers, and clients that say what they are told."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import aiohttp.web
import websockets

# They come without types.
autobahn_websocket: Any = importlib.import_module("autobahn.asyncio.websocket")
autobahn_compress: Any = importlib.import_module("autobahn.websocket.compress")

Messages = Sequence[str | bytes]


# --- websockets -----------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def websockets_server(**options: Any) -> AsyncIterator[tuple[websockets.Server, int]]:
    """An echo server, and its port."""

    async def echo(ws: websockets.ServerConnection) -> None:
        async for message in ws:
            await ws.send(message)

    async with websockets.serve(echo, "127.0.0.1", 0, **options) as server:
        yield server, next(iter(server.sockets)).getsockname()[1]


async def websockets_converse(ws: websockets.ClientConnection, messages: Messages) -> None:
    """Have every message echoed."""
    for message in messages:
        await ws.send(message)
        assert await ws.recv() == message


# --- aiohttp --------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def aiohttp_server(**options: Any) -> AsyncIterator[int]:
    """An echo server; its port."""

    async def echo(request: aiohttp.web.Request) -> aiohttp.web.WebSocketResponse:
        ws = aiohttp.web.WebSocketResponse(**options)
        await ws.prepare(request)
        async for message in ws:
            await _send(ws, message.data)
        return ws

    app = aiohttp.web.Application()
    app.router.add_get("/", echo)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    try:
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def aiohttp_converse(ws: aiohttp.ClientWebSocketResponse, messages: Messages) -> None:
    """Have every message echoed."""
    for message in messages:
        await _send(ws, message)
        assert (await ws.receive()).data == message


async def _send(
    ws: aiohttp.web.WebSocketResponse | aiohttp.ClientWebSocketResponse, message: str | bytes
) -> None:
    await (ws.send_str(message) if isinstance(message, str) else ws.send_bytes(message))


# --- Autobahn -------------------------------------------------------------------------------------


class _AutobahnClient(autobahn_websocket.WebSocketClientProtocol):  # type: ignore[misc]
    """Sends the messages one after the other, each when the one before is back."""

    def onOpen(self) -> None:
        self.index = 0
        self.say()

    def say(self) -> None:
        if self.index == len(self.factory.messages):
            self.sendClose(1000)
            return
        message = self.factory.messages[self.index]
        octets = message.encode() if isinstance(message, str) else message
        self.sendMessage(octets, isinstance(message, bytes), fragmentSize=self.index * 1000 or None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        message = payload if isBinary else payload.decode()
        if message != self.factory.messages[self.index]:
            self.sendClose(3000, f"message {self.index}")
        self.index += 1
        self.say()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        stats = self.trafficStats
        sizes = stats.incomingOctetsAppLevel, stats.incomingOctetsWebSocketLevel
        self.factory.done.set_result((wasClean, code, self.index, *sizes))


class _AutobahnServer(autobahn_websocket.WebSocketServerProtocol):  # type: ignore[misc]
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


async def autobahn_converse(url: str, messages: Messages, **options: Any) -> tuple[int, int]:
    """Have every message echoed, and close.

    Args:
        url: of the server.
        messages: what to say.
        options: for ``setProtocolOptions``.

    Returns:
        The octets that came back, inflated and as they were on the wire.
    """
    loop = asyncio.get_running_loop()
    factory = autobahn_websocket.WebSocketClientFactory(url, loop=loop)
    factory.protocol = _AutobahnClient
    factory.messages = messages
    factory.done = loop.create_future()
    factory.setProtocolOptions(closeHandshakeTimeout=10, **options)
    await loop.create_connection(factory, factory.host, factory.port)
    *outcome, plain, wire = await factory.done
    assert outcome == [True, 1000, len(messages)]
    return plain, wire


@contextlib.asynccontextmanager
async def autobahn_server(**options: Any) -> AsyncIterator[str]:
    """An echo server with these options (``setProtocolOptions``); its URL."""
    loop = asyncio.get_running_loop()
    factory = autobahn_websocket.WebSocketServerFactory(loop=loop)
    factory.protocol = _AutobahnServer
    factory.setProtocolOptions(**options)
    server = await loop.create_server(factory, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await server.wait_closed()
