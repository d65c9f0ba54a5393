"""Redirects: where a server sends a client, and whether that is an origin of its own."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urldefrag, urljoin

from ..core.handshake.fields import host_port
from ..core.http1 import shown
from ..errors import HandshakeError, OptionError
from ..util import InvalidURL, WebSocketURL, parse_url

__all__ = ["is_same_origin", "redirect_url"]

STATUSES: Final = (301, 302, 303, 307, 308)
"""Statuses that send a GET elsewhere (RFC 9110, section 15.4)."""

SCHEMES: Final = {"http": "ws", "https": "wss"}
USER: Final = re.compile(r"(?<=//)[^/?#]*@")


def redirect_url(error: HandshakeError, url: str) -> str | None:
    """The URL that an answer redirects to; None where it is no redirect.

    Args:
        error: what the answer became.
        url: what was asked for; a relative redirect begins there.

    Raises:
        HandshakeError: it leads where nobody must be led: from TLS to plain TCP, to a Unix
            socket, or to what is no URL of a WebSocket or of HTTP.
    """
    locations = {value for name, value in error.headers if name.lower() == "location"}
    if error.status not in STATUSES or not locations:
        return None
    location = locations.pop()
    try:
        target = urldefrag(urljoin(url, _decoded(location))).url
        scheme, _, rest = target.partition(":")
        scheme = SCHEMES.get(scheme.lower(), scheme)
        # Whatever user the server names, it is none of ours.
        target = USER.sub("", f"{scheme}:{rest}", count=1)
        before, after = parse_url(url), parse_url(target)
        if after.host != "unix":
            host_port(after.host, None)
    except (InvalidURL, OptionError, ValueError):
        raise _refused(error, location, "which is not a URL of a WebSocket") from None
    if locations:
        raise _refused(error, location, "and elsewhere, too")
    if "unix" in (before.host, after.host):
        raise _refused(error, location, "and Unix sockets have nothing to do with redirects")
    if before.is_secure and not after.is_secure:
        raise _refused(error, location, "which is not encrypted while this is")
    return target


def _decoded(location: str) -> str:
    """A URL as UTF-8, as most outside ASCII are, although heads are read as ISO-8859-1."""
    try:
        return location.encode("latin-1").decode()
    except UnicodeError:
        return location


def _refused(error: HandshakeError, location: str, why: str) -> HandshakeError:
    return HandshakeError(
        f"refused to follow a redirect with {error.status} to {shown(location)}, {why}",
        error.status,
        error.headers,
    )


def is_same_origin(one: WebSocketURL, other: WebSocketURL) -> bool:
    """Whether two URLs have scheme, host and port in common (RFC 6454, section 4)."""
    return (one.is_secure, one.host, one.port) == (other.is_secure, other.host, other.port)
