"""HTTP/1.1 heads: found in the stream, read by llhttp, written by one writer.

Nothing here knows WebSocket. Reading is strict: lines end in CRLF and nothing else, there is no
folding, and what llhttp does not take, nobody gets to see. Octets above 0x7f are legal in values
(RFC 9110, section 5.5); they are decoded as ISO-8859-1, never as a line end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import httptools

from ..errors import HandshakeError, OptionError, StateError

__all__ = [
    "Head",
    "HeadReader",
    "Headers",
    "RequestHead",
    "ResponseHead",
    "header_lines",
    "parse_request_head",
    "parse_response_head",
    "reason_phrase",
    "render_head",
    "shown",
]

Headers = Mapping[str, object] | Iterable[tuple[str, object]]
"""Headers as users give them: see :func:`header_lines`."""

_END: Final = b"\r\n\r\n"
_HTTP: Final = b"HTTP/"
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NEVER: Final = bytes({*range(1, 32), 127} - set(b"\t\r\n"))
"""Octets that no head has (RFC 9110, section 5.5). NUL, too, but Flash's policy request ends in
one; llhttp refuses it."""
_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")


class HeadReader:
    """Finds the end of one HTTP head in octets that come in pieces.

    Args:
        max_size: octets the head may have, the blank line included.
        is_client: the head is a response; then errors carry no status to answer with.
    """

    __slots__ = ("_buffer", "_done", "_has_line", "_is_client", "_max_size", "rest")

    rest: bytes
    """What came behind the head; empty until there is one."""

    def __init__(self, max_size: int, *, is_client: bool = False) -> None:
        self._buffer = bytearray()
        self._done = False
        self._has_line = is_client
        self._is_client = is_client
        self._max_size = max_size
        self.rest = b""

    @property
    def buffered(self) -> bytes:
        """The octets read so far, while the head is not complete."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> bytes | None:
        """Take the next octets; each is looked at once, however small the pieces.

        Returns:
            The head with its blank line as soon as it is complete, else ``None``.

        Raises:
            HandshakeError: 431 when the head is too large, 400 as soon as it has a control
                character, a line that does not end in CRLF, or a first line that is no request's
                (a client that waits for an answer to that would wait in vain). A response that
                does not begin as one, too: servers of other protocols speak first, and then wait.
            StateError: the head was complete before, or was refused.
        """
        if self._done:
            raise StateError("this HeadReader has come to its end")
        buffer = self._buffer
        known = len(buffer)
        buffer += data
        end = buffer.find(_END, max(known - 3, 0), self._max_size)
        self._check_lines(known, len(buffer) if end < 0 else end + 4)
        if self._is_client and not buffer.startswith(_HTTP[: len(buffer)]):
            line = buffer.partition(b"\r\n")[0].decode("latin-1")
            raise self._refusal(f"bad HTTP response status line {shown(line)}", 0)
        self._check_request_line(known)
        if end < 0:
            if len(buffer) >= self._max_size:
                raise self._refusal(f"HTTP head is larger than {self._max_size} octets", 431)
            return None
        head = bytes(buffer[: end + 4])
        self.rest = bytes(buffer[end + 4 :])
        self._finish()
        return head

    def _check_lines(self, known: int, end: int) -> None:
        """Give up on a head that cannot become right, looking only at what is new."""
        buffer, end = self._buffer, min(end, self._max_size)
        new = buffer[known:end]
        if len(new.translate(None, _NEVER)) != len(new):
            raise self._refusal("HTTP head has a control character", 400)
        before = max(known - 1, 0)
        ends = buffer.count(b"\r\n", before, end)
        # A CR that came last may still get its LF.
        if buffer.count(b"\n", known, end) != ends or buffer.count(b"\r", before, end - 1) != ends:
            raise self._refusal("HTTP head has a line that does not end in CRLF", 400)

    def _check_request_line(self, known: int) -> None:
        """Give up on other protocols when their first line has come, in a server."""
        if self._has_line:
            return
        end = self._buffer.find(b"\r\n", max(known - 1, 0), self._max_size)
        if end >= 0:
            self._has_line = True
            line = self._buffer[:end].decode("latin-1")
            if not _is_request_line(line):
                raise self._refusal(f"bad HTTP request line {shown(line)}", 400)

    def _refusal(self, reason: str, status: int) -> HandshakeError:
        self._finish()
        return HandshakeError(reason, 0 if self._is_client else status)

    def _finish(self) -> None:
        self._done = True
        self._buffer = bytearray()


@dataclass(slots=True)
class Head:
    """What a request and a response have in common. Text is ISO-8859-1.

    ``fields`` are the header lines in order, names in lower case; ``headers`` has the values of
    a repeated name joined by ``", "``, and ``repeated`` says which names those are.
    """

    raw: bytes
    status_line: str
    version: str
    fields: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    repeated: frozenset[str]

    def error(self, reason: str) -> HandshakeError:
        """The exception that refuses this head, to be raised by the caller."""
        return HandshakeError(reason)


@dataclass(slots=True)
class RequestHead(Head):
    """The head of an HTTP request. ``version`` is ``"HTTP/1.1"``, ``method`` ``"GET"``."""

    method: str
    target: str


@dataclass(slots=True)
class ResponseHead(Head):
    """The head of an HTTP response. ``version`` is ``"HTTP/1.1"`` or ``"HTTP/1.0"``."""

    status: int
    reason: str

    def error(self, reason: str) -> HandshakeError:
        return HandshakeError(reason, self.status, self.fields)


def parse_request_head(raw: bytes, *, max_headers: int) -> RequestHead:
    """Read the head of a GET request.

    Args:
        raw: the head with its blank line, as :class:`HeadReader` gives it.
        max_headers: header lines it may have.

    Raises:
        HandshakeError: 400 for what is not HTTP, 405 for any method but GET, 505 for any
            version but HTTP/1.1, 431 for too many header lines.
    """
    line = _start_line(raw, "request", 400)
    if not _is_request_line(line):
        raise HandshakeError(f"bad HTTP request line {shown(line)}")
    method, target, version = line.split(" ")
    if method != "GET":
        raise HandshakeError(f"HTTP method {shown(method)} not allowed", 405, [("Allow", "GET")])
    if version != "HTTP/1.1":
        raise HandshakeError(f"unsupported HTTP version {shown(version)}", 505)
    if raw.count(b"\r\n") - 2 > max_headers:
        raise HandshakeError(f"HTTP request has more than {max_headers} headers", 431)
    collector = _Collector()
    if error := collector.run(httptools.HttpRequestParser(collector), raw):
        raise HandshakeError(f"HTTP request cannot be parsed: {error}")
    headers, repeated = _joined(collector.fields)
    return RequestHead(
        raw, line, version, tuple(collector.fields), headers, repeated, method, target
    )


def parse_response_head(raw: bytes, *, max_headers: int) -> ResponseHead:
    """Read the head of a response, of whatever status.

    Args:
        raw: the head with its blank line, as :class:`HeadReader` gives it.
        max_headers: header lines it may have.

    Raises:
        HandshakeError: it is not HTTP/1.1 or HTTP/1.0; the status is 0.
    """
    line = _start_line(raw, "response", 0)
    version, _, rest = line.partition(" ")
    code, _, reason = rest.partition(" ")
    if not code:
        raise HandshakeError(f"bad HTTP response status line {shown(line)}", 0)
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise HandshakeError(f"unsupported HTTP version {shown(version)}", 0)
    if len(code) != 3 or not (code.isascii() and code.isdigit()) or code < "100":
        raise HandshakeError(f"bad HTTP status code {shown(code)}", 0)
    if raw.count(b"\r\n") - 2 > max_headers:
        raise HandshakeError(f"HTTP response has more than {max_headers} headers", 0)
    collector = _Collector()
    if error := collector.run(httptools.HttpResponseParser(collector), raw):
        raise HandshakeError(f"HTTP response cannot be parsed: {error}", 0)
    headers, repeated = _joined(collector.fields)
    return ResponseHead(
        raw, line, version, tuple(collector.fields), headers, repeated, int(code), reason
    )


class _Collector:
    """Takes the header lines from llhttp."""

    __slots__ = ("complete", "fields")

    def __init__(self) -> None:
        self.complete = False
        self.fields: list[tuple[str, str]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.decode("ascii").lower(), value.decode("latin-1").strip(" \t")))

    def on_headers_complete(self) -> None:
        self.complete = True

    def run(
        self, parser: httptools.HttpRequestParser | httptools.HttpResponseParser, raw: bytes
    ) -> str:
        """What is wrong with the head, or the empty string.

        An error that comes when all headers are read is llhttp's way to stop at an upgrade.
        """
        message = "it is incomplete"
        try:
            parser.feed_data(raw)
        except (httptools.HttpParserUpgrade, httptools.HttpParserError) as error:
            message = str(error)
        return "" if self.complete else message


def _start_line(raw: bytes, kind: str, status: int) -> str:
    if raw.find(_END) != len(raw) - 4:
        raise HandshakeError(f"HTTP {kind} head must end at its first blank line", status)
    return raw[: raw.find(b"\r\n")].decode("latin-1")


def _is_request_line(line: str) -> bool:
    """Whether there are a method, a target and a version, whatever they are."""
    words = line.split(" ")
    return len(words) == 3 and "" not in words


def _joined(fields: list[tuple[str, str]]) -> tuple[dict[str, str], frozenset[str]]:
    headers = dict(fields)
    if len(headers) == len(fields):  # as nearly always
        return headers, frozenset()
    values: dict[str, list[str]] = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    return (
        {name: ", ".join(parts) for name, parts in values.items()},
        frozenset(name for name, parts in values.items() if len(parts) > 1),
    )


def header_lines(headers: Headers) -> list[tuple[str, str]]:
    """Header lines from what users give.

    Args:
        headers: a mapping, or pairs. A value may be a string (one line), another iterable (a
            line for each element, as several cookies need), or anything else (its ``str()``).

    Raises:
        OptionError: a name is not a string, or a value is ``bytes``.
    """
    lines: list[tuple[str, str]] = []
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        if not isinstance(name, str):
            raise OptionError(f"the name of an HTTP header must be a str, not {name!r}")
        if isinstance(value, str):
            lines.append((name, value))
            continue
        for item in value if isinstance(value, Iterable) else (value,):
            if isinstance(value, bytes | bytearray | memoryview) or isinstance(item, bytes):
                raise OptionError(f"HTTP header {shown(name)} must have a str value, not bytes")
            lines.append((name, str(item)))
    return lines


def render_head(start_line: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """Write a head with its blank line, in UTF-8. Every head we send is written here.

    Raises:
        OptionError: a name is not a token, or a value or the start line has a control character
            other than a tab; the message names the header.
    """
    lines = [start_line]
    lines += [f"{_token(name)}: {value}" for name, value in fields]
    if not "".join(lines).isprintable():  # rules out all controls at once; the rest may be a tab
        for line in lines:
            if _CONTROL.search(line):
                raise _control_error(line, is_start=line is start_line)
    lines += ("", "")
    return "\r\n".join(lines).encode()


@lru_cache(256)
def _token(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise OptionError(f"HTTP header name {shown(name)} must be a token (RFC 9110, 5.6.2)")
    return name


def _control_error(line: str, *, is_start: bool) -> OptionError:
    where = "start line" if is_start else f"header {line.partition(':')[0]}"
    return OptionError(f"HTTP {where} must not have control characters: {shown(line)}")


def reason_phrase(status: int) -> str:
    """The standard phrase of a status (RFC 9110, section 15), else ``"Unknown"``."""
    return _PHRASES.get(status, "Unknown")


def shown(text: str) -> str:
    """Text of unknown origin, fit for a message: quoted, escaped to ASCII, cut to 80 characters."""
    return ascii(text if len(text) <= 80 else text[:80] + "...")
