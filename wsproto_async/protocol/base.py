"""``WebSocketProtocol``: what server and client protocols have in common.

The class is put together by kind of method, from the bottom up:

==============  ====================================================================
``doors``       what must be fast: the loop's side of reading, and ``sendMessage``
``attributes``  what a protocol has
``calling``     how it calls hooks
``flow``        pausing and resuming, in both directions
``sending``     what it can be asked to send
``internals``   inner doors: methods for subclasses that go deeper
``hooks``       what subclasses override to be told
``ending``      dropping, timeouts, ``onClose``
``base``        the beginning: transport, options, slots
==============  ====================================================================

The state of the protocol itself is in the core's connection, ``_connection``; what a class
overrides decides, once, how its slots are wired (wiring.py).
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import Any

from ..constants import State
from ..core.connection import Connection
from ..errors import StateError
from ..interfaces import (
    IWebSocketChannel,
    IWebSocketChannelFrameApi,
    IWebSocketChannelStreamingApi,
)
from ..observable import Handler
from ..options import ClientOptions, ServerOptions
from ..stats import Timings, TrafficStats
from ..types import TransportDetails
from . import details, plan
from .ending import Ending
from .options import apply_options, options_of
from .statistics import LiveTrafficStats
from .stream import MessageStream
from .timers import Timers
from .wiring import Wiring, bind_slots
from .writes import bind_writes

__all__ = ["WebSocketProtocol"]


class WebSocketProtocol(Ending, asyncio.BufferedProtocol):
    """A WebSocket connection over an asyncio transport.

    Made by a factory, which sets ``factory``; subclasses override hooks. ``__init__`` takes no
    arguments and need not be called.
    """

    _statistics: LiveTrafficStats | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """See to it that a base that is an ``asyncio.Protocol`` does not make us deaf."""
        super().__init_subclass__(**kwargs)
        if cls.data_received is asyncio.Protocol.data_received:  # type: ignore[comparison-overlap]
            cls.data_received = WebSocketProtocol.data_received  # type: ignore[method-assign]

    # --- the loop tells us --------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """The transport is there (asyncio calls this)."""
        if not hasattr(self, "factory"):
            name = type(self).__name__
            raise StateError(f"{name} has no factory: pass one whose protocol is {name} instead")
        self.transport = transport
        self.peer = details.peer_of(transport)
        self._connectionMade()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The transport is gone (asyncio calls this)."""
        self._close_cause = self._close_cause or exc
        try:
            self._connectionLost(exc)
        finally:
            self.transport = None

    def eof_received(self) -> bool | None:
        """The peer will send nothing more (asyncio calls this): that ends a WebSocket.

        The transport closes itself behind what is still to be sent, for which it has little time.
        """
        if self._connection is not None:
            self._timers.linger()
        return None

    def _connectionMade(self) -> None:
        """Begin; needs ``factory``, ``transport``, and a loop, running or the factory's."""
        self._loop = self._find_loop()
        if self._loop.get_debug():
            self._thread = threading.get_ident()
        options = getattr(self.factory, "options", None)
        if not isinstance(options, (ServerOptions, ClientOptions)):
            options = (ServerOptions if self.is_server else ClientOptions).contract()
        self._options = options_of(self, options)
        connection = Connection(self.is_server, Wiring(self))
        self._timers = Timers(self)
        self._set_doors(connection, self._loop)
        self.websocket_extensions_in_use = []
        apply_options(self)
        bind_writes(self)
        self._follow_timings(self._options.track_timings)
        high = self._options.write_buffer_high
        self.transport.set_write_buffer_limits(high=high, low=high // 4)
        if not self._options.tcp_no_delay:
            details.set_no_delay(self.transport, False)
        self._timers.open()

    def _connectionLost(self, reason: BaseException | None) -> None:
        """End: stop all timers, then tell ``onClose``, once."""
        connection = self._connection
        if connection is None or connection.told:
            return
        self._timers.stop_all()
        connection.lost()
        self._timers.retire()

    def _get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    # --- opening ------------------------------------------------------------------------------

    def _open(self, rest: bytes) -> None:
        """The opening handshake is done; ``rest`` came behind it."""
        connection = self._connection
        assert connection is not None
        connection.opened()
        self._timers.opened()
        self._track("onOpen")
        connection.pending = rest or None
        self._pause_if_asked()
        bind_slots(self)
        try:
            self._announce_open()
        except Exception as error:
            self._hook_failed(error, "onOpen")
        if self.failedByMe:
            self._open_failed = True
        elif self._opened is not None and not self._opened.done():
            self._opened.set_result(None)
        if connection.state not in (State.OPEN, State.CLOSING):
            return
        if not plan.HOOKS.isdisjoint(self.__dict__):
            bind_slots(self)  # onOpen set some
        self._go_on()

    def _bind_and_deliver(self, payload: bytes, isBinary: bool) -> None:
        """A message is complete in the middle of which slots were to change."""
        bind_slots(self)
        self._deliver(payload, isBinary)

    def _use_codec(self, codec: Any) -> None:
        """A compression was agreed on."""
        assert self._connection is not None
        self._connection.codec = codec
        self._connection.compress_from = getattr(codec, "min_size", 0)
        self._connection.reader.inflater = codec
        self.websocket_extensions_in_use.append(codec)

    def _announce_open(self) -> None:
        """Tell the hooks that the connection is open."""
        if self._call_hook("onOpen") is not None:
            self._let_begin()

    @property
    def is_open(self) -> asyncio.Future[None]:
        """A future that is done when ``onOpen`` has been called and has not raised.

        It stays pending for ever if that never comes; ``is_closed`` comes in any case.
        """
        if self._opened is None:
            self._opened = self._create_future()
            connection = self._connection
            if connection is not None and not self._open_failed:
                has_ended = connection.state == State.CLOSED
                state = connection.ended_in if has_ended else connection.state
                if state in (State.OPEN, State.CLOSING):
                    self._opened.set_result(None)
        return self._opened

    @property
    def open(self) -> bool:
        """Whether messages can be sent right now."""
        connection = self._connection
        return connection is not None and connection.state == State.OPEN

    # --- messages for coroutines ----------------------------------------------------------------

    def on(self, event: str, handler: Handler) -> None:
        """Call ``handler(payload, is_binary=...)`` for each event ``"message"``."""
        super().on(event, handler)
        if self._connection is not None and self._connection.state == State.OPEN:
            bind_slots(self)

    def messages(self) -> MessageStream:
        """The messages, for ``async for`` and ``recv()``; there is one consumer.

        Open it before messages are expected, at best before ``onOpen`` has returned: it has what
        arrives from then on. Reading pauses while more waits than the options
        ``receiveQueueMessages`` and ``receiveQueueBytes`` allow.
        """
        if self._stream is None:
            options = self._options
            if options is None:
                raise StateError("messages() before connection_made()")
            self._stream = MessageStream(
                self._loop,
                self._pause_reading,
                self._resume_reading,
                options.receive_queue_messages,
                options.receive_queue_bytes,
            )
            if self._close_info is not None:
                self._end_stream(self._close_info)
            elif self._connection is not None and self._connection.state == State.OPEN:
                bind_slots(self)
        return self._stream

    def __aiter__(self) -> MessageStream:
        return self.messages()

    def _read_on(self) -> None:
        """We are closing: read on to the peer's close frame, whoever does not keep up."""
        if self._stream is not None:
            self._stream.let_go()
        if self._rateLimitCall is not None:
            self._timers.stop("_rateLimitCall")
            self._resume_reading()

    # --- keeping it alive -----------------------------------------------------------------------

    def _sendAutoPing(self) -> None:
        """Send an automatic ping, and wait for its pong if ``autoPingTimeout`` is set."""
        if self.state == State.OPEN:
            self._timers.send_ping()

    def _cancelAutoPingTimeoutCall(self) -> None:
        """The peer has proved to be alive: take the outstanding ping as answered."""
        if self.autoPingTimeoutCall is not None:
            self._timers.alive()

    @property
    def latency(self) -> float:
        """Seconds that the last ping took whose pong could be read at once; 0.0 before."""
        return 0.0 if self._connection is None else self._timers.round_trip

    # --- statistics -----------------------------------------------------------------------------

    @property
    def trafficStats(self) -> TrafficStats:
        """What went over the connection so far."""
        if self._connection is None:
            return TrafficStats()
        if self._statistics is None:
            self._statistics = LiveTrafficStats(self._connection)
        return self._statistics

    def setTrackTimings(self, enable: bool) -> None:
        """Begin or stop to note in ``trackedTimings`` when things happen."""
        self.trackTimings = enable
        self._follow_timings(enable)

    def _options_changed(self) -> None:
        connection = self._connection
        if connection is None or connection.sink is None:
            return
        apply_options(self)
        bind_writes(self)
        self._follow_timings(self.trackTimings)
        details.set_no_delay(self.transport, self.tcpNoDelay)
        if connection.state == State.OPEN:
            bind_slots(self)
            self._timers.first_ping()

    def _follow_timings(self, track: bool) -> None:
        if track != (self.trackedTimings is not None):
            self.trackedTimings = Timings() if track else None

    # --- the transport --------------------------------------------------------------------------

    @property
    def transport_details(self) -> TransportDetails:
        """What is known of the transport."""
        return details.transport_details(self, self.peer, self.is_server)

    def get_channel_id(self, channel_id_type: str | None = None) -> bytes:
        """What names this very channel; see :func:`wsproto_async.protocol.details.channel_id`."""
        return details.channel_id(self.transport, channel_id_type)


plan.DEFAULTS.update((name, inspect.getattr_static(WebSocketProtocol, name)) for name in plan.HOOKS)

for _interface in (IWebSocketChannel, IWebSocketChannelFrameApi, IWebSocketChannelStreamingApi):
    _interface.register(WebSocketProtocol)
