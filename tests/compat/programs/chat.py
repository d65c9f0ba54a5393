# mypy: ignore-errors
# ruff: noqa
"""The factory is the registry, the port is known late, options come one by one, hooks by alias."""

import asyncio

from autobahn.asyncio.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.websocket.types import ConnectionDeny


class ChatProtocol(WebSocketServerProtocol):
    def onConnect(self, request):
        self.nick = request.params.get("nick", [None])[0]
        if self.nick is None:
            raise ConnectionDeny(ConnectionDeny.FORBIDDEN, "who are you?")

    def onOpen(self):
        self.factory.register(self)

    def onMessage(self, payload, isBinary):
        self.factory.broadcast("%s: %s" % (self.nick, payload.decode("utf8")))

    def onClose(self, wasClean, code, reason):
        self.factory.unregister(self)


class ChatFactory(WebSocketServerFactory):
    protocol = ChatProtocol

    def __init__(self, url, **kwargs):
        WebSocketServerFactory.__init__(self, url, **kwargs)
        self.clients = []
        self.setProtocolOptions(maxConnections=2)

    def register(self, client):
        if client not in self.clients:
            self.clients.append(client)

    def unregister(self, client):
        if client in self.clients:
            self.clients.remove(client)

    def broadcast(self, text):
        prepared = self.prepareMessage(text.encode("utf8"))
        for client in self.clients:
            client.sendPreparedMessage(prepared)


class Guest(WebSocketClientProtocol):
    def on_open(self):
        self.sendMessage(b"hello")

    async def on_message(self, data, is_binary):
        await asyncio.sleep(0)
        print(data.decode(), is_binary)
        self.sendClose(code=self.CLOSE_STATUS_CODE_NORMAL)

    def on_close(self, was_clean, status, why):
        print(was_clean, status)
        self.factory.gone.set_result(None)

    onOpen = on_open
    onMessage = on_message
    onClose = on_close


def visit(loop, url):
    factory = WebSocketClientFactory(url, loop=loop)
    factory.protocol = Guest
    factory.gone = loop.create_future()
    loop.run_until_complete(loop.create_connection(factory, factory.host, factory.port))
    loop.run_until_complete(factory.gone)


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    factory = ChatFactory("ws://127.0.0.1:9000", loop=loop)
    factory.setProtocolOptions(autoPingInterval=10, autoPingTimeout=3)
    factory.setProtocolOptions(failByDrop=False, openHandshakeTimeout=None)
    server = loop.run_until_complete(loop.create_server(factory, "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    factory.setSessionParameters(url="ws://127.0.0.1:%d" % port)
    print(factory.port == port, factory.maxConnections, factory.autoPingInterval)
    visit(loop, "ws://127.0.0.1:%d/?nick=ann" % port)
    visit(loop, "ws://127.0.0.1:%d" % port)
    print(len(factory.clients))
    server.close()
    loop.run_until_complete(server.wait_closed())
    loop.close()
