"""Hooks that are coroutines: bounded, in order, and heard of when they fail."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from wsproto_async.errors import Disconnected
from wsproto_async.protocol.tasks import REST, HookTasks, is_awaitable

from ..contract.support import BINARY, CLOSE, TEXT, Lab, Server, Side, open_server


class Owner:
    """Stands for the protocol."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    def _pause_reading(self) -> None:
        self.log.append("pause")

    def _resume_reading(self) -> None:
        self.log.append("resume")

    def _hook_failed(self, error: BaseException, hook: str | None = None) -> None:
        self.log.append((hook, type(error)))


@pytest.fixture
def owner() -> Owner:
    return Owner()


class Gate:
    """Coroutines that end when they are told to."""

    def __init__(self) -> None:
        self.futures: list[asyncio.Future[None]] = []

    async def coroutine(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self.futures.append(future)
        await future

    async def open(self, index: int = 0) -> None:
        self.futures.pop(index).set_result(None)
        await turns()


async def turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_at_the_limit_reading_pauses(owner: Owner, limit: int) -> None:
    tasks, gate = HookTasks(asyncio.get_running_loop(), limit), Gate()
    for _ in range(limit):
        assert owner.log == []
        tasks.start(owner, gate.coroutine(), "onMessage", True)
    assert owner.log == ["pause"]
    tasks.start(owner, gate.coroutine(), "onMessage", True)  # of what was on its way
    await turns()
    await gate.open()
    assert owner.log == ["pause"]
    await gate.open()
    assert owner.log == ["pause", "resume"]
    while gate.futures:
        await gate.open()
    assert not tasks.running
    assert owner.log == ["pause", "resume"]


async def test_what_does_not_count_and_what_has_no_limit(owner: Owner) -> None:
    gate = Gate()
    tasks = HookTasks(asyncio.get_running_loop(), 1)
    tasks.start(owner, gate.coroutine(), "onOpen", False)
    unbounded = HookTasks(asyncio.get_running_loop(), None)
    for _ in range(100):
        unbounded.start(owner, gate.coroutine(), "onMessage", True)
    await turns()
    assert owner.log == []
    assert len(tasks.running) == 1
    for future in gate.futures:
        future.set_result(None)
    await turns()
    assert not unbounded.running


async def test_failures_are_told_and_cancellations_are_not(owner: Owner) -> None:
    async def fail() -> None:
        raise KeyError

    tasks, gate = HookTasks(asyncio.get_running_loop(), 2), Gate()
    tasks.start(owner, fail(), "onPing", True)
    cancelled = tasks.start(owner, gate.coroutine(), "onMessage", True)
    await turns()
    cancelled.cancel()
    await turns()
    assert owner.log == ["pause", ("onPing", KeyError), "resume"]
    assert not tasks.running


def test_a_loop_that_ends_leaves_nobody_behind() -> None:
    """It cancels the calls that run; none may begin then, however much the peer has sent."""
    started = 0
    tasks: Any = None
    complaints: list[str] = []

    class Flooded(Owner):
        def _resume_reading(self) -> None:
            super()._resume_reading()
            start(self)

    async def call() -> None:
        nonlocal started
        started += 1
        await asyncio.sleep(60)

    def start(owner: Owner) -> None:
        while not tasks.paused:
            tasks.start(owner, call(), "onMessage", True)

    async def flood() -> None:
        nonlocal tasks
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: complaints.append(context["message"]))
        tasks = HookTasks(loop, 3)
        start(Flooded())
        await turns()

    asyncio.run(flood())
    tasks = None
    gc.collect()
    assert started == 3
    assert complaints == []


async def test_after_a_cancellation_it_goes_on(owner: Owner) -> None:
    """Somebody may have cancelled the call and nothing else."""
    tasks, gate = HookTasks(asyncio.get_running_loop(), 1), Gate()
    tasks.start(owner, gate.coroutine(), "onMessage", True).cancel()
    await turns()
    assert owner.log == ["pause"]
    await asyncio.sleep(REST)
    await turns()
    assert owner.log == ["pause", "resume"]


async def test_futures_are_awaited_too(owner: Owner) -> None:
    tasks = HookTasks(asyncio.get_running_loop(), 2)
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    assert tasks.start(owner, future, "onMessage", True) is future
    future.set_exception(ValueError())
    await turns()
    assert owner.log == [("onMessage", ValueError)]


def test_what_is_awaitable() -> None:
    assert not is_awaitable(5)
    assert not is_awaitable(None)
    assert not is_awaitable([])
    coroutine = turns()
    assert is_awaitable(coroutine)
    coroutine.close()


async def test_octets_count_too(owner: Owner) -> None:
    tasks, gate = HookTasks(asyncio.get_running_loop(), 64, 100), Gate()
    tasks.start(owner, gate.coroutine(), "onMessage", True, 60)
    assert owner.log == []
    tasks.start(owner, gate.coroutine(), "onMessage", True, 60)
    assert owner.log == ["pause"]
    await turns()
    await gate.open()
    assert owner.log == ["pause", "resume"]
    tasks.start(owner, gate.coroutine(), "onMessage", True, 1000)
    assert owner.log == ["pause", "resume", "pause"]
    await turns()
    await gate.open()
    await gate.open()
    assert owner.log == ["pause", "resume", "pause", "resume"]
    assert tasks.octets == 0


# --- on a connection ---------------------------------------------------------------------------


class Slow(Server):
    """Takes its time for each message."""

    def gates(self) -> dict[bytes, asyncio.Future[None]]:
        gates: dict[bytes, asyncio.Future[None]] = self.__dict__.setdefault("_gates", {})
        return gates

    async def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.note("begin", payload)
        self.gates()[payload] = future = self._loop.create_future()
        await future
        self.note("end", payload)

    def finish(self, lab: Lab, payload: bytes) -> None:
        self.gates()[payload].set_result(None)
        lab.turn()


def test_one_after_another(lab: Lab) -> None:
    side: Side[Slow] = open_server(lab, Slow, hookConcurrency=1)
    side.feed(b"".join(side.frame(TEXT, text) for text in (b"1", b"2", b"3")))
    assert not side.transport.reading
    for text in (b"1", b"2", b"3"):
        assert side.protocol.notes[-1] == ("begin", text)
        side.protocol.finish(lab, text)
    assert [event[1] for event in side.protocol.notes if event[0] == "end"] == [b"1", b"2", b"3"]
    assert side.transport.reading


def test_started_in_order_and_free_to_overtake(lab: Lab) -> None:
    side: Side[Slow] = open_server(lab, Slow, hookConcurrency=2)
    side.feed(b"".join(side.frame(TEXT, text) for text in (b"1", b"2", b"3")))
    assert side.protocol.noted("begin") == [(b"1",), (b"2",)]
    side.protocol.finish(lab, b"2")
    assert side.protocol.noted("begin") == [(b"1",), (b"2",), (b"3",)]
    side.protocol.finish(lab, b"3")
    side.protocol.finish(lab, b"1")
    assert side.protocol.noted("end") == [(b"2",), (b"3",), (b"1",)]


@pytest.mark.parametrize("keep", [False, True])
def test_a_coroutine_that_fails(lab: Lab, keep: bool) -> None:
    class Failing(Server):
        async def onMessage(self, payload: bytes, isBinary: bool) -> None:
            await asyncio.sleep(0)
            raise KeyError(payload)

        async def onError(self, error: BaseException, hook: str) -> None:
            self.note("error", type(error), hook)

    side: Side[Any] = open_server(lab, Failing, onHookError="keep" if keep else "close")
    side.feed_frame(TEXT, b"x")
    assert side.protocol.noted("error") == [(KeyError, "onMessage")]
    sent = [each.payload[:2] for each in side.frames()]
    assert sent == ([] if keep else [(1011).to_bytes(2, "big")])


def test_the_end_of_the_connection_does_not_cancel_them(lab: Lab) -> None:
    side: Side[Slow] = open_server(lab, Slow)
    side.feed_frame(TEXT, b"x")
    side.lose()
    side.protocol.finish(lab, b"x")
    assert side.protocol.noted("end") == [(b"x",)]


@pytest.mark.parametrize("deliver", [False, True])
@pytest.mark.parametrize("fragments", [1, 3])
def test_large_messages_are_worked_on_one_at_a_time(
    lab: Lab, deliver: bool, fragments: int
) -> None:
    side: Side[Slow] = open_server(lab, Slow, receiveQueueBytes=250)
    if deliver:
        side.protocol.on("message", lambda payload, is_binary: None)
    for letter in (b"a", b"b", b"c"):
        for index in range(fragments):
            opcode, fin = (0 if index else BINARY), index == fragments - 1
            side.feed_frame(opcode, letter * 600, fin=fin)
    begun = len(side.protocol.noted("begin"))
    assert begun == (2 if fragments == 1 else 1)
    assert not side.transport.reading
    side.protocol.finish(lab, b"a" * 600 * fragments)
    assert len(side.protocol.noted("begin")) == begun + 1
    side.lose()


HOOKS = ("onMessageBegin", "onMessageFrameBegin", "onMessageFrameData", "onMessageFrameEnd")


@pytest.mark.parametrize("name", [*HOOKS, "onMessageFrame", "onMessageEnd"])
def test_streaming_hooks_are_bounded_as_well(lab: Lab, name: str) -> None:
    async def hook(self: Server, *args: Any) -> None:
        self.note(name)
        await self.__dict__.setdefault("gate", self._loop.create_future())

    side: Side[Any] = open_server(lab, type("Streaming", (Server,), {name: hook}))
    side.feed(side.frame(BINARY, b"x") * 200)
    assert len(side.protocol.noted(name)) == 64
    assert not side.transport.reading
    side.protocol.gate.set_result(None)
    lab.turn()
    assert len(side.protocol.noted(name)) == 200


# --- news of the end ---------------------------------------------------------------------------


class Late(Server):
    """Answers when it is too late, and notes what is logged."""

    async def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.note("begin")
        await self.__dict__.setdefault("gate", self._loop.create_future())
        self.sendMessage(payload)

    async def onOpen(self) -> None:
        async for _ in self.messages():
            pass

    def onError(self, error: BaseException, hook: str) -> None:
        self.note("error", hook, type(error))

    def _say(self, level: str, text: str, error: BaseException | None = None) -> None:
        self.note("said", level, error)


@pytest.mark.parametrize("end", ["lost", "closed", "failed", "dropped"])
def test_whoever_is_told_of_the_end_has_not_failed(lab: Lab, end: str) -> None:
    side: Side[Any] = open_server(lab, Late, failByDrop=end == "dropped")
    side.feed_frame(TEXT, b"x")
    if end == "lost":
        side.lose()
    elif end == "closed":
        side.feed_frame(CLOSE)
    else:
        side.feed_frame(3)
    side.protocol.gate.set_result(None)
    lab.turn()
    side.lose()
    assert side.protocol.noted("error") == []
    assert [event for event in side.protocol.noted("said") if event[1] is not None] == []


def test_whoever_sends_behind_its_own_close_has(lab: Lab) -> None:
    side: Side[Any] = open_server(lab, Late)
    side.feed_frame(TEXT, b"x")
    side.protocol.sendClose()
    side.protocol.gate.set_result(None)
    lab.turn()
    assert side.protocol.noted("error") == [("onMessage", Disconnected)]
    side.lose()


def test_memory_that_runs_out_ends_the_connection_in_any_case(lab: Lab) -> None:
    """It may have run out in the middle of a message, of which a piece is missing then."""

    class Greedy(Server):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            raise MemoryError

    side: Side[Any] = open_server(lab, Greedy, onHookError="keep")
    side.feed_frame(TEXT, b"")
    [end] = side.frames()
    assert end.payload[:2] == (1011).to_bytes(2, "big")
