"""Validation of UTF-8 that comes in pieces, to the octet (RFC 3629)."""

from __future__ import annotations

from codecs import utf_8_decode
from typing import Final

__all__ = ["Utf8Validator"]

BLOCK: Final = 64 * 1024
"""Octets decoded at once: the text is thrown away and should not need much memory."""


class Utf8Validator:
    """Says of each piece of a text whether it can be UTF-8, as soon as it cannot.

    Overlong forms, surrogates and code points above U+10FFFF are not UTF-8. Memory is constant.
    """

    __slots__ = ("_pending", "_rejected", "_total")

    UTF8_ACCEPT: Final = 0
    UTF8_REJECT: Final = 1

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin a new text."""
        self._pending = b""  # the beginning of a code point that is not complete
        self._rejected = False
        self._total = 0

    def validate(self, data: bytes | bytearray) -> tuple[bool, bool, int, int]:
        """Take the next piece of the text.

        Returns:
            ``(valid, ends on code point, index, total index)``. As long as the text is valid
            the indexes are the octets of this piece, and of all pieces since :meth:`reset`.
            Otherwise they are those of the first octet that makes it invalid, counted in this
            piece and in the whole text; nothing changes that but :meth:`reset`.
        """
        if self._rejected:
            return False, False, 0, self._total
        if self._pending or not data.isascii():
            octets = self._pending + data
            end = _decodable(octets)
            offence = _offence(octets, end)
            if offence is not None:
                index = offence - len(self._pending)
                self._rejected = True
                self._total += index
                return False, False, index, self._total
            self._pending = bytes(octets[end:])
        self._total += len(data)
        return True, not self._pending, len(data), self._total

    def decode(self, octet: int) -> int:
        """Take the next octet of the text.

        Returns:
            0: it completes a code point. 1: it makes the text invalid. Otherwise: there must
            be more.
        """
        valid, complete, _, _ = self.validate(bytes((octet,)))
        if not valid:
            return self.UTF8_REJECT
        return self.UTF8_ACCEPT if complete else len(self._pending) + 1


def _decodable(data: bytes | bytearray) -> int:
    """How many octets the codec takes: up to a code point that is bad or not complete."""
    octets = memoryview(data)
    done = 0
    while done < len(data):
        try:
            _, used = utf_8_decode(octets[done : done + BLOCK], "strict", False)
        except UnicodeDecodeError as error:
            return done + error.start
        if not used:
            break
        done += used
    return done


def _offence(data: bytes | bytearray, start: int) -> int | None:
    """Index of the first octet that cannot be, in a code point that begins at ``start``.

    None: what there is of it is good. The codec does not say which octet is wrong, and it takes
    the beginning of a surrogate for one of a code point (RFC 3629, section 4, has the ranges).
    """
    if start == len(data):
        return None
    lead = data[start]
    if not 0xC2 <= lead <= 0xF4:  # C0 and C1 would be overlong, F5 and more above U+10FFFF
        return start
    size = 2 + (lead >= 0xE0) + (lead >= 0xF0)
    lowest = {0xE0: 0xA0, 0xF0: 0x90}.get(lead, 0x80)  # below it: overlong
    highest = {0xED: 0x9F, 0xF4: 0x8F}.get(lead, 0xBF)  # above it: surrogates, above U+10FFFF
    for index in range(start + 1, min(start + size, len(data))):
        if not lowest <= data[index] <= highest:
            return index
        lowest, highest = 0x80, 0xBF
    return None
