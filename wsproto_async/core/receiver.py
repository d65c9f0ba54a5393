"""What arrives: worked off at once, or kept while a hook runs or reading is paused.

:class:`MessageReceiver` brings octets to the reader and is where reading pauses and goes on. While
it works, what is sent in reply is held back, so that it leaves together.

This file runs as it is, and compiled: receiver.pxd gives the types.
"""

from __future__ import annotations

from collections.abc import Callable

from .._native.kernels import NO_KEY, unmask
from ..constants import Opcode, State
from ..errors import ProtocolError
from .reader import FrameReader
from .sender import MessageSender
from .sink import Sink
from .writer import FrameWriter

__all__ = ["MessageReceiver"]

Octets = bytes | bytearray | memoryview

CLOSED = int(State.CLOSED)


class MessageReceiver(MessageSender):
    """The side of a connection that receives; it sends as well, for a connection does both.

    Args:
        is_server: which side.
        sink: the surroundings.

    Attributes:
        heard: set with every read, for whoever watches over silence.
        held_back: set where reading is paused: since then the peer may have said what we do not
            know of.
        pending: octets that wait to be worked off.
        by_hand: works off what waits, where somebody else than the reader does.
        on_batch: called when a read has been worked off, before what was sent meanwhile leaves,
            and in the middle of it before the end of the connection begins.
        octets_received, preopen_received, preopen_sent: what came, since it is open, and what came
            and left before; kept by whoever brings and takes them.
        stopped: nothing that arrives counts any more.
    """

    def __init__(self, is_server: bool, sink: Sink) -> None:
        super().__init__(FrameWriter(not is_server))
        self.is_server = is_server
        self.sink: Sink | None = sink
        self.reader = FrameReader()
        self.reader.require_mask = is_server
        self.reader.refuse_mask = not is_server
        self.writer.connect(sink.write, sink.write_pieces, sink.wake)
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
        self.by_hand: Callable[[], object] | None = None
        self.on_batch: Callable[[], object] | None = None
        self.octets_received = 0
        self.preopen_received = 0
        self.preopen_sent = 0

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
        if self.added:
            self.resume()

    def take(self, p: Octets, start: int, end: int, source: bytes | None, at_once: bool) -> None:
        """Work off octets; ``source`` is the object that ``p`` belongs to, where there is one."""
        self.begin_work()
        try:
            self.work(p, start, end, source)
        finally:
            self.end_work(at_once)

    def resume(self, at_once: bool = True) -> None:
        """Work off what waits; from inside a hook, behind it. Raises like :meth:`receive`.

        Args:
            at_once: see :meth:`end_work`.
        """
        while True:  # and not by recursion: a hook may pause at each message, and be undone
            self.added = self.receiving
            if self.receiving or self.reader.halted or not self.is_behind():
                return
            if self.by_hand is not None:
                self.by_hand()
            else:
                data, start = self.backlog, self.worked_off
                if data is None or self.pending is not None:
                    data, start = self.waiting(), 0
                self.pending = self.backlog = None
                self.take(data, start, len(data), data, at_once)
            if not self.added:
                return

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
            if pos < end:
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
        self.resume()  # also where that was the end of a frame

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
        if not self.paused and not self.stopped:
            assert self.sink is not None  # release() stops
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
            assert self.sink is not None  # release() comes by here before
            self.sink.resume_reading()

    def step(self) -> bool:
        """Take one step through what waits; returns whether there may be another one."""
        if self.reader.halted:
            return False
        data = self.waiting()
        self.pending = self.backlog = None
        # Whoever calls this from inside a hook must not lead the loop around it astray.
        before, self.reader.position = self.reader.position, 0
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
                sink.on_close_frame(int.from_bytes(payload[:2], "big"), payload[2:] or None)
            else:
                sink.on_close_frame(None, None)

    def violation(self, error: ProtocolError) -> None:
        """The peer broke the protocol: let the sink decide, then go on behind it or stop."""
        self.end_batch()
        if self.sink is not None:
            self.sink.on_violation(error)
        self.reader.recover()
