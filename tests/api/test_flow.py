"""Flow control over real sockets, both ways: what waits is bounded, and nothing is lost."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.support import BINARY, MASK, PING, frame
from wsproto_async import ClientOptions, WebSocket, connect

from .callbacks import callback_server, calling
from .support import RawPeer, raw_client, serving, until

MIB = 1024 * 1024


class Echo:
    def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


class EchoLater:
    async def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        await asyncio.sleep(0)
        self.sendMessage(payload, isBinary)


class Amplify:
    """Answers little with much, which is where a bound at the end of a read would come too late."""

    def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(bytes(50_000), True)


class Nothing:
    pass


async def push(peer: RawPeer, octets: bytes, total: int, is_paused: Callable[[], object]) -> int:
    """Send up to a total, or until the other end has paused reading; how much that was."""
    sent = 0
    while sent < total:
        peer.write(octets)
        sent += len(octets)
        drain = asyncio.ensure_future(peer.writer.drain())
        while not drain.done():
            await asyncio.wait([drain], timeout=0.3)
            if not drain.done() and is_paused():
                drain.cancel()
                return sent
    return sent


@pytest.mark.parametrize(
    ("hooks", "octets", "most"),
    [
        pytest.param(Nothing, frame(PING, b"p" * 125, mask=MASK) * 500, 1, id="pings"),
        pytest.param(Echo, frame(BINARY, bytes(1000), mask=MASK) * 64, 2, id="echoes"),
        pytest.param(EchoLater, frame(BINARY, bytes(1000), mask=MASK) * 64, 2, id="coroutines"),
        pytest.param(Amplify, frame(BINARY, b"tiny", mask=MASK) * 8000, 2, id="large answers"),
    ],
)
async def test_answers_to_a_peer_that_never_reads_are_bounded(
    hooks: type, octets: bytes, most: int
) -> None:
    """It tries to send 24 MiB; what waits stays below ``most`` MiB, and the memory near it."""
    async with callback_server(hooks) as (made, url), raw_client(port(url)) as peer:
        transport: Any = peer.writer.transport
        transport.pause_reading()
        transport.set_write_buffer_limits(0)
        tracemalloc.start()
        try:
            sent = await push(peer, octets, 24 * MIB, lambda: made[0]._answers_wait)
            held, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        [protocol] = made
        assert protocol.open
        assert protocol.bufferedAmount < most * MIB
        assert held < (most + 1) * MIB + len(octets)
        assert peak < (most + 2) * MIB + 2 * len(octets)
        if hooks is not Nothing:
            assert sent < 24 * MIB, "it was read on and on"
            assert protocol.bufferedAmount > MIB / 5


def port(url: str) -> int:
    return int(url.rstrip("/").rpartition(":")[2])


async def test_async_for_does_not_answer_a_peer_that_never_reads() -> None:
    async def echo(ws: WebSocket) -> None:
        async for message in ws:
            await ws.send(message)

    async with serving(echo) as (server, _), raw_client(server) as peer:
        transport: Any = peer.writer.transport
        transport.pause_reading()
        transport.set_write_buffer_limits(0)
        octets = frame(BINARY, bytes(1000), mask=MASK) * 64
        await until(lambda: server.connections)
        [ws] = server.connections
        assert await push(peer, octets, 24 * MIB, lambda: ws.protocol._pauses) < 24 * MIB
        assert ws.buffered_amount < MIB / 4
        assert ws.protocol._stream is not None
        assert ws.protocol._stream.count <= 64
        ws.abort()


@pytest.mark.parametrize("limit", [64, 7, 1])
@pytest.mark.parametrize("role", ["server", "client"])
async def test_slow_coroutine_hooks_are_so_many_tasks(role: str, limit: int) -> None:
    """5,000 messages into a slow ``async def onMessage``."""
    running, peak, tasks = 0, 0, 0
    started: list[int] = []
    full = asyncio.Event()

    class Slow:
        async def onMessage(self, payload: bytes, isBinary: bool) -> None:
            nonlocal running, peak, tasks
            running += 1
            started.append(int(payload))
            peak = max(peak, running)
            tasks = max(tasks, len(asyncio.all_tasks()))
            if running == limit:
                full.set()
            await full.wait()
            await asyncio.sleep(0)
            running -= 1

    async def send_all(ws: WebSocket) -> None:
        for number in range(5000):
            await ws.send(b"%d" % number)

    async def send_and_stay(ws: WebSocket) -> None:
        await send_all(ws)
        await ws.wait_closed()

    if role == "server":
        async with callback_server(Slow, hookConcurrency=limit) as (_, url), connect(url) as ws:
            await send_all(ws)
            await until(lambda: len(started) == 5000)
    else:
        async with serving(send_and_stay) as (_, url):
            protocol = await calling(url, Slow, hookConcurrency=limit)
            await until(lambda: len(started) == 5000)
            protocol.sendClose(1000)
            await protocol.is_closed
    assert peak == limit
    assert tasks <= limit + 5  # the test's own
    assert started == list(range(5000))


async def test_the_application_pauses_its_peer() -> None:
    """``pauseReceiving`` reaches the other end, and ``resumeReceiving`` lets it go on."""

    class Counting:
        count = 0

        def onOpen(self: Any) -> None:
            self.pauseReceiving()

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.count += 1

    async with callback_server(Counting) as (made, url), connect(url) as ws:
        sent = 0

        async def send_on() -> None:
            nonlocal sent
            while sent < 100:
                await ws.send(bytes(MIB))
                sent += 1

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send_on(), 0.5)
        [protocol] = made
        assert protocol.count == 0
        assert ws.buffered_amount > 0
        protocol.resumeReceiving()
        await ws.drain()
        await until(lambda: protocol.count == sent + 1)  # the one that was cancelled has left, too


async def test_on_pause_writing_and_on_resume_writing() -> None:
    told: list[tuple[str, bool]] = []

    class Export:
        def onOpen(self: Any) -> None:
            while not told:
                self.sendMessage(bytes(100_000), True)

        def onPauseWriting(self: Any) -> None:
            told.append(("pause", self.bufferedAmount > 64 * 1024))

        def onResumeWriting(self: Any) -> None:
            told.append(("resume", self.bufferedAmount <= 16 * 1024))

    options = ClientOptions(receive_queue_messages=1)
    async with callback_server(Export) as (_, url), connect(url, options=options) as ws:
        await until(lambda: told)
        while len(told) < 2:
            assert await ws.recv() == bytes(100_000)
        assert told == [("pause", True), ("resume", True)]
