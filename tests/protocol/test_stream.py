"""The queue behind ``recv()`` and ``async for``: nothing lost, nothing unbounded, nothing late."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import Any

import pytest

from wsproto_async import WebSocketServerProtocol
from wsproto_async.errors import ConnectionClosedError, StateError
from wsproto_async.protocol.stream import MessageStream, Receive

from ..contract.support import CLOSE, TEXT, Frame, Lab, Server, Side, open_server

END = ValueError("the end")


class Reading:
    """Stands for the connection whose reading a stream pauses."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def stream(self, max_messages: int = 8, max_octets: int = 100) -> MessageStream:
        return MessageStream(
            asyncio.get_running_loop(),
            lambda: self.log.append("pause"),
            lambda: self.log.append("resume"),
            max_messages,
            max_octets,
        )


@pytest.fixture
def reading() -> Reading:
    return Reading()


@pytest.fixture
async def stream(reading: Reading) -> MessageStream:
    return reading.stream()


def from_the_loop(action: Callable[..., object], *args: object) -> None:
    """Do it in a turn of the loop of its own, where no task runs: as when octets arrive."""
    asyncio.get_running_loop().call_soon(action, *args)


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def recv(stream: MessageStream) -> Any:
    return await stream.recv()


async def in_a_task(stream: MessageStream) -> asyncio.Task[Any]:
    """A task that waits for a message."""
    task = asyncio.create_task(recv(stream))
    await turns(1)
    assert not task.done()
    return task


# --- receiving ---------------------------------------------------------------------------------


async def test_messages_come_in_order(stream: MessageStream) -> None:
    for message in (b"one", "two", b""):
        stream.push(message, True)
    assert [await stream.recv() for _ in range(3)] == [b"one", "two", b""]


async def test_what_waits_is_had_without_suspending(stream: MessageStream) -> None:
    stream.push(b"x", True)
    coroutine = recv(stream)
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    assert stopped.value.value == b"x"


async def test_iterating(stream: MessageStream) -> None:
    stream.push(b"one", True)
    stream.push(b"two", True)
    from_the_loop(stream.push, b"three", True)
    got = []
    async for message in stream:
        got.append(message)
        if message == b"three":
            stream.end(END, True)
    assert got == [b"one", b"two", b"three"]


WAYS: dict[str, Callable[[MessageStream], Coroutine[Any, Any, Any]]] = {
    "await": recv,
    "wait_for": lambda stream: asyncio.wait_for(stream.recv(), 60),
    "wait_for a coroutine": lambda stream: asyncio.wait_for(recv(stream), 60),
    "timeout": lambda stream: _in_timeout(stream),
    "gather": lambda stream: _gathered(stream),
    "group": lambda stream: _grouped(stream),
    "shield": lambda stream: asyncio.wait_for(asyncio.shield(recv(stream)), 60),
    "anext": lambda stream: _next(stream),
    "delegated": lambda stream: _delegated(stream),
}


async def _in_timeout(stream: MessageStream) -> Any:
    async with asyncio.timeout(60):
        return await stream.recv()


async def _gathered(stream: MessageStream) -> Any:
    return (await asyncio.gather(stream.recv(), asyncio.sleep(0)))[0]


async def _grouped(stream: MessageStream) -> Any:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(recv(stream))
    return task.result()


async def _next(stream: MessageStream) -> Any:
    return await anext(stream)


async def _delegated(stream: MessageStream) -> Any:
    class Delegate:
        def __await__(self) -> Generator[Any, None, Any]:
            return (yield from stream.recv().__await__())

    return await Delegate()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("early", [True, False])
async def test_every_way_to_wait(stream: MessageStream, way: str, early: bool) -> None:
    if early:
        stream.push(b"message", True)
    task = asyncio.create_task(WAYS[way](stream))
    await turns()
    if not early:
        assert not task.done()
        from_the_loop(stream.push, b"message", True)
    assert await task == b"message"


async def test_a_task_may_push_to_another(stream: MessageStream) -> None:
    """The other one is scheduled then: a task cannot run inside of another."""
    task = await in_a_task(stream)
    stream.push(b"x", True)
    await turns(1)
    assert task.done()
    assert await task == b"x"


# --- the eager step ----------------------------------------------------------------------------


async def test_who_waits_runs_inside_the_push(stream: MessageStream) -> None:
    task = await in_a_task(stream)
    seen = []

    def arrive() -> None:
        stream.push(b"x", True)
        seen.append(stream.count)

    from_the_loop(arrive)
    await turns(1)
    assert seen == [0]
    assert await task == b"x"


async def test_it_runs_as_its_own_task_in_its_own_context(stream: MessageStream) -> None:
    variable = contextvars.ContextVar("variable", default="outside")

    async def consumer() -> tuple[Any, str]:
        variable.set("inside")
        await stream.recv()
        return asyncio.current_task(), variable.get()

    task = asyncio.create_task(consumer())
    await turns(1)
    from_the_loop(stream.push, b"x", True)
    assert await task == (task, "inside")
    assert variable.get() == "outside"


async def test_a_context_that_is_entered_already(stream: MessageStream) -> None:
    context = contextvars.copy_context()
    task = asyncio.create_task(recv(stream), context=context)
    await turns(1)
    asyncio.get_running_loop().call_soon(stream.push, b"x", True, context=context)
    await turns(1)
    assert not task.done()
    assert await task == b"x"


async def test_in_a_batch_the_task_runs_once(stream: MessageStream) -> None:
    got: list[list[Any]] = []

    async def consumer() -> None:
        while True:
            batch = [await stream.recv()]
            while stream.count:
                batch.append(await stream.recv())
            got.append(batch)

    task = asyncio.create_task(consumer())
    await turns(1)

    def arrive() -> None:
        stream.batching = True
        for message in (b"1", b"2", b"3"):
            stream.push(message, True)
        assert got == []
        stream.settle()
        assert got == [[b"1", b"2", b"3"]]
        stream.settle()

    from_the_loop(arrive)
    await turns()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert got == [[b"1", b"2", b"3"]]


async def test_a_batch_does_not_fill_the_queue_of_one_who_waits(reading: Reading) -> None:
    stream = reading.stream(max_messages=2)
    stream.batching = True
    got = []

    async def consumer() -> None:
        while True:
            got.append(await stream.recv())

    task = asyncio.create_task(consumer())
    await turns(1)

    def arrive() -> None:
        for message in (b"1", b"2", b"3", b"4"):
            stream.push(message, True)

    from_the_loop(arrive)
    await turns(1)
    assert got == [b"1", b"2", b"3", b"4"]
    assert reading.log == []
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


# --- one consumer ------------------------------------------------------------------------------


async def test_two_consumers(stream: MessageStream) -> None:
    task = await in_a_task(stream)
    with pytest.raises(StateError, match=r"the task .* is already waiting"):
        await stream.recv()
    from_the_loop(stream.push, b"x", True)
    assert await task == b"x"


async def test_a_second_consumer_beside_one_that_is_no_task(stream: MessageStream) -> None:
    stepped: list[object] = []
    waiter = next(iter(stream.recv().__await__()))
    waiter.add_done_callback(stepped.append)
    with pytest.raises(StateError, match="another task is already waiting"):
        await stream.recv()
    stream.push(b"x", True)
    await turns()
    assert stepped == [waiter]


async def test_stepping_by_hand(stream: MessageStream) -> None:
    """As a coroutine that is no ``async def`` is driven."""
    stream.push(b"x", True)
    receive = stream.recv().__await__()
    with pytest.raises(StopIteration) as stopped:
        receive.send("whatever")  # type: ignore[arg-type]
    assert stopped.value.value == b"x"
    for error in (LookupError("1"),), (LookupError,), (LookupError, LookupError("2")):
        with pytest.raises(LookupError):
            receive.throw(*error)


async def test_the_end_comes_right_behind_a_cancel(stream: MessageStream) -> None:
    task = await in_a_task(stream)
    task.cancel()
    stream.end(END, True)
    await turns()
    assert task.cancelled()


async def test_a_consumer_that_was_cancelled_makes_room(stream: MessageStream) -> None:
    first = await in_a_task(stream)
    first.cancel()
    from_the_loop(stream.push, b"x", True)
    assert await stream.recv() == b"x"  # the first has not even noticed yet
    assert first.cancelled()


async def test_one_that_leaves_does_not_take_the_others_place(stream: MessageStream) -> None:
    first = await in_a_task(stream)
    stream.push(b"x", True)  # wakes the first, which is scheduled; but we are faster
    assert await stream.recv() == b"x"
    first.cancel()
    asyncio.get_running_loop().call_later(0.001, stream.push, b"y", True)
    assert await stream.recv() == b"y"  # the first leaves while we wait
    assert first.cancelled()


# --- cancelling --------------------------------------------------------------------------------


async def test_a_message_is_not_lost_when_its_consumer_is_cancelled(stream: MessageStream) -> None:
    before = await in_a_task(stream)
    before.cancel()
    stream.push(b"1", True)  # cancelled first, then there is a message
    await turns()
    assert before.cancelled()
    behind = asyncio.create_task(recv(stream))
    await turns()
    assert await behind == b"1"

    waiting = await in_a_task(stream)
    stream.push(b"2", True)  # a message first, then cancelled, both before it runs
    waiting.cancel()
    await turns()
    assert waiting.cancelled()
    assert stream.count == 1
    assert await stream.recv() == b"2"


async def test_cancelling_all_the_time(stream: MessageStream) -> None:
    sent, got = [bytes([i]) for i in range(100)], []

    def arrive(rest: list[bytes]) -> None:
        stream.push(rest[0], True)
        if rest[1:]:
            from_the_loop(arrive, rest[1:])

    from_the_loop(arrive, sent)
    for patience in itertools.cycle(range(4)):
        task = asyncio.create_task(recv(stream))
        await turns(patience)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            got.append(await task)
        if len(got) == len(sent):
            break
    assert got == sent


async def test_what_cancel_says_arrives(stream: MessageStream) -> None:
    task = await in_a_task(stream)
    task.cancel("because")
    with pytest.raises(asyncio.CancelledError, match="because"):
        await task


async def test_timeouts(stream: MessageStream) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stream.recv(), 0.001)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await stream.recv()
    stream.push(b"x", True)
    assert await stream.recv() == b"x"


async def test_a_consumer_that_is_closed_or_forgotten(stream: MessageStream) -> None:
    coroutine = recv(stream)
    coroutine.send(None)
    coroutine.close()
    coroutine = recv(stream)
    coroutine.send(None)
    with pytest.raises(KeyError):
        coroutine.throw(KeyError("thrown"))
    stream.push(b"x", True)
    assert await stream.recv() == b"x"


# --- the end -----------------------------------------------------------------------------------


async def test_messages_that_wait_can_still_be_had(stream: MessageStream) -> None:
    stream.push(b"1", True)
    stream.push(b"2", True)
    stream.end(END, True)
    assert await stream.recv() == b"1"
    assert [message async for message in stream] == [b"2"]
    for _ in range(2):
        with pytest.raises(ValueError, match="the end"):
            await stream.recv()


@pytest.mark.parametrize("clean", [True, False])
async def test_who_waits_is_told(stream: MessageStream, clean: bool) -> None:
    async def iterate() -> list[Any]:
        return [message async for message in stream]

    task = asyncio.create_task(iterate())
    await turns(1)
    stream.end(END, clean)
    stream.end(KeyError("not this one"), True)
    if clean:
        assert await task == []
    else:
        with pytest.raises(ValueError, match="the end"):
            await task


async def test_the_error_does_not_hold_those_who_got_it(stream: MessageStream) -> None:
    stream.end(END, False)
    with pytest.raises(ValueError, match="the end") as raised:
        await stream.recv()
    assert raised.value is not END
    assert END.__traceback__ is None


# --- back-pressure -----------------------------------------------------------------------------


async def test_reading_pauses_at_the_mark_of_messages(reading: Reading) -> None:
    stream = reading.stream(max_messages=8)
    for i in range(8):
        assert reading.log == []
        stream.push(bytes([i]), True)
    assert reading.log == ["pause"]
    stream.push(b"more", True)  # of what was on its way
    for _ in range(6):
        await stream.recv()
        assert reading.log == ["pause"]
    await stream.recv()
    assert (stream.count, reading.log) == (2, ["pause", "resume"])


async def test_reading_pauses_at_the_mark_of_octets(reading: Reading) -> None:
    stream = reading.stream(max_octets=100)
    stream.push(b"a" * 99, True)
    assert reading.log == []
    stream.push(b"b", True)
    assert reading.log == ["pause"]
    await stream.recv()
    assert reading.log == ["pause", "resume"]


async def test_text_that_is_not_ascii_counts_as_much_as_it_can_have(reading: Reading) -> None:
    stream = reading.stream(max_octets=100)
    stream.push("a" * 60, False)
    stream.push("\u20ac" * 9, False)
    assert (stream.octets, reading.log) == (96, [])
    stream.push("\xe9", False)
    assert (stream.octets, reading.log) == (100, ["pause"])
    for _ in range(3):
        await stream.recv()
    assert (stream.octets, reading.log) == (0, ["pause", "resume"])


async def test_a_message_above_the_mark_gets_through(reading: Reading) -> None:
    stream = reading.stream(max_octets=100)
    stream.push(b"a" * 1000, True)
    assert reading.log == ["pause"]
    assert len(await stream.recv()) == 1000
    assert reading.log == ["pause", "resume"]


async def test_nobody_is_asked_behind_the_end(reading: Reading) -> None:
    stream = reading.stream(max_messages=1)
    stream.push(b"x", True)
    stream.end(END, True)
    await stream.recv()
    assert reading.log == ["pause"]
    stream.push(b"late", True)
    assert reading.log == ["pause"]
    stream.let_go()
    assert reading.log == ["pause"]


async def test_letting_go_behind_the_end(reading: Reading) -> None:
    stream = reading.stream(max_messages=1)
    stream.push(b"x", True)
    stream.end(END, True)
    stream.let_go()
    assert reading.log == ["pause"]
    assert await stream.recv() == b"x"


async def test_letting_go(reading: Reading) -> None:
    """We are closing: read on, and drop what nobody fetches."""
    stream = reading.stream(max_messages=2)
    stream.push(b"1", True)
    stream.push(b"2", True)
    stream.let_go()
    assert reading.log == ["pause", "resume"]
    stream.push(b"3", True)
    assert (stream.count, reading.log) == (2, ["pause", "resume"])
    assert [await stream.recv(), await stream.recv()] == [b"1", b"2"]
    stream.push(b"4", True)
    assert await stream.recv() == b"4"


async def test_what_is_awaited_again_is_another_message(stream: MessageStream) -> None:
    stream.push(b"1", True)
    stream.push(b"2", True)
    receive = stream.recv()
    assert isinstance(receive, Receive)
    assert [await receive, await receive] == [b"1", b"2"]


# --- on a connection ---------------------------------------------------------------------------


class Iterating(WebSocketServerProtocol):
    """Answers out of a coroutine, in upper case."""

    consumer: asyncio.Task[None]
    delay = False

    def onOpen(self) -> None:
        stream = self.messages()
        self.consumer = self._loop.create_task(self.consume(stream))

    async def consume(self, stream: AsyncIterator[Any]) -> None:
        async for message in stream:
            if self.delay:
                await asyncio.sleep(0)
            self.sendMessage(message.upper().encode())


def open_iterating(lab: Lab, **options: Any) -> Side[Iterating]:
    side: Side[Iterating] = open_server(lab, Iterating, **options)
    lab.turn()
    return side


def test_replies_share_one_write(lab: Lab) -> None:
    side = open_iterating(lab)
    side.protocol.data_received(b"".join(side.frame(TEXT, bytes([97 + i])) for i in range(20)))
    assert len(side.transport.writes) == side.seen + 1  # without a turn of the loop
    assert side.frames() == [Frame(TEXT, bytes([65 + i])) for i in range(20)]
    side.lose()
    assert side.protocol.consumer.done()


@pytest.mark.parametrize("end", ["close", "violation"])
def test_replies_come_before_the_end_that_was_read_with_the_message(lab: Lab, end: str) -> None:
    side = open_iterating(lab, failByDrop=False)
    last = side.frame(CLOSE, b"\x03\xe8") if end == "close" else side.frame(7, b"")
    side.protocol.data_received(side.frame(TEXT, b"a") + side.frame(TEXT, b"b") + last)
    assert [frame.opcode for frame in side.frames()] == [TEXT, TEXT, CLOSE]
    side.lose()
    error = side.protocol.consumer.exception()
    assert (error is None) if end == "close" else isinstance(error, ConnectionClosedError)


def test_a_slow_consumer_stops_the_reading(lab: Lab) -> None:
    side = open_iterating(lab, receiveQueueMessages=4)
    side.protocol.delay = True
    side.protocol.data_received(b"".join(side.frame(TEXT, bytes([97 + i])) for i in range(20)))
    assert not side.transport.reading
    for _ in range(10):
        lab.turn()
    assert side.transport.reading
    assert side.frames() == [Frame(TEXT, bytes([65 + i])) for i in range(20)]
    side.lose()


def test_a_stalled_consumer_bounds_what_is_kept(lab: Lab) -> None:
    side: Side[Any] = open_server(lab, Server, receiveQueueMessages=4)
    stream = side.protocol.messages()
    octets = b"".join(side.frame(TEXT, b"x") for _ in range(100))
    side.feed(octets)
    assert stream.count == 4
    assert not side.transport.reading
    got: list[Any] = []

    async def drain() -> None:
        while len(got) < 100:
            got.append(await stream.recv())
            assert stream.count <= 4

    lab.get(drain())
    assert side.transport.reading
    side.lose()


class Both(Server):
    """A hook and an iterator on one connection."""

    def onOpen(self) -> None:
        self.stream = self.messages()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.note("hook", payload)


def test_hook_and_iterator_have_the_same_messages(lab: Lab) -> None:
    side: Side[Any] = open_server(lab, Both)

    async def consume() -> None:
        async for message in side.protocol.stream:
            side.protocol.note("iterator", message)

    task = lab.create_task(consume())
    lab.turn()
    side.feed(side.frame(TEXT, b"1") + side.frame(TEXT, b"2"))
    assert side.protocol.noted("hook") == [(b"1",), (b"2",)]
    assert side.protocol.noted("iterator") == [("1",), ("2",)]
    order = [event[:2] for event in side.protocol.notes]
    assert order.index(("hook", b"1")) < order.index(("iterator", "1"))
    side.lose()
    lab.turn()
    assert task.exception() is not None  # it did not end clean


def test_no_garbage_is_left_by_receiving(lab: Lab) -> None:
    side = open_iterating(lab)
    side.feed(side.frame(TEXT, b"warm up"))
    gc.collect()
    gc.disable()
    try:
        side.feed(*[side.frame(TEXT, b"x")] * 50)
        assert gc.collect() == 0
    finally:
        gc.enable()
    side.lose()
