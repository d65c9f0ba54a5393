"""What ``onConnect`` of a server is told, and what comes of its answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import ConnectionAccept, ConnectionDeny, ConnectionRequest
from wsproto_async import WebSocketProtocol as P
from wsproto_async.version import __version__

from .support import (
    ACCEPT,
    KEY,
    TEXT,
    Lab,
    Server,
    Side,
    answer_to,
    connect,
    head_of,
    request,
    server_factory,
    unclean,
)

# --- onConnect ------------------------------------------------------------------------------------


def answering(result: Any, later: bool = False) -> Any:
    class Answering(Server):
        def onConnect(self, request: ConnectionRequest) -> Any:
            self.note("request", request)
            if not later:
                return answer()
            return answer_later()

    def answer() -> Any:
        if isinstance(result, BaseException):
            raise result
        return result

    async def answer_later() -> Any:
        return answer()

    return Answering


OFFER = request("/", {"Sec-WebSocket-Protocol": "a, b"})

BEARER = {"www-authenticate": "Bearer"}
ANSWERS: list[tuple[Any, int, str | None, dict[str, str]]] = [
    (None, 101, None, {}),
    ("b", 101, "b", {}),
    (("a", {"X-One": "1"}), 101, "a", {"x-one": "1"}),
    ((None, {"X-One": "1", "X-Two": 2}), 101, None, {"x-one": "1", "x-two": "2"}),
    (("a",), 101, "a", {}),
    ((), 101, None, {}),
    (ConnectionAccept("b", {"X-One": "1"}), 101, "b", {"x-one": "1"}),
    (ConnectionAccept(), 101, None, {}),
    ("c", 500, None, {}),
    (["a", {}], 500, None, {}),
    (("a", {}, 1), 500, None, {}),
    (("a", "X: 1"), 500, None, {}),
    (1, 500, None, {}),
    ((None, {"X": "a\r\nb"}), 500, None, {}),
    ((None, {"Upgrade": "x"}), 500, None, {}),
    (ConnectionDeny(403, "not you"), 403, None, {}),
    (ConnectionDeny(404), 404, None, {}),
    (ConnectionDeny(401, "no\r\nX: y"), 401, None, {}),
    (ConnectionDeny(401, None, {"WWW-Authenticate": "Bearer"}), 401, None, BEARER),
    (ConnectionDeny(401, None, {"Set-Cookie": ["a=1", "b=2"]}), 401, None, {"set-cookie": "b=2"}),
    (ConnectionDeny(401, None, {"X": "a\r\nb"}), 500, None, {}),
    (ZeroDivisionError("secret"), 500, None, {}),
]


@covers("WebSocketServerProtocol.onConnect", "succeedHandshake")
@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("i", range(len(ANSWERS)))
def test_each_answer_of_on_connect(lab: Lab, i: int, later: bool) -> None:
    result, status, subprotocol, headers = ANSWERS[i]
    side = answer_to(lab, OFFER, answering(result, later))
    line, found = head_of(octets := side.sent())
    assert line.split()[1] == str(status)
    assert octets.count(b"\r\n\r\n") == 1
    assert found.get("sec-websocket-protocol") == subprotocol
    assert headers.items() <= found.items()
    assert b"secret" not in octets
    if status == 101:
        assert side.protocol.state == P.STATE_OPEN
        assert side.protocol.websocket_protocol_in_use == subprotocol
        assert side.protocol.noted("open") == [()]
    else:
        assert side.closed()[:2] == (False, 1006)
        assert side.protocol.noted("open") == []


@covers("WebSocketServerProtocol.onConnect")
def test_on_connect_may_return_a_future(lab: Lab) -> None:
    future = lab.create_future()
    side = answer_to(lab, OFFER, answering(future))
    assert side.sent() == b""
    future.set_result("a")
    assert head_of(side.sent())[1]["sec-websocket-protocol"] == "a"


@covers("WebSocketServerProtocol.onConnect")
def test_what_on_connect_is_told(lab: Lab) -> None:
    octets = request(
        "/a%20b?x=1&y=&x=2",
        {
            "Host": "Example.com:9000",
            "Origin": "https://page.example",
            "Sec-WebSocket-Protocol": "a",
            "Sec-WebSocket-Extensions": "x-one; p=1",
            "X-Mine": "1",
        },
        "Sec-WebSocket-Protocol: b",
        "X-Mine: 2",
    )
    side = answer_to(lab, octets, answering(None))
    [(told,)] = side.protocol.noted("request")
    assert (told.peer, told.host, told.path) == ("tcp4:192.0.2.1:4711", "Example.com", "/a%20b")
    assert told.params == {"x": ["1", "2"]}
    assert (told.version, told.origin, told.protocols) == (13, "https://page.example", ["a", "b"])
    assert told.extensions == [("x-one", {"p": ["1"]})]
    assert told.headers["x-mine"] == "1, 2"
    protocol = side.protocol
    assert protocol.http_request_data == octets
    assert protocol.http_status_line == "GET /a%20b?x=1&y=&x=2 HTTP/1.1"
    assert protocol.http_headers == told.headers
    assert protocol.http_request_uri == "/a%20b?x=1&y=&x=2"
    assert protocol.http_request_path == "/a%20b"
    assert protocol.http_request_params == told.params
    assert protocol.http_request_host == "Example.com"
    assert (protocol.websocket_version, protocol._wskey) == (13, KEY)
    assert protocol.websocket_protocols == ["a", "b"]
    assert protocol.websocket_origin == "https://page.example"
    assert protocol.websocket_extensions == told.extensions
    assert protocol.http_response_data.startswith("HTTP/1.1 101 ")


# --- the 101 --------------------------------------------------------------------------------------


@covers("succeedHandshake")
def test_the_response_in_order(lab: Lab) -> None:
    factory = server_factory(
        lab,
        answering(("a", {"Set-Cookie": ["one=1", "two=2"], "X-Three": "3"})),
        session={"server": "mine/1", "headers": {"X-One": "1", "X-Two": ("a", "b")}},
    )
    side = connect(lab, factory)
    side.feed(OFFER)
    assert side.sent().decode().split("\r\n") == [
        "HTTP/1.1 101 Switching Protocols",
        "Server: mine/1",
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        "X-One: 1",
        "X-Two: a",
        "X-Two: b",
        "Set-Cookie: one=1",
        "Set-Cookie: two=2",
        "X-Three: 3",
        "Sec-WebSocket-Protocol: a",
        f"Sec-WebSocket-Accept: {ACCEPT}",
        "",
        "",
    ]


@covers("WebSocketServerFactory.__init__(server=)")
@pytest.mark.parametrize("server", [None, ""])
def test_no_server_header(lab: Lab, server: str | None) -> None:
    side = connect(lab, server_factory(lab, session={"server": server}))
    side.feed(request())
    assert "server" not in head_of(side.sent())[1]
    assert head_of(answer_to(lab, request()).sent())[1]["server"] == f"wsproto_async/{__version__}"


@covers("_WS_MAGIC")
def test_the_example_of_the_rfc(lab: Lab) -> None:
    answer = head_of(answer_to(lab, request("/", {"Sec-WebSocket-Key": KEY})).sent())
    assert answer[1]["sec-websocket-accept"] == ACCEPT


@covers("succeedHandshake")
def test_the_handshake_can_be_answered_by_hand(lab: Lab) -> None:
    class ByHand(Server):
        def processHandshake(self) -> None:
            self.note("octets", len(self.data))
            super().processHandshake()

        def succeedHandshake(self, res: Any) -> None:
            self.note("answer", res)
            super().succeedHandshake("b")

    side = answer_to(lab, OFFER, ByHand)
    assert side.protocol.noted("octets") == [(len(OFFER),)]
    assert side.protocol.noted("answer") == [(None,)]
    assert side.protocol.websocket_protocol_in_use == "b"


@covers("WebSocketServerProtocol.failHandshake", "sendHttpErrorResponse")
def test_a_refusal_by_hand(lab: Lab) -> None:
    class Refusing(Server):
        def onConnect(self, request: ConnectionRequest) -> Any:
            self.failHandshake("too late", 410, [("X-Why", "clock")])

    side = answer_to(lab, request(), Refusing)
    line, headers = head_of(octets := side.sent())
    assert line == "HTTP/1.1 410 too late"
    assert headers["x-why"] == "clock"
    assert octets.count(b"HTTP/1.1") == 1
    assert side.closed() == unclean("too late")


@covers("WebSocketServerProtocol.processProxyConnect")
def test_a_server_has_no_proxy() -> None:
    with pytest.raises(RuntimeError):
        Server().processProxyConnect()


# --- while onConnect is pending -------------------------------------------------------------------


def pending(lab: Lab) -> tuple[Side[Any], Any]:
    future = lab.create_future()
    return answer_to(lab, request(), answering(future)), future


@covers("WebSocketServerProtocol.processHandshake")
def test_what_comes_early_is_kept(lab: Lab) -> None:
    side, future = pending(lab)
    early = side.frame(TEXT, b"\r\n\r\nGET") + side.frame(TEXT, b"2")
    side.feed(early[:5], early[5:])
    assert side.protocol.data == early
    future.set_result(None)
    lab.turn()
    assert side.protocol.noted("message") == [(b"\r\n\r\nGET", False), (b"2", False)]


@covers("WebSocketServerProtocol.processHandshake")
def test_but_not_without_bounds(lab: Lab) -> None:
    side, future = pending(lab)
    for _ in range(100):
        side.feed(bytes(1000))
    assert len(side.protocol.data) <= 64 * 1024
    assert side.closed()[:2] == (False, 1006)
    future.set_result(None)
    lab.turn()
    assert b"101" not in side.sent()


@covers("WebSocketServerProtocol.onConnect")
@pytest.mark.parametrize("result", [None, ConnectionDeny(403), ZeroDivisionError()])
def test_the_client_goes_before_it_is_answered(lab: Lab, result: Any) -> None:
    side, future = pending(lab)
    side.lose()
    assert side.closed()[:2] == (False, 1006)
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
    lab.turn()
    assert side.transport.writes == []
    assert side.protocol.noted("open") == []
