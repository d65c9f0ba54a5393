"""What can go wrong, and whose fault it is.

::

    WebSocketError
    ├── ProtocolError               the peer's fault once open; carries the close code
    │   ├── FrameError              1002
    │   ├── PayloadError            1007
    │   └── MessageTooBig           1009
    ├── HandshakeError              the peer's fault before that; carries the HTTP status
    ├── ConnectError                connect() did not get as far as an open connection
    ├── OptionError                 yours: an option or argument has a bad value
    │   └── OptionTypeError         ... or one of the wrong type
    ├── StateError                  yours: called in a state that does not allow it
    │   └── Disconnected            sending on a connection that is not open
    ├── PayloadExceededError        yours: the message is above your own limit
    ├── PayloadCorruptError         a codec's: what it was given does not inflate
    └── ConnectionClosed            to coroutines only: how the connection ended
        ├── ConnectionClosedOK      a close frame went both ways and was no complaint
        └── ConnectionClosedError   anything else

``ConnectionDeny``, which *you* raise in ``onConnect``, lives in :mod:`wsproto_async.types`.

The peer's faults never raise into hooks: they arrive as ``onClose``. Your faults raise at once.
Coroutines learn the end of the connection as an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .constants import CloseCode

if TYPE_CHECKING:
    from .types import CloseInfo

__all__ = [
    "ConnectError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "Disconnected",
    "FrameError",
    "HandshakeError",
    "MessageTooBig",
    "OptionError",
    "OptionTypeError",
    "PayloadCorruptError",
    "PayloadError",
    "PayloadExceededError",
    "ProtocolError",
    "StateError",
    "WebSocketError",
]


class WebSocketError(Exception):
    """Base of every exception of this package."""


class ProtocolError(WebSocketError):
    """The peer broke the protocol. ``code`` is what a close frame would say.

    Args:
        reason: one line for humans, without anything the peer could have forged into a log.
        code: close code (RFC 6455, section 7.4).
    """

    code: int = CloseCode.PROTOCOL_ERROR

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        if code is not None:
            self.code = code


class FrameError(ProtocolError):
    """A frame that RFC 6455 does not allow here."""


class PayloadError(ProtocolError):
    """Octets that do not fit their type: text that is not UTF-8, or data that does not inflate."""

    code = CloseCode.INVALID_PAYLOAD


class MessageTooBig(ProtocolError):
    """A frame or message above the limit.

    Args:
        reason: one line for humans; it names the option.
        size: octets, as far as known.
        limit: octets.
    """

    code = CloseCode.MESSAGE_TOO_BIG

    def __init__(self, reason: str, size: int = 0, limit: int = 0) -> None:
        super().__init__(reason)
        self.size = size
        self.limit = limit


class HandshakeError(WebSocketError):
    """The opening handshake cannot succeed.

    Args:
        reason: one line for humans.
        status: HTTP status: on a server the one to answer with, on a client the one received
            (0 where there was none).
        headers: on a server what to add to the answer, on a client what was received.
    """

    def __init__(
        self, reason: str, status: int = 400, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.headers = tuple(headers)


class ConnectError(WebSocketError, OSError):
    """``connect`` failed before the connection was open: DNS, TCP, TLS, proxy or time."""


class OptionError(WebSocketError, ValueError, AssertionError):
    """An option or argument has a value it cannot have; the message names it and the rule.

    It is an ``AssertionError`` too because Autobahn raises that for some of them.
    """


class OptionTypeError(OptionError, TypeError):
    """An option or argument has a type it cannot have; the message names it and the right one."""


class StateError(WebSocketError, RuntimeError):
    """A method was called in a state that does not allow it."""


class Disconnected(StateError):
    """A message was sent on a connection that is not open."""


class PayloadExceededError(WebSocketError, RuntimeError):
    """A message to be sent, or inflated, is above the limit."""


class PayloadCorruptError(WebSocketError, RuntimeError):
    """A codec cannot inflate what it was given (its user turns this into close code 1007)."""


class ConnectionClosed(WebSocketError):
    """The connection has ended. ``close_info`` says who ended it, how, and why."""

    def __init__(self, close_info: CloseInfo) -> None:
        super().__init__(close_info)
        self.close_info = close_info

    def __str__(self) -> str:
        return str(self.close_info)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    @property
    def code(self) -> int:
        """The close code; 1005 when the peer sent none, 1006 when there was no close frame."""
        return self.close_info.code

    @property
    def reason(self) -> str:
        """The close reason, or what happened instead."""
        return self.close_info.reason


class ConnectionClosedOK(ConnectionClosed):
    """It ended with a close handshake and code 1000, 1001 or none."""


class ConnectionClosedError(ConnectionClosed):
    """It ended otherwise."""


def check_type(name: str, value: object, *allowed: type) -> None:
    """Refuse an argument of a wrong type. A bool is no int here; subclasses are welcome.

    Args:
        name: what the caller knows it as.
        value: what it is.
        allowed: what it may be; ``type(None)`` where it may be left out.

    Raises:
        OptionTypeError: it is something else.
    """
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        right = " or ".join("None" if kind is type(None) else kind.__name__ for kind in allowed)
        raise OptionTypeError(f"{name} must be {right}, not {type(value).__name__}")


def check_text(name: str, value: str) -> None:
    """Refuse half a surrogate pair, which has no UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise OptionError(f"{name} cannot be sent as UTF-8: {error.reason}") from None


def is_only(error: BaseException | None, *kinds: type[BaseException]) -> bool:
    """Whether an error is of these kinds, or a group of nothing else, as ``TaskGroup`` raises."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(kinds)[1] is None
    return isinstance(error, kinds)
