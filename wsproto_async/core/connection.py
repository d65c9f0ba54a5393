"""One side of an open WebSocket connection, without any I/O.

:class:`Connection` puts the parts together: the reader that parses what arrives, the writer that
collects what leaves, and the table of :mod:`.closing`. Octets come in by
:meth:`Connection.receive`; octets, wishes and facts go out to a :class:`~.sink.Sink`. It owns no
socket and no clock, so that what carries the octets may be anything.

This file runs as it is, and compiled: connection.pxd gives the types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from .._native.kernels import NO_KEY, unmask
from ..constants import (
    MAX_CLOSE_REASON,
    CloseCode,
    Opcode,
    State,
    is_receivable_close_code,
)
from ..errors import (
    FrameError,
    PayloadError,
    ProtocolError,
)
from .closing import TABLE, Event
from .message import ignore
from .reader import FrameReader
from .sender import Codec, MessageSender
from .sink import Sink
from .writer import FrameWriter

__all__ = ["Codec", "Connection"]

Octets = bytes | bytearray | memoryview

OPEN = int(State.OPEN)
CLOSING = int(State.CLOSING)
CLOSED = int(State.CLOSED)


class Connection(MessageSender):
    """One side of a connection.

    Args:
        is_server: which side.
        sink: the surroundings.

    Attributes:
        fail_by_drop: how :meth:`fail` ends it: with TCP, or with a close frame first.
        echo_close: whether the answer to a close frame repeats its code and reason.
        heard: set with every read, for whoever watches over silence.
        held_back: set where reading is paused: since then the peer may have said what we do not
            know of.
        pending: octets that wait to be worked off.
        on_batch: called when a read has been worked off, before what was sent meanwhile leaves,
            and in the middle of it before the end of the connection begins.
        octets_received, preopen_received, preopen_sent: what came, since it is open, and what came
            and left before; kept by whoever brings and takes them.
        stopped: nothing that arrives counts any more.
        ended_in: the state that it left to be CLOSED.
        send_close: takes the payload of a close frame instead of the writer, if somebody wants to
            see every frame that leaves.
    """

    def __init__(self, is_server: bool, sink: Sink) -> None:
        super().__init__(FrameWriter(not is_server))
        self.is_server = is_server
        self.sink: Sink | None = sink
        self.reader = FrameReader()
        self.reader.require_mask = is_server
        self.reader.refuse_mask = not is_server
        self.writer.connect(sink.write, sink.write_pieces, sink.wake)
        # Policy.
        self.fail_by_drop = True
        self.echo_close = False
        # Receiving.
        self.pending: bytes | None = None
        # Octets in front of those, the first of which have been worked off. They stay whole while
        # reading pauses again and again: copying the rest each time would take the square of them.
        self.backlog: bytes | None = None
        self.worked_off = 0
        self.receiving = False
        self.added = False
        self.paused = False
        self.stopped = False
        self.heard = False
        self.held_back = False
        self.on_batch: Callable[[], object] | None = None
        self.octets_received = 0
        self.preopen_received = 0
        self.preopen_sent = 0
        self.send_close: Callable[[bytes], object] | None = None
        # How it ended.
        self.was_clean = False
        self.not_clean_reason: str | None = None
        self.closed_by_me = False
        self.failed_by_me = False
        self.dropped_by_me = False
        self.local_close_code: int | None = None
        self.local_close_reason: bytes | None = None
        self.remote_close_code: int | None = None
        self.remote_close_reason: str | None = None
        self.ended_in = int(State.CONNECTING)
        self.told = False

    # --- receiving ----------------------------------------------------------------------------

    def receive(self, p: Octets, start: int, end: int) -> None:
        """The octets ``p[start:end]`` arrived; whatever is kept of them is a copy.

        May be called from inside a hook: the octets are taken care of when it returns.

        Raises:
            Exception: what a hook raised; the rest of what arrived waits for :meth:`resume`.
        """
        self.heard = True
        if self.receiving or self.paused:
            self.keep(p, start, end)
            return
        if self.pending is not None or self.backlog is not None:
            self.keep(p, start, end)
            self.resume()
            return
        self.take(p, start, end, None, True)

    def take(self, p: Octets, start: int, end: int, source: bytes | None, at_once: bool) -> None:
        """Work off octets; ``source`` is the object that ``p`` belongs to, where there is one."""
        self.begin_work()
        try:
            self.work(p, start, end, source)
        finally:
            self.end_work(at_once)
        if self.added:
            self.resume(at_once)

    def resume(self, at_once: bool = True) -> None:
        """Work off what waits; from inside a hook, behind it. Raises like :meth:`receive`.

        Args:
            at_once: see :meth:`end_work`.
        """
        self.added = self.receiving
        if self.receiving or self.reader.halted or not self.is_behind():
            return
        data, start = self.backlog, self.worked_off
        if data is None or self.pending is not None:
            data, start = self.waiting(), 0
        self.pending = self.backlog = None
        self.take(data, start, len(data), data, at_once)

    def is_behind(self) -> bool:
        """Whether something waits to be worked off."""
        return self.pending is not None or self.backlog is not None or self.reader.owes_end()

    def waiting(self) -> bytes:
        """The octets that wait to be worked off."""
        behind = self.pending or b""
        return behind if self.backlog is None else self.backlog[self.worked_off :] + behind

    def begin_work(self) -> None:
        """Cork: what is sent from here on waits for :meth:`end_work`."""
        self.receiving = True
        self.writer.corked = True

    def end_work(self, at_once: bool = True) -> None:
        """Uncork.

        Args:
            at_once: write what was sent meanwhile. Octets that waited may be worked off bit by
                bit in one turn of the loop, and then what was sent leaves together.
        """
        try:
            self.end_batch()
        finally:
            self.receiving = False
            self.writer.corked = False
            if at_once:
                self.writer.flush()
            elif self.writer.out.size:
                self.writer.settle()

    def end_batch(self) -> None:
        """Have the messages so far taken: what is sent in reply must come before what is next."""
        if self.on_batch is not None:
            self.on_batch()

    def work(self, p: Octets, pos: int, end: int, source: bytes | None) -> None:
        try:
            while True:
                try:
                    self.reader.feed(p, pos, end)
                    break
                except ProtocolError as error:
                    pos = self.reader.position
                    self.violation(error)
            behind = self.reader.position < end or self.reader.owes_end()
            if behind and self.reader.credit <= 0 and self.sink is not None:
                self.sink.give_way()
        finally:
            # Also when a hook raised: what is behind it must not be lost.
            pos = self.reader.position
            if pos < end and self.state != CLOSED:
                if self.paused and source is not None:
                    self.backlog, self.worked_off = source, pos
                else:
                    self.keep_first(p, pos, end)

    def landed(self, size: int) -> None:
        """The transport put octets on the reader's landing strip. Raises like :meth:`receive`."""
        self.heard = True
        if self.stopped:
            return
        self.begin_work()
        try:
            self.reader.landed(size)
        except ProtocolError as error:
            self.violation(error)
        finally:
            self.end_work()
        if self.added:
            self.resume()

    def keep(self, p: Octets, start: int, end: int) -> None:
        if self.stopped:
            return
        self.added = True
        data = unmask(p, start, end - start, False, NO_KEY)
        self.pending = data if self.pending is None else self.pending + data

    def keep_first(self, p: Octets, start: int, end: int) -> None:
        if self.stopped:
            return
        data = unmask(p, start, end - start, False, NO_KEY)
        self.pending = data if self.pending is None else data + self.pending

    def pause(self) -> None:
        """Deliver nothing more until :meth:`unpause`, not even of what is already here."""
        if not self.paused and not self.stopped and self.sink is not None:
            self.paused = self.held_back = True
            self.reader.halted = True
            self.sink.pause_reading()

    def unpause(self) -> None:
        """Go on delivering. Raises like :meth:`receive`."""
        if not self.paused:
            return
        self.paused = False
        if self.state == CLOSED:  # somebody has assigned it
            return
        self.reader.halted = False
        try:
            self.resume(False)
        finally:
            if not self.paused and self.sink is not None:
                self.sink.resume_reading()

    def stop(self) -> None:
        """Nothing that arrives counts any more; but the end of the transport must be noticed."""
        self.stopped = True
        self.reader.halted = True
        self.pending = self.backlog = None
        if self.paused:
            self.paused = False
            assert self.sink is not None  # release() has come by here before
            self.sink.resume_reading()

    def step(self) -> bool:
        """Take one step through what waits; returns whether there may be another one."""
        if self.reader.halted or not self.is_behind():
            return False
        data = self.waiting()
        self.pending = self.backlog = None
        # Whoever calls this from inside a hook must not lead the loop around it astray.
        before, self.reader.position = self.reader.position, 0
        more = False
        try:
            more = self.reader.step(data, len(data))
        except ProtocolError as error:
            self.violation(error)
            more = True
        finally:
            rest = data[self.reader.position :]
            self.reader.position = before
            if rest and not self.stopped:
                self.pending = rest if self.pending is None else rest + self.pending
        return more

    def control(self, opcode: int, payload: bytes) -> None:
        """A control frame arrived: the reader's slot."""
        sink = self.sink
        if sink is None:
            return
        if opcode == Opcode.PING:
            sink.on_ping(payload)
        elif opcode == Opcode.PONG:
            sink.on_pong(payload)
        else:
            self.end_batch()
            if payload:
                sink.on_close_frame(int.from_bytes(payload[:2], "big"), payload[2:])
            else:
                sink.on_close_frame(None, None)

    # --- closing ------------------------------------------------------------------------------

    def opened(self) -> None:
        """The opening handshake is done."""
        self.state = OPEN

    def close(self, code: int | None, reason: bytes | None) -> None:
        """Begin the closing handshake, if the connection is open."""
        self.happen(Event.CLOSE, code, reason)

    def close_received(self, code: int | None, reason: bytes | None) -> None:
        """The peer's close frame arrived; a bad one fails the connection first."""
        text: str | None = None
        if code is not None and not is_receivable_close_code(code):
            self.violation(FrameError(f"close code {code} must not be sent"))
            if self.state == CLOSED or self.fail_by_drop:
                return
            code = int(CloseCode.NORMAL)
        if reason:
            try:
                text = reason.decode()
            except UnicodeDecodeError:
                self.violation(PayloadError("the close reason is not UTF-8"))
                if self.state == CLOSED or self.fail_by_drop:
                    return
        self.remote_close_code = code
        self.remote_close_reason = text
        if self.echo_close:
            self.happen(Event.CLOSE_RECEIVED, code, truncate(text) if text else None)
        else:
            self.happen(Event.CLOSE_RECEIVED, int(CloseCode.NORMAL), None)

    def violation(self, error: ProtocolError) -> None:
        """The peer broke the protocol: let the sink decide, then go on behind it or stop."""
        self.end_batch()
        if self.sink is not None:
            self.sink.on_violation(error)
        if self.state != CLOSED:
            self.reader.recover()

    def fail(self, code: int, reason: str, by_drop: bool | None = None) -> None:
        """Fail the connection (RFC 6455, section 7.1.7).

        Args:
            code: close code.
            reason: goes into the close frame, cut to what fits.
            by_drop: without a close frame; None is what ``fail_by_drop`` says.
        """
        if self.state == CLOSED:
            return
        self.failed_by_me = True
        self.not_clean_reason = None
        if by_drop is None:
            by_drop = self.fail_by_drop
        if by_drop or self.state not in (OPEN, CLOSING):
            self.not_clean_reason = f"I dropped the WebSocket TCP connection: {reason}"
            self.happen(Event.FAIL_BY_DROP, code, None)
        else:
            self.happen(Event.FAIL, code, truncate(reason))

    def timed_out(self, reason: str) -> None:
        """The peer did not do in time what the sink was told to expect."""
        if self.state == CLOSED:
            return
        self.not_clean_reason = reason
        self.happen(Event.TIMEOUT, None, None)

    def dropped(self) -> None:
        """Somebody is about to end the transport."""
        if self.state != CLOSED:
            self.dropped_by_me = True
            self.happen(Event.DROP, None, None)

    def lost(self) -> None:
        """The transport is gone."""
        if self.told:
            return
        if not (self.was_clean or self.dropped_by_me or self.not_clean_reason):
            self.not_clean_reason = (
                "peer dropped the TCP connection without previous WebSocket closing handshake"
            )
        self.happen(Event.GONE, None, None)

    def happen(self, event: Event, code: int | None, reason: bytes | None) -> None:
        """Look the event up and carry its effects out, each by the method of its name."""
        entry = TABLE.get((cast(State, self.state), event))
        if entry is None:
            return
        before, self.state = self.state, int(entry[0])
        if self.state == CLOSED and before != CLOSED:
            self.ended_in = before
        for effect in entry[1]:
            if self.sink is not None:
                getattr(self, effect)(self.sink, code, reason)

    def write_close(self, sink: Sink, code: int | None, reason: bytes | None) -> None:
        self.closed_by_me = True
        self.write_reply(sink, code, reason)

    def write_reply(self, sink: Sink, code: int | None, reason: bytes | None) -> None:
        self.local_close_code = code
        self.local_close_reason = reason
        payload = b"" if code is None else code.to_bytes(2, "big") + (reason or b"")
        if self.send_close is None:
            self.writer.control(Opcode.CLOSE, payload)
        else:
            self.send_close(payload)

    def expect_reply(self, sink: Sink, *_: object) -> None:
        sink.expect("close")

    def relax_reply(self, sink: Sink, *_: object) -> None:
        sink.relax("close")

    def finish(self, sink: Sink, *_: object) -> None:
        if self.is_server:
            self.dropped()
            sink.drop(False)
        else:
            sink.expect("drop")

    def clean(self, sink: Sink, *_: object) -> None:
        self.was_clean = True

    def unclean(self, sink: Sink, *_: object) -> None:
        self.was_clean = False

    def stop_receiving(self, sink: Sink, *_: object) -> None:
        self.stop()

    def skip_data(self, sink: Sink, *_: object) -> None:
        self.reader.skip_data()

    def close_tcp(self, sink: Sink, *_: object) -> None:
        self.dropped_by_me = True
        sink.drop(False)

    def abort_tcp(self, sink: Sink, *_: object) -> None:
        self.dropped_by_me = True
        sink.drop(True)

    def tell(self, sink: Sink, *_: object) -> None:
        if not self.told:
            self.told = True
            sink.on_closed()

    def release(self) -> None:
        """Forget the sink: a connection that has ended must not keep its surroundings alive."""
        self.stop()
        self.sink = None
        self.send_close = None
        self.on_batch = None
        self.reader.connect(ignore, ignore)
        self.writer.release()


def truncate(reason: str, limit: int = MAX_CLOSE_REASON) -> bytes:
    """As much of the text as fits, without cutting a code point."""
    return reason.encode()[:limit].decode(errors="ignore").encode()
