"""Automatic pings over real sockets: the healthy live, the dead do not; both styles, both roles."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest

from tests.contract.support import CLOSE, PING, PONG
from wsproto_async import (
    ClientOptions,
    CloseInfo,
    ConnectionClosed,
    ServerOptions,
    WebSocket,
    connect,
)

from .callbacks import callback_server, calling
from .support import RawPeer, port_of, raw_client, raw_server, serving, until

TIMEOUT = 0.1
PINGING: dict[str, Any] = {"auto_ping_interval": 0.05, "auto_ping_timeout": TIMEOUT}
LEGACY: dict[str, Any] = {"autoPingInterval": 0.05, "autoPingTimeout": TIMEOUT}
QUIET: dict[str, Any] = {"auto_ping_interval": 0}

SERVER = ServerOptions(**PINGING)
CLIENT = ClientOptions(**PINGING)

MESSAGES = [bytes([number]) * 300_000 for number in range(3)]


class Slow:
    """A consumer that takes ten times the timeout for each message."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def handler(self, ws: WebSocket) -> None:
        async for message in ws:
            await asyncio.sleep(10 * TIMEOUT)
            self.got.append(message)

    def hooks(self) -> type:
        got = self.got

        class Hooks:
            async def onMessage(self, payload: bytes, isBinary: bool) -> None:
                await asyncio.sleep(10 * TIMEOUT)
                got.append(payload)

        return Hooks


async def send_all(ws: WebSocket) -> None:
    for message in MESSAGES:
        await ws.send(message)


async def test_a_slow_consumer_does_not_lose_its_peer() -> None:
    """With 10 times the timeout for each message, and the pong behind other messages."""
    await asyncio.gather(*slow_consumers(pong_only=False), *slow_consumers(pong_only=True))


def slow_consumers(pong_only: bool) -> list[Coroutine[Any, Any, None]]:
    strict: dict[str, Any] = {
        "auto_ping_restart_on_any_traffic": not pong_only,
        "receive_queue_messages": 1,
    }

    async def coroutine_server() -> None:
        slow = Slow()
        options = ServerOptions(**PINGING, **strict)
        async with (
            serving(slow.handler, options=options) as (server, url),
            connect(url, options=ClientOptions(**QUIET)) as ws,
        ):
            await send_all(ws)
            await until_all(slow.got)
            assert len(server.connections) == 1
        assert slow.got == MESSAGES

    async def coroutine_client() -> None:
        slow = Slow()
        async with serving(send_and_stay, options=ServerOptions(**QUIET)) as (_, url):
            async with connect(url, options=ClientOptions(**PINGING, **strict)) as ws:
                consumer = asyncio.create_task(slow.handler(ws))
                await until_all(slow.got)
                assert ws.close_info is None
            await consumer
        assert slow.got == MESSAGES

    legacy: dict[str, Any] = {"autoPingRestartOnAnyTraffic": not pong_only, "hookConcurrency": 1}

    async def callbacks_server() -> None:
        slow = Slow()
        async with (
            callback_server(slow.hooks(), **LEGACY, **legacy) as (made, url),
            connect(url, options=ClientOptions(**QUIET)) as ws,
        ):
            await send_all(ws)
            await until_all(slow.got)
            assert made[0].open
        assert slow.got == MESSAGES

    async def callbacks_client() -> None:
        slow = Slow()
        async with serving(send_and_stay, options=ServerOptions(**QUIET)) as (_, url):
            protocol = await calling(url, slow.hooks(), **LEGACY, **legacy)
            await until_all(slow.got)
            assert protocol.open
            protocol.sendClose(1000)
            await protocol.is_closed
        assert slow.got == MESSAGES

    return [coroutine_server(), coroutine_client(), callbacks_server(), callbacks_client()]


async def until_all(got: list[Any]) -> None:
    async with asyncio.timeout(30):
        while len(got) < len(MESSAGES):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def send_and_stay(ws: WebSocket) -> None:
    await send_all(ws)
    await ws.wait_closed()


async def test_a_blocked_loop_is_not_the_peers_fault() -> None:
    """The peer has a loop of its own, in a thread, and answers at once."""
    ended: list[CloseInfo | None] = []
    stop = threading.Event()

    async def healthy(url: str) -> None:
        async with connect(url, options=ClientOptions(**QUIET)) as ws:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ws.recv(), 0.01)
            ended.append(ws.close_info)

    async def busy(ws: WebSocket) -> None:
        for seconds in (0.9, 1.05, 1.5, 10):  # of the timeout
            await asyncio.sleep(0.06)  # a ping has been sent
            time.sleep(seconds * TIMEOUT)  # noqa: ASYNC251
        await asyncio.sleep(0.2)
        assert ws.close_info is None
        stop.set()
        await ws.wait_closed()

    async with serving(busy, options=SERVER) as (_, url):
        thread = threading.Thread(target=asyncio.run, args=(healthy(url),))
        thread.start()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
    assert ended == [None]


# --- dead peers -----------------------------------------------------------------------------------


async def never(peer: RawPeer) -> None:
    """The peer does nothing: it neither reads nor sends."""
    await asyncio.Event().wait()


async def flood(peer: RawPeer) -> None:
    """The peer sends as much as it is let, and reads nothing."""
    is_server = peer.head.startswith(b"GET")
    octets = b"\x82\x7e\x03\xe8" if is_server else b"\x82\xfe\x03\xe8" + bytes(4)
    octets += bytes(1000)
    with contextlib.suppress(ConnectionError):
        while True:
            peer.write(octets * 100)
            await peer.writer.drain()


async def wait(ws: WebSocket) -> None:
    await ws.wait_closed()


async def push(ws: WebSocket) -> None:
    while True:
        await ws.send(bytes(100_000))


async def answer(ws: WebSocket) -> None:
    async for message in ws:
        await ws.send(bytes(100_000) if message else b"")


class Push:
    async def onOpen(self: Any) -> None:
        while self.open:
            self.sendMessage(bytes(100_000), True)
            await self.drain()


class Answer:
    def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(bytes(100_000), True)


class AnswerLater:
    async def onMessage(self: Any, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(bytes(100_000), True)
        await self.drain()


class Nothing:
    pass


@pytest.mark.parametrize(
    ("peer", "handler", "hooks"),
    [
        (never, wait, Nothing),
        (never, push, Push),
        (flood, answer, Answer),
        (flood, answer, AnswerLater),
    ],
)
@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("style", ["coroutines", "callbacks"])
async def test_a_dead_peer_is_dropped_in_time(
    style: str,
    role: str,
    peer: Callable[[RawPeer], Awaitable[None]],
    handler: Callable[[WebSocket], Awaitable[None]],
    hooks: type,
) -> None:
    """Also while we send to it, and where reading is paused since it takes nothing."""
    async with asyncio.timeout(10), ending(style, role, peer, handler, hooks) as info:
        assert info.initiator == "local"
        assert "auto_ping_timeout=0.1 s" in str(info)


@contextlib.asynccontextmanager
async def ending(
    style: str, role: str, peer: Any, handler: Any, hooks: type
) -> AsyncIterator[CloseInfo]:
    """How a connection with such a peer ends."""
    infos: list[CloseInfo | None] = []

    async def remembering(ws: WebSocket) -> None:
        try:
            await handler(ws)
        except ConnectionClosed as closed:
            infos.append(closed.close_info)
        else:
            infos.append(ws.close_info)

    async with contextlib.AsyncExitStack() as stack:
        if role == "server":
            if style == "coroutines":
                server, _ = await stack.enter_async_context(serving(remembering, options=SERVER))
                port = port_of(server)
            else:
                made, url = await stack.enter_async_context(callback_server(hooks, **LEGACY))
                port = int(url.rstrip("/").rpartition(":")[2])
            raw = await stack.enter_async_context(raw_client(port))
            script = asyncio.create_task(peer(raw))
            if style == "callbacks":
                await made[0].is_closed
                await until(lambda: made[0].close_info)
                infos.append(made[0].close_info)
            else:
                await until(lambda: infos)
            script.cancel()
            await asyncio.gather(script, return_exceptions=True)
        else:
            url = await stack.enter_async_context(raw_server(peer))
            if style == "coroutines":
                await remembering(await connect(url, options=CLIENT))
            else:
                protocol = await calling(url, hooks, **LEGACY)
                await protocol.is_closed
                await until(lambda: protocol.close_info)
                infos.append(protocol.close_info)
        [info] = infos
        assert info is not None
        yield info


# --- latency --------------------------------------------------------------------------------------


async def test_latency_is_of_the_line_and_not_of_a_slow_consumer() -> None:
    async def script(peer: RawPeer) -> None:
        ping = await peer.frame()
        assert ping.opcode == PING
        peer.send(2, b"x" * 200_000)
        peer.send(2, b"y" * 200_000)
        peer.send(PONG, ping.payload)  # at once, but behind messages that nobody takes yet
        ping = await peer.frame()
        peer.send(PONG, ping.payload)
        while (frame := await peer.frame()).opcode != CLOSE:
            pass
        peer.send(CLOSE, frame.payload)

    options = ClientOptions(auto_ping_interval=0.05, auto_ping_timeout=5, receive_queue_messages=1)
    async with raw_server(script) as url, connect(url, options=options) as ws:
        await asyncio.sleep(0.5)
        assert ws.latency == 0
        assert ws.protocol.latency == 0
        await ws.recv()
        await ws.recv()
        await until(lambda: ws.latency)
        assert 0 < ws.latency < 0.4
        assert ws.protocol.latency == ws.latency
