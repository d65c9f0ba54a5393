"""One side of an open WebSocket connection, without any I/O.

:class:`Connection` puts the parts together: what receives, what sends, and the table of
:mod:`.closing`. Octets come in by :meth:`~.receiver.MessageReceiver.receive`; octets, wishes and
facts go out to a :class:`~.sink.Sink`. It owns no socket and no clock, so that what carries the
octets may be anything.

This file runs as it is, and compiled: connection.pxd gives the types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from ..constants import (
    MAX_CLOSE_REASON,
    CloseCode,
    Opcode,
    State,
    is_receivable_close_code,
)
from ..errors import FrameError, PayloadError
from .closing import TABLE, Event
from .message import ignore
from .receiver import MessageReceiver
from .sender import Codec
from .sink import Sink

__all__ = ["Codec", "Connection"]

OPEN = int(State.OPEN)
CLOSING = int(State.CLOSING)
CLOSED = int(State.CLOSED)


class Connection(MessageReceiver):
    """One side of a connection: how it ends.

    Args:
        is_server: which side.
        sink: the surroundings.

    Attributes:
        fail_by_drop: how :meth:`fail` ends it: with TCP, or with a close frame first.
        echo_close: whether the answer to a close frame repeats its code and reason.
        ended_in: once it is CLOSED, the state that it left to be so.
        send_close: takes the payload of a close frame instead of the writer, if somebody wants to
            see every frame that leaves.
    """

    def __init__(self, is_server: bool, sink: Sink) -> None:
        super().__init__(is_server, sink)
        self.fail_by_drop = True
        self.echo_close = False
        self.send_close: Callable[[bytes], object] | None = None
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
            if self.state == CLOSED:
                return
            code = int(CloseCode.NORMAL)
        if reason:
            try:
                text = reason.decode()
            except UnicodeDecodeError:
                self.violation(PayloadError("the close reason is not UTF-8"))
                if self.state == CLOSED:
                    return
        self.remote_close_code = code
        self.remote_close_reason = text
        if self.echo_close:
            self.happen(Event.CLOSE_RECEIVED, code, truncate(text) if text else None)
        else:
            self.happen(Event.CLOSE_RECEIVED, int(CloseCode.NORMAL), None)

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
        if before != CLOSED:
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
        self.by_hand = self.on_batch = None
        self.reader.connect(ignore, ignore)
        self.writer.release()


def truncate(reason: str, limit: int = MAX_CLOSE_REASON) -> bytes:
    """As much of the text as fits, without cutting a code point."""
    return reason.encode()[:limit].decode(errors="ignore").encode()
