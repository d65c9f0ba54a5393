"""The server's side: a request is judged, then answered with 101.

``judge_request`` makes its checks in Autobahn's order, and the first that fails decides the
status. What it does not know (how many connections there are, what ``onConnect`` says, which
compression offers parse) is judged by the caller in between.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from ...errors import HandshakeError, OptionError
from ...types import ExtensionOffer
from ..extensions.header import parse_extensions
from ..http1 import Headers, RequestHead, render_head, shown
from .fields import (
    exactly_one,
    has_word,
    is_host,
    only_one,
    parse_port,
    protocol_fault,
    refuse_body,
    required,
    shown_protocols,
    split_host,
    user_fields,
    words,
)
from .key import accept_token, key_fault
from .origin import is_allowed, parse_origin, same_origin

__all__ = [
    "PlainRequest",
    "ServerPolicy",
    "Upgrade",
    "accept_response",
    "choose_subprotocol",
    "forwarded_peer",
    "judge_request",
    "upgrade_required",
]


_LONGEST_PEER: Final = 80
"""Characters of what a proxy tells of a client that are kept."""


@dataclass(slots=True)
class ServerPolicy:
    """What a server lets in. The defaults are the contract's.

    Args:
        versions: values of Sec-WebSocket-Version that are spoken.
        external_port: the port that a Host header must name, if it names one.
        origin_patterns: compiled patterns for ``scheme://host:port``; ``None`` allows all. A
            request without Origin is always allowed.
        same_origin: whether pages of this server itself pass, whatever the patterns say.
        is_secure: whether the connection is TLS, for that.
        allow_null_origin: whether ``null`` and ``file:`` origins pass; patterns never decide that.
        web_status: whether a request without Upgrade is a :class:`PlainRequest`, not a 426.
    """

    versions: Collection[int] = (8, 13)
    external_port: int | None = None
    origin_patterns: Sequence[re.Pattern[str]] | None = None
    same_origin: bool = False
    is_secure: bool = False
    allow_null_origin: bool = True
    web_status: bool = True


@dataclass(slots=True)
class PlainRequest:
    """A good HTTP request that does not ask for an upgrade.

    ``path`` is as sent, not percent-decoded; ``params`` is the query, decoded, without blank
    values; ``host`` is the Host header without its port, IPv6 in its brackets.
    """

    head: RequestHead
    host: str
    port: int | None
    path: str
    params: dict[str, list[str]]


@dataclass(slots=True)
class Upgrade(PlainRequest):
    """A request for a WebSocket connection that passed every check.

    ``version`` is 8 or 13, ``origin`` the header as sent (``""`` without one); ``protocols`` and
    ``extensions`` are the client's offers in its order.
    """

    version: int
    origin: str
    protocols: list[str]
    extensions: list[ExtensionOffer]
    key: str


def judge_request(head: RequestHead, policy: ServerPolicy) -> Upgrade | PlainRequest:
    """Decide on an opening handshake (RFC 6455, section 4.2.1).

    Raises:
        HandshakeError: with the status to answer with, and the headers to add.
    """
    path, query = _split_target(head)
    host, port = _judge_host(head, policy.external_port)
    refuse_body(head)
    params = parse_qs(query) if query else {}

    if "upgrade" not in head.headers:
        if policy.web_status:
            return PlainRequest(head, host, port, path, params)
        raise upgrade_required(policy.versions)
    _judge_upgrade(head)
    version = _judge_version(head, policy.versions)
    protocols = words(head.headers.get("sec-websocket-protocol", ""))
    if fault := protocol_fault(protocols):
        raise HandshakeError(f"HTTP Sec-WebSocket-Protocol header: {fault}")
    origin = _judge_origin(head, version, policy, host, port)
    key = _judge_key(head)
    offers = only_one(head, "Sec-WebSocket-Extensions")
    extensions = parse_extensions(offers) if offers else []
    return Upgrade(head, host, port, path, params, version, origin, protocols, extensions, key)


def _split_target(head: RequestHead) -> tuple[str, str]:
    """Path and query of the request target; the host of an absolute one is not used."""
    target = head.target
    if target.startswith("/"):
        rest, _, fragment = target.partition("#")
        path, _, query = rest.partition("?")
    else:
        try:
            _, authority, path, query, fragment = urlsplit(target)
        except ValueError:
            authority = path = query = fragment = ""
        if not authority:
            raise HandshakeError(f"bad HTTP request target {shown(target)}")
    if fragment:
        raise HandshakeError(f"HTTP request target has a fragment {shown(fragment)}")
    return path or "/", query


def _judge_host(head: RequestHead, external_port: int | None) -> tuple[str, int | None]:
    value = exactly_one(head, "Host")
    host, port_text = split_host(value)
    if not (is_host(host) or is_host(f"[{host}]")):  # old clients leave IPv6 without brackets
        raise HandshakeError(f"invalid HTTP Host header {shown(value)}")
    if port_text is None:
        return host, None
    port = parse_port(port_text)
    if port is None:
        raise HandshakeError(f"invalid port {shown(port_text)} in HTTP Host header {shown(value)}")
    if external_port is not None and port != external_port:
        raise HandshakeError(
            f"port {port} in HTTP Host header {shown(value)} does not match server listening "
            f"port {external_port}"
        )
    return host, port


def _judge_upgrade(head: RequestHead) -> None:
    upgrade = head.headers["upgrade"]
    if not has_word(upgrade, "websocket"):
        raise HandshakeError(f"HTTP Upgrade header does not include 'websocket': {shown(upgrade)}")
    connection = required(head, "Connection")
    if not has_word(connection, "upgrade"):
        raise HandshakeError(
            f"HTTP Connection header does not include 'upgrade': {shown(connection)}"
        )


def _judge_version(head: RequestHead, versions: Collection[int]) -> int:
    value = only_one(head, "Sec-WebSocket-Version")
    if value is None:
        raise HandshakeError("HTTP Sec-WebSocket-Version header missing (Hixie-76 is not spoken)")
    digits = value.isascii() and value.isdigit() and len(value) <= 3
    if not digits or (value.startswith("0") and value != "0"):  # section 4.3
        raise HandshakeError(f"HTTP Sec-WebSocket-Version header is no number: {shown(value)}")
    version = int(value)
    if version not in versions:
        known = _version_header(versions)
        raise HandshakeError(
            f"WebSocket version {version} not supported (supported versions: {known[1]})",
            400,
            [known],
        )
    return version


def _judge_origin(
    head: RequestHead, version: int, policy: ServerPolicy, host: str, port: int | None
) -> str:
    text = only_one(head, "Origin" if version == 13 else "Sec-WebSocket-Origin")
    if text is None:
        return ""
    origin = parse_origin(text)
    if origin == "null":
        allowed = policy.allow_null_origin
    else:
        allowed = policy.origin_patterns is None or is_allowed(origin, policy.origin_patterns)
        if not allowed and policy.same_origin:
            allowed = same_origin(origin, host, port, policy.is_secure)
    if not allowed:
        raise HandshakeError(f"WebSocket connection denied: origin {shown(text)} not allowed")
    return text


def _judge_key(head: RequestHead) -> str:
    key = exactly_one(head, "Sec-WebSocket-Key")
    if fault := key_fault(key):
        raise HandshakeError(f"bad Sec-WebSocket-Key {shown(key)}: {fault}")
    return key


def upgrade_required(versions: Collection[int]) -> HandshakeError:
    """The refusal of a request without an upgrade (RFC 9110, section 15.5.22)."""
    fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade, close"),
        _version_header(versions),
    ]
    return HandshakeError("HTTP Upgrade header missing", 426, fields)


def _version_header(versions: Collection[int]) -> tuple[str, str]:
    return "Sec-WebSocket-Version", ",".join(map(str, sorted(versions, reverse=True)))


def choose_subprotocol(offered: Sequence[str], supported: Sequence[str]) -> str | None:
    """The first of ours that the client offers too, or ``None``."""
    return next((protocol for protocol in supported if protocol in offered), None)


def accept_response(
    upgrade: Upgrade,
    *,
    server: str | None = None,
    subprotocol: str | None = None,
    fields: Headers = (),
    extensions: Sequence[str] = (),
) -> bytes:
    """The 101 response (RFC 6455, section 4.2.2).

    Args:
        upgrade: the request.
        server: value of the Server header; none is sent when it is empty or ``None``.
        subprotocol: one of ``upgrade.protocols``, or ``None`` for none.
        fields: further headers, in order; see :func:`~wsproto_async.core.http1.header_lines`.
        extensions: what was agreed on, an element for each extension.

    Raises:
        OptionError: the subprotocol was not offered, or a header cannot be sent. The caller
            answers with 500.
    """
    lines = [("Server", server)] if server else []
    lines += (("Upgrade", "WebSocket"), ("Connection", "Upgrade"))
    lines += user_fields(fields)
    if subprotocol is not None:
        if subprotocol not in upgrade.protocols:
            raise OptionError(
                f"subprotocol {shown(subprotocol)} is not one of those the client offers: "
                f"{shown_protocols(upgrade.protocols)}"
            )
        lines.append(("Sec-WebSocket-Protocol", subprotocol))
    lines.append(("Sec-WebSocket-Accept", accept_token(upgrade.key)))
    if extensions:
        lines.append(("Sec-WebSocket-Extensions", ", ".join(extensions)))
    return render_head("HTTP/1.1 101 Switching Protocols", lines)


def forwarded_peer(header: str, trusted: int) -> str:
    """The client's address as told by the proxies in front of us, fit for a log. It never fails.

    Args:
        header: X-Forwarded-For, repeated ones joined.
        trusted: how many of our own proxies have added to it, 1 or more. Only what they have
            added counts: the address that many places from the right, or the leftmost.
    """
    parts = header.split(",")
    address = parts[max(len(parts) - trusted, 0)].strip(" \t")
    return ascii(address[:_LONGEST_PEER])[1:-1]
