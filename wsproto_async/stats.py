"""Counters and stopwatches of a connection, under the names of Autobahn's contract."""
# ruff: noqa: N815

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Literal, overload

from .util import to_json

__all__ = ["Timings", "TrafficStats"]


@dataclass(slots=True, eq=False)
class TrafficStats:
    """What went over a connection (``protocol.trafficStats``). May be read at any time.

    ``WireLevel`` is every octet, ``WebSocketLevel`` the payload of data frames as it is on the
    wire, ``AppLevel`` the same before it was compressed or after it was inflated. The octets of
    the handshake count as ``preopen``. Frames are data frames. A prepared message counts on the
    wire level only, unless it was compressed for this connection alone.
    """

    outgoingOctetsWireLevel: int = 0
    outgoingOctetsWebSocketLevel: int = 0
    outgoingOctetsAppLevel: int = 0
    outgoingWebSocketFrames: int = 0
    outgoingWebSocketMessages: int = 0
    preopenOutgoingOctetsWireLevel: int = 0
    incomingOctetsWireLevel: int = 0
    incomingOctetsWebSocketLevel: int = 0
    incomingOctetsAppLevel: int = 0
    incomingWebSocketFrames: int = 0
    incomingWebSocketMessages: int = 0
    preopenIncomingOctetsWireLevel: int = 0

    def reset(self) -> None:
        """Set all counters to zero."""
        for counter in fields(self):
            setattr(self, counter.name, 0)

    def __json__(self) -> dict[str, int | float | None]:
        """The counters, and for each direction two ratios, None where nothing was counted.

        The compression ratio is the WebSocket level by the application level; the overhead is
        what the wire level has above the WebSocket level, by the latter.
        """
        values: dict[str, int | float | None] = {
            counter.name: getattr(self, counter.name) for counter in fields(self)
        }
        for way in ("outgoing", "incoming"):
            wire, websocket, app = (
                getattr(self, f"{way}Octets{level}Level") for level in ("Wire", "WebSocket", "App")
            )
            values[f"{way}CompressionRatio"] = websocket / app if app else None
            values[f"{way}WebSocketOverhead"] = (
                (wire - websocket) / websocket if websocket else None
            )
        return values

    def __str__(self) -> str:
        return to_json(self.__json__())


class Timings:
    """When things happened on a connection (``protocol.trackedTimings``).

    Args:
        clock: tells the time in seconds.
    """

    __slots__ = ("_clock", "_start", "_times")

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._start = clock()
        self._times: dict[str, float] = {}

    def track(self, key: str) -> None:
        """Remember that ``key`` happened now, and forget when it happened before."""
        self._times[key] = self._clock() - self._start

    @overload
    def diff(self, start: str, end: str, formatted: Literal[True] = ...) -> str: ...

    @overload
    def diff(self, start: str, end: str, formatted: Literal[False]) -> float | None: ...

    @overload
    def diff(self, start: str, end: str, formatted: bool) -> str | float | None: ...

    def diff(self, start: str, end: str, formatted: bool = True) -> str | float | None:
        """The time from one thing to another.

        Args:
            start: key of the first.
            end: key of the second.
            formatted: whether for humans.

        Returns:
            Seconds, or None if one of them has not happened; ``formatted`` rounded and with a
            unit, right-aligned in 8 columns, or ``n.a.`` there.
        """
        first, second = self[start], self[end]
        seconds = None if first is None or second is None else second - first
        return _for_humans(seconds).rjust(8) if formatted else seconds

    def __getitem__(self, key: str) -> float | None:
        """Seconds from the beginning to ``key``; None if it has not happened."""
        return self._times.get(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._times)

    def __str__(self) -> str:
        return str(self._times)


def _for_humans(seconds: float | None) -> str:
    """A duration in the unit that leaves it a number of a few digits."""
    if seconds is None:
        return "n.a."
    for limit, factor, unit in ((10e-6, 1e9, "ns"), (10e-3, 1e6, "us"), (10, 1e3, "ms")):
        if abs(seconds) < limit:
            return f"{round(seconds * factor)} {unit}"
    return f"{round(seconds)} s"
