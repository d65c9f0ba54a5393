"""The clocks of a connection: opening, closing, dropping, and automatic pings.

Each has a handle among the protocol's attributes (``openHandshakeTimeoutCall``, ...), None while
it does not run, and a hook that it calls (``onOpenHandshakeTimeout``, ...).

Keep-alive is fair. Any octet that arrives proves life. So does any octet that the peer takes
while others wait to be sent: the ping may be behind them. While reading is paused, by a slow
consumer of ours, the peer cannot be heard and is not blamed, unless it is the peer who holds the
consumer up, by taking nothing of what we send. Where the loop itself was late, the peer gets that
time on top, and before anybody is blamed the loop looks once more at what has arrived.
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from ..constants import State

if TYPE_CHECKING:
    from .base import WebSocketProtocol

__all__ = ["Timers"]

LATE = 0.1
"""Seconds a timer may come late without the loop being taken for blocked."""

LOOK = 0.1
"""Seconds for a last look at what has arrived, the last of the time that a pong may take."""

LINGER = 5.0
"""Seconds that TCP may take to end behind a close, where no option says otherwise."""

SOON = 0.001
"""Seconds that even a deadline of 0 leaves, so that what was just written can leave first."""

HANDLES = frozenset(
    {
        "openHandshakeTimeoutCall",
        "closeHandshakeTimeoutCall",
        "serverConnectionDropTimeoutCall",
        "autoPingPendingCall",
        "autoPingTimeoutCall",
        "_lingerCall",
        "_rateLimitCall",
    }
)
"""The attributes of a protocol that hold its timers."""


class Timers:
    """The timers of one protocol.

    Args:
        protocol: whose.
    """

    __slots__ = (
        "close_deadline",
        "hurried",
        "ping_sent",
        "pong_due",
        "protocol",
        "round_trip",
        "taken",
        "waited",
    )

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self.protocol = protocol
        self.close_deadline: float | None = None
        self.hurried: float | None = None
        self.ping_sent = 0.0  # 0 where its round trip is not to be measured
        self.pong_due = 0.0
        self.round_trip = 0.0
        # When the clock for the pong started: octets that waited to be sent, and that had left.
        self.waited = 0
        self.taken = 0

    def start(self, attribute: str, seconds: float, hook: Callable[[], object]) -> None:
        """Arm one; 0 seconds is never."""
        self.stop(attribute)
        if seconds > 0:
            handle = self.protocol._loop.call_later(seconds, self.fire, attribute, hook)
            setattr(self.protocol, attribute, handle)

    def stop(self, attribute: str) -> None:
        """Disarm one, if it is armed."""
        handle: asyncio.TimerHandle | None = getattr(self.protocol, attribute)
        if handle is not None:
            handle.cancel()
            setattr(self.protocol, attribute, None)

    def fire(self, attribute: str, hook: Callable[[], object]) -> None:
        protocol = self.protocol
        setattr(protocol, attribute, None)
        try:
            hook()
        except Exception as error:  # out of a subclass; else nothing would end the connection
            protocol._hook_failed(error)

    def stop_all(self) -> None:
        """The connection has ended."""
        for attribute in HANDLES.intersection(self.protocol.__dict__):
            self.stop(attribute)

    def retire(self) -> None:
        """The connection is gone, and everybody knows: no timer will be started any more."""
        del self.protocol  # which would otherwise go round in a circle

    # --- opening ------------------------------------------------------------------------------

    def open(self) -> None:
        """The transport is there: now the handshake has to come."""
        protocol, options = self.protocol, self.protocol._options
        assert options is not None
        self.start(
            "openHandshakeTimeoutCall",
            options.open_handshake_timeout,
            protocol.onOpenHandshakeTimeout,
        )

    def opened(self) -> None:
        """The handshake is done."""
        self.stop("openHandshakeTimeoutCall")
        self.next_ping()

    # --- closing ------------------------------------------------------------------------------

    def expect(self, what: str) -> None:
        """The peer has to do something now: send its close frame, or drop TCP."""
        protocol = self.protocol
        options = protocol._options
        assert options is not None
        now = protocol._loop.time()
        if options.close_timeout is not None and self.close_deadline is None:
            self.close_deadline = now + options.close_timeout
        if what == "close":
            attribute, hook = "closeHandshakeTimeoutCall", protocol.onCloseHandshakeTimeout
            seconds = float(protocol.closeHandshakeTimeout)
        else:
            attribute = "serverConnectionDropTimeoutCall"
            hook = protocol.onServerConnectionDropTimeout
            seconds = float(protocol.serverConnectionDropTimeout)
        if self.close_deadline is not None:
            seconds = max(self.close_deadline - now, SOON)
        self.start(attribute, seconds, hook)

    def hurry(self, seconds: float) -> None:
        """The close that is under way, or comes next, is to take at most so long."""
        protocol = self.protocol
        deadline = protocol._loop.time() + seconds
        if self.close_deadline is not None and self.close_deadline <= deadline:
            return
        self.close_deadline = deadline
        self.hurried = seconds
        if protocol.closeHandshakeTimeoutCall is not None:
            self.expect("close")
        elif protocol.serverConnectionDropTimeoutCall is not None:
            self.expect("drop")
        elif protocol._lingerCall is not None:
            self.linger()

    def close_limit(self, attribute: str, option: str) -> str:
        """What bounds the close, for humans; ``attribute`` and ``option`` if nothing else does."""
        options = self.protocol._options
        assert options is not None
        if self.hurried is not None:
            return f"timeout={self.hurried:g} s"
        if options.close_timeout is not None:
            return f"close_timeout={options.close_timeout:g} s"
        return f"{option}={getattr(self.protocol, attribute):g} s"

    def relax(self, what: str) -> None:
        """It did."""
        self.stop("closeHandshakeTimeoutCall")

    def linger(self) -> None:
        """TCP was closed behind what is still to be sent; a dead peer must not hold it for ever."""
        protocol = self.protocol
        assert protocol._options is not None
        seconds = protocol._options.close_timeout
        if self.close_deadline is not None:
            seconds = self.close_deadline - protocol._loop.time()
        elif seconds is None:
            seconds = max(protocol._options.close_handshake_timeout, LINGER)
        self.start("_lingerCall", max(seconds, SOON), protocol._abort_transport)

    # --- automatic pings ----------------------------------------------------------------------

    def next_ping(self) -> None:
        """Send the next ping when its time has come."""
        protocol, options = self.protocol, self.protocol._options
        assert options is not None
        self.start("autoPingPendingCall", options.auto_ping_interval, protocol._sendAutoPing)

    def first_ping(self) -> None:
        """The interval may have been set just now."""
        protocol = self.protocol
        if protocol.autoPingPendingCall is None and protocol.autoPingPending is None:
            self.next_ping()

    def send_ping(self) -> None:
        """Send an automatic ping and wait for its pong; the connection is open."""
        protocol = self.protocol
        connection = protocol._connection
        assert connection is not None
        size = protocol.autoPingSize
        protocol.autoPingPending = b64encode(os.urandom(size))[:size]
        connection.heard = False
        self.ping_sent = perf_counter()
        protocol.sendPing(protocol.autoPingPending)
        self.await_pong(protocol.autoPingTimeout)

    def await_pong(self, seconds: float) -> None:
        """Start the clock for the pong; 0 seconds is never."""
        protocol = self.protocol
        connection = protocol._connection
        assert connection is not None
        connection.held_back = connection.paused
        self.waited = protocol.bufferedAmount
        self.taken = connection.writer.wire + connection.writer.out.size - self.waited
        self.expect_pong(seconds - min(LOOK, seconds / 2), self.no_pong)

    def expect_pong(self, seconds: float, hook: Callable[[], object]) -> None:
        self.pong_due = self.protocol._loop.time() + seconds
        self.start("autoPingTimeoutCall", seconds, hook)

    def no_pong(self) -> None:
        """No pong yet; it may be there, if the loop was busy until now."""
        late = self.protocol._loop.time() - self.pong_due > LATE
        seconds = self.protocol.autoPingTimeout
        if late:
            # All its time again, but once: a loop that is always late must find the dead, too.
            self.ping_sent = 0.0  # whenever the pong comes, it does not tell the latency any more
            self.expect_pong(seconds, self.still_no_pong)
        else:
            self.expect_pong(min(LOOK, seconds / 2), self.still_no_pong)

    def still_no_pong(self) -> None:
        """The loop has read since then, and there was nothing."""
        if not self.peer_is_excused():
            self.protocol.onAutoPingTimeout()

    def peer_is_excused(self) -> bool:
        """Whether its silence is none, or not its fault; then the clock starts anew."""
        protocol = self.protocol
        connection = protocol._connection
        assert connection is not None
        if connection.state == State.CLOSED:
            return True
        if connection.heard and protocol.autoPingRestartOnAnyTraffic:
            self.alive()
            return True
        if self.reading_waits_for_us():
            self.ping_sent = 0.0
        elif not self.peer_takes_octets():
            return False
        self.await_pong(protocol.autoPingTimeout)
        return True

    def peer_takes_octets(self) -> bool:
        """Where octets waited, the system had no room: only the peer can have made some."""
        protocol = self.protocol
        writer = protocol._connection.writer
        left = writer.wire + writer.out.size - protocol.bufferedAmount
        return self.waited > 0 and left > self.taken

    def reading_waits_for_us(self) -> bool:
        """Whether reading was or is paused, and not for want of a peer that takes anything."""
        protocol, connection = self.protocol, self.protocol._connection
        held_up_by_peer = protocol._answers_wait or protocol._writable is not None
        return (connection.held_back or connection.paused) and not held_up_by_peer

    def pong(self, payload: bytes) -> None:
        """A pong arrived, perhaps the one that is due."""
        protocol = self.protocol
        if payload == protocol.autoPingPending:
            if self.ping_sent and not protocol._connection.held_back:
                # By a clock of our own, since uvloop's has milliseconds.
                self.round_trip = perf_counter() - self.ping_sent
            self.alive()

    def alive(self) -> None:
        """The peer has proved to be there."""
        self.stop("autoPingTimeoutCall")
        self.protocol.autoPingPending = None
        self.next_ping()
