"""``broadcast``: everybody gets it, and the slow ones cost nobody anything."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.support import CLOSE, TEXT
from wsproto_async import (
    Deflate,
    OptionError,
    PayloadExceededError,
    Server,
    ServerOptions,
    WebSocket,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    broadcast,
    connect,
    serve_factory,
)
from wsproto_async.testing import memory_pair

from .support import RawPeer, drain, raw_client, serving, until

OPTIONS = ServerOptions(close_timeout=0.1)


@contextlib.asynccontextmanager
async def crowd(number: int) -> AsyncIterator[tuple[Server, list[WebSocket]]]:
    """A server and its clients."""
    async with contextlib.AsyncExitStack() as stack:
        server, url = await stack.enter_async_context(serving(drain, options=OPTIONS))
        clients = [await stack.enter_async_context(connect(url)) for _ in range(number)]
        await until(lambda: len(server.connections) == number)
        yield server, clients


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Grüße", "Grüße"),
        (b"\x00\xff", b"\x00\xff"),
        (bytearray(b"x"), b"x"),
        (memoryview(b"x"), b"x"),
        ("", ""),
        ("x" * 100_000, "x" * 100_000),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_everybody_gets_it(message: Any, expected: str | bytes) -> None:
    async with crowd(5) as (server, clients):
        result = broadcast(server.connections, message)
        assert (result.sent, result.dropped, result.closed) == (5, 0, 0)
        assert repr(result) == "<BroadcastResult sent=5 dropped=0 closed=0>"
        assert [await ws.recv() for ws in clients] == [expected] * 5


@pytest.mark.parametrize("compression", [None, Deflate(min_size=0)])
async def test_a_message_that_is_too_large_for_some(compression: Deflate | None) -> None:
    news = os.urandom(2000)
    options = ServerOptions(max_message_payload_size=1000)
    async with (
        memory_pair() as one,
        memory_pair(
            server={"options": options, "compression": compression},
            client={"compression": compression},
        ) as small,
        memory_pair() as other,
    ):
        with pytest.raises(PayloadExceededError, match="exceeds max_message_payload_size=1000"):
            broadcast([one.server, small.server, other.server], news)
        broadcast([small.server], news[:900])
        assert [await one.client.recv(), await other.client.recv()] == [news, news]
        assert await small.client.recv() == news[:900]


async def test_the_order_with_other_messages_stays() -> None:
    async with crowd(3) as (server, clients):
        for number in range(10):
            for ws in server.connections:
                await ws.send(f"a{number}")
            broadcast(server.connections, f"b{number}")
        for ws in clients:
            got = [await ws.recv() for _ in range(20)]
            assert got == [f"{kind}{number}" for number in range(10) for kind in "ab"]


async def test_clients_and_protocol_objects() -> None:
    async with crowd(2) as (server, clients):
        protocols = {ws.protocol for ws in server.connections}
        assert broadcast(protocols, "x").sent == 2
        assert [await ws.recv() for ws in clients] == ["x", "x"]
        # A client masks each message anew.
        assert broadcast(clients, "y").sent == 2


async def test_objects_of_the_contract() -> None:
    class Member(WebSocketServerProtocol):
        def onOpen(self) -> None:
            members.append(self)

    members: list[WebSocketServerProtocol] = []
    factory = WebSocketServerFactory()
    factory.protocol = Member
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with connect(url) as ws:
        await until(lambda: members)
        assert broadcast(members, "x").sent == 1
        assert await ws.recv() == "x"
        members[0].logFrames = True  # which shows what is sent frame by frame
        assert broadcast(members, "y").sent == 1
        assert await ws.recv() == "y"
    server.close()
    await server.wait_closed()


async def test_whoever_is_not_open_is_passed_over() -> None:
    async with crowd(3) as (server, _):
        theirs = list(server.connections)
        await theirs[0].close()
        closing = asyncio.create_task(theirs[1].close())
        await asyncio.sleep(0)
        assert broadcast(theirs, "x").sent == 1
        assert broadcast([], "x").sent == 0
        await closing


async def test_whoever_is_in_the_middle_of_a_message_does_not_get_it() -> None:
    async def fragments() -> AsyncIterator[str]:
        yield "a"
        await turn.wait()
        yield "b"

    turn = asyncio.Event()
    async with crowd(1) as (server, (client,)):
        (ws,) = server.connections
        sending = asyncio.create_task(ws.send(fragments()))
        await until(lambda: ws._connection.send_state)
        result = broadcast([ws], "x")
        assert (result.sent, result.dropped) == (0, 1)
        turn.set()
        await sending
        assert broadcast([ws], "y").sent == 1
        assert [await client.recv(), await client.recv()] == ["ab", "y"]


@contextlib.asynccontextmanager
async def a_slow_one() -> AsyncIterator[
    tuple[WebSocket, RawPeer, list[WebSocket], list[WebSocket]]
]:
    """A slow connection with more than 1 MiB waiting; its peer; all connections; other clients."""
    async with crowd(2) as (server, clients), raw_client(server) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await until(lambda: len(server.connections) == 3)
        host = peer.writer.get_extra_info("sockname")
        (slow,) = (ws for ws in server.connections if ws.remote_address == host)
        for _ in range(40):
            slow.protocol.sendMessage(bytes(200_000), True)
        await until(lambda: slow.protocol._writing_paused)
        assert slow.transport.get_write_buffer_size() > 2**20
        yield slow, peer, list(server.connections), clients


async def test_a_slow_one_is_closed() -> None:
    async with a_slow_one() as (slow, _, everybody, clients):
        result = broadcast(everybody, "x")
        assert (result.sent, result.dropped, result.closed) == (2, 0, 1)
        result = broadcast(everybody, "y")
        assert (result.sent, result.dropped, result.closed) == (2, 0, 0)
        for ws in clients:
            assert [await ws.recv(), await ws.recv()] == ["x", "y"]
        await asyncio.wait_for(slow.wait_closed(), 2)
        assert slow.close_info is not None
        assert slow.close_info.sent_code == 1008
        assert slow.close_info.sent_reason == "reads too slowly"


async def test_a_slow_one_goes_without() -> None:
    async with a_slow_one() as (slow, peer, everybody, clients):
        before = slow.protocol.bufferedAmount
        for _ in range(100):
            result = broadcast(everybody, "x" * 10_000, on_slow="drop")
            assert (result.sent, result.dropped, result.closed) == (2, 1, 0)
            for ws in clients:
                await ws.recv()
        assert slow.protocol.bufferedAmount <= before
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(40):
            assert len((await peer.frame()).payload) == 200_000
        assert broadcast([slow], "back again").sent == 1
        assert (await peer.frame()) == (TEXT, b"back again", True, 0, None)


async def test_a_slow_one_is_waited_for() -> None:
    async with a_slow_one() as (_, peer, everybody, clients):
        result = broadcast(everybody, "x", on_slow="wait")
        assert (result.sent, result.dropped, result.closed) == (3, 0, 0)
        assert [await ws.recv() for ws in clients] == ["x", "x"]
        waiting = asyncio.ensure_future(result._wait())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(40):
            await peer.frame()
        assert (await peer.frame()).payload == b"x"
        assert await waiting is result
        assert await result is result


async def test_waiting_ends_with_the_connection() -> None:
    async with a_slow_one() as (slow, _, everybody, _):
        result = broadcast(everybody, "x", on_slow="wait")
        slow.abort()
        await result


async def test_the_limit_can_be_set() -> None:
    async with a_slow_one() as (_, _, everybody, _):
        assert broadcast(everybody, "x", max_buffer=2**30).sent == 3
        assert broadcast(everybody, "x", max_buffer=0, on_slow="drop").dropped == 1


async def test_the_set_may_change_while_it_is_sent() -> None:
    class Slow(WebSocketServerProtocol):
        def onOpen(self) -> None:
            clients.add(self)

        def onPauseWriting(self) -> None:
            clients.discard(self)

    clients: set[WebSocketServerProtocol] = set()
    factory = WebSocketServerFactory()
    factory.protocol = Slow
    async with (
        serve_factory(factory, "127.0.0.1", 0) as server,
        raw_client(server),
        raw_client(server),
    ):
        await until(lambda: len(clients) == 2)
        while clients:
            broadcast(clients, bytes(30_000), on_slow="wait")
        for protocol in server.protocols:
            protocol.dropConnection(abort=True)


async def test_the_set_may_change_while_the_slow_are_closed() -> None:
    async def member(ws: WebSocket) -> None:
        members.add(ws)
        try:
            async for _ in ws:
                pass
        finally:
            members.discard(ws)

    members: set[WebSocket] = set()
    async with serving(member, options=OPTIONS) as (server, url), connect(url), connect(url):
        await until(lambda: len(members) == 2)
        for ws in members:
            ws.protocol.sendMessage(bytes(1_000_000), True)
            ws.protocol.sendMessage(bytes(1_000_000), True)
        broadcast(members, "x", max_buffer=0)
        await server.close()
    assert members == set()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            {"connections": {"ann": ...}},
            "connection must be WebSocket or WebSocketProtocol, not str",
        ),
        ({"message": 5}, "message must be str or bytes-like, not int"),
        ({"message": ["a"]}, "message must be str or bytes-like, not list"),
        ({"on_slow": "queue"}, "on_slow must be one of close, drop, wait, not 'queue'"),
        ({"max_buffer": -1}, "max_buffer must be 0 octets or more, not -1"),
        ({"max_buffer": 1.5}, "max_buffer must be int, not float"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(OptionError, match=error):
        broadcast(**{"connections": [], "message": "x", **arguments})


async def test_a_close_frame_is_what_the_slow_one_gets() -> None:
    async with a_slow_one() as (slow, peer, _, _):
        slow.protocol._timers.hurry(5)
        broadcast([slow], "x")
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        while (got := await peer.frame()).opcode != CLOSE:
            pass
        assert got.payload[2:] == b"reads too slowly"
