"""Traffic statistics: read off the counters that the core keeps anyway."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ..constants import State
from ..core.connection import Connection
from ..stats import TrafficStats

__all__ = ["LiveTrafficStats", "count_received"]


def count_received(connection: Connection, octets: int) -> None:
    """Octets arrived by the long way, where doors.py does not count them."""
    if connection.state == State.OPEN:
        connection.octets_received += octets
    elif connection.state != State.CLOSING:
        connection.preopen_received += octets


class LiveTrafficStats(TrafficStats):
    """The :class:`~wsproto_async.stats.TrafficStats` of a protocol, true whenever it is read.

    Args:
        connection: the core's, which when it has ended leads to nobody: so whoever keeps this
            keeps nothing else.
    """

    __slots__ = ("base", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.base: dict[str, int] = {}


def _live(name: str) -> property:
    def read(stats: LiveTrafficStats) -> int:
        return int(_READ[name](stats.connection)) - stats.base.get(name, 0)

    def write(stats: LiveTrafficStats, value: int) -> None:
        stats.base[name] = int(_READ[name](stats.connection)) - value

    return property(read, write)


_READ: dict[str, Any] = {
    "outgoingOctetsWireLevel": lambda c: c.writer.wire + c.writer.out.size,
    "outgoingOctetsWebSocketLevel": lambda c: c.writer.octets,
    "outgoingOctetsAppLevel": lambda c: c.writer.octets + c.plain_octets_sent,
    "outgoingWebSocketFrames": lambda c: c.writer.frames,
    "outgoingWebSocketMessages": lambda c: c.messages_sent,
    "preopenOutgoingOctetsWireLevel": lambda c: c.preopen_sent,
    "preopenIncomingOctetsWireLevel": lambda c: c.preopen_received,
    "incomingOctetsWireLevel": lambda c: c.octets_received,
    "incomingOctetsWebSocketLevel": lambda c: c.reader.octets,
    "incomingOctetsAppLevel": lambda c: c.reader.inflated,
    "incomingWebSocketFrames": lambda c: c.reader.frames,
    "incomingWebSocketMessages": lambda c: c.reader.messages,
}

for _field in fields(TrafficStats):
    setattr(LiveTrafficStats, _field.name, _live(_field.name))
