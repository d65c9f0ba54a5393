"""permessage-deflate in a connection: frames, limits, and what is between them."""

from __future__ import annotations

import tracemalloc
from itertools import cycle, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import Pair, Recorder
from wsproto_async.core.extensions.deflate import PerMessageDeflate
from wsproto_async.errors import PayloadExceededError, StateError

LIMIT = 1000


def give_codec(side: Recorder, alone: bool = False, limit: int | None = None) -> None:
    codec = PerMessageDeflate(side.connection.is_server, alone, alone, 12, 12, None, limit)
    side.connection.codec = codec
    side.reader.inflater = codec


def pair(sizes: Any = (2**30,), alone: bool = False, **options: Any) -> Pair:
    both = Pair(sizes, **options)
    give_codec(both.client, alone)
    give_codec(both.server, alone)
    return both


def packed(message: bytes) -> bytes:
    """A message as a client's new codec compresses it."""
    codec = PerMessageDeflate(False, True, True, 15, 15, None)
    codec.start_compress_message()
    return codec.compress_message_data(message) + codec.end_compress_message()


MESSAGES = st.lists(
    st.tuples(st.text(max_size=60) | st.sampled_from(["", "é" * 3000]), st.booleans()), max_size=6
)


@given(
    MESSAGES,
    st.lists(st.integers(1, 50), min_size=1, max_size=4),
    st.integers(0, 40),
    st.booleans(),
    st.booleans(),
)
def test_any_messages_in_any_frames_and_reads(
    messages: list[tuple[str, bool]], sizes: list[int], fragment: int, alone: bool, decode: bool
) -> None:
    both = pair(sizes, alone, decode=decode)
    for side in (both.client, both.server):
        for text, compress in messages:
            side.connection.send_with_care(text, False, fragment, compress)
            side.connection.writer.control(9, b"between")
    both.run()
    expected = [text if decode else text.encode() for text, _ in messages]
    for side in (both.client, both.server):
        calls = side.take()
        assert [call[1] for call in calls if call[0] == "message"] == expected
        assert [call for call in calls if call[0] == "ping"] == [("ping", b"between")] * len(
            messages
        )


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_control_frames_between_the_frames_of_a_message(size: int, alone: bool) -> None:
    side = Recorder()
    give_codec(side, alone)
    for message in (b"first" * 20, b"second" * 20):
        wire = packed(message)
        octets = side.frame(1, wire[:1], fin=False, rsv=4)
        octets += side.frame(9, b"ping") + side.frame(0, b"", fin=False) + side.frame(10, b"pong")
        octets += side.frame(0, wire[1:])
        side.receive(*(octets[i : i + size] for i in range(0, len(octets), size)))
        assert side.take() == [("ping", b"ping"), ("pong", b"pong"), ("message", message, False)]


def test_a_message_frame_by_frame_shares_the_stream() -> None:
    both = pair()
    sender, receiver = both.client.connection, both.server
    for _ in range(2):
        sender.begin_message(True, True)
        for piece in (b"", b"abc" * 100, b"def"):
            payload = sender.compress_frame(piece)
            sender.begin_frame(len(payload))
            sender.frame_data(payload)
        sender.end_message()
        sender.send_message(b"abc" * 100, True)
    both.run()
    assert receiver.messages() == [b"abc" * 100 + b"def", b"abc" * 100] * 2


def test_a_frame_where_none_can_begin_leaves_the_stream_alone() -> None:
    both = pair()
    sender = both.client.connection
    sender.begin_message(False, True)
    sender.end_message()
    with pytest.raises(StateError):
        sender.compress_frame(b"lost" * 100)
    sender.send_message(b"lost" * 100, True)
    both.run()
    assert both.server.messages() == [b"", b"lost" * 100]


def test_a_message_that_is_refused_leaves_the_stream_alone() -> None:
    both = pair()
    sender = both.client.connection
    sender.max_send = 100
    noise = bytes(range(256))
    sender.send_message(b"x" * 5000, True)
    with pytest.raises(PayloadExceededError):
        sender.send_message(noise, True)
    sender.send_message(b"x" * 5000, True)
    sender.max_send = 0
    sender.send_message(noise, True)
    both.run()
    assert both.server.messages() == [b"x" * 5000, b"x" * 5000, noise]


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("fragments", [1, 3])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_the_limit_is_for_what_comes_out(more: int, fragments: int, streaming: bool) -> None:
    side = Recorder(streaming=streaming)
    give_codec(side, alone=True)
    side.reader.limit(0, LIMIT)
    message = b"x" * (LIMIT + more)
    wire = packed(message)
    step = -(-len(wire) // fragments)
    for begin in range(0, len(wire), step):
        fin, first = begin + step >= len(wire), begin == 0
        piece = wire[begin : begin + step]
        side.receive(side.frame(2 if first else 0, piece, fin=fin, rsv=4 if first else 0))
    if more <= 0:
        octets = [call[1] for call in side.take("message", "data")]
        assert b"".join(octets) == message
    else:
        calls = side.take("violation", "message")
        reason = f"message of more than {LIMIT} octets exceeds max_message_payload_size={LIMIT}"
        assert calls == [("violation", 1009, reason)]


@given(
    st.sampled_from([-1, 0, 1]),
    st.lists(st.floats(0, 1), max_size=4),
    st.lists(st.integers(1, 400), min_size=1, max_size=4),
    st.sampled_from([b"x", b"ab" * 7, bytes(range(256))]),
    *[st.booleans()] * 4,
)
def test_the_limit_in_all_forms(
    more: int,
    frames: list[float],
    reads: list[int],
    pattern: bytes,
    streaming: bool,
    alone: bool,
    decode: bool,
    fast: bool,
) -> None:
    """Behind a message that just fits, whatever it is cut into."""
    side = Recorder(streaming=streaming, decode=decode)
    sender, receiver = (
        PerMessageDeflate(is_server, alone, alone, 12, 12, 4, codec="zlib-ng" if fast else "zlib")
        for is_server in (False, True)
    )
    side.connection.codec = side.reader.inflater = receiver
    side.reader.limit(0, LIMIT)
    endless = pattern * 2 * LIMIT
    octets = b""
    for size in (LIMIT, LIMIT + more):
        sender.start_compress_message()
        wire = sender.compress_message_data(endless[:size])
        wire += sender.end_compress_message()
        marks = sorted({0, len(wire), *(int(place * len(wire)) for place in frames)})
        for begin, end in pairwise(marks):
            opcode, rsv = (0, 0) if begin else (2, 4)
            octets += side.frame(opcode, wire[begin:end], fin=end == len(wire), rsv=rsv)
    begin = 0
    for size in cycle(reads):
        side.receive(octets[begin : begin + size])
        begin += size
        if begin >= len(octets):
            break
    calls = side.take("message", "data", "violation")
    arrived = b"".join(call[1] for call in calls if call[0] != "violation")
    violations = [call[1] for call in calls if call[0] == "violation"]
    assert violations == ([1009] if more > 0 else [])
    if more <= 0:
        assert arrived == endless[:LIMIT] + endless[: LIMIT + more]
    else:
        assert LIMIT <= len(arrived) <= (2 * LIMIT if streaming else LIMIT)


def test_a_sink_that_cannot_take_more_stops_the_inflating() -> None:
    """Also in the middle of a frame; what is not inflated yet waits as it is."""
    side = Recorder(streaming=True)
    give_codec(side, alone=True)
    taken: list[int] = []

    def take(payload: bytes) -> None:
        taken.append(len(payload))
        side.connection.pause()

    side.frame_data = take  # type: ignore[method-assign]
    message = bytes(20_000_000)
    side.receive(side.frame(2, packed(message), rsv=4) + side.frame(9, b"behind"))
    while side.connection.paused:
        assert side.take("ping") == []
        steps = len(taken)
        side.connection.unpause()
        assert len(taken) <= steps + 1
    assert max(taken) < 600_000
    assert sum(taken) == len(message)
    assert side.take("ping") == [("ping", b"behind")]


def test_the_limit_of_the_codec_says_its_own_number() -> None:
    side = Recorder()
    give_codec(side, limit=LIMIT)
    side.receive(side.frame(2, packed(b"x" * (LIMIT + 1)), rsv=4))
    reason = f"message inflates to more than {LIMIT} octets"
    assert side.take("violation", "message") == [("violation", 1009, reason)]


def test_what_does_not_inflate_is_a_bad_payload() -> None:
    for wire in (b"\xff\xff", packed(b"Hello")[:-2]):
        side = Recorder()
        give_codec(side)
        side.receive(side.frame(2, wire, rsv=4))
        [(_, code, reason)] = side.take("violation", "message")
        assert code == 1007
        assert "inflate" in reason


def test_text_is_checked_as_it_comes_out() -> None:
    side = Recorder()
    give_codec(side)
    wire = packed(b"fine \xff" + b"x" * 1000)
    side.receive(side.frame(1, wire, rsv=4, fin=False))
    assert [call[1] for call in side.take("violation")] == [1007]


def test_a_read_full_of_bombs_is_not_kept() -> None:
    """Each message is handed out before the next one is inflated."""
    side = Recorder()
    give_codec(side, alone=True)
    side.reader.limit(0, 1_000_000)
    sizes: list[int] = []
    side.reader.connect(lambda payload, is_binary: sizes.append(len(payload)), lambda *_: None)
    octets = side.frame(2, packed(bytes(1_000_000)), rsv=4) * 60
    tracemalloc.start()
    try:
        side.receive(octets)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sizes == [1_000_000] * 60
    assert peak < 6_000_000
