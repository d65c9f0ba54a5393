"""Options that Autobahn has not: limits for every buffer, and what happens when a hook raises.

They stand apart because Autobahn's ``CONFIG_ATTRS_*`` lists are derived from the other classes.
Users meet them in ``ServerOptions`` and ``ClientOptions``, next to the rest.
"""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .base import OptionsBase
from .fields import KIB, Autobahn, Flag, Octets, Seconds, counted

__all__ = ["OwnOptions", "OwnServerOptions"]


def _zero_is_unbounded(value: int | None) -> int | None:
    return value or None


class OwnOptions(OptionsBase, frozen=True):
    """What goes beyond Autobahn, on servers and clients."""

    hook_concurrency: Annotated[
        Annotated[int, counted("calls")] | None, AfterValidator(_zero_is_unbounded)
    ] = 64
    """How many calls of coroutine hooks may run at once on a connection; at that number reading
    pauses, and where their messages have four times ``receive_queue_bytes``. 1 is strictly one
    after another; ``None``, or 0, is without a bound.

    Default: 64 leaves room to programs that rely on interleaving, and bounds what one peer can
    make us hold."""

    on_hook_error: Literal["close", "keep"] = "close"
    """What an exception out of a hook does, besides being logged: close the connection with 1011,
    or keep it. A ``MemoryError`` always closes it, since part of a message may be lost.

    Default: close, since a peer whose message was lost should not believe that it was handled."""

    receive_queue_messages: Annotated[int, counted("messages", 1)] = 64
    """How many received messages may wait for ``recv`` or ``async for``; above that, reading
    pauses.

    Default: 64 keeps a consumer busy over short delays; small messages cost more than their
    octets, so counting those alone would not bound memory."""

    receive_queue_bytes: Annotated[Octets, Field(ge=1)] = 256 * KIB
    """How many octets of received messages may wait for ``recv`` or ``async for``; above that,
    reading pauses. One message may wait however large it is. A character counts as 4 octets in
    text that is not all ASCII, the most that it can have.

    Default: 256 KiB, as much as one read can bring: more would only be held for consumers that do
    not keep up, and for peers that do not read what they are answered."""

    write_buffer_high: Octets = 64 * KIB
    """How many octets may wait to be sent before ``await send()`` waits for the peer, until a
    quarter of this is left. 0 waits until the system has taken everything.

    Default: 64 KiB is what asyncio's own transports use; more only hides a slow peer for longer."""

    close_timeout: Annotated[Seconds | None, Autobahn(None)] = 2
    """Seconds for a whole close, from our close frame or the peer's to the end of TCP; then the
    connection is dropped. 0 drops at once. While this is set, ``close_handshake_timeout`` and
    ``server_connection_drop_timeout`` are not looked at; ``None`` leaves the close to those two.

    Default: 2 s, time for a round trip on a bad line, and no longer than people wait for a
    program to end. Autobahn: ``None``."""

    max_handshake_size: Annotated[int, counted("octets", 256)] = 16 * KIB
    """How many octets the HTTP head of a handshake may have.

    Default: 16 KiB, which leaves room for large cookies and tokens; more would only be held for
    peers that nobody knows yet."""

    max_handshake_headers: Annotated[int, counted("header fields", 8)] = 128
    """How many header fields the HTTP head of a handshake may have.

    Default: 128, well above what browsers and proxies send, so that only attacks meet it."""

    auto_ping_restart_on_any_traffic: Flag = True
    """Whether received data counts as the answer to an automatic ping.

    Default: true, since whoever sends data is alive, even if the pong is queued behind it."""

    max_messages_per_second: Annotated[int, counted("messages")] = 0
    """How many messages a connection may receive in a second, pings and pongs included; as many
    may come in one burst. 0 is unlimited. ``on_rate_limit`` says what happens to more.

    Default: 0, since only you know how many are too many."""

    max_octets_per_second: Octets = 0
    """How many octets of messages a connection may receive in a second, counted after inflating;
    as many may come in one burst. 0 is unlimited. ``on_rate_limit`` says what happens to more.

    Default: 0, since only you know how many are too many."""

    on_rate_limit: Literal["pause", "close"] = "pause"
    """What happens to a peer that sends faster than ``max_messages_per_second`` or
    ``max_octets_per_second``: nothing is read from it for as long as it is ahead, so that it has
    to wait itself; or the connection is closed with 1008.

    Default: pause, since that costs nobody anything, and nothing is lost."""


class OwnServerOptions(OptionsBase, frozen=True):
    """What goes beyond Autobahn, on servers alone."""

    max_connections_per_ip: Annotated[int, counted("connections")] = 0
    """How many connections one address may have at once, those in their handshake included; one
    more is refused with 429. With ``trust_x_forwarded_for`` it is the client's address that counts,
    from its request on. Of IPv6, all of a network of 64 bits is one address; a Unix socket
    has none. 0 is unlimited.

    Default: 0, since a whole company may be behind one address."""

    max_handshakes_per_minute: Annotated[int, counted("handshakes")] = 0
    """How many handshakes one address may begin in a minute, refused ones included; as many may
    come in one burst. More are refused with 429 and Retry-After. An address is what it is for
    ``max_connections_per_ip``. 0 is unlimited.

    Default: 0, for the same reason. Set it where passwords or tokens can be guessed."""

    @cached_property
    def limits_addresses(self) -> bool:
        """Whether there is a limit for what one address may do."""
        return bool(self.max_connections_per_ip or self.max_handshakes_per_minute)

    access_log: Flag = False
    """Whether the logger ``wsproto_async.access`` gets a line at INFO for each connection when it
    has ended; without query, headers and anything else that might let somebody in. A connection
    without a request, as port scanners make it, is a line at DEBUG.

    Default: false, since a proxy in front has one already."""
