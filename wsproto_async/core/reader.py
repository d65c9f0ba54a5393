"""Octets in, messages out: the receiving half of RFC 6455, sections 5 and 8.1.

:class:`FrameReader` is fed with what arrived and calls *slots*, callables that are bound once by
:meth:`FrameReader.connect`. One step of it does one of two things:

* reads the header of the next frame; a message that came in one piece goes straight out;
* takes what there is of the payload of the current frame.

Four rules make it safe to run other people's code in the middle of it:

1. *Commit, then call*: ``position`` has moved on before any slot is called, so that a slot that
   raises leaves the reader where it should go on.
2. Octets that arrive while a slot runs are not this object's business; the connection keeps them.
3. *Ask again after each call*: ``halted`` is read before each step, and is how closing and
   pausing stop the loop.
4. Slots change through ``connect``, never in the middle of a frame.

This file runs as it is, and compiled: reader.pxd gives the types. That is why ``p`` (natively a
pointer) goes along as an argument and nothing slices it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .._native.kernels import NO_KEY, Assembly, Key, Utf8, key_at, unmask, unmask_str, unmask_text
from ..errors import (
    MessageTooBig,
    PayloadError,
    PayloadExceededError,
    ProtocolError,
)
from .header import HeaderRules

__all__ = ["FrameReader", "FrameSink"]

Octets = bytes | bytearray | memoryview

NO_LIMIT = 2**63 - 1
LANDING = 16 * 1024
"""Octets missing from a frame from which on the transport reads straight into the message."""
RESERVE = 64 * 1024
"""Octets a peer can make us set aside by announcing a frame; beyond, room grows with arrival."""
GROWTH = 4
"""Each time it is full, the room for a message becomes so many times as large."""
PIECE = 16 * 1024
"""Octets of compressed payload that are inflated in one step."""
BITE = 512
"""The same where a sink gets what comes of it, and may halt the reader: half a MiB at the most."""
DEFLATED_PER_STEP = 16
INFLATED_PER_STEP = 256
"""Octets before and after inflating that are, at the worst, about as much work as one step."""


class FrameSink(Protocol):
    """Whoever wants frames as they arrive, instead of whole messages."""

    def frame_begin(self, first: int, masked: bool, length: int, key: Key) -> None:
        """A header has been read: its first octet, and what else it said."""

    def frame_data(self, payload: bytes) -> None:
        """A piece of its payload: unmasked, inflated, and right UTF-8 so far if it is text."""

    def frame_end(self, ends_message: bool) -> None:
        """The frame is complete."""


def ignore(*_: object) -> None:
    """The slot nobody is interested in."""


class FrameReader(HeaderRules):
    """Parses frames and hands out messages.

    Attributes:
        position: where to go on in what was fed.
        halted: no further step is made while it is true.
        credit: steps to go before others shall have their turn; inflating costs more than one.
            Whoever feeds the reader gives it anew.
        size: octets that the message has so far, or the last one had, after decompression.
        frames, messages, octets, inflated: what came in, control frames left out; ``octets`` is
            before and ``inflated`` after decompression.
    """

    def __init__(self) -> None:
        super().__init__()
        # How payload is taken. The largest sizes are in octets.
        self.apply_mask = True
        self.validate = True
        self.decode = False
        self.max_frame = NO_LIMIT
        self.max_message = NO_LIMIT
        # Slots.
        self.on_message: Callable[[Any, bool], object] = ignore
        self.on_result: Callable[[object], object] = ignore
        self.on_control: Callable[[int, bytes], object] = ignore
        self.sink: FrameSink | None = None
        self.sink_control = False
        # Where we are.
        self.position = 0
        self.halted = False
        self.credit = NO_LIMIT
        # The frame whose payload is being taken.
        self.in_frame = False
        self.first = 0
        self.masked = False
        self.key: Key = NO_KEY
        self.length = 0
        self.left = 0
        self.taken = False
        self.skipping = False
        # The message it belongs to.
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

    def connect(
        self,
        on_message: Callable[[Any, bool], object],
        on_control: Callable[[int, bytes], object],
        on_result: Callable[[object], object] = ignore,
        sink: FrameSink | None = None,
        sink_control: bool = False,
        decode: bool = False,
    ) -> None:
        """Bind the slots; between frames only.

        Args:
            on_message: gets each whole message, and whether it is binary.
            on_control: gets opcode and payload of each control frame.
            on_result: gets what ``on_message`` returned, where that was not None.
            sink: gets frames as they arrive; ``on_message`` is not called then.
            sink_control: control frames go to the sink as well, and not to ``on_control``.
            decode: text messages go out as ``str``.
        """
        self.on_message = on_message
        self.on_control = on_control
        self.on_result = on_result
        self.sink = sink
        self.sink_control = sink_control
        self.decode = decode

    def divert(self, sink: FrameSink) -> bytes:
        """Hand frames to a sink from now on, also in the middle of a message.

        Returns:
            What there is of the message that has begun (``opcode`` says its type; 0: none has).
        """
        self.sink = sink
        self.sink_control = False
        if self.opcode == 0 or self.assembly is None:
            return b""
        return self.assembly.take()

    def limit(self, max_frame: int, max_message: int) -> None:
        """Set the largest frame and message, in octets; 0 is no limit."""
        self.max_frame = max_frame or NO_LIMIT
        self.max_message = max_message or NO_LIMIT

    # --- stepping ----------------------------------------------------------------------------

    def feed(self, p: Octets, start: int, end: int) -> int:
        """Work off ``p[start:end]``; returns how far it came.

        What is left is the beginning of a header or control frame, or everything that came
        behind the moment when a slot halted the reader or its credit was used up. Feed it again
        with what comes next.

        Raises:
            ProtocolError: what the peer sent is a violation; :meth:`recover` goes on behind it.
            Exception: whatever a slot raised.
        """
        self.position = start
        while not self.halted and self.credit > 0:
            self.credit -= 1  # before the step, which may raise
            if not self.step(p, end):
                break
        return self.position

    def step(self, p: Octets, end: int) -> bool:
        """One header or one piece of payload; returns whether another step may be possible."""
        return self.take_payload(p, end) if self.in_frame else self.take_header(p, end)

    def take_header(self, p: Octets, end: int) -> bool:
        """Read the next header. A message of one frame that is all there goes out at once."""
        pos = self.position
        have = end - pos
        if have < 2:
            return False
        first = p[pos]
        masked = p[pos + 1] >= 0x80
        length = p[pos + 1] & 0x7F
        if not self.lenient:
            self.check_header(first, masked, length)
        size = 2
        if length == 126:
            if have < 4:
                return False
            size = 4
            length = p[pos + 2] << 8 | p[pos + 3]
            if length < 126:
                self.refuse("a frame's length is encoded in more octets than it needs")
        elif length == 127:
            if have < 10:
                return False
            size = 10
            length = self.long_length(p, pos + 2)
        if masked:
            size += 4
        if have < size:
            return False

        opcode = first & 0x0F
        begin = pos + size
        key = key_at(p, begin - 4, masked)
        if opcode >= 8 and not self.lenient:
            if end - begin < length:
                return False
            if self.sink_control:
                self.position = begin
                self.begin_frame(first, masked, length, key)
            else:
                self.position = begin + length
                self.on_control(opcode, unmask(p, begin, length, masked and self.apply_mask, key))
            return True

        self.position = begin
        if self.failed or self.lenient or (self.dropping and opcode == 0):
            if opcode < 8:
                self.dropping = first < 0x80
            self.skip_frame(length)
            return True
        if opcode:
            self.begin_message(first, opcode)
        if length > self.max_frame or length > self.room():
            self.first = first
            self.refuse_size(length)
        self.wire_size += length
        whole = first >= 0x80 and opcode and end - begin >= length
        if not whole or self.sink is not None or self.compressed:
            self.begin_frame(first, masked, length, key)
        else:
            self.position = begin + length
            self.take_message(p, begin, length, masked and self.apply_mask, key)
        return True

    def room(self) -> int:
        """Octets the message may still grow by. Subtracted, so that no hostile length overflows."""
        return 0 if self.wire_size > self.max_message else self.max_message - self.wire_size

    def take_message(self, p: Octets, begin: int, length: int, masked: bool, key: Key) -> None:
        """A whole message in one frame, the common case: out with it."""
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
        result = self.on_message(payload, not self.text)
        if result is not None:
            self.on_result(result)

    def take_payload(self, p: Octets, end: int) -> bool:
        """Take what there is of the current frame's payload."""
        if not self.taken:
            begin = self.position
            size = end - begin
            if size > self.left:
                size = self.left
            elif size == 0 and self.left:
                return False
            if self.compressed:
                size = min(size, PIECE if self.sink is None else BITE)
            self.position = begin + size
            phase = self.length - self.left
            self.left -= size
            self.taken = self.left == 0
            self.hand_on(p, begin, size, phase)
        if self.halted:
            return False
        if self.left:
            return self.compressed  # there may be another piece
        self.end_frame()
        return True

    def hand_on(self, p: Octets, begin: int, size: int, phase: int) -> None:
        """A piece of payload goes where it belongs."""
        if self.skipping:
            return
        if self.first & 0x08:
            assert self.sink is not None
            masked = self.masked and self.apply_mask
            self.sink.frame_data(unmask(p, begin, size, masked, self.key))
        elif self.sink is not None or self.compressed:
            self.take_piece(self.cut(p, begin, size, phase))
        else:
            self.add(p, begin, size, phase & 3)

    def owes_end(self) -> bool:
        """Whether the next step needs no octets: the current frame is all there, but has not ended.

        So it is where a slot halted the reader, or raised, in the middle of a frame.
        """
        return self.in_frame and self.left == 0

    # --- transports that read straight into the message --------------------------------------

    def landing_strip(self) -> memoryview | None:
        """Where the transport may put what comes next, or None: into the common read buffer.

        Only for the payload of a large frame; :meth:`landed` takes it in.
        """
        if not self.in_frame or self.left < LANDING or self.skipping or self.compressed:
            return None
        if self.sink is not None or self.halted:
            return None
        assert self.assembly is not None
        # Grow with what arrived, not with what was announced; and not at every small read.
        room = RESERVE
        while room <= self.assembly.size:
            room *= GROWTH
        return self.assembly.landing_strip(min(self.left, room - self.assembly.size))

    def landed(self, size: int) -> None:
        """``size`` octets were put on the landing strip. Raises like :meth:`feed`."""
        phase = self.length - self.left
        self.left -= size
        if not self.skipping:
            assert self.assembly is not None
            masked, text = self.masked and self.apply_mask, self.text and self.validate
            good = self.assembly.landed(size, masked, self.key, phase & 3, text)
            self.size += size
            if not good:
                self.refuse_octet(self.assembly.utf8.count)
        if self.left == 0 and not self.halted:
            self.end_frame()

    # --- frames and messages that come in pieces ----------------------------------------------

    def begin_message(self, first: int, opcode: int) -> None:
        self.dropping = False
        self.opcode = opcode
        self.text = opcode == 1
        self.compressed = (first & 0x40) != 0
        self.wire_size = 0
        self.size = 0

    def begin_frame(self, first: int, masked: bool, length: int, key: Key) -> None:
        """The slow path: payload that is not all there, or goes to a sink or an inflater."""
        self.first, self.masked, self.key = first, masked, key
        self.length = self.left = length
        self.taken = False
        self.skipping = False
        self.in_frame = True
        if first & 0x0F in (1, 2):
            self.start_parts()
        if not (first & 0x08 or self.sink is not None or self.compressed):
            assert self.assembly is not None
            self.assembly.reserve(min(length, RESERVE))
        if self.sink is not None:
            self.sink.frame_begin(first, masked, length, key)

    def start_parts(self) -> None:
        """What a message in pieces needs, made when the first one comes."""
        if self.compressed:
            assert self.inflater is not None
            self.inflater.start_decompress_message()
        if self.assembly is None:
            self.assembly = Assembly()
        self.assembly.utf8.reset()

    def skip_frame(self, length: int) -> None:
        self.length = self.left = length
        self.taken = False
        self.first = 0
        self.skipping = True
        self.lenient = False
        self.in_frame = True

    def add(self, p: Octets, begin: int, size: int, phase: int) -> None:
        """Add a piece to the message in the making."""
        assert self.assembly is not None
        masked, text = self.masked and self.apply_mask, self.text and self.validate
        good = self.assembly.append(p, begin, size, masked, self.key, phase, text)
        self.size += size
        if not good:
            self.refuse_octet(self.assembly.utf8.count)

    def cut(self, p: Octets, begin: int, size: int, phase: int) -> bytes:
        """A piece of payload as octets of its own."""
        if not (self.masked and self.apply_mask):
            return unmask(p, begin, size, False, self.key)
        piece = Assembly()
        piece.append(p, begin, size, True, self.key, phase & 3, False)
        return piece.take()

    def take_piece(self, piece: bytes) -> None:
        """Inflate and check a piece, and hand it to the sink or keep it."""
        if self.compressed:
            size = len(piece)
            piece = self.inflate(piece)
            self.credit -= 2 + size // DEFLATED_PER_STEP + len(piece) // INFLATED_PER_STEP
        self.size += len(piece)
        assert self.assembly is not None
        utf8, text = self.assembly.utf8, self.text and self.validate
        if self.sink is None:
            good = self.assembly.append(piece, 0, len(piece), False, self.key, 0, text)
        else:
            good = not text or utf8.check(piece, 0, len(piece))
        if not good:
            self.refuse_octet(utf8.count)
        if self.sink is not None:
            self.sink.frame_data(piece)

    def inflate(self, piece: bytes) -> bytes:
        assert self.inflater is not None
        room = None
        if self.max_message != NO_LIMIT:
            # The limit may have been lowered in the middle of the message.
            room = self.max_message - self.size if self.size < self.max_message else 0
        try:
            return self.inflater.decompress_message_data(piece, max_output_len=room)
        except PayloadExceededError as error:
            if self.max_message == NO_LIMIT:
                # The codec has a limit of its own.
                self.skip_message(0)
                raise MessageTooBig(str(error)) from error
            self.refuse_size(0)
        except ProtocolError:
            raise
        except Exception as error:
            raise PayloadError(f"compressed message does not inflate: {error}") from error
        raise AssertionError

    def end_frame(self) -> None:
        """The payload of the current frame is complete."""
        first = self.first
        self.in_frame = False
        if self.skipping:
            return
        if first & 0x08:
            assert self.sink is not None
            self.sink.frame_end(False)
            return
        ends = first >= 0x80
        if ends:
            self.end_message()
        self.frames += 1
        self.octets += self.length
        if self.sink is not None:
            self.sink.frame_end(ends)
        elif ends:
            self.deliver()

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
        result = self.on_message(payload, not self.text)
        if result is not None:
            self.on_result(result)

    # --- violations -----------------------------------------------------------------------------

    def refuse_size(self, length: int) -> None:
        """A frame, or what it inflates to, is above a limit; its header has been consumed."""
        self.skip_message(length)
        if length == 0 or length > self.room():
            size, limit, what = self.wire_size + length, self.max_message, "message"
        else:
            size, limit, what = length, self.max_frame, "frame"
        text = f"more than {limit}" if length == 0 else str(size)
        raise MessageTooBig(
            f"{what} of {text} octets exceeds max_{what}_payload_size={limit}", size, limit
        )

    def skip_message(self, length: int) -> None:
        """Skip what is left of the frame (``length`` unless it has begun) and of its message."""
        self.dropping = self.first < 0x80
        self.skip_frame(self.left if self.in_frame else length)
        self.in_frame = self.left > 0
        self.opcode = 0

    def refuse_text(self, payload: bytes) -> None:
        """A message that is all there is not UTF-8: say where."""
        utf8 = Utf8()
        if utf8.check(payload, 0, len(payload)):
            self.refuse_end()
        self.refuse_octet(utf8.count)

    def refuse_end(self) -> None:
        raise PayloadError("text message ends in the middle of a UTF-8 code point")

    def refuse_octet(self, index: int) -> None:
        raise PayloadError(f"text message is not UTF-8 at octet {index}")

    def skip_data(self) -> None:
        """Data no longer counts: the connection was failed. Control frames still do."""
        self.failed = True
        self.opcode = 0
        if self.in_frame and not self.first & 0x08:
            self.skipping = True

    def recover(self) -> None:
        """Go on behind a violation: what is left of its frame, and of its message, is skipped."""
        if self.opcode:
            self.dropping = not (self.in_frame and self.first >= 0x80)
        self.lenient = self.bad_header
        self.bad_header = False
        self.skipping = True
        self.opcode = 0
