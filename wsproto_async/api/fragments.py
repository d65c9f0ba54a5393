"""A message that is received while it arrives."""

from __future__ import annotations

from codecs import getincrementaldecoder
from typing import TYPE_CHECKING

from .._native.kernels import Key
from ..constants import Opcode
from ..errors import StateError
from ..protocol.rate_limit import limited_sink
from ..protocol.stream import MessageStream
from ..protocol.wiring import bind_slots

if TYPE_CHECKING:
    from .link import Link

__all__ = ["Fragments"]

_Decoder = getincrementaldecoder("utf-8")


class Fragments:
    """The :class:`~wsproto_async.core.reader.FrameSink` of one message.

    It takes the reader over, perhaps in the middle of a message, and gives it back behind it.

    Args:
        link: whose message; the options ``receive_queue_bytes`` and ``receive_queue_messages``
            say how much of it may wait.

    Attributes:
        stream: the pieces: ``str`` of text, ``bytes`` else. It ends with the message,
        broken: or it ends although the message does not.
    """

    __slots__ = ("_decoder", "_dropping", "_link", "_text", "broken", "stream")

    def __init__(self, link: Link) -> None:
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
        reader = connection.reader
        self._text = reader.opcode == Opcode.TEXT
        if beginning := reader.divert(limited_sink(link, self)):
            self.frame_data(beginning)

    def frame_begin(self, first: int, masked: bool, length: int, key: Key) -> None:
        if opcode := first & 0x0F:
            self._text = opcode == Opcode.TEXT

    def frame_data(self, payload: bytes) -> None:
        piece = self._decoder.decode(payload) if self._text else payload
        if piece and not self._dropping:
            self.stream.push(piece, not self._text)

    def frame_end(self, ends_message: bool) -> None:
        if ends_message:
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

    def _give_back(self) -> None:
        """The reader goes back to whole messages."""
        self._link._fragments = None
        bind_slots(self._link)

    def _end(self) -> None:
        self.stream.let_go()  # what waits is bounded: reading may go on
        self.stream.end(StateError("no piece comes any more"), True)
