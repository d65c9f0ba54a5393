"""The server's side of the opening handshake, octet by octet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import ConnectionRequest
from wsproto_async import WebSocketProtocol as P

from .support import (
    KEY,
    TEXT,
    Lab,
    MemoryTransport,
    Server,
    Side,
    answer_to,
    connect,
    head_of,
    open_server,
    request,
    server_factory,
)


def status_of(side: Side[Any]) -> int:
    return int(head_of(side.sent())[0].split()[1])


# --- what is refused ------------------------------------------------------------------------------

REFUSED: dict[str, tuple[bytes, int, str]] = {
    "two words": (b"GET /\r\n\r\n", 400, "request line"),
    "method": (request().replace(b"GET", b"POST", 1), 405, "POST"),
    "lower case": (request().replace(b"GET", b"get", 1), 405, "get"),
    "HTTP/1.0": (request().replace(b"HTTP/1.1", b"HTTP/1.0", 1), 505, "HTTP/1.0"),
    "target": (request("x"), 400, "cannot be parsed"),
    "fragment": (request("/#x"), 400, "fragment"),
    "no Host": (request("/", {"Host": None}), 400, "Host header missing"),
    "two Hosts": (request("/", {}, "Host: b"), 400, "Host header appears more than once"),
    "port": (request("/", {"Host": "a:x"}), 400, "invalid port 'x'"),
    "Upgrade": (request("/", {"Upgrade": "h2c"}), 400, "Upgrade header does not include"),
    "no Connection": (request("/", {"Connection": None}), 400, "Connection header missing"),
    "Connection": (request("/", {"Connection": "close"}), 400, "Connection header does not"),
    "no version": (request("/", {"Sec-WebSocket-Version": None}), 400, "Version header missing"),
    "two versions": (request("/", {}, "Sec-WebSocket-Version: 8"), 400, "more than once"),
    "version": (request("/", {"Sec-WebSocket-Version": "x"}), 400, "no number"),
    "wrong version": (request("/", {"Sec-WebSocket-Version": "12"}), 400, "12 not supported"),
    "protocols": (request("/", {"Sec-WebSocket-Protocol": "a, b, a"}), 400, "duplicate"),
    "two Origins": (request("/", {"Origin": "http://a"}, "Origin: http://b"), 400, "more than"),
    "Origin": (request("/", {"Origin": "nothing"}), 400, "no host"),
    "no key": (request("/", {"Sec-WebSocket-Key": None}), 400, "Key header missing"),
    "two keys": (request("/", {}, f"Sec-WebSocket-Key: {KEY}"), 400, "more than once"),
    "short key": (request("/", {"Sec-WebSocket-Key": KEY[1:]}), 400, "bad Sec-WebSocket-Key"),
    "long key": (request("/", {"Sec-WebSocket-Key": KEY[:-2] + "AA"}), 400, "bad Sec-WebSocket"),
    "key": (request("/", {"Sec-WebSocket-Key": "*" + KEY[1:]}), 400, "bad Sec-WebSocket-Key"),
    "extensions": (
        request("/", {"Sec-WebSocket-Extensions": "a"}, "Sec-WebSocket-Extensions: b"),
        400,
        "more than once",
    ),
}


@covers(
    "WebSocketServerProtocol.processHandshake",
    "WebSocketServerProtocol.failHandshake",
    "sendHttpErrorResponse",
)
@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("size", [1, 100_000])
def test_each_bad_request(lab: Lab, name: str, size: int) -> None:
    octets, status, text = REFUSED[name]
    side = connect(lab, server_factory(lab))
    side.feed(*(octets[i : i + size] for i in range(0, len(octets), size)))
    line, headers = head_of(answer := side.sent())
    assert line.startswith(f"HTTP/1.1 {status} ")
    assert text in line
    assert answer.endswith(b"\r\n\r\n")
    assert headers["connection"] == "close"
    assert "server" not in headers
    assert side.transport.closed
    assert not side.transport.aborted
    was_clean, code, reason = side.closed()
    assert (was_clean, code) == (False, 1006)
    assert text in str(reason)
    assert side.protocol.wasNotCleanReason in str(reason)


@covers("WebSocketServerProtocol.processHandshake")
def test_the_first_fault_counts(lab: Lab) -> None:
    octets = request("/#x", {"Host": None, "Sec-WebSocket-Key": None, "Upgrade": "h2c"})
    assert "fragment" in head_of(answer_to(lab, octets).sent())[0]


@covers("versions")
@pytest.mark.parametrize(
    ("versions", "asked", "known"), [([8, 13], 7, "13,8"), ([13], 8, "13"), ([8], 13, "8")]
)
def test_an_unknown_version_is_told_ours(
    lab: Lab, versions: list[int], asked: int, known: str
) -> None:
    side = answer_to(lab, request("/", {"Sec-WebSocket-Version": str(asked)}), versions=versions)
    line, headers = head_of(side.sent())
    assert line.startswith("HTTP/1.1 400 ")
    assert headers["sec-websocket-version"] == known


@covers("versions")
@pytest.mark.parametrize("version", [8, 13])
def test_both_versions_are_spoken(lab: Lab, version: int) -> None:
    name = {8: "Sec-WebSocket-Origin", 13: "Origin"}[version]
    octets = request("/", {"Sec-WebSocket-Version": str(version), name: "https://a.example"})
    side = answer_to(lab, octets)
    assert status_of(side) == 101
    assert side.protocol.websocket_version == version
    assert side.protocol.websocket_origin == "https://a.example"
    side.feed_frame(TEXT, b"x")
    assert side.protocol.noted("message") == [(b"x", False)]


@covers("WebSocketServerProtocol.processHandshake")
@pytest.mark.parametrize(
    ("host", "external_port", "status"),
    [
        ("a:80", None, 101),
        ("a:81", 80, 400),
        ("a:80", 80, 101),
        ("a", 80, 101),
        ("[::1]:80", 80, 101),
        ("[::1]", 80, 101),
    ],
)
def test_the_port_in_host(lab: Lab, host: str, external_port: int | None, status: int) -> None:
    factory = server_factory(lab, session={"externalPort": external_port})
    side = connect(lab, factory)
    side.feed(request("/", {"Host": host}))
    assert status_of(side) == status


@covers("allowedOrigins", "allowedOriginsPatterns", "allowNullOrigin")
@pytest.mark.parametrize(
    ("allowed", "null", "origin", "status"),
    [
        (["*"], True, "http://any.example", 101),
        (["*"], True, None, 101),
        (["*"], True, "null", 101),
        (["*"], False, "null", 400),
        (["*"], False, "NULL", 400),
        (["*"], False, "file:///x", 400),
        (["*"], False, None, 101),
        (["http://good.example:80"], True, "http://good.example", 101),
        (["http://good.example:80"], True, "HTTP://GOOD.example:80", 101),
        (["http://good.example"], True, "http://good.example:80", 101),
        (["http://good.example"], True, "http://good.example:81", 400),
        (["http://good.example:*"], True, "http://good.example:81", 101),
        (["https://good.example"], True, "http://good.example", 400),
        (["*://*.good.example:*"], True, "https://a.b.good.example", 101),
        (["*://*.good.example:*"], True, "https://evilgood.example", 400),
        (["http://good.example:80"], True, "http://good.example.evil.example", 400),
        (["http://good.example:80"], True, "http://goodxexample", 400),
        (["http://good.example:80"], True, None, 101),
        (["http://good.example:80"], True, "null", 101),
        ([], True, "http://any.example", 400),
    ],
)
def test_where_pages_may_come_from(
    lab: Lab, allowed: list[str], null: bool, origin: str | None, status: int
) -> None:
    octets = request("/", {"Origin": origin})
    side = answer_to(lab, octets, allowedOrigins=allowed, allowNullOrigin=null)
    assert status_of(side) == status
    patterns = side.protocol.allowedOriginsPatterns
    assert len(patterns) == len(allowed)
    assert patterns == side.protocol.factory.allowedOriginsPatterns


@covers("allowedOriginsPatterns")
def test_the_patterns_follow_the_origins(lab: Lab) -> None:
    factory = server_factory(lab)
    factory.setProtocolOptions(allowedOrigins=["http://a.example"])
    assert factory.allowedOriginsPatterns[0].match("http://a.example:80")
    with pytest.raises(AttributeError, match="allowedOrigins"):
        factory.allowedOriginsPatterns = []


@covers("maxConnections", "getConnectionCount")
def test_one_connection_too_many(lab: Lab) -> None:
    factory = server_factory(lab, maxConnections=2)
    sides = [connect(lab, factory) for _ in range(3)]
    assert factory.getConnectionCount() == 3
    sides[2].feed(request())
    assert status_of(sides[2]) == 503
    assert factory.getConnectionCount() == 2
    for side in sides[:2]:
        side.feed(request())
        assert status_of(side) == 101
    sides[0].lose()
    another = connect(lab, factory)
    another.feed(request())
    assert status_of(another) == 101


@covers("maxConnections")
def test_zero_connections_is_no_limit(lab: Lab) -> None:
    factory = server_factory(lab)
    for _ in range(20):
        side = connect(lab, factory)
        side.feed(request())
        assert status_of(side) == 101


@covers("trustXForwardedFor")
@pytest.mark.parametrize(
    ("trusted", "header", "peer"),
    [
        (0, "9.9.9.9", "tcp4:192.0.2.1:4711"),
        (1, "9.9.9.9", "9.9.9.9"),
        (1, "8.8.8.8, 9.9.9.9", "9.9.9.9"),
        (2, "8.8.8.8, 9.9.9.9", "8.8.8.8"),
        (2, "7.7.7.7,8.8.8.8 , 9.9.9.9", "8.8.8.8"),
        (5, "8.8.8.8, 9.9.9.9", "8.8.8.8"),
        (1, None, "tcp4:192.0.2.1:4711"),
    ],
)
def test_whom_the_proxies_speak_for(lab: Lab, trusted: int, header: str | None, peer: str) -> None:
    class Asking(Server):
        def onConnect(self, request: ConnectionRequest) -> None:
            self.note("peer", request.peer)

    octets = request("/", {"X-Forwarded-For": header})
    side = answer_to(lab, octets, Asking, trustXForwardedFor=trusted)
    assert side.protocol.peer == peer
    assert side.protocol.noted("peer") == [(peer,)]


# --- Flash ----------------------------------------------------------------------------------------

POLICY_REQUEST = b"<policy-file-request/>\0"


@covers("serveFlashSocketPolicy", "flashSocketPolicy")
def test_the_flash_policy(lab: Lab) -> None:
    policy = "<cross-domain-policy/>\0"
    side = connect(lab, server_factory(lab, serveFlashSocketPolicy=True, flashSocketPolicy=policy))
    side.feed(POLICY_REQUEST[:5], POLICY_REQUEST[5:])
    assert side.sent() == policy.encode()
    assert side.transport.closed
    assert side.protocol.wasServingFlashSocketPolicyFile
    lab.turn()
    assert side.protocol.notes == []
    assert side.protocol.state == P.STATE_CLOSED


@covers("serveFlashSocketPolicy")
def test_no_flash_policy_unless_it_is_switched_on(lab: Lab) -> None:
    side = answer_to(lab, POLICY_REQUEST)
    assert side.sent() == b""
    assert side.protocol.data == POLICY_REQUEST
    side.advance(5.1)
    assert side.protocol.wasOpenHandshakeTimeout


@covers("peer")
@pytest.mark.parametrize(
    ("name", "peer"),
    [
        (("127.0.0.1", 80), "tcp4:127.0.0.1:80"),
        (("::1", 80, 0, 0), "tcp6:::1:80"),
        ("/run/x.sock", "unix:/run/x.sock"),
        ("", "unix:"),
        (b"\0abstract", "unix:\0abstract"),
        (None, "?:None"),
    ],
)
def test_where_a_transport_leads_to(lab: Lab, name: Any, peer: str) -> None:
    assert Server().peer == "<never connected>"
    side = connect(lab, server_factory(lab), MemoryTransport(lab, peername=name))
    assert side.protocol.peer == peer


@covers("WebSocketServerProtocol")
def test_on_message_alone_makes_an_echo_server(lab: Lab) -> None:
    class Echo(Server):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.sendMessage(payload, isBinary)

    side = open_server(lab, Echo)
    side.feed_frame(TEXT, b"hello")
    assert [each.payload for each in side.frames()] == [b"hello"]
