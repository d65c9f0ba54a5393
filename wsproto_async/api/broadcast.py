"""One message for many connections."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Final, Literal, get_args

from ..constants import CloseCode
from ..errors import (
    Disconnected,
    OptionError,
    OptionTypeError,
    PayloadExceededError,
    StateError,
    check_type,
)
from ..options.fields import MIB
from ..protocol.base import WebSocketProtocol
from ..protocol.prepared import PreparedMessage
from ..protocol.threads import check_thread
from .outgoing import octets_of
from .websocket import WebSocket

__all__ = ["BroadcastResult", "OnSlow", "broadcast", "check_policy", "protocol_of"]

OnSlow = Literal["close", "drop", "wait"]
POLICIES: Final = get_args(OnSlow)


class BroadcastResult:
    """What :func:`broadcast` did. With ``on_slow="wait"``, await it.

    Attributes:
        sent: connections that the message was sent on.
        dropped: connections that it was not sent on, although they are open.
        closed: slow connections that are being closed because of it.
    """

    __slots__ = ("_slow", "closed", "dropped", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.dropped = 0
        self.closed = 0
        self._slow: list[WebSocketProtocol] = []

    def __repr__(self) -> str:
        return f"<BroadcastResult sent={self.sent} dropped={self.dropped} closed={self.closed}>"

    def __await__(self) -> Generator[Any, None, BroadcastResult]:
        return self._wait().__await__()

    async def _wait(self) -> BroadcastResult:
        slow, self._slow = self._slow, []
        for protocol in slow:
            await protocol.drain()
        return self


def broadcast(
    connections: Iterable[WebSocket[Any] | WebSocketProtocol],
    message: str | bytes | bytearray | memoryview,
    *,
    on_slow: OnSlow = "close",
    max_buffer: int = MIB,
    compress: bool = True,
) -> BroadcastResult:
    """Send a message on many connections, without waiting for any of them.

    It is encoded once, and compressed once for all that have agreed on the same: by itself, so that
    it refers to no earlier message, and what is sent next on these connections refers to none,
    either. Connections that are not open are passed over. One that is in the middle
    of a message that is sent in fragments does not get it, and counts as dropped.

    Args:
        connections: :class:`WebSocket` or protocol objects.
        message: ``str`` is sent as text, anything like ``bytes`` as binary.
        on_slow: what to do with a slow connection, one whose peer makes ``send`` wait and for
            which more than ``max_buffer`` octets wait already:

            * ``"close"``: close it with 1008, within the option ``close_timeout``;
            * ``"drop"``: do not send it this message;
            * ``"wait"``: send it; awaiting the result waits until every slow peer has caught up.
        max_buffer: octets.
        compress: False sends it as it is, whatever was agreed on.

    Raises:
        OptionTypeError: an argument has a wrong type.
        OptionError: another policy, or a negative ``max_buffer``.
        PayloadExceededError: the message is larger than the ``max_message_payload_size`` of some
            connections, which do not get it; all others do.
    """
    check_policy(on_slow, max_buffer)
    payload = octets_of(message)
    if payload is None:
        raise OptionTypeError(f"message must be str or bytes-like, not {type(message).__name__}")
    prepared = PreparedMessage(payload, not isinstance(message, str), False, not compress)

    result = BroadcastResult()
    sent, too_slow = 0, []
    too_large = ""
    for item in list(connections):  # a hook that runs meanwhile may change it
        protocol = item.protocol if isinstance(item, WebSocket) else protocol_of(item)
        if protocol._writing_paused and protocol.bufferedAmount > max_buffer and protocol.open:
            if on_slow == "close":
                too_slow.append(protocol)
                continue
            if on_slow == "drop":
                result.dropped += 1
                continue
            result._slow.append(protocol)
        try:
            if protocol.is_server:
                protocol.sendPreparedMessage(prepared)
            else:  # which masks each message anew
                protocol.sendMessage(prepared.payload, prepared.binary, doNotCompress=not compress)
        except Disconnected:
            continue
        except PayloadExceededError as error:
            too_large = str(error)
        except StateError:
            if protocol._thread is not None:
                check_thread(protocol._thread, "broadcast(); use loop.call_soon_threadsafe()")
            result.dropped += 1
        else:
            sent += 1
    for protocol in too_slow:
        protocol._close_hint = f"broadcast() was told max_buffer={max_buffer}"
        protocol.sendCloseFrame(CloseCode.POLICY_VIOLATION, b"reads too slowly")
    if too_large:
        raise PayloadExceededError(too_large)
    result.sent, result.closed = sent, len(too_slow)
    return result


def protocol_of(connection: WebSocket[Any] | WebSocketProtocol) -> WebSocketProtocol:
    """The protocol object of a connection; both name the same one."""
    check_type("connection", connection, WebSocket, WebSocketProtocol)
    return connection.protocol if isinstance(connection, WebSocket) else connection


def check_policy(on_slow: OnSlow, max_buffer: int) -> None:
    """Refuse a policy that there is not, and a limit that cannot be."""
    check_type("max_buffer", max_buffer, int)
    if max_buffer < 0:
        raise OptionError(f"max_buffer must be 0 octets or more, not {max_buffer}")
    if on_slow not in POLICIES:
        raise OptionError(f"on_slow must be one of {', '.join(POLICIES)}, not {on_slow!r}")
