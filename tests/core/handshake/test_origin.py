from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproto_async.core.handshake.origin import Origin, is_allowed, parse_origin, same_origin
from wsproto_async.errors import HandshakeError


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://a", Origin("http", "a", 80)),
        ("https://a", Origin("https", "a", 443)),
        ("HTTPS://Good.Com:8443", Origin("https", "good.com", 8443)),
        ("http://a/", Origin("http", "a", 80)),
        ("http://a/b:1", Origin("http", "a", 80)),
        ("http://[::1]", Origin("http", "[::1]", 80)),
        ("http://[::1]:8080", Origin("http", "[::1]", 8080)),
        ("ws://a", Origin("ws", "a", None)),
        ("chrome-extension://abc", Origin("chrome-extension", "abc", None)),
        ("null", "null"),
        ("NULL", "null"),
        ("file://", "null"),
        ("file:///home/me", "null"),
        ("FILE:/home/me", "null"),
    ],
)
def test_parse_origin(text: str, origin: object) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "http:", "http:a", "http://", "http:///a", "http://:80", "://a", "null://"),
        *("http://a:", "http://a:x", "http://a:+80", "http://a:8_0", "http://a:65536"),
        *("http://a:\u0668\u0660", "http://good.com@evil.com", "http://evil.com\\@good.com"),
        *("http://a b", "http://a http://b", "http://a?b", "http://a#b", "http://ä", "hä://a"),
        *("http://::1", "http://[::1", "http://::1]", "http://[a]b:1", "http://[good.com]"),
        "http://a\x85b",
    ],
)
def test_bad_origins(text: str) -> None:
    with pytest.raises(HandshakeError, match="Origin header invalid") as caught:
        parse_origin(text)
    assert caught.value.status == 400


@pytest.mark.parametrize("text", ["http://", "http://:80", "://a"])
def test_origins_without_a_host(text: str) -> None:
    with pytest.raises(HandshakeError, match="no host part in origin"):
        parse_origin(text)


@given(st.text())
def test_random_text_raises_only_handshake_error(text: str) -> None:
    for candidate in (text, "http://" + text):
        try:
            origin = parse_origin(candidate)
        except HandshakeError as error:
            reason = error.reason
            assert reason.isascii()
            assert reason.isprintable()
        else:
            assert origin == "null" or parse_origin(f"{origin.scheme}://{origin.host}")


def test_str_has_always_a_port() -> None:
    assert str(Origin("http", "a", 80)) == "http://a:80"
    assert str(Origin("ws", "a", None)) == "ws://a:None"


def test_is_allowed() -> None:
    patterns = [re.compile(r"http://a:80\Z"), re.compile(r".*://.*\.good\.com:.*\Z")]
    assert is_allowed(Origin("http", "a", 80), patterns)
    assert is_allowed(Origin("https", "www.good.com", 443), patterns)
    assert not is_allowed(Origin("http", "a", 8080), patterns)
    assert not is_allowed(Origin("https", "good.com", 443), patterns)
    assert not is_allowed(Origin("http", "a", 80), [])


@pytest.mark.parametrize(
    ("origin", "host", "port", "is_secure", "same"),
    [
        (Origin("http", "a", 80), "a", None, False, True),
        (Origin("http", "a", 80), "A", 80, False, True),
        (Origin("https", "a", 443), "a", None, True, True),
        (Origin("https", "a", 443), "a", 443, False, True),  # a proxy speaks TLS
        (Origin("https", "a", 443), "a", None, False, True),
        (Origin("https", "a", 443), "a", 80, False, False),
        (Origin("http", "a", 80), "a", None, True, False),
        (Origin("http", "a", 80), "a", 8080, False, False),
        (Origin("http", "b", 80), "a", 80, False, False),
        (Origin("ws", "a", 80), "a", 80, False, False),
    ],
)
def test_same_origin(
    origin: Origin, host: str, port: int | None, is_secure: bool, same: bool
) -> None:
    assert same_origin(origin, host, port, is_secure) is same
