# mypy: ignore-errors
# ruff: noqa
"""What is deeper in: adapters, the classes without a network, compression, helpers."""

import asyncio

import autobahn
from autobahn.asyncio.websocket import (
    WebSocketAdapterFactory,
    WebSocketAdapterProtocol,
    WebSocketClientProtocol,
    WebSocketServerProtocol,
)
from autobahn.util import newid
from autobahn.websocket import ConnectionRequest, protocol
from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)
from autobahn.websocket.interfaces import IWebSocketChannel
from autobahn.websocket.protocol import WebSocketProtocol
from autobahn.websocket.utf8validator import Utf8Validator
from autobahn.websocket.util import create_url, parse_url
from autobahn.websocket.xormasker import create_xor_masker


class Shared(WebSocketProtocol):
    """One half of a diamond."""

    def say(self, text):
        self.sendMessage(text.encode("utf8"))


class Server(Shared, WebSocketServerProtocol):
    def onConnect(self, request):
        assert isinstance(request, ConnectionRequest)

    def onMessage(self, payload, isBinary):
        self.say("%d octets" % len(payload))


class Client(Shared, WebSocketClientProtocol):
    def onConnect(self, response):
        print([extension.EXTENSION_NAME for extension in response.extensions])

    def onOpen(self):
        self.say("x" * 10000)

    def onMessage(self, payload, isBinary):
        print(payload.decode("utf8"), self.trafficStats.outgoingOctetsWebSocketLevel < 100)
        self.sendClose(1000)

    def onClose(self, wasClean, code, reason):
        self.is_closed.add_done_callback(lambda _: self.factory.done.set_result(code))


class Put(WebSocketAdapterProtocol, protocol.WebSocketServerProtocol):
    """Put together as Autobahn's own class is."""


class ServerFactory(WebSocketAdapterFactory, protocol.WebSocketServerFactory):
    protocol = Server

    def __init__(self, url):
        protocol.WebSocketServerFactory.__init__(self, url)
        self.loop = asyncio.get_running_loop()


class ClientFactory(WebSocketAdapterFactory, protocol.WebSocketClientFactory):
    protocol = Client

    def __init__(self, url):
        protocol.WebSocketClientFactory.__init__(self, url)
        self.loop = asyncio.get_running_loop()


def accept_offers(offers):
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)


def accept_response(response):
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)


async def main():
    loop = asyncio.get_running_loop()
    factory = ServerFactory(create_url("localhost", 9000))
    factory.setProtocolOptions(perMessageCompressionAccept=accept_offers)
    server = await loop.create_server(factory, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    client_factory = ClientFactory(create_url(host, port, path="/a"))
    client_factory.setProtocolOptions(
        perMessageCompressionOffers=[PerMessageDeflateOffer()],
        perMessageCompressionAccept=accept_response,
    )
    client_factory.done = loop.create_future()
    await loop.create_connection(client_factory, host, port)
    print(await client_factory.done)
    server.close()
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
    print(parse_url("ws://localhost/x?y=1")[4:], len(newid()))
    print(Utf8Validator().validate(b"\xc3\xb6")[:2], create_xor_masker(b"\0\0\0\1").pointer())
    for kind in (Server, Put):
        print(issubclass(kind, WebSocketAdapterProtocol), issubclass(kind, IWebSocketChannel))
    print(autobahn.__version__.count("."))
