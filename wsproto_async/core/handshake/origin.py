"""Origins (RFC 6454): parsed, normalised, matched."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_letters, digits
from typing import Final, Literal, NamedTuple

from ...errors import HandshakeError
from ..http1 import shown
from .fields import is_host, parse_port, split_host

__all__ = ["Origin", "is_allowed", "parse_origin", "same_origin"]

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_SCHEME: Final = ascii_letters + digits + "+-."


class Origin(NamedTuple):
    """An origin: scheme and host in lower case, IPv6 in brackets."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        """``scheme://host:port``; ``None`` stands for a port that nobody can know."""
        return f"{self.scheme}://{self.host}:{self.port}"


def parse_origin(text: str) -> Origin | Literal["null"]:
    """Read an Origin header.

    ``null`` in any case and every ``file:`` origin give ``"null"``. A missing port is that of the
    scheme for http and https. A path behind the host is ignored.

    Raises:
        HandshakeError: 400: there is no host, or the text is not an origin.
    """
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if (scheme == "null" and not separator) or scheme == "file" or scheme.startswith("file:"):
        return "null"
    host, port_text = split_host(rest.partition("/")[0])
    if not host or not scheme:
        raise HandshakeError(f"HTTP Origin header invalid: no host part in origin {shown(text)}")
    port = _DEFAULT_PORTS.get(scheme) if port_text is None else parse_port(port_text)
    if scheme.strip(_SCHEME) or not is_host(host) or (port is None and port_text is not None):
        raise HandshakeError(f"HTTP Origin header invalid: {shown(text)}")
    return Origin(scheme, host.lower(), port)


def is_allowed(origin: Origin, patterns: Iterable[re.Pattern[str]]) -> bool:
    """Whether one of the patterns matches ``scheme://host:port``."""
    text = str(origin)
    return any(pattern.match(text) for pattern in patterns)


def same_origin(origin: Origin, host: str, port: int | None, is_secure: bool) -> bool:
    """Whether a page of this origin came from the server it now connects to.

    Args:
        origin: where the page came from.
        host: the host that the request's Host header names, IPv6 in brackets.
        port: the port it names, ``None`` for the default.
        is_secure: whether the connection is ``wss`` here; if not, it may still be that to the
            browser, with a proxy in between that speaks TLS, so that pages of both schemes fit.
    """
    if origin.scheme not in _DEFAULT_PORTS or (is_secure and origin.scheme != "https"):
        return False
    if port is None:
        port = _DEFAULT_PORTS[origin.scheme]
    return origin.host == host.lower() and origin.port == port
