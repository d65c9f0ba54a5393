"""``WebSocket``: sending, receiving, pinging, closing, and what can be seen of it."""

from __future__ import annotations

import array
import asyncio
import functools
import uuid
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from tests.contract.support import CLOSE, MASK, PING, PONG, TEXT, close_payload, frame, request
from wsproto_async import (
    ClientOptions,
    CloseCode,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    OptionError,
    OptionTypeError,
    PayloadExceededError,
    ServerOptions,
    State,
    StateError,
    WebSocket,
    connect,
)
from wsproto_async._native import NATIVE
from wsproto_async.testing import memory_pair

from .support import (
    Certificates,
    RawPeer,
    collect,
    drain,
    echo,
    raw_client,
    raw_server,
    serving,
    until,
)


class Text(str):
    """Text of another type."""


# --- sending and receiving ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "comes_back"),
    [
        ("", ""),
        ("Grüße ½ 🐸", "Grüße ½ 🐸"),
        (b"", b""),
        (b"\x00\xff", b"\x00\xff"),
        ("x" * 300_000, "x" * 300_000),
        (b"x" * 300_000, b"x" * 300_000),
        (Text("text"), "text"),
        (bytearray(b"array"), b"array"),
        (memoryview(b"0123456789")[::2], b"02468"),
        (array.array("H", [0x4142, 0x4344]), array.array("H", [0x4142, 0x4344]).tobytes()),
        (["a", "b", "½"], "ab½"),
        ((b"a", bytearray(b"b"), memoryview(b"c")), b"abc"),
        (["alone"], "alone"),
        (["", ""], ""),
    ],
    ids=lambda value: type(value).__name__ + str(value)[:8],
)
async def test_messages_come_back(message: Any, comes_back: str | bytes) -> None:
    async with serving() as (_, url), connect(url) as ws:
        await ws.send(message)
        assert await ws.recv() == comes_back


async def test_over_tls(certificates: Certificates) -> None:
    async with (
        serving(ssl=certificates.server) as (_, url),
        connect(url, ssl=certificates.client) as ws,
    ):
        for message in ("text", b"x" * 300_000):
            await ws.send(message)
            assert await ws.recv() == message


async def test_an_async_iterable_is_one_message() -> None:
    async def fragments() -> AsyncIterator[str]:
        for fragment in ("a", "b", "c"):
            await asyncio.sleep(0)
            yield fragment

    async def record(peer: RawPeer) -> None:
        got.extend([await peer.frame() for _ in range(4)])
        received.set()
        await peer.everything()

    got: list[Any] = []
    received = asyncio.Event()
    async with raw_server(record) as url, connect(url, options=QUICK) as ws:
        await ws.send(fragments())
        await received.wait()
    assert [(f.opcode, f.payload, f.fin) for f in got] == [
        (1, b"a", False),
        (0, b"b", False),
        (0, b"c", False),
        (0, b"", True),
    ]


QUICK = ClientOptions(close_timeout=0.05)


async def test_no_fragments_are_no_message() -> None:
    async with serving() as (_, url), connect(url) as ws:
        await ws.send([])
        await ws.send("next")
        assert await ws.recv() == "next"


async def two_fragments(turn: asyncio.Event) -> AsyncIterator[str]:
    """The second one when it is its turn."""
    yield "a"
    await turn.wait()
    yield "b"


async def test_other_messages_wait_for_the_end_of_one_in_fragments() -> None:
    turn = asyncio.Event()
    async with serving() as (_, url), connect(url) as ws:
        first = asyncio.create_task(ws.send(two_fragments(turn)))
        await until(lambda: ws._connection.send_state)
        second = asyncio.create_task(ws.send("c"))
        third = asyncio.create_task(ws.send(["d", "e"]))
        assert 0 < await ws.ping() < 5  # control frames go in between
        turn.set()
        await asyncio.gather(first, second, third)
        assert [await ws.recv() for _ in range(3)] == ["ab", "c", "de"]


async def test_who_waits_for_the_end_of_fragments_is_next() -> None:
    """Also before what their sender sends at once behind them."""
    waiting: list[asyncio.Task[None]] = []

    async def fragments() -> AsyncIterator[str]:
        yield "a"
        waiting.append(asyncio.create_task(ws.send("c")))
        waiting.append(asyncio.create_task(ws.send(["d", "e"])))
        await ws.ping()  # by then both wait
        yield "b"

    async with serving() as (_, url), connect(url) as ws:
        await ws.send(fragments())
        await ws.send(["f", "g"])
        await ws.send("h")
        await asyncio.gather(*waiting)
        assert [await ws.recv() for _ in range(5)] == ["ab", "c", "de", "fg", "h"]
        assert not ws._careful


async def test_who_waits_for_the_end_of_fragments_may_be_cancelled() -> None:
    turn = asyncio.Event()
    async with serving() as (_, url), connect(url) as ws:
        first = asyncio.create_task(ws.send(two_fragments(turn)))
        await until(lambda: ws._connection.send_state)
        second = asyncio.create_task(ws.send("never sent"))
        third = asyncio.create_task(ws.send("c"))
        await ws.ping()  # by then both wait
        second.cancel()
        turn.set()
        await asyncio.gather(first, third)
        assert second.cancelled()
        assert [await ws.recv(), await ws.recv()] == ["ab", "c"]
        assert not ws._careful


@pytest.mark.parametrize(
    ("fragments", "error"),
    [
        (lambda: ["a", b"b"], OptionTypeError),
        (lambda: [b"a", "b"], OptionTypeError),
        (lambda: ["a", 5], OptionTypeError),
        (lambda: (str(1 // i) for i in (1, 0)), ZeroDivisionError),
    ],
)
async def test_half_a_message_ends_the_connection(
    fragments: Callable[[], Any], error: type[Exception]
) -> None:
    async with serving() as (_, url), connect(url) as ws:
        with pytest.raises(error):
            await ws.send(fragments())
        await ws.wait_closed()
        assert ws.close_info is not None
        assert ws.close_info.sent_code == CloseCode.INTERNAL_ERROR


async def test_cancelling_half_a_message_ends_the_connection() -> None:
    async def fragments() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    async with serving() as (_, url), connect(url) as ws:
        sending = asyncio.create_task(ws.send(fragments()))
        await until(lambda: ws._connection.send_state)
        sending.cancel()
        await ws.wait_closed()
        assert ws.close_info is not None
        assert ws.close_info.sent_code == CloseCode.INTERNAL_ERROR


class Order(BaseModel):
    item: str = "tea"


@pytest.mark.parametrize("message", [5, None, {"a": "b"}, 1.5, ..., Order()], ids=str)
async def test_what_cannot_be_sent_is_named(message: Any) -> None:
    async with serving() as (_, url), connect(url) as ws:
        with pytest.raises(OptionTypeError, match=r"send\(message=\.\.\.\) must be str") as caught:
            await ws.send(message)
        assert str(caught.value).endswith("; send_model() sends JSON")
        await ws.send("still fine")
        assert await ws.recv() == "still fine"


async def test_without_compression() -> None:
    async with serving() as (_, url), connect(url) as ws:
        await ws.send("text", compress=False)
        await ws.send(b"octets", compress=False)
        assert [await ws.recv(), await ws.recv()] == ["text", b"octets"]


@pytest.mark.parametrize("size", [1000, 1001, 250, 251])
async def test_the_limit_of_a_message_is_exact(size: int) -> None:
    options = ClientOptions(max_message_payload_size=1000)
    async with serving() as (_, url), connect(url, options=options) as ws:
        for message in ("x" * size, b"x" * size):
            if size > 1000:
                with pytest.raises(PayloadExceededError, match="max_message_payload_size=1000"):
                    await ws.send(message)
            else:
                await ws.send(message)
                assert await ws.recv() == message
        with pytest.raises(PayloadExceededError):
            await ws.send("½" * 501)


async def test_frames_are_logged_where_that_is_wanted() -> None:
    logged: list[tuple[int, bytes]] = []
    options = ClientOptions(log_frames=True)
    async with serving() as (_, url), connect(url, options=options) as ws:
        ws.protocol.logTxFrame = lambda header, payload, *_: logged.append(  # type: ignore[method-assign]
            (header.opcode, payload)
        )
        await ws.send("text")
        await ws.send(b"octets")
        assert [await ws.recv(), await ws.recv()] == ["text", b"octets"]
    assert logged[:2] == [(1, b"text"), (2, b"octets")]


async def test_an_option_may_change_while_it_is_open() -> None:
    async with serving() as (_, url):
        async with connect(url) as ws:
            await ws.send("not noted")
            ws.protocol.trackTimings = True
            await ws.send("noted")
            assert list(ws.protocol.trackedTimings or ()) == ["sendMessage"]
        ws.protocol.trackTimings = False  # behind the end nobody minds
        assert ws.protocol.trackTimings is False


async def test_sending_does_not_suspend_while_there_is_room() -> None:
    async with serving(drain) as (_, url), connect(url) as ws:
        for message in ("text", b"octets"):
            with pytest.raises(StopIteration):
                ws.send(message).send(None)


@pytest.mark.parametrize(
    ("message", "compress"), [("x", True), ("x", False), (b"x", True), (bytearray(b"x"), True)]
)
async def test_sending_gives_way_now_and_then(message: Any, compress: bool) -> None:
    async def note(ws: WebSocket) -> None:
        async for _ in ws:
            received.append(ws)

    received: list[WebSocket] = []
    async with serving(note) as (_, url), connect(url) as ws:
        for _ in range(5000):
            await ws.send(message, compress)
        assert len(received) > 1000


async def test_sending_in_fragments_gives_way_now_and_then() -> None:
    def fragments() -> Iterator[str]:
        for _ in range(5000):
            seen.add(len(turns))
            yield "x"

    async def count() -> None:
        while True:
            turns.append(None)
            await asyncio.sleep(0)

    turns: list[None] = []
    seen: set[int] = set()
    async with serving(drain) as (_, url), connect(url) as ws:
        counting = asyncio.ensure_future(count())
        await ws.send(fragments())
        counting.cancel()
        assert len(seen) > 3


async def test_sending_to_a_peer_that_is_gone_ends() -> None:
    async def abort(peer: RawPeer) -> None:
        peer.abort()

    async with raw_server(abort) as url:
        for message in ("x", b"x" * 100_000):
            ws = await connect(url)
            with pytest.raises(ConnectionClosedError):
                await send_for_ever(ws, message)


async def send_for_ever(ws: WebSocket, message: str | bytes) -> None:
    while True:
        await ws.send(message)


async def test_sending_waits_while_the_peer_is_slow_and_ends_with_the_connection() -> None:
    async def stall(peer: RawPeer) -> None:
        await go_on.wait()
        peer.abort()

    go_on = asyncio.Event()
    async with raw_server(stall) as url, connect(url, options=QUICK) as ws:
        flooding = [asyncio.create_task(send_for_ever(ws, b"x" * 65536)) for _ in range(2)]
        await until(lambda: ws.protocol._writable)
        high = ws.protocol.bufferedAmount
        assert high <= 5 * 65536 + 65536
        await asyncio.sleep(0.01)
        assert ws.protocol.bufferedAmount == high
        waiting = asyncio.create_task(ws.drain())
        go_on.set()
        for task in (*flooding, waiting):
            with pytest.raises(ConnectionClosedError):
                await task


@pytest.mark.parametrize("message", [bytearray(200_000), "x" * 200_000])
async def test_sending_with_care_waits_for_the_peer_too(message: Any) -> None:
    async with memory_pair() as (client, server):
        server.protocol.pauseReceiving()
        sending = asyncio.create_task(client.send(message, compress=False))
        await until(lambda: client.protocol._writing_paused)
        assert not sending.done()
        server.protocol.resumeReceiving()
        await sending
        received = await server.recv()
        assert received == (message if isinstance(message, str) else bytes(message))


async def test_sending_goes_on_when_the_peer_reads_again() -> None:
    async with serving() as (_, url), connect(url) as ws:
        octets = 0

        async def flood() -> None:
            for _ in range(100):
                await ws.send(b"x" * 50_000)

        flooding = asyncio.create_task(flood())
        async for message in ws:
            octets += len(message)
            if octets == 5_000_000:
                break
        await flooding


def arrived(ws: WebSocket, receiving: asyncio.Task[Any]) -> bool:
    return ws._stream.count > 0 or receiving.done()


async def test_receiving_is_safe_to_cancel() -> None:
    async with serving() as (_, url), connect(url) as ws:
        for number in range(50):
            receiving = asyncio.create_task(ws.recv())
            await asyncio.sleep(0)
            await ws.send(str(number))
            if number % 2:
                await until(functools.partial(arrived, ws, receiving))
            receiving.cancel()
            try:
                assert await receiving == str(number)
            except asyncio.CancelledError:
                assert await ws.recv() == str(number)


async def test_receiving_with_wait_for_and_as_a_task() -> None:
    async with serving() as (_, url), connect(url) as ws:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ws.recv(), 0.01)
        await ws.send("a")
        assert await asyncio.wait_for(ws.recv(), 5) == "a"
        task = asyncio.create_task(ws.recv())
        await ws.send("b")
        assert await task == "b"


async def test_tasks_and_warnings_name_what_was_called() -> None:
    async with serving() as (_, url), connect(url) as ws:
        receiving = asyncio.create_task(ws.recv())
        assert "coro=<recv()>" in repr(receiving)
        forgotten = ws.send(bytearray(b"this takes the long way"))
        with pytest.warns(RuntimeWarning, match=r"coroutine 'WebSocket\.send' was never awaited"):
            del forgotten
        await ws.send("x")
        assert await receiving == "x"


async def test_two_tasks_cannot_receive() -> None:
    async with serving() as (_, url), connect(url) as ws:
        first = asyncio.create_task(ws.recv())
        await asyncio.sleep(0)
        with pytest.raises(StateError, match="the task"):
            await ws.recv()
        await ws.send("x")
        assert await first == "x"


async def test_a_slow_consumer_pauses_the_peer_and_loses_nothing() -> None:
    async def flood(ws: WebSocket) -> None:
        for number in range(2000):
            await ws.send(str(number) + "." * 1000)

    options = ClientOptions(receive_queue_messages=4)
    async with serving(flood) as (_, url), connect(url, options=options) as ws:
        await until(lambda: ws._connection.paused)
        assert ws._stream.count == 4
        got = [int(message.partition(".")[0]) async for message in ws if isinstance(message, str)]
    assert got == list(range(2000))


async def test_iteration_ends_on_a_clean_close() -> None:
    async def three(ws: WebSocket) -> None:
        for message in ("a", "b", "c"):
            await ws.send(message)

    async with serving(three) as (_, url), connect(url) as ws:
        assert [message async for message in ws] == ["a", "b", "c"]
        assert [message async for message in ws] == []
        with pytest.raises(ConnectionClosedOK, match="the peer closed the connection with 1000"):
            await ws.recv()


async def test_iteration_raises_on_another_close() -> None:
    async def bad(ws: WebSocket) -> None:
        await ws.send("a")
        await ws.close(4000, "because")

    async with serving(bad) as (_, url), connect(url) as ws:
        got: list[str | bytes] = []
        with pytest.raises(ConnectionClosedError) as caught:
            await collect(aiter(ws), got)
        assert got == ["a"]
        assert (caught.value.code, caught.value.reason) == (4000, "because")
        assert (ws.close_code, ws.close_reason) == (4000, "because")


# --- pinging ------------------------------------------------------------------------------------


async def test_ping_gives_the_round_trip() -> None:
    async with serving() as (_, url), connect(url) as ws:
        assert ws.latency == 0.0
        trip = await ws.ping()
        assert 0 < trip < 5
        assert ws.latency == trip
        assert 0 < await ws.ping("data") < 5
        assert 0 < await ws.ping(bytearray(125)) < 5


async def test_a_pong_answers_all_pings_before_it() -> None:
    async def answer(peer: RawPeer) -> None:
        pings = [await peer.frame() for _ in range(4)]
        peer.send(PONG, b"nobody asked")
        peer.send(PONG, pings[2].payload)
        await peer.everything()

    async with raw_server(answer) as url, connect(url, options=QUICK) as ws:
        first, cancelled, third, last = (ws.ping(), ws.ping(), ws.ping("3"), ws.ping())
        cancelled.cancel()
        assert await first >= await third > 0
        assert not last.done()
    with pytest.raises(ConnectionClosed):
        await last


async def test_automatic_pings_measure_too() -> None:
    options = ClientOptions(auto_ping_interval=0.01)
    async with serving() as (_, url), connect(url, options=options) as ws:
        await until(lambda: ws.latency)
        assert 0 < ws.latency < 5


async def test_a_ping_beside_an_automatic_one() -> None:
    async def answer(peer: RawPeer) -> None:
        await peer.frame()
        peer.send(PONG, (await peer.frame()).payload)
        await peer.everything()

    options = ClientOptions(auto_ping_interval=0.01, auto_ping_timeout=0, close_timeout=0.05)
    async with raw_server(answer) as url, connect(url, options=options) as ws:
        await until(lambda: ws.protocol.autoPingPending)
        trip = await ws.ping()
        assert ws.latency == trip
        assert ws.protocol.autoPingPending is not None  # that one is not answered yet


async def test_bad_pings() -> None:
    async with serving() as (_, url), connect(url) as ws:
        waiting = ws.ping("same")
        with pytest.raises(OptionError, match="already waiting for its pong"):
            ws.ping(b"same")
        assert await waiting > 0
        with pytest.raises(OptionError, match="at most 125 octets, not 126"):
            ws.ping(bytes(126))
        with pytest.raises(OptionTypeError, match="str or bytes-like, not int"):
            ws.ping(5)  # type: ignore[arg-type]
        with pytest.raises(OptionError, match="at most 125"):
            ws.pong("x" * 126)


async def test_cancelled_pings_are_forgotten() -> None:
    async with serving() as (_, url), connect(url) as ws:
        for _ in range(100):
            ws.ping().cancel()
        assert ws._pings is not None
        assert len(ws._pings) == 1


async def test_who_waits_for_a_pong_hears_of_the_end() -> None:
    async with raw_server(RawPeer.everything) as url, connect(url) as ws:
        cancelled, waiting = ws.ping(), ws.ping()
        cancelled.cancel()
        ws.abort()
        with pytest.raises(ConnectionClosed):
            await waiting
        assert cancelled.cancelled()


async def test_pong_is_a_heartbeat() -> None:
    async with serving() as (server, _), raw_client(server) as peer:
        await until(lambda: server.connections)
        (ws,) = server.connections
        ws.pong()
        ws.pong("beat")
        assert [(f.opcode, f.payload) for f in [await peer.frame(), await peer.frame()]] == [
            (PONG, b""),
            (PONG, b"beat"),
        ]


# --- closing ------------------------------------------------------------------------------------


async def test_close_waits_until_it_is_closed() -> None:
    async with serving() as (server, url):
        ws = await connect(url)
        assert (ws.close_info, ws.close_code, ws.close_reason) == (None, None, None)
        await ws.close(3000, "enough")
        assert ws.state == State.CLOSED
        assert ws.transport is None
        assert ws.close_info is not None
        assert ws.close_info.sent_code == 3000
        assert ws.close_info.sent_reason == "enough"
        assert ws.close_info.was_clean
        await ws.close()
        await ws.wait_closed()
        ws.abort()
        await until(lambda: not server._links)


async def pings(ws: WebSocket) -> None:
    ws.ping()


async def pongs(ws: WebSocket) -> None:
    ws.pong()


@pytest.mark.parametrize(
    "use",
    [
        lambda ws: ws.send("x"),
        lambda ws: ws.send(["x"]),
        lambda ws: ws.recv(),
        lambda ws: ws.drain(),
        lambda ws: collect(ws.recv_streaming(), []),
        pings,
        pongs,
    ],
    ids=["send", "fragments", "recv", "drain", "recv_streaming", "ping", "pong"],
)
async def test_what_needs_the_connection_raises_after_the_end(use: Callable[..., Any]) -> None:
    async with serving() as (_, url):
        ws = await connect(url)
        await ws.close()
        with pytest.raises(ConnectionClosedOK) as caught:
            await use(ws)
        assert caught.value.close_info is ws.close_info


async def test_sending_while_closing_raises_when_it_is_closed() -> None:
    async with serving() as (_, url):
        ws = await connect(url)
        closing = asyncio.create_task(ws.close())
        await asyncio.sleep(0)
        assert ws.state == State.CLOSING
        ping = ws.ping()
        with pytest.raises(ConnectionClosedOK):
            await ws.send("x")
        assert ws.close_code == 1000
        with pytest.raises(ConnectionClosedOK):
            await ping
        await closing


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((999,), "code must be 1000 to 1003, .* not 999"),
        ((1005,), "code must be"),
        ((1006,), "code must be"),
        ((1015,), "code must be"),
        ((2999,), "code must be"),
        ((5000,), "code must be"),
        (("1000",), "code must be int, not str"),
        ((True,), "code must be int, not bool"),
        ((1000, b"bytes"), "reason must be str, not bytes"),
        ((1000, "\ud800"), "reason cannot be sent as UTF-8: surrogates not allowed"),
        ((1000, "", "1"), "timeout must be int or float, not str"),
        ((1000, "", -1), "timeout must be 0 seconds or more, not -1"),
        ((1000, "", float("nan")), "timeout must be 0 seconds or more, not nan"),
    ],
)
async def test_bad_closes_are_refused(arguments: tuple[Any, ...], error: str) -> None:
    async with serving() as (_, url), connect(url) as ws:
        with pytest.raises(OptionError, match=error):
            await ws.close(*arguments)
        assert ws.state == State.OPEN


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 1013, 3000, 4999])
async def test_codes_that_applications_may_send(code: int) -> None:
    async with serving() as (server, url), connect(url) as ws:
        await until(lambda: server.connections)
        (theirs,) = server.connections
        await theirs.close(code, "½" * 100)
        await ws.wait_closed()
        assert (ws.close_code, ws.close_reason) == (code, "½" * 61)


async def test_close_has_one_deadline() -> None:
    loop = asyncio.get_running_loop()

    async def silent(peer: RawPeer) -> None:
        await peer.everything()

    for timeout, at_most in ((0.05, 0.5), (0, 0.3)):
        async with raw_server(silent) as url:
            ws = await connect(url)
            start = loop.time()
            await ws.close(timeout=timeout)
            assert loop.time() - start < at_most
            assert ws.close_info is not None
            assert not ws.close_info.was_clean
            assert "the peer did not answer" in str(ws.close_info)
            with pytest.raises(ConnectionClosedError):
                await ws.recv()


async def test_a_close_under_way_can_be_hurried() -> None:
    async def silent(peer: RawPeer) -> None:
        await peer.everything()

    options = ClientOptions(close_timeout=60)
    async with raw_server(silent) as url:
        ws = await connect(url, options=options)
        slow = asyncio.create_task(ws.close())
        await asyncio.sleep(0)
        await ws.close(timeout=0.01)
        await slow


async def test_a_cancelled_close_goes_on() -> None:
    async with serving() as (_, url):
        ws = await connect(url)
        closing = asyncio.create_task(ws.close())
        await asyncio.sleep(0)
        closing.cancel()
        await ws.wait_closed()
        assert ws.close_info is not None
        assert ws.close_info.was_clean


async def test_a_server_that_keeps_tcp_does_not_make_a_close_unclean() -> None:
    async def keep(peer: RawPeer) -> None:
        close = await peer.frame()
        peer.send(CLOSE, close.payload)
        await asyncio.Event().wait()

    async with raw_server(keep) as url:
        ws = await connect(url, options=QUICK)
        await ws.close()
        assert ws.close_info is not None
        assert (ws.close_info.was_clean, ws.close_info.code) == (True, 1000)
        with pytest.raises(ConnectionClosedOK):
            await ws.recv()


async def test_close_succeeds_although_nobody_reads_the_messages() -> None:
    async def flood(peer: RawPeer) -> None:
        for _ in range(200):
            peer.send(TEXT, b"x" * 10_000)
        while (await peer.frame()).opcode != CLOSE:
            pass
        for _ in range(100):
            peer.send(TEXT, b"y" * 10_000)
        peer.send(CLOSE, close_payload(1000))
        await peer.writer.drain()

    options = ClientOptions(receive_queue_messages=3, close_timeout=5)
    async with raw_server(flood) as url:
        ws = await connect(url, options=options)
        await until(lambda: ws._connection.paused)
        await ws.close()
        assert ws.close_info is not None
        assert ws.close_info.was_clean
        assert len([message async for message in ws]) == 3


async def test_messages_are_received_while_closing() -> None:
    async def late(peer: RawPeer) -> None:
        await peer.frame()
        peer.send(TEXT, b"late")
        peer.send(CLOSE, close_payload(1000))

    async with raw_server(late) as url:
        ws = await connect(url)
        await ws.close()
        assert [message async for message in ws] == ["late"]


async def test_abort_drops_it_at_once() -> None:
    async with serving() as (server, url):
        ws = await connect(url)
        await until(lambda: server.connections)
        (theirs,) = server.connections
        ws.abort()
        await ws.wait_closed()
        assert str(ws.close_info).startswith("we dropped the connection")
        await theirs.wait_closed()
        assert theirs.close_info is not None
        assert theirs.close_info.initiator == "network"
        with pytest.raises(ConnectionClosedError, match="the connection was lost"):
            await theirs.recv()


async def test_a_violation_ends_it() -> None:
    async with serving() as (server, _), raw_client(server) as peer:
        peer.send(TEXT, b"\xff", mask=MASK)
        close = await peer.frame()
        assert (close.opcode, close.payload[:2]) == (CLOSE, (1007).to_bytes(2, "big"))


async def test_many_waiters_hear_of_the_end() -> None:
    async with serving() as (server, url), connect(url) as ws:
        waiters = [asyncio.create_task(ws.wait_closed()) for _ in range(5)]
        gone = asyncio.create_task(ws.wait_closed())
        await asyncio.sleep(0)
        gone.cancel()
        await server.close()
        await asyncio.gather(*waiters)
        assert ws.close_code == 1001


# --- looking at it ------------------------------------------------------------------------------


async def test_what_is_known_of_a_connection() -> None:
    async with (
        serving(subprotocols=["chat"], headers={"X-Extra": "1"}) as (server, url),
        connect(url + "path?a=b", subprotocols=["other", "chat"]) as ws,
    ):
        await until(lambda: server.connections)
        (theirs,) = server.connections
        assert ws.subprotocol == theirs.subprotocol == "chat"
        assert ws.request is None
        assert theirs.request is not None
        assert (theirs.request.path, theirs.request.params) == ("/path", {"a": ["b"]})
        assert theirs.response is None
        assert ws.response is not None
        assert ws.response.headers["x-extra"] == "1"
        assert ws.remote_address == theirs.local_address == server.sockets[0].getsockname()
        assert ws.local_address == theirs.remote_address
        assert ws.peer == "tcp4:{}:{}".format(*ws.remote_address)
        assert ws.protocol.transport is ws.transport
        assert isinstance(ws.id, uuid.UUID)
        assert ws.id == ws.id != theirs.id
        assert ws.log is ws.protocol.log
        assert repr(ws) == f"<WebSocket OPEN {ws.peer}>"
        assert len({ws, theirs, ws}) == 2
        addresses = (ws.remote_address, ws.local_address, theirs.remote_address)
    assert (ws.remote_address, ws.local_address, theirs.remote_address) == addresses
    assert repr(ws) == f"<WebSocket CLOSED {ws.peer}>"
    assert weakref.ref(ws)() is ws


@pytest.mark.skipif(not NATIVE, reason="plain Python carries some more")
async def test_a_connection_carries_few_attributes() -> None:
    async with serving() as (server, url), connect(url):
        await until(lambda: server.connections)
        (theirs,) = server.connections
        # With more than 30, each connection gets a table of its own, of 1.5 KiB.
        assert len(vars(theirs.protocol)) <= 30


async def test_an_iterating_protocol_object_is_the_same_stream() -> None:
    async with serving() as (_, url), connect(url) as ws:
        await ws.send("a")
        async for message in ws.protocol:
            assert message == "a"
            break
        await ws.send("b")
        assert await ws.recv() == "b"


async def test_messages_right_behind_the_handshake_are_not_lost() -> None:
    async def hello(peer: RawPeer) -> None:
        peer.send(TEXT, b"hello")
        peer.send(PING, b"there?")
        assert (await peer.frame()).opcode == PONG
        await peer.everything()

    async with raw_server(hello) as url, connect(url, options=QUICK) as ws:
        await asyncio.sleep(0.01)
        assert await ws.recv() == "hello"

    async with serving() as (server, _), raw_client(server, upgrade=False) as peer:
        peer.write(request() + frame(TEXT, b"early", mask=MASK))
        await peer.read_head()
        assert (await peer.frame()).payload == b"early"


async def test_server_options_count() -> None:
    options = ServerOptions(max_message_payload_size=10)
    async with serving(echo, options=options) as (_, url), connect(url) as ws:
        await ws.send("x" * 11)
        with pytest.raises(ConnectionClosedError) as caught:
            await ws.recv()
        assert caught.value.code == CloseCode.MESSAGE_TOO_BIG
