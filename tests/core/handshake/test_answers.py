from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproto_async.core.handshake.answers import (
    error_response,
    html_response,
    redirect_response,
    redirect_wish,
    response,
    safe_location,
    status_page,
)
from wsproto_async.core.http1 import parse_response_head
from wsproto_async.errors import HandshakeError, OptionError


def test_error_response() -> None:
    assert error_response(400, "no such thing") == (
        b"HTTP/1.1 400 no such thing\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )
    assert error_response(403, None).startswith(b"HTTP/1.1 403 Forbidden\r\n")


def test_error_response_with_headers() -> None:
    fields = [("Upgrade", "websocket"), ("Connection", "Upgrade, close")]
    assert error_response(426, "HTTP Upgrade header missing", fields) == (
        b"HTTP/1.1 426 HTTP Upgrade header missing\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade, close\r\nContent-Length: 0\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("a\r\nSet-Cookie: b", "a Set-Cookie: b"),
        ("a\n\n\nb\x0bc\x85d\u2028e\x1b[0m", "a b c d e [0m"),
        ("grün", "grün"),
        ("x" * 9999, "x" * 512),
        ("\ud800", " "),
        ("", ""),
    ],
)
def test_lesson_10_reasons_are_cleaned(reason: str, text: str) -> None:
    line = error_response(400, reason).decode().split("\r\n")[0]
    assert line == f"HTTP/1.1 400 {text}"


@given(st.integers(200, 999), st.text(), st.binary(max_size=20))
def test_any_reason_gives_a_whole_response(status: int, reason: str, body: bytes) -> None:
    raw = response(status, [("A", "b")], body, reason=reason)
    head_octets, separator, rest = raw.partition(b"\r\n\r\n")
    head = parse_response_head(head_octets + separator, max_headers=3)
    assert (head.status, rest) == (status, body)
    assert list(head.headers)[:2] == ["a", "connection"]


@pytest.mark.parametrize("status", [0, 101, 199, 1000, 1008])
def test_status_out_of_range(status: int) -> None:
    with pytest.raises(OptionError, match="HTTP status must be 200 to 999"):
        error_response(status, "x")


def test_response_headers_are_checked() -> None:
    with pytest.raises(OptionError, match="header A"):
        response(200, [("A", "b\r\nC: d")])


def test_204_has_no_length() -> None:
    assert response(204) == b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def test_a_length_that_is_given_is_the_only_one() -> None:
    raw = response(304, [("content-length", "9"), ("CONNECTION", "x")])
    assert raw == b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\nCONNECTION: x\r\n\r\n"


def test_html_response() -> None:
    assert html_response("<p>ä", server="me/1").decode() == (
        "HTTP/1.1 200 OK\r\nServer: me/1\r\nContent-Type: text/html; charset=UTF-8\r\n"
        "Connection: close\r\nContent-Length: 5\r\n\r\n<p>ä"
    )
    assert b"Server" not in html_response("")


def test_redirect_response() -> None:
    assert redirect_response("http://a/b", server="me/1") == (
        b"HTTP/1.1 303 See Other\r\nServer: me/1\r\nLocation: http://a/b\r\n"
        b"Connection: close\r\nContent-Length: 0\r\n\r\n"
    )
    assert b"Server" not in redirect_response("/b")


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("http://a/b?c=d#e", "http://a/b?c=d#e"),
        ("HTTP://A.Example:8080", "http://a.example:8080"),
        ("https://[::1]:1/", "https://[::1]:1/"),
        (
            "https://bücher.example/straße?ü#ö",
            "https://xn--bcher-kva.example/stra%C3%9Fe?%C3%BC#%C3%B6",
        ),
        ("/a b", "/a%20b"),
        ("/a%20b", "/a%20b"),
        ("a/b", "a/b"),
        ("?a=b", "?a=b"),
        ("//a/b", "//a/b"),
        ("/\"'<>`{}|^\\[]", "/%22%27%3C%3E%60%7B%7D%7C%5E%5C%5B%5D"),
        (" /a ", "/a%20"),
    ],
)
def test_safe_location(url: str, location: str) -> None:
    assert safe_location(url) == location


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x"),
        *("java\tscript:alert(1)", "java\nscript:alert(1)", "\x01javascript:alert(1)"),
        *("ftp://a/", "ws://a/", "file:///etc", "http:", "http:///a", "http:a", "a:80/b"),
        *("http://a\r\nSet-Cookie: b", "/a\nb", "/\x85", "", "  ", "http://[::1", "http://a:x/"),
        *("http://a:99999/", "http://good@evil/", "http://a b/", "http://a\\@b/", "/\ud800"),
    ],
)
def test_unsafe_locations(url: str) -> None:
    with pytest.raises(OptionError, match=r"redirect target|host"):
        safe_location(url)


@given(st.text())
def test_locations_are_harmless_or_refused(text: str) -> None:
    for url in (text, "http://" + text, "/" + text):
        try:
            location = safe_location(url)
        except OptionError:
            continue
        assert location.isascii()
        assert location.isprintable()
        assert not set(location) & set(" \"'<>\\")
        scheme, colon, _ = location.partition(":")
        assert not colon or scheme in ("http", "https") or not scheme.isalnum()


@pytest.mark.parametrize(
    ("params", "wish"),
    [
        ({}, (None, None)),
        ({"after": ["3"]}, (None, None)),
        ({"redirect": ["/a b", "/c"]}, ("/a%20b", None)),
        ({"redirect": ["http://a"], "after": ["0"]}, ("http://a", 0)),
        ({"redirect": ["http://a"], "after": ["86400", "x"]}, ("http://a", 86400)),
    ],
)
def test_redirect_wish(params: dict[str, list[str]], wish: tuple[str | None, int | None]) -> None:
    assert redirect_wish(params) == wish


@pytest.mark.parametrize(
    "params",
    [
        {"redirect": ["javascript:alert(1)"]},
        {"redirect": ["http://a b/"]},
        *[
            {"redirect": ["/"], "after": [after]}
            for after in (
                "x",
                "+5",
                "5_0",
                "-1",
                "1.5",
                "86401",
                "000001",
                "9" * 5000,
                "\u0665",
                " 5",
            )
        ],
    ],
)
def test_bad_wishes_are_a_400(params: dict[str, list[str]]) -> None:
    with pytest.raises(HandshakeError) as caught:
        redirect_wish(params)
    assert caught.value.status == 400
    assert caught.value.reason.isascii()


def test_status_page() -> None:
    page = status_page("<me> & 1")
    assert "<title>&lt;me&gt; &amp; 1</title>" in page
    assert '<meta charset="utf-8">\n<title>' in page


def test_status_page_with_redirect() -> None:
    page = status_page("me", "http://a/?b=c&d=\"'<script>", 5)
    assert (
        '<meta http-equiv="refresh" content="5;URL='
        "'http://a/?b=c&amp;d=%22%27%3Cscript%3E'\">" in page
    )
    assert 'content="0;URL=' in status_page("me", "http://a/")
    with pytest.raises(OptionError, match="redirect target"):
        status_page("me", "javascript:alert(1)")
