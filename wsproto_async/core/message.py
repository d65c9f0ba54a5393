"""The message that arrives: its size, its text, its compression (RFC 6455, 5.4, 5.6 and 8.1).

:class:`IncomingMessage` is the part of the reader that knows what frames add up to. It holds the
message to its limit before and after inflating, and text to UTF-8 at the first octet that is not.

This file runs as it is, and compiled: message.pxd gives the types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._native.kernels import NO_KEY, Assembly, Key, Utf8, unmask, unmask_str, unmask_text
from ..errors import MessageTooBig, PayloadError, PayloadExceededError, ProtocolError
from .header import HeaderRules
from .sink import FrameSink

__all__ = ["NO_LIMIT", "IncomingMessage", "ignore", "too_big"]

Octets = bytes | bytearray | memoryview

NO_LIMIT = 2**63 - 1


def ignore(*_: object) -> None:
    """The slot nobody is interested in."""


def too_big(what: str, octets: str, size: int, limit: int) -> MessageTooBig:
    """The error for a frame or message (``what``) of that many octets."""
    text = f"{what} of {octets} octets exceeds max_{what}_payload_size={limit}"
    return MessageTooBig(text, size, limit)


class IncomingMessage(HeaderRules):
    """The message in the making.

    Attributes:
        apply_mask: payload is unmasked.
        validate: text must be UTF-8.
        decode: text messages go out as ``str``.
        max_message: its largest size, in octets.
        on_message: gets each whole message, and whether it is binary.
        on_result: gets what ``on_message`` returned, where that was not None.
        sink: gets payload as it arrives; ``on_message`` is not called then.
        wire_size: octets that its frames announced so far.
        size: octets that it has so far, or the last one had, after decompression.
        frames, messages, octets, inflated: what came in, control frames left out; ``octets`` is
            before and ``inflated`` after decompression.
    """

    def __init__(self) -> None:
        super().__init__()
        self.apply_mask = True
        self.validate = True
        self.decode = False
        self.max_message = NO_LIMIT
        self.on_message: Callable[[Any, bool], object] = ignore
        self.on_result: Callable[[object], object] = ignore
        self.sink: FrameSink | None = None
        self.compressed = False
        self.text = False
        self.wire_size = 0
        self.size = 0
        self.assembly: Assembly | None = None
        # Counters.
        self.frames = 0
        self.messages = 0
        self.octets = 0
        self.inflated = 0

    # --- in one frame -------------------------------------------------------------------------

    def take_whole(self, p: Octets, begin: int, length: int, masked: bool, key: Key) -> None:
        """All of it is there, in one frame, the common case: out with it."""
        payload: bytes | str | None
        self.opcode = 0
        if not self.text:
            payload = unmask(p, begin, length, masked, key)
        elif self.decode:
            payload = unmask_str(p, begin, length, masked, key)
        elif self.validate:
            payload = unmask_text(p, begin, length, masked, key)
        else:
            payload = unmask(p, begin, length, masked, key)
        if payload is None:
            self.refuse_text(unmask(p, begin, length, masked, key))
        self.size = length
        self.frames += 1
        self.messages += 1
        self.octets += length
        self.inflated += length
        self.hand_over(payload)

    def hand_over(self, payload: bytes | str | None) -> None:
        result = self.on_message(payload, not self.text)
        if result is not None:
            self.on_result(result)

    # --- in pieces ----------------------------------------------------------------------------

    def begin_message(self, first: int, opcode: int) -> None:
        self.dropping = False
        self.opcode = opcode
        self.text = opcode == 1
        self.compressed = (first & 0x40) != 0
        self.wire_size = 0
        self.size = 0

    def start_parts(self) -> None:
        """What a message in pieces needs, made when the first one comes."""
        if self.compressed:
            assert self.inflater is not None
            self.inflater.start_decompress_message()
        if self.assembly is None or self.assembly.size:  # one that was refused has left something
            self.assembly = Assembly()
        self.assembly.utf8.reset()

    def room(self) -> int:
        """Octets it may still grow by. Subtracted, so that no hostile length overflows."""
        return 0 if self.wire_size > self.max_message else self.max_message - self.wire_size

    def add(self, p: Octets, begin: int, size: int, masked: bool, key: Key, phase: int) -> None:
        """Keep a piece."""
        assert self.assembly is not None
        text = self.text and self.validate
        good = self.assembly.append(p, begin, size, masked, key, phase, text)
        self.grow(size, good)

    def grow(self, size: int, good: bool) -> None:
        """It has become larger; ``good`` is whether it still can be text, where it has to be."""
        self.size += size
        if not good:
            assert self.assembly is not None
            self.refuse_octet(self.assembly.utf8.count)

    def take_piece(self, piece: bytes) -> None:
        """Check a piece, and hand it to the sink or keep it."""
        size = len(piece)
        if self.sink is None:
            self.add(piece, 0, size, False, NO_KEY, 0)
            return
        assert self.assembly is not None
        good = not (self.text and self.validate) or self.assembly.utf8.check(piece, 0, size)
        self.grow(size, good)
        self.sink.frame_data(piece)

    def inflate(self, piece: bytes) -> bytes:
        """A piece without its compression.

        Raises:
            MessageTooBig: it makes the message too large; not more than that was inflated.
            PayloadError: it is not what the compression could have made.
        """
        assert self.inflater is not None
        limit, room = self.max_message, None
        if limit != NO_LIMIT:
            # The limit may have been lowered in the middle of the message.
            room = limit - self.size if self.size < limit else 0
        try:
            return self.inflater.decompress_message_data(piece, max_output_len=room)
        except PayloadExceededError as error:
            if room is None:
                # The codec has a limit of its own.
                raise MessageTooBig(str(error)) from error
            raise too_big("message", f"more than {limit}", self.wire_size, limit) from error
        except ProtocolError:
            raise
        except Exception as error:
            raise PayloadError(f"compressed message does not inflate: {error}") from error

    def end_message(self) -> None:
        self.opcode = 0
        if self.compressed:
            assert self.inflater is not None
            try:
                self.inflater.end_decompress_message()
            except ProtocolError:
                raise
            except Exception as error:
                raise PayloadError(f"compressed message does not inflate: {error}") from error
        assert self.assembly is not None
        if self.text and self.validate and not self.assembly.utf8.complete():
            self.refuse_end()
        self.messages += 1
        self.inflated += self.size

    def deliver(self) -> None:
        assert self.assembly is not None
        octets = self.assembly.take()
        payload: bytes | str = octets
        if self.text and self.decode:
            try:
                payload = octets.decode()
            except UnicodeDecodeError:
                self.refuse_text(octets)
        self.hand_over(payload)

    # --- violations -----------------------------------------------------------------------------

    def refuse_text(self, payload: bytes) -> None:
        """All of it is there, and it is not UTF-8: say where."""
        utf8 = Utf8()
        if utf8.check(payload, 0, len(payload)):
            self.refuse_end()
        self.refuse_octet(utf8.count)

    def refuse_end(self) -> None:
        raise PayloadError("text message ends in the middle of a UTF-8 code point")

    def refuse_octet(self, index: int) -> None:
        raise PayloadError(f"text message is not UTF-8 at octet {index}")
