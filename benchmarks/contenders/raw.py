"""TCP without WebSocket: what the event loop and the kernel take."""

from __future__ import annotations

import asyncio
from typing import cast

from .setup import BACKLOG, HOST, Setup

clients: set[asyncio.Transport] = set()


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        clients.add(self.transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        clients.discard(self.transport)


class Broadcast(Echo):
    def data_received(self, data: bytes) -> None:
        for client in clients:
            client.write(data)


async def server(setup: Setup) -> object:
    setup.refuse_deflate()
    loop = asyncio.get_running_loop()
    kind = Broadcast if setup.broadcast else Echo
    return await loop.create_server(kind, HOST, setup.port, ssl=setup.ssl, backlog=BACKLOG)


async def client(setup: Setup) -> None:
    await asyncio.get_running_loop().create_connection(Echo, HOST, setup.port)
    await asyncio.Event().wait()
