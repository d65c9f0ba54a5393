"""The message that arrives: RFC 6455, sections 5.4, 5.6 and 8.1, its limits and its compression."""

from __future__ import annotations

import pytest

from wsproto_async.core.connection import Connection
from wsproto_async.errors import ProtocolError

from ..contract.support import BINARY, CONTINUATION, PING, TEXT, frame
from ..helpers import Recorder
from .streams import BAD, GOOD, ToyInflater, bytewise

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


# --- text --------------------------------------------------------------------------------------


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


# --- frames as they arrive ---------------------------------------------------------------------


def test_a_sink_gets_inflated_octets() -> None:
    side = Recorder(streaming=True)
    side.reader.inflater = ToyInflater()
    side.receive(side.frame(BINARY, b"\x03a", rsv=4))
    assert side.take() == [("begin", 0xC2, True, 2), ("data", b"aaa"), ("end", True)]


def test_a_sink_does_not_get_bad_text() -> None:
    side = Recorder(streaming=True)
    side.receive(side.frame(TEXT, b"ab\xff"))
    assert [call[0] for call in side.take()] == ["begin", "violation", "drop"]
