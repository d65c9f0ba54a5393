"""Pings and pongs that are received, and parsing by hand."""

from __future__ import annotations

import pytest

from tests.parity.table import covers
from wsproto_async import WebSocketProtocol

from .support import (
    BASES,
    CLOSE,
    PING,
    PONG,
    ROLES,
    TEXT,
    Frame,
    Lab,
    Server,
    calling_super,
    frame,
    open_server,
    open_side,
)


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# --- pings and pongs ------------------------------------------------------------------------------


@covers("onPing")
def test_a_ping_is_answered_while_open_only(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.feed_frame(PING, b"1")
    assert side.frames() == [Frame(PONG, b"1")]
    side.protocol.sendClose()
    side.frames()
    side.feed_frame(PING, b"2")
    assert side.frames() == []


@covers("onPing")
def test_who_overrides_on_ping_answers_itself(lab: Lab, role: str) -> None:
    class Own(BASES[role]):  # type: ignore[misc, valid-type]
        def onPing(self, payload: bytes) -> None:
            self.note("ping", payload)
            if payload:
                self.sendPong(payload * 2)

    side = open_side(lab, role, protocol=Own)
    side.feed_frame(PING, b"")
    side.feed_frame(PING, b"x")
    assert side.protocol.noted("ping") == [(b"",), (b"x",)]
    assert side.frames() == [Frame(PONG, b"xx")]


@covers("onPong")
def test_on_pong_is_told_of_every_pong(lab: Lab, role: str) -> None:
    side = open_side(lab, role, protocol=calling_super(BASES[role], ("onPong",)))
    side.protocol.sendPing(b"asked")
    side.feed_frame(PONG, b"asked")
    side.feed_frame(PONG, b"unasked")
    side.feed_frame(PONG)
    assert side.protocol.noted("onPong") == [(b"asked",), (b"unasked",), (b"",)]


@covers("processControlFrame")
def test_a_subclass_may_take_control_frames_for_itself(lab: Lab) -> None:
    class Taking(Server):
        def processControlFrame(self) -> bool:
            frame = self.current_frame
            assert frame is not None
            self.note("control", frame.opcode, b"".join(self.control_frame_data))
            return True

    side = open_server(lab, Taking)
    side.feed_frame(PING, b"x")
    side.feed_frame(CLOSE)
    assert side.protocol.notes[1:] == [("control", PING, b"x"), ("control", CLOSE, b"")]
    assert side.sent() == b""


# --- by hand --------------------------------------------------------------------------------------


@covers("processData")
def test_process_data_takes_one_step(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.data = side.frame(TEXT, b"ab", fin=False) + side.frame(0, b"c")
    steps = 0
    while side.protocol.processData():
        steps += 1
    assert steps in (3, 4)  # two headers, two payloads, the last of which may end it all
    assert side.protocol.noted("message") == [(b"abc", False)]
    assert side.protocol.data == b""


@covers("processData")
def test_process_data_keeps_what_is_not_complete(lab: Lab) -> None:
    side = open_server(lab)
    octets = side.frame(TEXT, b"ab")
    side.protocol.data = octets[:3]
    assert not side.protocol.processData()
    assert side.protocol.data == octets[:3]
    side.protocol.data += octets[3:]
    while side.protocol.processData():
        pass
    assert side.protocol.noted("message") == [(b"ab", False)]


@covers("processData")
def test_process_data_loses_nothing_while_reading_is_paused(lab: Lab) -> None:
    side = open_server(lab, calling_super(Server, ("processData",)))
    side.protocol.pauseReceiving()
    side.feed_frame(TEXT, b"x")
    assert side.protocol.noted("message") == []
    side.protocol.resumeReceiving()
    lab.turn()
    assert side.protocol.noted("message") == [(b"x", False)]


@covers("consumeData")
def test_consume_data_works_off_what_waits(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.protocol.data = side.frame(TEXT, b"a") + side.frame(TEXT, b"b")
    side.protocol.consumeData()
    assert side.protocol.noted("message") == [(b"a", False), (b"b", False)]
    side.protocol.sendClose()
    side.protocol.data = side.frame(TEXT, b"c")
    side.protocol.consumeData()
    assert side.protocol.noted("message")[2:] == [(b"c", False)]
    side.protocol.dropConnection()
    side.protocol.data = side.frame(TEXT, b"d")
    side.protocol.consumeData()
    assert side.protocol.noted("message")[3:] == []


@covers("processHandshake", "processProxyConnect")
def test_the_base_class_knows_no_handshake(row: str) -> None:
    with pytest.raises(RuntimeError):
        getattr(WebSocketProtocol(), row.partition(".")[2])()


def test_octets_behind_the_handshake_are_frames(lab: Lab) -> None:
    side = open_server(lab)
    octets = frame(TEXT, b"x", mask=b"1234")
    for piece in (octets[:1], octets[1:]):
        side.protocol._dataReceived(piece)
    assert side.protocol.noted("message") == [(b"x", False)]
