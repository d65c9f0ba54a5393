"""``memory_pair`` and ``memory_link``: real ends, and what can go wrong between them."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from tests.api.support import collect, echo, until
from wsproto_async import (
    ClientOptions,
    ConnectError,
    ConnectionClosedError,
    ConnectionClosedOK,
    ConnectionDeny,
    Deflate,
    HandshakeError,
    HTTPResponse,
    Opcode,
    OptionError,
    ServerOptions,
    WebSocket,
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from wsproto_async.compress import PERMESSAGE_COMPRESSION_EXTENSION
from wsproto_async.testing import Recorder, memory_link, memory_pair


async def test_messages_go_both_ways() -> None:
    async with memory_pair() as (client, server):
        await client.send("Grüße")
        assert await server.recv() == "Grüße"
        await server.send(b"\x00\xff")
        assert await client.recv() == b"\x00\xff"
        assert 0 <= await client.ping() < 5
    assert client.close_code == server.close_code == 1000


async def test_a_handler_is_run_as_by_serve() -> None:
    async with memory_pair(echo) as pair:
        await pair.client.send("hello")
        assert await pair.client.recv() == "hello"
        assert pair.server.handler is not None
    assert pair.server.handler is None


async def test_a_handler_that_returns_or_raises_closes() -> None:
    async def returns(ws: WebSocket) -> None:
        await ws.recv()

    async def fails(ws: WebSocket) -> None:
        raise LookupError("on purpose")

    async with memory_pair(returns) as (client, _):
        await client.send("bye")
        with pytest.raises(ConnectionClosedOK):
            await client.recv()
    async with memory_pair(fails) as (client, _):
        with pytest.raises(ConnectionClosedError, match="1011"):
            await client.recv()


async def test_arguments_reach_serve_and_connect() -> None:
    seen: list[Any] = []

    def process_request(ws: WebSocket, request: Any) -> None:
        seen.append((request.path, request.headers["x-token"]))

    async with memory_pair(
        url="ws://localhost/feed",
        server={
            "options": ServerOptions(max_message_payload_size=10),
            "subprotocols": ["chat"],
            "process_request": process_request,
        },
        client={"subprotocols": ["chat"], "headers": {"X-Token": "abc"}},
    ) as (client, server):
        assert client.subprotocol == server.subprotocol == "chat"
        assert seen == [("/feed", "abc")]
        await client.send(bytes(11))
        with pytest.raises(ConnectionClosedError, match="1009"):
            await client.recv()


async def test_a_refusal_is_raised() -> None:
    def refuse(ws: WebSocket, request: Any) -> HTTPResponse:
        raise ConnectionDeny(ConnectionDeny.FORBIDDEN, "no")

    with pytest.raises(HandshakeError) as caught:
        async with memory_pair(server={"process_request": refuse}):
            pytest.fail("it was let in")
    assert caught.value.status == 403


async def test_a_wrong_argument_is_named_and_leaves_nothing() -> None:
    with pytest.raises(OptionError, match="capacity must be 1 octet or more, not 0"):
        memory_link(talker, echoer, capacity=0)
    with pytest.raises(OptionError, match="protocols"):
        async with memory_pair(client={"subprotocols": "chat"}):
            pytest.fail("it was accepted")


async def test_what_fails_before_there_is_a_pair_is_raised() -> None:
    def headers() -> dict[str, str]:
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        async with memory_pair(client={"headers": headers}):
            pytest.fail("there was none")


async def test_large_messages_and_many() -> None:
    large = bytes(range(256)) * 40_000
    limits: dict[str, Any] = {"max_message_payload_size": 2**24, "max_frame_payload_size": 2**24}
    async with memory_pair(
        server={"options": ServerOptions(**limits)}, client={"options": ClientOptions(**limits)}
    ) as (client, server):
        received: list[Any] = []
        receiving = asyncio.create_task(collect(server, received))  # type: ignore[arg-type]
        for number in range(500):
            await client.send(str(number))
        await client.send(large)
        await client.close()
        await receiving
    assert received == [*map(str, range(500)), large]


async def test_whoever_sends_waits_for_a_peer_that_does_not_read() -> None:
    async with memory_pair() as (client, server):
        server.protocol.pauseReceiving()
        sent = 0

        async def send() -> None:
            nonlocal sent
            for _ in range(1000):
                await client.send(bytes(10_000))
                sent += 1

        sending = asyncio.create_task(send())
        await until(lambda: client.protocol.bufferedAmount > 65536)
        for _ in range(10):
            await asyncio.sleep(0)
        assert 6 < sent < 20  # what a wire holds, and what may wait
        server.protocol.resumeReceiving()
        for _ in range(1000):
            assert len(await server.recv()) == 10_000
        await sending


# --- faults -----------------------------------------------------------------------------------


async def test_a_cut_is_a_lost_connection_for_both() -> None:
    async with memory_pair() as pair:
        pair.cut()
        for ws in pair:
            with pytest.raises(ConnectionClosedError) as caught:
                await ws.recv()
            assert isinstance(caught.value.close_info.cause, ConnectionResetError)
            assert caught.value.close_info.initiator == "network"


async def test_a_cut_in_the_middle_of_a_message() -> None:
    async with memory_pair() as pair:
        pair.to_server.cut(after=8 + 500)
        await pair.client.send("x" * 1000)
        with pytest.raises(ConnectionClosedError):
            await pair.server.recv()
        assert pair.to_server.passed >= 508


async def test_a_stall_is_noticed_by_pings_only() -> None:
    options = ClientOptions(auto_ping_interval=0.02, auto_ping_timeout=0.02)
    async with memory_pair(client={"options": options}) as pair:
        pair.stall()
        with pytest.raises(ConnectionClosedError, match="ping timeout"):
            await pair.client.recv()
        assert pair.server.close_info is None


async def test_what_was_stalled_arrives_later() -> None:
    async with memory_pair() as pair:
        pair.stall()
        await pair.client.send("a")
        await pair.server.send("b")
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(pair.to_server) > 0
        pair.resume()
        assert await pair.server.recv() == "a"
        assert await pair.client.recv() == "b"


async def test_a_stalled_close_takes_its_timeout() -> None:
    options = ClientOptions(close_timeout=0.02)
    async with memory_pair(client={"options": options}) as pair:
        pair.to_client.stall()
        await pair.client.close()
        assert pair.client.close_info is not None
        assert not pair.client.close_info.was_clean


async def test_octet_by_octet() -> None:
    recorder = Recorder()
    async with memory_pair(echo, recorder=recorder) as pair:
        pair.split(1)
        for message in ("Grüße", bytes(3_000)):
            await pair.client.send(message)
            assert await pair.client.recv() == message
        pair.split([3, 5, 1000])
        await pair.client.send("x" * 10_000)
        assert await pair.client.recv() == "x" * 10_000


async def test_a_slow_wire_takes_its_time() -> None:
    loop = asyncio.get_running_loop()
    async with memory_pair() as pair:
        pair.to_server.slow(100_000)
        begin = loop.time()
        await pair.client.send(bytes(5_000))
        await pair.server.recv()
        assert loop.time() - begin >= 0.04  # the last piece may have been under way already
        pair.resume()


@pytest.mark.parametrize("sizes", [0, [], [1, 0], -1])
async def test_bad_faults_are_named(sizes: Any) -> None:
    async with memory_pair() as pair:
        with pytest.raises(OptionError, match="sizes from 1 octet on"):
            pair.split(sizes)
        with pytest.raises(OptionError, match="above 0"):
            pair.slow(0)
        with pytest.raises(OptionError, match="after must be int"):
            pair.to_client.cut(after=1.5)  # type: ignore[arg-type]


# --- the recorder -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["deflate", "bzip2", "snappy", "brotli"])
async def test_a_recorder_inflates_whatever_was_agreed_on(name: str) -> None:
    classes = PERMESSAGE_COMPRESSION_EXTENSION[f"permessage-{name}"]
    accept: Any = classes["OfferAccept"]
    server = ServerOptions(per_message_compression_accept=lambda offers: accept(offers[0]))
    client = ClientOptions(
        per_message_compression_offers=[classes["Offer"]()],
        per_message_compression_accept=classes["ResponseAccept"],
    )
    recorder = Recorder()
    async with memory_pair(
        echo, server={"options": server}, client={"options": client}, recorder=recorder
    ) as (ws, _):
        assert ws.protocol.websocket_extensions_in_use
        for message in ("again " * 100, "again " * 100, b""):
            await ws.send(message)
            assert await ws.recv() == message
    assert [frame.rsv for frame in recorder.frames if not frame.is_control] == [4] * 6
    assert recorder.messages("client") == recorder.messages("server")
    assert recorder.messages("client") == ["again " * 100, "again " * 100, b""]


async def test_a_recorder_sees_frames_and_messages() -> None:
    recorder = Recorder()
    async with memory_pair(echo, recorder=recorder) as (client, _):
        await client.send("a")
        await client.send(["b", "c"])
        assert [await client.recv(), await client.recv()] == ["a", "bc"]
        await client.ping(b"p")
        await client.send(bytes(70_000))
        await client.recv()
    assert recorder.head("client").startswith("GET / HTTP/1.1\r\n")
    assert recorder.head("server").startswith("HTTP/1.1 101 ")
    assert recorder.messages("client") == recorder.messages("server") == ["a", "bc", bytes(70_000)]
    sent = recorder.sent_by("client")
    assert [(each.opcode, each.fin) for each in sent if not each.is_control] == [
        (Opcode.TEXT, True),
        (Opcode.TEXT, False),
        (Opcode.CONTINUATION, False),
        (Opcode.CONTINUATION, True),
        (Opcode.BINARY, True),
    ]
    assert all(each.masked for each in sent)
    assert not any(each.masked for each in recorder.sent_by("server"))
    assert [each.payload for each in recorder.frames if each.opcode == Opcode.PONG] == [b"p"]
    closes = [each for each in recorder.frames if each.opcode == Opcode.CLOSE]
    assert [each.payload[:2] for each in closes] == [b"\x03\xe8"] * 2
    assert repr(recorder) == f"<Recorder: {len(recorder.frames)} frames>"


async def test_a_recorder_inflates_messages() -> None:
    recorder = Recorder()
    compression: dict[str, Any] = {"compression": Deflate(min_size=0)}
    async with memory_pair(echo, server=compression, client=compression, recorder=recorder) as pair:
        for message in ("Grüße " * 100, "Grüße " * 100, bytes(1000)):
            await pair.client.send(message)
            assert await pair.client.recv() == message
        await pair.client.send("as it is", compress=False)
        assert await pair.client.recv() == "as it is"
    expected = ["Grüße " * 100, "Grüße " * 100, bytes(1000), "as it is"]
    assert recorder.messages("client") == recorder.messages("server") == expected
    data = [frame for frame in recorder.sent_by("client") if not frame.is_control]
    assert [frame.rsv for frame in data] == [4, 4, 4, 0]
    assert len(data[0].payload) < 100


async def test_a_recorder_takes_refusals_for_what_they_are() -> None:
    recorder = Recorder()
    answer = HTTPResponse(503, body=b"\x81\x01x")
    with pytest.raises(HandshakeError):
        async with memory_pair(server={"process_request": lambda *_: answer}, recorder=recorder):
            pytest.fail("it was let in")
    assert recorder.head("server").startswith("HTTP/1.1 503 ")
    assert recorder.frames == []
    assert Recorder().head("client") == ""


# --- objects of the contract ------------------------------------------------------------------


class Talker(WebSocketClientProtocol):
    def onOpen(self) -> None:
        self.got: list[bytes] = []
        self.sendMessage(b"hello")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.got.append(payload)
        self.sendClose(1000)


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


def talker() -> Any:
    factory = WebSocketClientFactory("ws://localhost/")
    factory.protocol = Talker
    return factory()


def echoer() -> Any:
    factory = WebSocketServerFactory("ws://localhost/")
    factory.protocol = Echo
    return factory()


async def test_protocol_objects() -> None:
    link = memory_link(talker, echoer)
    assert link.server.peer.startswith("tcp4:127.0.0.1:")
    await asyncio.gather(link.client.is_closed, link.server.is_closed)
    assert link.client.got == [b"hello"]
    assert link.client.wasClean
    assert link.server.wasClean


async def test_protocol_objects_are_freed_without_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        link = memory_link(talker, echoer)
        gone = [weakref.ref(end) for end in (link.client, link.server, link.client.transport)]
        await asyncio.gather(link.client.is_closed, link.server.is_closed)
        del link
        await until(lambda: [ref() for ref in gone] == [None] * 3)
    finally:
        gc.enable()


async def test_a_pair_is_freed_without_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        async with memory_pair(echo) as pair:
            await pair.client.send("x")
            await pair.client.recv()
            gone = [weakref.ref(end) for end in (*pair, *(end.protocol for end in pair))]
        del pair
        await until(lambda: [ref() for ref in gone] == [None] * 4)
    finally:
        gc.enable()


async def test_streams_of_asyncio_work_as_well() -> None:
    reader = asyncio.StreamReader()
    served: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            served.append(line)
            writer.write(line.upper())
        writer.write(b"end\n")
        writer.close()

    link = memory_link(
        lambda: asyncio.StreamReaderProtocol(reader),
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader(), serve),
    )
    transport: Any = link.client._transport  # type: ignore[attr-defined]
    transport.write(b"a\nb\n")
    assert transport.can_write_eof()
    transport.write_eof()
    with pytest.raises(RuntimeError, match="write_eof"):
        transport.write(b"c")
    with pytest.raises(TypeError, match="bytes-like, not str"):
        transport.write("c")
    assert await reader.read() == b"A\nB\nend\n"
    assert served == [b"a\n", b"b\n"]
    transport.close()
    await until(lambda: link.to_client.reader is None)


async def test_writing_to_an_end_that_is_gone_is_a_reset() -> None:
    link = memory_link(talker, echoer)
    await link.client.is_open
    link.server.pauseReceiving()
    lost: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    link.client.onClose = lambda *_: lost.set_result(None)
    link.client.pauseReceiving()  # so that it does not hear of the end
    link.server.dropConnection(abort=True)
    for _ in range(5):
        await asyncio.sleep(0)
    link.client.sendMessage(b"anybody there?")
    await lost
    assert isinstance(link.client.close_info.cause, ConnectionResetError)


async def test_a_server_that_drops_the_connection_instead() -> None:
    async def process_request(ws: WebSocket, request: Any) -> None:
        ws.abort()

    with pytest.raises(ConnectError):
        async with memory_pair(server={"process_request": process_request}):
            pytest.fail("it was let in")
