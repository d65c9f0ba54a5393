"""A peer that does not read, an application that does not keep up: everything stays bounded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wsproto_async import Disconnected
from wsproto_async.protocol.flow import MUCH

from ..contract.support import (
    BINARY,
    PING,
    PONG,
    ROLES,
    TEXT,
    Frame,
    Lab,
    MemoryTransport,
    Server,
    Side,
    client_factory,
    connect,
    open_server,
    request,
    response,
    server_factory,
)

HIGH = 64 * 1024


class Echo(Server):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.note("echo")
        self.sendMessage(payload, isBinary)

    def onPauseWriting(self) -> None:
        self.note("pause")

    def onResumeWriting(self) -> None:
        self.note("resume")


def never_read(side: Side[Any]) -> None:
    """From here on the peer takes nothing: what is written piles up in the transport."""
    transport, protocol = side.transport, side.protocol
    write = transport.write

    def pile_up(data: bytes | bytearray | memoryview) -> None:
        write(data)
        before, transport.unsent = transport.unsent, transport.unsent + len(data)
        assert transport.limits[0] is not None
        if before <= transport.limits[0] < transport.unsent:
            protocol.pause_writing()

    transport.write = pile_up  # type: ignore[method-assign]
    protocol._options_changed()  # binds the write anew


def read_all(side: Side[Any]) -> None:
    """The peer takes everything at last."""
    side.transport.unsent = 0
    side.protocol.resume_writing()
    side.lab.turn()


# --- a peer that does not read -----------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 1000, 50_000])
def test_echoes_to_a_peer_that_does_not_read_are_bounded(lab: Lab, size: int) -> None:
    side = open_server(lab, Echo)
    never_read(side)
    octets = side.frame(BINARY, bytes(size))
    count = 0
    while side.transport.reading:
        per_read = max(1, 200_000 // len(octets))
        side.feed(octets * per_read)
        count += per_read
        assert count * size < 64 * HIGH, "it reads on for ever"
    assert side.protocol.bufferedAmount < 32 * HIGH
    side.feed(octets)  # what was on its way
    echoed = len(side.protocol.noted("echo"))
    assert echoed <= count
    read_all(side)
    assert side.transport.reading
    assert len(side.protocol.noted("echo")) == count + 1
    side.lose()


@pytest.mark.parametrize("how", ["plain", "coroutine", "one coroutine at a time", "paused before"])
def test_large_answers_to_one_read_of_small_requests_are_bounded(lab: Lab, how: str) -> None:
    """One read can hold thousands of requests: the bound must strike in the middle of it."""

    class Answering(Server):
        def answer(self) -> None:
            self.note("answer")
            self.sendMessage(bytes(100_000), True)

        def onMessage(self, payload: bytes, isBinary: bool) -> Any:
            if "coroutine" not in how:
                self.answer()
                return None
            return self.answer_later()

        async def answer_later(self) -> None:
            await asyncio.sleep(0)
            self.answer()

    options: dict[str, Any] = {"hookConcurrency": 1} if how.startswith("one") else {}
    side: Side[Any] = open_server(lab, Answering, **options)
    never_read(side)
    if how == "paused before":
        side.protocol.pauseReceiving()
    side.feed(side.frame(TEXT, b"give me much") * 1000)
    if how == "paused before":
        side.protocol.resumeReceiving()
    for _ in range(50):
        lab.turn()
    assert not side.transport.reading
    most = 64 * 100_000 if how == "coroutine" else 0
    assert MUCH * HIGH < side.protocol.bufferedAmount < (MUCH + 2) * HIGH + most
    # It goes on, and none is lost.
    for _ in range(1000):
        read_all(side)
        for _ in range(4):
            lab.turn()
        if len(side.protocol.noted("answer")) == 1000:
            break
    assert len(side.protocol.noted("answer")) == 1000
    read_all(side)
    assert side.transport.reading
    side.lose()


def test_large_echoes_that_land_are_bounded_too(lab: Lab) -> None:
    from .test_doors import read

    side = open_server(lab, Echo)
    never_read(side)
    octets = side.frame(BINARY, bytes(3_000_000))
    read(side.protocol, octets)
    assert not side.transport.reading
    side.lose()


def test_pongs_to_a_peer_that_does_not_read_are_one(lab: Lab) -> None:
    side = open_server(lab, Echo)
    never_read(side)
    side.feed(side.frame(BINARY, bytes(HIGH + 1)))
    assert side.protocol.noted("pause") == [()]
    side.sent()
    side.feed(b"".join(side.frame(PING, bytes([i])) for i in range(100)))
    assert side.frames() == []
    assert side.protocol.bufferedAmount < 2 * HIGH
    read_all(side)
    assert side.frames() == [Frame(PONG, bytes([99]))]
    assert side.protocol.noted("resume") == [()]


def test_hooks_are_told_in_the_right_order(lab: Lab) -> None:
    """Resuming may fill the buffer again; whoever sends has to know how it stands."""
    side = open_server(lab, Echo)
    never_read(side)
    while side.transport.reading:
        side.feed(side.frame(BINARY, bytes(1000)) * 200)
    side.feed(side.frame(BINARY, bytes(HIGH + 1)))
    read_all(side)
    told = [event[0] for event in side.protocol.notes if event[0] in ("pause", "resume")]
    assert told == ["pause", "resume", "pause"]
    assert side.protocol._writing_paused


def test_reading_does_not_go_on_where_the_room_is_taken_again(lab: Lab) -> None:
    class Greedy(Echo):
        def onResumeWriting(self) -> None:
            self.sendMessage(bytes(HIGH + 1), True)

    side = open_server(lab, Greedy)
    never_read(side)
    while side.transport.reading:
        side.feed(side.frame(BINARY, bytes(1000)) * 200)
    read_all(side)
    assert not side.transport.reading
    side.lose()


@pytest.mark.parametrize("hook", ["onPauseWriting", "onResumeWriting"])
@pytest.mark.parametrize("later", [False, True])
def test_a_hook_that_raises(lab: Lab, hook: str, later: bool) -> None:
    errors = []

    def fail(self: Any) -> None:
        raise KeyError(hook)

    async def fail_later(self: Any) -> None:
        raise KeyError(hook)

    names = {hook: fail_later if later else fail, "onError": lambda *args: errors.append(args[2])}
    side: Side[Any] = open_server(lab, type("Failing", (Server,), names))
    side.protocol.pause_writing()
    side.protocol.resume_writing()
    lab.turn()
    assert errors == [hook]
    assert side.frames()[0].payload[:2] == (1011).to_bytes(2, "big")


# --- waiting for room --------------------------------------------------------------------------


def test_drain(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.sendMessage(b"x")
    lab.get(side.protocol.drain())
    assert side.frames() == [Frame(TEXT, b"x")]  # drain() flushes
    never_read(side)
    side.protocol.sendMessage(bytes(HIGH), True)
    tasks = [lab.create_task(side.protocol.drain()) for _ in range(2)]
    lab.turn()
    assert not any(task.done() for task in tasks)
    tasks[0].cancel()
    lab.turn()
    assert not tasks[1].done()
    read_all(side)
    assert tasks[1].done()


def test_who_drains_where_there_is_room_gives_way_now_and_then(lab: Lab) -> None:
    """Else it would never hear that the peer is gone."""

    async def send_for_ever() -> None:
        while True:
            side.protocol.sendMessage(b"x")
            await side.protocol.drain()

    side = open_server(lab)
    sending = asyncio.ensure_future(send_for_ever(), loop=lab)
    lab.call_soon(side.transport._lose, None)
    with pytest.raises(Disconnected):
        lab.get(sending)


def test_drain_when_it_fills_up_again(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.pause_writing()
    task = lab.create_task(side.protocol.drain())
    lab.turn()
    side.protocol.resume_writing()
    side.protocol.pause_writing()
    lab.turn()
    assert not task.done()
    side.protocol.resume_writing()
    lab.turn()
    assert task.done()


def test_drain_ends_with_the_connection(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.pause_writing()
    task = lab.create_task(side.protocol.drain())
    lab.turn()
    side.lose()
    assert task.done()
    assert task.exception() is None
    lab.get(asyncio.wait_for(side.protocol.drain(), 1))


def test_buffered_amount(lab: Lab) -> None:
    side = open_server(lab)
    assert side.protocol.bufferedAmount == 0
    side.protocol.sendMessage(b"the first of a turn leaves at once")
    side.protocol.sendMessage(b"12345")
    assert side.protocol.bufferedAmount == 7
    side.transport.unsent = 100
    assert side.protocol.bufferedAmount == 107
    side.sent()
    assert side.protocol.bufferedAmount == 100
    side.lose()
    assert side.protocol.bufferedAmount == 0


def test_what_waits_for_turns_of_its_own_counts(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.sendData(b"1234567890", chopsize=3)
    assert side.protocol.bufferedAmount == 7
    side.advance(0.1)
    assert side.protocol.bufferedAmount == 0
    side.lose()


def test_the_marks_are_the_options(lab: Lab) -> None:
    side = open_server(lab, writeBufferHigh=4000)
    assert side.transport.limits == (4000, 1000)


# --- an application that does not keep up ------------------------------------------------------


def test_pauses_are_counted(lab: Lab) -> None:
    side = open_server(lab)
    protocol = side.protocol
    protocol.pauseReceiving()
    protocol.pauseReceiving()
    side.feed_frame(TEXT, b"x")
    assert not side.transport.reading
    protocol.resumeReceiving()
    assert protocol.noted("message") == []
    protocol.resumeReceiving()
    assert protocol.noted("message") == [(b"x", False)]
    assert side.transport.reading
    protocol.resumeReceiving()  # one too many does no harm
    protocol.pauseReceiving()
    assert not side.transport.reading


@pytest.mark.parametrize("role", ROLES)
def test_a_pause_does_not_hold_the_handshake_up(lab: Lab, role: str) -> None:
    factory = server_factory(lab) if role == "server" else client_factory(lab)
    side: Side[Any] = connect(lab, factory)
    protocol = side.protocol
    for _ in range(3):
        protocol.pauseReceiving()
    protocol.resumeReceiving()
    assert side.transport.reading
    head = request() if role == "server" else response(protocol.websocket_key)
    side.feed(head + side.frame(TEXT, b"x"))
    assert protocol.notes == [("open",)]
    assert not side.transport.reading
    protocol.resumeReceiving()
    assert protocol.noted("message") == []
    protocol.resumeReceiving()
    assert protocol.noted("message") == [(b"x", False)]
    assert side.transport.reading


@pytest.mark.parametrize("options", [{"maxMessagesPerSecond": 1}, {"hookConcurrency": 1}])
def test_an_application_undoes_its_own_pauses_alone(lab: Lab, options: dict[str, Any]) -> None:
    class Slow(Server):
        async def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.note("message", payload)
            if "hookConcurrency" in options:
                await asyncio.Event().wait()

    side = open_server(lab, Slow, **options)
    side.feed(side.frame(TEXT, b"x") * 10)
    before = side.protocol.noted("message")
    assert 1 <= len(before) < 5
    side.protocol.pauseReceiving()
    for _ in range(3):
        side.protocol.resumeReceiving()
        side.feed_frame(TEXT, b"y")
    assert not side.transport.reading
    assert side.protocol.noted("message") == before
    side.protocol.dropConnection(abort=True)
    lab.turn()


def test_a_transport_that_is_closing_is_left_alone(lab: Lab) -> None:
    side = open_server(lab)
    side.transport.close()  # as asyncio does by itself behind the peer's end
    side.protocol.pauseReceiving()
    assert side.transport.reading  # uvloop would refuse
    side.protocol.resumeReceiving()
    assert side.closed()[:2] == (False, 1006)


def test_pausing_behind_each_message_copies_nothing_and_loses_nothing(lab: Lab) -> None:
    class Stepping(Server):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            super().onMessage(payload, isBinary)
            self.pauseReceiving()

    side: Side[Any] = open_server(lab, Stepping)
    protocol = side.protocol
    octets = b"".join(side.frame(TEXT, b"%d" % number) for number in range(6))
    side.feed(octets[:-1])
    backlogs = set()
    for _ in range(2):
        protocol.resumeReceiving()
        backlogs.add(id(protocol._connection.backlog))
    assert len(backlogs) == 1
    assert protocol.data == side.frame(TEXT, b"3") + side.frame(TEXT, b"4") + octets[-7:-1]
    side.feed(octets[-1:])  # behind what waits
    for _ in range(3):
        protocol.resumeReceiving()
    assert [message for message, _ in protocol.noted("message")] == [b"%d" % n for n in range(6)]
    assert protocol.data == b""
    protocol.resumeReceiving()
    assert side.transport.reading
    side.feed(octets)
    protocol.resumeReceiving()
    protocol.data = side.frame(TEXT, b"instead")
    protocol.resumeReceiving()
    assert protocol.noted("message")[-1] == (b"instead", False)
    side.lose()
    assert protocol.data == b""


def test_a_hook_may_pause_and_resume(lab: Lab) -> None:
    class Stuttering(Server):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            super().onMessage(payload, isBinary)
            self.pauseReceiving()
            self.resumeReceiving()

    side: Side[Any] = open_server(lab, Stuttering)
    side.feed(side.frame(TEXT, b"1") + side.frame(TEXT, b"2"))
    assert len(side.protocol.noted("message")) == 2


def test_what_waited_and_raises(lab: Lab) -> None:
    class Raising(Server):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            super().onMessage(payload, isBinary)
            raise KeyError(payload)

        def onError(self, error: BaseException, hook: str) -> None:
            self.note("error", hook)

    side: Side[Any] = open_server(lab, Raising, onHookError="keep")
    side.protocol.pauseReceiving()
    side.feed(side.frame(TEXT, b"1") + side.frame(TEXT, b"2"))
    side.protocol.resumeReceiving()
    assert len(side.protocol.noted("message")) == 2
    assert side.protocol.noted("error") == [("onMessage",)] * 2
    assert side.transport.reading


# --- a peer that is gone -----------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 40_000, 70_000])
def test_nothing_is_written_to_a_peer_that_turned_out_to_be_gone(
    lab: Lab, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asyncio would log each write."""
    monkeypatch.setattr(MemoryTransport, "__module__", "asyncio.in_memory")

    class Much(Server):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.sendMessage(payload, True)

    side = open_server(lab, Much)
    write = side.transport.write
    writes = []

    def gone(data: bytes | bytearray | memoryview) -> None:
        writes.append(len(data))
        write(data)
        side.transport.abort()

    side.transport.write = gone  # type: ignore[method-assign]
    side.protocol._options_changed()
    side.protocol.data_received(side.frame(BINARY, bytes(size)) * 20)
    assert len(writes) == 1
    assert side.closed()[1] == 1006
