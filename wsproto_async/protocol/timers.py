"""The clocks of a connection: opening, closing, dropping, and automatic pings.

Each has a handle among the protocol's attributes (``openHandshakeTimeoutCall``, ...), None while
it does not run, and a hook that it calls (``onOpenHandshakeTimeout``, ...).

Keep-alive is fair. Any octet that arrives proves life. While reading is paused, by a slow
consumer of ours, the peer cannot be heard and is not blamed: the clock starts anew. And where the
loop itself was late, the peer gets that time on top.
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

LINGER = 5.0
"""Seconds that TCP may take to end behind a close, where no option says otherwise."""


HANDLES = frozenset(
    {
        "openHandshakeTimeoutCall",
        "closeHandshakeTimeoutCall",
        "serverConnectionDropTimeoutCall",
        "autoPingPendingCall",
        "autoPingTimeoutCall",
        "_lingerCall",
    }
)
"""The attributes of a protocol that hold its timers."""


class Timers:
    """The timers of one protocol.

    Args:
        protocol: whose.
    """

    __slots__ = ("close_deadline", "ping_sent", "pong_due", "protocol", "round_trip")

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self.protocol = protocol
        self.close_deadline: float | None = None
        self.ping_sent = 0.0
        self.pong_due = 0.0
        self.round_trip = 0.0

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
        setattr(self.protocol, attribute, None)
        hook()

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
            # Even a deadline of 0 lets what was just written leave first.
            seconds = max(self.close_deadline - now, 0.001)
        self.start(attribute, seconds, hook)

    def hurry(self, seconds: float) -> None:
        """The close that is under way, or comes next, is to take at most so long."""
        protocol = self.protocol
        deadline = protocol._loop.time() + seconds
        if self.close_deadline is not None and self.close_deadline <= deadline:
            return
        self.close_deadline = deadline
        if protocol.closeHandshakeTimeoutCall is not None:
            self.expect("close")
        elif protocol.serverConnectionDropTimeoutCall is not None:
            self.expect("drop")
        elif protocol._lingerCall is not None:
            self.linger()

    def relax(self, what: str) -> None:
        """It did."""
        self.stop("closeHandshakeTimeoutCall")

    def linger(self) -> None:
        """TCP was closed behind what is still to be sent; a dead peer must not hold it for ever."""
        protocol = self.protocol
        assert protocol._options is not None
        seconds = protocol._options.close_timeout
        if self.close_deadline is not None:
            seconds = max(self.close_deadline - protocol._loop.time(), 0.001)
        elif seconds is None:
            seconds = max(protocol._options.close_handshake_timeout, LINGER)
        self.start("_lingerCall", seconds, protocol._abort_transport)

    # --- automatic pings ----------------------------------------------------------------------

    def next_ping(self) -> None:
        """Send the next ping when its time has come."""
        protocol, options = self.protocol, self.protocol._options
        assert options is not None
        if options.auto_ping_interval:
            self.start("autoPingPendingCall", options.auto_ping_interval, protocol._sendAutoPing)

    def first_ping(self) -> None:
        """The interval may have been set just now."""
        protocol = self.protocol
        if protocol.autoPingPendingCall is None and protocol.autoPingPending is None:
            self.next_ping()

    def send_ping(self) -> None:
        """Send an automatic ping and wait for its pong."""
        protocol = self.protocol
        connection = protocol._connection
        if connection is None or connection.state != State.OPEN:
            return
        size = protocol.autoPingSize
        protocol.autoPingPending = b64encode(os.urandom(size))[:size]
        connection.heard = False
        self.ping_sent = perf_counter()
        protocol.sendPing(protocol.autoPingPending)
        self.await_pong(protocol.autoPingTimeout)

    def await_pong(self, seconds: float) -> None:
        self.pong_due = self.protocol._loop.time() + seconds
        self.start("autoPingTimeoutCall", seconds, self.no_pong)

    def no_pong(self) -> None:
        """No pong in time. Is it the peer's fault?"""
        protocol = self.protocol
        connection = protocol._connection
        if connection is None or connection.state == State.CLOSED:
            return
        late = protocol._loop.time() - self.pong_due
        if connection.paused or late > LATE:
            self.await_pong(protocol.autoPingTimeout)
        elif connection.heard and protocol.autoPingRestartOnAnyTraffic:
            self.alive()
        else:
            protocol.onAutoPingTimeout()

    def pong(self, payload: bytes) -> None:
        """A pong arrived, perhaps the one that is due."""
        protocol = self.protocol
        if protocol.autoPingPending is not None and payload == protocol.autoPingPending:
            self.round_trip = perf_counter() - self.ping_sent  # uvloop's clock has milliseconds
            self.alive()

    def alive(self) -> None:
        """The peer has proved to be there."""
        self.stop("autoPingTimeoutCall")
        self.protocol.autoPingPending = None
        self.next_ping()
