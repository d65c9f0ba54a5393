"""The load generator counts what a server has really done, and notices what is wrong."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest
import trustme

from benchmarks import load
from benchmarks.frames import json_texts, message, payload_length, traffic
from benchmarks.process import Usage, Window, why_not
from benchmarks.scenarios import SCENARIOS, Scenario
from tests.contract.support import frames
from wsproto_async import WebSocketServerFactory, WebSocketServerProtocol
from wsproto_async.compress import accept_deflate

pytestmark = pytest.mark.skipif(why_not() is not None, reason="not on this system")


class Counting(WebSocketServerProtocol):
    """Echoes, and counts what it did in its factory."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.seen["messages"] += 1
        self.factory.seen["octets"] += len(payload)
        self.sendMessage(payload, isBinary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.factory.seen["clean" if wasClean else "unclean"] += 1


class Broadcasting(Counting):
    def onOpen(self) -> None:
        self.factory.clients.append(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        for client in self.factory.clients:
            self.factory.seen["messages"] += 1
            client.sendMessage(payload, isBinary)


class Changing(Counting):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload[::-1], isBinary)


class Closing(Counting):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendClose(1000)


class Factory(WebSocketServerFactory):
    def __init__(self, protocol: type[Counting], deflate: bool = False) -> None:
        super().__init__()
        self.protocol = protocol
        self.seen: Counter[str] = Counter()
        self.clients: list[Broadcasting] = []
        self.made: list[Counting] = []
        if deflate:
            self.setProtocolOptions(perMessageCompressionAccept=accept_deflate)

    def __call__(self) -> Counting:
        protocol: Counting = super().__call__()
        self.made.append(protocol)
        return protocol

    async def drop_all(self) -> None:
        """Some do not know yet that their client is gone, and some are just being accepted."""
        await turns()
        while accepting := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(accepting)
        for protocol in self.made:
            if protocol.transport is not None:
                protocol.transport.abort()
        await turns()


async def turns() -> None:
    """Let the loop do what it has to do."""
    for _ in range(5):
        await asyncio.sleep(0)


@contextmanager
def serving(factory: Factory, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on a loop of its own thread; gives its port."""
    started, ports = threading.Event(), []

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        server = await loop.create_server(factory, "127.0.0.1", 0, ssl=context)
        ports.extend(
            [server.sockets[0].getsockname()[1], lambda: loop.call_soon_threadsafe(over.set)]
        )
        started.set()
        async with server:
            await over.wait()
            await factory.drop_all()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    assert started.wait(10)
    port, stop = ports
    try:
        yield port
    finally:
        stop()
        thread.join(10)


def opened(
    port: int, scenario: Scenario, trust: ssl.SSLContext | None = None
) -> AbstractContextManager[list[load.Link]]:
    return load.open_links(
        port,
        traffic(scenario),
        count=scenario.connections,
        depth=scenario.depth,
        trust=trust,
    )


ECHOES = {
    "one": Scenario("", size=32),
    "deep": Scenario("", connections=3, depth=16, size=256),
    "large": Scenario("", size=1_000_000, binary=True),
    "large and deep": Scenario("", size=300_000, depth=8),
    "fragments": Scenario("", connections=2, size=5000, fragments=64),
    "deflate": Scenario("", connections=2, size=1024, deflate=True),
}


@pytest.mark.parametrize("name", ECHOES)
def test_counts_what_was_echoed(name: str) -> None:
    scenario = ECHOES[name]
    factory = Factory(Counting, scenario.deflate)
    with serving(factory) as port, opened(port, scenario) as links:
        load.check(links)
        window = Window(os.getpid(), 0.05)
        load.echo(links, scenario.depth, window)
        counted = sum(link.messages for link in links)
        assert factory.seen["messages"] == counted + len(links)  # one each for the check
        assert factory.seen["octets"] == factory.seen["messages"] * scenario.size
        assert 0 < window.messages <= counted
        assert not any(link.unsent for link in links)
        assert window.usage.cpu > 0
        assert window.seconds >= 0.05


def test_counts_over_tls() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    scenario = Scenario("", connections=2, depth=4, size=40_000)
    factory = Factory(Counting)
    with serving(factory, context) as port, opened(port, scenario, trust) as links:
        load.check(links)
        load.echo(links, scenario.depth, Window(os.getpid(), 0.05))
        assert factory.seen["messages"] == sum(link.messages for link in links) + len(links) > 2


def test_counts_what_everybody_gets() -> None:
    scenario = replace(SCENARIOS["fanout"], connections=20)
    factory = Factory(Broadcasting)
    with serving(factory) as port, opened(port, scenario) as links:
        for link in links:
            link.sock.setblocking(False)
        window = Window(os.getpid(), 0.05)
        load.fanout(links, window)
        counted = sum(link.messages for link in links)
        assert factory.seen["messages"] == counted
        assert counted % 20 == 0
        assert 0 < window.messages <= counted


def test_counts_connections_that_are_closed_by_the_rules() -> None:
    factory = Factory(Counting)
    with serving(factory) as port:
        window = Window(os.getpid(), 0.05)
        load.connect(port, 5, window)
    assert 0 < window.messages <= factory.seen["clean"]


@pytest.mark.parametrize(
    ("protocol", "says"), [(Changing, "another message"), (Closing, "closed")], ids=["other", "end"]
)
def test_another_echo_is_noticed(protocol: type[Counting], says: str) -> None:
    scenario = Scenario("", size=64)
    with (
        serving(Factory(protocol)) as port,
        opened(port, scenario) as links,
        pytest.raises(load.LoadError, match=says),
    ):
        load.check(links)


def test_a_server_that_does_not_compress_is_noticed() -> None:
    scenario = Scenario("", deflate=True)
    with (
        serving(Factory(Counting)) as port,
        pytest.raises(load.LoadError, match="permessage-deflate"),
        opened(port, scenario),
    ):
        pass


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
@pytest.mark.parametrize("fragments", [1, 3])
@pytest.mark.parametrize("masked", [True, False])
def test_messages_are_what_they_should_be(size: int, fragments: int, masked: bool) -> None:
    payload = os.urandom(size)
    read = frames(message(payload, masked=masked, binary=True, fragments=fragments))
    assert b"".join(frame.payload for frame in read) == payload
    assert [frame.fin for frame in read] == [False] * (len(read) - 1) + [True]
    assert [frame.opcode for frame in read] == [2] + [0] * (len(read) - 1)
    assert {frame.mask is not None for frame in read} == {masked}
    assert len(read) == min(fragments, max(size, 1))


@pytest.mark.parametrize("size", [0, 125, 126, 65536])
def test_lengths_are_read_as_soon_as_they_are_there(size: int) -> None:
    octets = message(bytes(size), masked=False)
    head = len(octets) - size
    assert payload_length(octets) == (head, size)
    assert payload_length(octets[: head - 1]) is None


def test_json_texts_are_all_different() -> None:
    texts = json_texts(1024, 64)
    assert len(set(texts)) == 64
    assert {len(text) for text in texts} == {1024}


def test_usage_grows() -> None:
    before = Usage.of(os.getpid())
    while Usage.of(os.getpid()).cpu < before.cpu + 0.01:
        pass
    assert Usage.of(os.getpid()).waited >= before.waited
