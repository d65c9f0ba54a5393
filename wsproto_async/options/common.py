"""Options of servers and clients alike that Autobahn has too."""

from typing import Annotated

from pydantic import Field

from .fields import MIB, Autobahn, Flag, Octets, OptionalSeconds, Seconds, counted
from .own import OwnOptions

__all__ = ["CommonOptions"]


class CommonOptions(OwnOptions, frozen=True):
    """Autobahn's options for both roles. The fields stand in the order of its
    ``CONFIG_ATTRS_COMMON``, which is derived from them.
    """

    log_octets: Flag = False
    """Whether ``logRxOctets`` and ``logTxOctets`` are called with what is read and written. They
    write it to the logger ``wsproto_async`` at the level debug, unless they are overridden.

    Default: false, since it costs time and puts what people send into logs."""

    log_frames: Flag = False
    """Whether ``logRxFrame`` and ``logTxFrame`` are called for each frame, and write it there.
    What ``recv_streaming`` receives is left out, with the control frames in between.

    Default: false, for the same reasons."""

    track_timings: Flag = False
    """Whether ``trackedTimings`` collects when things happened on the connection.

    Default: false, since few programs read it."""

    utf8_validate_incoming: Annotated[Flag, Field(alias="utf8validateIncoming")] = True
    """Whether text is checked while it arrives; text that is not UTF-8 fails the connection
    with 1007 (RFC 6455, section 8.1). Close reasons are always checked.

    Default: true, as the RFC demands."""

    apply_mask: Flag = True
    """Whether payload is masked with the key of its frame, in both directions. Without, frames
    still carry a key, and only a peer with the same setting understands them.

    Default: true, as RFC 6455, section 5.3, demands; false is for measurements."""

    max_frame_payload_size: Annotated[Octets, Autobahn(0)] = MIB
    """How many octets a received frame may carry, as announced in its header and before
    inflating; a larger one fails the connection with 1009. 0 is unlimited.

    Default: 1 MiB, the same as for messages, so that one frame can hold the largest message.
    Autobahn: 0."""

    max_message_payload_size: Annotated[Octets, Autobahn(0)] = MIB
    """How many octets a message may have. A larger one that is received fails the connection with
    1009, be it large on the wire or once inflated; a larger one to be sent raises
    ``PayloadExceededError``, unless it is sent in pieces, when nobody measures it. 0 is unlimited.

    Default: 1 MiB, so that no peer can make us hold more than we said; most messages are far
    smaller. Autobahn: 0."""

    auto_fragment_size: Octets = 0
    """``sendMessage`` splits messages into frames of at most this many octets, counted after
    compression. 0 does not split.

    Default: 0, since a split costs headers and gains nothing on most connections."""

    fail_by_drop: Annotated[Flag, Autobahn(True)] = False
    """How a connection fails: true drops TCP at once, false sends a close frame that says why.

    Default: false, so that the peer learns what it did wrong. Autobahn: true."""

    echo_close_code_reason: Flag = False
    """Whether our answer to a close frame repeats its code and reason; else it says 1000.

    Default: false, as in Autobahn; peers go by the code that they sent themselves."""

    open_handshake_timeout: Annotated[Seconds, Autobahn(5)] = 10
    """Seconds from the TCP connection to the end of the opening handshake, with a proxy's CONNECT
    and a coroutine ``onConnect`` in it; then the connection is dropped. 0 waits for ever.

    Default: 10 s, enough for TLS on a bad line, short enough against peers that just hold a
    connection. Autobahn: 5."""

    close_handshake_timeout: Seconds = 1
    """Seconds that our close frame may stay without an answer; then the connection is dropped.
    0 waits for ever. Looked at while ``close_timeout`` is ``None``.

    Default: 1 s, as in Autobahn: a peer that is still there has answered by then."""

    tcp_no_delay: Flag = True
    """Whether TCP sends small messages at once (TCP_NODELAY).

    Default: true, since we gather small writes ourselves and waiting for more only adds delay."""

    auto_ping_interval: Annotated[OptionalSeconds, Autobahn(0)] = 20
    """Seconds between opening and the first automatic ping, and between an answer and the next
    ping. 0 is off.

    Default: 20 s, well below the 60 s after which common proxies cut an idle connection.
    Autobahn: 0."""

    auto_ping_timeout: Annotated[OptionalSeconds, Autobahn(0)] = 20
    """Seconds that an automatic ping may stay without an answer; then the connection is dropped.
    0 never drops.

    Default: 20 s, so that a dead peer is gone within 40 s and a slow one is not taken for dead.
    Autobahn: 0."""

    auto_ping_size: Annotated[int, counted("octets", 4, 125), Autobahn(4)] = 12
    """How many octets an automatic ping carries, 4 to 125 (RFC 6455, section 5.5).

    Default: 12, enough for pings that nobody can guess, and what newer releases of Autobahn use.
    Autobahn 21: 4."""
