"""What can be sent as a message, and messages that are sent in fragments."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Generator,
    Iterable,
    Mapping,
)
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ..constants import CloseCode, State
from ..errors import Disconnected, OptionTypeError

if TYPE_CHECKING:
    from .link import Link

__all__ = ["FragmentedMessage", "octets_of"]


def octets_of(value: object) -> bytes | None:
    """The octets of text or of anything like ``bytes``; None where it is neither."""
    if isinstance(value, str):
        return value.encode()
    try:
        return bytes(memoryview(value))  # type: ignore[arg-type]
    except TypeError:
        return None


def is_in_fragments(value: object) -> bool:
    """Whether it can be the fragments of a message, and is not what somebody wants as JSON."""
    iterable = isinstance(value, (Iterable, AsyncIterable))
    return iterable and not isinstance(value, (Mapping, BaseModel))


class FragmentedMessage:
    """A message that is being sent in fragments, a frame for each.

    Args:
        link: on which connection.
    """

    __slots__ = ("_link", "_scope")

    def __init__(self, link: Link) -> None:
        self._link = link
        self._scope = asyncio.timeout(None)

    def interrupt(self) -> None:
        """The connection has ended: do not wait for the next fragment any more."""
        with contextlib.suppress(RuntimeError):  # it has ended, too
            self._scope.reschedule(self._link._loop.time())

    async def send(self, fragments: Any, compress: bool) -> None:
        """Send it; nothing where there is no fragment.

        Whatever stops it in the middle ends the connection with 1011. Generators are closed.

        Raises:
            Disconnected: the connection ended.
        """
        try:
            async with self._scope, contextlib.aclosing(_each(fragments)) as each:
                await self._send_each(each, compress)
        except TimeoutError:
            if not self._scope.expired():
                raise
            raise Disconnected("the connection ended in the middle of a message") from None

    async def _send_each(self, fragments: AsyncIterator[Any], compress: bool) -> None:
        link = self._link
        kind: type | None = None
        try:
            async for fragment in fragments:
                payload = octets_of(fragment)
                if payload is None:
                    raise OptionTypeError(
                        "a fragment must be str or bytes-like, not "
                        f"{type(fragment).__name__}; send_model() sends JSON"
                    )
                if link.state != State.OPEN:
                    raise Disconnected("the connection ended in the middle of a message")
                if kind is None:
                    kind = str if isinstance(fragment, str) else bytes
                    link.beginMessage(kind is bytes, not compress)
                elif isinstance(fragment, str) is not (kind is str):
                    raise OptionTypeError("the fragments of a message must be all str or all bytes")
                link.sendMessageFrame(payload)
                await link.drain()
        except BaseException:
            connection = link._connection
            if kind is not None and connection is not None and link.state == State.OPEN:
                connection.fail(CloseCode.INTERNAL_ERROR, "a message was not completed", False)
            raise
        if kind is not None:
            link.endMessage()


async def _each(fragments: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[Any, None]:
    try:
        if isinstance(fragments, AsyncIterable):
            async for fragment in fragments:
                yield fragment
        else:
            for fragment in fragments:
                yield fragment
    finally:
        if isinstance(fragments, AsyncGenerator):
            await fragments.aclose()
        elif isinstance(fragments, Generator):
            fragments.close()
