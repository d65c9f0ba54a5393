"""Messages on their way out: compressed and cut as was agreed on, whole or in pieces.

:class:`MessageSender` is the sending side of a connection. What it decides on, frame by frame,
the writer encodes.

This file runs as it is, and compiled: sender.pxd gives the types.
"""

from __future__ import annotations

from typing import Protocol

from ..constants import SendState, State
from ..errors import Disconnected, PayloadExceededError, StateError
from .header import Inflater
from .writer import FrameWriter

__all__ = ["Codec", "MessageSender"]

Octets = bytes | bytearray | memoryview

OPEN = int(State.OPEN)


class Codec(Inflater, Protocol):
    """A compression that was agreed on, for both directions."""

    def start_compress_message(self) -> None:
        """A message begins."""

    def compress_message_data(self, data: bytes) -> bytes:
        """Compress a piece of it."""

    def end_compress_message(self) -> bytes:
        """What is still to be sent of it."""


class MessageSender:
    """Sends messages.

    Args:
        writer: encodes their frames.

    Attributes:
        state: one of :class:`~wsproto_async.constants.State`; messages need it to be OPEN.
        send_state: one of :class:`~wsproto_async.constants.SendState`.
        codec: the compression that was agreed on.
        compress_from: messages of fewer octets go uncompressed.
        max_send: largest message that may be sent, in octets; 0 is no limit.
        fragment: size of the frames that a message is cut into, in octets; 0 is not at all.
        max_message_exceeded: a message was above the limit, in either direction.
        messages_sent: how many were begun.
        plain_octets_sent: what their payload had in octets more than what was sent of it.
    """

    def __init__(self, writer: FrameWriter) -> None:
        self.writer = writer
        self.state = int(State.CONNECTING)
        self.codec: Codec | None = None
        self.compress_from = 0
        self.max_send = 0
        self.fragment = 0
        self.send_state = int(SendState.GROUND)
        self.send_opcode = 0
        self.send_compressed = False
        self.max_message_exceeded = False
        self.messages_sent = 0
        self.plain_octets_sent = 0

    def send_message(self, payload: Octets | str, binary: bool) -> None:
        """Send a message, cut and compressed as was agreed on.

        Raises:
            Disconnected: the connection is not open.
            PayloadExceededError: the message is above ``max_send``.
            StateError: a message begun by :meth:`begin_message` has not ended.
        """
        if self.state != OPEN:
            raise self.not_open()
        if self.send_state:
            self.refuse_message()
        if self.codec is not None or self.fragment or not self.surely_fits(payload):
            self.send_with_care(payload, binary, self.fragment, True)
            return
        self.writer.frame(0x82 if binary else 0x81, payload)
        self.messages_sent += 1

    def check_ready(self) -> None:
        """Refuse where no message can begin (Disconnected, StateError)."""
        if self.state != OPEN:
            raise self.not_open()
        if self.send_state:
            self.refuse_message()

    def not_open(self) -> Disconnected:
        """What is raised where a message cannot be sent any more, or not yet."""
        state = State(self.state).name
        return Disconnected(f"a message can be sent on an open connection only: this is {state}")

    def surely_fits(self, payload: Octets | str) -> bool:
        """Whether a message is so small that nobody need count its octets."""
        if not self.max_send:
            return True
        # A character has at most 4 octets; the items of a memoryview may have any number.
        plain = type(payload) is bytes or type(payload) is str
        return plain and len(payload) <= self.max_send >> 2

    def send_with_care(
        self, payload: Octets | str, binary: bool, fragment: int, compress: bool
    ) -> None:
        """The same, compressed if agreed on, limited, and cut into frames of that size."""
        if self.state != OPEN:
            raise self.not_open()
        for opcode, rsv, fin, piece in self.cut_message(payload, binary, fragment, compress):
            self.writer.frame((0x80 if fin else 0) | rsv << 4 | opcode, piece)

    def cut_message(
        self, payload: Octets | str, binary: bool, fragment: int, compress: bool
    ) -> list[tuple[int, int, bool, bytes]]:
        """Compress and cut a message: opcode, RSV, FIN and payload of each of its frames.

        Raises:
            PayloadExceededError: the message is above ``max_send``.
            StateError: a message begun by :meth:`begin_message` has not ended.
        """
        if self.send_state:
            self.refuse_message()
        octets = payload.encode() if isinstance(payload, str) else bytes(payload)
        plain = len(octets)
        data = octets
        rsv = 0
        if compress and self.codec is not None and plain >= self.compress_from:
            # One step without a break: a cancelled send must not leave half a message in the codec.
            codec = self.codec
            codec.start_compress_message()
            data = codec.compress_message_data(octets) + codec.end_compress_message()
            rsv = 4
        if rsv and self.max_send and len(data) > self.max_send:
            # Not in Autobahn's contract: a codec that was made for that may lack it.
            discard = getattr(self.codec, "discard_compress_message", None)
            if discard is not None:
                discard()
                data, rsv = octets, 0  # noise gets larger: it goes as it is (RFC 7692, section 6)
        if self.max_send and len(data) > self.max_send:
            self.refuse_size(len(data))
        self.messages_sent += 1
        self.plain_octets_sent += plain - len(data)
        opcode = 2 if binary else 1
        if fragment <= 0 or len(data) <= fragment:
            return [(opcode, rsv, True, data)]
        frames = []
        for begin in range(0, len(data), fragment):
            piece = data[begin : begin + fragment]
            frames.append((opcode, rsv, begin + fragment >= len(data), piece))
            opcode = rsv = 0
        return frames

    def refuse_size(self, size: int) -> None:
        """A message is above ``max_send``."""
        self.max_message_exceeded = True
        raise PayloadExceededError(
            f"message of {size} octets exceeds max_message_payload_size={self.max_send}"
        )

    def refuse_message(self) -> None:
        """Messages must not be interleaved (RFC 6455, section 5.4)."""
        raise StateError("a message that was begun with beginMessage() has not ended")

    def begin_message(self, binary: bool, compress: bool) -> None:
        """Begin a message that is sent in pieces; only between messages (StateError)."""
        if self.send_state != SendState.GROUND:
            raise StateError("beginMessage() inside a message that has not ended")
        self.send_opcode = 2 if binary else 1
        self.send_compressed = compress and self.codec is not None
        if self.send_compressed:
            self.codec.start_compress_message()  # type: ignore[union-attr]
        self.send_state = int(SendState.MESSAGE_BEGIN)
        self.messages_sent += 1

    def compress_frame(self, payload: bytes) -> bytes:
        """The payload of a whole frame, as the message needs it; otherwise as begin_frame()."""
        self.check_between_frames()
        if not self.send_compressed:
            return payload
        octets = self.codec.compress_message_data(payload)  # type: ignore[union-attr]
        self.plain_octets_sent += len(payload) - len(octets)
        return octets

    def begin_frame(self, length: int) -> None:
        """Send the header of a frame that is not the last; only between frames (StateError)."""
        self.check_between_frames()
        self.writer.begin_frame(self.next_first(), length)
        self.send_state = int(SendState.INSIDE_MESSAGE_FRAME)

    def check_between_frames(self) -> None:
        if self.send_state not in (SendState.MESSAGE_BEGIN, SendState.INSIDE_MESSAGE):
            raise StateError("a frame can begin only inside a message, between frames")

    def next_first(self) -> int:
        """The first octet of the next header of the message that is sent in pieces."""
        first = self.send_opcode
        if first and self.send_compressed:
            first |= 0x40
        self.send_opcode = 0
        return first

    def frame_data(self, payload: Octets) -> int:
        """Send a piece of the frame that was begun; only inside of one (StateError).

        Returns:
            Octets that are missing from the frame; negative: so many of ``payload`` were too many.
        """
        if self.send_state != SendState.INSIDE_MESSAGE_FRAME:
            raise StateError("frame data can be sent only inside a frame that was begun")
        left = int(self.writer.left) - len(payload)
        self.writer.frame_data(payload if left >= 0 else payload[:left])
        if left <= 0:
            self.send_state = int(SendState.INSIDE_MESSAGE)
        return left

    def end_message(self) -> None:
        """End a message that is sent in pieces, with an empty last frame (StateError outside)."""
        if self.send_state not in (SendState.MESSAGE_BEGIN, SendState.INSIDE_MESSAGE):
            raise StateError("a message can end only where one was begun, between frames")
        tail = b""
        first = 0x80 | self.next_first()
        if self.send_compressed:
            tail = self.codec.end_compress_message()  # type: ignore[union-attr]
            self.plain_octets_sent -= len(tail)
        self.writer.frame(first, tail)
        self.send_state = int(SendState.GROUND)
