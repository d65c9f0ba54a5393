"""Wildcards of ``allowed_origins``."""

from __future__ import annotations

import time

import pytest
from pydantic import ValidationError

from wsproto_async import ServerOptions
from wsproto_async.options.origins import origin_pattern


@pytest.mark.parametrize(
    ("wildcard", "origin", "matches"),
    [
        ("*", "https://example.com:443", True),
        ("*", "", True),
        ("https://example.com:443", "https://example.com:443", True),
        ("https://example.com:443", "https://example.com:4430", False),
        ("https://example.com:443", "xhttps://example.com:443", False),
        ("https://example.com:443", "https://example.com:443\n", False),
        ("https://example.com:*", "https://example.com:8443", True),
        ("https://*.example.com:443", "https://a.b.example.com:443", True),
        ("https://*.example.com:443", "https://example.com:443", False),
        ("*://*.example.com:*", "http://a.example.com:80", True),
        ("*://*.example.com:*", "http://a.example.com.evil.org:80", False),
        ("*a*a*", "xaxax", True),
        ("*a*a*", "xax", False),
        ("*ab", "abab", True),
        # Only the star is special.
        ("https://example.com:443", "https://exampleXcom:443", False),
        ("https://a?.com:443", "https://ab.com:443", False),
        ("https://a?.com:443", "https://a?.com:443", True),
        ("https://[ab].com:443", "https://a.com:443", False),
        ("http://[::1]:80", "http://[::1]:80", True),
        ("https://a+(b|c)$.com:443", "https://a+(b|c)$.com:443", True),
        ("https://a+(b|c)$.com:443", "https://aab.com:443", False),
        # Scheme and host do not tell case apart.
        ("HTTPS://Example.COM:443", "https://example.com:443", True),
        # Without a port, the scheme's own.
        ("https://example.com", "https://example.com:443", True),
        ("https://example.com", "https://example.com:8443", False),
        ("http://*.example.com", "http://a.example.com:80", True),
        ("http://[::1]", "http://[::1]:80", True),
        ("http://example.*", "http://example.org:8080", True),
        ("*://example.com", "https://example.com:443", False),
        # Pages of programs and of extensions have no port.
        ("capacitor://localhost", "capacitor://localhost:None", True),
        ("capacitor://localhost", "capacitor://localhost:80", False),
        ("chrome-extension://*", "chrome-extension://abc:None", True),
    ],
)
def test_matching(wildcard: str, origin: str, matches: bool) -> None:
    assert bool(origin_pattern(wildcard).match(origin)) is matches


@pytest.mark.parametrize(
    "entry",
    [
        *("*", "same-origin", "https://example.com", "https://example.com:8443", "http://[::1]:80"),
        *(
            "*://*.example.com:*",
            "*://example.com:8443",
            "https://*",
            "*example.com:443",
            "https:*",
        ),
        *("capacitor://localhost", "chrome-extension://abc", "app://.", "https://a.org:80*", "*80"),
    ],
)
def test_entries_that_can_match_are_taken(entry: str) -> None:
    assert ServerOptions(allowed_origins=[entry]).allowed_origins == (entry,)


@pytest.mark.parametrize(
    "entry",
    [
        *(
            "example.com",
            "localhost:8000",
            "*.example.com",
            "*://example.com",
            "null",
            "https//a.org",
        ),
        *("https://example.com/", "https://example.com:443/", "https://a.org/path", "https://"),
        *("https://*.a.org/", "https://a.org?b", "https://a.org#b", "https://a.org:x", "//a.org:1"),
    ],
)
def test_entries_that_cannot_match_are_refused(entry: str) -> None:
    with pytest.raises(ValidationError, match=r"should be an origin, such as https://example\.com"):
        ServerOptions(allowed_origins=[entry])


def test_a_hostile_origin_takes_no_time() -> None:
    """With an ordinary regular expression this takes longer than anybody waits."""
    pattern = origin_pattern("*a*a*a*a*a*:443")
    began = time.process_time()
    assert not pattern.match("a" * 20_000)
    assert time.process_time() - began < 1
