"""The libraries that speak DEFLATE (RFC 1951), and compressors lent for a message.

Python's own zlib is always there. zlib-ng, the extra ``fast``, compresses and inflates the same
format in a fraction of the time, with more memory and, at the same window, a few more octets. It
is used where it is asked for and never just because it is installed, so that a program sends the
same octets and needs the same memory wherever it runs.
"""

from __future__ import annotations

import zlib
from functools import cache
from typing import Any, Final, NamedTuple, Protocol

from ...errors import OptionError

__all__ = [
    "MEM_LEVEL",
    "TAIL",
    "WINDOW_BITS",
    "Deflater",
    "Deflating",
    "Inflater",
    "Library",
    "deflating",
    "library",
    "trimmed",
]

TAIL: Final = b"\x00\x00\xff\xff"
"""What the sender takes off a message and the receiver puts back."""

WINDOW_BITS: Final = 12
MEM_LEVEL: Final = 4
"""For what is sent, where an application leaves that open. With zlib's own, 15 and 8, a compressor
needs six times the memory, and twice the time once there are too many for the cache."""

IDLE: Final = 4
"""Compressors of a kind that wait for a message. One is enough, unless messages are sent in pieces
on several connections at once, or by several threads."""


class Deflater(Protocol):
    """A raw DEFLATE stream that is being compressed."""

    def compress(self, data: bytes, /) -> bytes:
        """Compress; some octets may come later."""

    def flush(self, mode: int, /) -> bytes:
        """The octets that are still missing."""


class Inflater(Protocol):
    """A raw DEFLATE stream that is being inflated."""

    @property
    def eof(self) -> bool:
        """Whether its last block has ended."""

    @property
    def unused_data(self) -> bytes:
        """What came behind that."""

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        """Inflate, to at most that many octets; 0 is any number."""

    def copy(self) -> Inflater:
        """A second stream that stands at the same place."""


class Library(NamedTuple):
    """One that speaks DEFLATE.

    Attributes:
        module: has zlib's names.
        level: compresses well for the time it takes: zlib's 3 and 1 take the same time for small
            messages, and 6 half as much again to save 6 %; zlib-ng's 1 takes a quarter.
    """

    module: Any
    level: int


@cache
def library(name: str) -> Library:
    """The library of a name: ``"zlib"`` or ``"zlib-ng"``.

    Raises:
        OptionError: there is none of that name, or it is not installed.
    """
    if name == "zlib":
        return Library(zlib, level=3)
    if name != "zlib-ng":
        raise OptionError(f"codec must be 'zlib' or 'zlib-ng', not {name!r}")
    try:
        from zlib_ng import zlib_ng
    except ImportError as error:
        raise OptionError(
            "codec='zlib-ng' needs zlib-ng: pip install wsproto-async[fast]"
        ) from error
    return Library(zlib_ng, level=1)


class Deflating:
    """How messages are compressed; one object for each way, see :func:`deflating`.

    Args:
        module: compresses.
        level: 1 to 9.
        window_bits: 8 to 15.
        mem_level: 1 to 9.
    """

    __slots__ = ("_idle", "_level", "_mem_level", "_module", "_window_bits")

    def __init__(self, module: Any, level: int, window_bits: int, mem_level: int) -> None:
        self._module = module
        self._level = level
        # zlib has no window of 8 bits here. With one of 9 it refers back 250 octets at most,
        # since it keeps a distance of 262 to the end of the window: that fits into 8 bits.
        self._window_bits = max(window_bits, 9)
        self._mem_level = mem_level
        self._idle: list[Deflater] = []

    def new(self) -> Deflater:
        """A compressor."""
        made: Deflater = self._module.compressobj(
            self._level, zlib.DEFLATED, -self._window_bits, self._mem_level
        )
        return made

    def borrow(self) -> Deflater:
        """A compressor that refers to nothing, for one message."""
        try:
            return self._idle.pop()
        except IndexError:
            return self.new()

    def finish(self, deflater: Deflater) -> bytes:
        """End the message of a borrowed compressor, and give that back.

        A full flush forgets all that was compressed, as if it were new, for less time.
        """
        octets = trimmed(deflater.flush(zlib.Z_FULL_FLUSH))
        if len(self._idle) < IDLE:
            self._idle.append(deflater)
        return octets

    def compress(self, data: bytes) -> bytes:
        """A whole message, which refers to nothing that was sent before."""
        deflater = self.borrow()
        return deflater.compress(data) + self.finish(deflater)


def trimmed(flushed: bytes) -> bytes:
    """What a flush gives, as the end of a message (RFC 7692, section 7.2.1)."""
    # A second flush gives nothing: then the message is empty (section 7.2.3.6).
    return flushed.removesuffix(TAIL) or b"\x00"


@cache
def deflating(codec: str, level: int | None, window_bits: int, mem_level: int) -> Deflating:
    """The one :class:`Deflating` of these parameters.

    Args:
        codec: see :func:`library`.
        level: 1 to 9; None is what suits the library.
        window_bits: 8 to 15.
        mem_level: 1 to 9.
    """
    used = library(codec)
    return Deflating(used.module, level or used.level, window_bits, mem_level)
