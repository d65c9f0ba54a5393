"""The codec of permessage-deflate, against itself, against zlib, and against hostile octets."""

from __future__ import annotations

import random
import sys
import tracemalloc
import zlib
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproto_async.core.extensions.deflate import PerMessageDeflate
from wsproto_async.core.extensions.deflate_negotiation import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)
from wsproto_async.core.extensions.zlibs import IDLE, TAIL, deflating, library
from wsproto_async.errors import OptionError, PayloadCorruptError, PayloadExceededError

# An empty message, RFC 7692, section 7.2.3.6, and those of the other sections, which say "Hello".
EMPTY = b"\x00"
HELLO = bytes.fromhex("f248cdc9c90700")
HELLO_AGAIN = bytes.fromhex("f200110000")
HELLO_STORED = bytes.fromhex("000500faff48656c6c6f00")
HELLO_FINAL = bytes.fromhex("f348cdc9c9070000")
HELLO_TWO_BLOCKS = bytes.fromhex("f248050000 00ffff cac9c90700")

RANDOM = random.Random(7692)
NOISE = RANDOM.randbytes(5000)
TEXT = " ".join(RANDOM.choices(["alpha", "beta", "gamma", "delta", "omega"], k=3000)).encode()


CODECS = ["zlib", "zlib-ng"]


def codec(
    *,
    is_server: bool = True,
    alone: bool = False,
    bits: int = 15,
    limit: int | None = None,
    **more: Any,
) -> PerMessageDeflate:
    """One side where both directions are alike."""
    return PerMessageDeflate(is_server, alone, alone, bits, bits, None, limit, **more)


def compress(sender: PerMessageDeflate, *pieces: bytes) -> bytes:
    sender.start_compress_message()
    octets = b"".join([sender.compress_message_data(piece) for piece in pieces])
    return octets + sender.end_compress_message()


def inflate(receiver: PerMessageDeflate, *pieces: bytes, limit: int | None = None) -> bytes:
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
        st.sampled_from([b"", TEXT, NOISE, TEXT + NOISE]),
    ),
    max_size=6,
)
PLACES = st.lists(st.floats(0, 1), max_size=6)


@given(
    MESSAGES,
    PLACES,
    PLACES,
    st.booleans(),
    st.booleans(),
    st.integers(8, 15),
    st.integers(1, 9),
    st.booleans(),
    st.none() | st.integers(1, 9),
    st.tuples(st.sampled_from(CODECS), st.sampled_from(CODECS)),
)
def test_any_messages_cut_anywhere(
    messages: list[bytes],
    sent: list[float],
    received: list[float],
    alone: bool,
    to_server: bool,
    bits: int,
    mem_level: int,
    exact: bool,
    level: int | None,
    codecs: tuple[str, str],
) -> None:
    settings = (alone, alone, bits, bits, mem_level)
    sender = PerMessageDeflate(not to_server, *settings, level=level, codec=codecs[0])
    receiver = PerMessageDeflate(to_server, *settings, codec=codecs[1])
    for message in messages:
        wire = compress(sender, *cut(message, sent))
        assert wire
        limit = len(message) if exact else None
        assert inflate(receiver, *cut(wire, received), limit=limit) == message


@pytest.mark.parametrize("to_server", [False, True])
def test_each_direction_has_its_own_parameters(to_server: bool) -> None:
    """The server keeps what it sent, with a window of 15 bits, the client neither."""
    server, client = (PerMessageDeflate(side, False, True, 15, 9, None) for side in (True, False))
    sender, receiver = (client, server) if to_server else (server, client)
    message = NOISE[:1000]
    sizes = []
    for _ in range(3):
        wire = compress(sender, message)
        assert inflate(receiver, wire) == message
        sizes.append(len(wire))
    assert (sizes[1] > 1000) is to_server
    # Twice the same 1000 octets within a message: a window of 9 bits does not reach that far.
    assert (len(compress(sender, message, message)) > 2000) is to_server


def test_the_two_directions_do_not_disturb_each_other() -> None:
    one, other = codec(is_server=True), codec(is_server=False)
    one.start_compress_message()
    begun = one.compress_message_data(TEXT)
    other.start_decompress_message()
    received = other.decompress_message_data(begun)
    assert inflate(one, compress(other, b"other way")) == b"other way"
    received += other.decompress_message_data(one.end_compress_message())
    other.end_decompress_message()
    assert received == TEXT


def test_empty_messages_take_one_octet() -> None:
    for alone in (False, True):
        sender, receiver = codec(alone=alone), codec(is_server=False, alone=alone)
        for message in (b"", b"", b"a", b""):
            wire = compress(sender, message) if message else compress(sender)
            assert (wire == EMPTY) is (not message)
            assert inflate(receiver, wire) == message


def test_what_is_sent_is_what_the_rfc_shows() -> None:
    sender = codec()
    assert compress(sender, b"Hello") == HELLO
    assert compress(sender, b"Hello") == HELLO_AGAIN
    assert compress(codec(alone=True), b"Hello") == HELLO


@pytest.mark.parametrize("library", CODECS)
def test_compressors_are_lent_and_tell_nothing_of_what_they_compressed(library: str) -> None:
    """Else one peer could find out what another was sent."""
    way = deflating(library, None, 15, 7)
    one, other = (PerMessageDeflate(True, True, True, 15, 15, 7, codec=library) for _ in range(2))
    secret, public = (bytes(RANDOM.choices(b"0123456789abcdef", k=400)) for _ in range(2))
    first = compress(one, secret)
    for message in (secret, public, b"", secret[:5], secret):
        wire = compress(other, message)
        assert inflate(codec(is_server=False, alone=True), wire) == message
    assert wire == first
    assert len(way._idle) == 1


def test_compressors_that_wait_are_few() -> None:
    way = deflating("zlib", None, 9, 1)
    senders = [PerMessageDeflate(True, True, True, 9, 9, 1) for _ in range(3 * IDLE)]
    for sender in senders:
        sender.start_compress_message()
    begun = [sender.compress_message_data(TEXT[:100]) for sender in senders]
    for sender, octets in zip(senders, begun, strict=True):
        wire = octets + sender.end_compress_message()
        assert inflate(codec(is_server=False, bits=9), wire) == TEXT[:100]
    assert len(way._idle) == IDLE


@pytest.mark.parametrize("name", ["zlib2", ""])
def test_a_library_that_is_none(name: str) -> None:
    with pytest.raises(OptionError, match="codec must be 'zlib' or 'zlib-ng'"):
        library(name)


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zlib_ng", None)
    library.cache_clear()
    with pytest.raises(OptionError, match=r"pip install wsproto-async\[fast\]"):
        PerMessageDeflateOfferAccept(Offer(), codec="zlib-ng")
    monkeypatch.undo()
    assert library("zlib-ng").level == 1


@pytest.mark.parametrize("bits", range(8, 16))
@pytest.mark.parametrize("library", CODECS)
@pytest.mark.parametrize("level", [1, 2, 3, 6, 9])
def test_a_window_is_not_exceeded(bits: int, library: str, level: int) -> None:
    """Taken octet by octet, zlib's inflater has nothing but the window to refer to."""
    message = bytes(RANDOM.choices(b"abc", k=40_000)) + NOISE * 9
    wire = compress(codec(bits=bits, codec=library, level=level), message)
    inflater = zlib.decompressobj(wbits=-bits)
    octets, rest = bytearray(), wire + TAIL
    while piece := inflater.decompress(rest, 1):
        octets += piece
        rest = inflater.unconsumed_tail
    assert octets == message


def test_a_message_that_is_not_sent_leaves_no_trace() -> None:
    sender, receiver = codec(), codec(is_server=False)
    assert inflate(receiver, compress(sender, b"first")) == b"first"
    compress(sender, TEXT)
    sender.discard_compress_message()
    for message in (TEXT, b"first", TEXT):
        assert inflate(receiver, compress(sender, message)) == message


# --- what other senders do ------------------------------------------------------------------------


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(
    "message", [HELLO, HELLO_STORED, HELLO_FINAL, HELLO_TWO_BLOCKS, HELLO_FINAL[:-1]]
)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("library", CODECS)
def test_hello_in_all_forms(message: bytes, alone: bool, size: int, library: str) -> None:
    """Each is read from any piece, and the next message behind it is not disturbed."""
    receiver = codec(alone=alone, codec=library)
    for wire in (message, HELLO_STORED, message, HELLO, message):
        pieces = [wire[i : i + size] for i in range(0, len(wire), size)]
        assert inflate(receiver, *pieces, limit=5) == b"Hello"
    assert inflate(receiver, EMPTY) == b""


def test_a_message_may_refer_to_the_one_before() -> None:
    receiver = codec()
    assert inflate(receiver, HELLO) == b"Hello"
    assert inflate(receiver, HELLO_AGAIN) == b"Hello"
    with pytest.raises(PayloadCorruptError):
        inflate(codec(alone=True), HELLO_AGAIN)


def test_a_stream_that_ends_in_the_middle_of_a_message_is_followed_by_another() -> None:
    receiver = codec()
    final = HELLO_FINAL[:-1]
    assert inflate(receiver, HELLO[:-1] + b"\x00" + TAIL + final + final + HELLO) == b"Hello" * 4
    assert inflate(receiver, HELLO_AGAIN) == b"Hello"


def test_a_compressed_message_without_octets_is_empty() -> None:
    """What comes of taking four octets off an empty flush."""
    receiver = codec()
    for wire in (b"", HELLO, b"", HELLO_AGAIN, b""):
        assert inflate(receiver, wire) == (b"Hello" if wire else b"")


# --- hostile octets -------------------------------------------------------------------------------


@given(
    st.binary(min_size=1, max_size=200),
    PLACES,
    st.none() | st.integers(0, 300),
    st.sampled_from(CODECS),
)
def test_garbage_raises_nothing_else(
    garbage: bytes, places: list[float], limit: int | None, library: str
) -> None:
    try:
        octets = inflate(codec(codec=library), *cut(garbage, places), limit=limit)
    except (PayloadCorruptError, PayloadExceededError):
        return
    assert limit is None or len(octets) <= limit


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(
    ("wire", "good"),
    [
        (compress(codec(), TEXT[:2000]), []),
        (compress(codec(), b"\x00" * 500), []),
        (HELLO, []),
        # These begin like an empty message ...
        (compress(codec(), NOISE[:300]), [1]),
        (HELLO_STORED, [1]),
        # ... and here it is a whole stream, or one between two of its blocks.
        (HELLO_FINAL, [7]),
        (HELLO_TWO_BLOCKS, [4]),
    ],
)
@pytest.mark.parametrize("library", CODECS)
def test_what_is_cut_off_is_noticed(
    wire: bytes, good: list[int], alone: bool, library: str
) -> None:
    whole = inflate(codec(), wire)
    complete = []
    for size in range(1, len(wire)):
        receiver = codec(alone=alone, codec=library)
        receiver.start_decompress_message()
        octets = receiver.decompress_message_data(wire[:size])
        assert whole.startswith(octets)
        try:
            receiver.end_decompress_message()
        except PayloadCorruptError:
            continue
        complete.append(size)
    assert complete == good


@pytest.mark.parametrize("tail", [TAIL, b"\x01", b"\xff", b"\x00\x00"])
def test_octets_behind_the_end_are_noticed(tail: bytes) -> None:
    receiver = codec()
    if tail == TAIL:  # the sender has left on what it should have taken off: still one block more
        assert inflate(receiver, HELLO + tail + EMPTY) == b"Hello"
        return
    with pytest.raises(PayloadCorruptError):
        inflate(receiver, HELLO + tail)


@pytest.mark.parametrize(
    ("size", "limit"), [*product((1, 1000, 70_000), (-1, 0, 1)), (0, 0), (5, -5)]
)
@pytest.mark.parametrize("pieces", [1, 2, 1000])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("library", CODECS)
def test_around_the_limit(size: int, limit: int, pieces: int, own: bool, library: str) -> None:
    """``limit`` is how far it is away from the size."""
    wire = compress(codec(is_server=False), b"x" * size)
    step = -(-len(wire) // pieces)
    parts = [wire[i : i + step] for i in range(0, len(wire), step)]
    if own and size + limit == 0:
        return  # 0 is no limit there
    receiver = codec(limit=size + limit if own else None, codec=library)

    def attempt() -> bytes:
        return inflate(receiver, *parts, limit=None if own else size + limit)

    if limit >= 0:
        assert attempt() == b"x" * size
        assert inflate(receiver, compress(codec(is_server=False), b"x")) == b"x"
    else:
        with pytest.raises(PayloadExceededError, match=f"more than {size + limit} octets"):
            attempt()


def test_the_smaller_limit_counts() -> None:
    wire = compress(codec(is_server=False), b"x" * 100)
    for own, limit in ((100, 99), (99, 100), (99, None)):
        with pytest.raises(PayloadExceededError, match="99"):
            inflate(codec(limit=own), wire, limit=limit)


def test_the_limit_is_for_each_message() -> None:
    sender, receiver = codec(is_server=False), codec(limit=100)
    for _ in range(5):
        assert inflate(receiver, compress(sender, b"x" * 100)) == b"x" * 100


def peak(function: Any) -> int:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("pieces", [1, 100])
@pytest.mark.parametrize("library", CODECS)
def test_a_bomb_takes_no_more_memory_than_the_limit(pieces: int, library: str) -> None:
    wire = compress(PerMessageDeflate(False, False, False, 15, 15, 8, level=9), bytes(100_000_000))
    assert len(wire) < 100_000
    step = len(wire) // pieces
    parts = [wire[i : i + step] for i in range(0, len(wire), step)]
    receiver = codec(codec=library)

    def explode() -> None:
        with pytest.raises(PayloadExceededError):
            inflate(receiver, *parts, limit=1_000_000)

    assert peak(explode) < 4_000_000


def test_streams_that_end_all_the_time_take_no_more_memory_either() -> None:
    receiver = codec()
    assert inflate(receiver, b"\x03\x00" * 30_000) == b""
    assert peak(lambda: inflate(receiver, b"\x03\x00" * 30_000, limit=0)) < 1_000_000


# --- what it is made from -------------------------------------------------------------------------

Offer = PerMessageDeflateOffer
DEMANDING = Offer(request_no_context_takeover=True, request_max_window_bits=10)
BARE = PerMessageDeflateResponse(0, False, 0, False)
STRICT = PerMessageDeflateResponse(11, True, 12, True)


@pytest.mark.parametrize(
    ("accept", "fields"),
    [
        # server_no, client_no, server_bits, client_bits, mem_level, max_message_size
        (PerMessageDeflateOfferAccept(Offer()), (False, False, 15, 15, 8, None)),
        (PerMessageDeflateOfferAccept(DEMANDING), (True, False, 10, 15, 8, None)),
        (
            PerMessageDeflateOfferAccept(DEMANDING, True, 9, True, 8, 1, 5),
            (True, True, 8, 9, 1, 5),
        ),
        (
            PerMessageDeflateOfferAccept(Offer(), no_context_takeover=True, window_bits=12),
            (True, False, 12, 15, 8, None),
        ),
        (
            PerMessageDeflateOfferAccept(Offer(max_window_bits=10), request_max_window_bits=12),
            (False, False, 15, 10, 8, None),
        ),
        (PerMessageDeflateResponseAccept(BARE), (False, False, 15, 15, 8, None)),
        (PerMessageDeflateResponseAccept(STRICT), (True, True, 12, 11, 8, None)),
        (
            PerMessageDeflateResponseAccept(BARE, True, 9, 2, 6),
            (False, True, 15, 9, 2, 6),
        ),
    ],
)
@pytest.mark.parametrize("is_server", [False, True])
def test_the_parameters_of_a_codec(accept: Any, fields: tuple[Any, ...], is_server: bool) -> None:
    wrong: Any
    if isinstance(accept, PerMessageDeflateOfferAccept):
        made = PerMessageDeflate.create_from_offer_accept(is_server, accept)
        wrong = PerMessageDeflate.create_from_response_accept
    else:
        made = PerMessageDeflate.create_from_response_accept(is_server, accept)
        wrong = PerMessageDeflate.create_from_offer_accept
    names = (
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits",
        "client_max_window_bits",
        "mem_level",
        "max_message_size",
    )
    assert tuple(getattr(made, name) for name in names) == fields
    values = {"is_server": is_server, **dict(zip(names[:-1], fields[:-1], strict=True))}
    assert made.__json__() == {"extension": "permessage-deflate", **values}
    shown = ", ".join(f"{name} = {value}" for name, value in values.items())
    assert repr(made) == f"PerMessageDeflate({shown})"
    with pytest.raises(OptionError, match="accept must be"):
        wrong(is_server, accept)


def test_what_is_left_open_is_kept_small() -> None:
    """Autobahn's 15 and 8 are what an object says, and the most that it may use."""
    small = deflating("zlib", None, 12, 4)
    made = PerMessageDeflate.create_from_offer_accept(True, PerMessageDeflateOfferAccept(Offer()))
    assert made.sharing() is small
    asked = PerMessageDeflateOfferAccept(Offer(), window_bits=15, mem_level=8)
    made = PerMessageDeflate.create_from_offer_accept(True, asked)
    assert made.sharing() is deflating("zlib", None, 15, 8)
    narrow = PerMessageDeflateOfferAccept(Offer(request_max_window_bits=9))
    made = PerMessageDeflate.create_from_offer_accept(True, narrow)
    assert made.sharing() is deflating("zlib", None, 9, 4)


def test_zlib_is_asked_only_when_something_is_compressed() -> None:
    """An idle connection must not pay: zlib takes 256 KiB for one side of it."""
    idle = peak(lambda: [codec() for _ in range(10)])
    assert idle < 10_000
