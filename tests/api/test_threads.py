"""Sending from other threads, in both worlds, and being told where that is wrong."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
from collections.abc import Callable
from typing import Any

import pytest

from wsproto_async import (
    ConnectionClosed,
    Disconnected,
    StateError,
    WebSocket,
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    broadcast,
    connect,
)
from wsproto_async.api.client_link import ClientLinkFactory
from wsproto_async.testing import memory_link

from .support import port_of, raw_client, serving, until


class Collector:
    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def __call__(self, ws: WebSocket) -> None:
        async for message in ws:
            self.messages.append(message)


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


async def protocol_for(url: str) -> WebSocketClientProtocol:
    """A protocol of the contract, open."""
    factory = WebSocketClientFactory(url)
    _, protocol = await asyncio.get_running_loop().create_connection(
        factory, factory.host, factory.port
    )
    client: WebSocketClientProtocol = protocol
    await client.is_open
    return client


@pytest.mark.parametrize("debug", [False, True])
async def test_messages_of_a_thread_keep_their_order(debug: bool) -> None:
    def send(ws: WebSocket, name: str) -> None:
        futures = [ws.send_threadsafe(f"{name}{n}") for n in range(500)]
        for future in futures:
            assert future.result(5) is None

    asyncio.get_running_loop().set_debug(debug)
    collect = Collector()
    async with serving(collect) as (_, url), connect(url) as ws:
        await asyncio.gather(in_thread(send, ws, "a"), in_thread(send, ws, "b"))
        await until(lambda: len(collect.messages) == 1000)
        for name in "ab":
            theirs = [message for message in collect.messages if message[0] == name]
            assert theirs == [f"{name}{n}" for n in range(500)]
    asyncio.get_running_loop().set_debug(False)


@pytest.mark.parametrize("debug", [False, True])
async def test_with_callbacks(debug: bool) -> None:
    def send(protocol: WebSocketClientProtocol) -> None:
        for n in range(100):
            protocol.sendMessageThreadsafe(b"%d" % n, isBinary=True).result(5)

    asyncio.get_running_loop().set_debug(debug)
    collect = Collector()
    async with serving(collect) as (_, url):
        protocol = await protocol_for(url)
        await in_thread(send, protocol)
        await until(lambda: len(collect.messages) == 100)
        assert collect.messages == [b"%d" % n for n in range(100)]
        protocol.sendClose(1000)
        await protocol.wait_closed()
        with pytest.raises(Disconnected):
            await in_thread(lambda: protocol.sendMessageThreadsafe(b"x").result(5))
    asyncio.get_running_loop().set_debug(False)


async def test_the_thread_waits_for_a_slow_peer() -> None:
    def send() -> concurrent.futures.Future[None]:
        while True:
            future = waiting[0].send_threadsafe(bytes(1_000_000))
            if concurrent.futures.wait([future], 0.05).not_done:
                return future

    async def hold(ws: WebSocket) -> None:
        waiting.append(ws)
        await ws.wait_closed()

    waiting: list[WebSocket] = []
    async with serving(hold) as (server, _), raw_client(server) as peer:
        await until(lambda: waiting)
        future = await in_thread(send)
        assert waiting[0].buffered_amount < 10_000_000
        peer.abort()
        with pytest.raises(ConnectionClosed):
            await in_thread(future.result, 5)


async def test_what_send_would_raise() -> None:
    async with serving() as (_, url):
        async with connect(url) as ws:
            with pytest.raises(TypeError, match="message"):
                await in_thread(lambda: ws.send_threadsafe(1).result(5))  # type: ignore[arg-type]
        with pytest.raises(ConnectionClosed):
            await in_thread(lambda: ws.send_threadsafe("x").result(5))


async def test_the_thread_may_run_a_loop_of_its_own() -> None:
    async def elsewhere() -> None:
        await asyncio.wrap_future(ws.send_threadsafe("from another loop"))

    async with serving() as (_, url), connect(url) as ws:
        await in_thread(lambda: asyncio.run(elsewhere()))
        assert await ws.recv() == "from another loop"


async def test_it_is_not_for_the_loop_itself() -> None:
    async with serving() as (_, url), connect(url) as ws:
        with pytest.raises(StateError, match=r"use await send\(\)"):
            ws.send_threadsafe("x")
        with pytest.raises(StateError, match=r"use sendMessage\(\)"):
            ws.protocol.sendMessageThreadsafe(b"x")
    gc.collect()  # no coroutine was never awaited


def test_a_loop_that_is_closed() -> None:
    async def main() -> tuple[WebSocket, WebSocketClientProtocol]:
        async with serving() as (_, url):
            protocol = await protocol_for(url)
            async with connect(url) as ws:
                pass
            protocol.sendClose(1000)
            await protocol.wait_closed()
            return ws, protocol

    ws, protocol = asyncio.run(main())
    with pytest.raises(ConnectionClosed):
        ws.send_threadsafe("x")
    with pytest.raises(Disconnected, match="closed"):
        protocol.sendMessageThreadsafe(b"x")
    gc.collect()


def test_a_loop_that_is_closed_before_the_connection() -> None:
    async def main() -> Any:
        factory = ClientLinkFactory("ws://localhost/")
        factory.where = "nowhere"
        link = memory_link(factory, WebSocketServerFactory())
        await link.client.is_open
        return link.client.ws

    ws = asyncio.run(main())
    assert ws.close_info is None  # nobody can have told it
    with pytest.raises(Disconnected, match="the connection's loop is closed"):
        ws.send_threadsafe("x")
    gc.collect()


WRONG: list[Callable[[WebSocket], Any]] = [
    lambda ws: asyncio.run(send(ws)),
    lambda ws: asyncio.run(ws.close()),
    lambda ws: ws.ping(),
    lambda ws: ws.pong(),
    lambda ws: broadcast([ws], "x"),
    lambda ws: ws.protocol.sendMessage(b"x"),
    lambda ws: ws.protocol.sendPing(),
    lambda ws: ws.protocol.sendClose(1000),
    lambda ws: ws.protocol.beginMessage(),
    lambda ws: ws.protocol.sendFrame(1),
    lambda ws: ws.protocol.sendData(b""),
    lambda ws: ws.protocol.pauseReceiving(),
    lambda ws: ws.protocol.resumeReceiving(),
    lambda ws: asyncio.run(ws.drain()),
    lambda ws: ws.abort(),
]


async def send(ws: WebSocket) -> None:
    await ws.send("x")


@pytest.mark.parametrize("wrong", range(len(WRONG)))
async def test_debug_mode_tells(wrong: int) -> None:
    async def expect(ws: WebSocket) -> None:
        async for message in ws:
            assert message == "right"
            await ws.send(message)

    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    try:
        async with serving(expect) as (server, url), connect(url) as ws:
            await until(lambda: server.connections)
            for connection in (ws, *server.connections):
                with pytest.raises(StateError, match="not the loop's"):
                    await in_thread(WRONG[wrong], connection)
            await ws.send("right")
            assert await ws.recv() == "right"
    finally:
        loop.set_debug(False)


async def test_it_tells_what_to_call_instead() -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    try:
        async with serving() as (_, url), connect(url) as ws:
            with pytest.raises(StateError, match=r"loop's: send\(\); use send_threadsafe\(\)$"):
                await in_thread(lambda: asyncio.run(send(ws)))
            with pytest.raises(StateError, match=r"use sendMessageThreadsafe\(\)$"):
                await in_thread(ws.protocol.sendMessage, b"x")
    finally:
        loop.set_debug(False)


async def test_nothing_is_paid_without_it() -> None:
    async with serving() as (_, url), connect(url) as ws:
        assert not {"_thread", "_by_frames"} & ws.protocol.__dict__.keys()
        assert not ws.protocol._slow_send
        assert not ws._careful


async def test_debug_mode_sends_the_same() -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    try:
        async with serving() as (server, url), connect(url) as ws:
            for message in ("x", b"y", "z" * 100_000, b""):
                await ws.send(message)
                assert await ws.recv() == message
            assert await ws.ping() > 0
            assert port_of(server)
    finally:
        loop.set_debug(False)
