"""Every way a connection can end, and what ``onClose`` is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.table import ROWS, covers
from wsproto_async import WebSocketProtocol as P

from .support import (
    BASES,
    CLOSE,
    ROLES,
    TEXT,
    Client,
    Frame,
    Lab,
    client_factory,
    close_payload,
    connect,
    open_client,
    open_server,
    open_side,
    request,
    response,
    server_factory,
    unclean,
)

DROPPED_BY_ME = "I dropped the WebSocket TCP connection: {}"
BY_PEER = "peer dropped the TCP connection without previous WebSocket closing handshake"

CODES = [row.id for row in ROWS.values() if row.name.startswith("CLOSE_STATUS_CODE_")]
ALLOWED = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013)


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# --- close codes ----------------------------------------------------------------------------------


@covers(*CODES)
def test_each_code_received(lab: Lab, row: str, role: str) -> None:
    code = ROWS[row].value
    side = open_side(lab, role, failByDrop=False)
    side.feed_frame(CLOSE, close_payload(code, "why"))
    [reply] = side.frames()
    if code in ALLOWED:
        assert reply == Frame(CLOSE, close_payload(1000))
        assert side.protocol.remoteCloseCode == code
    else:
        assert reply.payload[:2] == (1002).to_bytes(2, "big")
        assert str(code).encode() in reply.payload


@covers(*CODES)
def test_each_code_sent(lab: Lab, row: str) -> None:
    code = ROWS[row].value
    side = open_server(lab)
    if code == 1000:
        side.protocol.sendClose(code)
        assert side.frames() == [Frame(CLOSE, close_payload(code))]
    else:
        with pytest.raises(Exception, match=f"invalid close code {code}"):
            side.protocol.sendClose(code)


@covers("CLOSE_STATUS_CODES_ALLOWED")
@pytest.mark.parametrize(
    ("code", "allowed"),
    [*((c, True) for c in (*P.CLOSE_STATUS_CODES_ALLOWED, 3000, 4000, 4999))]
    + [(c, False) for c in (0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2000, 2999, 5000, 65535)],
)
def test_which_codes_a_peer_may_send(lab: Lab, code: int, allowed: bool) -> None:
    side = open_server(lab)
    side.feed_frame(CLOSE, close_payload(code))
    if allowed:
        assert side.closed() == (True, code, None)
    else:
        was_clean, reported, reason = side.closed()
        assert (was_clean, reported) == (False, 1006)
        assert f"{code}" in str(reason)


# --- clean endings --------------------------------------------------------------------------------


@covers("onClose", "onCloseFrame")
@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        (b"", None, None),
        (close_payload(1000), 1000, None),
        (close_payload(1001, "bye"), 1001, "bye"),
        (close_payload(4999, "grün"), 4999, "grün"),
    ],
)
def test_the_peer_closes(
    lab: Lab, role: str, payload: bytes, code: int | None, reason: str | None
) -> None:
    side = open_side(lab, role)
    side.feed_frame(CLOSE, payload)
    assert side.frames() == [Frame(CLOSE, close_payload(1000))]
    if role == "server":
        assert side.transport.closed
        assert not side.transport.aborted
    else:
        assert side.protocol.state == P.STATE_CLOSING
        assert not side.transport.is_closing()
        side.lose()
    assert side.closed() == (True, code, reason)
    assert not side.protocol.closedByMe
    assert (side.protocol.localCloseCode, side.protocol.localCloseReason) == (1000, None)
    assert (side.protocol.remoteCloseCode, side.protocol.remoteCloseReason) == (code, reason)


@covers("onClose", "STATE_CLOSING", "STATE_CLOSED")
def test_we_close(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.protocol.sendClose(3000, "mine")
    assert side.protocol.state == P.STATE_CLOSING
    side.feed_frame(TEXT, b"still")
    side.feed_frame(CLOSE, close_payload(1000, "theirs"))
    if role == "client":
        assert side.protocol.state == P.STATE_CLOSING
        side.lose()
    assert side.protocol.state == P.STATE_CLOSED
    assert not side.transport.aborted
    assert side.protocol.noted("message") == [(b"still", False)]
    assert side.closed() == (True, 1000, "theirs")
    assert side.protocol.closedByMe
    assert (side.protocol.localCloseCode, side.protocol.localCloseReason) == (3000, b"mine")


@covers("onClose")
def test_the_answer_to_our_close_may_be_empty(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.protocol.sendClose(1000)
    side.feed_frame(CLOSE)
    side.lose()
    assert side.closed() == (True, None, None)


@covers("onClose")
def test_tcp_is_lost_before_our_answer_has_left(lab: Lab) -> None:
    side = open_client(lab)
    side.feed_frame(CLOSE, close_payload(1001))
    side.lose(ConnectionResetError())
    assert side.closed() == (True, 1001, None)


@covers("onClose")
@pytest.mark.parametrize("role_", ROLES)
def test_what_comes_behind_a_close_does_not_count(lab: Lab, role_: str) -> None:
    side = open_side(lab, role_)
    side.feed(side.frame(CLOSE, close_payload(1000)) + side.frame(TEXT, b"late"))
    if role_ == "client":
        side.feed_frame(TEXT, b"later")
        side.feed(b"\xff" * 1000)
        assert side.protocol.data == b""
    side.lose()
    assert side.protocol.noted("message") == []
    assert side.closed() == (True, 1000, None)


@covers("echoCloseCodeReason")
@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        (b"", b""),
        (close_payload(4000), close_payload(4000)),
        (close_payload(1001, "grün"), close_payload(1001, "grün")),
        (close_payload(1001, "x" * 123), close_payload(1001, "x" * 123)),
    ],
)
def test_the_answer_may_repeat_the_peers_words(
    lab: Lab, role: str, payload: bytes, answer: bytes
) -> None:
    side = open_side(lab, role, echoCloseCodeReason=True)
    side.feed_frame(CLOSE, payload)
    assert side.frames() == [Frame(CLOSE, answer)]
    side = open_side(lab, role, echoCloseCodeReason=False)
    side.feed_frame(CLOSE, payload)
    assert side.frames() == [Frame(CLOSE, close_payload(1000))]


# --- unclean endings ------------------------------------------------------------------------------


@covers("onClose")
@pytest.mark.parametrize("closing", [False, True])
def test_tcp_is_lost(lab: Lab, role: str, closing: bool) -> None:
    side = open_side(lab, role)
    if closing:
        side.protocol.sendClose(1000)
    side.lose()
    assert side.closed() == unclean(BY_PEER)
    assert side.protocol.state == P.STATE_CLOSED


@covers("onClose")
@pytest.mark.parametrize("make", [server_factory, client_factory])
def test_tcp_is_lost_during_the_opening_handshake(lab: Lab, make: Any) -> None:
    side = connect(lab, make(lab))
    side.lose()
    assert side.closed() == unclean(BY_PEER)


@covers("dropConnection", "STATE_CLOSED", "onClose")
@pytest.mark.parametrize("abort", [False, True])
def test_the_application_drops_it(lab: Lab, role: str, abort: bool) -> None:
    side = open_side(lab, role)
    is_closed = side.protocol.is_closed
    side.protocol.sendMessage(b"last")
    side.protocol.dropConnection(abort=abort)
    assert side.protocol.state == P.STATE_CLOSED
    assert is_closed.result() is side.protocol
    assert side.protocol.noted("close") == []
    assert side.transport.aborted is abort
    if not abort:
        assert side.frames() == [Frame(TEXT, b"last")]
    side.protocol.dropConnection()
    assert side.closed() == unclean(None)
    assert side.protocol.droppedByMe


# --- endings before it is open --------------------------------------------------------------------


@covers("onClose", "WebSocketServerProtocol.failHandshake")
def test_a_server_that_refuses(lab: Lab) -> None:
    side = connect(lab, server_factory(lab))
    side.feed(request("/", {"Sec-WebSocket-Version": "7"}))
    assert side.sent().startswith(b"HTTP/1.1 400 ")
    was_clean, code, reason = side.closed()
    assert (was_clean, code) == (False, 1006)
    assert "version 7 not supported" in str(reason)


@covers("onClose")
def test_a_page_was_served(lab: Lab) -> None:
    side = connect(lab, server_factory(lab))
    side.feed(request("/", {"Upgrade": None}))
    assert side.closed() == unclean(None)


@covers("onClose", "WebSocketClientProtocol.failHandshake")
def test_a_client_that_is_refused(lab: Lab) -> None:
    side = connect(lab, client_factory(lab))
    side.feed(b"HTTP/1.1 404 Not Found\r\n\r\n")
    assert side.transport.aborted
    assert side.closed() == unclean("WebSocket connection upgrade failed (404 - Not Found)")


@covers("onClose", "WebSocketClientProtocol.onConnecting")
def test_on_connecting_raised(lab: Lab) -> None:
    class Raising(Client):
        def onConnecting(self, transport_details: Any) -> None:
            raise ZeroDivisionError

    side = connect(lab, client_factory(lab, Raising))
    assert side.sent() == b""
    assert side.transport.closed
    assert side.closed() == unclean(None)


@covers("onClose", "WebSocketClientProtocol.onConnect")
@pytest.mark.parametrize("by_drop", [False, True])
def test_a_clients_on_connect_raised(lab: Lab, by_drop: bool) -> None:
    class Raising(Client):
        def onConnect(self, response: Any) -> None:
            raise ValueError("no, thanks")

    side = connect(lab, client_factory(lab, Raising, failByDrop=by_drop))
    side.sent()
    is_open = side.protocol.is_open
    side.feed(response(side.protocol.websocket_key))
    if by_drop:
        assert side.closed() == unclean(DROPPED_BY_ME.format("no, thanks"))
    else:
        assert side.frames() == [Frame(CLOSE, close_payload(1000, "no, thanks"))]
        side.feed_frame(CLOSE, close_payload(1000))
        side.lose()
        assert side.closed() == (True, 1000, None)
    assert side.protocol.noted("open") == []
    assert not is_open.done()


# --- taking over ----------------------------------------------------------------------------------


@covers("onCloseFrame")
def test_an_override_may_look_and_pass_on(lab: Lab, role: str) -> None:
    class Looking(BASES[role]):  # type: ignore[misc, valid-type]
        def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> Any:
            self.note("close frame", code, reasonRaw)
            return super().onCloseFrame(code, reasonRaw)

    side = open_side(lab, role, protocol=Looking)
    side.feed_frame(CLOSE, close_payload(1001, "x"))
    side.lose()
    assert side.protocol.noted("close frame") == [(1001, b"x")]
    assert side.closed() == (True, 1001, "x")
    for payload, code in ((b"", None), (close_payload(1001), 1001)):
        side = open_side(lab, role, protocol=Looking)
        side.feed_frame(CLOSE, payload)
        assert side.protocol.noted("close frame") == [(code, None)]


@covers("onCloseFrame")
@pytest.mark.parametrize("result", [None, True])
def test_true_ends_the_parsing(lab: Lab, role: str, result: bool | None) -> None:
    class Taking(BASES[role]):  # type: ignore[misc, valid-type]
        def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> bool | None:
            return result

    side = open_side(lab, role, protocol=Taking)
    side.feed(side.frame(CLOSE) + side.frame(TEXT, b"1"))
    side.feed_frame(TEXT, b"2")
    expected = [] if result else [(b"1", False), (b"2", False)]
    assert side.protocol.noted("message") == expected
    assert side.sent() == b""
    side.protocol.dropConnection()
    assert side.closed() == unclean(None)


@covers("onCloseFrame")
def test_the_default_says_whether_to_go_on(lab: Lab) -> None:
    assert open_server(lab).protocol.onCloseFrame(1005, None) is True
    assert open_server(lab, failByDrop=False).protocol.onCloseFrame(1005, None) in (None, True)


@covers("_connectionLost", "WebSocketClientProtocol._connectionLost", "onClose")
def test_on_close_comes_once(lab: Lab, role: str) -> None:
    side = open_side(lab, role, autoPingInterval=1, openHandshakeTimeout=1)
    is_closed = side.protocol.is_closed
    side.protocol._connectionLost(None)
    assert side.protocol.state == P.STATE_CLOSED
    assert is_closed.result() is side.protocol
    side.lose()
    assert side.closed() == unclean(BY_PEER)
    assert side.protocol.transport is None
    handles = [name for name in dir(side.protocol) if name.endswith("Call")]
    assert [name for name in handles if getattr(side.protocol, name) is not None] == [
        name for name in handles if callable(getattr(side.protocol, name))
    ]
    side.advance(100)
