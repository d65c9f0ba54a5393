"""``recv_streaming``: messages as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from tests.contract.support import BINARY, CLOSE, PING, PONG, TEXT, close_payload, frame
from wsproto_async import (
    ClientOptions,
    CloseCode,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    OptionError,
    OptionTypeError,
    StateError,
    WebSocket,
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


@pytest.mark.parametrize("octets", [b"x\xff", b"x\xc3"])
@pytest.mark.parametrize("early", [False, True])
async def test_text_that_is_not_checked_must_be_text_all_the_same(
    octets: bytes, early: bool
) -> None:
    options = ClientOptions(utf8_validate_incoming=False, close_timeout=0.05)
    script = Script()
    async with raw_server(script) as url:
        ws = await connect(url, options=options)
        pieces = ws.recv_streaming()
        beginning = frame(TEXT, octets, fin=False)
        if early:
            await script.send(beginning)
            await until(lambda: ws.protocol._connection.reader.opcode)
        receiving = asyncio.ensure_future(collect(pieces, []))
        await asyncio.sleep(0)
        await script.send(b"" if early else beginning, frame(CONT, b"", fin=True))
        with pytest.raises(ConnectionClosedError) as caught:
            await receiving
        assert caught.value.close_info.sent_code == CloseCode.INVALID_PAYLOAD


async def test_only_one_at_a_time() -> None:
    async with serving() as (_, url), connect(url) as ws:
        first = asyncio.ensure_future(collect(ws.recv_streaming(), []))
        await asyncio.sleep(0)
        with pytest.raises(StateError, match="another message is being received"):
            await anext(ws.recv_streaming())
        await ws.send("x")
        await first


async def test_one_that_was_cancelled_makes_way() -> None:
    async with serving() as (_, url), connect(url) as ws:
        pieces = ws.recv_streaming()
        waiting = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        others = ws.recv_streaming()
        receiving = asyncio.ensure_future(anext(others))
        await ws.send("one")
        assert await receiving == "one"
        with pytest.raises(StateError, match="was skipped"):
            await anext(pieces)


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


# --- left in the middle ---------------------------------------------------------------------------


async def in_two_halves(peer: RawPeer) -> None:
    """The rest of the first message comes when the other end has said something."""
    peer.send(BINARY, b"first half", fin=False)
    await peer.frame()
    peer.send(0, b"second half")
    peer.send(TEXT, b"next")
    await peer.frame()
    peer.send(CLOSE, close_payload(1000))


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("how", ["recv", "iterate", "stream"])
async def test_what_is_received_instead_is_the_next_message(how: str, kept: bool) -> None:
    """Whether somebody still refers to the iterator or not."""
    async with raw_server(in_two_halves) as url, connect(url) as ws:
        pieces = ws.recv_streaming()
        async for piece in pieces:
            assert piece == b"first half"
            break
        if not kept:
            del pieces
        await ws.send("go on")
        if how == "recv":
            assert await ws.recv() == "next"
        elif how == "iterate":
            assert await anext(aiter(ws)) == "next"
        else:
            assert [piece async for piece in ws.recv_streaming()] == ["next"]
        if kept:
            with pytest.raises(StateError, match="was skipped"):
                await anext(pieces)
            with pytest.raises(StopAsyncIteration):
                await anext(pieces)


async def test_one_that_is_closed_skips_the_rest() -> None:
    async with raw_server(in_two_halves) as url, connect(url) as ws:
        async with aclosing(ws.recv_streaming()) as pieces:
            assert await anext(pieces) == b"first half"
        await ws.send("go on")
        assert await ws.recv() == "next"
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)


async def test_a_task_that_receives_pieces_is_not_robbed() -> None:
    async with raw_server(in_two_halves) as url, connect(url) as ws:
        got: list[Any] = []
        task = asyncio.create_task(collect(ws.recv_streaming(), got))
        await until(lambda: got)
        with pytest.raises(StateError, match="another message is being received"):
            await ws.recv()
        await ws.send("go on")
        await task
        assert got == [b"first half", b"second half"]
        assert await ws.recv() == "next"


async def test_two_may_wait_for_the_rest() -> None:
    async with raw_server(in_two_halves) as url, connect(url) as ws:
        pieces = ws.recv_streaming()
        assert await anext(pieces) == b"first half"
        others = [asyncio.create_task(anext(ws.recv_streaming())) for _ in range(2)]
        await asyncio.sleep(0)
        await ws.send("go on")
        assert await others[0] == "next"
        await ws.send("enough")
        with pytest.raises(ConnectionClosedOK):
            await others[1]


async def test_waiting_for_the_rest_ends_with_the_connection() -> None:
    async def script(peer: RawPeer) -> None:
        peer.send(BINARY, b"half", fin=False)
        await peer.frame()

    async with raw_server(script) as url:
        ws = await connect(url)
        async for _ in ws.recv_streaming():
            break
        waiting = asyncio.create_task(collect(ws.recv_streaming(), []))
        await asyncio.sleep(0)
        await ws.send("enough")
        with pytest.raises(ConnectionClosed):
            await waiting


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_size", [0, 3_000_000])
@pytest.mark.parametrize("fragments", [1, 30])
async def test_a_limit_of_its_own(max_size: int, fragments: int) -> None:
    """Large messages for whoever takes them in pieces, and small ones for everybody else."""

    async def send(ws: WebSocket) -> None:
        assert await ws.recv() == "go"
        whole = bytes(3_000_000)
        size = len(whole) // fragments
        await ws.send([whole[begin : begin + size] for begin in range(0, len(whole), size)])
        await ws.send(b"x" * 11)
        await read(ws)

    async def read(ws: WebSocket) -> None:
        async for _ in ws:
            pass

    options = ClientOptions(max_message_payload_size=10, max_frame_payload_size=10)
    async with serving(send) as (_, url):
        ws = await connect(url, options=options)
        size = 0
        await ws.send("go")
        async for piece in ws.recv_streaming(max_size=max_size):
            size += len(piece)
        assert size == 3_000_000
        with pytest.raises(ConnectionClosedError, match="message of 11 octets exceeds"):
            await ws.recv()


async def test_a_limit_that_is_assigned_meanwhile_stays() -> None:
    script = Script()
    async with raw_server(script) as url:
        ws = await connect(url, options=OPTIONS)
        pieces = ws.recv_streaming(max_size=10)
        await script.send(frame(TEXT, b"a", fin=False))
        assert await anext(pieces) == "a"
        ws.protocol.maxMessagePayloadSize = 5
        await script.send(frame(CONT, b"b"), frame(TEXT, b"123456"))
        assert [piece async for piece in pieces] == ["b"]
        with pytest.raises(ConnectionClosedError, match="max_message_payload_size=5"):
            await ws.recv()


async def test_above_a_limit_of_its_own() -> None:
    async def send(ws: WebSocket) -> None:
        assert await ws.recv() == "go"
        await ws.send([b"x" * 60, b"x" * 60])
        await ws.wait_closed()

    async with serving(send) as (_, url):
        ws = await connect(url)
        await ws.send("go")
        with pytest.raises(ConnectionClosedError, match="message of 120 octets"):
            async for _ in ws.recv_streaming(max_size=100):
                pass


@pytest.mark.parametrize("max_size", [-1, "1", True])
async def test_bad_limits(max_size: Any) -> None:
    async with serving() as (_, url), connect(url) as ws:
        with pytest.raises(OptionError, match="max_size must be"):
            ws.recv_streaming(max_size=max_size)


# --- sending --------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [False, True])
async def test_the_end_of_the_connection_ends_a_source_that_waits(begun: bool) -> None:
    """Nobody has to wait for a next fragment that could not be sent."""
    closed, waits = False, asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            if begun:
                yield b"a fragment"
            waits.set()
            await asyncio.Event().wait()
        finally:
            closed = True

    async def close(ws: WebSocket) -> None:
        await waits.wait()

    async with serving(close) as (_, url):
        ws = await connect(url)
        with pytest.raises(ConnectionClosed):
            await ws.send(source())
        assert closed


async def test_a_source_that_times_out_says_so_itself() -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"a fragment"
        raise TimeoutError("of the source")

    async with serving() as (_, url):
        ws = await connect(url)
        with pytest.raises(TimeoutError, match="of the source"):
            await ws.send(source())
        await ws.wait_closed()
        assert ws.close_info is not None
        assert ws.close_info.sent_code == 1011


@pytest.mark.parametrize("kind", ["generator", "asynchronous"])
async def test_a_generator_is_closed_where_its_message_cannot_be_sent(kind: str) -> None:
    closed: list[str] = []

    def generator() -> Iterator[Any]:
        try:
            yield b"bytes"
            yield "text"
        finally:
            closed.append("generator")

    async def asynchronous() -> AsyncIterator[Any]:
        try:
            yield b"bytes"
            yield "text"
        finally:
            closed.append("asynchronous")

    async with serving() as (_, url):
        ws = await connect(url)
        with pytest.raises(OptionTypeError):
            await ws.send(generator() if kind == "generator" else asynchronous())
        assert closed == [kind]
        await ws.wait_closed()


async def test_other_messages_wait_in_the_order_of_their_sending() -> None:
    release = asyncio.Event()

    async def slow() -> AsyncIterator[str]:
        yield "slow "
        await release.wait()
        yield "message"

    async with serving() as (_, url), connect(url) as ws:
        tasks = [asyncio.create_task(ws.send(slow()))]
        await asyncio.sleep(0)
        for message in ("1", ["2", "!"], "3", iter("45"), "6"):
            tasks.append(asyncio.create_task(ws.send(message)))
            await asyncio.sleep(0)
        assert await ws.ping() > 0  # control frames need not wait
        release.set()
        await asyncio.gather(*tasks)
        got = [await ws.recv() for _ in tasks]
        assert got == ["slow message", "1", "2!", "3", "45", "6"]
