"""The core without a loop: a sink that writes everything down, and two connections back to back.

Frames are made and read by :mod:`tests.contract.support`, not by the package.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from wsproto_async.constants import Opcode, State
from wsproto_async.core.connection import Connection
from wsproto_async.core.reader import FrameReader
from wsproto_async.core.writer import FrameWriter
from wsproto_async.errors import ProtocolError

from .builds import THIS, Build
from .contract.support import MASK, Frame, frame, frames

__all__ = ["LOOPS", "Boom", "Pair", "Recorder", "frames_in_clear"]

Octets = bytes | bytearray | memoryview

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.SelectorEventLoop}
"""The loops that tests over sockets run on."""

with contextlib.suppress(ImportError):
    import uvloop

    LOOPS["uvloop"] = uvloop.new_event_loop


class Boom(Exception):
    """What a hook raises in tests."""


class Recorder:
    """One side of an open connection, and the sink that it pushes into.

    It does what a protocol has to: answers pings while it is open, passes close frames and
    violations on.

    Args:
        is_server: which side.
        streaming: frames go to it as they arrive, instead of whole messages.
        stream_control: control frames as well.
        decode: text arrives as ``str``.
        build: whose core it is.

    Attributes:
        calls: what it was told and asked for, in order. Pieces of a frame are joined.
        written: octets that left.
        writes: how many writes that were.
        wakes: how often a flush was asked for, which is then left to the test.
        meddle: called behind each fact but a piece of a frame, with its name: it may do anything.
    """

    def __init__(
        self,
        is_server: bool = True,
        *,
        streaming: bool = False,
        stream_control: bool = False,
        decode: bool = False,
        build: Build = THIS,
    ) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.written = b""
        self.writes = 0
        self.wakes = 0
        self.meddle: Callable[[str], object] = lambda name: None
        self.connection: Connection = build.module("core.connection").Connection(is_server, self)
        self.connection.opened()
        self.reader: FrameReader = self.connection.reader
        self.reader.connect(
            self.on_message,
            self.connection.control,
            sink=self if streaming else None,
            sink_control=stream_control,
            decode=decode,
        )
        self._control: list[bytes] = []
        self._opcode = 0

    # --- what a test does ---

    def receive(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.receive(piece, 0, len(piece))

    def land(self, octets: bytes, before: Callable[[], object] = lambda: None) -> None:
        """Bring octets on the landing strip, which must be there.

        Args:
            octets: of a large payload, as far as all of it.
            before: what happens while the loop has the strip.
        """
        while octets:
            strip = self.reader.landing_strip()
            assert strip is not None
            size = min(len(strip), len(octets))
            strip[:size] = octets[:size]
            del strip
            before()
            self.connection.landed(size)
            octets = octets[size:]

    def frame(self, opcode: int, payload: bytes = b"", **more: Any) -> bytes:
        """Octets of a frame as the peer has to send it."""
        mask = MASK if self.connection.is_server else None
        return frame(opcode, payload, **{"mask": mask, **more})

    def take(self, *names: str) -> list[tuple[Any, ...]]:
        """What happened since the last time, or only some of it; all of it is forgotten."""
        calls, self.calls = self.calls, []
        return [call for call in calls if not names or call[0] in names]

    def messages(self) -> list[Any]:
        """The payloads of the messages that arrived since the last time."""
        return [call[1] for call in self.take("message")]

    def sent(self) -> list[Frame]:
        """The frames that left since the last time."""
        self.connection.writer.flush()
        octets, self.written = self.written, b""
        return [each._replace(mask=None) for each in frames(octets)]

    def assert_exhausted(self) -> None:
        """Nothing else happened, and nothing is left to be done."""
        assert self.calls == []
        assert self.sent() == []
        assert self.connection.pending is None

    # --- what the connection wants ---

    def write(self, data: bytes) -> None:
        assert data, "an empty write"
        self.written += data
        self.writes += 1

    def write_pieces(self, pieces: Sequence[Octets]) -> None:
        self.write(b"".join(pieces))

    def wake(self, writer: FrameWriter) -> bool:
        self.wakes += 1
        return False

    def drop(self, abort: bool) -> None:
        self.connection.writer.flush()
        self.calls.append(("drop", abort))

    def expect(self, what: str) -> None:
        self.calls.append(("expect", what))

    def relax(self, what: str) -> None:
        self.calls.append(("relax", what))

    def pause_reading(self) -> None:
        self.calls.append(("pause",))

    def resume_reading(self) -> None:
        self.calls.append(("resume",))

    def give_way(self) -> None:
        self.calls.append(("give way",))
        self.connection.pause()

    # --- what it tells ---

    def fact(self, name: str, *details: Any) -> None:
        self.calls.append((name, *details))
        self.meddle(name)

    def on_message(self, payload: Any, is_binary: bool) -> None:
        self.fact("message", payload, is_binary)

    def on_ping(self, payload: bytes) -> None:
        if self.connection.state == State.OPEN:
            self.connection.writer.control(Opcode.PONG, payload)
        self.fact("ping", payload)

    def on_pong(self, payload: bytes) -> None:
        self.fact("pong", payload)

    def on_close_frame(self, code: int | None, reason: bytes | None) -> None:
        self.calls.append(("close", code, reason))
        self.connection.close_received(code, reason)
        self.meddle("close")

    def on_violation(self, error: ProtocolError) -> None:
        self.calls.append(("violation", int(error.code), error.reason))
        self.connection.fail(error.code, error.reason)

    def on_closed(self) -> None:
        self.calls.append(("closed",))

    def frame_begin(self, first: int, masked: bool, length: int, key: Any) -> None:
        self._opcode = first & 0x0F
        self._control = []
        self.fact("begin", first, masked, length)

    def frame_data(self, payload: bytes) -> None:
        if self._opcode > 7:
            self._control.append(payload)
        if self.calls and self.calls[-1][0] == "data":
            payload = self.calls.pop()[1] + payload
        self.calls.append(("data", payload))

    def frame_end(self, ends_message: bool) -> None:
        if self._opcode > 7:
            assert not ends_message
            self.connection.control(self._opcode, b"".join(self._control))
        else:
            self.fact("end", ends_message)


class Pair:
    """A client and a server, joined in memory.

    What they write is delivered by :meth:`run`, cut into pieces of the given sizes, over and over.
    """

    def __init__(self, sizes: Iterable[int] = (2**30,), **options: Any) -> None:
        self.client = Recorder(is_server=False, **options)
        self.server = Recorder(is_server=True, **options)
        self.sizes = deque(sizes)

    def run(self) -> None:
        """Deliver until nobody has anything to say."""
        moved = True
        while moved:
            moved = False
            for source, target in (
                (self.client, self.server),
                (self.server, self.client),
            ):
                source.connection.writer.flush()
                octets, source.written = source.written, b""
                while octets:
                    moved = True
                    size = self.sizes[0]
                    self.sizes.rotate(-1)
                    target.receive(octets[:size])
                    octets = octets[size:]


def frames_in_clear(octets: bytes) -> list[tuple[int, bytes, bool, int]]:
    """The frames that these octets are, without what is random about them."""
    return [(each.opcode, each.payload, each.fin, each.rsv) for each in frames(octets)]
