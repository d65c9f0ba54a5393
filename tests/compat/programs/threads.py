# mypy: ignore-errors
# ruff: noqa
"""The loop is in a daemon thread, the factory is made outside of it, messages come from there."""

import queue
import threading

import txaio
from autobahn.asyncio.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    asyncio,
)


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        self.sendMessage(payload, isBinary)


class Client(WebSocketClientProtocol):
    def onOpen(self):
        self.factory.inbox.put("open")
        self.factory.connection = self

    def onMessage(self, payload, isBinary):
        self.factory.inbox.put(payload)

    def onClose(self, wasClean, code, reason):
        self.factory.inbox.put(("closed", code))


class Loop(threading.Thread):
    """Runs the loop of the whole program."""

    def __init__(self):
        super().__init__()
        self.daemon = True
        self.loop = asyncio.new_event_loop()
        self.started = threading.Event()

    def run(self):
        asyncio.set_event_loop(self.loop)
        txaio.config.loop = self.loop
        self.loop.call_soon(self.started.set)
        self.loop.run_forever()
        self.loop.close()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout=10)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join(10)


if __name__ == "__main__":
    thread = Loop()
    thread.start()
    thread.started.wait(10)
    loop = thread.loop

    server_factory = WebSocketServerFactory("ws://127.0.0.1:9000", loop=loop)
    server_factory.loop = None
    server_factory.protocol = Echo
    server = thread.call(loop.create_server(server_factory, "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]

    factory = WebSocketClientFactory("ws://127.0.0.1:%d" % port, loop=loop)
    factory.protocol = Client
    factory.inbox = queue.Queue()
    print(factory.loop is loop)
    thread.call(loop.create_connection(factory, "127.0.0.1", port))
    print(factory.inbox.get(timeout=10))
    for word in (b"one", b"two"):
        loop.call_soon_threadsafe(factory.connection.sendMessage, word)
        print(factory.inbox.get(timeout=10))
    loop.call_soon_threadsafe(factory.connection.sendClose, 1000)
    print(factory.inbox.get(timeout=10))
    loop.call_soon_threadsafe(server.close)
    thread.stop()
