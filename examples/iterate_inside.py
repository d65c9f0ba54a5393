"""``async for`` inside of a protocol: iterate_inside.py

Old code that is a protocol class can take up the new style one method at a time.
"""

from __future__ import annotations

import asyncio

from wsproto_async import WebSocketServerFactory, WebSocketServerProtocol, connect, run


class Greeter(WebSocketServerProtocol):
    async def onOpen(self) -> None:
        messages = self.messages()  # str or bytes, from here on; onMessage() need not be there
        name = await messages.recv()
        self.sendMessage(f"Hello, {name!s}".encode())
        async for message in messages:
            self.sendMessage(f"{name!s} says: {message!s}".encode())
            await self.drain()  # waits while the peer is slow


async def main() -> None:
    factory = WebSocketServerFactory()
    factory.protocol = Greeter
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    async with connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/") as ws:
        for text in ("Ann", "it works", "bye"):
            await ws.send(text)
            print(await ws.recv())
    server.close()


if __name__ == "__main__":
    run(main())
