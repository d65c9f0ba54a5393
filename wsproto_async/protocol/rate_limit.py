"""So many messages and octets a second, and no more: by reading slower, or by closing.

Nothing of this is made unless an option asks for it; then it stands between the reader and
whoever hears of messages.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._native.kernels import Key
from ..constants import CloseCode, Opcode, State
from ..core.sink import FrameSink
from .bucket import TokenBucket

if TYPE_CHECKING:
    from .attributes import Options
    from .base import WebSocketProtocol

__all__ = ["RateLimit", "limit_of", "limited_sink"]


TICK = 0.002
"""Seconds that nobody waits for: clocks and timers of loops are not finer."""


class RateLimit:
    """The limits of one connection. Each is a second's worth in a burst.

    Args:
        options: its options.
        now: the time.
    """

    __slots__ = ("messages", "octets", "options")

    def __init__(self, options: Options, now: float) -> None:
        self.options = options
        messages, octets = options.max_messages_per_second, options.max_octets_per_second
        self.messages = TokenBucket(messages, messages, now) if messages else None
        self.octets = TokenBucket(octets, octets, now) if octets else None

    def admits(self, protocol: WebSocketProtocol, messages: int, octets: int) -> bool:
        """Something arrived: whether it is to be delivered. Reading may pause behind it."""
        connection = protocol._connection
        if connection is None or connection.state != State.OPEN:
            return True
        now, wait, what = time.monotonic(), 0.0, ""
        if self.messages is not None:
            wait, what = self.messages.take(messages, now), "messages"
        if self.octets is not None and (longer := self.octets.take(octets, now)) > wait:
            wait, what = longer, "octets"
        if wait <= TICK:
            return True
        if self.options.on_rate_limit == "close":
            limit = getattr(self.options, f"max_{what}_per_second")
            protocol._fail_connection(
                CloseCode.POLICY_VIOLATION, f"more than max_{what}_per_second={limit}"
            )
            return False
        assert protocol._rateLimitCall is None  # nothing is read while it runs
        protocol._pause_reading()
        protocol._timers.start("_rateLimitCall", wait, protocol._resume_reading)
        return True

    def deliver(
        self, protocol: WebSocketProtocol, on_message: Callable[[Any, bool], object]
    ) -> Callable[[Any, bool], object]:
        """The reader's slot for messages, with the limits in front of it."""

        def limited(payload: Any, is_binary: bool) -> object:
            whole = type(payload) is bytes or payload.isascii()
            size = len(payload) if whole else len(payload.encode())
            return on_message(payload, is_binary) if self.admits(protocol, 1, size) else None

        return limited

    def control(
        self, protocol: WebSocketProtocol, on_control: Callable[[int, bytes], object]
    ) -> Callable[[int, bytes], object]:
        """The reader's slot for control frames: each is a message, but for the last one."""

        def limited(opcode: int, payload: bytes) -> object:
            last = opcode == Opcode.CLOSE
            if last or self.admits(protocol, 1, len(payload)):
                return on_control(opcode, payload)
            return None

        return limited


class LimitedSink:
    """Whoever wants frames as they arrive, with the limits in front of it."""

    __slots__ = ("limit", "protocol", "sink")

    def __init__(self, protocol: WebSocketProtocol, limit: RateLimit, sink: FrameSink) -> None:
        self.protocol = protocol
        self.limit = limit
        self.sink = sink

    def frame_begin(self, first: int, masked: bool, length: int, key: Key) -> None:
        """A header has been read; a message counts when it begins."""
        if first & 0x0F not in (Opcode.CONTINUATION, Opcode.CLOSE):
            self.limit.admits(self.protocol, 1, 0)
        self.sink.frame_begin(first, masked, length, key)

    def frame_data(self, payload: bytes) -> None:
        """A piece of its payload; empty ones come when reading goes on, too."""
        if payload:
            self.limit.admits(self.protocol, 0, len(payload))
        self.sink.frame_data(payload)

    def frame_end(self, ends_message: bool) -> None:
        """The frame is complete."""
        self.sink.frame_end(ends_message)


def limit_of(protocol: WebSocketProtocol) -> RateLimit | None:
    """The limits of a connection, where its options ask for some."""
    options, limit = protocol._options, protocol._rate_limit
    assert options is not None
    if not (options.max_messages_per_second or options.max_octets_per_second):
        limit = None
    elif limit is None or limit.options is not options:
        limit = RateLimit(options, time.monotonic())
    if limit is not protocol._rate_limit:  # most connections need not carry the attribute
        protocol._rate_limit = limit
    return limit


def limited_sink(protocol: WebSocketProtocol, sink: FrameSink) -> FrameSink:
    """A sink with the limits in front of it, if there are any."""
    limit = limit_of(protocol)
    return sink if limit is None else LimitedSink(protocol, limit, sink)
