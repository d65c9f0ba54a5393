"""wsproto_async, ``async for``."""

from __future__ import annotations

from wsproto_async import (
    ClientOptions,
    Deflate,
    ServerOptions,
    WebSocket,
    broadcast,
    connect,
    serve,
)

from .build import check_build
from .setup import BACKLOG, HOST, Setup

check_build()
clients: set[WebSocket] = set()


async def echo(ws: WebSocket) -> None:
    async for message in ws:
        await ws.send(message)


async def to_all(ws: WebSocket) -> None:
    clients.add(ws)
    try:
        async for message in ws:
            broadcast(clients, message)
    finally:
        clients.discard(ws)


async def server(setup: Setup) -> object:
    options = ServerOptions(
        max_message_payload_size=0,
        max_frame_payload_size=0,
        auto_ping_interval=0,
    )
    handler = to_all if setup.broadcast else echo
    compression = Deflate() if setup.deflate else None
    return await serve(
        handler,
        HOST,
        setup.port,
        options=options,
        compression=compression,
        ssl=setup.ssl,
        backlog=BACKLOG,
    )


async def client(setup: Setup) -> None:
    async with connect(setup.url, options=ClientOptions(auto_ping_interval=0)) as ws:
        await echo(ws)
