"""``Server``: how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.support import CLOSE, MASK, PONG, TEXT, close_payload, frame
from wsproto_async import (
    ConnectError,
    ConnectionClosed,
    ConnectionRequest,
    HandshakeError,
    OptionError,
    Server,
    ServerOptions,
    StateError,
    WebSocket,
    WebSocketClientFactory,
    connect,
    serve,
)
from wsproto_async.api import server as server_module
from wsproto_async.testing import memory_link

from .support import Certificates, drain, echo, port_of, raw_client, serving, until


async def test_leaving_the_context_closes_with_1001() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{port_of(server)}/"
        clients = [await connect(url) for _ in range(5)]
        await until(lambda: len(server.connections) == 5)
        assert server.is_serving()
    assert not server.is_serving()
    assert server.sockets == ()
    assert server.connections == set()
    for ws in clients:
        await ws.wait_closed()
        assert ws.close_code == 1001
    with pytest.raises(ConnectError, match="refused"):
        await connect(url)
    await server.wait_closed()
    await server.close()


async def test_code_and_reason() -> None:
    async with serving() as (server, url), connect(url) as ws:
        await until(lambda: server.connections)
        await server.close(1012, "restart")
        await ws.wait_closed()
        assert (ws.close_code, ws.close_reason) == (1012, "restart")


@pytest.mark.parametrize("arguments", [(1006,), (1000, 5), (1000, "\ud800"), (1000, "", -1)])
async def test_bad_arguments(arguments: Any) -> None:
    async with serving() as (server, _):
        with pytest.raises(OptionError):
            await server.close(*arguments)
        assert server.is_serving()


async def test_connections_without_a_request_are_dropped() -> None:
    async with contextlib.AsyncExitStack() as stack:
        server, _ = await stack.enter_async_context(serving())
        silent = await stack.enter_async_context(raw_client(server, upgrade=False))
        begun = await stack.enter_async_context(raw_client(server, upgrade=False))
        begun.write(b"GET / HTTP/1.1\r\nHost:")
        await until(lambda: len(server._links) == 2)
        await server.close()
        assert await silent.everything() == await begun.everything() == b""


async def test_requests_that_are_being_decided_on_get_a_503() -> None:
    async def never(ws: WebSocket, request: ConnectionRequest) -> None:
        asked.append(request)
        await asyncio.Event().wait()

    asked: list[ConnectionRequest] = []
    async with serving(process_request=never) as (server, url):
        connecting = asyncio.create_task(connect(url)._attempt.run())
        async with raw_client(server, upgrade=False) as plain:
            plain.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await until(lambda: len(asked) == 2)
            await server.close()
            assert (await plain.everything()).startswith(b"HTTP/1.1 503 ")
        with pytest.raises(HandshakeError) as caught:
            await connecting
        assert caught.value.status == 503


async def test_each_connection_has_a_deadline() -> None:
    async with (
        serving() as (server, url),
        raw_client(server),
        raw_client(server),
        connect(url) as ws,
    ):
        await until(lambda: len(server.connections) == 3)
        start = asyncio.get_running_loop().time()
        await server.close(timeout=0.05)
        assert asyncio.get_running_loop().time() - start < 0.5
        await ws.wait_closed()
        assert ws.close_code == 1001


async def test_the_deadline_of_the_options_counts() -> None:
    options = ServerOptions(close_timeout=0.05)
    async with serving(options=options) as (server, _), raw_client(server) as peer:
        await server.close()
        assert (await peer.frame()).payload == close_payload(1001)
        assert await peer.everything() == b""


async def test_a_second_close_can_be_quicker() -> None:
    options = ServerOptions(close_timeout=60)
    async with serving(options=options) as (server, _), raw_client(server):
        await until(lambda: server.connections)
        slow = asyncio.create_task(server.close())
        await asyncio.sleep(0)
        await server.close(timeout=0.01)
        await slow


async def test_a_slow_reader_does_not_hold_it_up() -> None:
    async def flood(ws: WebSocket) -> None:
        while True:
            await ws.send(bytes(100_000))

    options = ServerOptions(close_timeout=0.1)
    async with serving(flood, options=options) as (server, _), raw_client(server):
        await until(lambda: any(link._writable for link in server._links))
        await asyncio.wait_for(server.close(), 2)


async def test_a_handler_that_does_not_receive_does_not_hold_it_up() -> None:
    async def busy(ws: WebSocket) -> None:
        await ws.wait_closed()

    async with serving(busy) as (server, _), raw_client(server) as peer:
        for _ in range(200):
            peer.write(frame(TEXT, b"x" * 100, mask=MASK))
        await until(lambda: any(link._connection.paused for link in server._links))
        closing = asyncio.create_task(server.close(timeout=5))
        assert (await peer.frame()).opcode == CLOSE
        peer.send(CLOSE, close_payload(1001), mask=MASK)
        (link,) = server._links
        ws = getattr(link, "ws", None)
        await closing
        assert ws is not None
        assert ws.close_info is not None
        assert ws.close_info.was_clean


async def test_who_comes_while_it_closes_is_dropped() -> None:
    called: list[WebSocket] = []

    async def handler(ws: WebSocket) -> None:
        called.append(ws)

    serving = serve(handler, "127.0.0.1", 0)
    server = await serving
    await server.close()
    link = memory_link(WebSocketClientFactory("ws://localhost/"), serving._factory)
    await link.client.wait_closed()
    assert link.client.close_info.initiator == "network"
    assert (called, server._links) == ([], set())


async def test_handlers_hear_of_it_and_may_finish() -> None:
    async def finish(ws: WebSocket) -> None:
        await ws.send("hello")
        await ws.server.wait_closing()
        assert ws.server.is_closing()
        await ws.send("the end")

    async with serving(finish) as (server, url), connect(url) as one, connect(url) as two:
        for ws in one, two:
            assert await ws.recv() == "hello"
        await server.close(1012, "restart", drain=60)  # nobody is left to be waited for
        for ws in one, two:
            assert await ws.recv() == "the end"
            await ws.wait_closed()
            assert (ws.close_code, ws.close_reason) == (1012, "restart")


async def test_a_client_has_no_server() -> None:
    async with serving() as (_, url), connect(url) as ws:
        with pytest.raises(StateError, match="no server"):
            ws.server  # noqa: B018


async def test_draining_closes_everybody_in_its_time() -> None:
    async with contextlib.AsyncExitStack() as stack:
        server, url = await stack.enter_async_context(serving())
        silent = await stack.enter_async_context(raw_client(server, upgrade=False))
        clients = [await stack.enter_async_context(connect(url)) for _ in range(5)]
        await until(lambda: len(server._links) == 6)
        closing = asyncio.create_task(server.close(1012, drain=0.1))
        assert await silent.everything() == b""  # at once: there is nothing to be finished
        await closing
        assert not server._goodbyes
        for ws in clients:
            await ws.wait_closed()
            assert ws.close_code == 1012


async def test_a_second_close_ends_draining() -> None:
    async with serving() as (server, url), connect(url) as ws:
        await until(lambda: server.connections)
        draining = asyncio.create_task(server.close(1012, drain=60))
        await until(lambda: server.is_closing())
        assert server.connections
        await server.close()
        await draining
        await ws.wait_closed()
        assert ws.close_code == 1001


async def test_draining_goes_on_when_nobody_waits_for_it() -> None:
    async with serving() as (server, url), connect(url) as ws:
        await until(lambda: server.connections)
        draining = asyncio.create_task(server.close(1012, drain=0.05))
        await until(lambda: server.is_closing())
        draining.cancel()
        await ws.wait_closed()
        assert ws.close_code == 1012
        await server.wait_closed()


async def test_it_waits_for_handlers() -> None:
    async def tidy_up(ws: WebSocket) -> None:
        with contextlib.suppress(ConnectionClosed):
            await ws.recv()
        await asyncio.sleep(0.01)
        done.append(ws)

    done: list[WebSocket] = []
    async with serving(tidy_up) as (server, url), connect(url):
        await until(lambda: server.connections)
        await server.close()
        assert len(done) == 1


async def test_handlers_that_go_on_are_cancelled() -> None:
    async def forever(ws: WebSocket) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(ws)
            raise

    cancelled: list[WebSocket] = []
    async with serving(forever) as (server, url), connect(url):
        await until(lambda: server.connections)
        await server.close(timeout=0.02)
        assert len(cancelled) == 1


async def test_a_second_close_may_give_handlers_less_time() -> None:
    async def forever(ws: WebSocket) -> None:
        with contextlib.suppress(ConnectionClosed):
            await ws.recv()
        ended.set()
        await asyncio.Event().wait()

    ended = asyncio.Event()
    async with serving(forever) as (server, url), connect(url), asyncio.timeout(5):
        await until(lambda: server.connections)
        closing = asyncio.ensure_future(server.close())
        await ended.wait()
        await server.close(timeout=0)
        await closing


async def test_waiting_for_handlers_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else Ctrl-C seems to do nothing for ten seconds."""

    async def forever(ws: WebSocket) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(server_module, "SILENT", 0.02)
    async with serving(forever) as (server, url), connect(url):
        await until(lambda: server.connections)
        await server.close(timeout=0.04)
    waiting, cancelled = caplog.messages
    assert waiting == "handlers that have not returned: 1; cancelled in 0.02 s"
    assert cancelled.endswith("handler is cancelled: it had 0.04 s to return")


async def test_handlers_that_return_are_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(drain) as (server, url), connect(url):
        await until(lambda: server.connections)
        await server.close()
    assert caplog.messages == []


async def test_handlers_that_cannot_be_cancelled_are_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def stubborn(ws: WebSocket) -> None:
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()

    released = asyncio.Event()
    monkeypatch.setattr(server_module, "STUBBORN", 0.02)
    async with serving(stubborn) as (server, url), connect(url):
        await until(lambda: server.connections)
        await server.close(timeout=0.02)
        assert "handler goes on although it was cancelled" in caplog.text
        released.set()
        await until(lambda: not server._links)


async def test_a_handler_may_close_the_server() -> None:
    async def stop(ws: WebSocket) -> None:
        if await ws.recv() == "stop":
            closing.append(asyncio.create_task(servers[0].close()))

    servers: list[Server] = []
    closing: list[asyncio.Task[None]] = []
    async with serving(stop) as (server, url), connect(url) as ws:
        servers.append(server)
        await ws.send("stop")
        await server.wait_closed()
        await asyncio.gather(*closing)


async def test_a_handler_may_await_the_close() -> None:
    async def stop(ws: WebSocket) -> None:
        await ws.recv()
        await ws.server.close()
        closed.append(ws)

    closed: list[WebSocket] = []
    async with serving(stop) as (server, url), connect(url) as ws, asyncio.timeout(5):
        await ws.send("stop")
        await server.wait_closed()
        await until(lambda: not server._links)
    assert len(closed) == 1


async def test_clients_in_their_tls_handshake_do_not_hold_it_up(certificates: Certificates) -> None:
    async with serving(ssl=certificates.server) as (server, _), raw_client(server, upgrade=False):
        await asyncio.wait_for(server.close(), 2)


@contextlib.asynccontextmanager
async def serving_forever(
    **arguments: Any,
) -> AsyncIterator[tuple[Server, str, asyncio.Task[None]]]:
    server = await serve(drain, "127.0.0.1", 0)
    running = asyncio.create_task(server.serve_forever(**arguments))
    await asyncio.sleep(0)
    yield server, f"ws://127.0.0.1:{port_of(server)}/", running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_end_serve_forever(number: signal.Signals) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    async with serving_forever() as (_, url, running), connect(url) as ws:
        os.kill(os.getpid(), number)
        await running
        await ws.wait_closed()
        assert ws.close_code == 1001
    assert {number: signal.getsignal(number) for number in before} == before


async def test_signals_whose_handlers_are_not_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a program that embeds Python: they cannot be put back, and the server ends."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with monkeypatch.context() as patch:
        patch.setattr(signal, "getsignal", lambda number: None)
        try:
            async with serving_forever() as (_, url, running), connect(url) as ws:
                os.kill(os.getpid(), signal.SIGTERM)
                async with asyncio.timeout(5):
                    await running
                    await ws.wait_closed()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


async def test_two_signals_at_once() -> None:
    async with serving_forever() as (_, url, running), connect(url) as ws:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        await running
        await ws.wait_closed()
        assert ws.close_code == 1001


async def test_a_signal_ends_all_servers_of_a_loop() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    async with (
        serving_forever() as (gone, _, ended),
        serving_forever() as (_, _, first),
        serving_forever() as (_, _, second),
        asyncio.timeout(5),
    ):
        await gone.close()
        await ended
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.gather(first, second)
    assert {number: signal.getsignal(number) for number in before} == before


async def test_one_that_is_closed_stays_so() -> None:
    async with serving() as (server, _):
        waiting = asyncio.create_task(server.wait_closed())
        await asyncio.sleep(0)
        await server.close()
        await server.start_serving()
        assert not server.is_serving()
        await waiting
        async with server as same:
            assert same is server


async def test_a_signal_may_drain() -> None:
    arguments = {"code": 1012, "reason": "soon", "drain": 0.05}
    async with serving_forever(**arguments) as (server, url, running), connect(url) as ws:
        await until(lambda: server.connections)
        os.kill(os.getpid(), signal.SIGTERM)
        await running
        await ws.wait_closed()
        assert (ws.close_code, ws.close_reason) == (1012, "soon")


@pytest.mark.parametrize("arguments", [{"code": 1006}, {"drain": -1}, {"drain": "1"}])
async def test_serve_forever_refuses_what_close_would(arguments: Any) -> None:
    async with serving() as (server, _):
        with pytest.raises(OptionError):
            await server.serve_forever(**arguments)
        assert server.is_serving()


async def test_close_ends_serve_forever() -> None:
    async with serving_forever() as (server, url, running), connect(url) as ws:
        await server.close()
        await running
        await ws.wait_closed()


async def test_cancelling_serve_forever_closes() -> None:
    async with serving_forever() as (server, url, running), connect(url) as ws:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not server.is_serving()
        await ws.wait_closed()
        assert ws.close_code == 1001


def test_serve_forever_in_another_thread() -> None:
    async def main() -> None:
        async with serve(echo, "127.0.0.1", 0) as server:
            running = asyncio.create_task(server.serve_forever())
            async with connect(f"ws://127.0.0.1:{port_of(server)}/") as ws:
                await ws.send("x")
                results.append(await ws.recv())
            await server.close()
            await running

    results: list[Any] = []
    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    thread.join(10)
    assert results == ["x"]


async def test_many_connections_close_at_once() -> None:
    async with contextlib.AsyncExitStack() as stack:
        server, url = await stack.enter_async_context(serving())
        clients = [await stack.enter_async_context(connect(url)) for _ in range(100)]
        await asyncio.gather(*(ws.send("x") for ws in clients))
        await asyncio.gather(*(ws.recv() for ws in clients))
        await server.close()
        assert {ws.close_code for ws in clients if ws.close_code} <= {1001}


async def test_pongs_while_the_handler_is_busy() -> None:
    async with serving() as (server, _), raw_client(server) as peer:
        peer.send(9, b"there?", mask=MASK)
        answer = await peer.frame()
        assert (answer.opcode, answer.payload) == (PONG, b"there?")
