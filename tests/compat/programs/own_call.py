# mypy: ignore-errors
# ruff: noqa
"""Protocols with arguments: an own __call__, functools.partial, a lambda; mixins on both sides."""

import asyncio
import functools

from autobahn.asyncio import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)


class Counting(object):
    """Comes before: sees messages first."""

    def __init__(self, *args, **kwargs):
        super(Counting, self).__init__(*args, **kwargs)
        self.count = 0

    def onMessage(self, payload, isBinary):
        self.count += 1
        super().onMessage(payload, isBinary)


class RelayMixin:
    """Comes behind: adds methods."""

    def relay(self, payload):
        self.sendMessage(b"%d %s" % (self.count, self.handler(payload)))


class Messaging(Counting, WebSocketServerProtocol, RelayMixin):
    def __init__(self, handler, ident):
        super().__init__()
        self.handler = handler
        self.ident = ident

    def onMessage(self, payload, isBinary):
        super().onMessage(payload, isBinary)
        self.relay(payload)


class MessagingFactory(WebSocketServerFactory):
    protocol = Messaging

    def __init__(self, uri, handler):
        WebSocketServerFactory.__init__(self, url=uri)
        self._handler = handler
        self._protos = []

    def __call__(self):
        proto = self.protocol(self._handler, len(self._protos))
        self._protos.append(proto)
        proto.factory = self
        return proto


class Emitter:
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.events = []

    def emit(self, event):
        self.events.append(event)


class ClientFactory(Emitter, WebSocketClientFactory):
    pass


class Client(WebSocketClientProtocol):
    def __init__(self, words, done):
        super().__init__()
        self.words = words
        self.done = done

    def onConnect(self, response):
        self.factory.emit(response.protocol)

    def onOpen(self):
        for word in self.words:
            self.sendMessage(word)

    def onMessage(self, payload, isBinary):
        self.factory.emit(payload)
        if len(self.factory.events) > len(self.words):
            self.sendClose()

    def onClose(self, wasClean, code, reason):
        self.done.set_result((wasClean, code, reason))


async def main():
    loop = asyncio.get_running_loop()
    server_factory = MessagingFactory("ws://127.0.0.1:9000", bytes.upper)
    server = await loop.create_server(server_factory, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    for make in (
        lambda done: functools.partial(Client, [b"a", b"b"], done),
        lambda done: lambda: Client([b"c"], done),
    ):
        factory = ClientFactory("ws://%s:%d" % (host, port), protocols=["x"])
        done = loop.create_future()
        factory.protocol = make(done)
        await loop.create_connection(factory, host, port)
        print(await done, factory.events)
    print([proto.ident for proto in server_factory._protos])
    server.close()
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
