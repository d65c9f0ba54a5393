"""XOR masking (RFC 6455, section 5.3) in plain Python, and Autobahn's masker objects."""

from __future__ import annotations

import sys
from functools import cache

from .errors import OptionError, check_type

__all__ = ["XorMasker", "XorMaskerNull", "create_xor_masker", "xor"]

SMALL = 1024
"""Octets up to which two big integers are faster than four translations."""


@cache
def _table(octet: int) -> bytes:
    """What each octet becomes."""
    return bytes(value ^ octet for value in range(256))


def xor(data: bytes | bytearray, mask: bytes, position: int = 0) -> bytes:
    """``data`` masked, or unmasked, which is the same.

    Args:
        data: part of a payload.
        mask: the four octets of the key.
        position: octets of the payload before ``data``.
    """
    size = len(data)
    turn = position & 3
    mask = mask[turn:] + mask[:turn]
    if size <= SMALL:
        repeated = (mask * (size // 4 + 1))[:size]
        masked = int.from_bytes(data, sys.byteorder) ^ int.from_bytes(repeated, sys.byteorder)
        return masked.to_bytes(size, sys.byteorder)
    result = bytearray(size)
    for i in range(4):
        result[i::4] = data[i::4].translate(_table(mask[i]))
    return bytes(result)


class XorMaskerNull:
    """Does not mask, but counts.

    Args:
        mask: ignored.
    """

    __slots__ = ("_position",)

    def __init__(self, mask: bytes | None = None) -> None:
        self._position = 0

    def pointer(self) -> int:
        """Octets processed since the beginning, or since :meth:`reset`."""
        return self._position

    def reset(self) -> None:
        """Begin a new payload."""
        self._position = 0

    def process(self, data: bytes) -> bytes:
        """The next octets of the payload, as they are."""
        self._position += len(data)
        return data


class XorMasker(XorMaskerNull):
    """Masks a payload that comes in pieces.

    Args:
        mask: the four octets of the key.

    Raises:
        OptionError: it has not four octets.
    """

    __slots__ = ("_mask",)

    def __init__(self, mask: bytes) -> None:
        super().__init__()
        check_type("mask", mask, bytes)
        if len(mask) != 4:
            raise OptionError(f"mask must have 4 octets, not {len(mask)}")
        self._mask = mask

    def process(self, data: bytes) -> bytes:
        """The next octets of the payload, masked or unmasked."""
        masked = xor(data, self._mask, self._position)
        self._position += len(data)
        return masked


def create_xor_masker(mask: bytes, length: int | None = None) -> XorMasker:
    """A masker for one payload.

    Args:
        mask: the four octets of the key.
        length: octets of the payload, if known; it makes no difference here.

    Raises:
        OptionError: the key has not four octets.
    """
    return XorMasker(mask)
