"""Messages in, octets out: the sending half of RFC 6455, section 5.

Everything that leaves goes through one :class:`~.._native.kernels.Outgoing` buffer, so that what
is sent together travels together. Three things empty it, always in the order of sending:

* the *cork*: while a read is worked off nothing is written, and then all of it at once;
* outside of reads, what a turn of the loop sends first leaves at once, and the rest of it in one
  flush, which :attr:`FrameWriter.wake` arranges;
* a large payload, which goes out behind what is waiting, itself not copied.

This file runs as it is, and compiled: writer.pxd gives the types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._native.kernels import NO_KEY, Key, Outgoing, new_key
from ..errors import StateError

__all__ = ["FrameWriter"]

Octets = bytes | bytearray | memoryview

CORK = 64 * 1024
"""Octets after which a flush does not wait any longer."""
LARGE = 32 * 1024
"""Octets from which on a payload is worth a write of its own."""


def _nowhere(*_: object) -> None:
    """A writer that is not connected, or no longer, writes here."""


class FrameWriter:
    """Encodes frames and decides when they are written.

    Attributes:
        mask: whether frames are masked; a client's must be.
        apply_mask: False leaves masked payloads as they are (for benchmarks).
        corked: nothing is flushed while it is true, except what is too much to keep.
        turn: the turn of the loop in which it wrote last, for whoever implements ``wake``.
        left: octets missing from a frame that is sent in pieces.
        frames, octets, wire: what went out: data frames, their payload, and all octets.
    """

    def __init__(self, mask: bool) -> None:
        self.mask = mask
        self.apply_mask = True
        self.corked = False
        self.woken = False
        self.out = Outgoing()
        self.left = 0
        self.phase = 0
        self.key: Key = NO_KEY
        self.held: list[tuple[int, bytes]] | None = None
        self.write: Callable[[bytes], object] = _nowhere
        self.write_pieces: Callable[[Sequence[Octets]], object] = _nowhere
        self.wake: Callable[[FrameWriter], object] = _nowhere
        self.turn = 0
        self.frames = 0
        self.octets = 0
        self.wire = 0

    def connect(
        self,
        write: Callable[[bytes], object],
        write_pieces: Callable[[Sequence[Octets]], object],
        wake: Callable[[FrameWriter], object],
    ) -> None:
        """Bind what takes the octets, and what knows the turns of the loop.

        Args:
            write: takes octets, not many times in a turn of the loop.
            write_pieces: takes octets that lie in several places, or a lot of them; it has to see
                for itself whether the peer is still there.
            wake: is called when something waits; true is to flush it now, else that will be done
                before the loop waits again.
        """
        self.write = write
        self.write_pieces = write_pieces
        self.wake = wake

    def release(self) -> None:
        """Forget what waits, and whom to give it to."""
        self.out.take()
        self.held = None
        self.connect(_nowhere, _nowhere, _nowhere)

    # --- whole frames -----------------------------------------------------------------------

    def frame(self, first: int, payload: Octets | str) -> None:
        """Send a data frame; ``first`` is the first octet of its header."""
        if self.left:
            raise StateError("a frame that was begun with beginMessageFrame() is not complete")
        if not self.mask and type(payload) is bytes and len(payload) >= LARGE:
            self.large_frame(first, payload)
            return
        size = self.out.append_frame(first, payload, self.mask, self.apply_mask)
        self.frames += 1
        self.octets += size
        self.settle()

    def large_frame(self, first: int, payload: bytes) -> None:
        self.out.append_header(first, len(payload), False, NO_KEY)
        self.frames += 1
        self.octets += len(payload)
        head = self.out.take()
        self.wire += len(head) + len(payload)
        self.write_pieces([head, payload])

    def whole(self, octets: bytes) -> None:
        """Send a data frame that was encoded before, for several connections at once."""
        if self.left:
            raise StateError("a frame that was begun with beginMessageFrame() is not complete")
        if len(octets) >= LARGE:
            self.flush()
        elif self.corked or self.woken or self.out.size or not self.wake(self):
            self.woken = self.woken or not self.corked
            self.out.append(octets, False, NO_KEY, 0)
            if self.out.size >= CORK:
                self.flush()
            return
        self.wire += len(octets)
        if len(octets) < CORK:
            self.write(octets)
        else:
            self.write_pieces([octets])

    def control(self, opcode: int, payload: bytes) -> None:
        """Send a control frame, after the frame that is being sent in pieces, if there is one."""
        if self.left:
            self.hold(opcode, payload)
            return
        self.out.append_frame(0x80 | opcode, payload, self.mask, self.apply_mask)
        self.settle()

    def hold(self, opcode: int, payload: bytes) -> None:
        # One of a kind is enough: a pong answers all pings before it (RFC 6455, section 5.5.3).
        held = [] if self.held is None else [item for item in self.held if item[0] != opcode]
        held.append((opcode, payload))
        self.held = held

    # --- frames in pieces -------------------------------------------------------------------

    def begin_frame(self, first: int, length: int) -> None:
        """Send the header of a frame whose payload of ``length`` octets will follow."""
        self.key = new_key() if self.mask else NO_KEY
        self.phase = 0
        self.left = length
        self.out.append_header(first, length, self.mask, self.key)
        self.frames += 1
        self.settle()

    def frame_data(self, payload: Octets) -> None:
        """Send a piece of it, not more than what is left."""
        size = len(payload)
        self.out.append(payload, self.mask and self.apply_mask, self.key, self.phase)
        self.phase += size
        self.left -= size
        self.octets += size
        if self.left == 0 and self.held is not None:
            held, self.held = self.held, None
            for opcode, waiting in held:
                self.control(opcode, waiting)
        self.settle()

    # --- octets -----------------------------------------------------------------------------

    def raw(self, data: Octets) -> None:
        """Send octets that somebody else has put together."""
        self.out.append(data, False, NO_KEY, 0)
        self.settle()

    def settle(self) -> None:
        """Something was added: write it, or see to it that it will be."""
        if self.out.size >= CORK:
            self.flush()
        elif not self.corked and not self.woken:
            if self.wake(self):
                self.flush()
            else:
                self.woken = True

    def flush(self) -> None:
        """Write what waits."""
        self.woken = False
        if self.out.size:
            data = self.out.take()
            self.wire += len(data)
            if len(data) < CORK:
                self.write(data)
            else:
                self.write_pieces([data])
