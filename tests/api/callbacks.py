"""The same things in the contract's style: servers and clients made of protocols and factories."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

from wsproto_async import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)

__all__ = ["callback_server", "calling"]


@contextlib.asynccontextmanager
async def callback_server(
    hooks: type, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[tuple[list[Any], str]]:
    """A server of a protocol class made with these hooks: its connections, and its URL."""
    made: list[Any] = []

    class Protocol(hooks, WebSocketServerProtocol):  # type: ignore[misc]
        def connection_made(self, transport: Any) -> None:
            made.append(self)
            super().connection_made(transport)

    factory = WebSocketServerFactory()
    factory.protocol = Protocol
    factory.setProtocolOptions(**options)
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, ssl=tls)
    scheme = "ws" if tls is None else "wss"
    try:
        yield made, f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for protocol in made:
            if not protocol.is_closed.done():
                protocol.dropConnection(abort=True)
        await server.wait_closed()


async def calling(url: str, hooks: type, tls: ssl.SSLContext | None = None, **options: Any) -> Any:
    """A client of a protocol class made with these hooks, when it is open."""

    class Protocol(hooks, WebSocketClientProtocol):  # type: ignore[misc]
        pass

    factory = WebSocketClientFactory(url)
    factory.protocol = Protocol
    factory.setProtocolOptions(**options)
    _, protocol = await asyncio.get_running_loop().create_connection(
        factory, factory.host, factory.port, ssl=tls
    )
    await protocol.is_open
    return protocol
