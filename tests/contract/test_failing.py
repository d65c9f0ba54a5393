"""Failing a connection: by the application's doors, and because of what a peer sends."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import WebSocketProtocol as P

from .support import (
    BASES,
    CLOSE,
    PING,
    ROLES,
    TEXT,
    Frame,
    Lab,
    Server,
    close_payload,
    frame,
    open_server,
    open_side,
    unclean,
)

DROPPED_BY_ME = "I dropped the WebSocket TCP connection: {}"


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


FAILURES = {
    "_fail_connection": ((), 1001, "going away"),
    "_protocol_violation": (("bad frame",), 1002, "bad frame"),
    "_invalid_payload": (("bad text",), 1007, "bad text"),
    "_max_message_size_exceeded": ((10, 5, "too big"), 1009, "too big"),
}
RETURNED = ("_protocol_violation", "_invalid_payload")


@covers(*FAILURES, "failByDrop", "onClose")
@pytest.mark.parametrize("name", FAILURES)
def test_failing_by_a_drop(lab: Lab, role: str, name: str) -> None:
    arguments, _, reason = FAILURES[name]
    side = open_side(lab, role, failByDrop=True)
    result = getattr(side.protocol, name)(*arguments)
    assert result == (True if name in RETURNED else None)
    assert side.transport.aborted
    assert side.sent() == b""
    assert side.protocol.failedByMe
    assert side.closed() == unclean(DROPPED_BY_ME.format(reason))
    getattr(side.protocol, name)(*arguments)


@covers(*FAILURES, "failByDrop", "onClose")
@pytest.mark.parametrize("name", FAILURES)
def test_failing_by_a_close_frame(lab: Lab, role: str, name: str) -> None:
    arguments, code, reason = FAILURES[name]
    side = open_side(lab, role, failByDrop=False)
    result = getattr(side.protocol, name)(*arguments)
    assert result == (False if name in RETURNED else None)
    assert side.frames() == [Frame(CLOSE, close_payload(code, reason))]
    assert side.protocol.state == P.STATE_CLOSING
    side.feed_frame(TEXT, b"no longer")
    side.feed_frame(CLOSE, close_payload(1000))
    side.lose()
    assert side.closed() == (True, 1000, None)
    assert side.protocol.noted("message") == []
    assert (side.protocol.localCloseCode, side.protocol.localCloseReason) == (code, reason.encode())


@covers("_fail_connection", "failByDrop", "onClose")
def test_a_second_failure_drops_it(lab: Lab, role: str) -> None:
    side = open_side(lab, role, failByDrop=False)
    side.protocol._fail_connection(1002, "first")
    side.protocol._fail_connection(1007, "second")
    assert side.protocol.state == P.STATE_CLOSED
    assert side.transport.closed
    assert not side.transport.aborted
    assert side.frames() == [Frame(CLOSE, close_payload(1002, "first"))]
    assert side.closed() == unclean(None)


@covers("_fail_connection")
def test_a_failure_while_closing_aborts_by_drop(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.protocol.sendClose()
    side.protocol._fail_connection(1002, "why")
    assert side.transport.aborted
    assert side.closed() == unclean(DROPPED_BY_ME.format("why"))


@covers("_fail_connection")
def test_the_reason_in_a_close_frame_is_cut(lab: Lab) -> None:
    side = open_server(lab, failByDrop=False)
    side.protocol._fail_connection(1002, "ü" * 100)
    assert side.frames() == [Frame(CLOSE, close_payload(1002, "ü" * 61))]


VIOLATIONS: dict[str, tuple[bytes, int]] = {
    "reserved bits": (frame(TEXT, b"", rsv=4, mask=b"1234"), 1002),
    "no mask": (frame(TEXT), 1002),
    "fragmented ping": (frame(PING, fin=False, mask=b"1234"), 1002),
    "long ping": (frame(PING, bytes(126), mask=b"1234"), 1002),
    "reserved opcode": (frame(3, mask=b"1234"), 1002),
    "reserved control opcode": (frame(11, mask=b"1234"), 1002),
    "half a code": (frame(CLOSE, b"x", mask=b"1234"), 1002),
    "stray continuation": (frame(0, mask=b"1234"), 1002),
    "interleaved": (frame(TEXT, fin=False, mask=b"1234") + frame(TEXT, mask=b"1234"), 1002),
    "long length": (b"\x81\xfe\x00\x01" + b"1234x", 1002),
    "longer length": (b"\x81\xff" + (65535).to_bytes(8, "big") + b"1234", 1002),
    "highest bit": (b"\x81\xff" + (2**63).to_bytes(8, "big") + b"1234", 1002),
    "text": (frame(TEXT, b"\xff", mask=b"1234"), 1007),
    "close reason": (frame(CLOSE, close_payload(1000) + b"\xff", mask=b"1234"), 1007),
    "close code": (frame(CLOSE, close_payload(1005), mask=b"1234"), 1002),
}


@covers("failByDrop", "onClose", "_protocol_violation", "_invalid_payload")
@pytest.mark.parametrize("name", VIOLATIONS)
@pytest.mark.parametrize("size", [1, 1000])
def test_each_violation(lab: Lab, name: str, size: int) -> None:
    octets, code = VIOLATIONS[name]
    pieces = [octets[i : i + size] for i in range(0, len(octets), size)]
    side = open_server(lab)
    side.feed(*pieces)
    assert side.transport.aborted
    assert side.sent() == b""
    assert side.closed()[:2] == (False, 1006)
    assert "I dropped the WebSocket TCP connection" in str(side.closed()[2])

    side = open_server(lab, failByDrop=False)
    side.feed(*pieces)
    [close] = side.frames()
    assert (close.opcode, close.payload[:2]) == (CLOSE, code.to_bytes(2, "big"))
    if name.startswith("close "):
        assert side.closed() == (True, 1000, None)
    elif name not in ("longer length", "highest bit"):  # which go on and on
        side.feed_frame(CLOSE, close_payload(code))
        assert side.closed() == (True, code, None)


@covers("_protocol_violation", "_invalid_payload", "_max_message_size_exceeded")
@pytest.mark.parametrize(
    "rest", [[], [(0, b"rest")], [(0, b"rest", False), (PING, b""), (0, b"rest")]]
)
def test_who_overrides_a_failure_and_does_nothing_loses_that_message(
    lab: Lab, row: str, rest: list[Any]
) -> None:
    name = row.partition(".")[2]

    def keep(self: Server, *args: Any) -> bool:
        self.note("failure", *args)
        return False

    side = open_server(lab, type("Keeping", (Server,), {name: keep}), maxMessagePayloadSize=10)
    payload = {"_invalid_payload": b"\xff", "_max_message_size_exceeded": b"x" * 11}
    rsv = 4 if name == "_protocol_violation" else 0
    side.feed_frame(TEXT, payload.get(name, b"x"), rsv=rsv, fin=not rest)
    for opcode, octets, *fin in rest:
        side.feed_frame(opcode, octets, fin=not fin)
    side.feed_frame(TEXT, b"next")
    assert len(side.protocol.noted("failure")) == 1
    assert side.protocol.noted("message") == [(b"next", False)]
    assert side.protocol.state == P.STATE_OPEN


@covers("_protocol_violation", "_invalid_payload")
@pytest.mark.parametrize("by_drop", [False, True])
@pytest.mark.parametrize("payload", [close_payload(1005), close_payload(1000) + b"\xff"])
def test_who_overrides_a_failure_and_does_nothing_answers_a_bad_close_frame(
    lab: Lab, payload: bytes, by_drop: bool
) -> None:
    class Keeping(Server):
        def _protocol_violation(self, reason: str) -> bool:
            return False

        def _invalid_payload(self, reason: str) -> bool:
            return False

    side = open_server(lab, Keeping, failByDrop=by_drop)
    side.feed_frame(CLOSE, payload)
    assert side.frames() == [Frame(CLOSE, close_payload(1000))]
    assert side.closed() == (True, 1000, None)


@covers("_max_message_size_exceeded")
def test_the_size_hook_gets_numbers_and_a_text(lab: Lab, role: str) -> None:
    class Sizes(BASES[role]):  # type: ignore[misc, valid-type]
        def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
            self.note("size", msg_size, max_msg_size, type(reason))
            super()._max_message_size_exceeded(msg_size, max_msg_size, reason)

    side = open_side(lab, role, protocol=Sizes, maxMessagePayloadSize=10, failByDrop=False)
    side.feed_frame(TEXT, bytes(6), fin=False)
    side.feed_frame(0, bytes(5))
    assert side.protocol.noted("size") == [(11, 10, str)]
    assert side.frames()[0].payload[:2] == (1009).to_bytes(2, "big")


def test_one_line_in_the_log_whatever_the_peer_does(lab: Lab) -> None:
    class Logged(Server):
        def _say(self, level: str, text: str, error: BaseException | None = None) -> None:
            self.note("said", level, text)

    side = open_server(lab, Logged, failByDrop=False)
    side.feed(side.frame(3, b"x") + side.frame(4) + side.frame(CLOSE, b"\x00\x00\x9b31m"))
    side.lose()
    lines = [text for level, text in side.protocol.noted("said") if level != "debug"]
    assert lines == ["failing the connection with 1002: opcode 3 is reserved"]
