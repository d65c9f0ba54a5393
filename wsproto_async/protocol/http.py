"""Answers to plain HTTP requests, and to handshakes that are not wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.handshake.answers import response
from ..core.http1 import Headers, header_lines
from ..errors import OptionError, check_type

__all__ = ["HTTPResponse"]


@dataclass(slots=True)
class HTTPResponse:
    """What ``process_request`` and ``onHttpRequest`` return to answer a request themselves.

    The connection then closes.

    Args:
        status: 200 to 999.
        headers: a mapping, or pairs where one is to be repeated. ``Content-Length`` and
            ``Connection: close`` are added.
        body: octets.

    Raises:
        OptionError: an argument cannot be sent; the message names it.
    """

    status: int
    headers: Headers | None = None
    body: bytes = b""

    def __post_init__(self) -> None:
        check_type("status", self.status, int)
        check_type("body", self.body, bytes)
        if isinstance(self.headers, (str, bytes)):
            raise OptionError("headers must be a mapping or pairs, not text")
        if self.headers is not None and not isinstance(self.headers, Mapping):
            self.headers = list(self.headers)
        self.encode()

    def encode(self) -> bytes:
        """The whole response, as it goes over the wire."""
        return response(self.status, header_lines(self.headers or ()), self.body)
