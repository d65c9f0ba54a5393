"""What bounds a peer, and what happens at the bound: the source of docs/reference/limits.md.

The defaults are read off the options and off the code. A test sees to it that no option that is a
limit is missing.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Final, NamedTuple

from wsproto_async._native.kernels import READ_SIZE
from wsproto_async.api.connect import connect
from wsproto_async.api.retry import LONGEST
from wsproto_async.api.server import GRACE, STUBBORN
from wsproto_async.core.reader import PIECE, RESERVE
from wsproto_async.core.writer import CORK
from wsproto_async.options import ClientOptions, ServerOptions
from wsproto_async.protocol.doors import TURN
from wsproto_async.protocol.flow import MUCH
from wsproto_async.protocol.hooks import MANY
from wsproto_async.protocol.server import MAX_EARLY
from wsproto_async.protocol.timers import LINGER

__all__ = ["LIMITS", "NO_LIMITS", "limits_reference"]

HEAD: Final = """\
# Limits

<!-- Written by `python -m docs.generate` from docs/limits.py: change the text there. -->

Everything a peer can make this library hold, and everything it can make it wait for, has a bound.
*server* and *client* are the defaults of `ServerOptions()` and `ClientOptions()`, *contract* those
of Autobahn's factories. A bound without an option is fixed. The [options](options.md) have the
reasons for their defaults; the [threat model](../../THREAT_MODEL.md) says which attack each is for,
and which test shows it.

A peer never gets an exception raised into your code, and never more than one line into your log.
"""


class Limit(NamedTuple):
    """A bound that is an option."""

    option: str
    bounds: str
    then: str


class Fixed(NamedTuple):
    """A bound that is not."""

    value: object
    bounds: str
    then: str


LIMITS: Final[dict[str, tuple[Limit | Fixed, ...]]] = {
    "Opening": (
        Limit(
            "open_handshake_timeout",
            "seconds from TCP to an open connection, with TLS, proxy, redirects and a coroutine "
            "that decides",
            "dropped; `connect` raises `ConnectError`",
        ),
        Limit("max_handshake_size", "octets of the HTTP head", "431; a client drops"),
        Limit("max_handshake_headers", "fields of the HTTP head", "431; a client drops"),
        Fixed(MAX_EARLY, "octets that come behind a request before it is answered", "400"),
        Fixed(
            inspect.signature(connect).parameters["max_redirects"].default,
            "redirects that `connect` follows (`max_redirects=`)",
            "`HandshakeError`",
        ),
        Fixed(LONGEST, "seconds that a server's `Retry-After` can make us wait", "less is waited"),
        Limit("max_connections", "connections at once; 0 is any number", "503"),
        Limit("max_connections_per_ip", "of one address; 0 is any number", "429"),
        Limit("max_handshakes_per_minute", "of one address; 0 is any number", "429"),
    ),
    "Receiving": (
        Limit(
            "max_frame_payload_size",
            "octets of a frame; 0 is any number",
            "1009 before any of it is read",
        ),
        Limit(
            "max_message_payload_size",
            "octets of a message, on the wire and inflated; 0 is any number",
            "1009 while it is received or inflated",
        ),
        Fixed(RESERVE, "octets set aside because a frame announces them", "it grows as they come"),
        Fixed(PIECE, "octets of a compressed frame that are inflated in one step", "the next step"),
        Fixed(READ_SIZE, "octets of one read", "the loop reads again"),
        Fixed(
            TURN,
            "steps of all connections in a turn of the loop, and 64 of each besides: a frame, or "
            "256 inflated octets",
            "whoever wants more queues up, and others have their turn before it goes on",
        ),
        Limit(
            "receive_queue_messages",
            "messages that wait for `recv` or `async for`",
            "reading pauses, in the middle of a read if need be",
        ),
        Limit(
            "receive_queue_bytes",
            "octets that wait for them, and a quarter of what coroutine hooks may hold",
            "reading pauses",
        ),
        Limit("hook_concurrency", "calls of coroutine hooks at once", "reading pauses"),
        Fixed(MANY, "pieces of a message that a streaming hook's default keeps", "they are joined"),
        Limit("max_messages_per_second", "messages; 0 is any number", "`on_rate_limit`"),
        Limit("max_octets_per_second", "octets; 0 is any number", "`on_rate_limit`"),
    ),
    "Sending": (
        Limit(
            "write_buffer_high",
            "octets that wait for the peer",
            "`send` and `drain` wait; `onPauseWriting`",
        ),
        Fixed(
            f"{MUCH} times that",
            "octets of answers that wait for a peer which does not read",
            "reading pauses until it does",
        ),
        Fixed(1, "pongs that wait for such a peer", "the last ping is answered"),
        Fixed(CORK, "octets that are gathered for one write", "they are written"),
    ),
    "Staying and ending": (
        Limit("auto_ping_interval", "seconds to the next ping; 0 is never", "a ping is sent"),
        Limit(
            "auto_ping_timeout",
            "seconds without its pong and anything else, or, if it does not read, without taking "
            "anything; 0 is any number",
            "dropped",
        ),
        Limit("close_timeout", "seconds for a whole close, also of a failed connection", "dropped"),
        Limit(
            "close_handshake_timeout",
            "seconds for the answer to our close frame, where `close_timeout` is `None`",
            "dropped",
        ),
        Limit(
            "server_connection_drop_timeout",
            "seconds for the server to end TCP, where `close_timeout` is `None`",
            "dropped",
        ),
        Fixed(
            LINGER,
            "seconds that TCP may take to end behind a close or half of one, where `close_timeout` "
            "is `None`",
            "aborted",
        ),
        Fixed(GRACE, "seconds for handlers to return when a server closes", "cancelled"),
        Fixed(STUBBORN, "seconds for a cancelled handler to return", "left alone, and logged"),
    ),
}

NO_LIMITS: Final = frozenset(
    {"auto_ping_size", "trust_x_forwarded_for", "version", "auto_fragment_size"}
)
"""Options that are numbers and bound nothing."""


def limits_reference() -> str:
    """The whole page."""
    return HEAD + "".join(_sections())


def _sections() -> Iterator[str]:
    for title, limits in LIMITS.items():
        yield f"\n## {title}\n\n| limit | server | client | contract | what it bounds | then |\n"
        yield "| --- | --- | --- | --- | --- | --- |\n"
        yield from map(_row, limits)


def _row(limit: Limit | Fixed) -> str:
    if isinstance(limit, Fixed):
        value = f"{limit.value:g}" if isinstance(limit.value, float) else str(limit.value)
        return f"| fixed | {value} | {value} | {value} | {limit.bounds} | {limit.then} |\n"
    option = limit.option
    models = (ServerOptions(), ClientOptions(), _contract(option))
    values = " | ".join(str(getattr(model, option, "")) for model in models)
    return f"| [`{option}`](options.md#{option}) | {values} | {limit.bounds} | {limit.then} |\n"


def _contract(option: str) -> ServerOptions | ClientOptions:
    server = ServerOptions.contract()
    return server if hasattr(server, option) else ClientOptions.contract()
