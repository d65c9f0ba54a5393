"""Both ends of a connection, joined by a pipe that cuts and delays at will, and everything done to
them that a program or a network may do, in any order.

What is held true, whatever happens: messages arrive in order, whole and once; nothing that was sent
before a clean end is lost, unless the hook that it was for has raised; ``onClose`` is called once;
in the end there is no task, no timer and no protocol left.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import weakref
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from wsproto_async.compress import PerMessageDeflateOffer, accept_deflate
from wsproto_async.constants import State
from wsproto_async.errors import ConnectionClosed, Disconnected

from ..contract.support import (
    Client,
    Lab,
    MemoryTransport,
    Server,
    client_factory,
    server_factory,
)
from ..helpers import Boom


class Pipe(MemoryTransport):
    """One end of a connection in memory; what is written waits until it is delivered.

    Attributes:
        other: the other end.
        queue: what waits.
        gone: this end has ended, so that the other one is to learn of it behind the queue.
    """

    other: Pipe

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.queue = bytearray()
        self.gone = False
        self.full = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        self.writes.clear()
        self.queue += data
        high = self.limits[0] or 0
        if len(self.queue) > high and not self.full and self.protocol is not None:
            self.full = True
            self.protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self.queue)

    def close(self) -> None:
        if not self.is_closing():
            self.closed = True
            self._ended_if_empty()

    def abort(self) -> None:
        self.queue.clear()
        super().abort()

    def _ended_if_empty(self) -> None:
        if self.closed and not self.queue:
            self.loop.call_soon(self._lose, None)

    def _lose(self, exc: BaseException | None) -> None:
        self.gone = True
        super()._lose(exc)

    def deliver(self, size: int, buffered: bool) -> None:
        """Some of what waits arrives at the other end, or, behind all of it, the end."""
        other = self.other
        if other.protocol is None or other.is_closing():
            size = len(self.queue)  # nobody listens any more
        elif not other.reading:
            return
        octets = bytes(self.queue[:size])
        del self.queue[:size]
        if octets:
            other.take(octets, buffered)
        elif self.gone and not self.queue and not other.gone:
            other._lose(None)
        if self.full and len(self.queue) <= (self.limits[1] or 0):
            self.full = False
            if self.protocol is not None:
                self.protocol.resume_writing()
        self._ended_if_empty()

    def take(self, octets: bytes, buffered: bool) -> None:
        if not buffered and self.protocol is not None:
            self.protocol.data_received(octets)
        while buffered and octets and self.protocol is not None and not self.is_closing():
            room = self.protocol.get_buffer(-1)
            size = min(len(room), len(octets))
            room[:size] = octets[:size]
            del room
            self.protocol.buffer_updated(size)
            octets = octets[size:]


class End:
    """One side, with what it has sent and received.

    Attributes:
        style: how it receives: ``"hook"``, ``"coroutine"`` (a hook that takes a while), or
            ``"stream"``.
        lossy: it has closed with a stream open, which from then on drops what nobody fetches, if it
            is too much.
        failed: its hook has raised, and that closes the connection: what came behind is dropped.
    """

    def __init__(self, lab: Lab, base: Any, factory: Any, style: str, options: Any) -> None:
        end = self
        self.lab = lab
        self.style = style
        self.sent: list[bytes] = []
        self.received: list[bytes] = []
        self.closed: list[tuple[bool, int | None]] = []
        self.errors: list[type[BaseException]] = []
        self.fatal = False
        self.lossy = False
        self.failed = False
        self.keeps = options["onHookError"] == "keep"
        self.pauses = 0
        self.task: asyncio.Future[Any] | None = None

        class Ours(base):  # type: ignore[misc]
            def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
                end.closed.append((wasClean, code))

            def onError(self, error: BaseException, hook: str) -> None:
                end.errors.append(type(error))

        def on_message(self: Any, payload: bytes, isBinary: bool) -> None:
            end.arrived(payload)

        async def on_message_slowly(self: Any, payload: bytes, isBinary: bool) -> None:
            end.arrived(payload)
            await asyncio.sleep(0)

        if style != "stream":
            Ours.onMessage = on_message if style == "hook" else on_message_slowly
        self.transport = Pipe(lab)
        self.protocol: Any = factory(lab, Ours, **options)()
        self.transport.protocol = self.protocol
        self.protocol.connection_made(self.transport)
        self.stream = self.protocol.messages() if style == "stream" else None

    def arrived(self, message: bytes | str) -> None:
        self.received.append(message.encode() if isinstance(message, str) else message)
        if self.fatal:
            self.fatal = False
            self.failed = not self.keeps
            raise Boom

    def is_open(self) -> bool:
        return self.protocol.state == State.OPEN  # type: ignore[no-any-return]

    def receive(self) -> None:
        """Begin to wait for a message, if that is how it receives and nobody does."""
        if self.stream is not None and (self.task is None or self.task.done()):
            self.task = asyncio.ensure_future(self._receive(), loop=self.lab)

    async def _receive(self) -> None:
        assert self.stream is not None
        with contextlib.suppress(ConnectionClosed):
            self.arrived(await self.stream.recv())

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()


payloads = st.one_of(
    st.binary(max_size=30),
    st.integers(0, 255).map(lambda octet: bytes([octet]) * 20_000),
)
ends = st.sampled_from([0, 1])


class Model(RuleBasedStateMachine):
    """What may happen."""

    def __init__(self) -> None:
        super().__init__()
        gc.disable()
        logging.disable()
        self.lab = Lab()
        self.ends: list[End] = []
        self.cut = False

    @initialize(
        styles=st.tuples(*[st.sampled_from(["hook", "coroutine", "stream"])] * 2),
        keep=st.booleans(),
        deflate=st.booleans(),
        fragment=st.sampled_from([0, 7]),
        concurrency=st.sampled_from([1, 64]),
    )
    def connect(
        self, styles: tuple[str, str], keep: bool, deflate: bool, fragment: int, concurrency: int
    ) -> None:
        options = {
            "autoPingInterval": 10,
            "autoPingTimeout": 5,
            "onHookError": "keep" if keep else "close",
            "autoFragmentSize": fragment,
            "hookConcurrency": concurrency,
            "writeBufferHigh": 5000,
            "receiveQueueMessages": 3,
        }
        accept: dict[str, Any] = {"perMessageCompressionAccept": accept_deflate} if deflate else {}
        offers = {"perMessageCompressionOffers": [PerMessageDeflateOffer()]} if deflate else {}
        server = End(self.lab, Server, server_factory, styles[0], {**options, **accept})
        client = End(self.lab, Client, client_factory, styles[1], {**options, **accept, **offers})
        self.ends = [server, client]
        server.transport.other, client.transport.other = client.transport, server.transport

    # --- what programs do ---

    @rule(index=ends, payload=payloads, binary=st.booleans())
    def send(self, index: int, payload: bytes, binary: bool) -> None:
        end = self.ends[index]
        text = binary or not _is_utf8(payload)
        try:
            end.protocol.sendMessage(payload, text)
        except Disconnected:
            assert not end.is_open()
        else:
            end.sent.append(payload)

    @rule(index=ends)
    def ping(self, index: int) -> None:
        self.ends[index].protocol.sendPing(b"ping")

    @rule(index=ends)
    def close(self, index: int) -> None:
        end = self.ends[index]
        if end.is_open():
            end.lossy = end.stream is not None
            end.protocol.sendClose(3000, "enough")

    @rule(index=ends, abort=st.booleans())
    def drop(self, index: int, abort: bool) -> None:
        self.cut = True
        self.ends[index].protocol.dropConnection(abort=abort)

    @rule(index=ends)
    def pause(self, index: int) -> None:
        self.ends[index].pauses += 1
        self.ends[index].protocol.pauseReceiving()

    @precondition(lambda self: any(end.pauses for end in self.ends))
    @rule(index=ends)
    def resume(self, index: int) -> None:
        if self.ends[index].pauses:
            self.ends[index].pauses -= 1
            self.ends[index].protocol.resumeReceiving()

    @rule(index=ends)
    def receive(self, index: int) -> None:
        self.ends[index].receive()
        self.lab.turn()

    @rule(index=ends, at_once=st.booleans())
    def cancel(self, index: int, at_once: bool) -> None:
        """Also in the very turn in which a message arrives."""
        if not at_once:
            self.ends[index].transport.other.deliver(10**6, True)
        self.ends[index].cancel()
        self.lab.turn()

    @rule(index=ends)
    def raise_in_the_next_hook(self, index: int) -> None:
        if self.ends[index].style != "stream":
            self.ends[index].fatal = True

    # --- what a network does ---

    @rule(index=ends, size=st.sampled_from([1, 2, 5, 30, 1000, 10**6]), buffered=st.booleans())
    def deliver(self, index: int, size: int, buffered: bool) -> None:
        self.ends[index].transport.deliver(size, buffered)
        self.lab.turn()

    @rule(times=st.integers(1, 5))
    def deliver_all(self, times: int) -> None:
        for _ in range(times):
            for end in self.ends:
                end.transport.deliver(10**6, True)
            self.lab.turn()

    @rule(index=ends)
    def reset(self, index: int) -> None:
        self.cut = True
        self.ends[index].transport.queue.clear()
        self.ends[index].transport._lose(ConnectionResetError())
        self.lab.turn()

    @rule(seconds=st.sampled_from([0.1, 1, 6, 11]))
    def wait(self, seconds: float) -> None:
        self.lab.advance(seconds)

    # --- what must be so ---

    @invariant()
    def messages_arrive_in_order(self) -> None:
        for end, other in zip(self.ends, reversed(self.ends), strict=True):
            if end.lossy:
                rest = iter(other.sent)
                assert all(message in rest for message in end.received)
            else:
                assert end.received == other.sent[: len(end.received)]

    @invariant()
    def nothing_goes_wrong(self) -> None:
        assert self.lab.complaints == []
        for end in self.ends:
            assert set(end.errors) <= {Boom}
            assert len(end.closed) <= 1

    def teardown(self) -> None:
        try:
            if self.ends:
                self.end()
        finally:
            self.ends.clear()
            self.lab.turn()
            self.lab.close()
            logging.disable(logging.NOTSET)
            gc.enable()

    def end(self) -> None:
        """Let everybody go on, then close, and see what is left."""
        for end in self.ends:
            end.fatal = False
            for _ in range(end.pauses):
                end.protocol.resumeReceiving()
        self.fetch_all()
        for end in self.ends:
            if end.is_open():
                end.protocol.sendClose(1000)
        self.fetch_all()
        self.lab.advance(60)
        self.deliver_all(3)
        for end in self.ends:
            end.receive()  # for what it has not fetched yet
            self.lab.turn()
            end.cancel()
        self.lab.turn()
        self.messages_arrive_in_order()
        self.nothing_goes_wrong()
        assert [len(end.closed) for end in self.ends] == [1, 1]
        if all(clean for end in self.ends for clean, _ in end.closed):
            for end, other in zip(self.ends, reversed(self.ends), strict=True):
                assert end.lossy or end.failed or end.received == other.sent
        if not self.cut:
            assert [end.transport.queue for end in self.ends] == [b"", b""]
        assert asyncio.all_tasks(self.lab) == set()
        timers = [each for each in self.lab._scheduled if not each.cancelled()]  # type: ignore[attr-defined]
        assert timers == []
        left = [weakref.ref(end.protocol) for end in self.ends]
        for end in self.ends:
            end.protocol = end.stream = None  # the class holds the end
        self.lab.turn()
        assert [protocol() for protocol in left] == [None, None]

    def fetch_all(self) -> None:
        """Let everything arrive, and be received."""
        for _ in range(60):
            for end in self.ends:
                end.receive()
            self.deliver_all(1)


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


TestModel = Model.TestCase
TestModel.settings = settings(stateful_step_count=40)
