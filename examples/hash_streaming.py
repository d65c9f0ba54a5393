"""Digests of one huge frame while it arrives, by the streaming API: hash_streaming.py [MIB]

The frame is announced with its whole length, and neither end ever holds more than a piece of it.
The client sends as fast as the server reads, and no faster.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from functools import partial

from wsproto_async import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    run,
)

MIB = 2**20
CHUNK = bytes(range(256)) * 256


class Hasher(WebSocketServerProtocol):
    def onMessageBegin(self, isBinary: bool) -> None:
        super().onMessageBegin(isBinary)
        self.sha256 = hashlib.sha256()
        self.received = 0

    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        if length:  # endMessage() sends an empty frame
            print(f"a frame of {length // MIB} MiB begins")

    def onMessageFrameData(self, payload: bytes) -> None:
        # Pieces come as the network cut them. Not calling super() keeps none of them.
        while payload:
            room = MIB - self.received % MIB
            piece, payload = payload[:room], payload[room:]
            self.sha256.update(piece)
            self.received += len(piece)
            if self.received % MIB == 0:
                self.sendMessage(self.sha256.hexdigest().encode())

    def onMessageEnd(self) -> None:
        print(f"the message ends after {self.received} octets")
        self.sendClose(1000)


class Sender(WebSocketClientProtocol):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    async def onOpen(self) -> None:
        self.beginMessage(isBinary=True)
        self.beginMessageFrame(self.size)
        while self.sendMessageFrameData(CHUNK):  # octets that are missing; None when closed
            await self.drain()  # waits while the server does not keep up
        self.endMessage()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        print(payload.decode())


async def main(mib: int = 8) -> None:
    loop = asyncio.get_running_loop()
    server_factory = WebSocketServerFactory()
    server_factory.protocol = Hasher
    server = await loop.create_server(server_factory, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    client_factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}/")
    client_factory.protocol = partial(Sender, mib * MIB)
    _, client = await loop.create_connection(client_factory, "127.0.0.1", port)
    await client.is_closed
    server.close()


if __name__ == "__main__":
    run(main(*map(int, sys.argv[1:])))
