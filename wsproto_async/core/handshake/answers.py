"""Every response of a server that is not a 101. The connection ends after each of them.

A refused upgrade must never leave the connection open: a proxy might believe that it became a
WebSocket and pass whatever follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from ...errors import HandshakeError, OptionError
from ..http1 import reason_phrase, render_head, shown
from .fields import host_port

__all__ = [
    "error_response",
    "html_response",
    "redirect_response",
    "redirect_wish",
    "response",
    "safe_location",
    "status_page",
]

_UNFIT: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MAX_REASON: Final = 512
_MAX_DELAY: Final = 86400
_URL_SAFE: Final = "!$%&()*+,-./:;=?@_~"


def response(
    status: int,
    fields: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    reason: str | None = None,
) -> bytes:
    """A whole response, with ``Connection: close`` and ``Content-Length`` unless given.

    Args:
        status: 200 to 999; 1xx would tell the client that more follows.
        fields: headers, in order.
        body: octets behind the head.
        reason: text of the status line instead of the standard phrase. Line ends and other
            controls become spaces; it is cut to 512 characters.

    Raises:
        OptionError: the status is out of range, or a header cannot be sent.
    """
    if not 200 <= status <= 999:
        raise OptionError(f"HTTP status must be 200 to 999, not {status}")
    lines = list(fields)
    given = {name.lower() for name, _ in lines}
    if "connection" not in given:
        lines.append(("Connection", "close"))
    if "content-length" not in given and status != 204:
        lines.append(("Content-Length", str(len(body))))
    phrase = reason_phrase(status) if reason is None else _UNFIT.sub(" ", reason)[:_MAX_REASON]
    return render_head(f"HTTP/1.1 {status} {phrase}", lines) + body


def error_response(
    status: int, reason: str | None, fields: Iterable[tuple[str, str]] = ()
) -> bytes:
    """The refusal of a handshake, without a body; the reason is the text of the status line."""
    return response(status, fields, reason=reason)


def html_response(html: str, *, server: str | None = None) -> bytes:
    """A 200 with a page in UTF-8."""
    fields = [("Server", server)] if server else []
    fields.append(("Content-Type", "text/html; charset=UTF-8"))
    return response(200, fields, html.encode())


def redirect_response(url: str, *, server: str | None = None) -> bytes:
    """A 303 to a URL.

    Raises:
        OptionError: see :func:`safe_location`.
    """
    fields = [("Server", server)] if server else []
    fields.append(("Location", safe_location(url)))
    return response(303, fields)


def safe_location(url: str) -> str:
    """A URL in the form that may stand in a header or a page: ASCII, percent-encoded.

    Args:
        url: absolute with scheme http or https, or relative; it may be an IRI (RFC 3987).

    Raises:
        OptionError: another scheme (``javascript:`` runs code), user information, a control
            character, or no URL at all.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise OptionError(f"redirect target {shown(url)} is not a URL") from None
    if _UNFIT.search(url) or not url.strip():
        raise OptionError(f"redirect target {shown(url)} is not a URL")
    if parts.scheme not in ("", "http", "https") or (parts.scheme and not host):
        raise OptionError(f"redirect target {shown(url)} must be relative or http(s)://host/...")
    if "@" in parts.netloc:
        raise OptionError(f"redirect target {shown(url)} must not have user information")
    tail = (quote(part, safe=_URL_SAFE) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, host_port(host, port) if host else "", *tail))


def redirect_wish(params: Mapping[str, Sequence[str]]) -> tuple[str | None, int | None]:
    """What the query of a plain request asks for.

    Returns:
        The URL of ``?redirect=URL`` made safe, or ``None``, and the seconds of ``&after=N``,
        or ``None`` for at once.

    Raises:
        HandshakeError: 400: the URL is refused, or the seconds are no number up to a day.
    """
    if "redirect" not in params:
        return None, None
    try:
        url = safe_location(params["redirect"][0])
    except OptionError as error:
        raise HandshakeError(str(error)) from None
    if "after" not in params:
        return url, None
    after = params["after"][0]
    digits = after.isascii() and after.isdigit() and len(after) <= 5
    if not digits or int(after) > _MAX_DELAY:
        raise HandshakeError(f"after must be seconds, 0 to {_MAX_DELAY}, not {shown(after)}")
    return url, int(after)


def status_page(server_name: str, redirect_url: str | None = None, redirect_after: int = 0) -> str:
    """An HTML page for people who open a WebSocket address in a browser.

    Args:
        server_name: name and version of the server.
        redirect_url: where the browser goes by itself.
        redirect_after: after how many seconds.

    Raises:
        OptionError: see :func:`safe_location`.
    """
    name = escape(server_name)
    refresh = ""
    if redirect_url:
        url = escape(safe_location(redirect_url))
        refresh = f'<meta http-equiv="refresh" content="{int(redirect_after)};URL=\'{url}\'">\n'
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n'
        f'<head>\n<meta charset="utf-8">\n{refresh}<title>{name}</title>\n</head>\n'
        f"<body>\n<h1>{name}</h1>\n"
        "<p>There is no page at this address. It is the endpoint of a WebSocket service;\n"
        "a WebSocket client can connect to it.</p>\n"
        "</body>\n</html>\n"
    )
