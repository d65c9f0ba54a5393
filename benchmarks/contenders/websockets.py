"""websockets, its asyncio API."""

from __future__ import annotations

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, broadcast, serve

from .setup import BACKLOG, HOST, Setup

clients: set[ServerConnection] = set()


async def echo(ws: ServerConnection | ClientConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def to_all(ws: ServerConnection) -> None:
    clients.add(ws)
    try:
        async for message in ws:
            broadcast(clients, message)
    finally:
        clients.discard(ws)


async def server(setup: Setup) -> object:
    return await serve(
        to_all if setup.broadcast else echo,
        HOST,
        setup.port,
        compression="deflate" if setup.deflate else None,
        max_size=None,
        ping_interval=None,
        ssl=setup.ssl,
        backlog=BACKLOG,
    )


async def client(setup: Setup) -> None:
    async with connect(
        setup.url, compression=None, max_size=None, ping_interval=None, proxy=None
    ) as ws:
        await echo(ws)
