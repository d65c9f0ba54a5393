"""A digest for each frame of an endless message, by the frame API: hash_frames.py [FRAMES]

The message never ends as far as the server knows, and it never holds more than one frame of it.
It answers while the message is still coming.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from functools import partial

from wsproto_async import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    run,
)

FRAME = 64 * 1024


class Hasher(WebSocketServerProtocol):
    def onMessageBegin(self, isBinary: bool) -> None:
        super().onMessageBegin(isBinary)
        self.sha256 = hashlib.sha256()

    def onMessageFrame(self, payload: list[bytes]) -> None:
        # Not calling super() here is what keeps the message from being put together.
        if not any(payload):
            return  # the empty frame that endMessage() sends
        for piece in payload:
            self.sha256.update(piece)
        self.sendMessage(self.sha256.hexdigest().encode())

    def onMessageEnd(self) -> None:
        print("the message has ended")


class Sender(WebSocketClientProtocol):
    def __init__(self, frames: int) -> None:
        super().__init__()
        self.sha256 = hashlib.sha256()
        self.left = frames

    def onOpen(self) -> None:
        self.beginMessage(isBinary=True)
        self.send_frame()

    def send_frame(self) -> None:
        data = os.urandom(FRAME)
        self.sha256.update(data)
        self.sendMessageFrame(data)
        self.left -= 1

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        right = payload.decode() == self.sha256.hexdigest()
        print(f"{payload.decode()} {'is right' if right else 'is WRONG'}")
        if self.left:
            self.send_frame()
        else:
            self.endMessage()
            self.sendClose(1000)


async def main(frames: int = 10) -> None:
    loop = asyncio.get_running_loop()
    server_factory = WebSocketServerFactory()
    server_factory.protocol = Hasher
    server = await loop.create_server(server_factory, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    client_factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}/")
    client_factory.protocol = partial(Sender, frames)
    _, client = await loop.create_connection(client_factory, "127.0.0.1", port)
    await client.is_closed
    server.close()


if __name__ == "__main__":
    run(main(*map(int, sys.argv[1:])))
