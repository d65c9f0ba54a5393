"""Limits for addresses and for rates, and the access log: over sockets, in both worlds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.support import CLOSE, MASK, PING, PONG, TEXT, close_payload, frame, request
from wsproto_async import (
    ConnectionClosed,
    ConnectionRequest,
    HandshakeError,
    HTTPResponse,
    ServerOptions,
    WebSocket,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    basic_auth,
    connect,
    serve,
)
from wsproto_async.protocol import server as server_module

from .support import echo, port_of, raw_client, serving, until


@contextlib.asynccontextmanager
async def callbacks(cls: type[WebSocketServerProtocol], **options: Any) -> AsyncIterator[Any]:
    """A server of the contract; its asyncio server and factory."""
    factory = WebSocketServerFactory()
    factory.protocol = cls
    factory.setProtocolOptions(**options)
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    try:
        yield server, factory
    finally:
        server.close()
        await server.wait_closed()


# --- addresses ----------------------------------------------------------------------------------


async def test_connections_of_an_address() -> None:
    async with (
        serving(options=ServerOptions(max_connections_per_ip=2)) as (server, url),
        connect(url) as first,
        raw_client(server, upgrade=False),  # which has not even asked
    ):
        await until(lambda: len(server._links) == 2)
        with pytest.raises(HandshakeError) as caught:
            await connect(url)
        assert caught.value.status == 429
        async with connect(url, local_addr=("127.0.0.2", 0)) as ws:  # somebody else
            await ws.send("x")
            assert await ws.recv() == "x"
        await first.close()
        await until(lambda: len(server._links) == 1)
        async with connect(url) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"


async def test_who_is_refused_has_little_time_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "PATIENCE", 0.02)
    options = ServerOptions(max_connections_per_ip=1, open_handshake_timeout=60)
    async with (
        serving(options=options) as (server, url),
        connect(url),
        raw_client(server, upgrade=False) as silent,
    ):
        assert await silent.everything() == b""


async def test_handshakes_of_an_address() -> None:
    async with serving(options=ServerOptions(max_handshakes_per_minute=2)) as (_, url):
        for _ in range(2):
            async with connect(url):
                pass
        with pytest.raises(HandshakeError) as caught:
            await connect(url)
        assert caught.value.status == 429
        (wait,) = (int(value) for name, value in caught.value.headers if name == "retry-after")
        assert 25 <= wait <= 30
        async with connect(url, local_addr=("127.0.0.2", 0)):
            pass


async def test_a_refused_login_counts() -> None:
    options = ServerOptions(max_handshakes_per_minute=3)
    async with serving(process_request=basic_auth({"ann": "x"}), options=options) as (_, url):
        seen = []
        for number in range(5):
            with pytest.raises(HandshakeError) as caught:
                await connect(url, auth=("ann", str(number)))
            seen.append(caught.value.status)
        assert seen == [401, 401, 401, 429, 429]


@pytest.mark.parametrize("limit", ["max_connections_per_ip", "max_handshakes_per_minute"])
async def test_addresses_behind_a_proxy(limit: str) -> None:
    arguments: dict[str, Any] = {limit: 1}
    options = ServerOptions(trust_x_forwarded_for=1, **arguments)
    async with serving(options=options) as (_, url):

        def client(forwarded: str) -> Any:
            return connect(url, headers={"X-Forwarded-For": forwarded})

        async with client("192.0.2.1"), client("192.0.2.2"), client("192.0.2.1, 192.0.2.3"):
            with pytest.raises(HandshakeError, match="429"):
                await client("192.0.2.9, 192.0.2.1")
            async with connect(url):  # past the proxy: it is what TCP says
                with pytest.raises(HandshakeError, match="429"):
                    await connect(url)


async def test_a_unix_socket_has_no_address(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    options = ServerOptions(max_connections_per_ip=1, max_handshakes_per_minute=1)
    async with (
        serve(echo, path=path, options=options),
        connect("ws://h/", path=path),
        connect("ws://h/", path=path) as ws,
    ):
        await ws.send("x")
        assert await ws.recv() == "x"


async def test_addresses_with_callbacks() -> None:
    options = {"maxConnectionsPerIp": 1}
    async with callbacks(WebSocketServerProtocol, **options) as (server, factory):
        url = f"ws://127.0.0.1:{port_of(server)}/"
        async with connect(url):
            with pytest.raises(HandshakeError, match="429"):
                await connect(url)
        await until(lambda: factory.admission.connections == {})


# --- rates --------------------------------------------------------------------------------------


class Collector:
    """A handler that takes what comes."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.ws: WebSocket | None = None

    async def __call__(self, ws: WebSocket) -> None:
        self.ws = ws
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.messages.append(await ws.recv())

    @property
    def is_paused(self) -> bool:
        assert self.ws is not None
        return self.ws.protocol._rateLimitCall is not None


async def test_more_messages_have_to_wait() -> None:
    collect = Collector()
    options = ServerOptions(max_messages_per_second=10)
    async with serving(collect, options=options) as (server, _), raw_client(server) as peer:
        peer.write(b"".join(frame(TEXT, str(n).encode(), mask=MASK) for n in range(14)))
        await until(lambda: len(collect.messages) == 11)
        assert collect.is_paused  # in the middle of a read
        await until(lambda: len(collect.messages) == 14)
        assert collect.messages == [str(n) for n in range(14)]


async def test_more_octets_have_to_wait() -> None:
    collect = Collector()
    options = ServerOptions(max_octets_per_second=1000)
    async with serving(collect, options=options) as (server, _), raw_client(server) as peer:
        text = "ä" * 300
        peer.write(frame(TEXT, text.encode(), mask=MASK) * 3)
        await until(lambda: len(collect.messages) == 2)
        assert collect.is_paused
        await until(lambda: len(collect.messages) == 3)
        assert collect.messages == [text] * 3


@pytest.mark.parametrize(
    ("limit", "frames", "delivered"),
    [
        ({"max_messages_per_second": 5}, [(TEXT, b"x")] * 7, 5),
        ({"max_messages_per_second": 5}, [(TEXT, b"x")] * 2 + [(PING, b"")] * 5, 2),
        ({"max_octets_per_second": 100}, [(TEXT, b"x" * 60), (TEXT, b"x" * 60)], 1),
        ({"max_octets_per_second": 100, "max_messages_per_second": 1}, [(TEXT, b"x")] * 3, 1),
    ],
)
async def test_or_it_is_closed(
    limit: dict[str, Any], frames: list[tuple[int, bytes]], delivered: int
) -> None:
    collect = Collector()
    options = ServerOptions(on_rate_limit="close", **limit)
    async with serving(collect, options=options) as (server, _), raw_client(server) as peer:
        peer.write(b"".join(frame(opcode, data, mask=MASK) for opcode, data in frames))
        while (answer := await peer.frame()).opcode == PONG:
            pass
        assert answer.opcode == CLOSE
        assert answer.payload[:2] == close_payload(1008)
        assert re.fullmatch(rb"more than max_(messages|octets)_per_second=\d+", answer.payload[2:])
        peer.send(CLOSE, answer.payload, mask=MASK)
        assert await peer.everything() == b""
        assert len(collect.messages) == delivered


async def test_closing_does_not_wait_for_it() -> None:
    collect = Collector()
    options = ServerOptions(max_messages_per_second=1, close_timeout=30)
    async with serving(collect, options=options) as (server, _), raw_client(server) as peer:
        peer.write(frame(TEXT, b"x", mask=MASK) * 100)
        await until(lambda: collect.messages and collect.is_paused)
        closing = asyncio.create_task(server.close())
        assert (await peer.frame()).opcode == CLOSE
        peer.send(CLOSE, close_payload(1001), mask=MASK)
        await closing
        assert collect.ws is not None
        assert collect.ws.close_code == 1001
        assert len(collect.messages) > 60  # what was read before is delivered, up to the marks


async def test_an_end_in_the_middle_of_a_pause() -> None:
    collect = Collector()
    options = ServerOptions(max_octets_per_second=1)
    async with serving(collect, options=options) as (server, _):
        async with raw_client(server) as peer:
            peer.write(frame(TEXT, b"x" * 1000, mask=MASK))
            await until(lambda: collect.messages and collect.is_paused)
            assert collect.ws is not None
            collect.ws.abort()
        await until(lambda: not server._links)


async def test_a_message_that_is_received_as_it_arrives() -> None:
    async def stream(ws: WebSocket) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for piece in ws.recv_streaming():
                pieces.append(piece)
                paused.append(ws.protocol._rateLimitCall is not None)

    pieces: list[Any] = []
    paused: list[bool] = []
    options = ServerOptions(max_octets_per_second=1000)
    async with serving(stream, options=options) as (server, _), raw_client(server) as peer:
        peer.write(frame(TEXT, b"a" * 600, fin=False, mask=MASK))
        await until(lambda: len("".join(pieces)) == 600)
        peer.write(frame(0, b"b" * 500, fin=False, mask=MASK))
        peer.write(frame(0, b"c" * 10, mask=MASK))
        await until(lambda: len("".join(pieces)) == 1110)
        assert True in paused


@pytest.mark.parametrize("name", ["onMessage", "onMessageFrameData", "onMessageFrame"])
async def test_rates_with_callbacks(name: str) -> None:
    got: list[bytes] = []

    class Receiver(WebSocketServerProtocol):
        pass

    def receive(self: WebSocketServerProtocol, payload: Any, *_: object) -> None:
        octets = payload if isinstance(payload, bytes) else b"".join(payload)
        if octets:
            got.append(octets)

    setattr(Receiver, name, receive)
    options: dict[str, Any] = {"maxMessagesPerSecond": 10, "onRateLimit": "pause"}
    async with callbacks(Receiver, **options) as (server, _), raw_client(server) as peer:
        peer.write(b"".join(frame(TEXT, b"%d" % n, mask=MASK) for n in range(13)))
        await until(lambda: len(got) == 13)
        assert got == [b"%d" % n for n in range(13)]
        got.clear()
        peer.write(frame(PING, b"", mask=MASK))
        assert (await peer.frame()).opcode == PONG


async def test_empty_messages_count_as_messages_and_arrive() -> None:
    got: list[bytes] = []

    class Receiver(WebSocketServerProtocol):
        def onMessageFrameData(self, payload: bytes) -> None:
            got.append(payload)

    options: dict[str, Any] = {"maxMessagesPerSecond": 2, "onRateLimit": "close"}
    async with callbacks(Receiver, **options) as (server, _), raw_client(server) as peer:
        peer.write(frame(TEXT, b"", mask=MASK) * 2)
        await until(lambda: got == [b"", b""])
        peer.write(frame(TEXT, b"", mask=MASK) * 2)
        assert await peer.everything() == b""
    assert len(got) <= 3


async def test_nothing_is_made_where_nothing_is_limited() -> None:
    collect = Collector()
    async with serving(collect) as (_, url), connect(url) as ws:
        await ws.send("x")
        await until(lambda: collect.messages)
        assert collect.ws is not None
        own = collect.ws.protocol.__dict__
        assert not {"_rate_limit", "_rateLimitCall", "_address", "_refusal", "_since"} & own.keys()
        assert collect.ws.protocol.factory.admission is None


# --- access log ---------------------------------------------------------------------------------


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """The lines of the access log so far, with their levels; peers and times left out."""
    caplog.set_level("DEBUG", "wsproto_async.access")

    def read() -> list[tuple[int, str]]:
        return [
            (
                record.levelno,
                re.sub(r" \d+\.\d{3} ", " S ", re.sub(r"tcp4:[\d.:]+", "PEER", record.message)),
            )
            for record in caplog.records
            if record.name == "wsproto_async.access"
        ]

    return read


async def test_a_line_for_each_connection(lines: Any) -> None:
    def answer(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
        return HTTPResponse(404) if request.path == "/nowhere" else None

    checks = [answer, basic_auth({"ann": "secret"})]
    options = ServerOptions(access_log=True)
    async with serving(process_request=checks, options=options) as (server, url):
        async with connect(url + "chat?token=secret", auth=("ann", "secret")) as ws:
            await ws.send("hello")
            await ws.recv()
        await until(lambda: len(lines()) == 1)
        for path in ("nowhere", "chat"):
            with pytest.raises(HandshakeError):
                await connect(url + path)
        await until(lambda: len(lines()) == 3)
        async with raw_client(server, upgrade=False) as peer:
            peer.write(b'GET /a"b\x1b HTTP/1.1\r\n\r\n')
            await peer.everything()
        await until(lambda: len(lines()) == 4)
    (first, first_line), second, third, fourth = lines()
    assert first == logging.INFO
    assert re.fullmatch(r'PEER ann "GET /chat" 101 1000 S (\d+) (\d+)', first_line)
    received, sent = map(int, first_line.split()[-2:])
    assert received > 150
    assert sent > 100
    assert [line.rpartition(" S ")[0] for _, line in (second, third, fourth)] == [
        'PEER - "GET /nowhere" 404 -',
        'PEER - "GET /chat" 401 -',
        'PEER - "-" 400 -',
    ]
    assert "secret" not in str(lines())


async def test_scanners_are_quiet(lines: Any, caplog: pytest.LogCaptureFixture) -> None:
    options = ServerOptions(access_log=True)
    junk = [b"", b"\x16\x03\x01\x02\x00\x01\x00", b"\x00" * 100, b"SSH-2.0-x\r\n", b"GET"]
    async with serving(options=options) as (server, _):
        for octets in junk:
            async with raw_client(server, upgrade=False) as peer:
                peer.write(octets)
                await until(lambda: server._links)
                peer.abort()
            await until(lambda: not server._links)
        async with raw_client(server, upgrade=False) as peer:
            peer.write(b"nonsense\r\n\r\n")
            assert (await peer.everything()).startswith(b"HTTP/1.1 400 ")
    await until(lambda: len(lines()) == len(junk) + 1)
    assert sum(level == logging.INFO for level, _ in lines()) <= 3  # those that got an answer
    assert "Traceback" not in caplog.text
    assert all(record.levelno <= logging.INFO for record in caplog.records)


async def test_it_is_off(lines: Any) -> None:
    async with serving() as (server, url):
        async with connect(url):
            pass
        await until(lambda: not server._links)
    assert lines() == []


async def test_it_serves_callbacks(lines: Any) -> None:
    async with callbacks(WebSocketServerProtocol, accessLog=True) as (server, _):
        async with connect(f"ws://127.0.0.1:{port_of(server)}/x"):
            pass
        async with raw_client(server, upgrade=False) as peer:
            peer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await peer.everything()).startswith(b"HTTP/1.1 200 ")
        await until(lambda: len(lines()) == 2)
    assert [line.rpartition(" S ")[0] for _, line in lines()] == [
        'PEER - "GET /x" 101 1000',
        'PEER - "GET /" 200 -',
    ]


@pytest.mark.parametrize("style", ["user", "peer", "path"])
async def test_a_line_can_be_read_in_one_way_only(
    caplog: pytest.LogCaptureFixture, style: str
) -> None:
    """Nobody can make up a field by what is in another one."""
    caplog.set_level("INFO", "wsproto_async.access")
    forged = 'ann "GET /" 101 1000 0.001 1 1'
    path, more = "/", "X-Forwarded-For: 192.0.2.1"
    if style == "path":
        path = f"/{forged}".replace(" ", "%20")
    elif style == "peer":
        more = f"X-Forwarded-For: {forged}"

    def name(ws: WebSocket, request: ConnectionRequest) -> None:
        ws.protocol.user = forged if style == "user" else ""

    options = ServerOptions(access_log=True, trust_x_forwarded_for=1)
    async with serving(process_request=name, options=options) as (server, _):
        async with raw_client(server, upgrade=False) as peer:
            peer.write(request(path, None, more))
            peer.writer.write_eof()
            await peer.everything()
        await until(lambda: caplog.records)
    [line] = [each.message for each in caplog.records if each.name == "wsproto_async.access"]
    assert re.fullmatch(r'\S+ \S+ "GET /[^" ]*" 101 1006 \d+\.\d+ \d+ \d+', line)
    assert "ann" in line
