"""Between the core and a protocol: what the core wants done, and which hook hears of what."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from .._native.kernels import Key
from ..core.message import ignore
from ..core.writer import FrameWriter
from ..errors import FrameError, MessageTooBig, PayloadError, ProtocolError
from ..types import FrameHeader
from .plan import plan_of
from .rate_limit import limit_of, limited_sink

if TYPE_CHECKING:
    from .base import WebSocketProtocol

__all__ = ["Wiring", "bind_slots"]

Octets = bytes | bytearray | memoryview


class Wiring:
    """The :class:`~wsproto_async.core.sink.Sink` of one protocol."""

    __slots__ = ("protocol",)

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self.protocol = protocol

    # --- what the core wants done ---

    def write(self, data: bytes) -> None:
        self.protocol._write_watched(data)

    def write_pieces(self, pieces: Sequence[Octets]) -> None:
        for piece in pieces:
            self.protocol._write_watched(bytes(piece))

    def wake(self, writer: FrameWriter) -> bool:
        turn = self.protocol._turn
        return turn is None or turn.add(writer)

    def drop(self, abort: bool) -> None:
        self.protocol._end_transport(abort)

    def expect(self, what: str) -> None:
        self.protocol._timers.expect(what)
        if what == "close":
            self.protocol._read_on()

    def relax(self, what: str) -> None:
        self.protocol._timers.relax(what)

    def pause_reading(self) -> None:
        self.protocol._pause_transport()

    def resume_reading(self) -> None:
        self.protocol._resume_transport()

    def give_way(self) -> None:
        self.protocol._give_way()

    # --- what happened ---

    def on_ping(self, payload: bytes) -> None:
        self.protocol._call_hook("onPing", payload)

    def on_pong(self, payload: bytes) -> None:
        self.protocol._timers.pong(payload)
        self.protocol._call_hook("onPong", payload)

    def on_close_frame(self, code: int | None, reason: bytes | None) -> None:
        if self.protocol.onCloseFrame(code, reason) is True:
            connection = self.protocol._connection
            assert connection is not None
            connection.stop()

    def on_violation(self, error: ProtocolError) -> None:
        protocol = self.protocol
        if isinstance(error, MessageTooBig):
            if "message" in error.reason.partition(" ")[0]:
                protocol.wasMaxMessagePayloadSizeExceeded = True
            else:
                protocol.wasMaxFramePayloadSizeExceeded = True
            protocol._max_message_size_exceeded(error.size, error.limit, error.reason)
        elif isinstance(error, PayloadError):
            protocol._invalid_payload(error.reason)
        elif isinstance(error, FrameError):
            protocol._protocol_violation(error.reason)
        else:
            protocol._fail_connection(error.code, error.reason)

    def on_closed(self) -> None:
        self.protocol._tell_closed()

    # --- frames as they arrive (core.reader.FrameSink) ---

    def frame_begin(self, first: int, masked: bool, length: int, key: Key) -> None:
        mask = _key_octets(key) if masked else None
        self.protocol.current_frame = FrameHeader(
            first & 0x0F, first >= 0x80, first >> 4 & 7, length, mask
        )
        self.protocol.onFrameBegin()

    def frame_data(self, payload: bytes) -> None:
        self.protocol.onFrameData(payload)

    def frame_end(self, ends_message: bool) -> None:
        self.protocol.onFrameEnd()
        if ends_message and self.protocol._slots_wait:
            bind_slots(self.protocol)


def _key_octets(key: Any) -> bytes:
    """A masking key as octets; natively it is a number in memory order."""
    if isinstance(key, int):  # pragma: no cover - coverage is measured in plain Python
        return key.to_bytes(4, sys.byteorder)
    return bytes(key)


def bind_slots(protocol: WebSocketProtocol) -> None:
    """Decide, once and whenever it changes, who hears of messages.

    In the middle of a message only what leaves is decided anew, and the rest when it has ended.
    """
    connection, options = protocol._connection, protocol._options
    assert connection is not None
    assert options is not None
    plan = plan_of(protocol)
    stream = protocol._stream
    watched = protocol.trackedTimings is not None or options.log_frames
    protocol._slow_receive = plan.octets or options.log_octets
    by_frames = plan.sending or watched
    if by_frames != protocol._by_frames:
        protocol._by_frames = by_frames
    protocol._slow_send = by_frames or protocol._thread is not None
    by_hand = "processData" in plan.overridden
    connection.by_hand = protocol._process_by_hand if by_hand else None
    connection.send_close = protocol._send_close_watched if by_frames else None
    waits = connection.reader.in_frame or connection.reader.opcode != 0
    if waits != protocol._slots_wait:  # most connections need not carry the attribute
        protocol._slots_wait = waits
    if waits:
        if not protocol._has_frame_sink and protocol._fragments is None:
            deliver = protocol._bind_and_deliver
            connection.reader.connect(deliver, connection.control, protocol._hook_returned)
        return
    if stream is not None:
        stream.batching = True
        connection.on_batch = stream.settle
    streaming = plan.streaming or watched
    if streaming != protocol._has_frame_sink:
        protocol._has_frame_sink = streaming
    hooked = "onMessage" in plan.overridden
    on_message: Callable[[Any, bool], object]
    if watched or protocol._handlers or (hooked and stream is not None):
        on_message = protocol._deliver
    elif stream is not None:
        on_message = stream.push
    else:
        on_message = protocol.onMessage if hooked else ignore
    decode = stream is not None and on_message == stream.push
    on_control: Callable[[int, bytes], object] = connection.control
    sink = protocol._fragments or (cast(Wiring, connection.sink) if streaming else None)
    limit = limit_of(protocol)
    if limit is not None:
        on_message = limit.deliver(protocol, on_message)
        on_control = limit.control(protocol, on_control)
        sink = None if sink is None else limited_sink(protocol, sink)
    connection.reader.connect(
        on_message,
        on_control,
        protocol._hook_returned,
        sink=sink,
        sink_control=protocol._fragments is None and (plan.inner or options.log_frames),
        decode=decode,
    )
