"""Octets in, frames and messages out: RFC 6455, section 5."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from wsproto_async.core import reader as reader_module
from wsproto_async.core.reader import FrameReader
from wsproto_async.errors import FrameError, ProtocolError

from ..contract.support import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MASK,
    PING,
    PONG,
    TEXT,
    Frame,
    frame,
    xor,
)
from ..helpers import Boom, Recorder
from .streams import BAD, ToyInflater, bytewise

# --- headers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_every_form_of_length(side: Recorder, size: int, opcode: int) -> None:
    payload = bytes(i % 128 for i in range(size))
    octets = side.frame(opcode, payload)
    side.receive(octets)
    side.receive(*bytewise(octets[:20]), octets[20:])
    side.receive(octets[:-1], octets[-1:])
    assert side.take() == [("message", payload, opcode == BINARY)] * 3
    side.assert_exhausted()


@pytest.mark.parametrize("size", [0, 1, 124, 125])
def test_control_frames_of_every_size(side: Recorder, size: int) -> None:
    side.receive(side.frame(PING, bytes(size)), *bytewise(side.frame(PONG, bytes(size))))
    assert side.take() == [("ping", bytes(size)), ("pong", bytes(size))]


def test_many_messages_in_one_read_and_a_beginning(side: Recorder) -> None:
    octets = side.frame(TEXT, b"one") + side.frame(BINARY, b"two") + side.frame(TEXT, b"three")
    side.receive(octets[:-4], octets[-4:])
    assert side.messages() == [b"one", b"two", b"three"]
    side.assert_exhausted()


def test_the_largest_length_is_one(side: Recorder) -> None:
    side.receive(side.frame(BINARY, b"begin", length=2**63 - 1))
    assert side.take() == []
    assert side.reader.left == 2**63 - 1 - 5


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("mode", [{}, {"streaming": True, "stream_control": True}], ids=str)
def test_masks_that_are_not_applied(mode: dict[str, Any], pieces: int) -> None:
    side = Recorder(**mode)
    side.reader.apply_mask = False
    payload = xor(b"abcd", MASK)
    for opcode, name in ((BINARY, "data" if mode else "message"), (PING, "ping")):
        octets = frame(opcode, b"abcd", mask=MASK)
        side.receive(*([octets] if pieces == 1 else [octets[:8], octets[8:]]))
        assert [call[1] for call in side.take(name)] == [payload]


# --- fragments ---------------------------------------------------------------------------------


def test_control_frames_come_between_fragments(side: Recorder) -> None:
    octets = (
        side.frame(TEXT, b"a", fin=False)
        + side.frame(PING, b"1")
        + side.frame(CONTINUATION, b"b", fin=False)
        + side.frame(PONG, b"2")
        + side.frame(CONTINUATION, b"c")
    )
    expected = [("ping", b"1"), ("pong", b"2"), ("message", b"abc", False)]
    side.receive(octets)
    assert side.take() == expected
    side.receive(*bytewise(octets))
    assert side.take() == expected
    assert side.sent() == [Frame(PONG, b"1")] * 2
    side.assert_exhausted()


def test_the_rest_of_a_message_does_not_count_after_a_failure(side: Recorder) -> None:
    side.receive(side.frame(TEXT, b"a", fin=False))
    side.connection.fail(1011, "enough")
    side.take()
    side.receive(side.frame(CONTINUATION, b"b"), side.frame(TEXT, b"c"), side.frame(PING, b"d"))
    assert side.take() == [("ping", b"d")]


def going_on(octets: bytes) -> tuple[list[object], list[str]]:
    """Messages and violations, for somebody who goes on behind each as if nothing had happened."""
    reader = FrameReader()
    reader.limit(0, 10)
    messages: list[object] = []
    violations: list[str] = []
    reader.connect(lambda payload, binary: messages.append(payload), lambda opcode, payload: None)
    while reader.position < len(octets):
        try:
            reader.feed(octets, reader.position, len(octets))
        except ProtocolError as error:
            violations.append(str(error))
            reader.recover()
    return messages, violations


def test_the_rest_of_a_bad_message_is_skipped_by_those_who_go_on() -> None:
    octets = frame(TEXT, b"\xff", fin=False) + frame(CONTINUATION, b"a", fin=False)
    octets += frame(CONTINUATION, b"b") + frame(TEXT, b"c") + frame(CONTINUATION, b"d")
    messages, [bad_text, outside] = going_on(octets)
    assert messages == [b"c"]
    assert "not UTF-8" in bad_text
    assert "outside of a message" in outside


@pytest.mark.parametrize(
    "bad",
    [
        frame(CONTINUATION, b"\xff"),
        frame(CONTINUATION, b"\xff", fin=False),
        frame(CONTINUATION, b"\xc3"),
        frame(CONTINUATION, b"too much of it"),
        frame(CONTINUATION, b"too much of it", fin=False),
        frame(3, b"reserved"),
    ],
)
def test_nothing_of_a_bad_message_gets_into_the_next_one(bad: bytes) -> None:
    octets = frame(TEXT, b"a", fin=False) + bad
    octets += frame(TEXT, b"b", fin=False) + frame(CONTINUATION, b"c")
    messages, violations = going_on(octets)
    assert messages == [b"bc"]
    assert len(violations) == 1


BEGUN = frame(TEXT, b"a", fin=False)


@pytest.mark.parametrize(
    ("bad", "goes_on"),
    [
        (frame(TEXT, b"too much of it"), False),
        (frame(TEXT, b"too much of it", fin=False), True),
        (frame(TEXT, b"\xff"), False),
        (frame(TEXT, b"\xff", fin=False), True),
        (frame(BINARY, b"not compressed", rsv=4), False),
        (frame(BINARY, b"not compressed", rsv=4, fin=False), True),
        (frame(3, b"reserved"), False),
        (frame(3, b"reserved", fin=False), True),
        (frame(7, b"reserved"), False),
        (frame(7, b"reserved", fin=False), True),
        (frame(CLOSE, b"half a code"[:1]), False),
        (frame(PING, b"fragmented", fin=False), False),
        (frame(15, b"reserved"), False),
        (frame(15, b"reserved", fin=False), False),
        (BEGUN + frame(CONTINUATION, b"too much of it"), False),
        (BEGUN + frame(CONTINUATION, b"too much of it", fin=False), True),
        (BEGUN + frame(CONTINUATION, b"\xff"), False),
        (BEGUN + frame(CONTINUATION, b"\xff", fin=False), True),
        (BEGUN + frame(BINARY, b"another message"), False),
        (BEGUN + frame(BINARY, b"another message", fin=False), True),
        (BEGUN + frame(CLOSE, b"half a code"[:1]), True),
        (BEGUN + frame(PING, b"fragmented", fin=False), True),
        (BEGUN + frame(15, b"reserved"), True),
        (BEGUN + frame(15, b"reserved", fin=False), True),
    ],
)
def test_whether_a_bad_message_goes_on(bad: bytes, goes_on: bool) -> None:
    """If so, what continues it is skipped with it; if not, it is one more violation."""
    octets = bad + frame(CONTINUATION, b"b") + frame(TEXT, b"next")
    messages, violations = going_on(octets)
    assert messages == [b"next"]
    outside = "a continuation frame comes outside of a message"
    assert violations[1:] == ([] if goes_on else [outside])


def test_the_payload_of_bad_frames_is_skipped_and_that_of_others_is_not() -> None:
    octets = frame(3, b"reserved") + frame(TEXT, b"\xff") + frame(TEXT, b"a")
    octets += frame(PING, b"fragmented", fin=False) + frame(CONTINUATION, b"b") + frame(3)
    messages, violations = going_on(octets + frame(TEXT, b"c"))
    assert messages == [b"a", b"c"]
    assert len(violations) == 5


def test_a_control_frame_in_pieces_does_not_end_the_message_around_it() -> None:
    sink = Recorder(streaming=True, stream_control=True)
    reader = FrameReader()
    reader.connect(sink.on_message, sink.connection.control, sink=sink, sink_control=True)
    octets = BEGUN + frame(PING, b"p") + frame(15)
    with pytest.raises(FrameError):
        reader.feed(octets, 0, len(octets))
    reader.recover()
    sink.take()
    octets = octets[reader.position :] + frame(CONTINUATION, b"b") + frame(TEXT, b"c")
    reader.feed(octets, 0, len(octets))
    assert sink.take() == [("begin", 0x81, False, 1), ("data", b"c"), ("end", True)]


def test_a_sink_has_no_control_frames_unless_it_asks_for_them() -> None:
    sink = Recorder(streaming=True)
    control: list[tuple[int, bytes]] = []
    reader = FrameReader()
    reader.connect(sink.on_message, lambda *frame: control.append(frame), sink=sink)
    octets = frame(PING, b"p")
    reader.feed(octets, 0, len(octets))
    assert control == [(PING, b"p")]
    assert sink.take() == []


@pytest.mark.parametrize("opcode", [TEXT, PING])
def test_a_failure_in_the_middle_of_a_frame(opcode: int) -> None:
    """Data does not count any more; a control frame does."""
    side = Recorder(streaming=True, stream_control=True)

    def fail(name: str) -> None:
        side.meddle = lambda name: None
        side.connection.fail(1011, "enough", False)

    side.meddle = fail
    side.receive(side.frame(opcode, b"payload") + side.frame(PING, b"behind"))
    behind = [("begin", 0x89, True, 6), ("data", b"behind"), ("ping", b"behind")]
    expected = [("data", b"payload"), ("ping", b"payload")] if opcode == PING else []
    assert side.take("begin", "data", "ping", "end")[1:] == expected + behind


# --- credit ------------------------------------------------------------------------------------


class Gauge(ToyInflater):
    """It keeps the sizes of what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        self.sizes.append(len(data))
        return super().decompress_message_data(data, max_output_len)


@pytest.mark.parametrize(
    ("granted", "streaming", "step"),
    [
        (reader_module.PLENTY, False, reader_module.PIECE),
        (reader_module.PLENTY, True, reader_module.BITE),
        (reader_module.PLENTY - 1, False, reader_module.NIBBLE),
        (reader_module.PLENTY - 1, True, reader_module.NIBBLE),
    ],
)
def test_how_much_is_inflated_in_one_step(granted: int, streaming: bool, step: int) -> None:
    """The less credit was given, and the sooner a sink may halt it, the less."""
    side = Recorder(streaming=streaming)
    side.reader.inflater = inflater = Gauge()
    side.reader.grant(granted)
    side.receive(side.frame(BINARY, b"\x02a" * (step + 1), rsv=4))
    while side.connection.paused:
        side.reader.grant(granted)
        side.connection.unpause()
    assert inflater.sizes == [step, step, 2]
    assert b"".join(call[1] for call in side.take("data", "message")) == b"aa" * (step + 1)


IN, OUT = reader_module.DEFLATED_PER_STEP, reader_module.INFLATED_PER_STEP


@pytest.mark.parametrize(
    ("payload", "steps"),
    [
        (b"", 0),
        (b"\x02a", 0),
        (b"\x02a" * (IN // 2), 1),
        (b"\x02a" * (IN // 2 * 3), 3),
        (b"\x80a" * (OUT // 128), 1),
        (b"\x80a" * (OUT // 128 * 3), 3),
        (b"\x80a" * IN, 2 + IN * 128 // OUT),
        (b"\x01a" * 3, 3),  # less comes out than goes in
        (b"\x00a" * IN, 2 + 2 * IN),
    ],
)
def test_inflating_is_paid_for(payload: bytes, steps: int) -> None:
    """By what goes in and by what comes out."""
    spent = []
    for octets in (frame(BINARY, b"", rsv=4), frame(BINARY, payload, rsv=4)):
        reader = FrameReader()
        reader.inflater = ToyInflater()
        reader.grant(reader_module.PLENTY)
        assert reader.feed(octets, 0, len(octets)) == len(octets)
        spent.append(reader_module.PLENTY - reader.credit)
    assert spent[1] - spent[0] == steps


# --- frames as they arrive ---------------------------------------------------------------------


def test_frames_as_they_arrive() -> None:
    side = Recorder(streaming=True)
    octets = side.frame(TEXT, b"Hel", fin=False) + side.frame(PING, b"p") + side.frame(CONTINUATION)
    expected = [
        ("begin", 0x01, True, 3),
        ("data", b"Hel"),
        ("end", False),
        ("ping", b"p"),
        ("begin", 0x80, True, 0),
        ("data", b""),
        ("end", True),
    ]
    side.receive(octets)
    assert side.take() == expected
    side.receive(*bytewise(octets))
    assert side.take() == expected


def test_control_frames_as_they_arrive() -> None:
    side = Recorder(streaming=True, stream_control=True)
    octets = side.frame(PING, b"p") + side.frame(TEXT, b"") + side.frame(CLOSE)
    side.receive(*bytewise(octets))
    assert side.take() == [
        ("begin", 0x89, True, 1),
        ("data", b"p"),
        ("ping", b"p"),
        ("begin", 0x81, True, 0),
        ("data", b""),
        ("end", True),
        ("begin", 0x88, True, 0),
        ("data", b""),
        ("close", None, None),
        ("drop", False),
    ]


def test_a_sink_gets_no_piece_before_there_is_one() -> None:
    side = Recorder(streaming=True)
    octets = side.frame(TEXT, b"ab")
    side.receive(octets[:-2], b"")
    assert side.take() == [("begin", 0x81, True, 2)]
    side.receive(octets[-2:-1], b"", octets[-1:])
    assert side.take() == [("data", b"ab"), ("end", True)]


# --- the landing strip -------------------------------------------------------------------------


def big(side: Recorder, size: int, opcode: int = BINARY) -> tuple[bytes, bytes, bytes]:
    """Header and payload of a frame, and its payload unmasked."""
    payload = bytes(i % 127 for i in range(size))
    octets = side.frame(opcode, payload)
    header = len(octets) - size
    return octets[:header], octets[header:], payload


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("first", [0, 1, 3, 30_000])
def test_large_payloads_land_in_the_message(side: Recorder, opcode: int, first: int) -> None:
    header, octets, payload = big(side, 60_000, opcode)
    side.receive(header + octets[:first])
    strip = side.reader.landing_strip()
    assert strip is not None
    assert len(strip) == 60_000 - first
    side.land(octets[first:50_001])
    assert side.take() == []
    assert side.reader.landing_strip() is None  # what is left is not worth it
    side.receive(octets[50_001:])
    assert side.take() == [("message", payload, opcode == BINARY)]


def test_it_is_for_what_is_left_of_a_large_frame(side: Recorder) -> None:
    header, octets, _ = big(side, reader_module.LANDING + 1)
    side.receive(header + octets[:1])
    assert side.reader.landing_strip() is not None
    side.receive(octets[1:2])
    assert side.reader.landing_strip() is None


def test_only_text_is_validated_there_and_only_if_that_is_wanted(side: Recorder) -> None:
    payload = b"\xff" * reader_module.LANDING
    for opcode, validate in ((BINARY, True), (BINARY, False), (TEXT, False)):
        side.reader.validate = validate
        octets = side.frame(opcode, payload)
        side.receive(octets[: -len(payload)])
        side.land(octets[-len(payload) :])
        assert side.messages() == [payload]


def test_what_lands_during_a_pause_waits(side: Recorder) -> None:
    """A loop may have had the strip for a while then."""
    header, octets, payload = big(side, 50_000)
    side.receive(header)
    side.land(octets, side.connection.pause)
    assert side.take() == [("pause",)]
    side.connection.unpause()
    assert side.take() == [("message", payload, True), ("resume",)]


def test_no_strip_for_others(side: Recorder) -> None:
    side.reader.inflater = ToyInflater()
    assert side.reader.landing_strip() is None  # between frames
    header, octets, _ = big(side, reader_module.LANDING - 1)
    side.receive(header)
    assert side.reader.landing_strip() is None  # too small
    side.receive(octets)
    side.receive(side.frame(BINARY, b"", rsv=4, length=10**6))
    assert side.reader.landing_strip() is None  # goes through the inflater


def test_no_strip_for_a_sink_nor_for_what_is_skipped() -> None:
    side = Recorder(streaming=True)
    side.receive(side.frame(BINARY, length=10**6))
    assert side.reader.landing_strip() is None
    side = Recorder()
    side.connection.fail_by_drop = False
    side.reader.limit(0, 1000)
    side.receive(side.frame(BINARY, length=10**6))
    assert side.reader.landing_strip() is None


def test_no_strip_while_halted(side: Recorder) -> None:
    side.receive(side.frame(BINARY, length=10**6))
    side.connection.pause()
    assert side.reader.landing_strip() is None


@pytest.mark.parametrize(("payload", "index"), BAD)
def test_bad_text_on_the_landing_strip(
    side: Recorder, payload: bytes, index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "LANDING", 1)
    octets = side.frame(TEXT, payload + bytes(50))
    header = len(octets) - len(payload) - 50
    side.receive(octets[:header])
    side.land(octets[header : header + index])
    assert side.take() == []
    side.land(octets[header + index : header + index + 1])
    reason = f"text message is not UTF-8 at octet {index}"
    assert side.take("violation") == [("violation", 1007, reason)]
    side.receive(octets[header + index + 1 :] + side.frame(PING))
    assert side.take("ping") == [("ping", b"")]


def test_room_grows_with_what_arrived_and_not_with_what_was_announced(
    side: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "RESERVE", 1000)
    monkeypatch.setattr(reader_module, "LANDING", 1)
    header, octets, payload = big(side, 10_000)
    side.receive(header)
    rooms = []
    while octets:
        strip = side.reader.landing_strip()
        assert strip is not None
        rooms.append(len(strip))
        del strip
        side.land(octets[: rooms[-1]])
        octets = octets[rooms[-1] :]
    assert rooms == [1000, 3000, 6000]
    assert side.messages() == [payload]


def test_room_does_not_grow_with_each_small_read(
    side: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "RESERVE", 1000)
    monkeypatch.setattr(reader_module, "LANDING", 1)
    header, octets, _ = big(side, 10_000)
    side.receive(header)
    ends = []
    for i in range(1100):
        strip = side.reader.landing_strip()
        assert strip is not None
        ends.append(i + len(strip))
        del strip
        side.land(octets[i : i + 1])
    assert ends == [1000] * 1000 + [4000] * 100


def test_fragments_may_land(side: Recorder) -> None:
    side.receive(side.frame(BINARY, b"first", fin=False))
    header, octets, payload = big(side, 50_000, CONTINUATION)
    side.receive(header)
    side.land(octets)
    assert side.messages() == [b"first" + payload]


def test_what_lands_after_the_end_is_nothing(side: Recorder) -> None:
    """A loop may have had the strip for a while when the connection ends."""
    header, octets, _ = big(side, 50_000)
    side.receive(header)
    side.land(octets, side.connection.dropped)
    side.connection.lost()
    assert side.take() == [("closed",)]


def test_what_lands_after_a_failure_is_skipped(side: Recorder) -> None:
    header, octets, _ = big(side, 50_000, TEXT)
    side.receive(header)
    strip = side.reader.landing_strip()
    assert strip is not None
    strip[:] = b"\xff" * len(octets)
    side.connection.fail(1011, "ours")
    side.connection.landed(len(octets))
    side.receive(side.frame(PING))
    assert side.take() == [("expect", "close"), ("ping", b"")]


# --- hooks that do things ----------------------------------------------------------------------


def test_octets_that_arrive_inside_a_hook_come_behind(side: Recorder) -> None:
    inner = iter([side.frame(TEXT, b"inner"), side.frame(TEXT, b"innermost")])

    def meddle(name: str) -> None:
        for octets in itertools.islice(inner, 1):
            side.receive(octets)

    side.meddle = meddle
    side.receive(side.frame(TEXT, b"one") + side.frame(TEXT, b"two"))
    assert side.messages() == [b"one", b"two", b"inner", b"innermost"]
    side.assert_exhausted()


def test_half_a_frame_that_arrives_inside_a_hook(side: Recorder) -> None:
    octets = side.frame(TEXT, b"later")
    side.meddle = lambda name: side.receive(octets[:4]) if side.reader.messages == 1 else None
    side.receive(side.frame(TEXT, b"one"))
    side.receive(octets[4:])
    assert side.messages() == [b"one", b"later"]


STREAM = [
    (TEXT, b"one", True),
    (PING, b"two", True),
    (BINARY, b"thr", False),
    (PONG, b"four", True),
    (CONTINUATION, b"ee", True),
    (TEXT, b"", True),
]


def stream_of(side: Recorder) -> bytes:
    return b"".join(side.frame(opcode, payload, fin=fin) for opcode, payload, fin in STREAM)


MODES = [{}, {"streaming": True}, {"streaming": True, "stream_control": True}, {"decode": True}]


def without_data(side: Recorder) -> list[Any]:
    return [call for call in side.take() if call != ("data", b"")]


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_nothing_is_lost_when_a_hook_raises(mode: dict[str, Any]) -> None:
    expected = Recorder(**mode)
    expected.receive(stream_of(expected))
    facts = [call for call in without_data(expected) if call[0] != "data"]
    for fatal in range(len(facts)):
        side = Recorder(**mode)
        count = itertools.count()

        def meddle(name: str, count: Iterator[int] = count, fatal: int = fatal) -> None:
            if next(count) == fatal:
                raise Boom

        side.meddle = meddle
        with pytest.raises(Boom):
            side.receive(stream_of(side))
        assert not side.connection.receiving
        assert not side.connection.writer.corked
        side.connection.resume()
        assert [call for call in without_data(side) if call[0] != "data"] == facts
        assert side.connection.pending is None


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_nothing_is_lost_by_pauses(mode: dict[str, Any]) -> None:
    expected = Recorder(**mode)
    expected.receive(stream_of(expected))
    side = Recorder(**mode)
    side.meddle = lambda name: side.connection.pause()
    side.receive(stream_of(side))
    while side.connection.paused:
        before = len(side.calls)
        side.receive(b"")  # what arrives meanwhile has to wait
        assert len(side.calls) == before
        side.connection.unpause()
    calls = [call for call in without_data(side) if call[0] not in ("pause", "resume")]
    assert calls == without_data(expected)


def test_a_pause_stops_at_once_and_keeps_what_comes() -> None:
    side = Recorder()
    side.meddle = lambda name: side.connection.pause()
    side.receive(side.frame(TEXT, b"one") + side.frame(TEXT, b"two"))
    side.receive(side.frame(TEXT, b"three"))
    assert side.take() == [("message", b"one", False), ("pause",)]
    side.meddle = lambda name: None
    side.connection.unpause()
    assert side.take() == [
        ("message", b"two", False),
        ("message", b"three", False),
        ("resume",),
    ]
    side.connection.unpause()
    side.assert_exhausted()


def test_an_empty_frame_does_not_wait_for_more_octets() -> None:
    """Halted behind its header, it needs no octets to go on; so nobody else would wake it."""
    side = Recorder(streaming=True)
    side.meddle = lambda name: side.connection.pause() if name == "begin" else None
    side.receive(side.frame(TEXT, b""))
    assert side.take() == [("begin", 0x81, True, 0), ("pause",)]
    side.connection.unpause()
    assert side.take() == [("data", b""), ("end", True), ("resume",)]


@pytest.mark.parametrize("payload", [b"x", b""])
@pytest.mark.parametrize("opcode", [TEXT, PING])
def test_halting_in_the_middle_of_a_frame(opcode: int, payload: bytes) -> None:
    """What was handed out is not handed out again, or whoever halts there would never get on."""

    class Halting(Recorder):
        def frame_data(self, payload: bytes) -> None:
            super().frame_data(payload)
            self.connection.pause()

    side = Halting(streaming=True, stream_control=True)
    side.receive(side.frame(opcode, payload))
    begin = ("begin", 0x80 | opcode, True, len(payload))
    assert side.take() == [begin, ("data", payload), ("pause",)]
    side.connection.unpause()
    end = ("end", True) if opcode == TEXT else ("ping", payload)
    assert side.take() == [end, ("resume",)]


def test_a_dropped_connection_tells_no_more() -> None:
    side = Recorder(streaming=True)

    def drop(name: str) -> None:
        side.connection.dropped()

    side.meddle = drop
    side.receive(side.frame(TEXT, b"one") + side.frame(TEXT, b"two"))
    assert side.take() == [("begin", 0x81, True, 3)]
    side.assert_exhausted()


def test_slots_may_change_between_messages(side: Recorder) -> None:
    got: list[Any] = []

    def rewire(name: str) -> None:
        side.reader.connect(lambda payload, binary: got.append(payload), side.connection.control)

    side.meddle = rewire
    side.receive(side.frame(TEXT, b"one") + side.frame(TEXT, b"two"))
    assert side.messages() == [b"one"]
    assert got == [b"two"]


def test_going_on_when_a_read_has_been_worked_off() -> None:
    """Whoever is told of that may make room for what did not fit before."""
    side = Recorder()
    side.meddle = lambda name: side.connection.pause()
    side.connection.on_batch = side.connection.unpause
    side.receive(side.frame(TEXT, b"1") + side.frame(TEXT, b"2") + side.frame(TEXT, b"3"))
    assert side.messages() == [b"1", b"2", b"3"]


# --- the reader by itself ----------------------------------------------------------------------


def test_by_itself_it_takes_frames_of_either_side() -> None:
    got: list[object] = []
    reader = FrameReader()
    reader.connect(lambda payload, binary: got.append(payload), lambda opcode, payload: None)
    octets = frame(TEXT, b"a server's") + frame(TEXT, b"a client's", mask=MASK)
    assert reader.feed(octets, 0, len(octets)) == len(octets)
    assert got == [b"a server's", b"a client's"]


def test_feed_says_how_far_it_came() -> None:
    reader = FrameReader()
    octets = b"--" + frame(TEXT, b"one") + frame(PING, b"two")[:3]
    assert reader.feed(octets, 2, len(octets)) == 2 + 5
    assert reader.position == 7


def test_a_bad_header_is_not_consumed_until_it_is_skipped() -> None:
    reader = FrameReader()
    octets = frame(TEXT, b"one") + frame(3, b"bad") + frame(TEXT, b"two")
    got: list[object] = []
    reader.connect(lambda payload, binary: got.append(payload), lambda opcode, payload: None)
    for _ in range(2):
        with pytest.raises(FrameError):
            reader.feed(octets, reader.position, len(octets))
        assert reader.position == 5
    reader.recover()
    assert reader.feed(octets, reader.position, len(octets)) == len(octets)
    assert got == [b"one", b"two"]


def test_diverting_in_the_middle_of_a_message() -> None:
    side = Recorder()
    side.receive(side.frame(TEXT, b"be", fin=False))
    assert side.reader.divert(side) == b"be"
    side.receive(side.frame(CONTINUATION, b"hind"))
    assert side.take() == [("begin", 0x80, True, 4), ("data", b"hind"), ("end", True)]


def test_control_frames_are_not_diverted() -> None:
    side = Recorder(streaming=True, stream_control=True)
    side.reader.divert(side)
    side.receive(side.frame(PING, b"p"))
    assert side.take() == [("ping", b"p")]


def test_what_a_refused_message_has_left_is_not_diverted() -> None:
    reader = FrameReader()
    octets = frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"\xff")
    with pytest.raises(ProtocolError, match="not UTF-8"):
        reader.feed(octets, 0, len(octets))
    reader.recover()
    assert reader.divert(Recorder()) == b""


def test_diverting_between_messages() -> None:
    side = Recorder()
    side.receive(side.frame(TEXT, b"whole"))
    assert side.reader.divert(side) == b""
