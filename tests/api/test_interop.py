"""Everybody with everybody: our two styles and three other libraries, both roles, with TLS too."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import aiohttp.web
import pytest
import websockets

from wsproto_async import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    connect,
    serve,
)

from .support import Certificates

# It comes without types.
autobahn: Any = importlib.import_module("autobahn.asyncio.websocket")

MESSAGES: list[str | bytes] = ["", "text ½ 🐸", b"", b"\x00\xff", "x" * 70_000, b"x" * 300_000]

TLS = ssl.SSLContext | None
Server = Callable[[TLS], contextlib.AbstractAsyncContextManager[int]]
Client = Callable[[str, int, TLS], Awaitable[list[str | bytes]]]


# --- servers: each echoes, and gives its port ---------------------------------------------------


def port_of(server: Any) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


async def echo(ws: Any) -> None:
    async for message in ws:
        await ws.send(message)


class EchoMixin:
    """The same hooks for Autobahn's classes and for ours."""

    def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


class OurEcho(EchoMixin, WebSocketServerProtocol):
    """Callbacks."""


class AutobahnEcho(EchoMixin, autobahn.WebSocketServerProtocol):  # type: ignore[misc]
    """Theirs."""


@contextlib.asynccontextmanager
async def factory_server(factory: Any, protocol: type, tls: TLS) -> AsyncIterator[int]:
    factory.protocol = protocol
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, ssl=tls)
    try:
        yield port_of(server)
    finally:
        server.close()


def our_callbacks_server(tls: TLS) -> Any:
    return factory_server(WebSocketServerFactory(), OurEcho, tls)


def autobahn_server(tls: TLS) -> Any:
    return factory_server(autobahn.WebSocketServerFactory(), AutobahnEcho, tls)


@contextlib.asynccontextmanager
async def our_async_server(tls: TLS) -> AsyncIterator[int]:
    async with serve(echo, "127.0.0.1", 0, ssl=tls) as server:
        yield port_of(server)


@contextlib.asynccontextmanager
async def websockets_server(tls: TLS) -> AsyncIterator[int]:
    async with websockets.serve(echo, "127.0.0.1", 0, ssl=tls) as server:
        yield port_of(server)


@contextlib.asynccontextmanager
async def aiohttp_server(tls: TLS) -> AsyncIterator[int]:
    async def handler(request: aiohttp.web.Request) -> aiohttp.web.WebSocketResponse:
        ws = aiohttp.web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            send = ws.send_str if message.type == aiohttp.WSMsgType.TEXT else ws.send_bytes
            await send(message.data)
        return ws

    app = aiohttp.web.Application()
    app.router.add_get("/", handler)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


# --- clients: each sends the messages, and gives what came back ---------------------------------


class AskMixin:
    """Sends all messages at once and closes when all are back."""

    def onOpen(self: Any) -> None:
        self.echoes: list[str | bytes] = []
        for message in MESSAGES:
            octets = message.encode() if isinstance(message, str) else message
            self.sendMessage(octets, isinstance(message, bytes))

    def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        self.echoes.append(payload if isBinary else payload.decode())
        if len(self.echoes) == len(MESSAGES):
            self.sendClose(1000)

    def onClose(self: Any, wasClean: bool, code: int | None, reason: str | None) -> None:
        assert wasClean
        self.factory.done.set_result(self.echoes)


class OurAsker(AskMixin, WebSocketClientProtocol):
    """Callbacks."""


class AutobahnAsker(AskMixin, autobahn.WebSocketClientProtocol):  # type: ignore[misc]
    """Theirs."""


async def factory_client(factory: Any, protocol: type, port: int, tls: TLS) -> Any:
    loop = asyncio.get_running_loop()
    factory.protocol, factory.done = protocol, loop.create_future()
    name = "localhost" if tls else None
    await loop.create_connection(factory, "127.0.0.1", port, ssl=tls, server_hostname=name)
    return await factory.done


async def our_callbacks_client(url: str, port: int, tls: TLS) -> Any:
    return await factory_client(WebSocketClientFactory(url), OurAsker, port, tls)


async def autobahn_client(url: str, port: int, tls: TLS) -> Any:
    return await factory_client(autobahn.WebSocketClientFactory(url), AutobahnAsker, port, tls)


async def ask(ws: Any) -> list[str | bytes]:
    echoes: list[str | bytes] = []
    for message in MESSAGES:
        await ws.send(message)
        echoes.append(await ws.recv())
    return echoes


async def our_async_client(url: str, port: int, tls: TLS) -> Any:
    async with connect(url, ssl=tls) as ws:
        return await ask(ws)


async def websockets_client(url: str, port: int, tls: TLS) -> Any:
    async with websockets.connect(url, ssl=tls, proxy=None) as ws:
        return await ask(ws)


async def aiohttp_client(url: str, port: int, tls: TLS) -> Any:
    echoes: list[str | bytes] = []
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, ssl=tls if tls else True) as ws,
    ):
        for message in MESSAGES:
            await (ws.send_str(message) if isinstance(message, str) else ws.send_bytes(message))
            echoes.append((await ws.receive()).data)
    return echoes


OUR_SERVERS = [our_callbacks_server, our_async_server]
OUR_CLIENTS = [our_callbacks_client, our_async_client]
THEIR_SERVERS = [websockets_server, aiohttp_server, autobahn_server]
THEIR_CLIENTS = [websockets_client, aiohttp_client, autobahn_client]
PAIRS = [
    *((server, client) for server in OUR_SERVERS for client in [*OUR_CLIENTS, *THEIR_CLIENTS]),
    *((server, client) for server in THEIR_SERVERS for client in OUR_CLIENTS),
]


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("server", "client"), PAIRS, ids=[f"{s.__name__}-{c.__name__}" for s, c in PAIRS]
)
async def test_every_message_comes_back(
    server: Server, client: Client, secure: bool, certificates: Certificates
) -> None:
    async with server(certificates.server if secure else None) as port:
        url = f"wss://localhost:{port}/" if secure else f"ws://127.0.0.1:{port}/"
        assert await client(url, port, certificates.client if secure else None) == MESSAGES
