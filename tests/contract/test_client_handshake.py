"""The client's side of the opening handshake, octet by octet."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import ConnectingRequest, TransportDetails
from wsproto_async import WebSocketProtocol as P
from wsproto_async.version import __version__

from .support import (
    TEXT,
    Client,
    Lab,
    Side,
    client_factory,
    connect,
    head_of,
    open_client,
    response,
    unclean,
)

DEFAULT = [
    "GET / HTTP/1.1",
    f"User-Agent: wsproto_async/{__version__}",
    "Host: localhost:80",
    "Upgrade: WebSocket",
    "Connection: Upgrade",
    "Pragma: no-cache",
    "Cache-Control: no-cache",
    "Sec-WebSocket-Key: <key>",
    "Sec-WebSocket-Version: 13",
    "",
    "",
]


def request_of(side: Side[Any]) -> list[str]:
    """The lines of the request, without what differs each time."""
    octets = side.sent()
    assert octets == side.protocol.http_request_data
    key = side.protocol.websocket_key
    assert len(base64.b64decode(key, validate=True)) == 16
    return octets.decode().replace(key.decode(), "<key>").split("\r\n")


def asking(lab: Lab, **session: Any) -> Side[Any]:
    return connect(lab, client_factory(lab, session=session))


# --- the request ----------------------------------------------------------------------------------


@covers("_actuallyStartHandshake", "WebSocketClientProtocol._connectionMade")
def test_the_shortest_request(lab: Lab) -> None:
    assert request_of(asking(lab)) == DEFAULT


@covers("_actuallyStartHandshake")
def test_the_longest_request(lab: Lab) -> None:
    side = asking(
        lab,
        url="wss://Example.com/chat?room=1",
        origin="https://page.example",
        protocols=["a", "b"],
        useragent="mine/1",
        headers={"X-One": "1", "Cookie": "a=b", "X-Two": 2},
    )
    assert request_of(side) == [
        "GET /chat?room=1 HTTP/1.1",
        "User-Agent: mine/1",
        "Host: example.com:443",
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        "X-One: 1",
        "Cookie: a=b",
        "X-Two: 2",
        "Sec-WebSocket-Key: <key>",
        "Origin: https://page.example",
        "Sec-WebSocket-Protocol: a,b",
        "Sec-WebSocket-Version: 13",
        "",
        "",
    ]


@covers("_actuallyStartHandshake")
@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("ws://[::1]:9/", "[::1]:9"),
        ("ws://user:secret@h/", "h:80"),
        ("wss://h", "h:443"),
        ("ws://unix:/run/x.sock", "localhost"),
    ],
)
def test_the_host_header(lab: Lab, url: str, host: str) -> None:
    side = asking(lab, url=url)
    assert f"Host: {host}" in request_of(side)
    assert b"secret" not in side.protocol.http_request_data


@covers("_actuallyStartHandshake")
def test_headers_of_ones_own_replace_ours(lab: Lab) -> None:
    lines = request_of(asking(lab, headers={"Host": "other", "User-Agent": "mine"}))
    assert lines.count("Host: other") == lines.count("User-Agent: mine") == 1
    assert [line for line in lines if line.startswith(("Host", "User-Agent"))] == [
        "Host: other",
        "User-Agent: mine",
    ]


@pytest.mark.parametrize("name", ["Upgrade", "connection", "Sec-WebSocket-Key", "Content-Length"])
def test_headers_that_are_the_handshakes_are_refused(lab: Lab, name: str) -> None:
    side = asking(lab, headers={name: "x"})
    assert side.sent() == b""
    assert name in str(side.closed()[2])


@covers("version")
@pytest.mark.parametrize(("version", "number"), [(10, 8), (12, 8), (13, 13), (17, 13), (18, 13)])
def test_each_version(lab: Lab, version: int, number: int) -> None:
    factory = client_factory(lab, session={"origin": "http://a.example"}, version=version)
    side = connect(lab, factory)
    lines = request_of(side)
    assert f"Sec-WebSocket-Version: {number}" in lines
    name = "Sec-WebSocket-Origin" if version == 10 else "Origin"
    assert f"{name}: http://a.example" in lines
    side.feed(response(side.protocol.websocket_key))
    assert side.protocol.websocket_version == version


class Offer:
    def __init__(self, name: str) -> None:
        self.EXTENSION_NAME = name

    def get_extension_string(self) -> str:
        return f"{self.EXTENSION_NAME}; x=1"


@covers("perMessageCompressionOffers")
def test_offers_stand_in_one_header(lab: Lab) -> None:
    offers = [Offer("x-a"), Offer("x-b")]
    factory = client_factory(lab, perMessageCompressionOffers=offers)
    lines = request_of(connect(lab, factory))
    assert "Sec-WebSocket-Extensions: x-a; x=1, x-b; x=1" in lines
    offers.clear()
    kept = factory.perMessageCompressionOffers
    assert [offer.EXTENSION_NAME for offer in kept] == ["x-a", "x-b"]
    assert kept[0] is not offers


# --- onConnecting ---------------------------------------------------------------------------------


def shaping(result: Any, later: bool) -> Any:
    class Shaping(Client):
        def onConnecting(self, transport_details: TransportDetails) -> Any:
            self.note("details", transport_details)

            async def answer() -> Any:
                return result

            return answer() if later else result

    return Shaping


@covers("onConnecting", "startHandshake")
@pytest.mark.parametrize("later", [False, True])
def test_on_connecting_shapes_the_request(lab: Lab, later: bool) -> None:
    shaped = ConnectingRequest("h", 8080, "/x", {"X": "1"}, "ua", "http://o", ["p"])
    factory = client_factory(
        lab, shaping(shaped, later), session={"headers": {"Y": "2"}, "protocols": ["q"]}
    )
    side = connect(lab, factory)
    lines = request_of(side)
    assert lines[0] == "GET /x HTTP/1.1"
    expected = ["User-Agent: ua", "Host: h:8080", "X: 1", "Origin: http://o"]
    assert set(expected) < set(lines)
    assert "Sec-WebSocket-Protocol: p" in lines
    assert "Y: 2" not in lines
    side.feed(response(side.protocol.websocket_key, {"Sec-WebSocket-Protocol": "p"}))
    assert side.protocol.websocket_protocol_in_use == "p"


@covers("onConnecting")
@pytest.mark.parametrize("later", [False, True])
def test_none_is_what_the_factory_says(lab: Lab, later: bool) -> None:
    assert request_of(connect(lab, client_factory(lab, shaping(None, later)))) == DEFAULT


@covers("onConnecting")
def test_an_empty_request_takes_nothing_of_the_factory(lab: Lab) -> None:
    session = {"url": "ws://h:1/x", "origin": "http://o", "headers": {"X": "1"}}
    side = connect(lab, client_factory(lab, shaping(ConnectingRequest(), False), session))
    assert request_of(side) == [line for line in DEFAULT if not line.startswith("User-Agent")]


@covers("onConnecting")
def test_on_connecting_is_told_of_the_transport(lab: Lab) -> None:
    side = connect(lab, client_factory(lab, shaping(None, False)))
    [(details,)] = side.protocol.noted("details")
    assert details.peer == "tcp4:192.0.2.1:4711"
    assert details.is_secure is False
    assert details.secure_channel_id == {}


@covers("onConnecting", "startHandshake")
@pytest.mark.parametrize("later", [False, True])
def test_on_connecting_raises(lab: Lab, later: bool) -> None:
    class Raising(Client):
        def onConnecting(self, transport_details: TransportDetails) -> Any:
            async def answer() -> None:
                raise ZeroDivisionError

            if later:
                return answer()
            raise ZeroDivisionError

    side = connect(lab, client_factory(lab, Raising))
    assert side.sent() == b""
    assert side.transport.closed
    assert side.closed() == unclean(None)


@covers("startHandshake")
@pytest.mark.parametrize("later", [False, True])
def test_start_handshake_gives_what_was_asked_for(lab: Lab, later: bool) -> None:
    shaped = ConnectingRequest("h")

    class Starting(shaping(shaped, later)):  # type: ignore[misc]
        def startHandshake(self) -> Any:
            self.started = super().startHandshake()
            return self.started

    side = connect(lab, client_factory(lab, Starting))
    assert lab.get(side.protocol.started) is shaped


@covers("onConnecting")
def test_tcp_is_lost_while_on_connecting_is_pending(lab: Lab) -> None:
    future = lab.create_future()
    side = connect(lab, client_factory(lab, shaping(future, False)))
    side.lose()
    future.set_result(None)
    assert side.sent() == b""
    assert side.closed()[:2] == (False, 1006)


# --- the response ---------------------------------------------------------------------------------


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode()


@covers("WebSocketClientProtocol.processHandshake", "WebSocketClientProtocol.failHandshake")
@pytest.mark.parametrize(
    ("octets", "contains"),
    [
        (head("HTTP/1.1"), "status line"),
        (head("HTTP/1.0 101 x"), "HTTP version"),
        (head("HTTP/2 101 x"), "HTTP version"),
        (head("HTTP/1.1 1x1 x"), "status code"),
        (head("HTTP/1.1 404 Not Found"), "404"),
        (head("HTTP/1.1 301 Moved", "Location: /x"), "301"),
        (head("HTTP/1.1 401 Unauthorized"), "401"),
        (head("HTTP/1.1 503 x", "Content-Length: 4") + b"body", "503"),
        (head("HTTP/1.1 101 x"), "Upgrade header missing"),
    ],
)
def test_each_bad_head(lab: Lab, octets: bytes, contains: str) -> None:
    refused(lab, octets, contains)


def refused(lab: Lab, octets: bytes, contains: str) -> None:
    for size in (1, len(octets)):
        side = asking(lab, protocols=["a"])
        key = side.protocol.websocket_key
        answer = octets.replace(b"<accept>", response(key).split(b"Accept: ")[1].split()[0])
        pieces = [answer[i : i + size] for i in range(0, len(answer), size)]
        for piece in pieces:
            if side.protocol.state == P.STATE_CONNECTING:
                side.feed(piece)
        assert side.transport.aborted
        was_clean, code, reason = side.closed()
        assert (was_clean, code) == (False, 1006)
        assert contains in str(reason)
        assert side.protocol.wasNotCleanReason in str(reason)
        assert side.protocol.noted("open") == []


@covers("WebSocketClientProtocol.processHandshake", "WebSocketClientProtocol.failHandshake")
@pytest.mark.parametrize(
    ("headers", "more", "contains"),
    [
        ({"Upgrade": None}, [], "Upgrade header missing"),
        ({"Upgrade": "h2c"}, [], "different from 'websocket'"),
        ({"Upgrade": "websocket, h2c"}, [], "different from 'websocket'"),
        ({"Connection": None}, [], "Connection header missing"),
        ({"Connection": "close"}, [], "does not include 'upgrade'"),
        ({"Sec-WebSocket-Accept": None}, [], "Accept header missing"),
        ({}, ["Sec-WebSocket-Accept: x"], "more than once"),
        ({"Sec-WebSocket-Accept": "x"}, [], "bogus value"),
        ({"Sec-WebSocket-Extensions": "x-mine"}, [], "x-mine"),
        ({"Sec-WebSocket-Extensions": "a"}, ["Sec-WebSocket-Extensions: b"], "more than once"),
        ({"Sec-WebSocket-Protocol": "b"}, [], "not one of those requested"),
        ({"Sec-WebSocket-Protocol": "a"}, ["Sec-WebSocket-Protocol: a"], "more than once"),
        ({"Content-Length": "5"}, [], "Content-Length"),
    ],
)
def test_each_bad_header(
    lab: Lab, headers: dict[str, str | None], more: list[str], contains: str
) -> None:
    octets = response(b"", {"Sec-WebSocket-Accept": "<accept>", **headers}, *more)
    refused(lab, octets, contains)


@covers("WebSocketClientProtocol.processHandshake", "WebSocketClientProtocol.onConnect")
def test_what_on_connect_is_told(lab: Lab) -> None:
    class Told(Client):
        def onConnect(self, response: Any) -> None:
            self.note("response", response, self.state)

    side = connect(lab, client_factory(lab, Told, session={"protocols": ["a", "b"]}))
    octets = response(
        side.protocol.websocket_key, {"Sec-WebSocket-Protocol": "b", "X-Mine": "1"}, "X-Mine: 2"
    )
    side.feed(octets + side.frame(TEXT, b"with it"))
    [(told, state)] = side.protocol.noted("response")
    assert state == P.STATE_OPEN
    assert (told.peer, told.version, told.protocol) == ("tcp4:192.0.2.1:4711", 18, "b")
    assert told.extensions == []
    assert told.headers["x-mine"] == "1, 2"
    protocol = side.protocol
    assert protocol.http_response_data == octets
    assert protocol.http_status_line == "HTTP/1.1 101 Switching Protocols"
    assert protocol.http_headers == told.headers
    assert protocol.websocket_version == 18
    assert protocol.websocket_protocol_in_use == "b"
    assert protocol.websocket_extensions_in_use == []
    assert [name for name, *_ in protocol.notes] == ["response", "open", "message"]


@covers("WebSocketClientProtocol.onConnect")
def test_a_coroutine_on_connect(lab: Lab) -> None:
    class Told(Client):
        async def onConnect(self, response: Any) -> None:
            self.note("response", response.protocol)

    side = open_client(lab, Told)
    assert sorted(name for name, *_ in side.protocol.notes) == ["open", "response"]


@covers("WebSocketClientProtocol.processHandshake")
def test_no_subprotocol_is_for_the_application_to_judge(lab: Lab) -> None:
    side = asking(lab, protocols=["a"])
    side.feed(response(side.protocol.websocket_key))
    assert side.protocol.state == P.STATE_OPEN
    assert side.protocol.websocket_protocol_in_use is None


@covers("WebSocketClientProtocol.failHandshake")
def test_a_refusal_by_hand(lab: Lab) -> None:
    class Refusing(Client):
        def processHandshake(self) -> None:
            self.failHandshake("I have changed my mind")

    side = connect(lab, client_factory(lab, Refusing))
    side.feed(response(side.protocol.websocket_key))
    assert side.transport.aborted
    assert side.closed() == unclean("I have changed my mind")
    side.protocol.failHandshake("once more")  # of no effect
    assert side.protocol.wasNotCleanReason == "I have changed my mind"


@covers("WebSocketClientProtocol")
def test_a_bare_client_exchanges_messages(lab: Lab) -> None:
    class Bare(Client):
        def onOpen(self) -> None:
            self.sendMessage(b"hello")

    side = connect(lab, client_factory(lab, Bare))
    key = head_of(side.sent())[1]["sec-websocket-key"].encode()
    side.feed(response(key))
    assert [each.payload for each in side.frames()] == [b"hello"]
    side.feed_frame(TEXT, b"world")
    assert side.protocol.noted("message") == [(b"world", False)]
