"""A message that is received while it arrives."""

from __future__ import annotations

import asyncio
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any

from .._native.kernels import Key
from ..constants import Opcode
from ..errors import ConnectionClosed, OptionError, PayloadError, StateError, check_type
from ..protocol.options import apply_options
from ..protocol.rate_limit import limited_sink
from ..protocol.stream import MessageStream
from ..protocol.wiring import bind_slots

if TYPE_CHECKING:
    from .link import Link
    from .websocket import WebSocket

__all__ = ["Fragments", "Pieces"]

_Decoder = getincrementaldecoder("utf-8")


class Fragments:
    """The :class:`~wsproto_async.core.reader.FrameSink` of one message.

    It takes the reader over, perhaps in the middle of a message, and gives it back behind it.

    Args:
        link: whose message; the options ``receive_queue_bytes`` and ``receive_queue_messages``
            say how much of it may wait.

    Attributes:
        stream: the pieces: ``str`` of text, ``bytes`` else. It ends with the message,
        broken: or it ends although the message does not,
        abandoned: since somebody receives something else meanwhile.
    """

    __slots__ = (
        "_decoder",
        "_dropping",
        "_link",
        "_over",
        "_text",
        "abandoned",
        "broken",
        "stream",
    )

    def __init__(self, link: Link, max_size: int | None) -> None:
        options, connection = link._options, link._connection
        assert options is not None
        assert connection is not None
        self.stream = MessageStream(
            link._loop,
            link._pause_reading,
            link._resume_reading,
            options.receive_queue_messages,
            options.receive_queue_bytes,
        )
        self._link = link
        self._decoder = _Decoder()
        self._dropping = False
        self.broken = False
        self.abandoned = False
        self._over: asyncio.Future[None] | None = None
        reader = connection.reader
        if max_size is not None:
            reader.limit(max_size, max_size)
        link.messages().before_waiting = self.make_way
        self._text = reader.opcode == Opcode.TEXT
        if beginning := reader.divert(limited_sink(link, self)):
            try:
                self.frame_data(beginning)
            except PayloadError as error:
                connection.violation(error)

    def frame_begin(self, first: int, masked: bool, length: int, key: Key) -> None:
        if opcode := first & 0x0F:
            self._text = opcode == Opcode.TEXT

    def frame_data(self, payload: bytes) -> None:
        piece = self._decoded(payload, False) if self._text else payload
        if piece and not self._dropping:
            self.stream.push(piece, not self._text)

    def _decoded(self, octets: bytes, final: bool) -> str:
        try:
            return self._decoder.decode(octets, final)
        except UnicodeDecodeError as error:  # where utf8_validate_incoming is off
            raise PayloadError("text message is not UTF-8") from error

    def frame_end(self, ends_message: bool) -> None:
        if ends_message:
            if self._text:
                self._decoded(b"", True)
            self._give_back()
            self._end()

    def leave(self) -> None:
        """Nobody fetches any more: skip the rest of the message, if one has begun."""
        connection = self._link._connection
        if connection is not None and connection.reader.opcode:
            self._dropping = True
        else:
            self._give_back()  # the next message is for others
        self._end()

    def break_off(self) -> None:
        """The connection is ending: no piece comes any more."""
        self.broken = True
        self.leave()

    def make_way(self) -> None:
        """Somebody is going to receive the next message instead.

        Raises:
            StateError: a task waits for the next piece of this one.
        """
        if self.stream.is_awaited():
            raise StateError("another message is being received by recv_streaming(), in a task")
        self.abandoned = True
        self.leave()

    async def over(self) -> None:
        """Wait until what nobody fetches has been skipped."""
        if self._over is None:
            self._over = self._link._loop.create_future()
        await asyncio.shield(self._over)

    def lost(self, error: ConnectionClosed) -> None:
        """The connection has ended."""
        self.broken = True
        self.stream.end(error, True)
        self._tell()

    def _tell(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def _give_back(self) -> None:
        """The reader goes back to whole messages."""
        link = self._link
        link._fragments = None
        link.messages().before_waiting = None
        apply_options(link)  # the limits among them
        bind_slots(link)
        self._tell()

    def _end(self) -> None:
        self.stream.let_go()  # what waits is bounded: reading may go on
        # What is sent in reply comes before the answer to what is behind, such as a close frame.
        self.stream.end(StateError("no piece comes any more"), True, at_once=True)


class Pieces:
    """What ``WebSocket.recv_streaming`` returns: an iterator of the pieces of one message.

    It skips the rest of the message when it is closed or nobody refers to it any more.
    """

    __slots__ = ("_ended", "_fragments", "_max_size", "_ws")

    def __init__(self, ws: WebSocket[Any], max_size: int | None) -> None:
        self._fragments: Fragments | None = None
        check_type("max_size", max_size, int, type(None))
        if max_size is not None and max_size < 0:
            raise OptionError(f"max_size must be 0 octets or more, not {max_size}")
        self._ws = ws
        self._max_size = max_size
        self._ended = False

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> str | bytes:
        if self._ended:
            raise StopAsyncIteration
        if self._fragments is None:
            stream, link = self._ws._stream, self._ws.protocol
            while link._fragments is not None:
                link._fragments.make_way()
                if link._fragments is not None:  # the rest of its message is still to come
                    await link._fragments.over()
            if stream.count or stream.ended:
                message = await stream.recv()
                self._ended = True
                return message
            self._fragments = link._fragments = Fragments(link, self._max_size)
        fragments = self._fragments
        try:
            return await fragments.stream.__anext__()
        except StopAsyncIteration:
            self._ended = True
            if fragments.broken:
                raise await self._ws._end() from None
            if fragments.abandoned:
                raise StateError(
                    "the rest of this message was skipped, since another one is received meanwhile"
                ) from None
            raise

    async def aclose(self) -> None:
        """Skip the rest of the message."""
        self._leave()

    def __del__(self) -> None:
        self._leave()

    def _leave(self) -> None:
        self._ended = True
        fragments = self._fragments
        if fragments is not None and self._ws.protocol._fragments is fragments:
            fragments.leave()
