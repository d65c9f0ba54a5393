"""How many connections and handshakes an address may have: what one factory keeps of its clients.

Nothing of this is made unless an option asks for it.
"""

from __future__ import annotations

import ipaddress
import math
import time
from typing import Final

from ..options import ServerOptions
from .bucket import TokenBucket

__all__ = ["Admission", "Refusal", "address_of"]

Refusal = tuple[str, tuple[tuple[str, str], ...]]
"""Why a client is answered with 429, and with which headers."""

MINUTE: Final = 60.0

MOST_ADDRESSES: Final = 16 * 1024
"""Addresses whose handshakes are remembered; above that, those not heard of for longest go."""

LONGEST_NAME: Final = 64
"""Characters of something in X-Forwarded-For that is no address."""


class Admission:
    """The clients of one factory, by address.

    Attributes:
        connections: how many there are now.
        handshakes: how many more each may begin, the last one used at the end.
    """

    def __init__(self) -> None:
        self.connections: dict[str, int] = {}
        self.handshakes: dict[str, TokenBucket] = {}

    def enter(self, address: str, options: ServerOptions) -> Refusal | None:
        """A client has connected: why it cannot stay, or None. In both cases it is counted."""
        count = self.connections[address] = self.connections.get(address, 0) + 1
        wait = 0.0
        if options.max_handshakes_per_minute:
            wait = self.bucket(address, options.max_handshakes_per_minute).take_one(
                time.monotonic()
            )
        if 0 < options.max_connections_per_ip < count:
            return "too many connections from this address", ()
        if wait:
            retry = ("Retry-After", str(math.ceil(wait)))
            return "too many handshakes from this address", (retry,)
        return None

    def leave(self, address: str) -> None:
        """A connection has ended."""
        left = self.connections[address] - 1
        if left:
            self.connections[address] = left
        else:
            del self.connections[address]

    def bucket(self, address: str, size: int) -> TokenBucket:
        bucket = self.handshakes.pop(address, None)
        if bucket is None or bucket.size != size:
            bucket = TokenBucket(size, size / MINUTE, time.monotonic())
        self.handshakes[address] = bucket
        while len(self.handshakes) > MOST_ADDRESSES:
            del self.handshakes[next(iter(self.handshakes))]
        return bucket


def address_of(host: str) -> str:
    """What counts as one address.

    Of IPv6 it is the network of 64 bits, since whoever has one address there has them all; an
    IPv4 address written as IPv6 is itself. What is no address stands for itself, too.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:LONGEST_NAME]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))
