"""Hooks for messages: whole, frame by frame, piece by piece."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import WebSocketProtocol

from .support import (
    BASES,
    BINARY,
    CLOSE,
    PING,
    PONG,
    ROLES,
    TEXT,
    Frame,
    Lab,
    Notes,
    Server,
    Side,
    calling_super,
    close_payload,
    connect,
    frame,
    open_server,
    open_side,
    request,
    server_factory,
)

STREAMING = (
    "onMessageBegin",
    "onMessageFrameBegin",
    "onMessageFrameData",
    "onMessageFrameEnd",
    "onMessageFrame",
    "onMessageEnd",
)
INNER = ("onFrameBegin", "onFrameData", "onFrameEnd", "processControlFrame")


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# --- whole messages -------------------------------------------------------------------------------


@covers("onOpen", "STATE_OPEN")
def test_on_open_comes_once_before_any_message(lab: Lab, role: str) -> None:
    class Opening(BASES[role]):  # type: ignore[misc, valid-type]
        def onOpen(self) -> None:
            self.note("open", self.state)
            self.sendMessage(b"hello")

    side = open_side(lab, role, protocol=Opening)
    side.feed_frame(TEXT, b"a")
    opened = ("open", WebSocketProtocol.STATE_OPEN)
    assert side.protocol.notes == [opened, ("message", b"a", False)]


@covers("onOpen")
def test_a_message_that_came_with_the_request_waits_for_on_open(lab: Lab) -> None:
    class Slow(Server):
        async def onOpen(self) -> None:
            self.note("open")

    side = connect(lab, server_factory(lab, Slow))
    side.feed(request() + side.frame(TEXT, b"early"))
    assert sorted(side.protocol.notes) == [("message", b"early", False), ("open",)]


@covers("onMessage")
@pytest.mark.parametrize(
    ("opcode", "payload"), [(TEXT, "grün".encode()), (BINARY, b"\xff\x00"), (TEXT, b"")]
)
def test_on_message_gets_bytes(lab: Lab, role: str, opcode: int, payload: bytes) -> None:
    side = open_side(lab, role)
    side.feed_frame(opcode, payload)
    assert side.protocol.noted("message") == [(payload, opcode == BINARY)]
    assert type(side.protocol.noted("message")[0][0]) is bytes


@covers("onMessage")
def test_coroutine_hooks_start_in_order_and_interleave(lab: Lab, role: str) -> None:
    class Slow(BASES[role]):  # type: ignore[misc, valid-type]
        async def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.note("begin", payload)
            await self.factory.gate
            self.note("end", payload)

    side = open_side(lab, role, protocol=Slow)
    side.protocol.factory.gate = lab.create_future()
    side.feed_frame(TEXT, b"1")
    side.feed_frame(TEXT, b"2")
    assert side.protocol.notes[1:] == [("begin", b"1"), ("begin", b"2")]
    side.protocol.factory.gate.set_result(None)
    lab.turn()
    assert side.protocol.notes[3:] == [("end", b"1"), ("end", b"2")]


def test_coroutine_hooks_are_bounded(lab: Lab) -> None:
    class Slow(Server):
        async def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.note("begin", payload)
            await self.factory.gate

    side = open_server(lab, Slow, hookConcurrency=2)
    side.protocol.factory.gate = lab.create_future()
    side.feed(b"".join(side.frame(TEXT, b"%d" % i) for i in range(3)))
    assert side.protocol.noted("begin") == [(b"0",), (b"1",)]
    assert not side.transport.reading
    side.protocol.factory.gate.set_result(None)
    lab.turn()
    assert side.protocol.noted("begin") == [(b"0",), (b"1",), (b"2",)]
    assert side.transport.reading


@covers("onMessage")
def test_hooks_may_return_a_future(lab: Lab) -> None:
    class Waiting(Server):
        def onMessage(self, payload: bytes, isBinary: bool) -> Any:
            future = lab.create_future()
            future.set_result(payload)
            return future

        def onPing(self, payload: bytes) -> Any:
            return 42  # nothing to wait for: not looked at

    side = open_server(lab, Waiting)
    side.feed_frame(TEXT, b"x")
    side.feed_frame(PING, b"x")
    side.feed_frame(TEXT, b"y")
    assert side.protocol.state == Server.STATE_OPEN


@pytest.mark.parametrize("hook", ["onOpen", "onClose"])
def test_a_hook_that_cannot_be_called_is_named(lab: Lab, hook: str) -> None:
    def wrong(self: Notes, one: int, too: int, many: int, of: int, them: int) -> None:
        """Not called, so that it is in no traceback."""

    def on_error(self: Notes, error: BaseException, name: str) -> None:
        self.note("error", type(error), name)

    side = open_server(lab, type("Wrong", (Server,), {hook: wrong, "onError": on_error}))
    side.lose()
    assert side.protocol.noted("error") == [(TypeError, hook)]


@pytest.mark.parametrize("hook", ["onMessage", "onPing", "onPong", "onOpen", "onMessageFrameData"])
@pytest.mark.parametrize("is_coroutine", [False, True])
def test_a_hook_that_raises_ends_the_connection(lab: Lab, hook: str, is_coroutine: bool) -> None:
    def plain(self: Notes, *args: Any) -> None:
        raise ZeroDivisionError

    async def coroutine(self: Notes, *args: Any) -> None:
        raise ZeroDivisionError

    def on_error(self: Notes, error: BaseException, name: str) -> None:
        self.note("error", type(error))

    names = {hook: coroutine if is_coroutine else plain, "onError": on_error}
    side = open_server(lab, type("Raising", (Server,), names))
    if hook != "onOpen":
        side.feed_frame({"onPing": PING, "onPong": PONG}.get(hook, TEXT), b"x")
    assert side.protocol.noted("error") == [(ZeroDivisionError,)]
    side.feed_frame(TEXT, b"behind")
    assert (b"behind", False) not in side.protocol.noted("message")
    side.seen = 1  # behind the 101
    assert side.frames()[-1] == Frame(CLOSE, close_payload(1011, "internal error"))
    side.feed_frame(CLOSE, close_payload(1011))
    assert side.closed() == (True, 1011, None)


def test_who_overrides_none_of_the_streaming_hooks_does_not_pay_for_them(lab: Lab) -> None:
    unused = {*STREAMING, *INNER, "_dataReceived", "consumeData", "processData"}
    calls: list[str] = []

    def trace(frame: Any, event: str, arg: Any) -> None:
        if event == "call":
            calls.append(frame.f_code.co_name)

    side = open_server(lab)
    octets = side.frame(TEXT, b"ab", fin=False) + side.frame(0, b"c") + side.frame(TEXT, b"d")
    sys.setprofile(trace)
    try:
        side.protocol.data_received(octets)
    finally:
        sys.setprofile(None)
    assert side.protocol.noted("message") == [(b"abc", False), (b"d", False)]
    assert "onMessage" in calls
    assert not unused.intersection(calls)


# --- messages as they arrive ----------------------------------------------------------------------

PIECES: list[tuple[Any, ...]] = [
    ("onMessageBegin", True),
    ("onMessageFrameBegin", 5),
    ("onMessageFrameData", b"ab"),
    ("onMessageFrameData", b"cde"),
    ("onMessageFrameEnd",),
    ("onMessageFrame", [b"ab", b"cde"]),
    ("onMessageFrameBegin", 0),
    ("onMessageFrameData", b""),
    ("onMessageFrameEnd",),
    ("onMessageFrame", [b""]),
    ("onMessageEnd",),
]


def feed_pieces(side: Side[Any]) -> None:
    """A message of two frames, the first one in two pieces, the second one empty."""
    first = side.frame(BINARY, b"abcde", fin=False)
    side.feed(first[:-3], first[-3:], side.frame(0, b""))


@covers(*STREAMING)
def test_the_hooks_of_a_message_that_arrives_in_pieces(lab: Lab, role: str) -> None:
    side = open_side(lab, role, protocol=calling_super(BASES[role], STREAMING))
    feed_pieces(side)
    assert side.protocol.notes[1:] == [*PIECES, ("message", b"abcde", True)]


@covers(*STREAMING)
def test_any_one_hook_can_be_overridden(lab: Lab, role: str, row: str) -> None:
    hook = row.partition(".")[2]
    side = open_side(lab, role, protocol=calling_super(BASES[role], (hook,)))
    feed_pieces(side)
    expected = [call for call in PIECES if call[0] == hook]
    assert side.protocol.notes[1:] == [*expected, ("message", b"abcde", True)]


@covers("onMessageFrameBegin", "onMessageFrameData")
def test_payload_is_handed_on_octet_by_octet(lab: Lab, role: str) -> None:
    names = ("onMessageFrameBegin", "onMessageFrameData")
    side = open_side(lab, role, protocol=calling_super(BASES[role], names))
    octets = side.frame(TEXT, b"abc")
    side.feed(octets[:-3])
    assert [event for event in side.protocol.notes[1:] if event[-1]] == [("onMessageFrameBegin", 3)]
    for i in (-3, -2):
        side.feed(octets[i : i + 1])
        assert side.protocol.notes[-1] == ("onMessageFrameData", octets_of(b"abc", i))
    side.feed(octets[-1:])
    assert side.protocol.notes[-1] == ("message", b"abc", False)


def octets_of(payload: bytes, i: int) -> bytes:
    return payload[i : i + 1]


def test_many_small_pieces_are_joined_now_and_then(lab: Lab) -> None:
    """Else each octet would cost the memory of an object."""
    side = open_server(lab, calling_super(Server, STREAMING))
    octets = bytes(range(256)) * 2
    first, most = side.frame(BINARY, octets, fin=False), 0
    side.feed(first[: -len(octets)])
    for i in range(-len(octets), 0):
        side.protocol.data_received(octets_of(first, len(first) + i))
        most = max(most, len(side.protocol.frame_data))
    assert 200 < most < 300
    for octet in range(256):
        side.protocol.data_received(side.frame(0, bytes([octet]), fin=False))
        most = max(most, len(side.protocol.message_data))
    assert 200 < most < 300
    side.feed_frame(0)
    assert side.protocol.notes[-1] == ("message", octets + bytes(range(256)), True)


@pytest.mark.parametrize("hook", STREAMING)
def test_nothing_is_kept_of_a_message_in_whose_middle_it_failed(lab: Lab, hook: str) -> None:
    def failing(self: Notes, *args: Any) -> None:
        self._fail_connection(1008, "enough")
        getattr(super(cls, self), hook)(*args)

    cls = type("Failing", (Server,), {hook: failing})
    side = open_server(lab, cls, failByDrop=False)
    feed_pieces(side)
    assert side.protocol.noted("message") == []
    assert side.frames() == [Frame(CLOSE, close_payload(1008, "enough"))]


@covers("onMessageBegin")
def test_not_calling_the_base_turns_off_only_its_buffering(lab: Lab) -> None:
    class Streaming(Server):
        def onMessageBegin(self, isBinary: bool) -> None:
            self.note("begin", isBinary)

        def onMessageFrameBegin(self, length: int) -> None:
            self.note("frame", length)

        def onMessageFrameData(self, payload: bytes) -> None:
            self.note("data", payload)

        def onMessageFrameEnd(self) -> None:
            self.note("frame end")

        def onMessageEnd(self) -> None:
            self.note("end")

    side = open_server(lab, Streaming)
    side.feed_frame(TEXT, b"x")
    expected = [("begin", False), ("frame", 1), ("data", b"x"), ("frame end",), ("end",)]
    assert side.protocol.notes[1:] == expected


@covers("onMessageFrame")
def test_frames_as_a_hash_service_takes_them(lab: Lab) -> None:
    class PerFrame(Server):
        def onMessageFrame(self, payload: list[bytes]) -> None:
            self.sendMessage(b"".join(payload)[::-1])

        def onMessageEnd(self) -> None:
            self.note("end")

    side = open_server(lab, PerFrame)
    side.feed_frame(TEXT, b"abc", fin=False)
    assert side.frames() == [Frame(TEXT, b"cba")]
    side.feed_frame(0, b"de")
    assert side.frames() == [Frame(TEXT, b"ed")]
    assert side.protocol.notes[1:] == [("end",)]


@covers("onFrameBegin", "onFrameData", "onFrameEnd", "processControlFrame")
def test_inner_doors_see_control_frames_between_fragments(lab: Lab, role: str) -> None:
    side = open_side(lab, role, protocol=calling_super(BASES[role], INNER))
    side.feed_frame(TEXT, b"ab", fin=False)
    side.feed_frame(PING, b"p")
    side.feed_frame(0, b"c")
    ping = [("onFrameBegin",), ("onFrameData", b"p"), ("onFrameEnd",), ("processControlFrame",)]
    data = [("onFrameBegin",), ("onFrameData", b"ab"), ("onFrameEnd",)]
    last = [("onFrameBegin",), ("onFrameData", b"c"), ("onFrameEnd",)]
    assert side.protocol.notes[1:] == [*data, *ping, *last, ("message", b"abc", False)]
    assert side.frames() == [Frame(PONG, b"p")]


@covers("onFrameBegin")
def test_the_first_frame_begins_the_message(lab: Lab) -> None:
    names = ("onFrameBegin", "onMessageBegin", "onMessageFrameBegin")
    side = open_server(lab, calling_super(Server, names))
    side.feed_frame(BINARY, b"a", fin=False)
    begun = [("onFrameBegin",), ("onMessageBegin", True), ("onMessageFrameBegin", 1)]
    assert side.protocol.notes[1:] == begun
    assert side.protocol.inside_message
    side.feed_frame(PING)
    assert side.protocol.notes[4:] == [("onFrameBegin",)]
    side.feed_frame(0, b"b")
    assert side.protocol.notes[5:7] == [("onFrameBegin",), ("onMessageFrameBegin", 1)]
    assert not side.protocol.inside_message


@covers("onFrameBegin")
def test_the_current_frame_has_its_header(lab: Lab) -> None:
    class Looking(Server):
        def onFrameBegin(self) -> None:
            frame = self.current_frame
            assert frame is not None
            self.note(frame.opcode, frame.fin, frame.rsv, frame.length, frame.mask)
            super().onFrameBegin()

    side = open_server(lab, Looking)
    side.feed_frame(TEXT, b"abc", fin=False, mask=b"abcd")
    side.feed_frame(PONG, b"", mask=b"efgh")
    assert side.protocol.notes[1:] == [
        (TEXT, False, 0, 3, b"abcd"),
        (PONG, True, 0, 0, b"efgh"),
    ]
    assert side.protocol.current_frame is None


@covers("onFrameData")
@pytest.mark.parametrize("streaming", [False, True])
def test_bad_utf8_fails_before_the_frame_is_complete(lab: Lab, streaming: bool) -> None:
    protocol = calling_super(Server, INNER) if streaming else Server
    side = open_server(lab, protocol, failByDrop=False)
    side.feed(side.frame(TEXT, b"ok\xff" + bytes(100))[:9])
    [(opcode, payload, *_)] = side.frames()
    assert (opcode, payload[:2]) == (CLOSE, (1007).to_bytes(2, "big"))
    assert b"octet 2" in payload


@covers("onFrameEnd")
@pytest.mark.parametrize("streaming", [False, True])
def test_half_a_code_point_at_the_end_is_1007(lab: Lab, streaming: bool) -> None:
    protocol = calling_super(Server, INNER) if streaming else Server
    side = open_server(lab, protocol, failByDrop=False)
    side.feed_frame(TEXT, "ü".encode()[:1], fin=False)
    side.feed_frame(0, "ü".encode()[1:], fin=False)
    assert side.frames() == []
    side.feed_frame(0, "ü".encode()[:1])
    [(opcode, payload, *_)] = side.frames()
    assert (opcode, payload[:2]) == (CLOSE, (1007).to_bytes(2, "big"))
    assert side.protocol.noted("message") == []


@covers("_dataReceived")
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("names", [(), STREAMING, INNER, ("_dataReceived",), ("processData",)])
def test_the_cuts_of_the_octets_do_not_matter(lab: Lab, size: int, names: tuple[str, ...]) -> None:
    side = open_server(lab, calling_super(Server, names))
    octets = (
        side.frame(TEXT, "grün".encode())
        + side.frame(BINARY, b"ab", fin=False)
        + side.frame(PING, b"ping")
        + side.frame(0, bytes(200))
        + side.frame(CLOSE, close_payload(1000, "bye"))
    )
    for begin in range(0, len(octets), size):
        side.feed(octets[begin : begin + size])
    assert side.protocol.noted("message") == [("grün".encode(), False), (b"ab" + bytes(200), True)]
    assert side.frames() == [Frame(PONG, b"ping"), Frame(CLOSE, close_payload(1000))]
    assert side.closed() == (True, 1000, "bye")


def test_what_is_returned_and_cannot_be_awaited_is_nobodys(lab: Lab) -> None:
    class Returning(Server):
        def onMessage(self, payload: bytes, isBinary: bool) -> Any:
            super().onMessage(payload, isBinary)
            return len(payload)

    side = open_server(lab, Returning)
    side.feed_frame(TEXT, b"1")
    side.feed_frame(TEXT, b"2")
    assert side.protocol.noted("message") == [(b"1", False), (b"2", False)]
    assert side.protocol.state == WebSocketProtocol.STATE_OPEN


def test_the_door_for_octets_may_raise(lab: Lab) -> None:
    class Raising(Server):
        def _dataReceived(self, data: bytes) -> None:
            super()._dataReceived(data)
            if b"x" in data:
                raise LookupError("on purpose")

        def onError(self, error: BaseException, hook: str) -> None:
            self.note("error", type(error))

    side = open_server(lab, Raising, onHookError="keep")
    side.feed(frame(TEXT, b"x", mask=bytes(4)))
    side.feed(frame(TEXT, b"y", mask=bytes(4)))
    assert side.protocol.noted("error") == [(LookupError,)]
    assert side.protocol.noted("message") == [(b"x", False), (b"y", False)]


def test_who_looks_on_may_raise(lab: Lab) -> None:
    class Raising(Server):
        def logRxOctets(self, data: bytes) -> None:
            if self.state == self.STATE_OPEN and b"1" in data:
                raise LookupError("on purpose")

    side = open_server(lab, Raising, onHookError="keep", logOctets=True)
    for payload in (b"1", b"2"):
        side.feed(frame(TEXT, payload, mask=bytes(4)))
    assert side.protocol.noted("message") == [(b"1", False), (b"2", False)]


def test_parsing_by_hand_goes_on_behind_a_hook_that_raises(lab: Lab) -> None:
    class Raising(Server):
        def processData(self) -> bool:
            return super().processData()

        def onMessage(self, payload: bytes, isBinary: bool) -> Any:
            super().onMessage(payload, isBinary)
            raise LookupError("on purpose")

    side = open_server(lab, Raising, onHookError="keep")
    side.feed(b"".join(side.frame(TEXT, payload) for payload in (b"1", b"2", b"3")))
    assert side.protocol.noted("message") == [(b"1", False), (b"2", False), (b"3", False)]


def test_parsing_by_hand_goes_on_behind_a_pause(lab: Lab) -> None:
    class Pausing(Server):
        def processData(self) -> bool:
            self.note("step")
            return super().processData()

        def onMessage(self, payload: bytes, isBinary: bool) -> Any:
            super().onMessage(payload, isBinary)
            self.pauseReceiving()

    side = open_server(lab, Pausing)
    side.feed(b"".join(side.frame(TEXT, payload) for payload in (b"1", b"2", b"3")))
    for number in (1, 2, 3):
        assert len(side.protocol.noted("message")) == number
        assert len(side.protocol.noted("step")) >= number
        side.protocol.resumeReceiving()
    assert side.protocol.noted("message") == [(b"1", False), (b"2", False), (b"3", False)]


@pytest.mark.parametrize("payload", [b"x", b""])
def test_parsing_by_hand_ends_a_frame_that_is_all_there(lab: Lab, payload: bytes) -> None:
    class Raising(Server):
        def processData(self) -> bool:
            return super().processData()

        def onMessageFrameData(self, payload: bytes) -> None:
            super().onMessageFrameData(payload)
            raise LookupError("on purpose")

    side = open_server(lab, Raising, onHookError="keep")
    side.feed_frame(TEXT, payload)
    assert side.protocol.noted("message") == [(payload, False)]


def test_octets_by_the_long_way_count_while_it_is_open(lab: Lab) -> None:
    side = open_server(lab, calling_super(Server, ("_dataReceived",)))
    stats = side.protocol.trafficStats
    assert side.protocol.trafficStats is stats
    before = stats.incomingOctetsWireLevel, stats.preopenIncomingOctetsWireLevel
    side.protocol.sendClose(1000)
    side.feed_frame(TEXT, b"1")
    assert (stats.incomingOctetsWireLevel, stats.preopenIncomingOctetsWireLevel) == before


def test_the_header_of_extensions(lab: Lab) -> None:
    parsed = open_server(lab).protocol._parseExtensionsHeader('a; b=1; c="2", d')
    assert parsed == [("a", {"b": ["1"], "c": ["2"]}), ("d", {})]
