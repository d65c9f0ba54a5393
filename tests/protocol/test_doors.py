"""The loop's side of reading: one buffer for all, and whatever may happen to it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproto_async import WebSocketServerFactory, WebSocketServerProtocol
from wsproto_async._native.kernels import READ_SIZE
from wsproto_async.core import reader as reader_module
from wsproto_async.errors import Disconnected
from wsproto_async.protocol.doors import MOST_PENDING, Turn, turn_of

from ..contract.support import (
    BINARY,
    MASK,
    PING,
    PONG,
    TEXT,
    Frame,
    Lab,
    MemoryTransport,
    Server,
    Side,
    connect,
    frame,
    frames,
    open_server,
    request,
    server_factory,
)
from ..core.streams import a_stream, cut
from ..helpers import LOOPS, Boom


def read(protocol: Any, octets: bytes) -> int:
    """Bring octets as a loop does; returns how many reads that took."""
    reads = 0
    while octets:
        view = protocol.get_buffer(-1)
        size = min(len(view), len(octets))
        assert size > 0, "an empty buffer"
        view[:size] = octets[:size]
        octets = octets[size:]
        del view
        protocol.buffer_updated(size)
        reads += 1
    return reads


# --- both faces --------------------------------------------------------------------------------


@given(st.integers(0, 2**32), st.booleans())
def test_both_faces_are_the_same(seed: int, landing: bool) -> None:
    rng = Random(seed)
    pieces = cut(rng, a_stream(rng, True, False))
    by_drop = rng.random() < 0.5
    results = []
    before = reader_module.LANDING
    reader_module.LANDING = 8 if landing else before
    lab = Lab()
    try:
        for face in (lambda p, data: p.data_received(data), read):
            side = open_server(lab, failByDrop=by_drop, maxMessagePayloadSize=5000)
            for piece in pieces:
                face(side.protocol, piece)
            side.lose()
            stats = side.protocol.trafficStats
            counts = (stats.incomingWebSocketFrames, stats.incomingWebSocketMessages)
            results.append((side.protocol.notes, frames(side.sent()), counts))
    finally:
        reader_module.LANDING = before
        lab.close()
    assert results[0] == results[1]


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_data_may_be_anything_like_bytes(lab: Lab, kind: Any) -> None:
    side = open_server(lab)
    side.protocol.data_received(kind(side.frame(TEXT, b"x")))
    assert side.protocol.noted("message") == [(b"x", False)]


def test_what_a_hook_does_to_the_data_does_not_matter(lab: Lab) -> None:
    class Spoiling(Server):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            super().onMessage(payload, isBinary)
            data.clear()

    side: Side[Any] = open_server(lab, Spoiling)
    data = bytearray(side.frame(TEXT, b"1") + side.frame(TEXT, b"2"))
    side.protocol.data_received(data)
    assert side.protocol.noted("message") == [(b"1", False), (b"2", False)]


def test_before_there_is_a_connection() -> None:
    protocol = WebSocketServerProtocol()
    with pytest.raises(Disconnected):
        protocol.get_buffer(-1)
    with pytest.raises(Disconnected):
        protocol.data_received(b"x")
    protocol.buffer_updated(0)


def test_the_handshake_may_come_by_the_buffer(lab: Lab) -> None:
    side = open_server(lab)
    other: Side[Any] = open_server(lab)
    octets = request() + side.frame(TEXT, b"early")
    protocol = type(other.protocol)()
    protocol.factory = other.protocol.factory
    side.transport.protocol = protocol
    protocol.connection_made(side.transport)
    for i in range(len(octets)):
        read(protocol, octets[i : i + 1])
    assert protocol.noted("message") == [(b"early", False)]


# --- the common buffer -------------------------------------------------------------------------


def test_connections_of_a_loop_share_a_buffer(lab: Lab) -> None:
    one, two = open_server(lab), open_server(lab)
    assert one.protocol._turn is two.protocol._turn
    octets = one.frame(TEXT, b"message")
    for i in range(0, len(octets), 3):  # and do not get into each other's way
        read(one.protocol, octets[i : i + 3])
        read(two.protocol, octets[i : i + 3])
    for side in (one, two):
        assert side.protocol.noted("message") == [(b"message", False)]


def test_loops_and_threads_do_not_share_it(lab: Lab) -> None:
    turns: list[Turn] = [turn_of(lab)]
    assert turn_of(lab) is turns[0]
    thread = threading.Thread(target=lambda: turns.append(turn_of(lab)))
    thread.start()
    thread.join()
    other = Lab()
    turns.append(turn_of(other))
    other.close()
    assert len(set(map(id, turns))) == 3
    assert turn_of(lab) not in turns[1:]


class Relay(Server):
    """Brings each message on to another connection, from inside the hook."""

    to: Any = None
    octets = b""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        super().onMessage(payload, isBinary)
        if self.to is not None:
            read(self.to, self.octets)


def test_reading_inside_of_a_hook(lab: Lab) -> None:
    """Another connection reads while the buffer is being worked off: it must not be overwritten."""
    outer, inner = open_server(lab, Relay), open_server(lab)
    outer.protocol.to = inner.protocol
    outer.protocol.octets = b"".join(inner.frame(TEXT, b"i" * 50) for _ in range(3))[:-5]
    read(outer.protocol, b"".join(outer.frame(TEXT, bytes([97 + i]) * 20) for i in range(5)))
    assert outer.protocol.noted("message") == [(bytes([97 + i]) * 20, False) for i in range(5)]
    assert inner.protocol.noted("message")[:2] == [(b"i" * 50, False)] * 2


def test_reading_the_same_connection_inside_of_its_hook(lab: Lab) -> None:
    side = open_server(lab, Relay)
    relay = side.protocol
    inner = iter([side.frame(TEXT, b"inner"), b""])
    relay.to, relay.octets = relay, next(inner)

    def once(payload: bytes, isBinary: bool) -> None:
        octets, relay.octets = relay.octets, b""
        relay.note("message", payload)
        read(relay, octets)

    relay.onMessage = once
    relay._options_changed()
    read(relay, side.frame(TEXT, b"one") + side.frame(TEXT, b"two"))
    assert relay.noted("message") == [(b"one",), (b"two",), (b"inner",)]


def test_a_loop_that_fills_buffers_later_gives_each_its_own(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "_proactor", object(), raising=False)
    turn = Turn(lab)
    assert not turn.shared
    one, two = open_server(lab), open_server(lab)
    one.protocol._turn = two.protocol._turn = turn
    views = [side.protocol.get_buffer(-1) for side in (one, two)]
    octets = [side.frame(TEXT, text) for side, text in ((one, b"one"), (two, b"two"))]
    for view, data in zip(views, octets, strict=True):
        view[: len(data)] = data
    for side, data in zip((one, two), octets, strict=True):
        side.protocol.buffer_updated(len(data))
    assert one.protocol.noted("message") == [(b"one", False)]
    assert two.protocol.noted("message") == [(b"two", False)]
    one.feed(one.frame(BINARY, bytes(50_000))[:1000])
    view = one.protocol.get_buffer(-1)
    assert len(view) == READ_SIZE  # no strip: it would have to stay valid for too long


def test_what_is_pending_is_never_too_much_for_the_buffer(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.pauseReceiving()
    messages = [bytes([i]) * 1000 for i in range(200)] * 3
    octets = b"".join(side.frame(BINARY, message) for message in messages)
    assert len(octets) > 2 * READ_SIZE > 2 * MOST_PENDING
    read(side.protocol, octets)
    assert len(side.protocol.get_buffer(-1)) == READ_SIZE
    side.protocol.resumeReceiving()
    assert side.protocol.noted("message") == [(message, True) for message in messages]


def test_data_that_is_assigned_by_hand(lab: Lab) -> None:
    side = open_server(lab)
    octets = side.frame(BINARY, bytes(2 * READ_SIZE))
    side.protocol.data = octets[:-1]
    read(side.protocol, octets[-1:])
    assert side.protocol.noted("message") == [(bytes(2 * READ_SIZE), True)]


# --- large messages ----------------------------------------------------------------------------


def test_the_loop_reads_straight_into_the_message(lab: Lab) -> None:
    side = open_server(lab)
    payload = bytes(range(256)) * 4000
    octets = side.frame(BINARY, payload) + side.frame(TEXT, b"behind")
    assert read(side.protocol, octets) == 3  # the buffer, the rest of the message, the buffer
    assert side.protocol.noted("message") == [(payload, True), (b"behind", False)]
    stats = side.protocol.trafficStats
    assert stats.incomingOctetsWireLevel == len(octets)


def test_a_hook_that_raises_behind_a_landing(lab: Lab) -> None:
    class Raising(Server):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            super().onMessage(payload, isBinary)
            raise KeyError("out of a hook")

    side: Side[Any] = open_server(lab, Raising, onHookError="keep")
    side.protocol.log = Silent()
    read(side.protocol, side.frame(BINARY, bytes(400_000)) + side.frame(TEXT, b"behind"))
    assert len(side.protocol.noted("message")) == 2


class Silent:
    """A logger that says nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


# --- writing -----------------------------------------------------------------------------------


class Echo(Server):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


def test_the_answers_to_a_read_are_one_write(lab: Lab) -> None:
    side = open_server(lab, Echo)
    octets = side.frame(TEXT, b"1") + side.frame(PING, b"2") + side.frame(TEXT, b"3")
    read(side.protocol, octets)
    assert len(side.transport.writes) == side.seen + 1
    assert side.frames() == [Frame(TEXT, b"1"), Frame(PONG, b"2"), Frame(TEXT, b"3")]


def test_outside_of_reads_the_first_leaves_at_once_and_the_rest_together(lab: Lab) -> None:
    sides = [open_server(lab) for _ in range(3)]
    for _ in range(2):  # turn after turn
        for text in (b"1", b"2", b"3"):
            for side in sides:
                side.protocol.sendMessage(text)
        assert [len(side.transport.writes) - side.seen for side in sides] == [1, 1, 1]
        lab.turn()
        assert [len(side.transport.writes) - side.seen for side in sides] == [2, 2, 2]
        for side in sides:
            assert side.frames() == [Frame(TEXT, b"1"), Frame(TEXT, b"2"), Frame(TEXT, b"3")]


def test_a_flush_that_sends(lab: Lab) -> None:
    """A transport that is full calls back in the middle of a flush."""

    class Talking(Server):
        def onPauseWriting(self) -> None:
            self.sendMessage(b"second")

    side = open_server(lab, Talking)
    write = side.transport.write

    def full(data: bytes | bytearray | memoryview) -> None:
        write(data)
        if len(side.transport.writes) == side.seen + 1:
            side.protocol.pause_writing()

    side.transport.write = full  # type: ignore[method-assign]
    side.protocol._options_changed()  # binds the write anew
    side.protocol.sendMessage(b"first")
    lab.turn()
    assert side.frames() == [Frame(TEXT, b"first"), Frame(TEXT, b"second")]


def test_a_flush_that_raises_is_no_other_connections_business(lab: Lab) -> None:
    class Raising(MemoryTransport):
        fatal = False

        def write(self, data: bytes | bytearray | memoryview) -> None:
            if self.fatal:
                raise Boom("cannot write")
            super().write(data)

    transport = Raising(lab)
    first: Side[Any] = connect(lab, server_factory(lab), transport)
    first.feed(request())
    second: Side[Any] = open_server(lab)
    first.sent(), second.sent()
    transport.fatal = True

    async def send() -> None:
        # The first of a turn leaves at once: only then do others wait for its end.
        with contextlib.suppress(Boom):
            first.protocol.sendMessage(b"raises at once")
        for side in (second, first, second):
            side.protocol.sendMessage(b"waits")

    lab.get(send())
    assert [each.payload for each in second.frames()] == [b"waits", b"waits"]
    assert lab.complaints == [
        "what was sent on a WebSocket connection could not be written Boom('cannot write')"
    ]
    lab.complaints.clear()
    transport.fatal = False
    first.protocol.sendMessage(b"goes on")
    assert [each.payload for each in first.frames()] == [b"goes on"]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_real_loop_uses_the_buffer(loop: str) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(echo_over_sockets())


async def echo_over_sockets() -> None:
    """Over sockets, with cuts as the kernel makes them."""
    gone = asyncio.Event()

    class Noting(Echo):
        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            gone.set()

    factory = WebSocketServerFactory()
    factory.protocol = Noting
    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    payload = bytes(range(256)) * 8000
    writer.write(request())
    await reader.readuntil(b"\r\n\r\n")
    writer.write(frame(BINARY, payload, mask=MASK))
    echoed = await reader.readexactly(10 + len(payload))
    assert frames(echoed) == [Frame(BINARY, payload)]
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
    await gone.wait()
