"""Octets in, messages out: RFC 6455, sections 5 and 8.1, rule by rule."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from wsproto_async.core import reader as reader_module
from wsproto_async.core.connection import Connection
from wsproto_async.core.reader import FrameReader
from wsproto_async.errors import FrameError, ProtocolError

from ..contract.support import BINARY, CLOSE, MASK, PING, PONG, TEXT, Frame, frame, xor
from ..helpers import Boom, Recorder
from .streams import ToyInflater

CONTINUATION = 0
SIDES = [pytest.param(True, id="server"), pytest.param(False, id="client")]


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Recorder:
    """Either side of a connection; it fails with a close frame and reads on."""
    side = Recorder(request.param)
    side.connection.fail_by_drop = False
    return side


def bytewise(octets: bytes) -> Iterator[bytes]:
    return (octets[i : i + 1] for i in range(len(octets)))


def landing(side: Recorder, octets: bytes) -> None:
    """Bring octets on the landing strip, which must be there."""
    while octets:
        strip = side.reader.landing_strip()
        assert strip is not None
        size = min(len(strip), len(octets))
        strip[:size] = octets[:size]
        del strip
        side.connection.landed(size)
        octets = octets[size:]


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


def wrong_headers() -> Iterator[Any]:
    """What the first two octets must not say (RFC 6455, sections 5.2 and 5.5), mask bit apart."""
    for rsv in range(1, 8):
        yield pytest.param(0x81 | rsv << 4, 5, f"reserved bits {rsv}", id=f"rsv{rsv}")
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield pytest.param(0x80 | opcode, 5, f"opcode {opcode} is reserved", id=f"opcode{opcode}")
    for opcode in (CLOSE, PING, PONG):
        yield pytest.param(opcode, 5, "a control frame is fragmented", id=f"fin{opcode}")
        yield pytest.param(0x80 | opcode, 126, "more than 125 octets", id=f"long{opcode}")
        yield pytest.param(0x80 | opcode, 127, "more than 125 octets", id=f"very-long{opcode}")
    yield pytest.param(0x88, 1, "half a close code", id="close1")
    yield pytest.param(0x80, 5, "outside of a message", id="continuation")
    yield pytest.param(0x00, 5, "outside of a message", id="continuation-not-fin")


@pytest.mark.parametrize(("first", "length", "reason"), [*wrong_headers()])
def test_two_octets_suffice_for_a_violation(
    side: Recorder, first: int, length: int, reason: str
) -> None:
    second = length | (0x80 if side.connection.is_server else 0)
    side.receive(bytes([first]))
    assert side.take() == []
    side.receive(bytes([second]))
    [(_, code, text)] = side.take("violation")
    assert code == 1002
    assert reason in text


@pytest.mark.parametrize("fail_by_drop", [False, True])
@pytest.mark.parametrize(("first", "length", "reason"), [*wrong_headers()])
def test_behind_a_wrong_header(
    side: Recorder, first: int, length: int, reason: str, fail_by_drop: bool
) -> None:
    side.connection.fail_by_drop = fail_by_drop
    size = {126: 200, 127: 70_000}.get(length, length)
    octets = bytearray(side.frame(first & 0x0F, bytes(size)))
    octets[0] = first
    side.receive(bytes(octets) + side.frame(TEXT, b"not any more") + side.frame(PING, b"still"))
    if fail_by_drop:
        assert [call[0] for call in side.take()] == ["violation", "drop"]
    else:
        assert [call[0] for call in side.take()] == ["violation", "expect", "ping"]
        [close] = side.sent()
        assert close.opcode == CLOSE
        assert close.payload[:2] == (1002).to_bytes(2, "big")
    side.assert_exhausted()


@pytest.mark.parametrize(
    ("first_octets", "more", "reason"),
    [
        ("827e", "007d", "more octets than it needs"),
        ("827e", "0000", "more octets than it needs"),
        ("827f", "000000000000ffff", "more octets than it needs"),
        ("827f", "0000000000000000", "more octets than it needs"),
        ("827f", "8000000000000000", "highest bit"),
        ("827f", "ffffffffffffffff", "highest bit"),
    ],
)
def test_wrong_lengths(side: Recorder, first_octets: str, more: str, reason: str) -> None:
    octets = bytearray.fromhex(first_octets)
    octets[1] |= 0x80 if side.connection.is_server else 0
    side.receive(bytes(octets), bytes.fromhex(more)[:-1])
    assert side.take() == []
    side.receive(bytes.fromhex(more)[-1:])
    [(_, code, text)] = side.take("violation")
    assert code == 1002
    assert reason in text


def test_the_largest_length_is_one(side: Recorder) -> None:
    side.receive(side.frame(BINARY, b"begin", length=2**63 - 1))
    assert side.take() == []
    assert side.reader.left == 2**63 - 1 - 5


def test_clients_must_mask_and_servers_must_not(side: Recorder) -> None:
    is_server = side.connection.is_server
    side.receive(frame(TEXT, b"x", mask=None if is_server else MASK)[:2])
    [(_, code, text)] = side.take("violation")
    assert code == 1002
    assert text == ("a client's frame is not masked" if is_server else "a server's frame is masked")


@pytest.mark.parametrize("mask", [None, MASK])
def test_masking_rules_can_be_lifted(side: Recorder, mask: bytes | None) -> None:
    side.reader.require_mask = side.reader.refuse_mask = False
    side.receive(frame(TEXT, b"either way", mask=mask))
    assert side.messages() == [b"either way"]


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


def test_the_order_of_complaints() -> None:
    """RSV before mask before opcode, as in the contract."""
    side = Recorder()
    side.receive(bytes([0xF3, 5]))
    assert "reserved bits" in side.take("violation")[0][2]
    side = Recorder()
    side.receive(bytes([0x83, 5]))
    assert "not masked" in side.take("violation")[0][2]


# --- fragments ---------------------------------------------------------------------------------


def test_fragments_become_one_message(side: Recorder) -> None:
    side.receive(
        side.frame(TEXT, b"Hel", fin=False),
        side.frame(CONTINUATION, b"", fin=False),
        side.frame(CONTINUATION, b"lo", fin=False),
        side.frame(CONTINUATION, b""),
        side.frame(BINARY, b"next"),
    )
    assert side.take() == [("message", b"Hello", False), ("message", b"next", True)]
    assert (side.reader.frames, side.reader.messages) == (5, 2)


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


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_messages_do_not_interleave(side: Recorder, opcode: int) -> None:
    side.receive(side.frame(TEXT, b"a", fin=False), side.frame(opcode, b"b"))
    [(_, code, text)] = side.take("violation")
    assert (code, text) == (1002, "a message begins before the one before it has ended")


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


@pytest.mark.parametrize("rsv", [1, 2, 3, 5, 6, 7])
def test_compression_allows_the_first_reserved_bit_alone(side: Recorder, rsv: int) -> None:
    side.reader.inflater = ToyInflater()
    side.receive(side.frame(BINARY, b"", rsv=rsv))
    assert side.take("violation")[0][2].startswith(f"reserved bits {rsv} are set")


def test_a_continuation_is_never_marked_as_compressed(side: Recorder) -> None:
    side.reader.inflater = ToyInflater()
    side.receive(side.frame(BINARY, b"\x03a", fin=False, rsv=4))
    side.receive(side.frame(CONTINUATION, b"\x03b", rsv=4))
    assert side.take("violation")[0][2] == "a continuation frame is marked as compressed"


def test_a_control_frame_is_never_marked_as_compressed(side: Recorder) -> None:
    side.reader.inflater = ToyInflater()
    side.receive(side.frame(PING, b"", rsv=4))
    assert side.take("violation")[0][2] == "a control frame is marked as compressed"


# --- text --------------------------------------------------------------------------------------

GOOD = "\u03ba\u1f79\u03c3\u03bc\u03b5"
BAD = [
    (GOOD.encode() + b"\xed\xa0\x80edited", 12),
    (GOOD.encode() + b"\xf4\x90\x80\x80edited", 12),
    (b"\xc0\xaf", 0),
    (b"\xe0\x80\xaf", 1),
    (b"\xf0\x80\x80\xaf", 1),
    (b"\xf8\x88\x80\x80\x80", 0),
    (b"ok\x80", 2),
    (b"ok\xff", 2),
    (b"a" * 40 + b"\xc3(", 41),
    (b"a" * 40 + b"\xf0\x9f\x98(", 43),
]


@pytest.mark.parametrize(("payload", "index"), BAD)
@pytest.mark.parametrize("fragmented", [False, True])
def test_text_fails_at_the_first_bad_octet(
    side: Recorder, payload: bytes, index: int, fragmented: bool
) -> None:
    header = 6 if side.connection.is_server else 2
    if fragmented:
        pieces = [side.frame(TEXT, b"", fin=False), *bytewise(side.frame(0, payload))]
        header += 1
    else:
        pieces = list(bytewise(side.frame(TEXT, payload)))
    side.receive(*pieces[: header + index])
    assert side.take() == []
    side.receive(pieces[header + index])
    [(_, code, text)] = side.take("violation")
    assert code == 1007
    assert text == f"text message is not UTF-8 at octet {index}"


@pytest.mark.parametrize(("payload", "index"), BAD)
@pytest.mark.parametrize("decode", [False, True])
def test_bad_text_in_one_piece(payload: bytes, index: int, decode: bool) -> None:
    side = Recorder(decode=decode)
    side.receive(side.frame(TEXT, payload))
    reason = f"text message is not UTF-8 at octet {index}"
    assert side.take() == [("violation", 1007, reason), ("drop", True)]


@pytest.mark.parametrize("tail", [b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98"])
@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("decode", [False, True])
def test_text_must_not_end_inside_a_code_point(tail: bytes, cut: bool, decode: bool) -> None:
    side = Recorder(decode=decode)
    octets = side.frame(TEXT, b"x" + tail)
    side.receive(*([octets[:8], octets[8:]] if cut else [octets]))
    [(_, code, text)] = side.take("violation")
    assert code == 1007
    assert text == "text message ends in the middle of a UTF-8 code point"


def test_octets_are_counted_from_the_beginning_of_the_message(side: Recorder) -> None:
    side.receive(*bytewise(side.frame(TEXT, b"fine") + side.frame(TEXT, b"ab\xff")))
    assert side.take("violation") == [("violation", 1007, "text message is not UTF-8 at octet 2")]


def test_a_code_point_may_be_cut_anywhere(side: Recorder) -> None:
    text = (GOOD + "\U0001f600").encode()
    for cut in range(len(text) + 1):
        side.receive(side.frame(TEXT, text[:cut], fin=False), side.frame(CONTINUATION, text[cut:]))
    assert side.messages() == [text] * (len(text) + 1)


def test_validation_begins_anew_with_each_message(side: Recorder) -> None:
    side.receive(*bytewise(side.frame(TEXT, b"\xc3") + side.frame(TEXT, b"\xa4")))
    assert len(side.take("violation")) == 1
    assert side.reader.failed


def test_pieces_are_not_validated_either_when_that_is_switched_off(side: Recorder) -> None:
    side.reader.validate = False
    side.receive(*bytewise(side.frame(TEXT, b"\xc3")))
    assert side.messages() == [b"\xc3"]
    streaming = Recorder(streaming=True)
    streaming.reader.validate = False
    streaming.receive(streaming.frame(TEXT, b"\xff"))
    assert streaming.take("data") == [("data", b"\xff")]


def test_validation_can_be_switched_off_in_the_middle_of_a_code_point(side: Recorder) -> None:
    side.receive(side.frame(TEXT, b"\xc3", fin=False))
    side.reader.validate = False
    side.receive(side.frame(CONTINUATION, b"\xa4"))
    assert side.messages() == [b"\xc3\xa4"]


def test_binary_is_not_validated(side: Recorder) -> None:
    side.receive(side.frame(BINARY, b"\xff"), *bytewise(side.frame(BINARY, b"\xff\xfe")))
    assert side.messages() == [b"\xff", b"\xff\xfe"]


def test_validation_can_be_switched_off(side: Recorder) -> None:
    side.reader.validate = False
    side.receive(side.frame(TEXT, b"\xff"), *bytewise(side.frame(TEXT, b"\xff\xfe")))
    assert side.messages() == [b"\xff", b"\xff\xfe"]


def test_decoding() -> None:
    side = Recorder(decode=True)
    octets = side.frame(TEXT, GOOD.encode()) + side.frame(BINARY, b"\xff") + side.frame(TEXT, b"")
    side.receive(octets)
    assert side.messages() == [GOOD, b"\xff", ""]
    side.receive(*bytewise(octets))
    assert side.messages() == [GOOD, b"\xff", ""]


@pytest.mark.parametrize("cut", [False, True])
def test_decoding_finds_bad_text_without_validation_as_well(cut: bool) -> None:
    side = Recorder(decode=True)
    side.reader.validate = False
    octets = side.frame(TEXT, b"a\xc3(")
    side.receive(*(bytewise(octets) if cut else [octets]))
    assert side.take("violation") == [("violation", 1007, "text message is not UTF-8 at octet 2")]


# --- limits ------------------------------------------------------------------------------------

SMALL, LIMIT = 10, 1000


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT, LIMIT + 1])
@pytest.mark.parametrize("what", ["frame", "message"])
def test_limits_hold_before_the_payload_is_there(side: Recorder, size: int, what: str) -> None:
    side.reader.limit(*((LIMIT, 0) if what == "frame" else (0, LIMIT)))
    octets = side.frame(BINARY, bytes(size))
    header = len(octets) - size
    side.receive(octets[:header])
    if size <= LIMIT:
        side.receive(octets[header:])
        assert side.messages() == [bytes(size)]
        return
    reason = f"{what} of {size} octets exceeds max_{what}_payload_size={LIMIT}"
    assert side.take("violation") == [("violation", 1009, reason)]
    side.receive(octets[header:] + side.frame(PING, b"behind it"))
    assert side.take() == [("ping", b"behind it")]


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT, LIMIT + 1])
def test_the_limit_of_messages_counts_fragments(side: Recorder, size: int) -> None:
    side.reader.limit(0, LIMIT)
    last = side.frame(CONTINUATION, bytes(SMALL))
    side.receive(side.frame(BINARY, bytes(size - SMALL), fin=False), last[:-SMALL])
    if size > LIMIT:
        reason = f"message of {size} octets exceeds max_message_payload_size={LIMIT}"
        assert side.take("violation") == [("violation", 1009, reason)]
    side.receive(last[-SMALL:] + side.frame(PING))
    assert side.take() == [("message", bytes(size), True), ("ping", b"")][size > LIMIT :]


@pytest.mark.parametrize("length", [2**31, 2**32 + 5, 2**63 - 1])
def test_a_hostile_length_does_not_overflow(side: Recorder, length: int) -> None:
    side.reader.limit(0, LIMIT)
    side.receive(side.frame(BINARY, bytes(LIMIT), fin=False))
    side.receive(side.frame(CONTINUATION, b"", length=length))
    [(_, code, text)] = side.take("violation")
    assert (code, str(length + LIMIT) in text) == (1009, True)


def test_a_limit_may_be_lowered_in_the_middle_of_a_message(side: Recorder) -> None:
    side.receive(side.frame(BINARY, bytes(LIMIT), fin=False))
    side.reader.limit(0, SMALL)
    side.receive(side.frame(CONTINUATION, b"x"))
    assert side.take("violation")[0][1] == 1009


def test_a_frame_above_its_limit_that_fits_into_the_message(side: Recorder) -> None:
    side.reader.limit(SMALL, SMALL + 1)
    side.receive(side.frame(BINARY, bytes(SMALL + 1)))
    reason = f"frame of {SMALL + 1} octets exceeds max_frame_payload_size={SMALL}"
    assert side.take("violation") == [("violation", 1009, reason)]


def test_what_has_arrived_before_a_limit_was_lowered_may_end(side: Recorder) -> None:
    side.receive(side.frame(BINARY, bytes(LIMIT), fin=False))
    side.reader.limit(0, SMALL)
    side.receive(side.frame(CONTINUATION, b""))
    assert side.messages() == [bytes(LIMIT)]


@pytest.mark.parametrize("cut", [False, True])
def test_the_limit_is_that_of_each_message(side: Recorder, cut: bool) -> None:
    side.reader.limit(0, SMALL)
    assert side.reader.size == 0
    octets = side.frame(BINARY, bytes(SMALL)) * 2
    side.receive(*(bytewise(octets) if cut else [octets]))
    assert side.messages() == [bytes(SMALL)] * 2
    assert side.reader.size == SMALL


def test_no_limit(side: Recorder) -> None:
    side.reader.limit(5, 5)
    side.reader.limit(0, 0)
    side.receive(side.frame(BINARY, bytes(LIMIT)))
    assert side.messages() == [bytes(LIMIT)]


# --- compression -------------------------------------------------------------------------------


@pytest.fixture
def inflater(side: Recorder) -> ToyInflater:
    side.reader.inflater = inflater = ToyInflater()
    return inflater


def test_compressed_and_plain_messages(side: Recorder, inflater: ToyInflater) -> None:
    octets = (
        side.frame(TEXT, b"\x03a\x02b", rsv=4)
        + side.frame(BINARY, b"\x03a")
        + side.frame(BINARY, b"\x03", rsv=4, fin=False)
        + side.frame(PING)
        + side.frame(CONTINUATION, b"a")
    )
    expected = [
        ("message", b"aaabb", False),
        ("message", b"\x03a", True),
        ("ping", b""),
        ("message", b"aaa", True),
    ]
    side.receive(octets)
    assert side.take() == expected
    side.receive(*bytewise(octets))
    assert side.take() == expected
    assert (side.reader.octets, side.reader.inflated) == (2 * 8, 2 * 10)


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT, LIMIT + 1])
@pytest.mark.parametrize("pieces", [1, 2])
def test_a_bomb_stops_at_the_limit(
    side: Recorder, inflater: ToyInflater, size: int, pieces: int
) -> None:
    side.reader.limit(0, LIMIT)
    runs = b"\xc8a" * (size // 200) + bytes([size % 200]) + b"a"
    half = len(runs) // 4 * 2 if pieces == 2 else len(runs)
    side.receive(side.frame(BINARY, runs[:half], rsv=4, fin=pieces == 1))
    if pieces == 2:
        side.receive(side.frame(CONTINUATION, runs[half:]))
    if size <= LIMIT:
        assert side.messages() == [b"a" * size]
    else:
        [(_, code, text)] = side.take("violation")
        assert code == 1009
        assert (
            text == f"message of more than {LIMIT} octets exceeds max_message_payload_size={LIMIT}"
        )
    assert inflater.most_at_once <= LIMIT
    side.receive(side.frame(PING, b"alive"))
    assert ("ping", b"alive") in side.take()


def test_a_bomb_when_the_limit_was_lowered(side: Recorder, inflater: ToyInflater) -> None:
    side.receive(side.frame(BINARY, b"\x64a", rsv=4, fin=False))
    side.reader.limit(0, 50)
    side.receive(side.frame(CONTINUATION, b"\x01a"))
    assert side.take("violation")[0][1] == 1009


@pytest.mark.parametrize(
    ("payload", "reason"), [(b"\xffa", "not a run"), (b"\x03a\x03", "half a run")]
)
def test_what_does_not_inflate(
    side: Recorder, inflater: ToyInflater, payload: bytes, reason: str
) -> None:
    side.receive(side.frame(BINARY, payload, rsv=4))
    expected = f"compressed message does not inflate: {reason}"
    assert side.take("violation") == [("violation", 1007, expected)]


def test_inflated_text_is_validated(side: Recorder, inflater: ToyInflater) -> None:
    side.receive(side.frame(TEXT, b"\x02a\x01\xff", rsv=4))
    assert side.take("violation") == [("violation", 1007, "text message is not UTF-8 at octet 2")]


def test_a_codec_may_speak_for_itself(side: Recorder) -> None:
    class Strict(ToyInflater):
        def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
            raise ProtocolError("no such luck", 1010)

    side.reader.inflater = Strict()
    side.receive(side.frame(TEXT, b"x", rsv=4))
    assert side.take("violation") == [("violation", 1010, "no such luck")]


def test_a_codec_may_complain_at_the_end_as_well(side: Recorder) -> None:
    class Strict(ToyInflater):
        def end_decompress_message(self) -> None:
            raise ProtocolError("no proper end", 1010)

    side.reader.inflater = Strict()
    side.receive(side.frame(TEXT, b"\x01x", rsv=4))
    assert side.take("violation", "message") == [("violation", 1010, "no proper end")]


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


def test_a_sink_gets_inflated_octets() -> None:
    side = Recorder(streaming=True)
    side.reader.inflater = ToyInflater()
    side.receive(side.frame(BINARY, b"\x03a", rsv=4))
    assert side.take() == [("begin", 0xC2, True, 2), ("data", b"aaa"), ("end", True)]


def test_a_sink_does_not_get_bad_text() -> None:
    side = Recorder(streaming=True)
    side.receive(side.frame(TEXT, b"ab\xff"))
    assert [call[0] for call in side.take()] == ["begin", "violation", "drop"]


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
    landing(side, octets[first:50_001])
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
        landing(side, octets[-len(payload) :])
        assert side.messages() == [payload]


def test_what_lands_during_a_pause_waits(side: Recorder) -> None:
    """A loop may have had the strip for a while then."""
    header, octets, payload = big(side, 50_000)
    side.receive(header)
    strip = side.reader.landing_strip()
    assert strip is not None
    strip[:] = octets
    side.connection.pause()
    side.connection.landed(len(octets))
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
    landing(side, octets[header : header + index])
    assert side.take() == []
    landing(side, octets[header + index : header + index + 1])
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
        landing(side, octets[: rooms[-1]])
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
        landing(side, octets[i : i + 1])
    assert ends == [1000] * 1000 + [4000] * 100


def test_fragments_may_land(side: Recorder) -> None:
    side.receive(side.frame(BINARY, b"first", fin=False))
    header, octets, payload = big(side, 50_000, CONTINUATION)
    side.receive(header)
    landing(side, octets)
    assert side.messages() == [b"first" + payload]


def test_what_lands_after_the_end_is_nothing(side: Recorder) -> None:
    """A loop may have had the strip for a while when the connection ends."""
    header, octets, _ = big(side, 50_000)
    side.receive(header)
    strip = side.reader.landing_strip()
    assert strip is not None
    strip[:] = octets
    side.connection.dropped()
    side.connection.landed(len(octets))
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


@pytest.mark.parametrize("cut", [False, True])
def test_what_on_message_returns_is_handed_on(cut: bool) -> None:
    results: list[object] = []
    connection = Connection(False, Recorder())
    connection.opened()
    answers = iter(["an answer", None])
    connection.reader.connect(
        lambda payload, binary: next(answers), connection.control, results.append
    )
    octets = frame(TEXT, b"one") + frame(TEXT, b"two")
    for piece in bytewise(octets) if cut else [octets]:
        connection.receive(piece, 0, len(piece))
    assert results == ["an answer"]


def test_going_on_when_a_read_has_been_worked_off() -> None:
    """Whoever is told of that may make room for what did not fit before."""
    side = Recorder()
    side.meddle = lambda name: side.connection.pause()
    side.connection.on_batch = side.connection.unpause
    side.receive(side.frame(TEXT, b"1") + side.frame(TEXT, b"2") + side.frame(TEXT, b"3"))
    assert side.messages() == [b"1", b"2", b"3"]


# --- step by step ------------------------------------------------------------------------------


def test_steps() -> None:
    side = Recorder(streaming=True)
    octets = side.frame(TEXT, b"ab") + side.frame(CONTINUATION, b"")[:1]
    side.connection.pending = octets
    log = []
    while side.connection.step():
        log.append([call[0] for call in side.take()])
    assert log == [["begin"], ["data", "end"]]
    assert side.connection.pending == octets[-1:]


def test_steps_end_an_empty_frame() -> None:
    side = Recorder(streaming=True)
    side.connection.pending = side.frame(TEXT, b"")
    assert side.connection.step()
    assert side.connection.pending is None
    assert side.connection.step()
    assert not side.connection.step()
    assert [call[0] for call in side.take()] == ["begin", "data", "end"]


def test_a_step_that_is_a_violation() -> None:
    side = Recorder()
    side.connection.fail_by_drop = False
    side.connection.pending = frame(3, b"ab", mask=MASK) + side.frame(PING)
    while side.connection.step():
        pass
    assert [call[0] for call in side.take()] == ["violation", "expect", "ping"]


def test_a_step_inside_of_a_hook_does_not_lead_astray(side: Recorder) -> None:
    def meddle(name: str) -> None:
        side.meddle = lambda name: None
        side.receive(side.frame(TEXT, b"inner"))
        while side.connection.step():
            pass

    side.meddle = meddle
    side.receive(side.frame(TEXT, b"one") + side.frame(TEXT, b"two"))
    assert side.messages() == [b"one", b"inner", b"two"]


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
