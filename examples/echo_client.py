"""Echo client with callbacks: echo_client.py [URL]

It sends a text and a binary message, prints what comes back, and closes.
"""

from __future__ import annotations

import asyncio
import sys

from wsproto_async import (
    ConnectionResponse,
    WebSocketClientFactory,
    WebSocketClientProtocol,
    run,
)


class Client(WebSocketClientProtocol):
    waiting = 2

    def onConnect(self, response: ConnectionResponse) -> None:
        print(f"connected to {response.peer}")

    def onOpen(self) -> None:
        self.sendMessage("Grüße".encode())
        self.sendMessage(b"\x00\x01\x03\x04", isBinary=True)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        print(f"binary: {payload.hex()}" if isBinary else f"text: {payload.decode()}")
        self.waiting -= 1
        if not self.waiting:
            self.sendClose(1000, "that was all")

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        print(f"closed: {code} {reason or ''}")


async def main(url: str = "ws://127.0.0.1:9000/") -> None:
    factory = WebSocketClientFactory(url)
    factory.protocol = Client
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(factory, factory.host, factory.port)
    await client.is_closed


if __name__ == "__main__":
    run(main(*sys.argv[1:]))
