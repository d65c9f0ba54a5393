from __future__ import annotations

import pytest

from wsproto_async.core.handshake.proxy import connect_request, judge_connect
from wsproto_async.core.http1 import parse_response_head
from wsproto_async.errors import HandshakeError, OptionError


def test_connect_request() -> None:
    assert connect_request("example.org", 443) == (
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n"
    )
    assert connect_request("::1", 80, {"Proxy-Authorization": "Basic eDp5"}) == (
        b"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\nProxy-Authorization: Basic eDp5\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("host", "port", "fields"),
    [
        ("a\r\nX: y", 80, {}),
        ("a", 0, {}),
        ("a", 80, {"Host": "b"}),
        ("a", 80, {"Content-Length": "5"}),
        ("a", 80, {"X": "a\r\nb"}),
    ],
)
def test_bad_arguments(host: str, port: int, fields: dict[str, str]) -> None:
    with pytest.raises(OptionError):
        connect_request(host, port, fields)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 299\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
    ],
)
def test_tunnel(raw: bytes) -> None:
    judge_connect(parse_response_head(raw, max_headers=10))


@pytest.mark.parametrize(
    ("start", "text"),
    [
        ("407 x", r"407 - Proxy Authentication Required"),
        ("101 x", r"101 - Switching Protocols"),
        ("199 x", r"199 - Unknown"),
        ("300 x", r"300 - Multiple Choices"),
    ],
)
def test_refusal(start: str, text: str) -> None:
    raw = f"HTTP/1.1 {start}\r\nProxy-Authenticate: Basic\r\n\r\n".encode()
    head = parse_response_head(raw, max_headers=10)
    with pytest.raises(HandshakeError, match=rf"HTTP proxy connect failed \({text}\)") as caught:
        judge_connect(head)
    assert caught.value.status == head.status
    assert caught.value.headers == (("proxy-authenticate", "Basic"),)
