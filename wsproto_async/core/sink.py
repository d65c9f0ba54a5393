"""What a connection needs of the world, and whom it tells what happened.

The core calls these; it knows nothing else of what is above it. :mod:`wsproto_async.protocol`
has the implementation for asyncio, the tests have one that writes everything down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .._native.kernels import Key
from ..errors import ProtocolError
from .writer import FrameWriter

__all__ = ["FrameSink", "Sink"]

Octets = bytes | bytearray | memoryview


class Sink(Protocol):
    """The surroundings of a :class:`~.connection.Connection`."""

    # --- wishes ---

    def write(self, data: bytes, /) -> object:
        """Send these octets."""

    def write_pieces(self, pieces: Sequence[Octets], /) -> object:
        """Send these octets, one behind the other, without joining them if possible."""

    def wake(self, writer: FrameWriter, /) -> object:
        """Something waits: return true to have it written now, or flush it before long."""

    def drop(self, abort: bool, /) -> object:
        """End the transport: at once, or behind what was written."""

    def expect(self, what: str, /) -> object:
        """Call ``timed_out(what)`` when the time for ``"close"`` or ``"drop"`` has passed."""

    def relax(self, what: str, /) -> object:
        """No longer."""

    def pause_reading(self) -> object:
        """Let no more octets arrive."""

    def resume_reading(self) -> object:
        """Let them arrive again."""

    def give_way(self) -> object:
        """The reader's credit is used up: pause, and go on with a new one a turn later."""

    # --- facts ---

    def on_ping(self, payload: bytes, /) -> object:
        """A ping arrived; answering it is the sink's business."""

    def on_pong(self, payload: bytes, /) -> object:
        """A pong arrived."""

    def on_close_frame(self, code: int | None, reason: bytes | None, /) -> object:
        """A close frame arrived; the sink passes it to ``close_received``."""

    def on_violation(self, error: ProtocolError, /) -> object:
        """The peer broke the protocol; the sink passes it to ``fail``."""

    def on_closed(self) -> object:
        """The transport is gone. The last call, and the only one of its kind."""


class FrameSink(Protocol):
    """Whoever wants frames as they arrive, instead of whole messages."""

    def frame_begin(self, first: int, masked: bool, length: int, key: Key) -> None:
        """A header has been read: its first octet, and what else it said."""

    def frame_data(self, payload: bytes) -> None:
        """A piece of its payload: unmasked, inflated, and right UTF-8 so far if it is text."""

    def frame_end(self, ends_message: bool) -> None:
        """The frame is complete."""
