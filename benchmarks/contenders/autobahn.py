"""Autobahn, on asyncio."""

from __future__ import annotations

import asyncio
from typing import Any

from autobahn.asyncio.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept

from .setup import BACKLOG, HOST, Setup

clients: set[Any] = set()


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


class Broadcast(WebSocketServerProtocol):
    factory: Any

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


def accept(offers: list[Any]) -> Any:
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)
    return None


async def server(setup: Setup) -> object:
    loop = asyncio.get_running_loop()
    factory = WebSocketServerFactory(loop=loop)
    factory.protocol = Broadcast if setup.broadcast else Echo
    if setup.deflate:
        factory.setProtocolOptions(perMessageCompressionAccept=accept)
    return await loop.create_server(factory, HOST, setup.port, ssl=setup.ssl, backlog=BACKLOG)


async def client(setup: Setup) -> None:
    loop = asyncio.get_running_loop()
    factory = WebSocketClientFactory(setup.url, loop=loop)
    factory.protocol = EchoClient
    await loop.create_connection(factory, HOST, setup.port)
    await asyncio.Event().wait()
