"""How long things took: counts in buckets, so that its size does not depend on how many."""

from __future__ import annotations

import math
from collections.abc import Iterator

__all__ = ["Histogram", "duration"]

PER_DOUBLING = 32
"""Buckets for each doubling: the error of a percentile is below 1/32."""

BARS = "▏▎▍▌▋▊▉█"


class Histogram:
    """Durations, from a nanosecond on.

    Attributes:
        count: how many there are.
        slowest: the longest, in seconds.
    """

    def __init__(self) -> None:
        self.count = 0
        self.slowest = 0.0
        self._buckets: dict[int, int] = {}

    def add(self, seconds: float) -> None:
        """Note a duration."""
        self.count += 1
        self.slowest = max(self.slowest, seconds)
        bucket = math.ceil(math.log2(max(seconds, 1e-9)) * PER_DOUBLING)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def percentile(self, percent: float) -> float:
        """The duration that so many percent did not exceed, in seconds; 0 where there is none."""
        wanted = max(math.ceil(self.count * percent / 100), 1)
        for bucket in sorted(self._buckets):
            wanted -= self._buckets[bucket]
            if wanted <= 0:
                return min(_upper(bucket), self.slowest)
        return self.slowest

    def rows(self, width: int = 40) -> Iterator[str]:
        """Draw it: a line for each halving of a doubling, with its upper bound, bar and count."""
        step = PER_DOUBLING // 2
        grouped: dict[int, int] = {}
        for bucket, count in self._buckets.items():
            group = math.ceil(bucket / step)
            grouped[group] = grouped.get(group, 0) + count
        # A lone straggler far out is told by the percentiles, and would only make empty lines.
        shown = [group for group, count in grouped.items() if count * 1000 >= self.count]
        if not shown:
            return
        most = max(grouped.values())
        for group in range(min(shown), max(shown) + 1):
            count = grouped.get(group, 0)
            bar = _bar(count / most * width)
            yield f"{duration(_upper(group * step)):>9} {bar:<{width}} {count:>8}"


def _upper(bucket: int) -> float:
    return float(2 ** (bucket / PER_DOUBLING))


def _bar(length: float) -> str:
    eighths = math.ceil(length * 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (BARS[rest - 1] if rest else "")


def duration(seconds: float) -> str:
    """A duration for people, with three digits."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):  # noqa: B007 (used behind the loop)
        if seconds * factor >= 1:
            break
    else:
        unit, factor = "µs", 1e6
    value = seconds * factor
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {unit}"
