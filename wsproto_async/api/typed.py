"""Messages that are JSON of a given type."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from ..protocol.stream import MessageStream

__all__ = ["TypedMessages", "adapter_of"]

T = TypeVar("T")


def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """What validates a type; making one takes far longer than using it."""
    return kind if isinstance(kind, TypeAdapter) else _made(kind)


@lru_cache(256)
def _made(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


class TypedMessages(Generic[T]):
    """What ``WebSocket.messages(kind)`` returns: an iterator that outlives bad messages.

    ``anext()``, and so ``async for``, raises ``pydantic.ValidationError`` for a message that is
    no JSON of that type. The connection stays; iterating again goes on with the next message.
    """

    __slots__ = ("_adapter", "_stream")

    def __init__(self, stream: MessageStream, adapter: TypeAdapter[T]) -> None:
        self._stream = stream
        self._adapter = adapter

    def __aiter__(self) -> TypedMessages[T]:
        return self

    async def __anext__(self) -> T:
        return self._adapter.validate_json(await self._stream.__anext__())
