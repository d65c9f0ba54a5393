"""Pings find out who is still there: keepalive.py [SECONDS]

A server pings two clients. One answers, as every WebSocket does by itself; the other does not, and
is dropped.
"""

from __future__ import annotations

import asyncio
import sys

from wsproto_async import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    run,
)


class Server(WebSocketServerProtocol):
    def onPong(self, payload: bytes) -> None:
        print(f"{self.http_request_path} answers")

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        print(f"{self.http_request_path} is gone: {code} {reason}")


class Deaf(WebSocketClientProtocol):
    def onPing(self, payload: bytes) -> None:
        """Do not answer. Whoever overrides this hook has to send the pong."""


async def main(seconds: float = 1) -> None:
    loop = asyncio.get_running_loop()
    factory = WebSocketServerFactory()
    factory.protocol = Server
    factory.setProtocolOptions(autoPingInterval=seconds, autoPingTimeout=2 * seconds)
    server = await loop.create_server(factory, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def client(path: str, protocol: type[WebSocketClientProtocol]) -> WebSocketClientProtocol:
        factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}{path}")
        factory.protocol = protocol
        _, client = await loop.create_connection(factory, "127.0.0.1", port)
        assert isinstance(client, WebSocketClientProtocol)
        return client

    alive = await client("/alive", WebSocketClientProtocol)
    deaf = await client("/deaf", Deaf)
    await deaf.is_closed
    alive.sendClose(1000)
    await alive.is_closed
    server.close()


if __name__ == "__main__":
    run(main(*map(float, sys.argv[1:])))
