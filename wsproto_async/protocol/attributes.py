"""Attributes of a protocol, and where each of them lives.

Some are the core connection's, under Autobahn's names (:class:`Of`); the options are the
factory's, unless class or instance says otherwise (option_attributes.py); the rest are plain, and
are class attributes until they are set, so that a connection carries only what it uses.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast, overload

from ..close_info import CloseInfo
from ..constants import State
from ..core.http1 import HeadReader
from ..core.sink import FrameSink
from ..observable import ObservableMixin
from ..options import ClientOptions, ServerOptions
from ..options.legacy import assign, legacy_value
from ..stats import Timings
from ..types import FrameHeader
from .details import NEVER_CONNECTED
from .doors import Doors
from .log import make_logger
from .numbers import Numbers
from .option_attributes import (
    ClientOptionAttributes,
    CommonOptionAttributes,
    ServerOptionAttributes,
)
from .rate_limit import RateLimit
from .stream import MessageStream
from .tasks import HookTasks

__all__ = ["Attributes", "Of"]

T = TypeVar("T")
Options = ServerOptions | ClientOptions
Handle = asyncio.TimerHandle


class Of(Generic[T]):
    """An attribute of the core's connection, under Autobahn's name.

    Args:
        name: what it is called there.
        default: what it is before there is a connection, unless something was assigned.
    """

    def __init__(self, name: str, default: T) -> None:
        self.name = name
        self.default = default
        self.early = f"_early_{name}"

    @overload
    def __get__(self, protocol: None, owner: type) -> Of[T]: ...

    @overload
    def __get__(self, protocol: Doors, owner: type) -> T: ...

    def __get__(self, protocol: Doors | None, owner: type) -> Of[T] | T:
        if protocol is None:
            return self
        connection = protocol._connection
        if connection is None:
            return cast(T, protocol.__dict__.get(self.early, self.default))
        return cast(T, getattr(connection, self.name))

    def __set__(self, protocol: Doors, value: T) -> None:
        if protocol._connection is None:
            protocol.__dict__[self.early] = value
        else:
            setattr(protocol._connection, self.name, value)


class Attributes(
    CommonOptionAttributes,
    ServerOptionAttributes,
    ClientOptionAttributes,
    Numbers,
    Doors,
    ObservableMixin,
):
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
    wasMaxMessagePayloadSizeExceeded: Of[bool] = Of("max_message_exceeded", False)
    wasNotCleanReason: Of[str | None] = Of("not_clean_reason", None)
    localCloseCode: Of[int | None] = Of("local_close_code", None)
    localCloseReason: Of[bytes | None] = Of("local_close_reason", None)
    remoteCloseCode: Of[int | None] = Of("remote_close_code", None)
    remoteCloseReason: Of[str | None] = Of("remote_close_reason", None)

    # --- options ---

    _class_options: ClassVar[dict[str, Any]] = {}
    _folded: ClassVar[tuple[Options, Options] | None] = None
    _options: Options | None = None
    _early_options: dict[str, Any] | None = None

    # --- how it went ---

    wasMaxFramePayloadSizeExceeded = False
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
    _rateLimitCall: Handle | None = None
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
    _thread: int | None = None
    """The loop's thread, known in debug mode alone."""
    _by_frames = False
    _head_reader: HeadReader | None = None
    _tasks: HookTasks | None = None
    _stream: MessageStream | None = None
    _fragments: FrameSink | None = None
    _rate_limit: RateLimit | None = None
    _has_frame_sink = False
    _slots_wait = False
    _pauses = 0
    _pauses_asked = 0
    _answers_wait = False
    _writable: asyncio.Future[None] | None = None
    _last_ping: bytes | None = None
    _opened: asyncio.Future[None] | None = None
    _open_failed = False
    _closed: asyncio.Future[Any] | None = None
    _at_end: set[Callable[[Any], object]] | None = None
    _close_info: CloseInfo | None = None
    _close_cause: BaseException | None = None
    _close_hint = ""
    _unsent = 0
    _has_said = False
    _valid_events: Sequence[str] | None = ("message",)

    def _get_option(self, name: str) -> Any:
        if self._options is not None:
            return legacy_value(self._options, name)
        early = {**self._class_options, **(self._early_options or {})}
        if name not in early:
            raise AttributeError(f"{name} is known when the connection is made")
        return early[name]

    def _set_option(self, name: str, value: Any) -> None:
        if self._options is None:
            self._early_options = {**(self._early_options or {}), name: value}
        else:
            self._options = assign(self._options, name, value)
            self._options_changed()

    def _options_changed(self) -> None:
        """An option was assigned on this instance."""
