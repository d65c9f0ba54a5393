"""The token bucket: so much in a burst, and so much a second in the long run."""

from __future__ import annotations

__all__ = ["TokenBucket"]


class TokenBucket:
    """Holds tokens that come back over time. It knows no clock: the time is an argument.

    Args:
        size: tokens that it holds, and has to begin with.
        rate: tokens that come back in a second.
        now: the time in seconds, of a clock that only moves on.
    """

    __slots__ = ("level", "rate", "size", "time")

    def __init__(self, size: float, rate: float, now: float) -> None:
        self.size = size
        self.rate = rate
        self.level = size
        self.time = now

    def fill(self, now: float) -> None:
        """Let time pass."""
        self.level = min(self.level + (now - self.time) * self.rate, self.size)
        self.time = now

    def take(self, tokens: float, now: float) -> float:
        """Take tokens, also those that it has not got; seconds until the debt is paid."""
        self.fill(now)
        self.level -= tokens
        return max(-self.level / self.rate, 0.0)

    def take_one(self, now: float) -> float:
        """Take one token if there is one; else the seconds until there is."""
        self.fill(now)
        if self.level < 1:
            return (1 - self.level) / self.rate
        self.level -= 1
        return 0.0
