"""One side of a connection: sending, closing, failing; and two sides together."""

from __future__ import annotations

import gc
import weakref
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsproto_async.constants import RECEIVABLE_CLOSE_CODES, State
from wsproto_async.core.connection import Connection, truncate
from wsproto_async.errors import Disconnected, PayloadExceededError, StateError

from ..contract.support import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    close_payload,
)
from ..helpers import Boom, Pair, Recorder


class ToyCodec:
    """Doubles every octet; its tail shows that it was asked for one."""

    def start_compress_message(self) -> None:
        self.begun = True

    def compress_message_data(self, data: bytes) -> bytes:
        return b"".join(bytes([octet]) * 2 for octet in data)

    def end_compress_message(self) -> bytes:
        return b"!"

    def start_decompress_message(self) -> None: ...

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        return data

    def end_decompress_message(self) -> None: ...


# --- sending messages --------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"octets", "text", bytearray(b"array"), memoryview(b"view")])
@pytest.mark.parametrize("binary", [False, True])
def test_messages(side: Recorder, payload: Any, binary: bool) -> None:
    octets = payload.encode() if isinstance(payload, str) else bytes(payload)
    side.connection.send_message(payload, binary)
    assert side.sent() == [Frame(BINARY if binary else TEXT, octets)]
    assert side.connection.messages_sent == 1


@pytest.mark.parametrize("size", [5, 6, 11, 12])
@pytest.mark.parametrize("payload", [b"elevenbytes", "elevenbytes"])
def test_messages_are_cut(side: Recorder, size: int, payload: Any) -> None:
    side.connection.fragment = size
    side.connection.send_message(payload, False)
    sent = side.sent()
    assert b"".join(each.payload for each in sent) == b"elevenbytes"
    assert [each.opcode for each in sent] == [TEXT, 0, 0][: len(sent)]
    assert [each.fin for each in sent] == [False] * (len(sent) - 1) + [True]
    assert all(0 < len(each.payload) <= size for each in sent)
    assert side.connection.messages_sent == 1


def test_messages_are_compressed(side: Recorder) -> None:
    side.connection.codec = ToyCodec()
    side.connection.send_message(b"ab", True)
    side.connection.fragment = 3
    side.connection.send_message("ab", False)
    side.connection.send_with_care(b"ab", True, 0, False)
    assert side.sent() == [
        Frame(BINARY, b"aabb!", rsv=4),
        Frame(TEXT, b"aab", rsv=4, fin=False),
        Frame(CONTINUATION, b"b!"),
        Frame(BINARY, b"ab"),
    ]
    assert side.connection.plain_octets_sent == -6
    assert side.connection.writer.octets == 12


@pytest.mark.parametrize("payload", [b"12345", "12345", "\u20ac\u20ac", memoryview(b"12345")])
def test_the_limit_for_what_is_sent(side: Recorder, payload: Any) -> None:
    side.connection.max_send = 4
    with pytest.raises(PayloadExceededError, match="max_message_payload_size=4"):
        side.connection.send_message(payload, True)
    side.connection.send_message(payload[:1], True)
    assert len(side.sent()) == 1
    assert side.connection.messages_sent == 1


@pytest.mark.parametrize("state", [State.CONNECTING, State.CLOSING, State.CLOSED])
def test_messages_need_an_open_connection(side: Recorder, state: State) -> None:
    side.connection.state = int(state)
    with pytest.raises(Disconnected):
        side.connection.send_message(b"x", True)
    with pytest.raises(Disconnected):
        side.connection.send_with_care(b"x", True, 0, True)
    side.assert_exhausted()


# --- sending in pieces -------------------------------------------------------------------------


def test_a_message_in_pieces(side: Recorder) -> None:
    connection = side.connection
    connection.begin_message(True, True)
    connection.begin_frame(4)
    assert connection.frame_data(b"ab") == 2
    assert connection.frame_data(b"cdef") == -2
    connection.begin_frame(0)
    assert connection.frame_data(b"") == 0
    connection.end_message()
    assert side.sent() == [
        Frame(BINARY, b"abcd", fin=False),
        Frame(CONTINUATION, b"", fin=False),
        Frame(CONTINUATION, b""),
    ]
    assert connection.messages_sent == 1


def test_a_compressed_message_in_pieces(side: Recorder) -> None:
    side.connection.codec = ToyCodec()
    side.connection.begin_message(False, True)
    side.connection.begin_frame(1)
    side.connection.frame_data(b"x")
    side.connection.end_message()
    assert side.sent() == [Frame(TEXT, b"x", fin=False, rsv=4), Frame(CONTINUATION, b"!")]


WRONG_ORDER: list[Any] = [
    ([], "begin_frame"),
    ([], "frame_data"),
    ([], "end_message"),
    (["begin_message"], "begin_message"),
    (["begin_message"], "frame_data"),
    (["begin_message", "begin_frame"], "begin_message"),
    (["begin_message", "begin_frame"], "begin_frame"),
    (["begin_message", "begin_frame"], "end_message"),
    (["begin_message", "begin_frame"], "send_message"),
    (["begin_message"], "send_message"),
    (["begin_message", "begin_frame", "frame_data"], "send_message"),
]
ARGUMENTS: dict[str, Any] = {
    "begin_message": (True, False),
    "begin_frame": (2,),
    "frame_data": (b"ab",),
    "end_message": (),
    "send_message": (b"x", True),
}


@pytest.mark.parametrize(("before", "call"), WRONG_ORDER)
def test_pieces_in_the_wrong_order(side: Recorder, before: list[str], call: str) -> None:
    for name in before:
        getattr(side.connection, name)(*ARGUMENTS[name])
    octets = side.connection.writer.out.size
    with pytest.raises(StateError):
        getattr(side.connection, call)(*ARGUMENTS[call])
    assert side.connection.writer.out.size == octets


# --- closing, rule by rule ---------------------------------------------------------------------


def ending(side: Recorder) -> tuple[Any, ...]:
    connection = side.connection
    return (
        connection.state,
        connection.was_clean,
        connection.remote_close_code,
        connection.remote_close_reason,
        connection.not_clean_reason,
    )


def test_we_close(side: Recorder) -> None:
    side.connection.close(1000, b"bye")
    side.connection.close(3000, None)
    assert side.take() == [("expect", "close")]
    assert side.sent() == [Frame(CLOSE, close_payload(1000, "bye"))]
    assert side.connection.state == State.CLOSING
    side.receive(side.frame(TEXT, b"still coming"), side.frame(CLOSE, close_payload(1000)))
    end = ("drop", False) if side.connection.is_server else ("expect", "drop")
    assert side.take() == [
        ("message", b"still coming", False),
        ("close", 1000, None),
        ("relax", "close"),
        end,
    ]
    side.connection.lost()
    assert side.take() == [("closed",)]
    assert ending(side) == (State.CLOSED, True, 1000, None, None)
    side.assert_exhausted()


@pytest.mark.parametrize("echo", [False, True])
def test_the_peer_closes(side: Recorder, echo: bool) -> None:
    side.connection.echo_close = echo
    side.receive(side.frame(CLOSE, close_payload(3001, "bye")) + side.frame(TEXT, b"behind"))
    end = ("drop", False) if side.connection.is_server else ("expect", "drop")
    assert side.take() == [("close", 3001, b"bye"), end]
    reply = close_payload(3001, "bye") if echo else close_payload(1000)
    assert side.sent() == [Frame(CLOSE, reply)]
    side.connection.lost()
    assert side.take() == [("closed",)]
    assert ending(side) == (State.CLOSED, True, 3001, "bye", None)
    side.assert_exhausted()


@pytest.mark.parametrize("echo", [False, True])
def test_a_close_frame_without_a_code(side: Recorder, echo: bool) -> None:
    side.connection.echo_close = echo
    side.receive(side.frame(CLOSE))
    assert side.sent() == [Frame(CLOSE, b"" if echo else close_payload(1000))]
    assert ending(side)[1:4] == (True, None, None)


@pytest.mark.parametrize("code", range(0, 5200, 41))
def test_close_codes(code: int) -> None:
    side = Recorder()
    side.receive(side.frame(CLOSE, close_payload(code)))
    allowed = 3000 <= code < 5000 or code in RECEIVABLE_CLOSE_CODES
    assert side.connection.was_clean == allowed
    assert bool(side.take("violation")) != allowed


@pytest.mark.parametrize("code", [*range(1000, 1016), 999, 2999, 3000, 4999, 5000, 65535])
def test_close_codes_at_the_edges(side: Recorder, code: int) -> None:
    """A forbidden code is answered with 1002, and then counts as 1000."""
    side.receive(side.frame(CLOSE, close_payload(code)))
    allowed = 3000 <= code < 5000 or code in RECEIVABLE_CLOSE_CODES
    [reply] = side.sent()
    assert reply.payload[:2] == close_payload(1000 if allowed else 1002)
    assert ending(side)[1:4] == (True, code if allowed else 1000, None)


@pytest.mark.parametrize("by_drop", [False, True])
def test_a_close_reason_that_is_not_utf8(side: Recorder, by_drop: bool) -> None:
    side.connection.fail_by_drop = by_drop
    side.receive(side.frame(CLOSE, close_payload(1000) + b"\xff"))
    assert ("violation", 1007, "the close reason is not UTF-8") in side.take()
    assert ending(side)[1:4] == ((False, None, None) if by_drop else (True, 1000, None))
    assert [each.payload[:2] for each in side.sent()] == [close_payload(1007)] * (not by_drop)


def test_what_a_close_frame_says_whose_code_drops_the_connection_does_not_count(
    side: Recorder,
) -> None:
    side.connection.fail_by_drop = True
    side.receive(side.frame(CLOSE, close_payload(1005, "reason")))
    assert side.take() == [
        ("close", 1005, b"reason"),
        ("violation", 1002, "close code 1005 must not be sent"),
        ("drop", True),
    ]
    assert ending(side)[:4] == (State.CLOSED, False, None, None)


@pytest.mark.parametrize("by_drop", [False, True])
@pytest.mark.parametrize("payload", [close_payload(1005, "why"), close_payload(1000) + b"\xff"])
def test_a_bad_close_frame_that_nobody_minds_closes_all_the_same(
    side: Recorder, payload: bytes, by_drop: bool
) -> None:
    side.connection.fail_by_drop = by_drop
    side.on_violation = lambda error: None  # type: ignore[method-assign]
    side.receive(side.frame(CLOSE, payload))
    assert side.sent() == [Frame(CLOSE, close_payload(1000))]
    assert ending(side)[1:3] == (True, 1000)


def test_a_close_frame_goes_to_whoever_watches_frames(side: Recorder) -> None:
    watched: list[bytes] = []
    side.connection.send_close = watched.append
    side.connection.close(3000, b"bye")
    assert watched == [close_payload(3000, "bye")]
    assert side.sent() == []


def test_failing_with_a_close_frame(side: Recorder) -> None:
    side.connection.fail(1011, "ours")
    assert side.take() == [("expect", "close")]
    assert side.sent() == [Frame(CLOSE, close_payload(1011, "ours"))]
    side.receive(side.frame(TEXT, b"no more"), side.frame(PING, b"x"))
    assert side.take() == [("ping", b"x")]
    side.receive(side.frame(CLOSE, close_payload(1000)))
    assert ending(side)[1:4] == (True, 1000, None)
    assert side.connection.failed_by_me


def test_a_violation_behind_a_message_whose_taker_ends_the_connection(side: Recorder) -> None:
    def take() -> None:
        side.connection.lost()
        side.connection.release()

    side.connection.on_batch = take
    side.receive(side.frame(TEXT, b"last") + side.frame(3))
    assert side.take() == [("message", b"last", False), ("closed",)]
    assert side.written == b""


def test_what_comes_inside_of_a_hook_behind_the_end_does_not_count(side: Recorder) -> None:
    def end(name: str) -> None:
        if name == "message":
            side.connection.dropped()
            side.receive(side.frame(TEXT, b"more"))

    side.meddle = end
    side.receive(side.frame(TEXT, b"last"))
    assert side.messages() == [b"last"]
    assert side.connection.pending is None


def test_failing_by_drop(side: Recorder) -> None:
    side.connection.fail(1002, "yours", by_drop=True)
    assert side.take() == [("drop", True)]
    side.connection.lost()
    assert side.connection.dropped_by_me
    reason = "I dropped the WebSocket TCP connection: yours"
    assert ending(side) == (State.CLOSED, False, None, None, reason)
    assert side.take() == [("closed",)]
    side.assert_exhausted()


def test_failing_twice(side: Recorder) -> None:
    side.connection.fail(1002, "first")
    side.connection.fail(1007, "second")
    assert side.take() == [("expect", "close"), ("drop", False)]
    assert side.sent() == [Frame(CLOSE, close_payload(1002, "first"))]
    side.connection.fail(1009, "third")
    assert side.take() == []
    assert ending(side)[:2] == (State.CLOSED, False)


@pytest.mark.parametrize("state", [State.CONNECTING, State.PROXY_CONNECTING])
def test_failing_before_it_is_open(side: Recorder, state: State) -> None:
    side.connection.state = int(state)
    side.connection.fail(1002, "why")
    assert side.take() == [("drop", True)]
    assert side.sent() == []
    assert side.connection.not_clean_reason == "I dropped the WebSocket TCP connection: why"


def test_running_out_of_patience(side: Recorder) -> None:
    side.connection.close(1000, None)
    side.connection.timed_out("no reply")
    assert side.take() == [("expect", "close"), ("drop", True)]
    side.connection.timed_out("again")
    side.connection.lost()
    assert side.connection.dropped_by_me
    assert ending(side) == (State.CLOSED, False, None, None, "no reply")
    assert side.take() == [("closed",)]


def test_a_server_that_does_not_drop_tcp_spoils_a_closing_handshake() -> None:
    client = Recorder(is_server=False)
    client.receive(client.frame(CLOSE, close_payload(1000)))
    assert client.connection.was_clean
    client.connection.timed_out("not dropped")
    assert ending(client) == (State.CLOSED, False, 1000, None, "not dropped")


def test_the_peer_goes_without_a_word(side: Recorder) -> None:
    side.receive(side.frame(TEXT, b"half")[:5])
    side.connection.lost()
    side.connection.lost()
    assert side.take() == [("closed",)]
    assert ending(side)[:2] == (State.CLOSED, False)
    assert "peer dropped the TCP connection" in str(side.connection.not_clean_reason)
    side.assert_exhausted()


def test_a_reason_that_was_given_before_stays(side: Recorder) -> None:
    side.connection.not_clean_reason = "given"
    side.connection.lost()
    assert side.connection.not_clean_reason == "given"


def test_nothing_counts_that_is_done_behind_the_end(side: Recorder) -> None:
    connection = side.connection
    connection.lost()
    before = ending(side)
    connection.dropped()
    connection.fail(1002, "too late", by_drop=False)
    connection.fail(1002, "too late", by_drop=True)
    connection.timed_out("too late")
    connection.lost()
    assert ending(side) == before
    assert (connection.dropped_by_me, connection.failed_by_me) == (False, False)
    assert side.take() == [("closed",)]
    side.assert_exhausted()


@pytest.mark.parametrize(
    "state", [State.CONNECTING, State.PROXY_CONNECTING, State.OPEN, State.CLOSING]
)
def test_it_knows_in_which_state_it_ended(side: Recorder, state: State) -> None:
    side.connection.state = int(state)
    side.connection.dropped()
    side.connection.lost()
    assert side.connection.ended_in == state


def test_where_the_state_was_assigned_it_ended_before_it_was_open(side: Recorder) -> None:
    side.connection.state = int(State.CLOSED)
    side.connection.lost()
    assert side.connection.ended_in == State.CONNECTING


def test_dropping(side: Recorder) -> None:
    side.connection.dropped()
    side.connection.dropped()
    side.receive(side.frame(TEXT, b"x"))
    side.connection.lost()
    assert side.take() == [("closed",)]
    assert ending(side) == (State.CLOSED, False, None, None, None)


def test_a_close_frame_waits_for_a_frame_that_is_sent_in_pieces(side: Recorder) -> None:
    side.connection.begin_message(True, False)
    side.connection.begin_frame(4)
    side.connection.frame_data(b"ab")
    side.connection.close(1000, None)
    side.connection.frame_data(b"cd")
    assert side.sent() == [Frame(BINARY, b"abcd", fin=False), Frame(CLOSE, close_payload(1000))]


@pytest.mark.parametrize(
    ("reason", "octets"),
    [
        ("", b""),
        ("a" * 124, b"a" * 123),
        ("a" * 122 + "\u00e4", b"a" * 122),
        ("\U0001f600" * 31, "\U0001f600".encode() * 30),
    ],
)
def test_reasons_are_cut_between_code_points(reason: str, octets: bytes) -> None:
    assert truncate(reason) == octets


# --- what arrives behind the end ---------------------------------------------------------------


def test_what_comes_behind_a_close_frame_is_not_kept(side: Recorder) -> None:
    side.receive(side.frame(CLOSE) + b"rest")
    side.receive(bytes(1000))
    assert side.connection.pending is None
    side.take()
    side.connection.unpause()
    side.receive(side.frame(TEXT, b"no"))
    assert side.take() == []


def test_a_pause_ends_with_the_end(side: Recorder) -> None:
    """Nothing counts any more, but the loop has to notice that the transport is gone."""
    side.connection.pause()
    side.connection.fail(1002, "why", by_drop=True)
    assert side.take() == [("pause",), ("resume",), ("drop", True)]
    side.connection.pause()
    assert side.take() == []


def test_letting_go(side: Recorder) -> None:
    """After release() a connection keeps nobody alive, and asks nobody for anything."""
    connection, alive = side.connection, weakref.ref(side)
    connection.lost()
    connection.release()
    gc.disable()
    try:
        del side
        # pytest holds the fixture; what counts is that the connection does not.
        assert connection.sink is None
    finally:
        gc.enable()
    assert alive() is not None
    connection.receive(b"\x81\x00", 0, 2)
    connection.pause()
    connection.unpause()
    connection.close(1000, None)
    connection.lost()
    assert connection.pending is None


def test_letting_go_ends_a_pause(side: Recorder) -> None:
    side.connection.pause()
    side.connection.release()
    side.connection.unpause()
    side.connection.stop()
    assert side.take() == [("pause",), ("resume",)]


def test_a_pause_does_not_end_where_the_state_was_assigned(side: Recorder) -> None:
    side.connection.pause()
    side.connection.state = int(State.CLOSED)
    side.connection.unpause()
    assert side.take() == [("pause",)]


def test_nobody_hears_of_what_comes_after_letting_go(side: Recorder) -> None:
    side.connection.release()
    side.connection.control(PING, b"1")
    side.receive(side.frame(3), side.frame(PING, b"2"))
    assert side.take() == []
    assert side.sent() == []


def test_what_is_left_to_do_is_not_done_when_it_has_been_let_go(side: Recorder) -> None:
    def resume_reading() -> None:
        side.connection.lost()
        side.connection.release()

    side.resume_reading = resume_reading  # type: ignore[method-assign]
    side.connection.pause()
    side.connection.fail(1002, "why", by_drop=True)
    assert side.take() == [("pause",), ("closed",)]


@pytest.mark.parametrize("releasing", [False, True])
def test_the_end_is_told_once_even_inside_of_itself(side: Recorder, releasing: bool) -> None:
    def resume_reading() -> None:
        side.connection.lost()
        if releasing:
            side.connection.release()

    side.resume_reading = resume_reading  # type: ignore[method-assign]
    side.connection.pause()
    side.connection.lost()
    assert side.take("closed") == [("closed",)]


def test_what_a_hook_brings_while_octets_land_comes_behind_them(side: Recorder) -> None:
    def bring(name: str) -> None:
        side.meddle = lambda name: None
        side.receive(side.frame(BINARY, b"behind"))

    side.meddle = bring
    octets = side.frame(BINARY, bytes(50_000))
    side.receive(octets[:1000])
    side.land(octets[1000:])
    assert [len(message) for message in side.messages()] == [50_000, 6]


def test_nothing_holds_a_released_connection() -> None:
    gc.collect()
    gc.disable()
    try:
        side = Recorder()
        gone = weakref.ref(side)
        side.receive(side.frame(TEXT, b"half", fin=False))
        connection = side.connection
        connection.on_batch = side.assert_exhausted
        connection.send_close = side.write
        connection.lost()
        connection.release()
        side.reader = None  # type: ignore[assignment]
        del side
        assert gone() is None
        del connection
    finally:
        gc.enable()


# --- walks -------------------------------------------------------------------------------------


def walk(rng: Random, side: Recorder) -> None:
    """Whatever may happen to a connection, in any order."""
    connection = side.connection
    steps: list[Any] = [
        lambda: connection.close(rng.choice((None, 1000, 3000)), None),
        lambda: connection.fail(1011, "ours"),
        lambda: connection.fail(1011, "ours", rng.choice((False, True))),
        lambda: connection.timed_out("too late"),
        lambda: connection.dropped(),
        lambda: connection.lost(),
        lambda: connection.pause(),
        lambda: connection.unpause(),
        lambda: connection.writer.flush(),
        lambda: side.receive(side.frame(CLOSE, rng.choice((b"", close_payload(1001))))),
        lambda: side.receive(side.frame(CLOSE, close_payload(rng.randrange(6000)))),
        lambda: side.receive(side.frame(TEXT, rng.choice((b"", b"text", b"\xff")))),
        lambda: side.receive(side.frame(rng.choice((PING, PONG, 3)), b"p")),
        lambda: side.receive(side.frame(TEXT, b"x", fin=False)),
        lambda: connection.state != State.OPEN or connection.send_message(b"hello", True),  # type: ignore[func-returns-value]
    ]
    for _ in range(rng.randrange(1, 14)):
        rng.choice(steps)()


@given(st.integers(0, 2**32))
@settings(max_examples=300)
def test_it_always_ends_well(seed: int) -> None:
    rng = Random(seed)
    side = Recorder(rng.random() < 0.5)
    side.connection.fail_by_drop = rng.random() < 0.3
    side.connection.echo_close = rng.random() < 0.5
    if rng.random() < 0.2:
        side.meddle = lambda name: walk(rng, side) if rng.random() < 0.1 else None
    walk(rng, side)
    if side.connection.state not in (State.OPEN, State.CLOSED):
        assert set(side.calls) & {("expect", "close"), ("expect", "drop")}, "nobody would end it"
    side.connection.lost()
    walk(rng, side)
    calls = [call[0] for call in side.take()]
    assert calls.count("closed") == 1
    assert calls.count("drop") <= 1
    assert not {"message", "ping", "pong"}.intersection(calls[calls.index("closed") :])
    sent = side.sent()
    closes = [i for i, each in enumerate(sent) if each.opcode == CLOSE]
    assert closes in ([], [len(sent) - 1]), "something was written behind a close frame"
    assert side.connection.state == State.CLOSED
    assert side.connection.pending is None
    side.connection.release()
    assert side.connection.writer.out.size == 0


@given(st.integers(0, 2**32), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_two_sides(seed: int, sizes: list[int]) -> None:
    """What one side sends is what the other gets, however it is cut; then both end clean."""
    rng = Random(seed)
    pair = Pair(sizes)
    sent: dict[Recorder, list[bytes]] = {pair.client: [], pair.server: []}
    for side in (pair.client, pair.server):
        side.connection.fragment = rng.choice((0, 1, 10))
    for _ in range(rng.randrange(10)):
        side = rng.choice((pair.client, pair.server))
        payload = rng.randbytes(rng.choice((0, 3, 200)))
        if rng.random() < 0.3:
            side.connection.writer.control(PING, payload[:50])
        else:
            side.connection.send_message(payload, True)
            sent[side].append(payload)
        if rng.random() < 0.5:
            pair.run()
    closing = rng.choice((pair.client, pair.server))
    closing.connection.close(1000, b"done")
    if rng.random() < 0.3:
        pair.server.connection.close(1000, None)
    pair.run()
    for side, peer in ((pair.client, pair.server), (pair.server, pair.client)):
        side.connection.lost()
        assert [call[1] for call in side.calls if call[0] == "message"] == sent[peer]
        assert ending(side)[:2] == (State.CLOSED, True)
        assert not [call for call in side.calls if call[0] == "violation"]


def test_a_new_connection_is_connecting() -> None:
    side = Recorder()
    assert Connection(True, side).state == State.CONNECTING
    assert Connection(False, side).writer.mask


# --- turns -------------------------------------------------------------------------------------


@pytest.mark.parametrize("portion", [1, 2, 3])
def test_what_is_above_the_credit_waits(side: Recorder, portion: int) -> None:
    side.reader.credit = portion
    side.receive(b"".join(side.frame(TEXT, bytes([i])) for i in range(3)))
    got = []
    while side.connection.paused:
        assert side.take("message", "give way")[-1] == ("give way",)
        got.append(int(side.reader.messages))
        side.reader.credit = portion
        side.connection.unpause()
    assert got == list(range(portion, 3, portion))
    assert side.reader.messages == 3


def test_a_slot_that_raises_has_used_its_credit(side: Recorder) -> None:
    def fail(name: str) -> None:
        raise Boom

    side.meddle = fail
    side.reader.credit = 2
    for left in (1, 0):
        with pytest.raises(Boom):
            side.receive(side.frame(TEXT))
        assert side.reader.credit == left
    side.receive(side.frame(TEXT))
    assert side.take("message", "give way")[-1] == ("give way",)


def test_nobody_gives_way_where_there_is_nothing_to_work_off(side: Recorder) -> None:
    side.reader.credit = 1
    side.receive(side.frame(TEXT, length=10))  # the rest of it is still to come
    assert side.take() == []


def test_nobody_gives_way_behind_the_end(side: Recorder) -> None:
    side.reader.credit = 1
    side.receive(side.frame(CLOSE))
    assert not side.connection.paused
    assert side.take("message", "pause") == []
