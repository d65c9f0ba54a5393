"""The end over real sockets: in time, whatever the peer does, and with a good account of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest

from tests.contract.support import BINARY, CLOSE, MASK, TEXT, close_payload, frame
from wsproto_async import (
    ClientOptions,
    CloseInfo,
    ConnectError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    Disconnected,
    ServerOptions,
    WebSocket,
    broadcast,
    connect,
)

from .callbacks import callback_server, calling
from .support import Certificates, RawPeer, port_of, raw_client, raw_server, serving, until

MIB = 1024 * 1024


# --- in time, whatever the peer does --------------------------------------------------------------


async def silent(peer: RawPeer) -> None:
    """The peer reads nothing and says nothing."""
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await hang(peer)


async def hang(peer: RawPeer) -> None:
    """Stay until cancelled; then be gone, though it does not read."""
    try:
        await asyncio.Event().wait()
    finally:
        peer.abort()


async def talking(peer: RawPeer) -> None:
    """The peer reads nothing, and says more than anybody takes."""
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    octets = frame(BINARY, bytes(10_000), mask=None if peer.head.startswith(b"GET") else MASK)
    try:
        while True:
            peer.write(octets)
            await peer.writer.drain()
            await asyncio.sleep(0)
    except ConnectionError:
        pass
    finally:
        peer.abort()


class Nothing:
    pass


async def just_open(protocol: Any) -> None:
    """There is nothing special about the connection."""


async def full_buffers(protocol: Any) -> None:
    """Far more has been sent than anybody has room for."""
    for _ in range(100):
        protocol.sendMessage(bytes(200_000), True)
        await asyncio.sleep(0)


async def inside_a_frame(protocol: Any) -> None:
    """A frame is being sent in pieces: the close frame has to wait for its end."""
    protocol.beginMessage(True)
    protocol.beginMessageFrame(1000)
    protocol.sendMessageFrameData(bytes(10))


async def behind_pieces(protocol: Any) -> None:
    """Octets are on their way in turns of their own, many more than there is time for."""
    protocol.sendData(
        b"\x82\x7e\xff\xff" if protocol.is_server else b"\x82\xfe\xff\xff", chopsize=1
    )
    protocol.sendData(bytes(100_000), chopsize=1)


class Case(NamedTuple):
    """One connection that is going to be closed."""

    protocol: Any
    close: Callable[[], Any]


@contextlib.asynccontextmanager
async def connection(
    style: str, role: str, peer: Any, certificates: Certificates | None
) -> AsyncIterator[Case]:
    """A connection of ours in that style and role, with such a peer."""
    theirs: dict[str, Any] = {}
    server_tls = client_tls = None
    if certificates is not None:
        server_tls, client_tls = certificates
        theirs = {"ssl": client_tls, "server_hostname": "localhost"}
    opened: asyncio.Future[WebSocket] = asyncio.get_running_loop().create_future()

    async def handler(ws: WebSocket) -> None:
        opened.set_result(ws)
        await ws.wait_closed()

    async with contextlib.AsyncExitStack() as stack:
        if role == "client":
            url = await stack.enter_async_context(raw_server(peer, ssl=server_tls))
            if style == "coroutines":
                options = ClientOptions(close_timeout=0.2)
                ws = await connect(url, options=options, ssl=client_tls)
                yield Case(ws.protocol, ws.close)
            else:
                protocol = await calling(url, Nothing, client_tls, closeTimeout=0.2)
                yield Case(protocol, lambda: close_by_callback(protocol))
            return
        if style == "coroutines":
            server, _ = await stack.enter_async_context(
                serving(handler, options=ServerOptions(close_timeout=0.2), ssl=server_tls)
            )
            port = port_of(server)
        else:
            made, url = await stack.enter_async_context(
                callback_server(Nothing, server_tls, closeTimeout=0.2)
            )
            port = int(url.rstrip("/").rpartition(":")[2])
        raw = await stack.enter_async_context(raw_client(port, **theirs))
        script = asyncio.create_task(peer(raw))
        if style == "coroutines":
            ws = await opened
            yield Case(ws.protocol, ws.close)
        else:
            [protocol] = made
            yield Case(protocol, lambda: close_by_callback(protocol))
        script.cancel()
        await asyncio.gather(script, return_exceptions=True)


async def close_by_callback(protocol: Any) -> None:
    protocol.sendClose(1000)
    await protocol.is_closed
    await until(lambda: protocol.close_info)


@pytest.mark.parametrize(
    ("peer", "prepare", "tls"),
    [
        (silent, just_open, False),
        (silent, full_buffers, False),
        (silent, inside_a_frame, False),
        (silent, behind_pieces, False),
        (talking, full_buffers, False),
        (silent, just_open, True),
        (talking, full_buffers, True),
    ],
)
@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("style", ["coroutines", "callbacks"])
async def test_a_close_ends_in_time(
    style: str, role: str, peer: Any, prepare: Any, tls: bool, certificates: Certificates
) -> None:
    """``close_timeout`` is 0.2 s here; the other end does not even close TCP."""
    async with connection(style, role, peer, certificates if tls else None) as case:
        await prepare(case.protocol)
        async with asyncio.timeout(30):
            await case.close()
        info = case.protocol.close_info
        assert (info.initiator, info.phase, info.was_clean) == ("local", "closing", False)
        assert info.sent_code == 1000
        assert "close_timeout=0.2 s" in str(info)
        unsent = {full_buffers: MIB, behind_pieces: 1000}.get(prepare, 0) if not tls else 0
        assert info.unsent >= unsent
        if unsent:
            assert f"{info.unsent} octets of ours were not sent" in str(info)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_the_answer_to_a_close_ends_in_time(tls: bool, certificates: Certificates) -> None:
    """The peer closes, but takes neither our answer nor what is in front of it."""
    full = asyncio.Event()

    async def closing(peer: RawPeer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await full.wait()
        peer.write(frame(CLOSE, close_payload(1000), mask=MASK))
        await hang(peer)

    theirs = certificates if tls else None
    async with connection("callbacks", "server", closing, theirs) as case, asyncio.timeout(30):
        await full_buffers(case.protocol)
        full.set()
        await until(lambda: case.protocol.close_info)
        info = case.protocol.close_info
        assert (info.initiator, info.phase, info.was_clean) == ("peer", "closing", True)
        assert tls or info.unsent > MIB


async def test_a_peer_that_only_half_closes_tcp_does_not_hold_us() -> None:
    """Its FIN arrives, and it takes nothing: there is no ping that would find out."""
    full = asyncio.Event()

    async def half(peer: RawPeer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await full.wait()
        peer.writer.write_eof()
        await hang(peer)

    async with connection("callbacks", "server", half, None) as case, asyncio.timeout(30):
        await full_buffers(case.protocol)
        full.set()
        await until(lambda: case.protocol.close_info)
        info = case.protocol.close_info
        assert (info.initiator, info.phase) == ("network", "open")
        assert info.unsent > MIB


async def test_the_answer_to_a_close_behind_pieces() -> None:
    class Chopping:
        def onOpen(self: Any) -> None:
            self.sendMessage(b"a message", sync=True)
            self.sendData(frame(TEXT, b"in pieces"), chopsize=1)

    async with callback_server(Chopping) as (made, url), connect(url) as ws:
        await ws.close()
        assert ws.close_info is not None
        assert ws.close_info.was_clean
        assert [message async for message in ws] == ["a message", "in pieces"]
    assert made[0].close_info.unsent == 0


# --- what is said about it ------------------------------------------------------------------------


class Said(NamedTuple):
    """How both ends of a connection ended."""

    server: CloseInfo
    client: CloseInfo


async def ends(
    client: Callable[[WebSocket], Any],
    server: Callable[[WebSocket], Any],
    server_options: dict[str, Any] | None = None,
    client_options: dict[str, Any] | None = None,
) -> Said:
    """Let both do something until the connection has ended."""
    told: list[CloseInfo | None] = []

    async def handler(ws: WebSocket) -> None:
        try:
            await server(ws)
        finally:
            asyncio.current_task().add_done_callback(lambda _: None)  # type: ignore[union-attr]
            closed.append(ws)

    closed: list[WebSocket] = []
    async with serving(handler, options=ServerOptions(**(server_options or {}))) as (_, url):
        ws = await connect(url, options=ClientOptions(**(client_options or {})))
        with contextlib.suppress(ConnectionClosed):
            await client(ws)
        await ws.wait_closed()
        await until(lambda: closed and closed[0].close_info)
        told = [closed[0].close_info, ws.close_info]
    assert told[0] is not None
    assert told[1] is not None
    return Said(told[0], told[1])


async def read(ws: WebSocket) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for _ in ws:
            pass


async def close(ws: WebSocket) -> None:
    await ws.close(4321, "bye")


async def test_who_closed() -> None:
    said = await ends(close, read)
    assert (said.client.initiator, said.server.initiator) == ("local", "peer")
    for info in said:
        assert info.was_clean
        assert info.phase == "closing"
        assert (info.unsent, info.untaken, info.hint) == (0, 0, "")
    assert str(said.client).startswith("we closed the connection with 4321 'bye'; the peer answ")
    assert str(said.server) == "the peer closed the connection with 4321 'bye'"


@pytest.mark.parametrize(
    ("options", "payload", "reason"),
    [
        (
            {"max_message_payload_size": 10},
            "x" * 11,
            "message of 11 octets exceeds max_message_payload_size=10",
        ),
        (
            {"max_frame_payload_size": 10},
            b"x" * 11,
            "frame of 11 octets exceeds max_frame_payload_size=10",
        ),
        (
            {"max_message_payload_size": 10},
            [b"x" * 6, b"x" * 6],
            "message of 12 octets exceeds max_message_payload_size=10",
        ),
    ],
)
async def test_a_message_above_the_limit(
    options: dict[str, Any], payload: Any, reason: str
) -> None:
    async def send(ws: WebSocket) -> None:
        await ws.send(payload)
        await read(ws)

    said = await ends(send, read, options)
    assert f"we closed the connection with 1009 (message too big) '{reason}'" in str(said.server)
    assert f"the peer closed the connection with 1009 (message too big) '{reason}'" == str(
        said.client
    )


async def test_a_close_that_is_not_answered_names_what_bounds_it() -> None:
    async def wait(peer: RawPeer) -> None:
        await peer.everything()

    texts = []
    async with raw_server(wait) as url:
        async with connect(url, options=ClientOptions(close_timeout=0.05)) as ws:
            pass
        texts.append(str(ws.close_info))
        ws = await connect(url)
        await ws.close(timeout=0.06)
        texts.append(str(ws.close_info))
        protocol = await calling(url, Nothing, closeHandshakeTimeout=0.07)
        protocol.sendClose(1000)
        await until(lambda: protocol.close_info)
        texts.append(str(protocol.close_info))
    for text, limit in zip(
        texts,
        ("close_timeout=0.05 s", "timeout=0.06 s", "close_handshake_timeout=0.07 s"),
        strict=True,
    ):
        assert text == (
            "we closed the connection with 1000 (normal); the peer did not answer: 'WebSocket "
            f"closing handshake timeout (the peer did not answer our close frame within {limit})'"
        )


async def test_a_server_that_keeps_tcp_names_the_option() -> None:
    async def keep(peer: RawPeer) -> None:
        await peer.frame()
        peer.send(CLOSE, close_payload(1000))
        await hang(peer)

    async with raw_server(keep) as url:
        protocol = await calling(url, Nothing, serverConnectionDropTimeout=0.05)
        protocol.sendClose(1000)
        await until(lambda: protocol.close_info)
    text = str(protocol.close_info)
    assert "the server did not drop TCP within server_connection_drop_timeout=0.05 s" in text


@pytest.mark.parametrize(
    ("why", "hint"),
    [
        ("hooks", "we did not read it, since hooks are running: see hook_concurrency=1"),
        ("application", "we did not read it because of pauseReceiving()"),
        ("answers", "stopped reading from it: see write_buffer_high=1024"),
    ],
)
async def test_a_close_whose_answer_we_did_not_read_says_why(why: str, hint: str) -> None:
    forever = asyncio.Event()

    class Busy:
        def onMessage(self: Any, payload: bytes, isBinary: bool) -> Any:
            if why == "hooks":
                return forever.wait()
            if why == "application":
                self.pauseReceiving()
            else:
                self.sendMessage(bytes(20 * MIB), True)
            return None

    options: dict[str, Any] = {"hookConcurrency": 1, "closeTimeout": 0.2, "writeBufferHigh": 1024}
    async with callback_server(Busy, **options) as (made, url), raw_client(port(url)) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        peer.send(TEXT, b"x", mask=MASK)
        peer.send(TEXT, b"x", mask=MASK)
        await until(lambda: made and made[0]._pauses)
        made[0].sendClose(1000)
        await until(lambda: made[0].close_info)
        assert hint in str(made[0].close_info)
        forever.set()


def port(url: str) -> int:
    return int(url.rstrip("/").rpartition(":")[2])


async def test_an_opening_handshake_that_takes_too_long_names_the_option() -> None:
    async def wait(peer: RawPeer) -> None:
        await peer.everything()

    async with callback_server(Nothing, openHandshakeTimeout=0.05) as (made, url):
        async with raw_client(port(url), upgrade=False):
            await until(lambda: made and made[0].close_info)
        info = made[0].close_info
        assert (info.initiator, info.phase) == ("local", "opening")
        assert str(info).startswith("we dropped the connection in the opening handshake: ")
        assert "open_handshake_timeout=0.05 s" in str(info)
    async with raw_server(wait, upgrade=False) as url:
        with pytest.raises(ConnectError, match=r"open_handshake_timeout=0\.05 s"):
            await connect(url, options=ClientOptions(open_handshake_timeout=0.05))


async def test_a_hook_that_raises_is_the_cause_and_names_the_option() -> None:
    class Raising:
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            raise ValueError("no such order")

    async with callback_server(Raising) as (made, url), connect(url) as ws:
        await ws.send("x")
        with pytest.raises(ConnectionClosedError) as caught:
            await ws.recv()
        assert caught.value.code == 1011
        await until(lambda: made[0].close_info)
    info = made[0].close_info
    assert info.initiator == "local"
    assert isinstance(info.cause, ValueError)
    assert str(info).endswith(
        "(ValueError: 'no such order'); onMessage raised: on_hook_error='keep' would have kept "
        "it open"
    )
    assert "order" not in str(caught.value)  # what is wrong here is not the peer's business


async def test_a_handler_that_raises_is_the_cause() -> None:
    async def raising(ws: WebSocket) -> None:
        raise LookupError("no such room")

    said = await ends(read, raising)
    assert isinstance(said.server.cause, LookupError)
    assert "1011 (internal error)" in str(said.server)
    assert said.client.code == 1011


async def test_the_end_of_another_connection_in_a_handler_is_a_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of its own connection, a handler need not catch the end."""

    async def forwarding(ws: WebSocket) -> None:
        async with serving(close) as (_, url), connect(url) as upstream:
            await upstream.recv()

    said = await ends(read, forwarding)
    assert isinstance(said.server.cause, ConnectionClosed)
    assert said.client.code == 1011
    assert "handler raised ConnectionClosedError" in caplog.text


async def test_messages_that_nobody_took_are_counted() -> None:
    async def send(ws: WebSocket) -> None:
        for number in range(20):
            await ws.send(str(number))
        await asyncio.sleep(0.05)
        await ws.close()

    async def close_without_reading(ws: WebSocket) -> None:
        await until(lambda: ws.protocol._stream.count == 5)  # type: ignore[union-attr]
        await ws.close()
        taken.extend([message async for message in ws])

    taken: list[Any] = []
    said = await ends(send, close_without_reading, {"receive_queue_messages": 5})
    assert said.server.untaken == 20
    assert "20 messages had arrived and nobody had taken them; 15 of them were dropped above " in (
        str(said.server)
    )
    assert "receive_queue_messages=5" in str(said.server)
    assert taken == ["0", "1", "2", "3", "4"]
    assert said.client.untaken == 0


async def test_a_slow_connection_that_broadcast_closes_names_its_limit() -> None:
    async with serving(read) as (server, _), raw_client(server) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await until(lambda: server.connections)
        [ws] = server.connections
        for _ in range(100):
            if broadcast([ws], bytes(MIB), max_buffer=2 * MIB).closed:
                break
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            await ws.wait_closed()
        info = ws.close_info
        assert info is not None
        assert info.sent_code == 1008
        assert info.unsent > 2 * MIB
        assert f"max_buffer={2 * MIB}" in str(info)


@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("closing", [False, True])
@pytest.mark.parametrize("how", ["reset", "end"])
async def test_tcp_is_lost(role: str, closing: bool, how: str) -> None:
    def end(peer: RawPeer) -> None:
        if how == "reset":
            sock = peer.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.writer.transport.abort()
        else:
            peer.writer.close()

    async def script(peer: RawPeer) -> None:
        if closing:
            await peer.frame()
        end(peer)

    ended: list[WebSocket] = []

    async def use(ws: WebSocket) -> None:
        ended.append(ws)
        if closing:
            await ws.close()
        else:
            with pytest.raises(ConnectionClosedError):
                await ws.recv()

    if role == "server":
        async with serving(use) as (server, _), raw_client(server) as peer:
            await script(peer)
            await until(lambda: ended and ended[0].close_info)
    else:
        async with raw_server(script) as url:
            await use(await connect(url))
    info = ended[0].close_info
    assert info is not None
    assert info.phase == ("closing" if closing else "open")
    assert info.initiator == ("local" if closing else "network")
    assert not info.was_clean
    assert (info.cause is None) == (how == "end")


async def test_octets_that_were_lost_with_tcp_are_counted_as_far_as_possible() -> None:
    async with callback_server(Nothing) as (made, url), raw_client(port(url)) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await until(lambda: made and made[0].open)
        await full_buffers(made[0])
        peer.writer.transport.abort()
        await until(lambda: made[0].close_info)
        assert made[0].close_info.unsent > 16 * 1024


async def test_errors_say_what_is_wrong() -> None:
    async with serving(read) as (_, url):
        ws = await connect(url)
        await ws.close(1000, "done")
        with pytest.raises(ConnectionClosedOK, match="we closed the connection with 1000"):
            await ws.send("x")
        with pytest.raises(ConnectionClosedOK, match="the peer answered with 1000"):
            await ws.recv()
        with pytest.raises(Disconnected, match="this is CLOSED"):
            ws.protocol.sendMessage(b"x")


async def test_a_second_receiver_is_told_who_the_first_is() -> None:
    async def waits_here(ws: WebSocket) -> Any:
        return await ws.recv()

    async with serving(read) as (_, url), connect(url) as ws:
        first = asyncio.create_task(waits_here(ws), name="first")
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match=r"task 'first' \(in waits_here, .*test_closing.py"):
            await ws.recv()
        with pytest.raises(RuntimeError, match="receive in one task"):
            await anext(aiter(ws))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
