"""``serve_factory``, and answering HTTP, for servers that are written with callbacks."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from wsproto_async import (
    ConnectError,
    ConnectionDeny,
    ConnectionRequest,
    HandshakeError,
    HTTPResponse,
    OptionError,
    StateError,
    WebSocketClientFactory,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    connect,
    serve_factory,
)
from wsproto_async.testing import memory_link

from .support import Certificates, port_of, raw_client, until
from .test_serve import get


class Echo(WebSocketServerProtocol):
    """Sends everything back."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


def factory_of(cls: type[WebSocketServerProtocol] = Echo, **options: Any) -> WebSocketServerFactory:
    factory = WebSocketServerFactory()
    factory.protocol = cls
    factory.setProtocolOptions(**options)
    return factory


async def test_it_serves_and_ends() -> None:
    factory = factory_of()
    async with serve_factory(factory, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{port_of(server)}/"
        async with connect(url) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"
        await until(lambda: not server.protocols)
        clients = [await connect(url) for _ in range(3)]
        await until(lambda: len(server.protocols) == 3)
        assert {type(protocol) for protocol in server.protocols} == {Echo}
        assert server.connections == set()
        await server.close(1012, "restart")
        assert factory.countConnections == 0
        assert server._links == set()
    for ws in clients:
        await ws.wait_closed()
        assert (ws.close_code, ws.close_reason) == (1012, "restart")
    with pytest.raises(ConnectError):
        await connect(url)
    async with (  # it can be served again
        serve_factory(factory, "127.0.0.1", 0) as server,
        connect(f"ws://127.0.0.1:{port_of(server)}/") as ws,
    ):
        await ws.send("y")
        assert await ws.recv() == "y"


async def test_who_comes_while_it_closes_is_dropped() -> None:
    factory = factory_of()
    async with serve_factory(factory, "127.0.0.1", 0) as server:
        await server.close()
        link = memory_link(WebSocketClientFactory("ws://localhost/"), factory)
        await link.client.wait_closed()
        assert link.client.close_info.initiator == "network"
        assert factory.countConnections == 0
        assert server._links == set()


async def test_it_drains() -> None:
    async with serve_factory(factory_of(), "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{port_of(server)}/"
        async with connect(url) as one, connect(url) as two, raw_client(server, upgrade=False):
            await until(lambda: len(server._links) == 3)
            await server.close(1012, drain=0.05)
            for ws in one, two:
                await ws.wait_closed()
                assert ws.close_code == 1012


async def test_a_peer_that_does_not_answer_does_not_hold_it_up() -> None:
    async with (
        serve_factory(factory_of(), "127.0.0.1", 0) as server,
        raw_client(server) as peer,
    ):
        await until(lambda: server.protocols)
        await asyncio.wait_for(server.close(timeout=0.05), 2)
        await peer.everything()


async def test_a_request_that_is_decided_on_gets_a_503() -> None:
    class Slow(Echo):
        async def onConnect(self, request: ConnectionRequest) -> None:
            asked.append(request)
            await asyncio.Event().wait()

    asked: list[ConnectionRequest] = []
    async with serve_factory(factory_of(Slow), "127.0.0.1", 0) as server:
        connecting = asyncio.create_task(
            connect(f"ws://127.0.0.1:{port_of(server)}/")._attempt.run()
        )
        await until(lambda: asked)
        await server.close()
        with pytest.raises(HandshakeError, match="503"):
            await connecting
        for task in asyncio.all_tasks():
            if "onConnect" in repr(task) or "_answer_later" in repr(task):
                task.cancel()


async def test_signals() -> None:
    async with serve_factory(factory_of(), "127.0.0.1", 0) as server:
        running = asyncio.create_task(server.serve_forever(code=1012))
        async with connect(f"ws://127.0.0.1:{port_of(server)}/") as ws:
            await until(lambda: server.protocols)
            os.kill(os.getpid(), signal.SIGTERM)
            await running
            await ws.wait_closed()
            assert ws.close_code == 1012


async def test_tls_and_unix_sockets(certificates: Certificates, tmp_path: Path) -> None:
    async with (
        serve_factory(factory_of(), "127.0.0.1", 0, ssl=certificates.server) as server,
        connect(f"wss://localhost:{port_of(server)}/", ssl=certificates.client) as ws,
    ):
        await ws.send("x")
        assert await ws.recv() == "x"
    path = tmp_path / "socket"
    async with serve_factory(factory_of(), path=path), connect("ws://h/", path=path) as ws:
        await ws.send("x")
        assert await ws.recv() == "x"


async def test_one_server_for_one_factory() -> None:
    factory = factory_of()
    async with serve_factory(factory, "127.0.0.1", 0):
        with pytest.raises(StateError, match="another server"):
            await serve_factory(factory, "127.0.0.1", 0)


async def test_another_attempt_to_listen() -> None:
    factory = factory_of()
    async with serve_factory(factory_of(), "127.0.0.1", 0) as other:
        with pytest.raises(OSError, match="in use"):
            await serve_factory(factory, "127.0.0.1", port_of(other))
    async with serve_factory(factory, "127.0.0.1", 0) as server:
        assert factory.running is server


async def test_the_next_server_while_one_is_closing() -> None:
    factory = factory_of()
    first = await serve_factory(factory, "127.0.0.1", 0)
    async with raw_client(first) as slow, asyncio.timeout(5):
        await until(lambda: first.protocols)
        closing = asyncio.ensure_future(first.close(timeout=60))
        await until(first.is_closing)
        async with serve_factory(factory, "127.0.0.1", 0) as second, raw_client(second):
            await until(lambda: second.protocols)
            assert first.protocols.isdisjoint(second.protocols)
            slow.abort()
            await closing
            assert len(second.protocols) == 1


@pytest.mark.parametrize("drain", [0, 0.01])
async def test_one_that_cannot_be_closed_does_not_hold_the_others_up(
    drain: float, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Echo):
        def sendFrame(self, opcode: int, *arguments: Any, **more: Any) -> None:
            raise ZeroDivisionError

    factory = factory_of(Broken)
    async with (
        serve_factory(factory, "127.0.0.1", 0) as server,
        raw_client(server) as one,
        raw_client(server) as other,
        asyncio.timeout(5),
    ):
        await until(lambda: len(server.protocols) == 2)
        await server.close(drain=drain)
        assert factory.countConnections == 0
        assert [await peer.everything() for peer in (one, other)] == [b"", b""]
    assert caplog.text.count("cannot be closed") == 2


async def test_bad_arguments() -> None:
    with pytest.raises(OptionError, match="factory"):
        serve_factory(Echo, "127.0.0.1", 0)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="path"):
        serve_factory(factory_of(), "127.0.0.1")


# --- onHttpRequest ------------------------------------------------------------------------------


def answer_to(request: ConnectionRequest) -> HTTPResponse | None:
    match request.path:
        case "/healthz":
            return HTTPResponse(200, {"Content-Type": "text/plain"}, b"ok\n")
        case "/deny":
            raise ConnectionDeny(451, "not here", {"X-Why": "law"})
        case "/raise":
            raise ZeroDivisionError("a secret")
        case "/wrong":
            return "wrong"  # type: ignore[return-value]
    return None


class Plain(Echo):
    def onHttpRequest(self, request: ConnectionRequest) -> HTTPResponse | None:
        return answer_to(request)


class Later(Echo):
    async def onHttpRequest(self, request: ConnectionRequest) -> HTTPResponse | None:
        await asyncio.sleep(0)
        return answer_to(request)


@pytest.mark.parametrize("cls", [Plain, Later])
@pytest.mark.parametrize("web_status", [False, True])
async def test_plain_requests(cls: type[Echo], web_status: bool) -> None:
    factory = factory_of(cls, webStatus=web_status)
    async with serve_factory(factory, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{port_of(server)}/"
        head, body = await get(url, "/healthz?x=1")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert body == b"ok\n"
        head, _ = await get(url, "/deny")
        assert head.startswith(b"HTTP/1.1 451 not here")
        assert b"X-Why: law" in head
        for path in ("/raise", "/wrong"):
            head, body = await get(url, path)
            assert head.startswith(b"HTTP/1.1 500 ")
            assert b"secret" not in head + body
        head, _ = await get(url, "/")
        assert head.startswith(b"HTTP/1.1 200 " if web_status else b"HTTP/1.1 426 ")
        async with connect(url) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"
        await until(lambda: not server._links)
