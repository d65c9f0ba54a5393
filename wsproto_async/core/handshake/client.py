"""The client's side: the request is written, then the response is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_letters, digits, punctuation
from typing import Final
from urllib.parse import quote

from ...constants import DEFAULT_SPEC_VERSION, SPEC_TO_PROTOCOL_VERSION
from ...errors import HandshakeError, OptionError
from ...types import ExtensionOffer
from ..extensions.header import parse_extensions
from ..http1 import Headers, ResponseHead, reason_phrase, render_head, shown
from .fields import (
    exactly_one,
    has_word,
    host_port,
    only_one,
    protocol_fault,
    refuse_body,
    required,
    shown_protocols,
    user_fields,
)
from .key import accept_token

__all__ = ["Accepted", "judge_response", "upgrade_request"]

_VISIBLE: Final = ascii_letters + digits + punctuation


@dataclass(slots=True)
class Accepted:
    """A 101 response that passed every check.

    ``subprotocol`` is one of those asked for, or ``None``; ``extensions`` are as the server wrote
    them: whether they were offered and fit is for the caller to see.
    """

    head: ResponseHead
    subprotocol: str | None
    extensions: list[ExtensionOffer]


def upgrade_request(
    *,
    host: str,
    port: int | None,
    resource: str,
    key: bytes,
    useragent: str | None = None,
    headers: Headers = (),
    origin: str | None = None,
    protocols: Sequence[str] = (),
    extensions: Sequence[str] = (),
    spec_version: int = DEFAULT_SPEC_VERSION,
) -> bytes:
    """The request of the opening handshake (RFC 6455, section 4.1).

    Args:
        host: name or address; IPv6 with or without brackets.
        port: written always, 80 and 443 too; ``None`` leaves it out (Unix sockets).
        resource: path and query; what is not visible ASCII is percent-encoded.
        key: of :func:`~wsproto_async.core.handshake.key.new_key`.
        useragent: User-Agent header, if not empty.
        headers: further headers, in order. A value that is a list gives a line for each element.
            ``Host``, ``User-Agent`` and ``Origin`` given here replace those of the arguments.
        origin: Origin header, if not empty.
        protocols: subprotocols, the preferred one first.
        extensions: offers, the preferred one first.
        spec_version: 10 to 18; it decides Sec-WebSocket-Version and the origin header's name.

    Raises:
        OptionError: an argument cannot be sent; the message names it.
    """
    if fault := protocol_fault(protocols):
        raise OptionError(f"protocols: {fault}")
    if spec_version not in SPEC_TO_PROTOCOL_VERSION:
        raise OptionError(f"version must be one of {sorted(SPEC_TO_PROTOCOL_VERSION)}")
    more = user_fields(headers)
    given = {name.lower() for name, _ in more}
    origin_name = "Origin" if spec_version > 10 else "Sec-WebSocket-Origin"

    fields: list[tuple[str, str]] = []
    if useragent and "user-agent" not in given:
        fields.append(("User-Agent", useragent))
    if "host" not in given:
        fields.append(("Host", host_port(host, port)))
    fields += (("Upgrade", "WebSocket"), ("Connection", "Upgrade"))
    fields += (("Pragma", "no-cache"), ("Cache-Control", "no-cache"))
    fields += more
    fields.append(("Sec-WebSocket-Key", key.decode("ascii")))
    if origin and origin_name.lower() not in given:
        fields.append((origin_name, origin))
    if protocols:
        fields.append(("Sec-WebSocket-Protocol", ",".join(protocols)))
    if extensions:
        fields.append(("Sec-WebSocket-Extensions", ", ".join(extensions)))
    fields.append(("Sec-WebSocket-Version", str(SPEC_TO_PROTOCOL_VERSION[spec_version])))
    return render_head(f"GET {_target(resource)} HTTP/1.1", fields)


def _target(resource: str) -> str:
    if not resource.startswith("/") or "#" in resource:
        raise OptionError(
            f"resource must begin with '/' and have no fragment, not {shown(resource)}"
        )
    return quote(resource, safe=_VISIBLE)


def judge_response(head: ResponseHead, *, key: bytes, protocols: Sequence[str]) -> Accepted:
    """Decide on the server's answer (RFC 6455, section 4.1, second list).

    Args:
        head: the response.
        key: the one that was sent.
        protocols: the subprotocols that were sent.

    Raises:
        HandshakeError: the connection must be dropped; it has the status and the headers.
    """
    if head.version != "HTTP/1.1":
        raise head.error(f"unsupported HTTP version {shown(head.version)}")
    if head.status != 101:
        raise head.error(_refused(head))
    refuse_body(head)
    upgrade = required(head, "Upgrade")
    if upgrade.lower() != "websocket":
        raise head.error(f"HTTP Upgrade header different from 'websocket': {shown(upgrade)}")
    connection = required(head, "Connection")
    if not has_word(connection, "upgrade"):
        raise head.error(f"HTTP Connection header does not include 'upgrade': {shown(connection)}")
    accept = exactly_one(head, "Sec-WebSocket-Accept")
    if accept != (expected := accept_token(key)):
        raise head.error(
            f"HTTP Sec-WebSocket-Accept header bogus value: expected {expected}, "
            f"got {shown(accept)}"
        )
    answer = only_one(head, "Sec-WebSocket-Extensions")
    try:
        extensions = parse_extensions(answer) if answer else []
    except HandshakeError as error:
        raise head.error(error.reason) from None
    return Accepted(head, _judge_subprotocol(head, protocols), extensions)


def _refused(head: ResponseHead) -> str:
    """What a response that is no 101 says; in the server's own words, too, if it has found some."""
    phrase = reason_phrase(head.status)
    text = f"WebSocket connection upgrade failed ({head.status} - {phrase})"
    return text if head.reason.lower() in ("", phrase.lower()) else f"{text}: {shown(head.reason)}"


def _judge_subprotocol(head: ResponseHead, protocols: Sequence[str]) -> str | None:
    subprotocol = only_one(head, "Sec-WebSocket-Protocol")
    if not subprotocol:
        return None
    if subprotocol not in protocols:
        raise head.error(
            f"subprotocol {shown(subprotocol)} selected by server is not one of those requested "
            f"by client: {shown_protocols(protocols)}"
        )
    return subprotocol
