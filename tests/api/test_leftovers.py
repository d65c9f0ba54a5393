"""Whatever happens to a connection, its objects are freed as soon as nobody uses them.

By reference counting, with the garbage collector switched off: a cycle would keep dead connections
until the collector comes by. That no task, timer or socket is left is checked after every test.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.contract.support import MASK, TEXT
from wsproto_async import (
    ClientOptions,
    ConnectError,
    ConnectionClosed,
    ConnectionRequest,
    HandshakeError,
    HTTPResponse,
    Server,
    ServerOptions,
    WebSocket,
    broadcast,
    connect,
)
from wsproto_async.api.link import Link

from .support import Certificates, RawPeer, echo, raw_client, raw_server, serving, until

CLIENT = ClientOptions(close_timeout=0.05, auto_ping_interval=0.01, auto_ping_timeout=10)
SERVER = ServerOptions(close_timeout=0.05, auto_ping_interval=0.01, auto_ping_timeout=10)


@pytest.fixture
def born(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[Any]]]:
    """Weak references to all connections and protocol objects that a test makes."""
    refs: list[weakref.ref[Any]] = []
    made = Link.connection_made

    def note(link: Link, transport: Any) -> None:
        made(link, transport)
        refs.extend(map(weakref.ref, (link, link.ws)))

    monkeypatch.setattr(Link, "connection_made", note)
    gc.collect()
    gc.disable()
    try:
        yield refs
    finally:
        gc.enable()


Scenario = Callable[[Server, str], Awaitable[None]]
SCENARIOS: list[Scenario] = []


def scenario(function: Scenario) -> Scenario:
    SCENARIOS.append(function)
    return function


async def handler(ws: WebSocket) -> None:
    """Does what it is told."""
    async for message in ws:
        match message:
            case "raise":
                raise ValueError("a mistake")
            case "return":
                return
            case "close":
                await ws.close(4000, "as told")
            case "abort":
                ws.abort()
            case "flood":
                while True:
                    await ws.send(bytes(100_000))
            case "wait":
                await asyncio.sleep(0.1)
            case _:
                await ws.send(message)


@scenario
async def clean_close(server: Server, url: str) -> None:
    async with connect(url, options=CLIENT) as ws:
        await ws.send("x")
        assert await ws.recv() == "x"


@scenario
async def pings(server: Server, url: str) -> None:
    async with connect(url, options=CLIENT) as ws:
        await until(lambda: ws.latency)
        await ws.ping()
        ws.ping()


@scenario
async def the_server_ends_it(server: Server, url: str) -> None:
    for how in ("raise", "return", "close", "abort"):
        ws = await connect(url, options=CLIENT)
        await ws.send(how)
        with contextlib.suppress(ConnectionClosed):
            await ws.recv()
        await ws.wait_closed()


@scenario
async def the_client_dies(server: Server, url: str) -> None:
    ws = await connect(url, options=CLIENT)
    await ws.send("x")
    ws.abort()
    await ws.wait_closed()


@scenario
async def the_server_closes(server: Server, url: str) -> None:
    async with connect(url, options=CLIENT) as ws:
        await ws.send("x")
        await ws.recv()
        await server.close()
        await ws.wait_closed()


@scenario
async def cancelled_while_receiving(server: Server, url: str) -> None:
    async with connect(url, options=CLIENT) as ws:
        try:
            async with asyncio.timeout(0.001):
                await ws.recv()
        except TimeoutError:
            pass


@scenario
async def cancelled_while_sending(server: Server, url: str) -> None:
    async with connect(url, options=CLIENT) as ws:
        await ws.send("wait")
        try:
            async with asyncio.timeout(0.05):
                while True:
                    await ws.send(bytes(100_000))
        except TimeoutError:
            pass


@scenario
async def the_other_end_is_full(server: Server, url: str) -> None:
    ws = await connect(url, options=CLIENT)
    await ws.send("flood")
    await until(lambda: ws._connection.paused)
    ws.abort()
    await ws.wait_closed()


@scenario
async def iterating(server: Server, url: str) -> None:
    async for ws in connect(url, options=CLIENT, backoff=lambda: iter([0.0])):
        await ws.send("return")
        async for _ in ws:
            pass
        if ws.close_info is not None:
            break


@scenario
async def streaming(server: Server, url: str) -> None:
    async with connect(url, options=CLIENT) as ws:
        await ws.send(["a", "b"])
        async for _ in ws.recv_streaming():
            pass
        pieces = ws.recv_streaming()
        waiting = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        await pieces.aclose()


@scenario
async def refused(server: Server, url: str) -> None:
    for path in ("no", "raise"):
        with contextlib.suppress(HandshakeError):
            await connect(url + path, options=CLIENT)


@scenario
async def connecting_in_vain(server: Server, url: str) -> None:
    async def hang_up(peer: RawPeer) -> None:
        await peer.read_head()

    async with raw_server(hang_up, upgrade=False) as nowhere:
        with contextlib.suppress(ConnectError):
            await connect(nowhere, options=CLIENT)


@scenario
async def cancelled_while_connecting(server: Server, url: str) -> None:
    async def silent(peer: RawPeer) -> None:
        await peer.everything()

    async with raw_server(silent, upgrade=False) as nowhere:
        try:
            async with asyncio.timeout(0.02):
                await connect(nowhere, options=CLIENT)
        except TimeoutError:
            pass


@scenario
async def violations(server: Server, url: str) -> None:
    async with raw_client(server) as peer:
        peer.send(TEXT, b"\xff", mask=MASK)
        await peer.everything()


@scenario
async def half_a_message(server: Server, url: str) -> None:
    async with raw_client(server) as peer:
        peer.send(TEXT, b"x" * 100_000, mask=MASK, length=200_000)
        await asyncio.sleep(0.01)
        peer.abort()


@scenario
async def no_handshake(server: Server, url: str) -> None:
    async with raw_client(server, upgrade=False) as peer:
        peer.write(b"GET / HT")
        await asyncio.sleep(0.01)


@scenario
async def plain_http(server: Server, url: str) -> None:
    for path in (b"/", b"/no", b"/raise"):
        async with raw_client(server, upgrade=False) as peer:
            peer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            await peer.everything()


@scenario
async def slow_clients(server: Server, url: str) -> None:
    async with raw_client(server):
        await until(lambda: server.connections)
        for _ in range(50):
            broadcast(server.connections, bytes(200_000))
        await until(lambda: not server.connections)


def process(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
    if request.path == "/raise":
        raise ValueError("a mistake")
    return HTTPResponse(403) if request.path == "/no" else None


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda function: function.__name__)
async def test_all_is_freed(scenario: Scenario, born: list[weakref.ref[Any]]) -> None:
    async with serving(handler, options=SERVER, process_request=process) as (server, url):
        await scenario(server, url)
        await until(lambda: not server._links)
    assert born
    await until(lambda: not any(ref() for ref in born))


async def test_all_is_freed_with_tls(
    certificates: Certificates, born: list[weakref.ref[Any]]
) -> None:
    async with serving(handler, options=SERVER, ssl=certificates.server) as (server, url):
        for message in ("x", "raise", "abort"):
            ws = await connect(url, options=CLIENT, ssl=certificates.client)
            await ws.send(message)
            with contextlib.suppress(ConnectionClosed):
                await ws.recv()
            await ws.close()
        del ws
        await until(lambda: not server._links)
    await until(lambda: not any(ref() for ref in born))


async def test_a_connection_lives_as_long_as_it_is_open(born: list[weakref.ref[Any]]) -> None:
    """Whoever forgets it does not end it: the loop keeps it."""

    async def forget(url: str) -> None:
        await connect(url, options=CLIENT)

    async with serving(echo, options=SERVER) as (server, url):
        await forget(url)
        await asyncio.sleep(0.05)
        assert len(server.connections) == 1
