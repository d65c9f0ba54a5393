"""Attributes of a protocol, and where each of them lives.

Some are the core connection's, under Autobahn's names (:class:`Of`); the options are the
factory's, unless class or instance says otherwise (:class:`Option`); the rest are plain, and are
class attributes until they are set, so that a connection carries only what it uses.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast, overload

from ..close_info import CloseInfo
from ..constants import State
from ..core.http1 import HeadReader
from ..observable import ObservableMixin
from ..options import ClientOptions, ServerOptions
from ..options.legacy import assign, legacy_value
from ..stats import Timings
from ..types import FrameHeader
from .details import NEVER_CONNECTED
from .doors import Doors
from .log import make_logger
from .numbers import Numbers
from .stream import MessageStream
from .tasks import HookTasks

__all__ = ["Attributes", "Of", "Option"]

T = TypeVar("T")
Options = ServerOptions | ClientOptions
Handle = asyncio.TimerHandle


class Of(Generic[T]):
    """An attribute of the core's connection, under Autobahn's name.

    Args:
        name: what it is called there.
        default: what it is before there is a connection.
    """

    def __init__(self, name: str, default: T) -> None:
        self.name = name
        self.default = default

    @overload
    def __get__(self, protocol: None, owner: type) -> Of[T]: ...

    @overload
    def __get__(self, protocol: Doors, owner: type) -> T: ...

    def __get__(self, protocol: Doors | None, owner: type) -> Of[T] | T:
        if protocol is None:
            return self
        connection = protocol._connection
        return self.default if connection is None else cast(T, getattr(connection, self.name))

    def __set__(self, protocol: Doors, value: T) -> None:
        if protocol._connection is not None:
            setattr(protocol._connection, self.name, value)


class Option(Generic[T]):
    """An option of one connection. Assigning takes effect at once, for this connection alone."""

    name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, protocol: None, owner: type[Attributes]) -> Any: ...

    @overload
    def __get__(self, protocol: Attributes, owner: type[Attributes]) -> T: ...

    def __get__(self, protocol: Attributes | None, owner: type[Attributes]) -> Any:
        if protocol is None:
            return owner._class_options.get(self.name, self)
        if protocol._options is None:
            early = protocol._early_options or owner._class_options
            if self.name not in early:
                raise AttributeError(f"{self.name} is known when the connection is made")
            return early[self.name]
        return legacy_value(protocol._options, self.name)

    def __set__(self, protocol: Attributes, value: T) -> None:
        if protocol._options is None:
            protocol._early_options = {**(protocol._early_options or {}), self.name: value}
        else:
            protocol._options = assign(protocol._options, self.name, value)
            protocol._options_changed()


class Attributes(Numbers, Doors, ObservableMixin):
    """What a protocol has, without what it does."""

    is_server: ClassVar[bool]
    log: Any = make_logger()
    factory: Any
    transport: Any = None
    peer: str = NEVER_CONNECTED
    peer_transport = "websocket"

    # --- of the core's connection ---

    state: Of[int] = Of("state", int(State.CLOSED))
    send_state: Of[int] = Of("send_state", 0)
    failedByMe: Of[bool] = Of("failed_by_me", False)
    closedByMe: Of[bool] = Of("closed_by_me", False)
    droppedByMe: Of[bool] = Of("dropped_by_me", False)
    wasClean: Of[bool] = Of("was_clean", False)
    wasNotCleanReason: Of[str | None] = Of("not_clean_reason", None)
    localCloseCode: Of[int | None] = Of("local_close_code", None)
    localCloseReason: Of[bytes | None] = Of("local_close_reason", None)
    remoteCloseCode: Of[int | None] = Of("remote_close_code", None)
    remoteCloseReason: Of[str | None] = Of("remote_close_reason", None)

    # --- options (a test holds this list against the models) ---

    logOctets = Option[bool]()
    logFrames = Option[bool]()
    trackTimings = Option[bool]()
    utf8validateIncoming = Option[bool]()
    applyMask = Option[bool]()
    maxFramePayloadSize = Option[int]()
    maxMessagePayloadSize = Option[int]()
    autoFragmentSize = Option[int]()
    failByDrop = Option[bool]()
    echoCloseCodeReason = Option[bool]()
    openHandshakeTimeout = Option[float]()
    closeHandshakeTimeout = Option[float]()
    tcpNoDelay = Option[bool]()
    autoPingInterval = Option[float]()
    autoPingTimeout = Option[float]()
    autoPingSize = Option[int]()
    versions = Option[list[int]]()
    webStatus = Option[bool]()
    requireMaskedClientFrames = Option[bool]()
    maskServerFrames = Option[bool]()
    perMessageCompressionAccept = Option[Callable[[Any], Any]]()
    serveFlashSocketPolicy = Option[bool]()
    flashSocketPolicy = Option[str]()
    allowedOrigins = Option[list[str]]()
    allowedOriginsPatterns = Option[list[re.Pattern[str]]]()
    allowNullOrigin = Option[bool]()
    maxConnections = Option[int]()
    trustXForwardedFor = Option[int]()
    version = Option[int]()
    acceptMaskedServerFrames = Option[bool]()
    maskClientFrames = Option[bool]()
    serverConnectionDropTimeout = Option[float]()
    perMessageCompressionOffers = Option[list[Any]]()
    hookConcurrency = Option[int | None]()
    onHookError = Option[Literal["close", "keep"]]()
    receiveQueueMessages = Option[int]()
    receiveQueueBytes = Option[int]()
    writeBufferHigh = Option[int]()
    closeTimeout = Option[float | None]()
    maxHandshakeSize = Option[int]()
    maxHandshakeHeaders = Option[int]()
    autoPingRestartOnAnyTraffic = Option[bool]()

    _class_options: ClassVar[dict[str, Any]] = {}
    _folded: ClassVar[tuple[Options, Options] | None] = None
    _options: Options | None = None
    _early_options: dict[str, Any] | None = None

    # --- how it went ---

    wasMaxFramePayloadSizeExceeded = False
    wasMaxMessagePayloadSizeExceeded = False
    wasServerConnectionDropTimeout = False
    wasOpenHandshakeTimeout = False
    wasCloseHandshakeTimeout = False
    wasServingFlashSocketPolicyFile = False
    websocket_protocol_in_use: str | None = None
    websocket_extensions_in_use: list[Any]
    trackedTimings: Timings | None = None

    # --- timers, None while they do not run ---

    openHandshakeTimeoutCall: Handle | None = None
    closeHandshakeTimeoutCall: Handle | None = None
    serverConnectionDropTimeoutCall: Handle | None = None
    autoPingPendingCall: Handle | None = None
    autoPingTimeoutCall: Handle | None = None
    _lingerCall: Handle | None = None
    autoPingPending: bytes | None = None

    # --- a message that is received frame by frame ---

    current_frame: FrameHeader | None = None
    inside_message = False
    message_is_binary = False
    message_data: list[bytes]
    message_data_total_length = 0
    frame_length = 0
    frame_data: list[bytes]
    control_frame_data: list[bytes]
    _logged: list[bytes] | None = None

    # --- the rest is nobody else's business ---

    send_queue: deque[tuple[bytes, bool]] | None = None
    triggered = False
    _loop: asyncio.AbstractEventLoop
    _head_reader: HeadReader | None = None
    _tasks: HookTasks | None = None
    _stream: MessageStream | None = None
    _pauses = 0
    _answers_wait = False
    _writable: asyncio.Future[None] | None = None
    _last_ping: bytes | None = None
    _preopen_received = 0
    _preopen_sent = 0
    _opened: asyncio.Future[None] | None = None
    _closed: asyncio.Future[Any] | None = None
    _close_info: CloseInfo | None = None
    _close_cause: BaseException | None = None
    _valid_events: Sequence[str] | None = ("message",)

    def _options_changed(self) -> None:
        """An option was assigned on this instance."""
