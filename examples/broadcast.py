"""Everybody hears what anybody says, and a tick: broadcast.py [PORT] [SECONDS]

A message is encoded once, however many there are to hear it. Whoever does not read what is sent
is dropped, so that one slow peer costs the others nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys

from wsproto_async import WebSocketServerFactory, WebSocketServerProtocol, run

TOO_MUCH = 2**20
"""Octets that may wait for one peer."""


class Room(WebSocketServerFactory):
    def __init__(self) -> None:
        super().__init__()
        self.protocol = Member
        self.members: set[Member] = set()

    def publish(self, text: bytes) -> None:
        message = self.prepareMessage(text)
        for member in self.members:
            if member.bufferedAmount > TOO_MUCH:
                member.dropConnection(abort=True)
            elif member.open:
                member.sendPreparedMessage(message)


class Member(WebSocketServerProtocol):
    factory: Room

    def onOpen(self) -> None:
        self.factory.members.add(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if not isBinary:
            self.factory.publish(payload)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.factory.members.discard(self)


async def main(port: str = "9000", seconds: str = "1") -> None:
    room = Room()
    server = await asyncio.get_running_loop().create_server(room, "127.0.0.1", int(port))
    print(f"Serving at ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    async with server:  # which closes it at the end
        for number in itertools.count(1):
            await asyncio.sleep(float(seconds))
            room.publish(f"tick {number}".encode())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        run(main(*sys.argv[1:]))
