"""The proxy that a client goes through."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from ..errors import OptionError
from ..util import WebSocketURL
from .credentials import basic

__all__ = ["Proxy", "find_proxy", "parse_proxy"]

PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks5": 1080, "socks5h": 1080}
"""Schemes of proxies, and their usual ports."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy.

    Args:
        scheme: ``http`` or ``https`` (CONNECT), or one of SOCKS.
        host: name or address, an IPv6 address without brackets.
        port: its port.
        user, password: credentials, which only the proxy gets; None for none.
    """

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    def __str__(self) -> str:
        return f"proxy {self.scheme}://{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"<{self}>"  # without the password

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, not HTTP."""
        return self.scheme.startswith("socks")

    @property
    def headers(self) -> dict[str, str]:
        """What goes to the proxy, and to nobody else (RFC 9110, section 11.7.2)."""
        if self.user is None:
            return {}
        return {"Proxy-Authorization": basic(self.user, self.password or "")}


def parse_proxy(url: str) -> Proxy:
    """Read the URL of a proxy.

    Raises:
        OptionError: it is not ``http://``, ``https://`` or ``socks5://``, or has no host. The
            message does not show the password.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError:
        raise OptionError("proxy must be a URL such as http://user:password@host:port") from None
    if parts.scheme not in PORTS:
        schemes = ", ".join(PORTS)
        raise OptionError(f"proxy must have one of the schemes {schemes}, not {parts.scheme!r}")
    if not parts.hostname:
        raise OptionError("proxy must have a host: http://host:port")
    return Proxy(
        parts.scheme,
        parts.hostname,
        port or PORTS[parts.scheme],
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
    )


def find_proxy(url: WebSocketURL) -> Proxy | None:
    """The proxy that the environment names for a URL (``wss_proxy``, ``https_proxy``, ...).

    None where ``no_proxy`` excludes it, and for this machine itself, which a proxy elsewhere
    cannot reach.

    Raises:
        OptionError: the environment names something that is no proxy.
    """
    if url.host == "unix" or _is_here(url.host) or proxy_bypass(f"{url.host}:{url.port}"):
        return None
    known = getproxies()
    own = ("wss", "https") if url.is_secure else ("ws", "http")
    found = next((name for name in (*own, "socks", "all") if known.get(name)), None)
    if found is None:
        return None
    try:
        return parse_proxy(known[found])
    except OptionError as error:
        raise OptionError(f"{error} (from {found}_proxy; proxy=None connects directly)") from None


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
