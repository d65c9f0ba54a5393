"""Options of servers."""

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from ..constants import SUPPORTED_PROTOCOL_VERSIONS
from .common import CommonOptions
from .fields import Autobahn, Flag, Seconds, as_tuple, counted
from .origins import SAME_ORIGIN, check_origin, origin_pattern
from .own import OwnServerOptions

__all__ = ["ServerOptions"]


def _check_versions(versions: Sequence[int]) -> Sequence[int]:
    if not versions or not set(versions).issubset(SUPPORTED_PROTOCOL_VERSIONS):
        supported = " and ".join(map(str, SUPPORTED_PROTOCOL_VERSIONS))
        raise ValueError(f"should be one or more of {supported}")
    return versions


def _check_policy(policy: str) -> str:
    if not policy.endswith("\0"):
        raise ValueError("should end in a NUL character")
    return policy


class ServerOptions(OwnServerOptions, CommonOptions, frozen=True):
    """Options of a server. ``ServerOptions()`` is safe as it stands; ``ServerOptions.contract()``
    has Autobahn's defaults. The fields stand in the order of its ``CONFIG_ATTRS_SERVER``.
    """

    close_timeout: Annotated[Seconds | None, Autobahn(None)] = 1
    """Seconds for a whole close, from our close frame or the peer's to the end of TCP; then the
    connection is dropped. 0 drops at once. While this is set, ``close_handshake_timeout`` is not
    looked at; ``None`` leaves the close to that.

    Default: 1 s, shorter than a client's, so that peers that do not answer cannot hold up a
    shutdown. Autobahn: ``None``."""

    versions: Annotated[
        Sequence[int], AfterValidator(_check_versions), AfterValidator(as_tuple)
    ] = SUPPORTED_PROTOCOL_VERSIONS
    """Values of Sec-WebSocket-Version that are accepted: 8, 13 or both.

    Default: both, since 8 differs from 13 in the name of a header only."""

    web_status: Annotated[Flag, Autobahn(True)] = False
    """Whether a plain HTTP request is answered with a status page; else with 426.

    Default: false, since the page tells strangers what runs here. Autobahn: true."""

    require_masked_client_frames: Flag = True
    """Whether a client frame without a mask fails the connection with 1002.

    Default: true, as RFC 6455, section 5.1, demands."""

    mask_server_frames: Flag = False
    """Whether frames to clients are masked.

    Default: false, since RFC 6455, section 5.1, forbids it and clients fail the connection."""

    per_message_compression_accept: Annotated[
        Callable[[list[Any]], Any] | None, WithJsonSchema({"type": "null"})
    ] = None
    """A function that gets the client's list of compression offers and returns what to accept, or
    ``None``. It is asked once for each handshake with an offer that is known here.

    Default: none, since compression costs memory on each connection and time on each message."""

    serve_flash_socket_policy: Flag = False
    """Whether a Flash policy request is answered where a handshake is expected.

    Default: false, since Flash is gone."""

    flash_socket_policy: Annotated[str, AfterValidator(_check_policy)] = (
        "<cross-domain-policy>\n"
        '     <allow-access-from domain="*" to-ports="*" />\n'
        "</cross-domain-policy>\0"
    )
    """The answer to a Flash policy request, which ends in NUL.

    Default: Autobahn's, which lets everybody in; it is sent only if that is switched on."""

    allowed_origins: Annotated[
        Sequence[Annotated[str, Field(min_length=1), AfterValidator(check_origin)]],
        AfterValidator(as_tuple),
    ] = ("*",)
    """Which pages may connect, as origins ``scheme://host:port`` in which ``*`` stands for
    anything: ``"https://example.com"``, ``"*://*.example.com:*"``, ``"capacitor://localhost"``.
    Without a port, an entry means its scheme's own. The entry ``"same-origin"`` stands for pages
    that come from where they connect to: from the host and port in their Host header. An entry that
    no origin can match is an error. A handshake from elsewhere is refused; one without an Origin
    header does not come from a page, and passes.

    Default: every page, since only you know yours. Set it wherever cookies or the network
    address of a browser let people in."""

    @cached_property
    def allowed_origins_patterns(self) -> tuple[re.Pattern[str], ...]:
        """``allowed_origins``, compiled to match a normalised origin in full."""
        return tuple(map(origin_pattern, filter(SAME_ORIGIN.__ne__, self.allowed_origins)))

    allow_null_origin: Annotated[Flag, Autobahn(True)] = False
    """Whether the origins ``null`` and ``file:`` may connect, which no wildcard matches.

    Default: false, since any page can get that origin through a sandboxed frame. Autobahn: true."""

    max_connections: Annotated[int, counted("connections")] = 0
    """How many connections there may be at once, those in their handshake included; one more is
    refused with 503. 0 is unlimited.

    Default: 0, since the right number depends on memory and on the system's limit for files."""

    trust_x_forwarded_for: Annotated[int, counted("proxies")] = 0
    """How many proxies in front of this server are trusted: the peer's address becomes the one
    that many places from the right in X-Forwarded-For. 0 does not read the header.

    Default: 0, since without such a proxy the client itself writes that header."""
