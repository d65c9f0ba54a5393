"""Flow control: who may send how much, in both directions.

Reading pauses while anybody on our side cannot take more: the iterator's queue, too many
coroutine hooks, the application (``pauseReceiving``), or a peer that does not read what we answer.
Writing never blocks: ``drain()`` waits, ``onPauseWriting`` tells, ``bufferedAmount`` says how much.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ..constants import Opcode, State
from .calling import Calling
from .doors import UNBROKEN
from .threads import check_thread

__all__ = ["Flow"]

OPEN = int(State.OPEN)
CLOSING = int(State.CLOSING)

MUCH = 4
"""How many times ``writeBufferHigh`` may wait for a peer before we stop reading from it."""


class Flow(Calling):
    """Pausing and resuming."""

    # --- receiving ----------------------------------------------------------------------------

    def pauseReceiving(self) -> None:
        """Let no more messages come until :meth:`resumeReceiving` was called as often.

        The opening handshake goes on; messages wait from when it is done.
        """
        self._check_thread("pauseReceiving()")
        if self._connection is not None:
            self._pauses_asked += 1
            self._pause_reading()

    def resumeReceiving(self) -> None:
        """Undo one :meth:`pauseReceiving`; where there is none, do nothing."""
        self._check_thread("resumeReceiving()")
        if self._pauses_asked:  # reading may be paused for other reasons, too: those stay
            self._pauses_asked -= 1
            self._resume_reading()

    def _check_thread(self, what: str, instead: str = "loop.call_soon_threadsafe") -> None:
        """In debug mode, refuse a call from another thread than the loop's."""
        if self._thread is not None:
            check_thread(self._thread, f"{what}; use {instead}()")

    def _pause_reading(self) -> None:
        """Somebody cannot take more; reading goes on when everybody can again."""
        self._pauses += 1
        if self._pauses == 1:
            self._pause_if_asked()

    def _pause_if_asked(self) -> None:
        """Let reading pause, if it is to and the opening handshake is done."""
        connection = self._connection
        if self._pauses and connection is not None and connection.state in (OPEN, CLOSING):
            connection.pause()

    def _resume_reading(self) -> None:
        self._pauses -= 1
        if self._pauses == 0 and self._writing_paused:
            self._check_answers()
        connection = self._connection
        if self._pauses or connection is None:
            return
        if connection.receiving:
            connection.unpause()  # whoever works off a read goes on with it
            return
        allowance, inflated = self._turn.allowance, connection.reader.inflated
        connection.reader.grant(allowance)
        try:
            connection.unpause()
        except Exception as error:
            self._survive(error)
        self._turn.spend(self._spent(connection, allowance, inflated))

    def _give_way(self) -> None:
        """A lot has come at once: others have their turn before the rest is worked off."""
        self._wait_a_turn()
        self._turn.give_way(self)

    def _let_begin(self) -> None:
        """A task has been made that comes before what may have arrived already."""
        assert self._connection is not None
        if self._connection.is_behind():
            self._wait_a_turn()
            self._loop.call_soon(self._resume_reading)

    def _wait_a_turn(self) -> None:
        connection = self._connection
        assert connection is not None
        held_back = connection.held_back
        self._pause_reading()
        connection.held_back = held_back  # a turn of the loop hides nothing from us

    def _why_paused(self) -> str:
        """Why we do not hear what the peer says, for humans."""
        if self._pauses == 0 or self._options is None:
            return ""
        if self._answers_wait:
            return (
                ", and takes so little that we stopped reading from it: "
                f"see write_buffer_high={self._options.write_buffer_high}"
            )
        if self._tasks is not None and self._tasks.paused:
            return (
                ", or we did not read it, since hooks are running: "
                f"see hook_concurrency={self._options.hook_concurrency}"
            )
        return ", or we did not read it because of pauseReceiving()"

    def _pause_transport(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def _resume_transport(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    # --- sending ------------------------------------------------------------------------------

    @property
    def bufferedAmount(self) -> int:
        """Octets that were sent and the system has not taken yet."""
        connection, transport = self._connection, self.transport
        waiting = 0 if connection is None else connection.writer.out.size
        if self.send_queue:
            waiting += sum(len(data) for data, _ in self.send_queue)
        return waiting + (0 if transport is None else int(transport.get_write_buffer_size()))

    async def drain(self) -> None:
        """Wait until there is room for more to be sent (option ``writeBufferHigh``).

        Returns at once where there is, and when the connection has ended; once in a thousand
        times it gives way to other tasks all the same.
        """
        self._check_thread("drain()", "asyncio.run_coroutine_threadsafe")
        self._flush()
        if self._connection is not None:
            self._credit -= 1
            if self._credit < 0:
                self._credit = UNBROKEN
                await asyncio.sleep(0)
        while self._writing_paused:
            if self._writable is None:
                self._writable = self._loop.create_future()
            await asyncio.shield(self._writable)

    def pause_writing(self) -> None:
        """The transport has more to send than its mark (asyncio calls this)."""
        self._writing_paused = True
        self._bind_writes()
        self._call_safely("onPauseWriting")

    def resume_writing(self) -> None:
        """The transport has room again (asyncio calls this)."""
        self._writing_paused = False
        self._bind_writes()
        self._release_writers()
        self._call_safely("onResumeWriting")
        # Each step may fill the buffer again; then the rest waits for the next time.
        if self._last_ping is not None and not self._writing_paused:
            ping, self._last_ping = self._last_ping, None
            self._pong(ping)
        if self._answers_wait and not self._writing_paused:
            self._answers_wait = False
            self._resume_reading()

    def _check_answers(self) -> None:
        """Octets of the peer are worked off while it takes none: the answers must not pile up."""
        options = self._options
        if options is None or self._answers_wait:
            return
        if self.bufferedAmount > MUCH * max(options.write_buffer_high, 1024):
            self._answers_wait = True
            self._pause_reading()

    def _release_writers(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def onPauseWriting(self) -> Any:
        """More waits to be sent than ``writeBufferHigh`` octets: better send nothing now."""

    def onResumeWriting(self) -> Any:
        """There is room again."""

    def _pong(self, payload: bytes) -> None:
        """Answer a ping, or, where the peer takes nothing, the last one of many later on."""
        connection = self._connection
        if connection is None or connection.state != State.OPEN:
            return
        if self._writing_paused:
            # One pong answers all pings before it (RFC 6455, section 5.5.3).
            self._last_ping = payload
        else:
            self._send_control(Opcode.PONG, "sendPong", payload)

    def _call_safely(self, name: str) -> None:
        try:
            self._call_hook(name)
        except Exception as error:
            self._hook_failed(error, name)

    # --- what the classes above supply ----------------------------------------------------------

    def _survive(self, error: Exception) -> None:
        raise AssertionError

    def _bind_writes(self) -> None:
        raise AssertionError

    def _flush(self) -> None:
        if self._connection is not None:
            self._connection.writer.flush()

    def _send_control(self, opcode: Opcode, name: str, payload: bytes | None) -> None:
        raise AssertionError
