"""Reading header values, alike for both sides.

A function that refuses raises ``head.error(...)``: on a server that is a 400, on a client it
carries the status and the headers that were received.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address
from string import ascii_letters, digits
from typing import Final

from ...errors import OptionError
from ..http1 import Head, Headers, header_lines, shown

__all__ = [
    "BEARER",
    "MAX_PORT",
    "exactly_one",
    "has_word",
    "host_port",
    "is_host",
    "only_one",
    "parse_port",
    "protocol_fault",
    "refuse_body",
    "required",
    "shown_protocols",
    "split_host",
    "user_fields",
    "words",
]

BEARER: Final = "bearer"
"""The subprotocol behind which a page in a browser can send a token, for want of headers."""

MAX_PORT: Final = 65535

_NAME: Final = ascii_letters + digits + "-._~!$&()*+;=%"

_OURS: Final = frozenset(
    {
        "connection",
        "content-length",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "transfer-encoding",
        "upgrade",
    }
)


def words(value: str) -> list[str]:
    """The elements of a comma-separated list, without the empty ones (RFC 9110, 5.6.1)."""
    return [word for part in value.split(",") if (word := part.strip(" \t"))]


def has_word(value: str, word: str) -> bool:
    """Whether a comma-separated list has this element; ``word`` in lower case."""
    value = value.lower()
    return value == word or word in words(value)


def only_one(head: Head, name: str) -> str | None:
    """The value of a header that may be there once, or ``None``."""
    key = name.lower()
    if key in head.repeated:
        raise head.error(f"HTTP {name} header appears more than once")
    return head.headers.get(key)


def required(head: Head, name: str) -> str:
    """The value of a header that must be there."""
    value = head.headers.get(name.lower())
    if value is None:
        raise head.error(f"HTTP {name} header missing")
    return value


def exactly_one(head: Head, name: str) -> str:
    """The value of a header that must be there once."""
    only_one(head, name)
    return required(head, name)


def refuse_body(head: Head) -> None:
    """Refuse a handshake that announces a body: its octets would be taken for frames."""
    if "transfer-encoding" in head.headers:
        raise head.error("HTTP Transfer-Encoding header in an opening handshake")
    if head.headers.get("content-length", "").strip("0"):
        raise head.error("HTTP Content-Length header in an opening handshake must be 0")


def parse_port(text: str) -> int | None:
    """A port, 0 to 65535, from decimal digits; ``None`` for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        return None
    port = int(text)
    return port if port <= MAX_PORT else None


def is_host(text: str) -> bool:
    """Whether this can be a host: a name, an IPv4 address, or an IPv6 address in brackets."""
    if text.startswith("[") and text.endswith("]"):
        return _is_ipv6(text[1:-1])
    return bool(text) and not text.strip(_NAME)


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def split_host(authority: str) -> tuple[str, str | None]:
    """Host and port as written, the port ``None`` when there is no colon for it.

    An IPv6 address needs its brackets only where no port follows (old Autobahn clients leave
    them out): the last colon counts.
    """
    if ":" not in authority or authority.endswith("]"):
        return authority, None
    host, _, port = authority.rpartition(":")
    return host, port


def host_port(host: str, port: int | None) -> str:
    """``host:port`` as a Host header has it; only ``host`` if ``port`` is ``None``.

    An IPv6 address is put into brackets and loses its zone (RFC 6874, section 4), a name outside
    ASCII becomes its IDNA form.

    Raises:
        OptionError: the host is empty or cannot stand in a header, or the port is out of range.
    """
    if ":" in host and not host.startswith("["):
        written = f"[{host.partition('%')[0]}]"
    else:
        try:
            written = host.encode("idna").decode()
        except UnicodeError as error:
            raise OptionError(f"host {shown(host)} is not a valid name") from error
    if not is_host(written):
        raise OptionError(f"host must be a name or an address, not {shown(host)}")
    if port is None:
        return written
    if not 0 < port <= MAX_PORT:
        raise OptionError(f"port must be 1 to {MAX_PORT}, not {port}")
    return f"{written}:{port}"


def protocol_fault(protocols: Sequence[str]) -> str:
    """What is wrong with a list of subprotocols, or the empty string.

    The RFC asks for tokens; any visible ASCII is taken, because names such as
    ``"https://example.com/v1"`` are in use. They must differ.
    """
    for protocol in protocols:
        if not (protocol.isascii() and protocol.isprintable()) or not protocol.strip():
            return f"subprotocol {shown(protocol)} must consist of visible ASCII characters"
        if " " in protocol or "," in protocol:
            return f"subprotocol {shown(protocol)} must not have spaces or commas"
    seen: set[str] = set()
    for protocol in protocols:
        if protocol in seen:
            return f"duplicate subprotocol {shown(protocol)}"
        seen.add(protocol)
    return ""


def shown_protocols(protocols: Sequence[str]) -> list[str]:
    """Subprotocols for messages: without a token that follows ``bearer`` among them."""
    return [
        "***" if number and protocols[number - 1] == BEARER else protocol
        for number, protocol in enumerate(protocols)
    ]


def user_fields(headers: Headers, but: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Lines of the headers that a user adds to a handshake.

    Args:
        headers: what the user gave.
        but: more names, in lower case, that are not the user's to give.

    Raises:
        OptionError: a header that the handshake itself writes, or one with an unfit type.
    """
    lines = header_lines(headers)
    for name, _ in lines:
        if name.lower() in _OURS or name.lower() in but:
            raise OptionError(f"headers must not have {shown(name)}: the handshake sets it")
    return lines
