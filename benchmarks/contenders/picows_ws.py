"""picows' second API, which takes that of websockets for its model: ``async for``."""

from __future__ import annotations

from typing import Any

import picows.websockets
from picows.websockets.asyncio.client import connect
from picows.websockets.asyncio.server import serve

from .setup import BACKLOG, HOST, Setup

clients: set[Any] = set()


async def echo(ws: Any) -> None:
    async for message in ws:
        await ws.send(message)


async def to_all(ws: Any) -> None:
    clients.add(ws)
    try:
        async for message in ws:
            picows.websockets.broadcast(clients, message)
    finally:
        clients.discard(ws)


async def server(setup: Setup) -> object:
    server: object = await serve(
        to_all if setup.broadcast else echo,
        HOST,
        setup.port,
        compression="deflate" if setup.deflate else None,
        max_size=None,
        ping_interval=None,
        ssl=setup.ssl,
        backlog=BACKLOG,
    )
    return server


async def client(setup: Setup) -> None:
    async with connect(
        setup.url, compression=None, max_size=None, ping_interval=None, proxy=None
    ) as ws:
        await echo(ws)
