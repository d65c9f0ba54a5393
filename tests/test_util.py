from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproto_async.errors import WebSocketError
from wsproto_async.util import (
    InvalidURL,
    Stopwatch,
    create_url,
    encode_truncate,
    hide_user,
    newid,
    parse_cookies,
    parse_url,
    parseHttpHeader,
    wildcards2patterns,
)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("ws://h", (False, "h", 80, "/", "/", {})),
        ("wss://h", (True, "h", 443, "/", "/", {})),
        ("WS://H:1/", (False, "h", 1, "/", "/", {})),
        ("ws://h:/x", (False, "h", 80, "/x", "/x", {})),
        ("ws://h:65535/", (False, "h", 65535, "/", "/", {})),
        ("wss://u:p@H/x", (True, "h", 443, "/x", "/x", {})),
        ("ws://[::1]:9/x", (False, "::1", 9, "/x", "/x", {})),
        ("ws://[FE80::1%25En0]:9/", (False, "fe80::1%En0", 9, "/", "/", {})),
        ("ws://[fe80::1%En0]/", (False, "fe80::1%En0", 80, "/", "/", {})),
        ("ws://[fe80::1%25]/", (False, "fe80::1%25", 80, "/", "/", {})),
        ("ws://a%25b/", (False, "a%25b", 80, "/", "/", {})),
        ("ws://h/#", (False, "h", 80, "/", "/", {})),
        ("ws://h/A%20b?x", (False, "h", 80, "/A%20b?x", "/A b", {})),
        ("ws://h?a=1&b=", (False, "h", 80, "/?a=1&b=", "/", {"a": ["1"]})),
        ("ws://h/?a=1&a=%C3%A9", (False, "h", 80, "/?a=1&a=%C3%A9", "/", {"a": ["1", "é"]})),
        ("ws://h//x;y", (False, "h", 80, "//x;y", "//x;y", {})),
        (
            "ws://unix:/tmp/x.sock",
            (False, "unix", "/tmp/x.sock", "/tmp/x.sock", "/tmp/x.sock", {}),
        ),
        ("wss://unix:/a b", (True, "unix", "/a b", "/a b", "/a b", {})),
        (
            "ws://unix:/tmp/x.sock:/w?a=1",
            (False, "unix", "/tmp/x.sock", "/w?a=1", "/w", {"a": ["1"]}),
        ),
        (
            "ws://ann:se:cret@unix:/tmp/x@y.sock:/w",
            (False, "unix", "/tmp/x@y.sock", "/w", "/w", {}),
        ),
        ("ws://unix:/tmp/x.sock:", (False, "unix", "/tmp/x.sock", "/", "/", {})),
    ],
)
def test_parse_url(url: str, parts: tuple[Any, ...]) -> None:
    assert parse_url(url) == parts


def test_parts_have_names() -> None:
    url = parse_url("wss://h:1/p%20q?a=1")
    assert (url.is_secure, url.host, url.port) == (True, "h", 1)
    assert (url.resource, url.path, url.params) == ("/p%20q?a=1", "/p q", {"a": ["1"]})


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://h", "scheme"),
        ("", "scheme"),
        ("h:80", "scheme"),
        ("ws:///x", "host"),
        ("ws://:80/x", "host"),
        ("ws://h:0/", "invalid port"),
        ("ws://h:65536/", "(?i)port"),
        ("ws://h:70000", "(?i)port"),
        ("ws://h:+80", "(?i)port"),
        ("ws://h:8_0", "(?i)port"),
        ("ws://[::1", "IPv6"),
        ("ws://h/#a", "fragment"),
        ("ws://h/a b", "%20"),
        (" ws://h/", "%20"),
        ("ws://h/\r\nX: y", "control"),
        ("ws://h/\tx", "control"),
        ("ws://unix:", "path"),
        ("ws://unix/x", "path"),
    ],
)
def test_parse_url_refuses(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse_url(url)
    assert isinstance(caught.value, InvalidURL)
    assert isinstance(caught.value, WebSocketError)
    assert "\r" not in str(caught.value)


def test_parse_url_refuses_octets() -> None:
    with pytest.raises(TypeError, match="url must be str, not bytes"):
        parse_url(b"ws://h")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        (("localhost",), "ws://localhost:80/"),
        (("localhost", None, True), "wss://localhost:443/"),
        (("localhost", None, False, "ws"), "ws://localhost:80/ws"),
        (("localhost", None, False, "/ws"), "ws://localhost:80/ws"),
        (("localhost", None, False, ""), "ws://localhost:80/"),
        (("h", 1, True, "a b?c", {"x": "y z"}), "wss://h:1/a%20b%3Fc?x=y+z"),
        (("h", 0, False, None, {"a": ["1", "2"], "b": ""}), "ws://h:0/?a=1&a=2&b="),
        (("h", 65535), "ws://h:65535/"),
        (("::1", 9), "ws://::1:9/"),
        (("[::1]", 9), "ws://[::1]:9/"),
        (("unix", "/tmp/x.sock"), "ws://unix:/tmp/x.sock"),
        (("unix", "/tmp/x.sock", True, "a", {"b": "c"}), "wss://unix:/tmp/x.sock:/a?b=c"),
    ],
)
def test_create_url(arguments: tuple[Any, ...], url: str) -> None:
    assert create_url(*arguments) == url


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("h", 65536), "port must be 0 to 65535"),
        (("h", -1), "port must be 0 to 65535"),
        (("h", "80"), "port must be int"),
        (("h", True), "port must be int"),
        (("h", 80.0), "port must be int"),
        (("h", 80, 1), "isSecure must be bool"),
        (("h", 80, False, b"/"), "path must be str"),
        ((None,), "hostname must be str"),
        (("unix",), "port must be str"),
        (("unix", 80), "port must be str"),
    ],
)
def test_create_url_refuses(arguments: tuple[Any, ...], what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        create_url(*arguments)


@given(
    st.sampled_from(["localhost", "127.0.0.1", "[::1]"]),
    st.integers(1, 65535),
    st.booleans(),
    st.text(st.characters(categories=["L", "N", "P", "S"])),
    st.dictionaries(st.text(max_size=3), st.lists(st.text(min_size=1), min_size=1), max_size=3),
)
def test_what_create_url_makes_parse_url_takes_apart(
    host: str, port: int, secure: bool, path: str, params: dict[str, list[str]]
) -> None:
    parts = parse_url(create_url(host, port, secure, "/" + path, params))
    assert parts[:3] == (secure, host.strip("[]"), port)
    assert parts[4:] == ("/" + path, params)


@pytest.mark.parametrize("arguments", [("unix", "/a.sock"), ("unix", "/a.sock", False, "b")])
def test_unix_sockets_there_and_back(arguments: tuple[Any, ...]) -> None:
    assert parse_url(create_url(*arguments)).port == "/a.sock"


def test_encode_truncate() -> None:
    whole = [encode_truncate("aé€", limit) for limit in range(7)]
    assert whole == [b"", b"a", b"a", "aé".encode(), "aé".encode(), "aé".encode(), "aé€".encode()]
    assert encode_truncate("aé", 2, return_encoded=False) == "a"
    assert encode_truncate("aé", 3, return_encoded=False) == "aé"
    assert encode_truncate("aé", 2, "latin-1") == b"a\xe9"
    assert encode_truncate("a\U0001f600", 5, "utf-16-le") == b"a\0"
    assert encode_truncate(None, 5) is None


@given(st.text(), st.integers(0, 60))
def test_encode_truncate_is_the_longest_beginning(text: str, limit: int) -> None:
    result = encode_truncate(text, limit)
    beginnings = [text[:n].encode() for n in range(len(text) + 1)]
    assert result == max((b for b in beginnings if len(b) <= limit), key=len)


def test_encode_truncate_refuses_a_negative_limit() -> None:
    with pytest.raises(ValueError, match="limit"):
        encode_truncate("a", -1)


@pytest.mark.parametrize("length", [0, 1, 5, 16, 100])
def test_newid(length: int) -> None:
    word = newid(length)
    assert re.fullmatch(r"[A-Za-z0-9+/]*", word)
    assert len(word) == length


def test_newid_is_random() -> None:
    assert len({newid() for _ in range(100)}) == 100
    assert len(newid()) == 16


@pytest.mark.parametrize(
    ("wildcard", "text", "matches"),
    [
        ("*", "http://a:80", True),
        ("*", "", True),
        ("*://*.example.com:*", "https://www.example.com:443", True),
        ("*://*.example.com:*", "https://wwwXexample.com:443", False),
        ("http://a:80", "http://a:80", True),
        ("http://a:80", "http://a:8000", False),
        ("http://a:80", "xhttp://a:80", False),
        ("http://a:80", "http://a:80\n", False),
        ("a+b", "a+b", True),
        ("a+b", "aab", False),
        ("a*", "a\nb", True),
    ],
)
def test_wildcards(wildcard: str, text: str, matches: bool) -> None:
    (pattern,) = wildcards2patterns([wildcard])
    assert (pattern.match(text) is not None) is matches


def test_parse_http_header() -> None:
    head = (
        b"GET /a HTTP/1.1 \r\nHost: h\r\nCookie:a\r\ncookie: b \r\n"
        b":none\r\nno colon\r\nX:\ty:z\t\r\nCaf\xe9: \xe9\r\n\r\n"
    )
    assert parseHttpHeader(head) == (
        "GET /a HTTP/1.1",
        {"host": "h", "cookie": "a, b", "x": "y:z", "café": "é"},
        {"host": 1, "cookie": 2, "x": 1, "café": 1},
    )


def test_parse_http_header_of_a_first_line_only() -> None:
    assert parseHttpHeader(b"HTTP/1.1 101 x") == ("HTTP/1.1 101 x", {}, {})


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\v", b"\f", b"\x1c", b"\x1d", b"\x1e", b"\x85"])
def test_only_crlf_ends_a_header_line(end: bytes) -> None:
    """CVE-2026-44546: other line ends made headers out of a value."""
    _, headers, counts = parseHttpHeader(b"GET / HTTP/1.1\r\nA: b" + end + b"Host: forged\r\n\r\n")
    assert headers == {"a": f"b{end.decode('latin-1')}Host: forged"}
    assert counts == {"a": 1}


@pytest.mark.parametrize("blank", [b" ", b"\t"])
def test_a_continued_line_is_no_header(blank: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nA: b\r\n" + blank + b"Host: forged\r\n\r\n"
    assert parseHttpHeader(head)[1] == {"a": "b"}


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


def test_stopwatch() -> None:
    clock = Clock()
    watch = Stopwatch(clock=clock)
    clock.now += 1
    assert watch.elapsed() == 1.0
    assert watch.pause() == 1.0
    clock.now += 5
    assert watch.pause() == 1.0
    assert watch.elapsed() == 1.0
    assert watch.resume() == 1.0
    clock.now += 2
    assert watch.resume() == 3.0
    assert watch.stop() == 3.0
    assert watch.elapsed() == 0.0
    assert watch.stop() == 0.0


def test_stopwatch_that_waits_for_its_start() -> None:
    clock = Clock()
    watch = Stopwatch(False, clock)
    clock.now += 1
    assert watch.elapsed() == 0.0
    watch.resume()
    clock.now += 1
    assert watch.elapsed() == 1.0


def test_stopwatch_has_a_clock_of_its_own() -> None:
    assert 0 <= Stopwatch().elapsed() < 60


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1; b=2;c=3", {"a": "1", "b": "2", "c": "3"}),
        ("a=1; a=2", {"a": "1"}),
        ("a=b=c==", {"a": "b=c=="}),
        ("a=; =b", {"a": "", "": "b"}),
        ('a="x y"; b="\\"z\\""', {"a": "x y", "b": '"z"'}),
        ("bad; {}: no, a=1; b=2", {"{}: no, a": "1", "b": "2"}),
        (" a = 1 ", {"a": "1"}),
        ('a="\\101\\400\\\\"; b="\\"; c="', {"a": "A400\\", "b": "\\", "c": '"'}),
        ("a=\xe4", {"a": "\xe4"}),
    ],
)
def test_cookies(header: str, cookies: dict[str, str]) -> None:
    assert parse_cookies(header) == cookies


def test_a_cookie_full_of_backslashes() -> None:
    """It takes no more than its length in time; the square would be minutes."""
    assert parse_cookies('a="' + "\\" * 1_000_000 + '"') == {"a": "\\" * 500_000}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://ann:secret@h/a@b", "ws://***@h/a@b"),
        ("ws://an@n:s@cret@h/", "ws://***@h/"),
        ("ws://h/a@b?c@d", "ws://h/a@b?c@d"),
        ("//ann@h", "//***@h"),
        ("secret", "secret"),
    ],
)
def test_hide_user(url: str, shown: str) -> None:
    assert hide_user(url) == shown
