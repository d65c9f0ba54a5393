# mypy: ignore-errors
# ruff: noqa
"""The protocol is an object that is called; in its tests the rest is made of mocks."""

import asyncio
import contextlib
from unittest.mock import MagicMock

from autobahn.asyncio.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.exception import Disconnected


class Feed(WebSocketClientProtocol):
    def __init__(self):
        super().__init__()
        self.got = []
        self.closed = None

    def __call__(self):
        return self

    def onOpen(self):
        self.sendMessage(b"subscribe")

    def onMessage(self, payload, isBinary):
        self.got.append(payload)
        self.sendClose(3000, "enough")

    def onClose(self, wasClean, code, reason):
        self.closed.set_result((wasClean, code, reason))


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        self.sendMessage(payload, isBinary)


async def talk():
    loop = asyncio.get_running_loop()
    server_factory = WebSocketServerFactory()
    server_factory.protocol = Echo
    server_factory.setProtocolOptions(echoCloseCodeReason=True)
    server = await loop.create_server(server_factory, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    feed = Feed()
    factory = WebSocketClientFactory("ws://%s:%d" % (host, port))
    factory.protocol = feed
    feed.closed = loop.create_future()
    transport, protocol = await loop.create_connection(factory, host, port)
    print(protocol is feed, feed.factory is factory, await feed.closed)
    print(feed.got)
    server.close()
    await server.wait_closed()


def mocked():
    feed = Feed()
    feed.factory = MagicMock()
    feed.sendMessage = MagicMock()
    feed.onOpen()
    feed.sendMessage.assert_called_once_with(b"subscribe")
    bare = Feed.__new__(Feed)  # without __init__
    sent = []
    bare.sendMessage = lambda payload, isBinary=False: sent.append(payload)
    bare.onOpen()
    print(sent)
    with contextlib.suppress(Disconnected):
        connected = Feed()
        connected.state = WebSocketClientProtocol.STATE_CLOSING
        connected.sendMessage(b"x")
        print("sent")


if __name__ == "__main__":
    asyncio.run(talk())
    mocked()
