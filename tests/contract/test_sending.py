"""Messages, pings and closes that are sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import Disconnected, PayloadExceededError, WebSocketProtocol
from wsproto_async.constants import CloseCode
from wsproto_async.protocol import PreparedMessage

from .support import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    ROLES,
    TEXT,
    Client,
    Frame,
    Lab,
    Server,
    client_factory,
    close_payload,
    connect,
    frames,
    open_client,
    open_server,
    open_side,
    server_factory,
)


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def message(pieces: list[bytes], opcode: int = TEXT) -> list[Frame]:
    """The frames of a message that was cut like this."""
    last = len(pieces) - 1
    return [Frame(0 if i else opcode, piece, i == last) for i, piece in enumerate(pieces)]


# --- sendMessage ----------------------------------------------------------------------------------


@covers("sendMessage")
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 200_000])
def test_a_message_is_one_frame(lab: Lab, role: str, size: int) -> None:
    side = open_side(lab, role)
    side.protocol.sendMessage(bytes(size), True)
    side.protocol.sendMessage(b"text")
    assert side.frames() == [Frame(BINARY, bytes(size)), Frame(TEXT, b"text")]


@covers("sendMessage")
@pytest.mark.parametrize(
    ("size", "pieces"),
    [
        (1, [b"a", b"b", b"c", b"d", b"e"]),
        (2, [b"ab", b"cd", b"e"]),
        (4, [b"abcd", b"e"]),
        (5, [b"abcde"]),
        (6, [b"abcde"]),
    ],
)
def test_a_message_is_cut_as_told(lab: Lab, role: str, size: int, pieces: list[bytes]) -> None:
    side = open_side(lab, role)
    side.protocol.sendMessage(b"abcde", True, size)
    assert side.frames() == message(pieces, BINARY)


@covers("autoFragmentSize")
def test_messages_are_cut_by_the_option(lab: Lab, role: str) -> None:
    side = open_side(lab, role, autoFragmentSize=3)
    side.protocol.sendMessage(b"abcdef")
    assert side.frames() == message([b"abc", b"def"])
    side.protocol.sendMessage(b"abcdef", fragmentSize=4)
    assert side.frames() == message([b"abcd", b"ef"])
    side.protocol.autoFragmentSize = 0
    side.protocol.sendMessage(b"abcdef")
    assert side.frames() == message([b"abcdef"])


@covers("sendMessage")
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("text",), "payload"),
        ((bytearray(b"x"),), "payload"),
        ((memoryview(b"x"),), "payload"),
        ((None,), "payload"),
        ((b"x", 1), "isBinary"),
        ((b"x", None), "isBinary"),
        ((b"x", False, "2"), "fragmentSize"),
        ((b"x", False, True), "fragmentSize"),
        ((b"x", False, 0), "fragmentSize"),
        ((b"x", False, -1), "fragmentSize"),
        ((b"x", False, None, 1), "sync"),
        ((b"x", False, None, False, 1), "doNotCompress"),
    ],
)
def test_an_argument_of_a_wrong_type_is_named(lab: Lab, arguments: Any, named: str) -> None:
    side = open_server(lab)
    with pytest.raises(AssertionError, match=named):
        side.protocol.sendMessage(*arguments)
    assert side.sent() == b""


@covers("sendMessage")
def test_only_an_open_connection_takes_messages(lab: Lab) -> None:
    side = connect(lab, server_factory(lab))
    with pytest.raises(Disconnected):
        Server().sendMessage(b"x")
    with pytest.raises(Disconnected):
        side.protocol.sendMessage(b"x")
    side = open_server(lab)
    side.protocol.sendClose()
    with pytest.raises(RuntimeError):
        side.protocol.sendMessage(b"x")
    side.protocol.dropConnection()
    with pytest.raises(Disconnected):
        side.protocol.sendMessage(b"x")


@covers("maxMessagePayloadSize")
def test_a_message_above_the_limit_is_not_sent(lab: Lab, role: str) -> None:
    side = open_side(lab, role, maxMessagePayloadSize=5)
    with pytest.raises(PayloadExceededError):
        side.protocol.sendMessage(b"123456")
    assert side.sent() == b""
    assert side.protocol.wasMaxMessagePayloadSizeExceeded
    side.protocol.sendMessage(b"12345")
    assert side.frames() == [Frame(TEXT, b"12345")]


# --- prepared messages ----------------------------------------------------------------------------


@covers("prepareMessage", "sendPreparedMessage")
def test_one_message_for_many_connections(lab: Lab) -> None:
    factory = server_factory(lab)
    prepared = factory.prepareMessage(b"news", isBinary=True)
    assert type(prepared) is PreparedMessage
    for _ in range(3):
        side = open_server(lab)
        side.protocol.sendPreparedMessage(prepared)
        assert frames(side.sent()) == [Frame(BINARY, b"news")]
    assert (prepared.payload, prepared.binary, prepared.doNotCompress) == (b"news", True, False)


@covers("prepareMessage")
def test_a_client_factory_masks(lab: Lab) -> None:
    prepared = client_factory(lab).prepareMessage(b"news")
    side = open_client(lab)
    side.protocol.sendPreparedMessage(prepared)
    octets = side.sent()
    assert octets == prepared.payloadHybi
    [frame] = frames(octets)
    assert (frame.opcode, frame.payload) == (TEXT, b"news")
    assert frame.mask is not None


@covers("prepareMessage")
@pytest.mark.parametrize("payload", ["text", None, bytearray(b"x")])
def test_only_bytes_can_be_prepared(lab: Lab, payload: Any) -> None:
    with pytest.raises(AssertionError, match="payload"):
        server_factory(lab).prepareMessage(payload)


@covers("sendPreparedMessage")
def test_a_prepared_message_needs_an_open_connection(lab: Lab) -> None:
    prepared = server_factory(lab).prepareMessage(b"news")
    side = open_server(lab)
    side.protocol.sendClose()
    side.sent()
    with pytest.raises(Disconnected):
        side.protocol.sendPreparedMessage(prepared)
    assert side.sent() == b""


@covers("sendPreparedMessage")
def test_a_prepared_message_is_held_to_the_limit(lab: Lab) -> None:
    prepare = server_factory(lab).prepareMessage
    side = open_server(lab)
    side.protocol.maxMessagePayloadSize = 3
    side.protocol.sendPreparedMessage(prepare(b"abc"))
    with pytest.raises(PayloadExceededError, match="message of 4 octets exceeds"):
        side.protocol.sendPreparedMessage(prepare(b"abcd"))
    assert side.frames() == [Frame(TEXT, b"abc")]
    assert side.protocol.wasMaxMessagePayloadSizeExceeded


def test_a_large_prepared_message_keeps_its_place(lab: Lab) -> None:
    prepared = server_factory(lab).prepareMessage(bytes(100_000), isBinary=True)
    side = open_server(lab)
    side.protocol.sendMessage(b"1")
    side.protocol.sendPreparedMessage(prepared)
    side.protocol.sendMessage(b"2")
    sent = side.frames()
    assert [len(frame.payload) for frame in sent] == [1, 100_000, 1]


# --- pings and pongs ------------------------------------------------------------------------------


@covers("sendPing", "sendPong")
def test_pings_and_pongs_carry_up_to_125_octets(lab: Lab, role: str, row: str) -> None:
    side = open_side(lab, role)
    name = row.partition(".")[2]
    send, opcode = getattr(side.protocol, name), {"sendPing": PING, "sendPong": PONG}[name]
    send()
    send(None)
    send(b"")
    send(b"x" * 125)
    assert side.frames() == [*[Frame(opcode)] * 3, Frame(opcode, b"x" * 125)]
    with pytest.raises(Exception, match="125"):
        send(b"x" * 126)
    with pytest.raises(TypeError):
        send("text")
    assert side.sent() == b""


@covers("sendPing", "sendPong")
def test_pings_and_pongs_want_an_open_connection(lab: Lab, row: str) -> None:
    name = row.partition(".")[2]
    assert getattr(Server(), name)(b"x") is None
    side = connect(lab, server_factory(lab))
    assert getattr(side.protocol, name)(b"x") is None
    assert side.sent() == b""
    side = open_server(lab)
    side.protocol.sendClose()
    side.sent()
    assert getattr(side.protocol, name)(b"x") is None
    side.protocol.dropConnection(abort=True)
    assert getattr(side.protocol, name)(b"x") is None
    assert side.sent() == b""


# --- closes ---------------------------------------------------------------------------------------


@covers("sendClose")
@pytest.mark.parametrize(
    ("arguments", "payload"),
    [
        ((), b""),
        ((None, None), b""),
        ((1000,), close_payload(1000)),
        ((CloseCode.NORMAL,), close_payload(1000)),
        ((3000, "so"), close_payload(3000, "so")),
        ((4999, ""), close_payload(4999)),
        ((1000, "x" * 200), close_payload(1000, "x" * 123)),
        ((1000, "ü" * 70), close_payload(1000, "ü" * 61)),
        ((1000, "x" * 122 + "€"), close_payload(1000, "x" * 122)),
        ((1000, "x" * 120 + "€"), close_payload(1000, "x" * 120 + "€")),
    ],
)
def test_what_a_close_frame_says(lab: Lab, role: str, arguments: Any, payload: bytes) -> None:
    side = open_side(lab, role)
    side.protocol.sendClose(*arguments)
    assert side.frames() == [Frame(CLOSE, payload)]
    assert side.protocol.state == WebSocketProtocol.STATE_CLOSING
    side.protocol.sendClose(1000)
    assert side.sent() == b""


@covers("sendClose")
@pytest.mark.parametrize(
    ("arguments", "contains"),
    [
        (("1000",), "invalid type"),
        ((1000.0,), "invalid type"),
        ((True,), "invalid type"),
        ((999,), "invalid close code 999"),
        ((2999,), "invalid close code 2999"),
        ((5000,), "invalid close code 5000"),
        ((1000, b"bytes"), "reason must be of type"),
        ((1000, 1), "reason must be of type"),
        ((1000, "\ud800"), "close reason cannot be sent as UTF-8"),
        ((None, "reason"), "close reason without close code"),
    ],
)
def test_a_bad_close_is_refused(lab: Lab, arguments: Any, contains: str) -> None:
    side = open_server(lab)
    with pytest.raises(Exception, match=contains):
        side.protocol.sendClose(*arguments)
    assert side.sent() == b""
    assert side.protocol.state == WebSocketProtocol.STATE_OPEN


@covers("sendCloseFrame")
@pytest.mark.parametrize("code", [None, 1002, 1005, 65535])
def test_a_close_frame_may_carry_any_code(lab: Lab, role: str, code: int | None) -> None:
    side = open_side(lab, role)
    side.protocol.sendCloseFrame(code, None if code is None else b"\xff")
    payload = b"" if code is None else code.to_bytes(2, "big") + b"\xff"
    assert side.frames() == [Frame(CLOSE, payload)]
    assert side.protocol.closedByMe
    assert side.protocol.localCloseCode == code
    assert side.protocol.localCloseReason == (None if code is None else b"\xff")
    side.protocol.sendCloseFrame(1000)
    assert side.sent() == b""
    side.lose()
    assert side.closed()[:2] == (False, 1006)
    assert side.protocol.close_info.sent_reason == ("" if code is None else "\ufffd")


@covers("sendClose", "sendCloseFrame")
def test_a_connection_that_is_not_open_yet_cannot_be_closed(lab: Lab, row: str) -> None:
    name = row.partition(".")[2]
    for side in (connect(lab, server_factory(lab)), connect(lab, client_factory(lab))):
        with pytest.raises(Exception, match="not yet connected"):
            getattr(side.protocol, name)()
        side.protocol.dropConnection()
        getattr(side.protocol, name)()


@covers("sendCloseFrame")
def test_a_reply_of_ones_own_is_not_waited_for(lab: Lab) -> None:
    class Replying(Server):
        def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> bool:
            self.wasClean = True
            self.remoteCloseCode = code
            self.sendCloseFrame(4000, b"mine", isReply=True)
            self.dropConnection()
            return True

    side = open_server(lab, Replying)
    side.feed_frame(CLOSE, close_payload(1001))
    assert side.frames() == [Frame(CLOSE, close_payload(4000, "mine"))]
    assert not side.protocol.closedByMe
    assert side.protocol.closeHandshakeTimeoutCall is None
    assert side.closed() == (True, 1001, None)


def test_the_answer_of_a_subclass_does_not_start_the_clock(lab: Lab) -> None:
    class Replying(Client):
        def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> bool:
            self.sendCloseFrame(1000, isReply=True)
            return True

    side = open_client(lab, Replying)
    side.feed_frame(CLOSE)
    assert side.protocol.state == WebSocketProtocol.STATE_CLOSING
    side.advance(100)
    assert side.protocol.noted("close") == []
