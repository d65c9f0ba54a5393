"""Hooks that are coroutines: slowsquare.py [SECONDS]

Squaring takes the server a while. It serves two clients at the same time, and each client's
numbers at the same time, too: the calls of a coroutine hook start in order and may overlap. With
the option ``hookConcurrency=1`` they come strictly one after another.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial

from wsproto_async import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    run,
)


class Squares(WebSocketServerProtocol):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def onMessage(self, payload: bytes, isBinary: bool) -> None:
        try:
            number = float(json.loads(payload))
        except (ValueError, TypeError):
            self.sendClose(1000, "that is not a number")
            return
        await asyncio.sleep(self.seconds)
        if self.open:  # the client may have left in the meantime
            self.sendMessage(json.dumps(number**2).encode())


class Client(WebSocketClientProtocol):
    def __init__(self, name: str, questions: tuple[object, ...]) -> None:
        super().__init__()
        self.name = name
        self.questions = questions

    async def onOpen(self) -> None:
        for question in self.questions:
            self.sendMessage(json.dumps(question).encode())
        left = len(self.questions)
        async for square in self:  # iterating works inside a subclass as well
            print(f"{self.name}: {square!s}")
            left -= 1
            if not left:
                self.sendClose(1000)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        print(f"{self.name}: {self.close_info}")


async def main(seconds: float = 1) -> None:
    loop = asyncio.get_running_loop()
    factory = WebSocketServerFactory()
    factory.protocol = partial(Squares, seconds)
    server = await loop.create_server(factory, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def client(name: str, *questions: object) -> None:
        factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}/")
        factory.protocol = partial(Client, name, questions)
        _, client = await loop.create_connection(factory, "127.0.0.1", port)
        await client.is_closed

    await asyncio.gather(client("Ann", 2, 3), client("Bob", 4, 5), client("Eve", "many"))
    server.close()


if __name__ == "__main__":
    run(main(*map(float, sys.argv[1:])))
