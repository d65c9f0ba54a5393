"""Coming back: after which errors, and after which pauses."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from random import uniform

from ..errors import ConnectError, ConnectionClosed, HandshakeError, OptionError

__all__ = ["Backoff", "is_temporary", "retry_after"]

TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
"""HTTP statuses that may be better next time."""

LONGEST = 3600.0
"""Seconds that a server's Retry-After can make us wait."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts: random ones, below a bound that grows.

    A pause is drawn from 0 to its bound, so that the clients of a server that restarts do not
    all come back at the same time.

    Args:
        first: bound of the first pause, in seconds.
        factor: how much longer each bound is than the one before.
        longest: bound of the bounds, in seconds.

    Raises:
        OptionError: an argument is out of range.
    """

    first: float = 1.0
    factor: float = 2.0
    longest: float = 60.0

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.longest:
            raise OptionError(f"first must be above 0 and at most longest, not {self.first}")
        if not self.factor >= 1:
            raise OptionError(f"factor must be 1 or more, not {self.factor}")

    def __call__(self) -> Iterator[float]:
        """The pauses of one outage, for ever."""
        bound = self.first
        while True:
            yield uniform(0, bound)
            bound = min(bound * self.factor, self.longest)


def is_temporary(error: Exception) -> bool:
    """Whether an attempt that failed like this may succeed later: what ``connect`` goes by.

    A network that fails or a server that is busy may recover; a certificate that does not fit, or
    a server that says no (401, 403, 404, ...), will not by being asked again.
    """
    if isinstance(error, HandshakeError):
        return error.status in TEMPORARY
    if isinstance(error, ConnectError):
        return not isinstance(error.__cause__, ssl.SSLCertVerificationError)
    return isinstance(error, ConnectionClosed)


def retry_after(error: Exception | None) -> float:
    """Seconds to wait because the server said so (RFC 9110, section 10.2.3); 0 if it did not."""
    if not isinstance(error, HandshakeError):
        return 0.0
    for name, value in error.headers:
        if name.lower() == "retry-after":
            return min(max(_seconds(value), 0.0), LONGEST)
    return 0.0


def _seconds(value: str) -> float:
    if value.isascii() and value.isdigit():
        return float(value[:6])
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return 0.0
