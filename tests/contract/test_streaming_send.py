"""Messages that are sent in pieces."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import OptionTypeError
from wsproto_async import WebSocketProtocol as P

from .support import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    ROLES,
    TEXT,
    Frame,
    Lab,
    Server,
    connect,
    frames,
    open_server,
    open_side,
    server_factory,
)


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@covers(
    "SEND_STATE_GROUND",
    "SEND_STATE_MESSAGE_BEGIN",
    "SEND_STATE_INSIDE_MESSAGE",
    "SEND_STATE_INSIDE_MESSAGE_FRAME",
    "beginMessage",
    "beginMessageFrame",
    "sendMessageFrameData",
    "endMessage",
)
def test_a_message_in_pieces(lab: Lab, role: str) -> None:
    protocol = open_side(lab, role).protocol
    assert protocol.send_state == P.SEND_STATE_GROUND
    assert protocol.beginMessage(isBinary=True) is None
    assert protocol.send_state == P.SEND_STATE_MESSAGE_BEGIN
    assert protocol.beginMessageFrame(3) is None
    assert protocol.send_state == P.SEND_STATE_INSIDE_MESSAGE_FRAME
    assert protocol.sendMessageFrameData(b"ab") == 1
    assert protocol.send_state == P.SEND_STATE_INSIDE_MESSAGE_FRAME
    assert protocol.sendMessageFrameData(b"c") == 0
    assert protocol.send_state == P.SEND_STATE_INSIDE_MESSAGE
    assert protocol.endMessage() is None
    assert protocol.send_state == P.SEND_STATE_GROUND


@covers("beginMessageFrame", "endMessage", "sendMessageFrame")
def test_what_is_on_the_wire(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.protocol.beginMessage()
    side.protocol.beginMessageFrame(3)
    side.protocol.sendMessageFrameData(b"ab")
    side.protocol.sendMessageFrameData(b"c")
    side.protocol.sendMessageFrame(b"defg")
    side.protocol.endMessage()
    assert side.frames() == [
        Frame(TEXT, b"abc", fin=False),
        Frame(0, b"defg", fin=False),
        Frame(0, b""),
    ]


@covers("beginMessageFrame")
@pytest.mark.parametrize("length", [0, 125, 126, 65536, 2**63 - 1])
def test_the_header_leaves_at_once(lab: Lab, length: int) -> None:
    side = open_server(lab)
    side.protocol.beginMessage(isBinary=True)
    assert side.sent() == b""
    side.protocol.beginMessageFrame(length)
    octets = side.sent()
    assert octets[0] == BINARY
    if length < 126:
        assert octets[1:] == bytes([length])
    elif length < 65536:
        assert octets[1:] == b"\x7e" + length.to_bytes(2, "big")
    else:
        assert octets[1:] == b"\x7f" + length.to_bytes(8, "big")


@covers("beginMessageFrame")
@pytest.mark.parametrize("length", [-1, 2**63, 1.0, "1", None, True])
def test_a_bad_length_is_refused(lab: Lab, length: Any) -> None:
    side = open_server(lab)
    side.protocol.beginMessage()
    with pytest.raises(Exception, match="length"):
        side.protocol.beginMessageFrame(length)
    assert side.sent() == b""


@covers("sendMessageFrameData")
def test_what_is_too_much_is_not_sent(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.protocol.beginMessage()
    side.protocol.beginMessageFrame(3)
    assert side.protocol.sendMessageFrameData(b"abcde") == -2
    side.protocol.endMessage()
    assert side.frames() == [Frame(TEXT, b"abc", fin=False), Frame(0)]


@covers("sendMessageFrameData")
def test_an_empty_frame_is_left_by_empty_data(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.beginMessage()
    side.protocol.beginMessageFrame(0)
    assert side.protocol.send_state == P.SEND_STATE_INSIDE_MESSAGE_FRAME
    assert side.protocol.sendMessageFrameData(b"") == 0
    side.protocol.endMessage()
    assert side.frames() == [Frame(TEXT, fin=False), Frame(0)]


@covers("sendMessageFrameData")
def test_each_frame_has_a_mask_of_its_own(lab: Lab) -> None:
    side = open_side(lab, "client")
    side.protocol.beginMessage()
    for _ in range(20):
        side.protocol.sendMessageFrame(b"abcdef")
    side.protocol.endMessage()
    sent = frames(side.sent())
    assert {frame.payload for frame in sent} == {b"abcdef", b""}
    assert len({frame.mask for frame in sent}) > 15


CALLS: dict[str, tuple[Any, ...]] = {
    "beginMessage": (),
    "beginMessageFrame": (3,),
    "sendMessageFrameData": (b"abc",),
    "sendMessageFrame": (b"abc",),
    "endMessage": (),
}
ALLOWED = {
    "ground": {"beginMessage"},
    "begun": {"beginMessageFrame", "sendMessageFrame", "endMessage"},
    "frame": {"sendMessageFrameData"},
    "between": {"beginMessageFrame", "sendMessageFrame", "endMessage"},
}


def bring_to(protocol: Any, state: str) -> None:
    if state != "ground":
        protocol.beginMessage()
    if state in ("frame", "between"):
        protocol.beginMessageFrame(3)
    if state == "between":
        protocol.sendMessageFrameData(b"abc")


@covers(*CALLS)
@pytest.mark.parametrize("state", ALLOWED)
def test_each_call_in_each_state(lab: Lab, row: str, state: str) -> None:
    name = row.partition(".")[2]
    side = open_server(lab)
    bring_to(side.protocol, state)
    if name in ALLOWED[state]:
        getattr(side.protocol, name)(*CALLS[name])
        return
    before = side.protocol.send_state
    side.sent()
    with pytest.raises(RuntimeError):
        getattr(side.protocol, name)(*CALLS[name])
    assert side.sent() == b""
    assert side.protocol.send_state == before


@covers(*CALLS)
def test_nothing_happens_unless_open(lab: Lab, row: str) -> None:
    name = row.partition(".")[2]
    assert getattr(Server(), name)(*CALLS[name]) is None
    side = connect(lab, server_factory(lab))
    assert getattr(side.protocol, name)(*CALLS[name]) is None
    side = open_server(lab)
    side.protocol.sendClose()
    side.sent()
    assert getattr(side.protocol, name)(*CALLS[name]) is None
    assert side.sent() == b""


@covers("sendMessage", "endMessage")
@pytest.mark.parametrize("state", ["begun", "frame", "between"])
@pytest.mark.parametrize("sync", [False, True])
def test_messages_are_not_interleaved(lab: Lab, state: str, sync: bool) -> None:
    side = open_server(lab)
    bring_to(side.protocol, state)
    side.sent()
    with pytest.raises(RuntimeError, match="beginMessage"):
        side.protocol.sendMessage(b"x", sync=sync)
    with pytest.raises(RuntimeError, match="beginMessage"):
        side.protocol.sendPreparedMessage(side.protocol.factory.prepareMessage(b"x"))
    assert side.sent() == b""


@pytest.mark.parametrize("watched", [False, True])
def test_a_ping_waits_for_the_frame_that_is_being_sent(lab: Lab, role: str, watched: bool) -> None:
    side = open_side(lab, role, logFrames=watched)
    side.protocol.beginMessage()
    side.protocol.beginMessageFrame(4)
    side.protocol.sendMessageFrameData(b"ab")
    side.protocol.sendPing(b"now")
    side.feed_frame(PING, b"theirs")
    side.protocol.sendMessageFrameData(b"cd")
    side.protocol.sendPing(b"between")
    side.protocol.endMessage()
    assert side.frames() == [
        Frame(TEXT, b"abcd", fin=False),
        Frame(PING, b"now"),
        Frame(PONG, b"theirs"),
        Frame(PING, b"between"),
        Frame(0),
    ]


def test_so_does_a_close(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.protocol.beginMessage()
    side.protocol.beginMessageFrame(2)
    side.protocol.sendClose(1000)
    octets = side.sent()
    assert len(octets) == (2 if role == "server" else 6)
    assert side.protocol.state == P.STATE_CLOSING
    assert octets[0] != 0x80 | CLOSE
    side.protocol.sendMessageFrameData(b"ab")  # completes the frame, which the close waits for
    opcodes = [frame.opcode for frame in frames(octets + side.sent())]
    assert opcodes == [TEXT, CLOSE]
    assert side.protocol.sendMessageFrameData(b"cd") is None


@covers("sendMessageFrameData", "sendMessageFrame")
@pytest.mark.parametrize("payload", ["abc", memoryview(array("I", [1])), None, bytearray(b"abc")])
def test_what_is_no_bytes_is_refused_before_anything_leaves(lab: Lab, payload: Any) -> None:
    side = open_server(lab)
    side.protocol.beginMessage()
    with pytest.raises(
        OptionTypeError, match=r"sendMessageFrame\(payload=...\) must be bytes, not"
    ):
        side.protocol.sendMessageFrame(payload)
    side.protocol.beginMessageFrame(3)
    with pytest.raises(OptionTypeError, match=r"sendMessageFrameData\(payload=...\) must be bytes"):
        side.protocol.sendMessageFrameData(payload)
    side.protocol.sendMessageFrameData(b"abc")
    side.protocol.endMessage()
    assert side.frames() == [Frame(TEXT, b"abc", fin=False), Frame(0, b"")]


@covers("sendMessageFrameData", "sendMessageFrame")
def test_sync_gives_each_piece_a_write_of_its_own(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.beginMessage()
    side.protocol.beginMessageFrame(4)
    side.protocol.sendMessageFrameData(b"ab", sync=True)
    side.protocol.sendMessageFrameData(b"cd", sync=True)
    side.protocol.sendMessageFrame(b"ef", sync=True)
    side.protocol.endMessage()
    side.advance(1)
    writes = side.transport.writes[side.seen :]
    assert b"".join(writes) == b"\x01\x04abcd\x00\x02ef\x80\x00"
    assert {b"cd", b"\x80\x00"} < set(writes)
    assert not [write for write in writes if b"ab" in write and b"cd" in write]


@covers("sendMessageFrameData")
def test_sync_writes_nothing_where_there_is_nothing(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.beginMessage()
    side.protocol.beginMessageFrame(2)
    side.sent()
    assert side.protocol.sendMessageFrameData(b"", sync=True) == 2
    assert not side.protocol.triggered
    assert side.sent() == b""
