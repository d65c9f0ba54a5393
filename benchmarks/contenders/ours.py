"""wsproto_async, callbacks."""

from __future__ import annotations

import asyncio

from wsproto_async import (
    Deflate,
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)

from .build import check_build
from .setup import BACKLOG, HOST, Setup

check_build()
clients: set[WebSocketServerProtocol] = set()


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


class Broadcast(WebSocketServerProtocol):
    def onOpen(self) -> None:
        clients.add(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        prepared = self.factory.prepareMessage(payload, isBinary)
        for client in clients:
            client.sendPreparedMessage(prepared)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        clients.discard(self)


class EchoClient(WebSocketClientProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


async def server(setup: Setup) -> object:
    factory = WebSocketServerFactory()
    if setup.deflate:
        factory.setProtocolOptions(perMessageCompressionAccept=Deflate().accept)
    return await listen(factory, setup)


async def listen(factory: WebSocketServerFactory, setup: Setup) -> object:
    factory.protocol = Broadcast if setup.broadcast else Echo
    loop = asyncio.get_running_loop()
    return await loop.create_server(factory, HOST, setup.port, ssl=setup.ssl, backlog=BACKLOG)


async def client(setup: Setup) -> None:
    factory = WebSocketClientFactory(setup.url)
    factory.protocol = EchoClient
    await asyncio.get_running_loop().create_connection(factory, HOST, setup.port)
    await asyncio.Event().wait()
