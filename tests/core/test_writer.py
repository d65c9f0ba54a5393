"""Messages in, octets out: what leaves, in which order, and in how many writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproto_async.core.writer import CORK, LARGE, FrameWriter
from wsproto_async.errors import StateError

from ..contract.support import BINARY, CLOSE, PING, PONG, TEXT, Frame, frames

Octets = bytes | bytearray | memoryview


class Wire:
    """Where a writer writes to; ``at_once`` says what it is told when something waits."""

    at_once = False

    def __init__(self, mask: bool = False) -> None:
        self.writer = FrameWriter(mask)
        self.writes: list[bytes] = []
        self.pieces: list[list[bytes]] = []
        self.wakes = 0
        self.writer.connect(self.writes.append, self.write_pieces, self.wake)

    def write_pieces(self, pieces: Sequence[Octets]) -> None:
        self.pieces.append([bytes(piece) for piece in pieces])
        self.writes.append(b"".join(pieces))

    def wake(self, writer: FrameWriter) -> bool:
        assert writer is self.writer
        self.wakes += 1
        return self.at_once

    def frames(self) -> list[Frame]:
        """What left since the last time, the rest flushed; the masks left out."""
        self.writer.flush()
        octets = b"".join(self.writes)
        self.writes.clear()
        assert self.writer.out.size == 0
        return [each._replace(mask=None) for each in frames(octets)]


@pytest.fixture(params=[False, True], ids=["plain", "masked"])
def wire(request: pytest.FixtureRequest) -> Wire:
    return Wire(request.param)


# --- frames ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, LARGE - 1, LARGE, CORK, 200_000])
def test_frames_of_any_size(wire: Wire, size: int) -> None:
    payload = bytes(i % 251 for i in range(size))
    wire.writer.frame(0x82, payload)
    wire.writer.frame(0x01, b"behind")
    assert wire.frames() == [Frame(BINARY, payload), Frame(TEXT, b"behind", fin=False)]
    assert (wire.writer.frames, wire.writer.octets) == (2, size + 6)


def test_text_is_encoded(wire: Wire) -> None:
    wire.writer.frame(0x81, "\u20ac")
    assert wire.frames() == [Frame(TEXT, b"\xe2\x82\xac")]
    assert wire.writer.octets == 3


def test_each_frame_has_a_key_of_its_own() -> None:
    wire = Wire(mask=True)
    for _ in range(20):
        wire.writer.frame(0x82, b"same")
    wire.writer.flush()
    masks = {each.mask for each in frames(b"".join(wire.writes))}
    assert len(masks) > 15
    assert None not in masks


def test_masks_that_are_not_applied() -> None:
    wire = Wire(mask=True)
    wire.writer.apply_mask = False
    wire.writer.frame(0x82, b"as it is")
    wire.writer.begin_frame(0x82, 5)
    wire.writer.frame_data(b"is it")
    wire.writer.flush()
    sent = frames(b"".join(wire.writes), masked_in_clear=True)
    assert [(each.payload, each.mask is None) for each in sent] == [
        (b"as it is", False),
        (b"is it", False),
    ]


def test_what_cannot_be_sent_leaves_nothing_behind(wire: Wire) -> None:
    with pytest.raises((TypeError, UnicodeEncodeError)):
        wire.writer.frame(0x81, "\ud800")
    wire.writer.frame(0x81, b"fine")
    assert wire.frames() == [Frame(TEXT, b"fine")]
    assert wire.writer.frames == 1


@pytest.mark.parametrize("size", [10, LARGE])
def test_frames_that_were_encoded_before(size: int) -> None:
    wire = Wire()
    source = Wire()
    source.writer.frame(0x82, bytes(size))
    source.writer.flush()
    wire.writer.frame(0x81, b"first")
    wire.writer.whole(b"".join(source.writes))
    assert wire.frames() == [Frame(TEXT, b"first"), Frame(BINARY, bytes(size))]


def test_wire_counts_every_octet(wire: Wire) -> None:
    sizes = [3, LARGE, CORK]
    for size in sizes:
        wire.writer.frame(0x82, bytes(size))
    wire.writer.control(PING, b"p")
    wire.writer.raw(b"raw")
    wire.writer.flush()
    assert wire.writer.wire == sum(map(len, wire.writes))


# --- when it leaves ----------------------------------------------------------------------------


def test_what_is_sent_together_travels_together(wire: Wire) -> None:
    wire.writer.frame(0x81, b"one")
    wire.writer.control(PING, b"two")
    wire.writer.frame(0x81, b"three")
    assert wire.writes == []
    assert wire.wakes == 1
    wire.writer.flush()
    assert len(wire.writes) == 1
    wire.writer.flush()
    assert len(wire.writes) == 1
    assert wire.frames() == [Frame(TEXT, b"one"), Frame(PING, b"two"), Frame(TEXT, b"three")]
    wire.writer.frame(0x81, b"four")
    assert wire.wakes == 2


def send_frame(writer: FrameWriter, text: bytes) -> None:
    writer.frame(0x81, text)


def send_whole(writer: FrameWriter, text: bytes) -> None:
    writer.whole(bytes([0x81, len(text)]) + text)


def send_raw(writer: FrameWriter, text: bytes) -> None:
    writer.raw(bytes([0x81, len(text)]) + text)


SENDS = [send_frame, send_whole, send_raw]


@pytest.mark.parametrize("send", SENDS)
def test_it_may_leave_at_once(send: Any) -> None:
    wire = Wire()
    wire.at_once = True
    send(wire.writer, b"one")
    assert len(wire.writes) == 1
    wire.at_once = False
    send(wire.writer, b"two")
    send(wire.writer, b"three")
    assert (len(wire.writes), wire.wakes) == (1, 2)
    assert wire.frames() == [Frame(TEXT, b"one"), Frame(TEXT, b"two"), Frame(TEXT, b"three")]
    assert wire.writer.wire == 5 + 5 + 7


def test_a_cork_needs_no_wake(wire: Wire) -> None:
    wire.writer.corked = True
    wire.writer.frame(0x81, b"one")
    assert (wire.wakes, wire.writes) == (0, [])


@pytest.mark.parametrize("send", SENDS)
@pytest.mark.parametrize("corked", [True, False])
def test_not_more_waits_than_that(send: Any, corked: bool) -> None:
    wire = Wire()
    wire.writer.corked = corked
    for _ in range(2 * (CORK // 102 + 1)):
        send(wire.writer, bytes(100))
        assert wire.writer.out.size < CORK
    assert [len(data) // 102 for data in wire.writes] == [CORK // 102 + 1] * 2


def test_a_large_payload_is_not_copied() -> None:
    wire = Wire()
    payload = bytes(LARGE)
    wire.writer.corked = True
    wire.writer.frame(0x81, b"first")
    wire.writer.frame(0x82, payload)
    assert wire.pieces == [[b"\x81\x05first\x82\x7e\x80\x00", payload]]


def test_writing_from_inside_a_write_keeps_the_order() -> None:
    """A transport may call ``pause_writing`` in the middle of ``write``, and that may send."""
    wire = Wire()

    def write(data: bytes) -> None:
        wire.writes.append(data)
        if len(wire.writes) == 1:
            wire.writer.frame(0x81, b"second")
            wire.writer.flush()

    wire.writer.connect(write, wire.write_pieces, wire.wake)
    wire.writer.frame(0x81, b"first")
    assert wire.frames() == [Frame(TEXT, b"first"), Frame(TEXT, b"second")]


def test_after_release_nothing_leaves(wire: Wire) -> None:
    wire.writer.frame(0x81, b"one")
    wire.writer.release()
    wire.writer.frame(0x82, bytes(LARGE))
    wire.writer.control(CLOSE, b"")
    wire.writer.flush()
    assert wire.writes == []


# --- frames in pieces --------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=300), max_size=5), st.booleans())
def test_a_frame_in_pieces(pieces: list[bytes], mask: bool) -> None:
    wire = Wire(mask)
    whole = b"".join(pieces)
    wire.writer.begin_frame(0x82, len(whole))
    for piece in pieces:
        wire.writer.frame_data(piece)
    assert wire.writer.left == 0
    assert wire.frames() == [Frame(BINARY, whole)]
    assert (wire.writer.frames, wire.writer.octets) == (1, len(whole))


def test_control_frames_wait_for_the_end_of_the_frame(wire: Wire) -> None:
    wire.writer.begin_frame(0x82, 4)
    wire.writer.frame_data(b"ab")
    wire.writer.control(PONG, b"old")
    wire.writer.control(PING, b"p")
    wire.writer.control(PONG, b"new")  # answers both (RFC 6455, section 5.5.3)
    wire.writer.frame_data(b"cd")
    wire.writer.control(PING, b"q")
    assert wire.frames() == [
        Frame(BINARY, b"abcd"),
        Frame(PING, b"p"),
        Frame(PONG, b"new"),
        Frame(PING, b"q"),
    ]


@pytest.mark.parametrize("send", [lambda w: w.frame(0x81, b"x"), lambda w: w.whole(b"\x81\x00")])
def test_no_frame_begins_inside_another(wire: Wire, send: Any) -> None:
    wire.writer.begin_frame(0x82, 4)
    with pytest.raises(StateError, match="not complete"):
        send(wire.writer)
    wire.writer.frame_data(b"abcd")
    assert wire.frames() == [Frame(BINARY, b"abcd")]
