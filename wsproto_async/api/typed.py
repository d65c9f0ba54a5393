"""Messages that are JSON of a given type."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from ..constants import CloseCode
from ..errors import OptionError

if TYPE_CHECKING:
    from .websocket import WebSocket

__all__ = ["OnInvalid", "TypedMessages", "adapter_of", "json_of"]

T = TypeVar("T")

OnInvalid = Literal["raise", "close"] | Callable[[str | bytes, ValidationError], object]
"""What happens with a message that is no JSON of the type."""


def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """What validates a type; making one takes far longer than using it."""
    if isinstance(kind, TypeAdapter):
        return kind
    try:
        return _made(kind)
    except TypeError:  # not hashable, such as Annotated[int, []]
        return TypeAdapter(kind)


@lru_cache(256)
def _made(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def json_of(value: Any, kind: Any) -> bytes:
    """The JSON of a value, by its own type or as one of another."""
    return adapter_of(type(value) if kind is None else kind).dump_json(value)


class TypedMessages(Generic[T]):
    """What ``WebSocket.messages(kind)`` returns: an iterator that outlives bad messages.

    Receiving from it is as from the connection itself: one task at a time, safe to cancel.
    """

    __slots__ = ("_adapter", "_on_invalid", "_ws")

    def __init__(self, ws: WebSocket[Any], kind: Any, on_invalid: OnInvalid) -> None:
        if not callable(on_invalid) and on_invalid not in ("raise", "close"):
            raise OptionError(
                f"on_invalid must be 'raise', 'close' or a function, not {on_invalid!r}"
            )
        self._ws = ws
        self._adapter = adapter_of(kind)
        self._on_invalid = on_invalid

    def __aiter__(self) -> TypedMessages[T]:
        return self

    async def __anext__(self) -> T:
        return await self._next(self._ws._stream.__anext__)

    async def recv(self) -> T:
        """The next message; raises ``ConnectionClosed`` where iterating ends."""
        return await self._next(self._ws._stream.recv)

    async def _next(self, receive: Callable[[], Awaitable[str | bytes]]) -> T:
        while True:
            message = await receive()
            try:
                value: T = self._adapter.validate_json(message)
            except ValidationError as error:
                await self._deal_with(message, error)
            else:
                return value

    async def _deal_with(self, message: str | bytes, error: ValidationError) -> None:
        if callable(self._on_invalid):
            result = self._on_invalid(message, error)
            if inspect.isawaitable(result):
                await result
            return
        if self._on_invalid == "close":
            self._ws.protocol._close_cause = error
            self._ws.protocol._begin_close(CloseCode.INVALID_PAYLOAD, _in_short(error))
        raise error


def _in_short(error: ValidationError) -> str:
    """What is wrong with a message, for its sender; without what the message says."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else str(first["msg"])
