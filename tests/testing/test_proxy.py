"""Servers for tests over real sockets, and a proxy in front of them that does harm."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from tests.api.support import until
from wsproto_async import (
    ClientOptions,
    ConnectError,
    ConnectionClosedError,
    OptionError,
    ServerOptions,
    WebSocket,
)
from wsproto_async.testing import FaultyProxy, Recorder, local_server
from wsproto_async.testing.proxy import RESET
from wsproto_async.testing.wire import CAPACITY


async def test_a_server_without_a_proxy() -> None:
    async with (
        local_server(subprotocols=["chat"]) as server,
        server.connect(subprotocols=["chat"]) as ws,
    ):
        await ws.send("hello")
        assert await ws.recv() == "hello"
        assert ws.subprotocol == "chat"
        assert len(server.server.connections) == 1
        with pytest.raises(AttributeError, match="start the server with faults=True"):
            server.faults.stall()


async def test_messages_and_ends_go_through() -> None:
    recorder = Recorder()
    large = bytes(range(256)) * 3000
    async with local_server(recorder=recorder) as server:
        async with server.connect() as ws:
            for message in ("Grüße", large, ""):
                await ws.send(message)
                assert await ws.recv() == message
        assert ws.close_info is not None
        assert ws.close_info.was_clean
        await until(lambda: not server.faults.connections)
    assert recorder.messages("client") == recorder.messages("server") == ["Grüße", large, ""]
    shown = str(recorder).splitlines()
    assert shown[0] == "client: TEXT 7 octets b'Gr\\xc3\\xbc\\xc3\\x9fe'"
    assert shown[2].startswith("client: BINARY 768000 octets b'\\x00\\x01")
    assert shown[-1].startswith("server: CLOSE 2 octets")


@pytest.mark.parametrize("who", ["client", "server"])
async def test_a_drop_goes_through(who: str) -> None:
    ends: asyncio.Queue[WebSocket] = asyncio.Queue()

    async def handler(ws: WebSocket) -> None:
        await ends.put(ws)
        await ws.wait_closed()

    async with local_server(handler, faults=True) as server:
        client = await server.connect()
        theirs = await ends.get()
        (client if who == "client" else theirs).abort()
        await asyncio.gather(client.wait_closed(), theirs.wait_closed())
        await until(lambda: not server.faults.connections)


async def test_a_cut_is_a_reset_for_both() -> None:
    ends: asyncio.Queue[Any] = asyncio.Queue()

    async def handler(ws: WebSocket) -> None:
        await ws.wait_closed()
        await ends.put(ws.close_info)

    async with local_server(handler, faults=True) as server:
        ws = await server.connect()
        server.faults.cut()
        with pytest.raises(ConnectionClosedError) as caught:
            await ws.recv()
        for info in (caught.value.close_info, await ends.get()):
            assert info.initiator == "network"
            assert isinstance(info.cause, ConnectionResetError)


async def test_a_cut_in_the_middle() -> None:
    async with local_server(faults=True) as server, server.connect() as ws:
        [connection] = server.faults.connections
        connection.to_client.cut(after=100)
        await ws.send(bytes(1000))
        with pytest.raises(ConnectionClosedError):
            await ws.recv()
        assert connection.to_client.passed > 100


async def test_a_stall_for_connections_of_now_and_later() -> None:
    options = ClientOptions(
        auto_ping_interval=0.02, auto_ping_timeout=0.03, open_handshake_timeout=0.1
    )
    async with local_server(faults=True) as server:
        ws = await server.connect(options=options)
        server.faults.stall()
        with pytest.raises(ConnectionClosedError, match="ping timeout"):
            await ws.recv()
        with pytest.raises(ConnectError, match="open_handshake_timeout"):
            await server.connect(options=options)
        server.faults.resume()
        async with server.connect() as ws:
            await ws.send("x")
            assert await ws.recv() == "x"


async def test_slow_and_split() -> None:
    loop = asyncio.get_running_loop()
    async with local_server(faults=True) as server, server.connect() as ws:
        server.faults.split([1, 2])
        await ws.send("Grüße")
        assert await ws.recv() == "Grüße"
        server.faults.resume()
        server.faults.slow(200_000)
        begin = loop.time()
        await ws.send(bytes(5000))
        await ws.recv()
        assert loop.time() - begin > 0.03  # both ways, but for the last piece of each
        server.faults.resume()
        with pytest.raises(OptionError, match="above 0"):
            server.faults.slow(-1)
        server.faults.resume()


async def test_a_stalled_reader_makes_the_writer_wait() -> None:
    options = ServerOptions(write_buffer_high=1000)

    async def flood(ws: WebSocket) -> None:
        while True:
            await ws.send(bytes(100_000))

    async with local_server(flood, faults=True, options=options) as server:
        ws = await server.connect()
        [theirs] = server.server.connections
        server.faults.stall()
        await until(lambda: theirs.protocol._writing_paused)
        ws.abort()


async def test_a_client_that_does_not_read_loses_nothing() -> None:
    octets = bytes(range(256)) * 100_000

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(octets)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    async with FaultyProxy(server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        await until(lambda: any(end._full for end in proxy._ends))
        assert await reader.read(-1) == octets
        writer.close()
        await until(lambda: not proxy.connections)
    server.close()
    await server.wait_closed()


class Held(FaultyProxy):
    """Connects to the server when it is let."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.go = asyncio.Event()

    async def __aenter__(self) -> Held:
        await super().__aenter__()
        return self

    async def _connect(self, near: Any) -> None:
        await self.go.wait()
        await super()._connect(near)


async def test_what_comes_before_the_server_is_reached_waits_and_is_bounded() -> None:
    octets = bytes(range(256)) * 100_000

    async def talk(writer: asyncio.StreamWriter) -> None:
        writer.write(octets)
        await writer.drain()
        writer.write_eof()

    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.set_result(await reader.read(-1))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with Held(server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        talking = asyncio.create_task(talk(writer))
        await until(lambda: any(not end.transport.is_reading() for end in proxy._ends))
        assert all(len(end._backlog) < 20 * CAPACITY for end in proxy._ends)
        proxy.go.set()
        assert await received == octets
        await talking
        assert await reader.read() == b""
        writer.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("who", ["client", "proxy"])
async def test_who_leaves_before_the_server_is_reached(who: str) -> None:
    received: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await received.put(await reader.read(-1))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with Held(server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        await until(lambda: proxy._ends)
        if who == "client":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
            await until(lambda: not proxy._ends)
            proxy.go.set()
            assert await received.get() == b""
            await until(lambda: not proxy.connections)
    assert await reader.read() == b""
    writer.close()
    assert received.empty()
    server.close()
    await server.wait_closed()


async def test_an_end_that_meets_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with FaultyProxy(listener.getsockname()[1]) as proxy:
            reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
            await until(lambda: proxy.connections)
            server, _ = listener.accept()
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            server.close()
            [connection] = proxy.connections
            assert connection.to_server.reader is not None
            connection.to_server.reader.take_end()  # before the loop has heard of the reset
            with pytest.raises(ConnectionResetError):
                await reader.read()
            await until(lambda: not proxy.connections)
            writer.close()


async def test_a_recorder_takes_heads_in_pieces() -> None:
    recorder = Recorder()
    async with local_server(recorder=recorder) as server:
        server.faults.split(5)
        async with server.connect() as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"
    assert recorder.head("client").startswith("GET / HTTP/1.1\r\n")
    assert recorder.head("server").startswith("HTTP/1.1 101 ")
    assert recorder.messages("client") == ["hello"]


async def test_a_proxy_to_nowhere() -> None:
    async with FaultyProxy(1) as proxy:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        assert await reader.read() == b""
        writer.close()
        assert proxy.connections == []


async def test_tls_goes_through(certificates: Any) -> None:
    async with local_server(faults=True, ssl=certificates.server) as server:
        async with server.connect(ssl=certificates.client) as ws:
            server.faults.split(7)
            await ws.send("hello")
            assert await ws.recv() == "hello"
        assert server.url.startswith("wss://localhost:")
