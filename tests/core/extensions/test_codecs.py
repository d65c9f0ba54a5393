"""What holds for every codec alike: any messages, any cut, the limit, and hostile octets."""

from __future__ import annotations

import contextlib
import random
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproto_async.core.extensions.base import PerMessageCompress
from wsproto_async.core.extensions.brotli import PerMessageBrotli
from wsproto_async.core.extensions.bzip2 import PerMessageBzip2
from wsproto_async.core.extensions.deflate import PerMessageDeflate
from wsproto_async.core.extensions.snappy import PerMessageSnappy
from wsproto_async.errors import PayloadCorruptError, PayloadExceededError

Make = Callable[[bool, bool], PerMessageCompress]

CODECS: Final[dict[str, Make]] = {
    "deflate": lambda server, alone: PerMessageDeflate(server, alone, alone, 15, 9, None),
    "bzip2": lambda server, alone: PerMessageBzip2(server, 9, 1),
    "snappy": lambda server, alone: PerMessageSnappy(server, alone, alone),
    "brotli": lambda server, alone: PerMessageBrotli(server, alone, alone),
}
"""Makers of one side: whether it is the server's, and whether messages are compressed alone."""

every_codec = pytest.mark.parametrize("make", CODECS.values(), ids=CODECS)

RANDOM = random.Random(6455)
NOISE = RANDOM.randbytes(70_000)
TEXT = " ".join(RANDOM.choices(["alpha", "beta", "gamma", "delta", "omega"], k=30_000)).encode()


def compress(sender: PerMessageCompress, *pieces: bytes) -> bytes:
    sender.start_compress_message()
    octets = b"".join([sender.compress_message_data(piece) for piece in pieces])
    return octets + sender.end_compress_message()


def inflate(receiver: PerMessageCompress, *pieces: bytes, limit: int | None = None) -> bytes:
    """Inflate a message of which no more than ``limit`` octets may come out."""
    receiver.start_decompress_message()
    octets = b""
    for piece in pieces:
        room = None if limit is None else limit - len(octets)
        octets += receiver.decompress_message_data(piece, room)
    receiver.end_decompress_message()
    return octets


def cut(data: bytes, places: list[float]) -> list[bytes]:
    """``data`` in pieces; the places are parts of its length."""
    marks = sorted({0, len(data), *(int(place * len(data)) for place in places)})
    return [data[begin:end] for begin, end in pairwise(marks)] or [data]


# --- both ways ------------------------------------------------------------------------------------

MESSAGES = st.lists(
    st.one_of(
        st.binary(max_size=300),
        st.builds(lambda a, n: (a * n)[:70_000], st.binary(max_size=20), st.integers(0, 5000)),
        st.sampled_from([b"", TEXT[:5000], NOISE[:5000]]),
    ),
    max_size=5,
)
PLACES = st.lists(st.floats(0, 1), max_size=6)


@every_codec
@given(MESSAGES, PLACES, PLACES, st.booleans(), st.booleans(), st.booleans())
def test_any_messages_cut_anywhere(
    make: Make,
    messages: list[bytes],
    sent: list[float],
    received: list[float],
    alone: bool,
    to_server: bool,
    exact: bool,
) -> None:
    sender, receiver = make(not to_server, alone), make(to_server, alone)
    for message in messages:
        wire = compress(sender, *cut(message, sent))
        assert wire
        limit = len(message) if exact else None
        assert inflate(receiver, *cut(wire, received), limit=limit) == message


@every_codec
@pytest.mark.parametrize("alone", [False, True])
def test_octet_by_octet(make: Make, alone: bool) -> None:
    sender, receiver = make(True, alone), make(False, alone)
    for message in (b"", b"Hello", TEXT[:3000], NOISE[:3000], b""):
        pieces = [bytes([octet]) for octet in compress(sender, message)]
        assert inflate(receiver, *pieces, limit=len(message)) == message


@every_codec
def test_the_two_directions_do_not_disturb_each_other(make: Make) -> None:
    one, other = make(True, False), make(False, False)
    one.start_compress_message()
    begun = one.compress_message_data(TEXT)
    other.start_decompress_message()
    received = other.decompress_message_data(begun)
    assert inflate(one, compress(other, b"other way")) == b"other way"
    received += other.decompress_message_data(one.end_compress_message())
    other.end_decompress_message()
    assert received == TEXT


@every_codec
@pytest.mark.parametrize("alone", [False, True])
def test_a_message_that_is_not_sent_leaves_no_trace(make: Make, alone: bool) -> None:
    sender, receiver = make(True, alone), make(False, alone)
    for unsent in (False, True, True, False):
        if unsent:
            compress(sender, TEXT)
            sender.discard_compress_message()
        assert inflate(receiver, compress(sender, TEXT)) == TEXT


@every_codec
@pytest.mark.parametrize("alone", [False, True])
def test_a_message_compressed_for_all_fits_anywhere(make: Make, alone: bool) -> None:
    senders, receivers = ([make(side, alone) for _ in range(3)] for side in (True, False))
    sharing = senders[0].sharing()
    assert sharing is not None
    for message in (TEXT[:5000], b"", TEXT[:5000]):
        shared = sharing.compress(message)
        for number, (sender, receiver) in enumerate(zip(senders, receivers, strict=True)):
            assert sender.sharing() is sharing
            for _ in range(number):
                assert inflate(receiver, compress(sender, TEXT[:5000])) == TEXT[:5000]
            sender.discard_compress_message()
            assert inflate(receiver, shared) == message
            assert inflate(receiver, compress(sender, TEXT[:5000])) == TEXT[:5000]


# --- the limit ------------------------------------------------------------------------------------


@every_codec
@pytest.mark.parametrize("pieces", [1, 2, 7, 100_000])
@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("limit", [0, 1, 1000, 65_536, 100_000])
def test_around_the_limit(make: Make, limit: int, more: int, pieces: int) -> None:
    if limit + more < 0:
        return
    for content in (bytes(200_000), TEXT, NOISE + NOISE):
        message = content[: limit + more]
        wire = compress(make(True, True), message)
        step = max(1, len(wire) // pieces) if pieces < 100_000 else 997
        parts = [wire[begin : begin + step] for begin in range(0, len(wire), step)]
        receiver = make(False, True)
        if more > 0:
            with pytest.raises(PayloadExceededError):
                inflate(receiver, *parts, limit=limit)
        else:
            assert inflate(receiver, *parts, limit=limit) == message


@every_codec
def test_the_limit_is_for_each_message(make: Make) -> None:
    sender, receiver = make(True, False), make(False, False)
    for _ in range(5):
        assert inflate(receiver, compress(sender, TEXT), limit=len(TEXT)) == TEXT


MIB = 2**20


@every_codec
@pytest.mark.parametrize("size", [1, 1000, 10**9])
def test_a_bomb_takes_no_more_memory_than_the_limit(make: Make, size: int) -> None:
    wire = compress(make(True, True), *[bytes(MIB)] * 32)
    receiver = make(False, True)
    receiver.start_decompress_message()
    tracemalloc.start()
    try:
        with pytest.raises(PayloadExceededError):  # noqa: PT012
            room = MIB
            for begin in range(0, len(wire), size):
                room -= len(receiver.decompress_message_data(wire[begin : begin + size], room))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # What of it there may be, and once more to put it together; bzip2 and Brotli have a block more.
    assert peak < 4 * MIB


@pytest.mark.parametrize("name", ["bzip2", "brotli"])
@pytest.mark.parametrize("behind", [b"", b"nonsense"])
def test_what_fails_lets_go_of_its_memory(name: str, behind: bytes) -> None:
    """These two need megabytes outside of Python's sight, before they look at a limit."""
    receiver: Any = CODECS[name](False, True)
    wire = compress(CODECS[name](True, True), TEXT) + behind
    receiver.start_decompress_message()
    with pytest.raises((PayloadExceededError, PayloadCorruptError)):
        receiver.decompress_message_data(wire, None if behind else 100)
    assert receiver._decompressor is None
    assert inflate(receiver, wire[: -len(behind) or None]) == TEXT
    assert receiver._decompressor is None


# --- hostile octets -------------------------------------------------------------------------------


@every_codec
@given(st.binary(max_size=200), st.integers(0, 3), st.booleans(), st.none() | st.integers(0, 500))
def test_garbage_raises_nothing_else(
    make: Make, octets: bytes, good: int, alone: bool, limit: int | None
) -> None:
    """Behind some messages, or the beginning of one, anything may come."""
    sender, receiver = make(True, alone), make(False, alone)
    for _ in range(good):
        inflate(receiver, compress(sender, b"good"))
    begun = compress(sender, TEXT[:100])[: good * 5]
    with contextlib.suppress(PayloadCorruptError, PayloadExceededError):
        inflate(receiver, begun, octets, limit=limit)


@every_codec
@given(st.data())
def test_a_changed_octet_is_noticed_or_harmless(make: Make, data: st.DataObject) -> None:
    """Whatever comes out, it is an error of ours or no more than the limit."""
    wire = bytearray(compress(make(True, True), TEXT[:2000]))
    place = data.draw(st.integers(0, len(wire) - 1))
    wire[place] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(PayloadCorruptError, PayloadExceededError):
        assert len(inflate(make(False, True), bytes(wire), limit=3000)) <= 3000


@pytest.mark.parametrize(
    ("name", "unnoticed"), [("deflate", 1), ("bzip2", 0), ("snappy", 1), ("brotli", 0)]
)
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("message", [TEXT[:500], NOISE[:500]])
def test_what_is_cut_off_is_noticed(name: str, unnoticed: int, message: bytes, alone: bool) -> None:
    """But for the place between two blocks, or chunks, where another message ends as well."""
    sender = CODECS[name](True, alone)
    before = compress(sender, b"before")
    wire = compress(sender, message)
    shorter = []
    for end in range(1, len(wire)):
        receiver = CODECS[name](False, alone)
        assert inflate(receiver, before) == b"before"
        with contextlib.suppress(PayloadCorruptError):
            shorter.append(inflate(receiver, wire[:end]))
    assert len(shorter) <= unnoticed
    assert all(message.startswith(each) for each in shorter)


@every_codec
@pytest.mark.parametrize("together", [False, True])
def test_octets_behind_the_end_are_noticed(make: Make, together: bool) -> None:
    wire, behind = compress(make(True, True), TEXT[:500]), b"\x7f!"
    with pytest.raises(PayloadCorruptError):
        inflate(make(False, True), *([wire + behind] if together else [wire, behind]))
