"""``compression=``, and what is on the wire then."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.support import BINARY, MASK, TEXT, Frame, head_of, request
from wsproto_async import (
    ClientOptions,
    Deflate,
    Hub,
    OptionError,
    OptionTypeError,
    PerMessageDeflateOffer,
    Server,
    ServerOptions,
    WebSocket,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    broadcast,
    connect,
    serve,
)
from wsproto_async.core.extensions.zlibs import TAIL, Deflating

from .support import RawPeer, drain, raw_client, serving, until

COMPRESSED = 4
"""RSV1, as the reserved bits show it."""

NEWS = "what happened today, " * 30
SMALL = Deflate(min_size=0)
MEBIBYTE = 1024 * 1024


@contextlib.asynccontextmanager
async def deflating_client(
    server: Server, offer: str = "permessage-deflate; client_max_window_bits"
) -> AsyncIterator[RawPeer]:
    """A client that looks at frames, and has agreed on compression."""
    async with raw_client(server, upgrade=False) as peer:
        peer.write(request("/", {"Sec-WebSocket-Extensions": offer}))
        fields = head_of(await peer.read_head())[1]
        assert fields["sec-websocket-extensions"].startswith("permessage-deflate")
        yield peer


class Reader:
    """Reads compressed messages of a stream that goes on, as any peer does."""

    def __init__(self) -> None:
        self.stream = zlib.decompressobj(-15)

    def message(self, *frames: Frame) -> bytes:
        assert [frame.rsv for frame in frames] == [COMPRESSED] + [0] * (len(frames) - 1)
        return self.stream.decompress(b"".join(frame.payload for frame in frames) + TAIL)


def bomb(size: int) -> bytes:
    """A message of zeros."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -12)
    return (stream.compress(bytes(size)) + stream.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


# --- arguments ------------------------------------------------------------------------------------


async def test_both_ends() -> None:
    async def echo(ws: WebSocket) -> None:
        async for message in ws:
            await ws.send(message)

    for server_side in (SMALL, Deflate(codec="zlib-ng", context_takeover=False)):
        for client_side in (SMALL, Deflate(peer_window_bits=9, peer_context_takeover=False)):
            async with (
                serving(echo, compression=server_side) as (_, url),
                connect(url, compression=client_side) as ws,
            ):
                assert len(ws.protocol.websocket_extensions_in_use) == 1
                for message in ("", NEWS, NEWS.encode(), NEWS, "x" * MEBIBYTE):
                    await ws.send(message)
                    assert await ws.recv() == message
                stats = ws.protocol.trafficStats
                assert stats.incomingOctetsWebSocketLevel < stats.incomingOctetsAppLevel / 50


async def test_who_says_nothing_compresses_nothing() -> None:
    async with (
        serving(drain, compression=Deflate()) as (_, url),
        connect(url) as ws,
    ):
        assert ws.protocol.websocket_extensions_in_use == []
    async with (
        serving(drain) as (_, url),
        connect(url, compression=Deflate()) as ws,
    ):
        assert ws.protocol.websocket_extensions_in_use == []


@pytest.mark.parametrize("bad", ["deflate", True, Deflate, PerMessageDeflateOffer()])
def test_what_is_no_compression(bad: Any) -> None:
    with pytest.raises(OptionTypeError, match=r"compression must be Deflate\(\)"):
        serve(drain, "", 0, compression=bad)
    with pytest.raises(OptionTypeError, match=r"compression must be Deflate\(\)"):
        connect("ws://localhost", compression=bad)


def test_it_is_said_in_one_place() -> None:
    accept = Deflate().accept
    with pytest.raises(OptionError, match="per_message_compression_accept"):
        serve(
            drain,
            "",
            0,
            compression=Deflate(),
            options=ServerOptions(per_message_compression_accept=accept),
        )
    with pytest.raises(OptionError, match="per_message_compression_accept"):
        connect(
            "ws://localhost",
            compression=Deflate(),
            options=ClientOptions(per_message_compression_accept=accept),
        )


# --- what is sent ---------------------------------------------------------------------------------


async def test_which_messages_are_compressed() -> None:
    async def speak(ws: WebSocket) -> None:
        await ws.send(NEWS)
        await ws.send(NEWS, compress=False)
        await ws.send(NEWS.encode())
        await ws.send(bytearray(NEWS.encode()), compress=False)
        await ws.send("x" * 127)
        await ws.send("x" * 128)
        await ws.send("é" * 64)
        await ws.send([NEWS, NEWS])
        await ws.send([NEWS, NEWS], compress=False)
        broadcast([ws], NEWS)
        broadcast([ws], NEWS, compress=False)
        broadcast([ws], "x" * 127)
        await ws.send(NEWS)

    news = NEWS.encode()
    async with (
        serving(speak, compression=Deflate()) as (server, _),
        deflating_client(server) as peer,
    ):
        reader = Reader()
        assert reader.message(await peer.frame()) == news
        assert await peer.frame() == Frame(TEXT, news)
        frame = await peer.frame()
        assert frame.opcode == BINARY
        assert reader.message(frame) == news
        assert await peer.frame() == Frame(BINARY, news)
        assert await peer.frame() == Frame(TEXT, b"x" * 127)
        assert reader.message(await peer.frame()) == b"x" * 128
        assert reader.message(await peer.frame()) == "é".encode() * 64
        assert reader.message(*[await peer.frame() for _ in range(3)]) == news * 2
        frames = [await peer.frame() for _ in range(3)]
        assert [frame.rsv for frame in frames] == [0, 0, 0]
        assert b"".join(frame.payload for frame in frames) == news * 2
        assert reader.message(await peer.frame()) == news
        assert await peer.frame() == Frame(TEXT, news)
        assert await peer.frame() == Frame(TEXT, b"x" * 127)
        assert reader.message(await peer.frame()) == news


async def test_a_send_that_is_cancelled_spoils_nothing() -> None:
    """It waits for the peer at the most; then the message is compressed and on its way."""
    noise = [random.Random(number).randbytes(50_000) for number in range(3)]
    sent: list[bytes] = []
    cancelled = asyncio.Event()

    async def speak(ws: WebSocket) -> None:
        while not cancelled.is_set():
            message = noise[len(sent) % 3]
            sending = asyncio.create_task(ws.send(message))
            sent.append(message)
            await asyncio.sleep(0)
            if ws.protocol._writing_paused:
                assert not sending.done()
                sending.cancel()
                if len(sent) % 5 == 0:
                    cancelled.set()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
        await ws.send(NEWS)

    async with (
        serving(speak, compression=SMALL) as (server, _),
        deflating_client(server) as peer,
    ):
        await cancelled.wait()
        reader = Reader()
        for message in sent:
            assert reader.message(await peer.frame()) == message
        assert reader.message(await peer.frame()) == NEWS.encode()


# --- broadcast ------------------------------------------------------------------------------------


async def test_a_broadcast_is_compressed_once_for_each_agreement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compressed = []
    compress = Deflating.compress

    def counted(way: Deflating, data: bytes) -> bytes:
        compressed.append(data)
        return compress(way, data)

    monkeypatch.setattr(Deflating, "compress", counted)
    offers = ["permessage-deflate"] * 3 + [
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=9",
    ]
    async with (
        serving(drain, compression=SMALL) as (server, _),
        contextlib.AsyncExitStack() as stack,
    ):
        clients = [
            await stack.enter_async_context(deflating_client(server, offer)) for offer in offers
        ]
        plain = await stack.enter_async_context(raw_client(server))
        await until(lambda: len(server.connections) == 7)
        readers = [Reader() for _ in clients]
        for round_ in range(3):
            for ws in server.connections:  # with a context of its own in between
                await ws.send(f"{round_} {ws.remote_address} {NEWS}")
            for client, reader in zip(clients, readers, strict=True):
                own = reader.message(await client.frame())
                assert own.endswith(NEWS.encode())
            assert (await plain.frame()).rsv == 0
            text = f"to all, {round_}: {NEWS}"
            result = broadcast(server.connections, text)
            assert (result.sent, result.dropped) == (7, 0)
            assert compressed == [text.encode()] * 2
            compressed.clear()
            frames = [await client.frame() for client in clients]
            # The same octets for all with the same window.
            assert len(set(frames[:4])) == len(set(frames[4:])) == 1
            for reader, frame in zip(readers, frames, strict=True):
                assert reader.message(frame) == text.encode()
            assert await plain.frame() == Frame(TEXT, text.encode())


async def test_what_is_published_in_a_hub() -> None:
    hub = Hub()
    async with (
        serving(drain, compression=SMALL) as (server, _),
        deflating_client(server) as peer,
    ):
        [ws] = await connected(server)
        hub.join("news", ws)
        hub.publish("news", NEWS)
        hub.publish("news", NEWS, compress=False)
        assert Reader().message(await peer.frame()) == NEWS.encode()
        assert await peer.frame() == Frame(TEXT, NEWS.encode())


async def test_the_counters_of_a_message_in_fragments() -> None:
    async with (
        serving(compression=SMALL) as (server, url),
        connect(url, compression=SMALL) as ws,
    ):
        await ws.send([NEWS, NEWS])
        assert await ws.recv() == NEWS * 2
        [peer] = await connected(server)
        ours, theirs = ws.protocol.trafficStats, peer.protocol.trafficStats
        assert ours.outgoingOctetsAppLevel == theirs.incomingOctetsAppLevel == 2 * len(NEWS)
        assert 0 < ours.outgoingOctetsWebSocketLevel == theirs.incomingOctetsWebSocketLevel
        assert ours.outgoingOctetsWebSocketLevel < len(NEWS)


async def test_a_broadcast_of_clients() -> None:
    """They mask each message anew, and so compress it anew."""
    async with (
        serving(compression=SMALL) as (_, url),
        connect(url, compression=SMALL) as one,
        connect(url, compression=SMALL) as other,
    ):
        for compress in (True, False):
            broadcast([one, other], NEWS, compress=compress)
            assert await one.recv() == await other.recv() == NEWS
            stats = one.protocol.trafficStats
            smaller = stats.outgoingOctetsWebSocketLevel < stats.outgoingOctetsAppLevel / 2
            assert smaller is compress


# --- bombs ----------------------------------------------------------------------------------------


async def test_bombs_wait_as_they_are_until_somebody_takes_them() -> None:
    """Hundreds of legal messages in a read: what is not fetched is not inflated."""
    fetch = asyncio.Event()
    sizes: list[int] = []

    async def handler(ws: WebSocket) -> None:
        await fetch.wait()
        async for message in ws:
            sizes.append(len(message))

    wire = bomb(MEBIBYTE)
    async with (
        serving(handler, compression=Deflate()) as (server, _),
        deflating_client(server) as peer,
    ):
        tracemalloc.start()
        try:
            for _ in range(100):
                peer.send(BINARY, wire, rsv=COMPRESSED, mask=MASK)
            peer.send(BINARY, b"last", mask=MASK)
            [ws] = await connected(server)
            await until(lambda: ws.protocol._connection.paused)
            waiting = tracemalloc.get_traced_memory()[1]
            fetch.set()
            await until(lambda: len(sizes) == 101)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert sizes == [MEBIBYTE] * 100 + [4]
    assert waiting < 6 * MEBIBYTE
    assert peak < 8 * MEBIBYTE


async def connected(server: Server) -> list[WebSocket]:
    await until(lambda: server.connections)
    return list(server.connections)


async def test_bombs_wait_for_coroutine_hooks_too() -> None:
    release = asyncio.Event()
    begun: list[int] = []

    class Slow(WebSocketServerProtocol):
        async def onMessage(self, payload: bytes, isBinary: bool) -> None:
            begun.append(len(payload))
            await release.wait()

    factory = WebSocketServerFactory()
    factory.protocol = Slow
    factory.setProtocolOptions(perMessageCompressionAccept=Deflate().accept, hookConcurrency=2)
    listener = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    wire = bomb(MEBIBYTE)
    try:
        peer = RawPeer(*await asyncio.open_connection("127.0.0.1", port))
        peer.write(request("/", {"Sec-WebSocket-Extensions": "permessage-deflate"}))
        await peer.read_head()
        tracemalloc.start()
        try:
            for _ in range(50):
                peer.send(BINARY, wire, rsv=COMPRESSED, mask=MASK)
            await until(lambda: begun)
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(begun) <= 2
            assert tracemalloc.get_traced_memory()[1] < 5 * MEBIBYTE
        finally:
            tracemalloc.stop()
        release.set()
        await until(lambda: len(begun) == 50)
        assert set(begun) == {MEBIBYTE}
        peer.close()
        await peer.writer.wait_closed()
    finally:
        listener.close()
        await listener.wait_closed()


async def test_a_large_bomb_is_received_in_pieces() -> None:
    """A message that is far larger than what may wait, in one frame."""
    size = 50 * MEBIBYTE
    total = 0
    largest = 0

    async def handler(ws: WebSocket) -> None:
        nonlocal total, largest
        async for piece in ws.recv_streaming():
            total += len(piece)
            largest = max(largest, len(piece))
            await asyncio.sleep(0)
        await ws.send("done")

    options = ServerOptions(
        max_message_payload_size=0, max_frame_payload_size=0, receive_queue_bytes=1000
    )
    wire = bomb(size)
    async with (
        serving(handler, options=options, compression=Deflate()) as (server, _),
        deflating_client(server) as peer,
    ):
        tracemalloc.start()
        try:
            peer.send(BINARY, wire, rsv=COMPRESSED, mask=MASK)
            assert await peer.frame() == Frame(TEXT, b"done")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert total == size
    assert largest < MEBIBYTE
    assert peak < 6 * MEBIBYTE
