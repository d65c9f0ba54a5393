"""How octets reach a transport."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ..contract.support import (
    PING,
    PONG,
    Lab,
    MemoryTransport,
    connect,
    request,
    server_factory,
)


class ThroughTLS(MemoryTransport):
    """Like asyncio's before Python 3.12, not closing itself when what carries it is."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.carrier = MemoryTransport(lab)
        self._ssl_protocol: Any = SimpleNamespace(_transport=self.carrier)


ThroughTLS.__module__ = "asyncio.sslproto"


def test_nothing_is_written_through_tls_when_the_peer_is_gone(lab: Lab) -> None:
    """Asyncio would log each of the writes but the first few."""
    transport = ThroughTLS(lab)
    side = connect(lab, server_factory(lab), transport)
    side.feed(request("/"))
    side.sent()
    side.feed_frame(PING, b"a")
    assert [frame.opcode for frame in side.frames()] == [PONG]
    transport.carrier.closed = True
    side.feed_frame(PING, b"b")
    assert side.frames() == []
    transport._ssl_protocol = None  # as when it has ended
    side.lose()
