"""Decisions out of the first octets of a fuzzer's input; the rest is what the peer sends."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["Choices"]

T = TypeVar("T")


class Choices:
    """Reads decisions off an input, octet by octet; where it has ended, all of them are 0."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.position = 0

    def number(self, below: int) -> int:
        """A number from 0 up to, and without, ``below``; which is at most 256."""
        octet = self.octets[self.position : self.position + 1]
        self.position += 1
        return octet[0] % below if octet else 0

    def flag(self) -> bool:
        return self.number(2) == 1

    def pick(self, *alternatives: T) -> T:
        return alternatives[self.number(len(alternatives))]

    def sizes(self) -> list[int]:
        """How the rest is to be cut: sizes of pieces, to be used over and over."""
        return [self.pick(1, 2, 3, 5, 9, 30, 200, 4000) for _ in range(self.number(4))]

    def rest(self) -> bytes:
        return self.octets[self.position :]

    def pieces(self, sizes: list[int]) -> list[bytes]:
        """The rest, cut like that; in one piece where there are no sizes."""
        octets = self.rest()
        cut: list[bytes] = []
        while sizes and octets:
            size = sizes[len(cut) % len(sizes)]
            cut.append(octets[:size])
            octets = octets[size:]
        return cut if sizes else [octets]
