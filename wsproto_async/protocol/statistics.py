"""Traffic statistics: read off the counters that the core keeps anyway."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..constants import State
from ..stats import TrafficStats

if TYPE_CHECKING:
    from .attributes import Attributes

__all__ = ["LiveTrafficStats", "count_received"]


def count_received(protocol: Attributes, octets: int) -> None:
    """Octets arrived by the long way, where doors.py does not count them."""
    connection = protocol._connection
    if connection is None:
        return
    if connection.state == State.OPEN:
        connection.octets_received += octets
    elif connection.state != State.CLOSING:
        protocol._preopen_received += octets


class LiveTrafficStats(TrafficStats):
    """The :class:`~wsproto_async.stats.TrafficStats` of a protocol, true whenever it is read."""

    __slots__ = ("base", "protocol")

    def __init__(self, protocol: Attributes) -> None:
        self.protocol = protocol
        self.base: dict[str, int] = {}


def _live(name: str) -> property:
    def read(stats: LiveTrafficStats) -> int:
        return _raw(stats.protocol, name) - stats.base.get(name, 0)

    def write(stats: LiveTrafficStats, value: int) -> None:
        stats.base[name] = _raw(stats.protocol, name) - value

    return property(read, write)


def _raw(protocol: Attributes, name: str) -> int:
    connection: Any = protocol._connection
    if name == "preopenIncomingOctetsWireLevel":
        return protocol._preopen_received
    if name == "preopenOutgoingOctetsWireLevel":
        return protocol._preopen_sent
    if connection is None:
        return 0
    return int(_READ[name](connection))


_READ: dict[str, Any] = {
    "outgoingOctetsWireLevel": lambda c: c.writer.wire + c.writer.out.size,
    "outgoingOctetsWebSocketLevel": lambda c: c.writer.octets,
    "outgoingOctetsAppLevel": lambda c: c.writer.octets + c.plain_octets_sent,
    "outgoingWebSocketFrames": lambda c: c.writer.frames,
    "outgoingWebSocketMessages": lambda c: c.messages_sent,
    "incomingOctetsWireLevel": lambda c: c.octets_received,
    "incomingOctetsWebSocketLevel": lambda c: c.reader.octets,
    "incomingOctetsAppLevel": lambda c: c.reader.inflated,
    "incomingWebSocketFrames": lambda c: c.reader.frames,
    "incomingWebSocketMessages": lambda c: c.reader.messages,
}

for _field in fields(TrafficStats):
    setattr(LiveTrafficStats, _field.name, _live(_field.name))
