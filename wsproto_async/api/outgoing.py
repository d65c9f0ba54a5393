"""What can be sent as a message, and messages that are sent in fragments."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

from ..constants import CloseCode, State
from ..errors import Disconnected, OptionTypeError

if TYPE_CHECKING:
    from .websocket import WebSocket

__all__ = ["octets_of", "send_fragments"]


def octets_of(value: object) -> bytes | None:
    """The octets of text or of anything like ``bytes``; None where it is neither."""
    if isinstance(value, str):
        return value.encode()
    try:
        return bytes(memoryview(value))  # type: ignore[arg-type]
    except TypeError:
        return None


async def send_fragments(ws: WebSocket, fragments: Any, compress: bool) -> None:
    """Send one message, a frame for each fragment; nothing where there is none.

    Whatever stops it in the middle ends the connection with 1011.
    """
    link = ws.protocol
    kind: type | None = None
    try:
        async for fragment in _each(fragments):
            payload = octets_of(fragment)
            if payload is None:
                raise OptionTypeError(
                    f"a fragment must be str or bytes-like, not {type(fragment).__name__}"
                )
            if ws.state != State.OPEN:
                raise Disconnected("the connection ended in the middle of a message")
            if kind is None:
                kind = str if isinstance(fragment, str) else bytes
                link.beginMessage(kind is bytes, not compress)
            elif isinstance(fragment, str) is not (kind is str):
                raise OptionTypeError("the fragments of a message must be all str or all bytes")
            link.sendMessageFrame(payload)
            if link._writing_paused:
                await ws.drain()
    except BaseException:
        if kind is not None and ws.state == State.OPEN:
            ws._connection.fail(CloseCode.INTERNAL_ERROR, "a message was not completed", False)
        raise
    if kind is not None:
        link.endMessage()


async def _each(fragments: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    if isinstance(fragments, AsyncIterable):
        async for fragment in fragments:
            yield fragment
    else:
        for fragment in fragments:
            yield fragment
