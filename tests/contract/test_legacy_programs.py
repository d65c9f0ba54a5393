"""Small programs, written the way programs for Autobahn are written."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import (
    ConnectionDeny,
    Disconnected,
    WebSocketClientProtocol,
    WebSocketProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)

from .support import (
    CLOSE,
    TEXT,
    Client,
    Lab,
    Server,
    Side,
    client_factory,
    connect,
    head_of,
    request,
    response,
    server_factory,
)


def opened(lab: Lab, factory: Any, resource: str = "/", **headers: str) -> Side[Any]:
    side = connect(lab, factory)
    side.feed(request(resource, {name.replace("_", "-"): value for name, value in headers.items()}))
    return side


# --- the factory as a registry --------------------------------------------------------------------


class BroadcastFactory(WebSocketServerFactory):
    def __init__(self, url: str | None, loop: Any) -> None:
        super().__init__(url, loop=loop)
        self.clients: list[Any] = []
        self.protocol = BroadcastProtocol

    def broadcast(self, text: str) -> None:
        prepared = self.prepareMessage(text.encode())
        for client in self.clients:
            client.sendMessage(text.encode())
            client.sendPreparedMessage(prepared)


class BroadcastProtocol(Server):
    def onOpen(self) -> None:
        self.factory.clients.append(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.broadcast(payload.decode())

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self.factory.clients.remove(self)


@covers("WebSocketServerFactory")
def test_a_broadcast_server(lab: Lab) -> None:
    factory = BroadcastFactory("ws://127.0.0.1:9000", lab)
    sides = [opened(lab, factory) for _ in range(3)]
    for side in sides:
        side.sent()
    sides[0].feed_frame(TEXT, b"hi")
    for side in sides:
        assert [each.payload for each in side.frames()] == [b"hi", b"hi"]
    sides[1].lose()
    assert factory.clients == [sides[0].protocol, sides[2].protocol]
    assert len({*factory.clients}) == 2


def test_constructor_arguments_by_an_own_call(lab: Lab) -> None:
    class Greeter(Server):
        def __init__(self, greeting: str) -> None:  # without calling the base
            self.greeting = greeting

        def onOpen(self) -> None:
            self.sendMessage(self.greeting.encode())

    class Factory(WebSocketServerFactory):
        def __call__(self) -> Any:
            protocol = Greeter("hello")
            protocol.factory = self
            return protocol

    side = opened(lab, Factory(loop=lab))
    assert side.sent().endswith(b"\x81\x05hello")


# --- mixins ---------------------------------------------------------------------------------------


class Rpc:
    """A mixin that is put before the protocol."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        call = json.loads(payload)
        self.sendMessage(json.dumps(call["x"] ** 2).encode())  # type: ignore[attr-defined]


class Relay:
    """A mixin that is put behind it, with an ``__init__`` of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.relayed: list[bytes] = []

    def relay(self, payload: bytes) -> None:
        self.relayed.append(payload)


class PlainProtocol(asyncio.Protocol):
    """Somebody's base class."""


def test_mixins_before_and_behind(lab: Lab) -> None:
    class RpcServer(Rpc, Server):
        pass

    class RelayServer(Server, Relay):
        def __init__(self) -> None:
            super().__init__()
            self.name = "relay"

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.relay(payload)

    side = opened(lab, server_factory(lab, RpcServer))
    side.sent()
    side.feed_frame(TEXT, b'{"x": 4}')
    assert [each.payload for each in side.frames()] == [b"16"]
    side = opened(lab, server_factory(lab, RelayServer))
    side.feed_frame(TEXT, b"x")
    assert side.protocol.relayed == [b"x"]


@pytest.mark.parametrize("bases", [(PlainProtocol, Server), (Server, PlainProtocol)])
def test_a_base_that_is_an_asyncio_protocol(lab: Lab, bases: Any) -> None:
    side = opened(lab, server_factory(lab, type("Mixed", bases, {})))
    side.feed_frame(TEXT, b"x")
    assert side.protocol.noted("message") == [(b"x", False)]


def test_a_diamond(lab: Lab) -> None:
    class Common(WebSocketProtocol):
        def onOpen(self) -> None:
            self.sendMessage(b"common")

    class ServerSide(Common, WebSocketServerProtocol):
        pass

    class ClientSide(Common, WebSocketClientProtocol):
        pass

    assert opened(lab, server_factory(lab, ServerSide)).sent().endswith(b"\x81\x06common")
    side = connect(lab, client_factory(lab, ClientSide))
    side.sent()
    side.feed(response(side.protocol.websocket_key))
    assert [each.payload for each in side.frames()] == [b"common"]


def test_other_names_for_the_hooks(lab: Lab) -> None:
    class Aliases(Server):
        def on_open(self) -> None:
            self.sendMessage(b"open")

        async def on_message(self, data: bytes, is_binary: bool) -> None:
            self.sendMessage(data, is_binary)

        onOpen = on_open
        onMessage = on_message  # type: ignore[assignment]

    side = opened(lab, server_factory(lab, Aliases))
    side.feed_frame(TEXT, b"x")
    assert side.sent().endswith(b"\x81\x04open\x81\x01x")


# --- choosing in onConnect ------------------------------------------------------------------------


def test_a_service_for_each_path(lab: Lab) -> None:
    class Dispatcher(Server):
        def __init__(self) -> None:
            self.services: Any = {"/square": lambda x: x * x}
            self.service: Any = None

        def onConnect(self, request: Any) -> Any:
            if request.path not in self.services:
                raise ConnectionDeny(404, f"no service at {request.path}")
            self.service = self.services[request.path]
            return None

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.sendMessage(b"%d" % self.service(int(payload)))

    factory = server_factory(lab, Dispatcher)
    assert head_of(opened(lab, factory, "/other").sent())[0] == (
        "HTTP/1.1 404 no service at /other"
    )
    side = opened(lab, factory, "/square")
    side.sent()
    side.feed_frame(TEXT, b"7")
    assert [each.payload for each in side.frames()] == [b"49"]


def test_cookies_basic_authentication_and_tokens(lab: Lab) -> None:
    class Guarded(Server):
        async def onConnect(self, request: Any) -> Any:
            if request.headers.get("authorization") != "Basic eA==":
                raise ConnectionDeny(401, "who are you?")
            if request.params["token"][0] != "t":
                raise ConnectionDeny(403)
            assert request.headers["cookie"] == "a=1"
            return None, {"Set-Cookie": ["b=2", "c=3"]}

    factory = server_factory(lab, Guarded)
    assert head_of(opened(lab, factory).sent())[0] == "HTTP/1.1 401 who are you?"
    side = opened(lab, factory, "/?token=t", Authorization="Basic eA==", Cookie="a=1")
    octets = side.sent()
    assert b"Set-Cookie: b=2\r\nSet-Cookie: c=3\r\n" in octets


def test_a_layer_above_chooses_the_subprotocol(lab: Lab) -> None:
    class Layer:
        """As a protocol on top of WebSocket does it: second base class below a mixin."""

        def onConnect(self: Any, request: Any) -> Any:
            for protocol in request.protocols:
                if protocol in self.factory.protocols:
                    return protocol, {}
            raise ConnectionDeny(ConnectionDeny.BAD_REQUEST, "no common subprotocol")

        def onClose(self: Any, wasClean: bool, code: int | None, reason: str | None) -> None:
            self.note("gone", wasClean)

        def bail_out(self: Any) -> None:
            self._fail_connection(self.CLOSE_STATUS_CODE_PROTOCOL_ERROR, "not our protocol")

    class LayerServer(Layer, Server):
        pass

    factory = server_factory(lab, LayerServer, session={"protocols": ["v2", "v1"]})
    side = opened(lab, factory, Sec_WebSocket_Protocol="v1, v2")
    assert head_of(side.sent())[1]["sec-websocket-protocol"] == "v1"
    side.protocol.bail_out()
    assert side.transport.aborted
    lab.turn()
    assert side.protocol.noted("gone") == [(False,)]
    refused = opened(lab, factory, Sec_WebSocket_Protocol="v3")
    assert head_of(refused.sent())[0].endswith("no common subprotocol")


# --- slow square, with an error as a close reason -------------------------------------------------


def test_slow_square(lab: Lab) -> None:
    class SlowSquare(Server):
        async def onMessage(self, payload: bytes, isBinary: bool) -> None:
            try:
                x = float(json.loads(payload))
            except ValueError as error:
                self.sendClose(1000, f"an error: {error}")
                return
            await asyncio.sleep(1)
            self.sendMessage(json.dumps(x * x).encode())

    factory = server_factory(lab, SlowSquare)
    first, second = opened(lab, factory), opened(lab, factory)
    for side in (first, second):
        side.sent()
        side.feed_frame(TEXT, b"3")
    lab.advance(1.01)
    for side in (first, second):
        assert [each.payload for each in side.frames()] == [b"9.0"]
    first.feed_frame(TEXT, b"no number")
    [close] = first.frames()
    assert close.opcode == CLOSE
    assert close.payload[2:].startswith(b"an error: ")


def test_a_task_learns_that_the_peer_is_gone(lab: Lab) -> None:
    class Ticking(Client):
        async def onOpen(self) -> None:
            try:
                while True:
                    self.sendMessage(b"tick")
                    await asyncio.sleep(1)
            except Disconnected:
                self.note("stopped")

    side = connect(lab, client_factory(lab, Ticking))
    side.sent()
    side.feed(response(side.protocol.websocket_key))
    lab.advance(2.5)
    assert [each.payload for each in side.frames()] == [b"tick"] * 3
    side.lose()
    lab.advance(1)
    assert side.protocol.noted("stopped") == [()]
