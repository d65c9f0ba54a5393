"""Octets in, frames and messages out: the receiving half of RFC 6455, section 5.

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
from typing import Any

from .._native.kernels import NO_KEY, Assembly, Key, key_at, unmask
from .message import NO_LIMIT, IncomingMessage, ignore, too_big
from .sink import FrameSink

__all__ = ["FrameReader"]

Octets = bytes | bytearray | memoryview

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
NIBBLE = 256
"""The same where hardly any credit was given: 256 KiB at the most."""
PLENTY = 1024
"""Steps of credit that are more than hardly any."""
DEFLATED_PER_STEP = 64
INFLATED_PER_STEP = 256
"""Octets before and after inflating that are, at the worst, about as much work as one step."""


class FrameReader(IncomingMessage):
    """Parses frames and hands out messages.

    Attributes:
        position: where to go on in what was fed.
        halted: no further step is made while it is true.
        credit: steps to go before others shall have their turn; inflating costs more than one.
            Whoever feeds the reader gives it anew.
        max_frame: largest frame, in octets.
    """

    def __init__(self) -> None:
        super().__init__()
        self.max_frame = NO_LIMIT
        self.on_control: Callable[[int, bytes], object] = ignore
        self.sink_control = False
        # Where we are.
        self.position = 0
        self.halted = False
        self.credit = NO_LIMIT
        self.granted = NO_LIMIT
        # The frame whose payload is being taken.
        self.in_frame = False
        self.first = 0
        self.masked = False
        self.key: Key = NO_KEY
        self.length = 0
        self.left = 0
        self.taken = False
        self.skipping = False

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

    def grant(self, steps: int) -> None:
        """Give it credit, for what is fed next."""
        self.credit = self.granted = steps

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
        if first & 0x08 and not self.lenient:
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
            if not first & 0x08:
                self.dropping = not first & 0x80
            self.skip_frame(length)
            return True
        if opcode:
            self.begin_message(first, opcode)
        if length > self.max_frame or length > self.room():
            self.refuse_size(first, length)
        self.wire_size += length
        whole = first & 0x80 and opcode and end - begin >= length
        if not whole or self.sink is not None or self.compressed:
            self.begin_frame(first, masked, length, key)
        else:
            self.position = begin + length
            self.take_whole(p, begin, length, masked and self.apply_mask, key)
        return True

    def take_payload(self, p: Octets, end: int) -> bool:
        """Take what there is of the current frame's payload."""
        if not self.taken:
            begin = self.position
            size = end - begin
            if size == 0 and self.left:
                return False
            size = min(size, self.left)
            if self.compressed:
                size = min(size, self.bite())
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

    def bite(self) -> int:
        """Octets that are inflated in one step."""
        if self.granted < PLENTY:
            return NIBBLE
        return PIECE if self.sink is None else BITE

    def hand_on(self, p: Octets, begin: int, size: int, phase: int) -> None:
        """A piece of payload goes where it belongs."""
        if self.skipping:
            return
        if self.first & 0x08:
            assert self.sink is not None
            self.sink.frame_data(unmask(p, begin, size, self.masked, self.key))
        elif self.compressed:
            self.take_piece(self.inflate_piece(self.cut(p, begin, size, phase)))
        elif self.sink is not None:
            self.take_piece(self.cut(p, begin, size, phase))
        else:
            self.add(p, begin, size, self.masked, self.key, phase & 3)

    def cut(self, p: Octets, begin: int, size: int, phase: int) -> bytes:
        """A piece of payload as octets of its own."""
        if not self.masked:
            return unmask(p, begin, size, False, self.key)
        piece = Assembly()
        piece.append(p, begin, size, True, self.key, phase & 3, False)
        return piece.take()

    def inflate_piece(self, deflated: bytes) -> bytes:
        """Inflate a piece, and pay for the work."""
        piece = self.inflate(deflated)
        self.credit -= 2 + len(deflated) // DEFLATED_PER_STEP + len(piece) // INFLATED_PER_STEP
        # Streams of which less comes out than goes in end, and begin, all the time.
        self.credit -= max(len(deflated) - len(piece), 0)
        return piece

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
        if self.left < LANDING or self.skipping or self.compressed:
            return None
        if self.sink is not None or self.halted:
            return None
        assert self.assembly is not None
        # Grow with what arrived, not with what was announced; and not at every small read.
        have = self.assembly.size
        room = RESERVE
        while room < have + LANDING:
            room *= GROWTH
        return self.assembly.landing_strip(min(self.left, room - have))

    def landed(self, size: int) -> None:
        """``size`` octets were put on the landing strip; if none is left, the next step ends it.

        Raises:
            ProtocolError: like :meth:`feed`.
        """
        phase = self.length - self.left
        self.left -= size
        if not self.skipping:
            assert self.assembly is not None
            text = self.text and self.validate
            self.grow(size, self.assembly.landed(size, self.masked, self.key, phase & 3, text))

    # --- frames that come in pieces -----------------------------------------------------------

    def begin_frame(self, first: int, masked: bool, length: int, key: Key) -> None:
        """The slow path: payload that is not all there, or goes to a sink or an inflater."""
        self.first, self.masked, self.key = first, masked and self.apply_mask, key
        self.length = self.left = length
        self.taken = False
        self.skipping = False
        self.in_frame = True
        if first & 0x0F in (1, 2):
            self.start_parts()
        if self.sink is None and not self.compressed:
            assert self.assembly is not None
            self.assembly.reserve(min(length, RESERVE))
        if self.sink is not None:
            self.sink.frame_begin(first, masked, length, key)

    def skip_frame(self, length: int) -> None:
        self.length = self.left = length
        self.taken = False
        self.skipping = True
        self.lenient = False
        self.in_frame = True

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
        ends = (first & 0x80) != 0
        if ends:
            self.end_message()
        self.frames += 1
        self.octets += self.length
        if self.sink is not None:
            self.sink.frame_end(ends)
        elif ends:
            self.deliver()

    # --- violations -----------------------------------------------------------------------------

    def refuse_size(self, first: int, length: int) -> None:
        """A frame is above a limit; its header has been consumed."""
        self.skip_frame(length)
        self.first = first
        if length > self.room():
            size = self.wire_size + length
            raise too_big("message", str(size), size, self.max_message)
        raise too_big("frame", str(length), length, self.max_frame)

    def skip_data(self) -> None:
        """Data no longer counts: the connection was failed. Control frames still do."""
        self.failed = True
        self.opcode = 0
        if not self.first & 0x08:
            self.skipping = True

    def recover(self) -> None:
        """Go on behind a violation: what is left of its frame, and of its message, is skipped."""
        if self.opcode:
            self.dropping = not (self.in_frame and self.first & 0x80)
        self.lenient = self.bad_header
        self.bad_header = False
        self.skipping = True
        self.opcode = 0
