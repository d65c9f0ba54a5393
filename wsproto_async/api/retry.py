"""Coming back: after which errors, and after which pauses."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from random import uniform
from typing import Any

from ..errors import ConnectError, ConnectionClosed, HandshakeError, OptionError, OptionTypeError
from .arguments import check_function

__all__ = ["Backoff", "Retries", "check_backoff", "is_temporary", "retry_after"]

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
        max_attempts: give up when so many attempts in a row have failed, 1 or more; None never
            does.
        max_seconds: give up when an outage has lasted so long; None never does.

    Raises:
        OptionError: an argument is out of range.
    """

    first: float = 1.0
    factor: float = 2.0
    longest: float = 60.0
    max_attempts: int | None = None
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.longest:
            raise OptionError(f"first must be above 0 and at most longest, not {self.first}")
        if not self.factor >= 1:
            raise OptionError(f"factor must be 1 or more, not {self.factor}")
        if self.max_attempts is not None and not self.max_attempts >= 1:
            raise OptionError(f"max_attempts must be 1 or more, not {self.max_attempts}")
        if self.max_seconds is not None and not self.max_seconds >= 0:
            raise OptionError(f"max_seconds must be 0 or more, not {self.max_seconds}")

    def __call__(self) -> Iterator[float]:
        """The pauses of one outage, asked for after each attempt that failed.

        They end when it is time to give up.
        """
        bound, failed, begin = self.first, 1, time.monotonic()
        while failed != self.max_attempts:
            pause = uniform(0, bound)
            if self.max_seconds is not None:
                left = begin + self.max_seconds - time.monotonic()
                if left <= 0:
                    return
                pause = min(pause, left)
            yield pause
            failed += 1
            bound = min(bound * self.factor, self.longest)


def check_backoff(backoff: Any) -> None:
    """Refuse what gives no pauses: the class ``Backoff``, too, which was meant to be called."""
    if isinstance(backoff, type) and not issubclass(backoff, Iterator):
        raise OptionTypeError(f"backoff must be a function, such as Backoff(), not {backoff!r}")
    check_function("backoff", backoff)


class Retries:
    """Decides after each end of a connection, or of an attempt, what comes next.

    Args:
        backoff: called at the begin of an outage, returns its pauses.
        retry: whether an error is worth another attempt.
    """

    def __init__(
        self, backoff: Callable[[], Iterator[float]], retry: Callable[[Exception], bool]
    ) -> None:
        self._backoff = backoff
        self._retry = retry
        self._pauses = backoff()
        self._pause = 0.0

    def after(self, failure: Exception, lived: float | None) -> float:
        """Seconds to wait before the next attempt.

        Args:
            failure: how it ended.
            lived: seconds that the connection was open; None where it never was.

        Raises:
            Exception: the failure: there is to be no other attempt.
        """
        if lived is not None and lived > self._pause:
            self._pauses = self._backoff()  # what comes now is another outage
        if not self._retry(failure):
            raise failure
        try:
            self._pause = max(next(self._pauses), retry_after(failure))
        except StopIteration:
            raise failure from None
        return self._pause


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
    except (ValueError, OverflowError):
        return 0.0
