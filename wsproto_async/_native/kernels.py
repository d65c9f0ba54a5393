"""Kernels: what Python cannot do fast, in plain Python. kernels.pyx is the native twin.

Both have the same names and pass the same tests (tests/native/test_kernels.py). Compiled modules
call the native ones without going through Python; :mod:`wsproto_async._native` decides which of
the two is imported.

``p`` is always a buffer of octets (natively: a pointer), a ``Key`` the four octets of a masking
key (natively: a machine word in memory order). Nothing here checks bounds: the callers do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

__all__ = [
    "NATIVE",
    "NO_KEY",
    "READ_SIZE",
    "Assembly",
    "Key",
    "Outgoing",
    "ReadBuffer",
    "Utf8",
    "key_at",
    "most_octets",
    "new_key",
    "unmask",
    "unmask_str",
    "unmask_text",
]

NATIVE = False
"""Whether this is the compiled module."""

READ_SIZE = 256 * 1024
"""Octets one read can bring."""

Octets = bytes | bytearray | memoryview
Key = bytes

NO_KEY: Key = b"\0\0\0\0"
"""The key of a frame that is not masked."""

_KEYS = 4096
_keys = b""


def forget_keys() -> None:  # pragma: no cover - runs in forked children
    """Throw the prepared masking keys away: a forked child must not use its parent's."""
    global _keys
    _keys = b""


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows does not fork
    os.register_at_fork(after_in_child=forget_keys)


def new_key() -> Key:
    """A strong masking key (RFC 6455, section 5.3), from a block drawn of the system."""
    global _keys
    if not _keys:
        _keys = os.urandom(_KEYS)
    key, _keys = _keys[:4], _keys[4:]
    return key


def most_octets(message: bytes | str) -> int:
    """How many octets a message has; of text that is not all ASCII, how many it has at most.

    A character has up to 4 octets, on the wire and in memory. To count them would take as long as
    to encode them.
    """
    if isinstance(message, str):
        return len(message) * (1 if message.isascii() else 4)
    return len(message)


def key_at(p: Octets, position: int, masked: bool) -> Key:
    """The masking key at ``p[position:]``, or no key where the frame is not masked."""
    return bytes(p[position : position + 4]) if masked else NO_KEY


def make_awaitable(cls: type, waiter: type, step: Callable[[Any], Any]) -> None:
    """Natively, let awaiting a ``cls`` take ``step`` until that gives anything but a ``waiter``.

    Here it raises StopIteration like any other iterator, and there is nothing to do.
    """


_XOR = [bytes(value ^ key for value in range(256)) for key in range(256)]


def _masked(data: Octets, key: Key, phase: int) -> bytes | bytearray:
    """``data`` XORed with the key, whose octet ``phase % 4`` comes first."""
    if not any(key):
        return bytes(data)
    size = len(data)
    if size < 256:
        # Two big numbers beat a loop as long as they are not too big.
        turned = (key[phase & 3 :] + key[: phase & 3]) * (size // 4 + 1)
        number = int.from_bytes(data, "little") ^ int.from_bytes(turned[:size], "little")
        return number.to_bytes(size, "little")
    data = bytes(data)
    out = bytearray(size)
    for i in range(4):
        out[i::4] = data[i::4].translate(_XOR[key[(phase + i) & 3]])
    return out


def unmask(p: Octets, start: int, length: int, masked: bool, key: Key) -> bytes:
    """The payload ``p[start:start + length]``, freed of the key where it was masked."""
    data = p[start : start + length]
    return bytes(_masked(data, key, 0)) if masked else bytes(data)


def unmask_text(p: Octets, start: int, length: int, masked: bool, key: Key) -> bytes | None:
    """The same for a whole text message: None where it is not UTF-8."""
    payload = unmask(p, start, length, masked, key)
    if not payload.isascii():
        try:
            payload.decode()
        except UnicodeDecodeError:
            return None
    return payload


def unmask_str(p: Octets, start: int, length: int, masked: bool, key: Key) -> str | None:
    """The same, decoded."""
    try:
        return unmask(p, start, length, masked, key).decode()
    except UnicodeDecodeError:
        return None


class Utf8:
    """Validates UTF-8 (RFC 3629) that comes in pieces, at the first octet that cannot be right.

    ``count`` is how many good octets there were since :meth:`reset`.
    """

    __slots__ = ("_expected", "_highest", "_lowest", "count")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin a new text."""
        self.count = 0
        self._expected, self._lowest, self._highest = 0, 0x80, 0xBF

    def check(self, p: Octets, start: int, length: int) -> bool:
        """Whether ``p[start:start + length]`` can go on; ``count`` stops at a bad octet."""
        data = bytes(p[start : start + length])
        while self._expected and data:
            if not self._step(data[0]):
                return False
            data = data[1:]
        # The codec is far faster than the loop: leave it all but the end.
        whole = data if data.isascii() else data[:-3] if len(data) > 64 else b""
        try:
            whole.decode()
        except UnicodeDecodeError as error:
            whole = whole[: error.start]
        self.count += len(whole)
        return all(map(self._step, data[len(whole) :]))

    def _step(self, octet: int) -> bool:
        if self._expected:
            if not self._lowest <= octet <= self._highest:
                return False
            self._expected -= 1
            self._lowest, self._highest = 0x80, 0xBF
        elif octet >= 0x80:
            if not 0xC2 <= octet <= 0xF4:
                return False
            self._expected = 1 + (octet >= 0xE0) + (octet >= 0xF0)
            # No overlong forms (E0, F0), no surrogates (ED), nothing above U+10FFFF (F4).
            self._lowest = {0xE0: 0xA0, 0xF0: 0x90}.get(octet, 0x80)
            self._highest = {0xED: 0x9F, 0xF4: 0x8F}.get(octet, 0xBF)
        self.count += 1
        return True

    def complete(self) -> bool:
        """Whether the text may end here."""
        return not self._expected


class Growing:
    """Octets being put together. Natively they are the ``bytes`` that :meth:`take` hands out."""

    __slots__ = ("_octets", "size")

    def __init__(self) -> None:
        self._octets = bytearray()
        self.size = 0

    def __len__(self) -> int:
        return self.size

    def take(self) -> bytes:
        """What was put together; this object is empty again."""
        taken = bytes(memoryview(self._octets)[: self.size])
        self._octets = bytearray()
        self.size = 0
        return taken


class Assembly(Growing):
    """A message that arrives in pieces: one growing buffer, however small the pieces are."""

    __slots__ = ("utf8",)

    def __init__(self) -> None:
        super().__init__()
        self.utf8 = Utf8()

    def reserve(self, more: int) -> None:
        """Make room for that many octets more, so that they need not be moved later."""

    def append(
        self, p: Octets, start: int, length: int, masked: bool, key: Key, phase: int, text: bool
    ) -> bool:
        """Add a piece of a frame; ``phase`` is how many octets of the frame came before it.

        Returns whether it can go on UTF-8 text, where it is ``text``.
        """
        data: Octets = p[start : start + length]
        if masked:
            data = _masked(data, key, phase)
        self._put(data)
        self.size += length
        return self.utf8.check(data, 0, length) if text else True

    def _put(self, data: Octets) -> None:
        """Let ``data`` be all there is behind ``size``."""
        try:
            self._octets[self.size :] = data
        except BufferError:  # a transport still holds a view, and the size cannot change
            self._octets = self._octets[: self.size] + data

    def landing_strip(self, length: int) -> memoryview:
        """Where a transport may put the next ``length`` octets; :meth:`landed` takes them in."""
        end = self.size + length
        if len(self._octets) < end:
            self._put(bytes(length))
        return memoryview(self._octets)[self.size : end]

    def landed(self, length: int, masked: bool, key: Key, phase: int, text: bool) -> bool:
        """Take in ``length`` octets that a transport put on the landing strip."""
        start, self.size = self.size, self.size + length
        if masked:
            self._octets[start : self.size] = _masked(self._octets[start : self.size], key, phase)
        return self.utf8.check(self._octets, start, length) if text else True


class Outgoing(Growing):
    """Octets waiting to be written."""

    __slots__ = ()

    def append_frame(self, first: int, payload: Octets | str, masked: bool, apply: bool) -> int:
        """Add a whole frame; returns the size of its payload in octets.

        Args:
            first: the first octet of the header: FIN, RSV and opcode.
            payload: octets, or text to be encoded.
            masked: with a fresh masking key.
            apply: False leaves the payload as it is beside the key (for benchmarks).
        """
        data = payload.encode() if isinstance(payload, str) else memoryview(payload).cast("B")
        key = new_key() if masked else b""
        self.append_header(first, len(data), masked, key)
        self.append(data, masked and apply, key, 0)
        return len(data)

    def append_header(self, first: int, length: int, masked: bool, key: Key) -> None:
        """Add the header of a frame (RFC 6455, section 5.2)."""
        mask = 0x80 if masked else 0
        if length < 126:
            header = bytes((first, mask | length))
        elif length < 65536:
            header = bytes((first, mask | 126)) + length.to_bytes(2, "big")
        else:
            header = bytes((first, mask | 127)) + length.to_bytes(8, "big")
        self._octets += header
        if masked:
            self._octets += key
        self.size = len(self._octets)

    def append(self, data: Octets, masked: bool, key: Key, phase: int) -> None:
        """Add octets, XORed with the key where ``masked``; ``phase`` octets came before them."""
        self._octets += _masked(data, key, phase) if masked else data
        self.size = len(self._octets)


class ReadBuffer:
    """What all connections of a thread read into.

    ``offset`` octets at its beginning are what :meth:`view` was given; ``busy`` is true while
    somebody parses it.
    """

    __slots__ = ("_octets", "busy", "offset")

    def __init__(self) -> None:
        self._octets = bytearray(READ_SIZE)
        self.offset = 0
        self.busy = False

    def view(self, pending: bytes | None) -> memoryview:
        """Where to read to, behind the ``pending`` octets of an earlier read."""
        self.offset = len(pending) if pending else 0
        if pending:
            self._octets[: self.offset] = pending
        return memoryview(self._octets)[self.offset :]

    @property
    def p(self) -> memoryview:
        """The octets themselves."""
        return memoryview(self._octets)
