"""``Hub``: topics, in which connections are as long as they live and want to."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import tracemalloc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest

from wsproto_async import (
    BroadcastResult,
    ConnectionClosedError,
    Hub,
    OptionError,
    OptionTypeError,
    PreparedMessage,
    ServerOptions,
    StateError,
    WebSocket,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    connect,
)
from wsproto_async.testing import memory_link, memory_pair

from .support import RawPeer, drain, raw_client, serving, until

MEGABYTES = 200
"""How much is published to a client that does not read."""


@contextlib.asynccontextmanager
async def crowd(number: int) -> AsyncIterator[tuple[list[WebSocket], list[WebSocket]]]:
    """A server's connections, and the clients they lead to."""
    async with contextlib.AsyncExitStack() as stack:
        server, url = await stack.enter_async_context(serving(drain))
        theirs, clients = [], []
        for _ in range(number):
            clients.append(await stack.enter_async_context(connect(url)))
            await until(lambda: len(server.connections) == len(clients))
            theirs.append(next(ws for ws in server.connections if ws not in theirs))
        yield theirs, clients


async def test_only_members_get_it() -> None:
    hub = Hub()
    async with crowd(3) as (theirs, clients):
        assert hub.join("a", theirs[0])
        assert hub.join("a", theirs[1])
        assert hub.join("b", theirs[2])
        result = hub.publish("a", "to a")
        assert (result.sent, result.dropped, result.closed) == (2, 0, 0)
        assert hub.publish("b", b"to b").sent == 1
        assert hub.publish("nobody is here", "x").sent == 0
        assert [await ws.recv() for ws in clients] == ["to a", "to a", b"to b"]
        assert repr(hub) == "<Hub topics=2 connections=3>"


async def test_joining_and_leaving_twice_changes_nothing() -> None:
    hub = Hub()
    async with crowd(1) as ([ws], [client]):
        assert hub.join("a", ws)
        assert not hub.join("a", ws)
        assert not hub.join("a", ws.protocol)  # it is the same connection
        assert hub.publish("a", "once").sent == 1
        assert await client.recv() == "once"
        assert hub.leave("a", ws.protocol)
        assert not hub.leave("a", ws)
        assert not hub.leave("b", ws)
        hub.leave_all(ws)
        assert hub.publish("a", "x").sent == 0
        assert hub.join("a", ws)
        assert hub.publish("a", "again").sent == 1
        assert await client.recv() == "again"


async def test_who_is_where() -> None:
    hub = Hub()
    async with crowd(2) as ([ann, bob], _):
        hub.join("a", ann)
        hub.join("a", bob.protocol)
        hub.join("b", ann)
        assert hub.members("a") == [ann, bob.protocol]
        assert hub.members("c") == []
        assert hub.topics() == {"a", "b"}
        assert hub.topics(ann) == hub.topics(ann.protocol) == {"a", "b"}
        assert hub.topics(bob) == {"a"}
        assert "a" in hub
        assert "c" not in hub
        hub.leave_all(ann)
        assert hub.topics(ann) == set()
        assert hub.topics() == {"a"}
        hub.leave("a", bob)
        assert repr(hub) == "<Hub topics=0 connections=0>"


async def test_the_one_it_came_from_can_be_left_out() -> None:
    hub = Hub()
    async with crowd(2) as ([ann, bob], [_, at_bob]):
        hub.join("a", ann)
        hub.join("a", bob)
        assert hub.publish("a", "x", exclude=ann).sent == 1
        assert hub.publish("a", "y", exclude=ann.protocol).sent == 1
        assert [await at_bob.recv(), await at_bob.recv()] == ["x", "y"]
        hub.leave("a", ann)
        assert hub.publish("a", "z", exclude=ann).sent == 1


async def test_it_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []
    init = PreparedMessage.__init__

    def note(self: PreparedMessage, *args: Any) -> None:
        made.append(args[0])
        init(self, *args)

    monkeypatch.setattr(PreparedMessage, "__init__", note)
    hub = Hub()
    async with crowd(3) as (theirs, clients):
        for ws in theirs:
            hub.join("a", ws)
        hub.publish("a", "Grüße")
        assert [await ws.recv() for ws in clients] == ["Grüße"] * 3
    assert made == ["Grüße".encode()]


# --- the end of a connection ------------------------------------------------------------------


@pytest.mark.parametrize("end", ["close", "abort", "peer closes", "peer aborts"])
async def test_who_is_gone_has_left(end: str) -> None:
    hub = Hub()
    async with crowd(2) as ([ann, bob], [at_ann, _]):
        for ws in (ann, bob):
            hub.join("a", ws)
            hub.join("b", ws)
        ended = at_ann if end.startswith("peer") else ann
        if "close" in end:
            await ended.close()
        else:
            ended.abort()
        await ann.wait_closed()
        assert hub.topics(ann) == set()
        assert hub.members("a") == hub.members("b") == [bob]
        assert hub.publish("a", "x").sent == 1
        assert not hub.join("a", ann)
        assert not hub.leave("a", ann)
    await until(lambda: repr(hub) == "<Hub topics=0 connections=0>")


async def test_somebody_who_cancels_is_closed_changes_nothing() -> None:
    hub = Hub()
    async with crowd(1) as ([ws], _):
        hub.join("a", ws)
        ws.protocol.is_closed.cancel()
        await ws.close()
        assert repr(hub) == "<Hub topics=0 connections=0>"


async def test_a_connection_in_several_hubs() -> None:
    hubs = [Hub(), Hub(), Hub()]
    async with crowd(1) as ([ws], _):
        for hub in hubs:
            hub.join("a", ws)
        hubs[1].leave_all(ws)
        await ws.close()
        assert all(hub.topics() == set() for hub in hubs)


async def test_members_are_freed_without_the_collector() -> None:
    hub: Hub | None = Hub()
    gc.collect()
    gc.disable()
    try:
        async with memory_pair() as pair:
            assert hub is not None
            for topic in "abc":
                hub.join(topic, pair.server)
            gone: list[Any] = [weakref.ref(pair.server), weakref.ref(pair.server.protocol)]
            hub.publish("a", "x")
        del pair
        await until(lambda: [ref() for ref in gone] == [None, None])
        async with memory_pair() as pair:
            hub.join("a", pair.server)
            its_end = weakref.ref(hub)
            hub = None  # a hub is not held by those who have left
            await pair.server.close()
            assert its_end() is None
        del pair
    finally:
        gc.enable()


async def test_ten_thousand_come_and_go() -> None:
    hub = Hub()
    async with crowd(1) as ([ws], _):
        for number in range(10_000):
            hub.join(str(number % 1000), ws)
            hub.leave(str(number % 1000), ws)
        assert repr(hub) == "<Hub topics=0 connections=0>"
        assert ws.protocol._at_end == set()


# --- objects of the contract --------------------------------------------------------------------


async def test_protocol_objects_join_too() -> None:
    hub, sent = Hub(), []

    class Member(WebSocketServerProtocol):
        def onConnect(self, request: Any) -> None:
            hub.join("lobby", self)  # it hears of it once it is open
            sent.append(hub.publish("lobby", "a new one").sent)

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            hub.publish("lobby", payload.decode())

    async with callbacks(Member) as url, connect(url) as ann, connect(url) as bob:
        await ann.send("hello")
        assert [await ann.recv(), await ann.recv()] == ["a new one", "hello"]
        assert await bob.recv() == "hello"
        assert sent == [0, 1]
    await until(lambda: not hub.topics())


async def test_a_hook_may_leave_while_others_are_being_sent_to() -> None:
    hub = Hub(max_buffer=2**30)

    class Member(WebSocketServerProtocol):
        def onOpen(self) -> None:
            members.append(self)

        def onPauseWriting(self) -> None:
            for member in hub.members("a"):
                hub.leave("a", member)

    members: list[Member] = []
    async with callbacks(Member) as url, contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            ws = await stack.enter_async_context(connect(url))
            ws.transport.pause_reading()
            stack.callback(ws.abort)
        await until(lambda: len(members) == 3)
        for member in members:
            hub.join("a", member)
        for _ in range(100):
            if "a" in hub:
                assert hub.publish("a", bytes(1_000_000)).sent == 3
        assert "a" not in hub
        for member in members:
            member.dropConnection(abort=True)


@contextlib.asynccontextmanager
async def callbacks(kind: type[WebSocketServerProtocol]) -> AsyncIterator[str]:
    """A server of the contract, and its URL."""
    factory = WebSocketServerFactory()
    factory.protocol = kind
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await server.wait_closed()


# --- slow members -------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def one_that_stalls(fast: int) -> AsyncIterator[tuple[WebSocket, RawPeer, Any, Any]]:
    """A connection whose client does not read, that client, and the others as in :func:`crowd`."""
    options = ServerOptions(close_timeout=0.1, auto_ping_interval=0)
    async with contextlib.AsyncExitStack() as stack:
        server, url = await stack.enter_async_context(serving(drain, options=options))
        clients = [await stack.enter_async_context(connect(url)) for _ in range(fast)]
        await until(lambda: len(server.connections) == fast)
        theirs = server.connections
        peer = await stack.enter_async_context(raw_client(server))
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await until(lambda: len(server.connections) == fast + 1)
        [slow] = server.connections - theirs
        yield slow, peer, theirs, clients


async def count(ws: WebSocket) -> int:
    """Receive everything; how many octets it was."""
    total = 0
    with contextlib.suppress(ConnectionClosedError):
        async for message in ws:
            total += len(message)
    return total


@pytest.mark.parametrize("policy", ["close", "drop"])
async def test_a_stalled_member_stays_under_the_limit(policy: Any) -> None:
    """Others get everything, and the memory that all of it takes does not grow with it."""
    size, limit = 64 * 1024, 2**20
    messages = MEGABYTES * 2**20 // size
    hub = Hub(on_slow=policy, max_buffer=limit)
    async with one_that_stalls(fast=2) as (slow, _, theirs, clients):
        for ws in (slow, *theirs):
            hub.join("feed", ws)
        counting = [asyncio.create_task(count(ws)) for ws in clients]
        message, most, dropped, closed = os.urandom(size), 0, 0, 0
        tracemalloc.start()
        try:
            for _ in range(messages):
                result = hub.publish("feed", message)
                dropped, closed = dropped + result.dropped, closed + result.closed
                assert result.sent >= 2
                most = max(most, slow.protocol.bufferedAmount)
                for ws in theirs:  # the fast ones set the pace
                    await ws.drain()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        for ws in theirs:
            await ws.close()
        assert await asyncio.gather(*counting) == [messages * size] * 2
        assert limit < most <= limit + size + 100
        assert peak < 8 * 2**20
        assert closed == (policy == "close")
        assert dropped > 100 if policy == "drop" else not dropped
        slow.abort()


async def test_waiting_for_the_slow_ones() -> None:
    hub = Hub(on_slow="wait", max_buffer=100_000)
    async with one_that_stalls(fast=1) as (slow, peer, theirs, [client]):
        for ws in (slow, *theirs):
            hub.join("feed", ws)
        result: BroadcastResult | None = None
        while result is None or not result._slow:
            result = hub.publish("feed", bytes(100_000))
            assert result.sent == 2
            assert await client.recv() == bytes(100_000)
        waiting = asyncio.ensure_future(result._wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        reading = asyncio.create_task(peer.everything())
        assert await waiting is result
        slow.abort()
        await reading


async def test_a_policy_for_one_message() -> None:
    hub = Hub()
    async with one_that_stalls(fast=0) as (slow, _, _, _):
        hub.join("feed", slow)
        while not slow.protocol._writing_paused:
            hub.publish("feed", bytes(1_000_000), max_buffer=2**30)
        assert hub.publish("feed", "x", max_buffer=0, on_slow="drop").dropped == 1
        assert hub.publish("feed", "x", max_buffer=2**30).sent == 1
        assert hub.publish("feed", "x", max_buffer=0).closed == 1
        assert hub.publish("feed", "x").sent == 0  # it is closing
        await slow.wait_closed()
        assert "feed" not in hub


# --- bad arguments ------------------------------------------------------------------------------


async def test_a_peer_cannot_join_for_ever() -> None:
    hub = Hub(max_topics=2)
    async with crowd(1) as ([ws], _):
        hub.join("a", ws)
        hub.join("b", ws)
        with pytest.raises(StateError, match=r"tcp4:127.0.0.1:\d+ is in max_topics=2 topics alr"):
            hub.join("c", ws)
        assert not hub.join("b", ws)
        hub.leave("a", ws)
        assert hub.join("c", ws)
        assert hub.topics() == {"b", "c"}
        unlimited = Hub(max_topics=None)
        for number in range(2000):
            unlimited.join(str(number), ws)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"on_slow": "queue"}, "on_slow must be one of close, drop, wait, not 'queue'"),
        ({"max_buffer": -1}, "max_buffer must be 0 octets or more, not -1"),
        ({"max_topics": 0}, "max_topics must be 1 or more, or None, not 0"),
        ({"max_topics": "2"}, "max_topics must be int or None, not str"),
    ],
)
def test_bad_arguments_of_a_hub(arguments: Any, error: str) -> None:
    with pytest.raises(OptionError, match=error):
        Hub(**arguments)


async def test_bad_arguments_of_its_methods() -> None:
    hub: Any = Hub()
    async with crowd(1) as ([ws], _):
        with pytest.raises(OptionTypeError, match="topic must be str, not int"):
            hub.join(1, ws)
        with pytest.raises(OptionTypeError, match="connection must be WebSocket or WebSocketPro"):
            hub.join("a", ws.transport)
        with pytest.raises(OptionTypeError, match="topic must be str, not WebSocket"):
            hub.publish(ws, "a")
        with pytest.raises(OptionTypeError, match="message must be str or bytes-like, not int"):
            hub.publish("a", 5)
        with pytest.raises(OptionError, match="on_slow must be one of"):
            hub.publish("a", "x", on_slow="maybe")
        with pytest.raises(StateError, match="before connection_made"):
            hub.join("a", WebSocketServerProtocol())
        assert repr(hub) == "<Hub topics=0 connections=0>"


async def test_in_memory_as_well() -> None:
    hub = Hub()

    class Member(WebSocketServerProtocol):
        def onOpen(self) -> None:
            hub.join("a", self)

    def member() -> Member:
        factory = WebSocketServerFactory()
        factory.protocol = Member
        protocol: Member = factory()
        return protocol

    link = memory_link(asyncio.Protocol, member)
    link.cut()
    await asyncio.sleep(0)
    assert not hub.topics()
