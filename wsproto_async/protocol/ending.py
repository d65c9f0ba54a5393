"""The end of a connection: dropping it, running out of patience, and telling everybody, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal

from ..close_info import CloseInfo
from ..constants import CloseCode, State
from ..core.connection import Connection, truncate
from ..errors import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, StateError
from .hooks import Hooks
from .threads import check_thread
from .timers import Timers

__all__ = ["Ending", "closed_error"]

UNCLEAN = "connection was closed uncleanly ({})"

PHASES: Final[dict[int, Literal["open", "closing"]]] = {
    State.OPEN: "open",
    State.CLOSING: "closing",
}

FINE = (CloseCode.NORMAL, CloseCode.GOING_AWAY, CloseCode.NO_STATUS)
"""Close codes that are no complaint."""


class Ending(Hooks):
    """Ending a connection."""

    _timers: Timers

    def dropConnection(self, abort: bool = False) -> None:
        """End TCP without a closing handshake; nothing arrives any more from here on.

        Args:
            abort: at once; else behind what was sent before.
        """
        self._check_thread("dropConnection()")
        connection = self._connection
        if connection is None or connection.state == State.CLOSED:
            return
        connection.dropped()
        self._end_transport(abort)

    def _begin_close(
        self, code: int | None, reason: str = "", timeout: float | None = None
    ) -> None:
        """Begin to close, or make a close that is under way quicker.

        Args:
            code: None sends a close frame without one.
            reason: cut to what fits.
            timeout: seconds for all of it; None is what the options say.
        """
        if self._thread is not None:
            check_thread(self._thread, "close(); use asyncio.run_coroutine_threadsafe()")
        connection = self._connection
        if connection is None or self._close_info is not None:
            return
        if timeout is not None:
            self._timers.hurry(timeout)
        if connection.state == State.OPEN:
            connection.close(code, truncate(reason) if reason else None)
        elif connection.state in (State.CONNECTING, State.PROXY_CONNECTING):
            self.dropConnection(abort=True)

    def _end_transport(self, abort: bool) -> None:
        self._resolve_closed()
        self.unregisterProducer()
        if abort:
            self._unsent = self.bufferedAmount
            self.send_queue = None
            assert self._connection is not None
            self._connection.writer.release()
        else:
            self._flush()
            self._timers.linger()
        self._closeConnection(abort)

    def _closeConnection(self, abort: bool = False) -> None:
        """Close or abort the transport."""
        if self.transport is None:
            return
        if abort:
            self.transport.abort()
        elif self.triggered:
            self._loop.call_later(self._QUEUED_WRITE_DELAY, self._closeConnection)
        else:
            self.transport.close()

    def _abort_transport(self) -> None:
        assert self.transport is not None  # its end stops the timer that calls this
        self._unsent = self.bufferedAmount
        self.send_queue = None
        self.transport.abort()

    def onOpenHandshakeTimeout(self) -> None:
        """The opening handshake took longer than ``openHandshakeTimeout``."""
        connection = self._connection
        if connection is not None and connection.state in (
            State.CONNECTING,
            State.PROXY_CONNECTING,
        ):
            self.wasOpenHandshakeTimeout = True
            connection.timed_out(
                "WebSocket opening handshake timeout (the peer did not finish it within "
                f"open_handshake_timeout={self.openHandshakeTimeout} s)"
            )

    def onCloseHandshakeTimeout(self) -> None:
        """The peer did not answer our close frame in time."""
        if not self._is_alive():
            return
        self.wasCloseHandshakeTimeout = True
        limit = self._timers.close_limit("closeHandshakeTimeout", "close_handshake_timeout")
        self._timed_out(
            "WebSocket closing handshake timeout (the peer did not answer our close frame within "
            f"{limit}{self._why_paused()})"
        )

    def onServerConnectionDropTimeout(self) -> None:
        """The closing handshake is through, but the server did not drop TCP in time."""
        if not self._is_alive():
            return
        self.wasServerConnectionDropTimeout = True
        limit = self._timers.close_limit(
            "serverConnectionDropTimeout", "server_connection_drop_timeout"
        )
        self._timed_out(
            f"WebSocket closing handshake timeout (the server did not drop TCP within {limit})"
        )

    def onAutoPingTimeout(self) -> None:
        """An automatic ping got no answer in time."""
        if not self._is_alive():
            return
        self._timed_out(
            "WebSocket ping timeout (no pong and nothing else within "
            f"auto_ping_timeout={self.autoPingTimeout} s)"
        )

    def _is_alive(self) -> bool:
        return self._connection is not None and self._connection.state != State.CLOSED

    def _relax_close(self) -> None:
        self._timers.relax("close")

    def _timed_out(self, reason: str) -> None:
        assert self._connection is not None
        self._connection.timed_out(reason)

    def _tell_closed(self) -> None:
        """The connection has ended: tell everybody, and let go of everything."""
        connection = self._connection
        assert connection is not None
        was_clean = connection.was_clean
        if was_clean:
            code, reason = connection.remote_close_code, connection.remote_close_reason
        else:
            code = int(CloseCode.ABNORMAL)
            reason = UNCLEAN.format(connection.not_clean_reason)
            if connection.not_clean_reason is not None:
                self._mention(reason)
        self._resolve_closed()
        self._close_info = self._describe_close(connection)
        connection.release()
        self._end_stream(self._close_info)
        self._writing_paused = False
        self._release_writers()
        listeners, self._at_end = self._at_end, None
        for listener in listeners or ():
            listener(self)
        if self.wasServingFlashSocketPolicyFile:
            return
        try:
            self._call_hook("onClose", was_clean, code, reason)
        except Exception as error:
            self._hook_failed(error, "onClose")

    def _describe_close(self, connection: Connection) -> CloseInfo:
        cause = self._close_cause
        if cause is not None:
            # Its frames lead to whoever was sending, and from there back to us.
            cause = cause.with_traceback(None)
        local, remote = connection.local_close_code, connection.remote_close_code
        sent = connection.closed_by_me or connection.was_clean
        no_status = int(CloseCode.NO_STATUS)
        clean = connection.was_clean
        by_me = connection.closed_by_me or (connection.dropped_by_me and not clean)
        untaken, dropped = self._left_in_queue()
        return CloseInfo(
            code=(remote or no_status) if clean else int(CloseCode.ABNORMAL),
            reason=(connection.remote_close_reason if clean else connection.not_clean_reason) or "",
            was_clean=clean,
            initiator="local" if by_me else "peer" if clean else "network",
            received_code=(remote or no_status) if clean else None,
            received_reason=connection.remote_close_reason,
            sent_code=(local or no_status) if sent else None,
            sent_reason=(connection.local_close_reason or b"").decode(errors="replace")
            if sent
            else None,
            cause=cause,
            phase=PHASES.get(connection.ended_in, "opening"),
            unsent=self._octets_unsent(),
            untaken=untaken,
            hint=dropped or self._close_hint,
        )

    def _octets_unsent(self) -> int:
        unsent = max(self._unsent, self.bufferedAmount)
        if self._writing_paused and self._options is not None:
            # asyncio has forgotten what waited; but it was still above the lower mark.
            unsent = max(unsent, self._options.write_buffer_high // 4 + 1)
        return unsent

    def _left_in_queue(self) -> tuple[int, str]:
        """How many messages nobody has taken, and which options some of them were dropped for."""
        stream, options = self._stream, self._options
        if stream is None or options is None:
            return 0, ""
        hint = ""
        if stream.dropped:
            hint = (
                f"{stream.dropped} of them were dropped above "
                f"receive_queue_messages={options.receive_queue_messages} or "
                f"receive_queue_bytes={options.receive_queue_bytes}"
            )
        return stream.count + stream.dropped, hint

    def _end_stream(self, info: CloseInfo) -> None:
        if self._stream is not None:
            error = closed_error(info)
            self._stream.end(error, isinstance(error, ConnectionClosedOK))

    @property
    def close_info(self) -> CloseInfo | None:
        """How the connection ended; None as long as it has not."""
        return self._close_info

    async def wait_closed(self) -> None:
        """Wait until the connection has ended and ``onClose`` has been called."""
        if self._close_info is not None:
            return
        gone: asyncio.Future[None] = self._create_future()
        listener = partial(_wake, gone)
        self._call_at_end(listener)
        try:
            await gone
        finally:
            self._call_not_at_end(listener)

    @property
    def is_closed(self) -> asyncio.Future[Any]:
        """A future of this protocol that is done when its state becomes CLOSED."""
        if self._closed is not None:
            return self._closed
        self._closed = closed = self._create_future()
        if self._connection is not None and self._connection.state == State.CLOSED:
            self._resolve_closed()
        return closed

    def _create_future(self) -> asyncio.Future[Any]:
        """A future of our loop; before there is a connection, of the one that we shall have."""
        loop: asyncio.AbstractEventLoop | None = getattr(self, "_loop", None)
        return (loop or self._find_loop()).create_future()

    def _find_loop(self) -> asyncio.AbstractEventLoop:
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            factory = getattr(self, "factory", None)
            loop: asyncio.AbstractEventLoop | None = getattr(factory, "loop", None)
            if loop is None:
                raise StateError("no loop is running: give the factory loop=...") from None
            return loop

    def _resolve_closed(self) -> None:
        # A future with us as its result is not kept: we would hold each other.
        closed, self._closed = self._closed, None
        if closed is not None and not closed.done():
            closed.set_result(self)

    def _call_at_end(self, listener: Callable[[Any], object]) -> None:
        """Call ``listener(self)`` when the connection has ended; it must not raise."""
        if self._at_end is None:
            self._at_end = set()
        self._at_end.add(listener)

    def _call_not_at_end(self, listener: Callable[[Any], object]) -> None:
        if self._at_end is not None:
            self._at_end.discard(listener)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Of Twisted; here it is ``drain()``, ``onPauseWriting`` and ``pauseReceiving()``."""
        raise StateError("registerProducer() is Twisted's: use drain() or onPauseWriting()")

    def unregisterProducer(self) -> None:
        """Of Twisted; there is nothing to undo."""


def _wake(waiter: asyncio.Future[None], _: object) -> None:
    if not waiter.done():
        waiter.set_result(None)


def closed_error(info: CloseInfo) -> ConnectionClosed:
    """What coroutines are told of a connection that has ended."""
    fine = info.was_clean and info.code in FINE and info.sent_code in FINE
    return ConnectionClosedOK(info) if fine else ConnectionClosedError(info)
