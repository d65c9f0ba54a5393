"""The doors that octets and messages pass through many thousand times a second.

:class:`Doors` is the base of the protocol classes that has what must be fast: the loop's side of
reading (``get_buffer``, ``buffer_updated``, ``data_received``) and ``sendMessage``. Everything
else about a protocol is above, in plain Python.

All connections of a thread read into one buffer, since what a read brought is worked off before
the next one. A large payload is the exception: the loop reads it straight into the message.

Outside of reads, what the connections of a thread send is flushed once in a turn of the loop,
all together (:class:`Turn`).

This file runs as it is, and compiled: doors.pxd gives the types.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from typing import Any

from .._native.kernels import NO_KEY, READ_SIZE, ReadBuffer, unmask
from ..constants import State
from ..core.connection import Connection
from ..core.writer import FrameWriter
from ..errors import Disconnected
from .prepared import PreparedMessage

__all__ = ["TURN", "Doors", "Turn"]

OPEN = int(State.OPEN)
CLOSING = int(State.CLOSING)

UNBROKEN = 1024
"""Messages that a coroutine sends before it gives way, though the transport takes them all."""

TURN = 8192
"""Steps of the reader, most of them a frame each, that all connections may make in a turn of the
loop. Whoever wants more gives way: the others have theirs before it goes on."""

FEW = 64
"""Steps that a connection may make all the same, so that who sends little need not wait."""

SHARE = 1000
"""Steps that whoever has just given way may make, before those go on who have had theirs; and that
are left to these. It is a message of some ten KiB, compressed."""

LARGE = 32 * 1024
"""Octets of messages that take long to compress, should they be answered by their like."""

OCTETS_PER_STEP = 64
"""So many of those are a step."""

MOST_PENDING = READ_SIZE // 2
"""Octets of earlier reads up to which they are put in front of the next one."""


class Turn:
    """What the connections of one loop share.

    Attributes:
        buffer: what they read into.
        number: of this turn; only turns in which something is sent are counted.
        waiting: the writers that have something to flush at its end.
        spare: steps that are left to the readers of all connections in this turn.
        allowance: steps that a connection may make now.
        few: steps that need not be counted.
        fresh: the connections that gave way, in the order in which they go on,
        heavy: and those that did so again, which have much more to do.
        serving: the one that goes on right now.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = weakref.ref(loop)
        self.buffer = ReadBuffer()
        self.number = 1
        self.counting = False
        self.waiting: list[FrameWriter] = []
        self.few = FEW
        self.spare = self.allowance = TURN
        self.fresh: deque[Doors] = deque()
        self.heavy: deque[Doors] = deque()
        self.serving: Doors | None = None
        self.working = False
        # A completion-based loop fills the buffer while other connections run: they cannot share.
        self.shared = not hasattr(loop, "_proactor")

    def add(self, writer: FrameWriter) -> bool:
        """Something waits in a writer: whether it shall leave now, as the first in this turn.

        Else it is flushed before the loop waits again.
        """
        if not self.counting:
            loop = self.loop()
            assert loop is not None
            loop.call_soon(self.end)
            self.counting = True
        if writer.turn != self.number:
            writer.turn = self.number
            return True
        self.waiting.append(writer)
        return False

    def end(self) -> None:
        """The turn has ended: flush what waits."""
        self.number += 1
        self.counting = False
        waiting, self.waiting = self.waiting, []
        for writer in waiting:
            try:
                writer.flush()
            except Exception as error:
                self.complain(error)

    def spend(self, steps: int) -> None:
        """So many steps were made."""
        if steps > 0:
            self.spare -= steps
            self.allowance = max(self.spare, FEW)
            self.work_on()

    def give_way(self, doors: Doors) -> None:
        """A connection has made all steps it may make; it goes on when it is its turn."""
        (self.heavy if doors is self.serving else self.fresh).append(doors)
        self.work_on()

    def work_on(self) -> None:
        if not self.working:
            loop = self.loop()
            assert loop is not None
            loop.call_soon(self.work)
            self.working = True

    def work(self) -> None:
        """A turn begins: let those go on who gave way in earlier ones, as far as it reaches."""
        self.working = False
        self.spare = TURN
        for queue, share, rest in ((self.fresh, SHARE, SHARE), (self.heavy, TURN, FEW)):
            if queue:  # the steps of one that was served may have been more than it had
                self.spare = max(self.spare, SHARE + 1)
            while queue and self.spare > rest:
                self.work_on()  # before, since what follows may raise
                self.serving = queue.popleft()
                self.allowance = min(self.spare, share)
                self.serving._resume_reading()
        self.serving = None
        self.allowance = max(self.spare, FEW)

    def complain(self, error: Exception) -> None:
        """A connection's octets could not be written; the others' must be all the same."""
        loop = self.loop()
        assert loop is not None  # it is calling us
        message = "what was sent on a WebSocket connection could not be written"
        loop.call_exception_handler({"message": message, "exception": error})


_turns = threading.local()


def turn_of(loop: asyncio.AbstractEventLoop) -> Turn:
    """The :class:`Turn` of a loop; a thread has one, as it has one running loop."""
    turn: Turn | None = getattr(_turns, "turn", None)
    if turn is None or turn.loop() is not loop:
        turn = Turn(loop)
        _turns.turn = turn
    return turn


class Doors:
    """Receiving from the loop and sending messages.

    Attributes:
        _connection: the core's connection, None before ``connection_made``.
        _turn: what is shared with the other connections of the loop.
        _slow_receive: octets go through ``_dataReceived``, because somebody overrides or logs it.
        _writing_paused: the transport has more to send than its mark.
        _credit: messages that coroutines may send before they give way.
        _slow_send: messages go through ``_send_with_care``, because somebody watches them,
            or to see which thread this is.
    """

    def _set_doors(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._turn = turn_of(loop)
        self._slow_receive = False
        self._slow_send = False
        self._writing_paused = False
        self._credit = UNBROKEN
        self._landing = False
        self._own: ReadBuffer | None = None

    # --- from the loop ------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the loop shall put what comes next (asyncio calls this)."""
        connection = self._connection
        turn = self._turn
        if connection is None or turn is None:
            raise Disconnected("get_buffer() before connection_made()")
        self._landing = False
        # A completion-based loop would keep the strip while others take the message to pieces.
        straight = turn.shared and not self._slow_receive
        pending = connection.pending
        if pending is not None:
            straight = False
            if len(pending) > MOST_PENDING:
                pending = None
        if straight and (connection.state == OPEN or connection.state == CLOSING):
            strip = connection.reader.landing_strip()
            if strip is not None:
                self._landing = True
                return strip
        if turn.buffer.busy or not turn.shared:
            self._own = ReadBuffer()
            return self._own.view(pending)
        self._own = None
        return turn.buffer.view(pending)

    def buffer_updated(self, nbytes: int) -> None:
        """The loop put ``nbytes`` octets there (asyncio calls this)."""
        connection = self._connection
        turn = self._turn
        if connection is None or turn is None:
            return
        if connection.state == OPEN and not self._slow_receive:
            connection.octets_received += nbytes
        allowance = self._allowance(connection, nbytes)
        inflated = connection.reader.inflated
        connection.reader.grant(allowance)
        if self._landing:
            self._landing = False
            try:
                connection.landed(nbytes)
            except Exception as error:
                self._survive(error)
        else:
            buffer = turn.buffer if self._own is None else self._own
            self._own = None
            self._read(connection, buffer, nbytes)
        self._settle(connection, allowance, inflated)
        if self._writing_paused:
            self._check_answers()

    def _allowance(self, connection: Connection, nbytes: int) -> int:
        """Steps that a connection may make now, to which ``nbytes`` octets have come.

        Where messages are compressed, large ones wait for a turn that has something to spare: many
        that are complete at the same time would be compressed at the same time, in answers.
        """
        turn, reader = self._turn, connection.reader
        if turn.spare > 0 or connection.codec is None:
            return turn.allowance
        return 0 if nbytes > LARGE or reader.size > LARGE else turn.allowance

    def _read(self, connection: Connection, buffer: ReadBuffer, nbytes: int) -> None:
        """Work off what was read into a buffer."""
        start = buffer.offset
        if self._slow_receive or not (connection.state == OPEN or connection.state == CLOSING):
            self._received(unmask(buffer.p, start, nbytes, False, NO_KEY))
            return
        if connection.receiving or connection.paused:
            connection.receive(buffer.p, start, start + nbytes)
            return
        if start:
            connection.pending = None  # it is what the buffer begins with
        buffer.busy = True
        try:
            connection.receive(buffer.p, 0, start + nbytes)
        except Exception as error:
            self._survive(error)
        finally:
            buffer.busy = False

    def _settle(self, connection: Connection, allowance: int, inflated: int) -> None:
        """Count the steps that were made; few need not be."""
        spent = self._spent(connection, allowance, inflated)
        if spent > self._turn.few:
            self._turn.spend(spent)

    def _spent(self, connection: Connection, allowance: int, inflated: int) -> int:
        """Steps that were made of this allowance, with what compressing the answers may take.

        Args:
            connection: ours.
            allowance: what the reader was granted.
            inflated: octets of messages that it had taken before.
        """
        spent = allowance - connection.reader.credit
        if connection.codec is not None:
            octets = connection.reader.inflated - inflated
            if octets > LARGE:
                spent += octets // OCTETS_PER_STEP
        return spent

    def data_received(self, data: bytes | bytearray | memoryview) -> None:
        """Octets arrived: the other face, for transports and tests that have them already."""
        connection = self._connection
        if connection is None:
            raise Disconnected("data_received() before connection_made()")
        if type(data) is not bytes:
            data = bytes(data)  # a hook must not change it while it is parsed
        allowance = self._allowance(connection, len(data))
        inflated = connection.reader.inflated
        connection.reader.grant(allowance)
        if self._slow_receive or not (connection.state == OPEN or connection.state == CLOSING):
            self._received(data)
            return
        if connection.state == OPEN:
            connection.octets_received += len(data)
        try:
            connection.receive(data, 0, len(data))
        except Exception as error:
            self._survive(error)
        self._settle(connection, allowance, inflated)
        if self._writing_paused:
            self._check_answers()

    # --- to the loop --------------------------------------------------------------------------

    def sendMessage(
        self,
        payload: bytes,
        isBinary: bool = False,
        fragmentSize: int | None = None,
        sync: bool = False,
        doNotCompress: bool = False,
    ) -> None:
        """Send a message.

        Args:
            payload: its octets; for text, UTF-8 (which is not checked).
            isBinary: False sends it as text.
            fragmentSize: cut it into frames of at most so many octets; default is the option
                ``autoFragmentSize``.
            sync: write it in a turn of the loop of its own.
            doNotCompress: send it as it is, whatever compression was agreed on.

        Raises:
            Disconnected: the connection is not open.
            PayloadExceededError: it is larger than the option ``maxMessagePayloadSize``.
            ArgumentError: an argument has the wrong type.
        """
        connection = self._connection
        if (
            connection is None
            or self._slow_send
            or fragmentSize is not None
            or sync
            or doNotCompress
            or type(payload) is not bytes
            or not (isBinary is True or isBinary is False)
        ):
            self._send_with_care(payload, isBinary, fragmentSize, sync, doNotCompress)
        else:
            connection.send_message(payload, isBinary)

    def sendPreparedMessage(self, preparedMsg: PreparedMessage) -> None:
        """Send what ``factory.prepareMessage`` made.

        Raises:
            Disconnected: the connection is not open.
            StateError: a message that was begun with ``beginMessage`` has not ended.
            PayloadExceededError: it is larger than the option ``maxMessagePayloadSize``.
        """
        connection = self._connection
        if connection is None:
            raise Disconnected("a message can be sent on an open connection only")
        connection.check_ready()
        large = connection.max_send and len(preparedMsg.payload) > connection.max_send
        if large or self._slow_send or connection.codec is not None:
            self._send_prepared_with_care(preparedMsg)
        else:
            connection.writer.whole(preparedMsg.payloadHybi)

    # --- what the classes above supply ----------------------------------------------------------

    def _received(self, data: bytes) -> None:
        """Octets that do not take the short way: of the handshake, or watched."""
        raise AssertionError

    def _survive(self, error: Exception) -> None:
        """A hook raised: deal with that, then with the rest of what arrived."""
        raise AssertionError

    def _send_prepared_with_care(self, preparedMsg: PreparedMessage) -> None:
        """``sendPreparedMessage`` where somebody watches, or compresses."""
        raise AssertionError

    def _resume_reading(self) -> None:
        """What stood against reading on does no longer."""
        raise AssertionError

    def _check_answers(self) -> None:
        """A read was worked off while the peer takes nothing."""
        raise AssertionError

    def _send_with_care(
        self, payload: Any, isBinary: Any, fragmentSize: Any, sync: Any, doNotCompress: Any
    ) -> None:
        """``sendMessage`` with arguments that want a look."""
        raise AssertionError


for _name, _default in {"_connection": None, "_turn": None, "_writing_paused": False}.items():
    # Also for an instance that was made by __new__ alone. Compiled, it has them by itself.
    if not hasattr(Doors, _name):  # pragma: no branch - the plain class has none
        setattr(Doors, _name, _default)
