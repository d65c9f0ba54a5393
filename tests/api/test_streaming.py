"""``recv_streaming``: messages as they arrive."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from tests.contract.support import BINARY, CLOSE, PING, PONG, TEXT, close_payload, frame
from wsproto_async import (
    ClientOptions,
    CloseCode,
    ConnectionClosedError,
    ConnectionClosedOK,
    StateError,
    connect,
)

from .support import RawPeer, collect, raw_server, serving, until

CONT = 0

OPTIONS = ClientOptions(close_timeout=0.05)


class Script:
    """A server that sends when it is told to."""

    def __init__(self) -> None:
        self.peer: RawPeer | None = None
        self.over = asyncio.Event()

    async def __call__(self, peer: RawPeer) -> None:
        self.peer = peer
        await self.over.wait()

    async def send(self, *octets: bytes) -> None:
        await until(lambda: self.peer)
        assert self.peer is not None
        for piece in octets:
            self.peer.write(piece)
        await self.peer.writer.drain()


async def test_fragments_come_as_they_arrive() -> None:
    script = Script()
    async with raw_server(script) as url, connect(url, options=OPTIONS) as ws:
        pieces = ws.recv_streaming()
        first = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        await script.send(frame(TEXT, b"one ", fin=False))
        assert await first == "one "
        await script.send(frame(CONT, b"two ", fin=False))
        assert await anext(pieces) == "two "
        await script.send(frame(CONT, b"three, a long one")[:-8])
        got = await anext(pieces)
        await script.send(b"long one", frame(BINARY, b"next"))
        rest: list[Any] = []
        await collect(pieces, rest)
        assert "".join([str(got), *rest]) == "three, a long one"
        assert await ws.recv() == b"next"


async def test_text_is_cut_between_characters() -> None:
    script = Script()
    text = "½🐸"
    async with raw_server(script) as url, connect(url, options=OPTIONS) as ws:
        pieces: list[Any] = []
        receiving = asyncio.ensure_future(collect(ws.recv_streaming(), pieces))
        await asyncio.sleep(0)
        octets = text.encode()
        for i, octet in enumerate(octets):
            last = i == len(octets) - 1
            await script.send(frame(CONT if i else TEXT, bytes([octet]), fin=last))
        await receiving
        assert pieces == ["½", "🐸"]


async def test_what_had_arrived_before_is_the_first_piece() -> None:
    script = Script()
    async with raw_server(script) as url, connect(url, options=OPTIONS) as ws:
        await script.send(frame(BINARY, b"a" * 100, fin=False), frame(CONT, b"b" * 100)[:50])
        await until(lambda: ws._connection.reader.opcode and ws._connection.reader.in_frame)
        pieces = ws.recv_streaming()
        first = await anext(pieces)
        assert first == b"a" * 100 + b"b" * 48
        await script.send(frame(CONT, b"b" * 100)[50:], frame(TEXT, b"next"))
        rest: list[Any] = []
        await collect(pieces, rest)
        assert b"".join(rest) == b"b" * 52
        assert await ws.recv() == "next"


async def test_a_message_that_is_complete_comes_in_one_piece() -> None:
    async with serving() as (_, url), connect(url) as ws:
        await ws.send("abc")
        await until(lambda: ws._stream.count)
        got: list[Any] = []
        await collect(ws.recv_streaming(), got)
        assert got == ["abc"]


async def test_many_messages_one_after_another() -> None:
    async with serving() as (_, url), connect(url) as ws:
        for size in (0, 1, 125, 126, 65535, 65536, 500_000):
            for message in ("x" * size, b"x" * size):
                sending = asyncio.create_task(ws.send([message[: size // 2], message[size // 2 :]]))
                got: list[Any] = []
                await collect(ws.recv_streaming(), got)
                await sending
                assert type(message)().join(got) == message


async def test_large_messages_need_little_memory() -> None:
    script = Script()
    options = ClientOptions(
        close_timeout=0.05,
        receive_queue_bytes=100_000,
        max_message_payload_size=0,
        max_frame_payload_size=0,
    )
    size = 20_000_000
    async with raw_server(script) as url, connect(url, options=options) as ws:
        received = 0
        pieces = ws.recv_streaming()
        first = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        sending = asyncio.ensure_future(script.send(frame(BINARY, bytes(size))))
        received += len(await first)
        await until(lambda: ws._connection.paused)
        assert ws.protocol._fragments is not None
        assert ws.protocol._fragments.stream.octets < 1_000_000
        async for piece in pieces:
            received += len(piece)
        await sending
        assert received == size


async def test_control_frames_come_in_between() -> None:
    script = Script()
    async with raw_server(script) as url, connect(url, options=OPTIONS) as ws:
        pieces: list[Any] = []
        receiving = asyncio.ensure_future(collect(ws.recv_streaming(), pieces))
        await asyncio.sleep(0)
        await script.send(frame(TEXT, b"a", fin=False), frame(PING, b"there?"), frame(CONT, b"b"))
        await receiving
        assert "".join(pieces) == "ab"
        assert script.peer is not None
        assert (await script.peer.frame()).opcode == PONG


async def test_whoever_stops_early_skips_the_rest() -> None:
    script = Script()
    async with raw_server(script) as url, connect(url, options=OPTIONS) as ws:
        async with aclosing(stream_of(ws)) as pieces:
            first = asyncio.ensure_future(anext(pieces))
            await asyncio.sleep(0)
            await script.send(frame(TEXT, b"first", fin=False))
            assert await first == "first"
        await script.send(frame(CONT, b"x" * 500_000, fin=False), frame(CONT, b"last"))
        await script.send(frame(TEXT, b"next"))
        assert await ws.recv() == "next"


def stream_of(ws: Any) -> Any:
    return ws.recv_streaming()


async def test_the_end_of_the_connection_is_raised() -> None:
    script = Script()
    async with raw_server(script) as url:
        ws = await connect(url, options=OPTIONS)
        pieces: list[Any] = []
        receiving = asyncio.ensure_future(collect(ws.recv_streaming(), pieces))
        await asyncio.sleep(0)
        await script.send(frame(TEXT, b"half", fin=False))
        assert script.peer is not None
        script.over.set()
        with pytest.raises(ConnectionClosedError):
            await receiving
        assert pieces == ["half"]


async def test_closing_in_the_middle() -> None:
    script = Script()
    async with raw_server(script) as url:
        ws = await connect(url, options=OPTIONS)
        pieces: list[Any] = []
        receiving = asyncio.ensure_future(collect(ws.recv_streaming(), pieces))
        await asyncio.sleep(0)
        await script.send(frame(TEXT, b"half", fin=False))
        await until(lambda: pieces)
        closing = asyncio.ensure_future(ws.close(timeout=5))
        await asyncio.sleep(0)
        await script.send(frame(CONT, b"rest"), frame(TEXT, b"whole"))
        await script.send(frame(CLOSE, close_payload(1000)))
        script.over.set()
        with pytest.raises(ConnectionClosedOK):
            await receiving
        await closing
        assert pieces == ["half"]
        assert await ws.recv() == "whole"


async def test_closing_before_a_message() -> None:
    async with serving() as (_, url):
        ws = await connect(url)
        receiving = asyncio.ensure_future(collect(ws.recv_streaming(), []))
        await asyncio.sleep(0)
        await ws.close()
        with pytest.raises(ConnectionClosedOK):
            await receiving


async def test_reading_goes_on_behind_a_message_that_had_to_wait() -> None:
    script = Script()
    options = ClientOptions(close_timeout=0.05, receive_queue_messages=2)
    async with raw_server(script) as url, connect(url, options=options) as ws:
        pieces = ws.recv_streaming()
        first = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        await script.send(frame(TEXT, b"0", fin=False))
        assert await first == "0"
        await script.send(*(frame(CONT, b"1", fin=i == 3) for i in range(4)))
        await script.send(*(frame(TEXT, b"2") for _ in range(4)))
        rest: list[Any] = []
        await until(lambda: ws._connection.paused)
        await collect(pieces, rest)
        assert "".join(rest) == "1111"
        assert [await ws.recv() for _ in range(4)] == ["2"] * 4


async def test_limits_and_utf8_count() -> None:
    options = ClientOptions(max_message_payload_size=10, close_timeout=0.05)
    for octets, code in (
        (frame(TEXT, b"x" * 6, fin=False) + frame(CONT, b"x" * 5), CloseCode.MESSAGE_TOO_BIG),
        (frame(TEXT, b"x\xff", fin=False), CloseCode.INVALID_PAYLOAD),
    ):
        script = Script()
        async with raw_server(script) as url:
            ws = await connect(url, options=options)
            receiving = asyncio.ensure_future(collect(ws.recv_streaming(), []))
            await asyncio.sleep(0)
            await script.send(octets)
            with pytest.raises(ConnectionClosedError) as caught:
                await receiving
            assert caught.value.close_info.sent_code == code


async def test_only_one_at_a_time() -> None:
    async with serving() as (_, url), connect(url) as ws:
        first = asyncio.ensure_future(collect(ws.recv_streaming(), []))
        await asyncio.sleep(0)
        with pytest.raises(StateError, match="while another message"):
            await anext(ws.recv_streaming())
        await ws.send("x")
        await first


async def test_cancelling_while_waiting_for_a_message() -> None:
    async with serving() as (_, url), connect(url) as ws:
        receiving = asyncio.ensure_future(collect(ws.recv_streaming(), []))
        await asyncio.sleep(0)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        await ws.send("one")
        await ws.send("two")
        assert await ws.recv() == "one"
        assert await ws.recv() == "two"
