"""``serve`` and ``connect`` with ``websockets`` and ``aiohttp`` at the other end."""

from __future__ import annotations

import aiohttp
import pytest
import websockets

from wsproto_async import ConnectionClosedOK, WebSocket, broadcast, connect

from .peers import (
    aiohttp_converse,
    aiohttp_server,
    websockets_converse,
    websockets_server,
)
from .support import Certificates, serving, until

MESSAGES: list[str | bytes] = ["", "text ½ 🐸", b"", b"\x00\xff", "x" * 200_000, b"x" * 200_000]


async def test_their_client_websockets() -> None:
    async with (
        serving(subprotocols=["a"]) as (server, url),
        websockets.connect(
            url, subprotocols=[websockets.Subprotocol("a")], proxy=None, max_size=None
        ) as ws,
    ):
        assert ws.subprotocol == "a"
        await websockets_converse(ws, MESSAGES)
        await ws.send(["a", "b"])
        assert await ws.recv() == "ab"
        await (await ws.ping())
        (ours,) = server.connections
        assert 0 < await ours.ping() < 5
        broadcast(server.connections, "all")
        assert await ws.recv() == "all"
        await server.close(1012, "restart")
        with pytest.raises(websockets.ConnectionClosed) as caught:
            await ws.recv()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1012, "restart")


async def test_their_server_websockets(certificates: Certificates) -> None:
    for tls in (None, certificates):
        async with websockets_server(
            ssl=tls.server if tls else None, subprotocols=[websockets.Subprotocol("a")]
        ) as (server, port):
            url = f"wss://localhost:{port}/" if tls else f"ws://127.0.0.1:{port}/"
            async with connect(url, ssl=tls.client if tls else None, subprotocols=["a"]) as ws:
                assert ws.subprotocol == "a"
                for message in MESSAGES:
                    await ws.send(message)
                    assert await ws.recv() == message
                await ws.send(["a", "b"])
                assert await ws.recv() == "ab"
                assert 0 < await ws.ping() < 5
                server.close()
                with pytest.raises(ConnectionClosedOK) as caught:
                    await ws.recv()
                assert caught.value.code == 1001


async def test_their_client_aiohttp() -> None:
    async def echo_and_go(ws: WebSocket) -> None:
        for _ in MESSAGES:
            await ws.send(await ws.recv())

    async with (
        serving(echo_and_go) as (_, url),
        aiohttp.ClientSession() as session,
        session.ws_connect(url) as ws,
    ):
        await aiohttp_converse(ws, MESSAGES)
        assert (await ws.receive()).type == aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 1000


async def test_their_server_aiohttp() -> None:
    async with aiohttp_server() as port:
        async with connect(f"ws://127.0.0.1:{port}/") as ws:
            for message in MESSAGES:
                await ws.send(message)
                assert await ws.recv() == message
            assert 0 < await ws.ping() < 5
        assert ws.close_code == 1000
        assert ws.close_info is not None
        assert ws.close_info.was_clean


async def test_a_hundred_clients_of_websockets() -> None:
    async with serving() as (server, url):
        clients = [await websockets.connect(url, proxy=None) for _ in range(100)]
        await until(lambda: len(server.connections) == 100)
        broadcast(server.connections, b"all")
        assert [await ws.recv() for ws in clients] == [b"all"] * 100
        for ws in clients:
            await ws.close()
        await until(lambda: not server._links)
