"""Small things that applications use, under the names of Autobahn's contract."""
# ruff: noqa: N802, N803

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, overload
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from .errors import OptionError, WebSocketError, check_type

__all__ = [
    "InvalidURL",
    "Stopwatch",
    "WebSocketURL",
    "create_url",
    "encode_truncate",
    "hide_user",
    "newid",
    "parseHttpHeader",
    "parse_cookies",
    "parse_url",
    "to_json",
    "wildcards2patterns",
]

BLANKS = " \t"
"""What may surround a header's value (RFC 9110, section 5.6.3); Unicode knows more blanks."""

_ESCAPED = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))")


class InvalidURL(WebSocketError, ValueError):
    """It is no WebSocket URL; the message says why."""


class WebSocketURL(NamedTuple):
    """The parts of a WebSocket URL (RFC 6455, section 3), in Autobahn's order."""

    is_secure: bool
    """Whether the scheme is ``wss``."""
    host: str
    """In lower case; an IPv6 address without brackets, its zone behind a plain ``%``; ``"unix"``
    for a Unix socket."""
    port: int | str
    """1 to 65535; the path of a Unix socket."""
    resource: str
    """What the request asks for: path and query as they are in the URL."""
    path: str
    """The path, percent-decoded."""
    params: dict[str, list[str]]
    """The query, percent-decoded; without blank values."""


def parse_url(url: str) -> WebSocketURL:
    """Take a WebSocket URL apart.

    ``ws://unix:/path/to/socket`` is a Unix socket, whose path is asked for in the request too
    unless another one follows behind a second colon. User and password are passed over here;
    ``connect`` shows them to the server.

    Args:
        url: with scheme ``ws`` or ``wss``, a host, and no fragment.

    Raises:
        InvalidURL: it is not such a URL.
    """
    check_type("url", url, str)
    if not url.isprintable():  # urlsplit() would drop CR, LF and TAB without a word
        raise InvalidURL(f"a URL must not contain control characters: {hide_user(url)!r}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, None if parts.hostname == "unix" else parts.port
    except ValueError as error:
        raise InvalidURL(f"{error}: {hide_user(url)!r}") from None
    if parts.scheme not in ("ws", "wss"):
        raise InvalidURL(f"the scheme of a WebSocket URL is ws or wss: {hide_user(url)!r}")
    if not host:
        raise InvalidURL(f"a WebSocket URL needs a host: {hide_user(url)!r}")
    if port == 0:
        raise InvalidURL(f"invalid port 0: {hide_user(url)!r}")
    if parts.fragment:
        raise InvalidURL(f"a WebSocket URL has no fragment: {hide_user(url)!r}")
    if host != "unix" and " " in url:
        raise InvalidURL(f"blanks in a URL are written %20: {hide_user(url)!r}")
    if ":" in host:  # the zone of an IPv6 address (RFC 6874); a bare % is understood, too
        host = re.sub("%25(?=.)", "%", host, count=1)
    is_secure = parts.scheme == "wss"
    path = parts.path or "/"
    address: int | str = port or _default_port(is_secure)
    if host == "unix":
        place = parts.netloc.rpartition("@")[2] + parts.path  # a password has a colon before it
        address, colon, rest = place.partition(":")[2].partition(":")
        if not address:
            raise InvalidURL(
                f"a Unix socket has a path, ws://unix:/path/to/socket: {hide_user(url)!r}"
            )
        if colon:
            path = "/" + rest.removeprefix("/")
    return WebSocketURL(
        is_secure,
        host,
        address,
        f"{path}?{parts.query}" if parts.query else path,
        unquote(path),
        parse_qs(parts.query),
    )


def parse_cookies(header: str) -> dict[str, str]:
    """The cookies in a Cookie header (RFC 6265, section 5.4).

    Servers cannot choose what is in it, since a browser sends what others have set, too: what is
    no cookie is passed over. Of several with one name the first counts, which has the longest path.
    """
    cookies: dict[str, str] = {}
    for part in header.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            cookies.setdefault(name.strip(BLANKS), _cookie_value(value.strip(BLANKS)))
    return cookies


def _cookie_value(value: str) -> str:
    """A cookie's value, out of its quotes as Python's own ``http.cookies`` writes them.

    That takes the square of the backslashes in it to read them (CVE-2024-7592).
    """
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return _ESCAPED.sub(lambda each: chr(int(each[1], 8)) if each[1] else each[2], value[1:-1])


def hide_user(url: str) -> str:
    """A URL for messages: without user and password."""
    return re.sub(r"(?<=//)[^/?#]*@", "***@", url, count=1)


def _default_port(is_secure: bool) -> int:
    return 443 if is_secure else 80


def create_url(
    hostname: str,
    port: int | str | None = None,
    isSecure: bool = False,
    path: str | None = None,
    params: Mapping[str, str | Sequence[str]] | None = None,
) -> str:
    """Put a WebSocket URL together. The port is always written.

    Args:
        hostname: host name or address, an IPv6 address in brackets; or ``"unix"``.
        port: 0 to 65535; None for 80, or 443 with ``isSecure``. For ``"unix"`` the socket's path.
        isSecure: ``wss`` or ``ws``.
        path: not percent-encoded; a missing leading slash is added.
        params: the query, not percent-encoded; a sequence of values repeats its parameter.

    Raises:
        OptionError: an argument is of a wrong type or out of range.
    """
    check_type("hostname", hostname, str)
    check_type("isSecure", isSecure, bool)
    if hostname == "unix":
        check_type("port", port, str)
    elif port is None:
        port = _default_port(isSecure)
    else:
        check_type("port", port, int)
        if not 0 <= int(port) <= 65535:
            raise OptionError(f"port must be 0 to 65535, not {port}")
    check_type("path", path, str, type(None))
    scheme = "wss" if isSecure else "ws"
    target = quote("/" + (path or "").removeprefix("/"))
    if hostname == "unix":
        target = f":{target}" if path else ""
    query = f"?{urlencode(params, doseq=True)}" if params else ""
    return f"{scheme}://{hostname}:{port}{target}{query}"


@overload
def encode_truncate(
    text: None, limit: int, encoding: str = ..., return_encoded: bool = ...
) -> None: ...


@overload
def encode_truncate(
    text: str, limit: int, encoding: str = ..., return_encoded: Literal[True] = ...
) -> bytes: ...


@overload
def encode_truncate(
    text: str, limit: int, encoding: str = ..., *, return_encoded: Literal[False]
) -> str: ...


@overload
def encode_truncate(
    text: str | None, limit: int, encoding: str = ..., return_encoded: bool = ...
) -> str | bytes | None: ...


def encode_truncate(
    text: str | None, limit: int, encoding: str = "utf8", return_encoded: bool = True
) -> str | bytes | None:
    """The longest beginning of ``text`` that has at most ``limit`` octets when encoded.

    Args:
        text: may be None.
        limit: octets; no code point is cut.
        encoding: name of the encoding.
        return_encoded: whether to return octets or text.

    Returns:
        The beginning, or None for None.

    Raises:
        OptionError: the limit is negative.
    """
    if limit < 0:
        raise OptionError(f"limit must not be negative: {limit}")
    if text is None:
        return None
    encoded = text[:limit].encode(encoding)  # a code point has at least one octet
    if len(encoded) > limit:
        encoded = encoded[:limit].decode(encoding, "ignore").encode(encoding)
    return encoded if return_encoded else encoded.decode(encoding)


def newid(length: int = 16) -> str:
    """A random, unguessable word.

    Args:
        length: characters, each with 6 bits of randomness; they are those of base64.
    """
    return base64.b64encode(secrets.token_bytes(length)).decode()[:length]


def wildcards2patterns(wildcards: Iterable[str]) -> list[re.Pattern[str]]:
    """Regular expressions for wildcards, in which ``*`` stands for anything, also nothing.

    The expressions are anchored: to be used with ``match`` or ``fullmatch``.
    """
    return [
        re.compile(rf"\A{'.*'.join(map(re.escape, wildcard.split('*')))}\Z", re.DOTALL)
        for wildcard in wildcards
    ]


def parseHttpHeader(data: bytes) -> tuple[str, dict[str, str], dict[str, int]]:
    """Take an HTTP head apart, leniently. The protocol itself uses a strict parser.

    Lines end with CRLF and nothing else. What is no header line, or the continuation of one, is
    ignored.

    Args:
        data: the head, in ISO-8859-1.

    Returns:
        The first line; the headers, names in lower case, repeated ones joined by ``", "``; how
        often each of them was there.
    """
    first, *lines = data.decode("iso-8859-1").split("\r\n")
    values: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if name and colon and not line.startswith((" ", "\t")):
            values.setdefault(name.strip(BLANKS).lower(), []).append(value.strip(BLANKS))
    headers = {name: ", ".join(found) for name, found in values.items()}
    return first.strip(BLANKS), headers, {name: len(found) for name, found in values.items()}


class Stopwatch:
    """Measures time, in seconds.

    Args:
        start: whether it runs from the beginning; if not, :meth:`resume` starts it.
        clock: tells the time in seconds.
    """

    __slots__ = ("_clock", "_elapsed", "_started")

    def __init__(self, start: bool = True, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._elapsed = 0.0
        self._started = clock() if start else None

    def elapsed(self) -> float:
        """How long it has been running in all."""
        running = 0.0 if self._started is None else self._clock() - self._started
        return self._elapsed + running

    def pause(self) -> float:
        """Hold it; returns :meth:`elapsed`."""
        self._elapsed = self.elapsed()
        self._started = None
        return self._elapsed

    def resume(self) -> float:
        """Let it go on; returns :meth:`elapsed`."""
        if self._started is None:
            self._started = self._clock()
        return self.elapsed()

    def stop(self) -> float:
        """Hold it and set it to zero; returns what :meth:`elapsed` was."""
        elapsed = self.pause()
        self._elapsed = 0.0
        return elapsed


def to_json(value: object) -> str:
    """``value`` as JSON text, whatever it is.

    Octets become hexadecimal digits; an object that is not JSON becomes what its ``__json__()``
    returns, or else its ``repr``.
    """
    try:
        return json.dumps(_plain(value))
    except RecursionError:  # it contains itself
        return json.dumps(repr(value))


def _plain(value: object) -> object:
    """``value`` in the types that JSON knows."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return value.hex()
    if isinstance(value, Mapping):
        return {
            name if isinstance(name, str) else str(_plain(name)): _plain(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not isinstance(value, type) and hasattr(value, "__json__"):
        return _plain(value.__json__())
    return repr(value)
