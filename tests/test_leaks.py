"""Connections are freed by reference counting: nobody waits for the garbage collector.

A server that makes cycles keeps thousands of dead connections alive between two collections.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from wsproto_async import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)

from .contract.conftest import lab
from .contract.support import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Lab,
    Side,
    close_payload,
    connect,
    open_side,
    server_factory,
)
from .helpers import LOOPS

__all__ = ["lab"]


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


# --- kinds of protocols: what makes a class out of a base --------------------------------------


class Callback:
    """Answers out of a plain hook."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)  # type: ignore[attr-defined]


class Coroutine:
    """Answers out of a coroutine."""

    async def onMessage(self, payload: bytes, isBinary: bool) -> None:
        await asyncio.sleep(0)
        self.sendMessage(payload, isBinary)  # type: ignore[attr-defined]

    async def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        await asyncio.sleep(0)


class Iterating:
    """Iterates over its own messages."""

    async def onOpen(self) -> None:
        messages: AsyncIterator[bytes | str] = self.messages()  # type: ignore[attr-defined]
        try:
            async for _ in messages:
                self.sendMessage(b"got it")  # type: ignore[attr-defined]
        except Exception:
            return


class Streaming:
    """Takes frames as they arrive."""

    def onMessageFrameData(self, payload: bytes) -> None:
        super().onMessageFrameData(payload)  # type: ignore[misc]

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)  # type: ignore[attr-defined]


class Watching(Callback):
    """Looks at everything."""

    trackTimings = True

    def sendFrame(self, *args: Any, **kwargs: Any) -> None:
        super().sendFrame(*args, **kwargs)  # type: ignore[misc]


KINDS = [Callback, Coroutine, Iterating, Streaming, Watching]
BASES = {"server": WebSocketServerProtocol, "client": WebSocketClientProtocol}


def end_clean(side: Side[Any]) -> None:
    side.feed_frame(CLOSE, close_payload(1000))
    side.lose()


def end_by_us(side: Side[Any]) -> None:
    side.protocol.sendClose(1000)
    side.lab.turn()
    side.feed_frame(CLOSE, close_payload(1000))
    side.lose()


def end_lost(side: Side[Any]) -> None:
    side.feed(side.frame(BINARY, bytes(100), fin=False)[:50])
    side.lose(ConnectionResetError())


def end_violated(side: Side[Any]) -> None:
    side.feed_frame(3, b"violation")
    side.lab.turn()


def end_dropped(side: Side[Any]) -> None:
    side.protocol.dropConnection()
    side.lab.turn()


def end_in_the_middle(side: Side[Any]) -> None:
    """With everything under way."""
    side.protocol.pauseReceiving()
    side.protocol.pause_writing()
    side.feed_frame(TEXT, b"waits")
    side.protocol.sendMessage(b"waits, too")
    side.protocol._sendAutoPing()
    side.lose()


ENDS = [end_clean, end_by_us, end_lost, end_violated, end_dropped, end_in_the_middle]


@pytest.mark.parametrize("role", BASES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_a_connection_that_has_ended_is_gone(
    lab: Lab, role: str, kind: type, end: Callable[[Side[Any]], None]
) -> None:
    cls = type(kind.__name__, (kind, BASES[role]), {})
    side: Side[Any] = open_side(lab, role, protocol=cls, autoPingInterval=20, autoPingTimeout=5)
    side.feed(
        side.frame(TEXT, b"one") + side.frame(PING, b"p"),
        side.frame(BINARY, bytes(70_000)),
        side.frame(BINARY, b"three", fin=False) + side.frame(PONG) + side.frame(0, b"three"),
    )
    side.advance(20)
    end(side)
    lab.turn()
    gone = [weakref.ref(each) for each in (side.protocol, side.transport)]
    del side
    lab.turn()
    assert [each() for each in gone] == [None, None]
    assert asyncio.all_tasks(lab) == set()
    assert [handle for handle in lab._scheduled if not handle.cancelled()] == []  # type: ignore[attr-defined]


def test_a_handshake_that_fails_leaves_nothing(lab: Lab) -> None:
    side: Side[Any] = connect(lab, server_factory(lab, WebSocketServerProtocol))
    side.feed(b"GET / HTTP/1.1\r\n\r\n")
    lab.turn()
    gone = weakref.ref(side.protocol)
    del side
    lab.turn()
    assert gone() is None


@pytest.mark.parametrize("loop", LOOPS)
def test_over_sockets(loop: str) -> None:
    """As above, with the loop's own transports in between."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(ten_connections())


async def ten_connections() -> None:
    living: weakref.WeakSet[Any] = weakref.WeakSet()
    loop = asyncio.get_running_loop()

    class Server(Callback, WebSocketServerProtocol):
        def onOpen(self) -> None:
            living.add(self)

    class Client(WebSocketClientProtocol):
        def onOpen(self) -> None:
            living.add(self)
            self.sendMessage(b"hello")

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.sendClose(1000)

    server_factory = WebSocketServerFactory()
    server_factory.protocol = Server
    server = await loop.create_server(server_factory, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client_factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}")
    client_factory.protocol = Client
    for _ in range(10):
        _, protocol = await loop.create_connection(client_factory, "127.0.0.1", port)
        await protocol.is_closed
        del protocol, _
    for _ in range(1000):
        if not living:
            break
        await asyncio.sleep(0.001)
    assert len(living) == 0
    server.close()
    await server.wait_closed()
