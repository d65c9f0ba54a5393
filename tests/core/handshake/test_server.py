from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproto_async.core.handshake.server import (
    PlainRequest,
    ServerPolicy,
    Upgrade,
    accept_response,
    choose_subprotocol,
    forwarded_peer,
    judge_request,
)
from wsproto_async.core.http1 import RequestHead, parse_request_head
from wsproto_async.errors import HandshakeError, OptionError

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GOOD = {
    "Host": "h:9000",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


def head(
    *more: str,
    target: str = "/",
    drop: str | None = None,
    change: dict[str, str] | None = None,
) -> RequestHead:
    """A good request but for one header dropped, some changed, some lines added."""
    fields = {**GOOD, **(change or {})}
    lines = [f"GET {target} HTTP/1.1", *more]
    lines += [f"{name}: {value}" for name, value in fields.items() if name != drop]
    raw = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return parse_request_head(raw, max_headers=100)


def upgrade(request: RequestHead, **policy: Any) -> Upgrade:
    verdict = judge_request(request, ServerPolicy(**policy))
    assert isinstance(verdict, Upgrade)
    return verdict


def refused(request: RequestHead, **policy: Any) -> HandshakeError:
    with pytest.raises(HandshakeError) as caught:
        judge_request(request, ServerPolicy(**policy))
    assert caught.value.reason.isascii()
    assert caught.value.reason.isprintable()
    return caught.value


# --- what is accepted ---------------------------------------------------------------------------


def test_minimal_request() -> None:
    request = head()
    assert upgrade(request) == Upgrade(
        head=request,
        host="h",
        port=9000,
        path="/",
        params={},
        version=13,
        origin="",
        protocols=[],
        extensions=[],
        key=KEY,
    )


def test_full_request() -> None:
    request = head(
        "Sec-WebSocket-Protocol: a, b",
        "Sec-WebSocket-Protocol: c",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other; A=1",
        "Origin: https://Example.org",
        target="/a%20b;c?x=1&x=2&y=%C3%A4&z=",
    )
    verdict = upgrade(request)
    assert verdict.path == "/a%20b;c"
    assert verdict.params == {"x": ["1", "2"], "y": ["ä"]}
    assert verdict.origin == "https://Example.org"
    assert verdict.protocols == ["a", "b", "c"]
    assert verdict.extensions == [
        ("permessage-deflate", {"client_max_window_bits": [True]}),
        ("x-other", {"a": ["1"]}),
    ]


@pytest.mark.parametrize(
    ("target", "path", "params"),
    [
        ("/", "/", {}),
        ("//b/c", "//b/c", {}),
        ("/?", "/", {}),
        ("/a#", "/a", {}),
        ("/a?b=c#", "/a", {"b": ["c"]}),
        ("http://other", "/", {}),
        ("http://other?b=c", "/", {"b": ["c"]}),
        ("ws://other:1/a/b?c=d", "/a/b", {"c": ["d"]}),
    ],
)
def test_targets(target: str, path: str, params: dict[str, list[str]]) -> None:
    verdict = upgrade(head(target=target))
    assert (verdict.path, verdict.params) == (path, params)


@pytest.mark.parametrize(
    ("value", "host", "port"),
    [
        ("h", "h", None),
        ("example.org:80", "example.org", 80),
        ("my_host", "my_host", None),
        ("[::1]", "[::1]", None),
        ("[::1]:9000", "[::1]", 9000),
        ("::1:9000", "::1", 9000),
    ],
)
def test_hosts(value: str, host: str, port: int | None) -> None:
    verdict = upgrade(head(change={"Host": value}))
    assert (verdict.host, verdict.port) == (host, port)


def test_the_port_that_is_expected() -> None:
    assert upgrade(head(), external_port=9000).port == 9000
    assert upgrade(head(change={"Host": "h"}), external_port=9000).port is None


@pytest.mark.parametrize(
    "change",
    [
        {"Upgrade": "WebSocket"},
        {"Upgrade": "h2c, WEBSOCKET"},
        {"Connection": "keep-alive, Upgrade"},
        {"Connection": "upgrade,keep-alive"},
        {"Content-Length": "0"},
        {"X-Name": "J\xc3\xbcrgen"},
    ],
)
def test_tolerated(change: dict[str, str]) -> None:
    assert upgrade(head(change=change)).key == KEY


def test_connection_may_be_repeated() -> None:
    assert upgrade(head("Connection: keep-alive")).version == 13


def test_version_8_has_its_own_origin_header() -> None:
    request = head(
        "Sec-WebSocket-Origin: http://a",
        "Origin: http://b",
        change={"Sec-WebSocket-Version": "8"},
    )
    verdict = upgrade(request)
    assert (verdict.version, verdict.origin) == (8, "http://a")


@pytest.mark.parametrize(
    ("origin", "policy", "allowed"),
    [
        (None, {"origin_patterns": []}, True),
        ("http://a", {}, True),
        ("http://a", {"origin_patterns": []}, False),
        ("http://a", {"origin_patterns": [re.compile("http://a:80$")]}, True),
        ("http://a:81", {"origin_patterns": [re.compile("http://a:80$")]}, False),
        ("http://h:9000", {"origin_patterns": []}, False),
        ("http://h:9000", {"origin_patterns": [], "same_origin": True}, True),
        ("http://h:9001", {"origin_patterns": [], "same_origin": True}, False),
        ("http://h:9000", {"origin_patterns": [], "same_origin": True, "is_secure": True}, False),
        ("http://a", {"origin_patterns": [re.compile("http://a:")], "same_origin": True}, True),
        ("null", {"origin_patterns": []}, True),
        ("null", {"allow_null_origin": False}, False),
        ("file://", {"allow_null_origin": False}, False),
        ("null", {"origin_patterns": [re.compile(".*")], "allow_null_origin": False}, False),
    ],
)
def test_origins(origin: str | None, policy: dict[str, Any], allowed: bool) -> None:
    request = head(*[f"Origin: {origin}"] if origin else [])
    if allowed:
        assert upgrade(request, **policy).origin == (origin or "")
    else:
        error = refused(request, **policy)
        assert (error.status, error.headers) == (400, ())
        assert "not allowed" in error.reason


# --- what is refused, in the order of the checks --------------------------------------------------

V13 = ("Sec-WebSocket-Version", "13,8")
CHECKS: list[tuple[str, dict[str, Any], dict[str, Any], int, str]] = [
    ("4", {"target": "*"}, {}, 400, "bad HTTP request target '*'"),
    ("4", {"target": "http:///a"}, {}, 400, "bad HTTP request target"),
    ("4", {"target": "http://[::1/a"}, {}, 400, "bad HTTP request target"),
    ("5", {"target": "/a#b"}, {}, 400, "fragment 'b'"),
    ("5", {"target": "http://a/#b?c"}, {}, 400, "fragment 'b?c'"),
    ("6", {"drop": "Host"}, {}, 400, "Host header missing"),
    ("7", {"more": ["Host: h:9000"]}, {}, 400, "Host header appears more than once"),
    ("7", {"change": {"Host": ""}}, {}, 400, "invalid HTTP Host header ''"),
    ("7", {"change": {"Host": "<b>"}}, {}, 400, "invalid HTTP Host header '<b>'"),
    ("7", {"change": {"Host": "a, b"}}, {}, 400, "invalid HTTP Host header 'a, b'"),
    ("7", {"change": {"Host": "u@h"}}, {}, 400, "invalid HTTP Host header 'u@h'"),
    ("8", {"change": {"Host": "h:"}}, {}, 400, "invalid port '' in HTTP Host header 'h:'"),
    ("8", {"change": {"Host": "h:+80"}}, {}, 400, "invalid port '+80'"),
    ("8", {"change": {"Host": "h:8_0"}}, {}, 400, "invalid port '8_0'"),
    ("8", {"change": {"Host": "h:65536"}}, {}, 400, "invalid port '65536'"),
    ("9", {}, {"external_port": 80}, 400, "does not match server listening port 80"),
    ("body", {"change": {"Content-Length": "4"}}, {}, 400, "Content-Length"),
    ("body", {"change": {"Transfer-Encoding": "chunked"}}, {}, 400, "Transfer-Encoding"),
    ("10", {"drop": "Upgrade"}, {"web_status": False}, 426, "Upgrade header missing"),
    ("11", {"change": {"Upgrade": "h2c"}}, {}, 400, "does not include 'websocket': 'h2c'"),
    ("11", {"change": {"Upgrade": ""}}, {}, 400, "does not include 'websocket'"),
    ("12", {"drop": "Connection"}, {}, 400, "Connection header missing"),
    ("13", {"change": {"Connection": "close"}}, {}, 400, "does not include 'upgrade': 'close'"),
    ("14", {"drop": "Sec-WebSocket-Version"}, {}, 400, "Version header missing"),
    ("15", {"more": ["Sec-WebSocket-Version: 8"]}, {}, 400, "Version header appears more than"),
    ("16", {"change": {"Sec-WebSocket-Version": "x"}}, {}, 400, "no number: 'x'"),
    ("16", {"change": {"Sec-WebSocket-Version": "+13"}}, {}, 400, "no number"),
    ("16", {"change": {"Sec-WebSocket-Version": "1_3"}}, {}, 400, "no number"),
    ("16", {"change": {"Sec-WebSocket-Version": "013"}}, {}, 400, "no number"),
    ("16", {"change": {"Sec-WebSocket-Version": "00"}}, {}, 400, "no number"),
    ("16", {"change": {"Sec-WebSocket-Version": "0"}}, {}, 400, "version 0 not supported"),
    ("16", {"change": {"Sec-WebSocket-Version": "\xb9\xb3"}}, {}, 400, "no number"),
    ("16", {"change": {"Sec-WebSocket-Version": "9" * 5000}}, {}, 400, "no number"),
    ("16", {"change": {"Sec-WebSocket-Version": "1000"}}, {}, 400, "no number"),
    ("17", {"change": {"Sec-WebSocket-Version": "255"}}, {}, 400, "version 255 not supported"),
    (
        "17",
        {"change": {"Sec-WebSocket-Version": "14"}},
        {},
        400,
        "14 not supported (supported versions: 13,8)",
    ),
    ("18", {"change": {"Sec-WebSocket-Protocol": "a,b,a"}}, {}, 400, "duplicate subprotocol 'a'"),
    ("18", {"change": {"Sec-WebSocket-Protocol": "\xe4"}}, {}, 400, "visible ASCII"),
    ("18", {"change": {"Sec-WebSocket-Protocol": "a b"}}, {}, 400, "spaces"),
    ("19", {"more": ["Origin: http://a", "Origin: http://a"]}, {}, 400, "Origin header appears"),
    ("20", {"change": {"Origin": "http://"}}, {}, 400, "no host part"),
    ("20", {"change": {"Origin": ""}}, {}, 400, "no host part"),
    ("21", {"change": {"Origin": "http://a"}}, {"origin_patterns": []}, 400, "'http://a' not all"),
    ("22", {"drop": "Sec-WebSocket-Key"}, {}, 400, "Key header missing"),
    ("23", {"more": [f"Sec-WebSocket-Key: {KEY}"]}, {}, 400, "Key header appears more than once"),
    ("24", {"change": {"Sec-WebSocket-Key": "a"}}, {}, 400, "bad Sec-WebSocket-Key 'a': length"),
    ("25", {"change": {"Sec-WebSocket-Key": "a" * 24}}, {}, 400, "invalid base64 encoding"),
    ("26", {"change": {"Sec-WebSocket-Key": "*" * 22 + "=="}}, {}, 400, "bad character '*'"),
    ("27", {"more": ["Sec-WebSocket-Extensions: a"] * 2}, {}, 400, "Extensions header appears"),
    ("27", {"more": ["Sec-WebSocket-Extensions: a b"]}, {}, 400, "Extensions"),
]


@pytest.mark.parametrize(("number", "request_", "policy", "status", "text"), CHECKS)
def test_check(
    number: str, request_: dict[str, Any], policy: dict[str, Any], status: int, text: str
) -> None:
    more = request_.get("more", ())
    rest = {name: value for name, value in request_.items() if name != "more"}
    error = refused(head(*more, **rest), **policy)
    assert error.status == status
    assert text in error.reason


ORDER = [check for check in CHECKS if check[0] not in ("9", "body", "10", "21")]


def _merged(first: dict[str, Any], second: dict[str, Any]) -> RequestHead | None:
    if {"drop"} <= first.keys() & second.keys() or {"target"} <= first.keys() & second.keys():
        return None
    drop = first.get("drop", second.get("drop"))
    change = {**second.get("change", {}), **first.get("change", {})}
    more = [*first.get("more", ()), *second.get("more", ())]
    if drop in change or any(line.startswith(str(drop)) for line in more):
        return None
    target = first.get("target", second.get("target", "/"))
    return head(*more, target=target, drop=drop, change=change)


def test_the_first_check_wins() -> None:
    tried = 0
    for first, second in combinations(ORDER, 2):
        request = _merged(first[1], second[1])
        if request is not None and first[0] != second[0]:
            assert first[4] in refused(request).reason, (first, second)
            tried += 1
    assert tried > 600


def test_426_offers_the_upgrade_and_closes() -> None:
    error = refused(head(drop="Upgrade"), web_status=False)
    assert error.headers == (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade, close"),
        ("Sec-WebSocket-Version", "13,8"),
    )


def test_unsupported_version_names_the_supported_ones() -> None:
    error = refused(head(change={"Sec-WebSocket-Version": "8"}), versions={13})
    assert error.headers == (("Sec-WebSocket-Version", "13"),)
    assert refused(head(change={"Sec-WebSocket-Version": "0"})).headers == (V13,)


# --- plain requests -------------------------------------------------------------------------------


def test_plain_request() -> None:
    request = head(target="/s?redirect=http%3A%2F%2Fa&after=3", drop="Upgrade")
    verdict = judge_request(request, ServerPolicy())
    assert verdict == PlainRequest(
        request, "h", 9000, "/s", {"redirect": ["http://a"], "after": ["3"]}
    )
    assert not isinstance(verdict, Upgrade)


def test_plain_requests_must_pass_the_first_checks() -> None:
    request = head(drop="Upgrade", change={"Content-Length": "1"})
    assert refused(request).status == 400
    assert refused(head(drop="Upgrade"), external_port=1).status == 400


@given(st.binary(max_size=60), st.sampled_from(list(GOOD)))
def test_random_values_raise_only_handshake_error(noise: bytes, name: str) -> None:
    raw = b"GET / HTTP/1.1\r\n"
    for other, value in GOOD.items():
        raw += other.encode() + b": " + (noise if other == name else value.encode()) + b"\r\n"
    try:
        verdict = judge_request(parse_request_head(raw + b"\r\n", max_headers=10), ServerPolicy())
    except HandshakeError as error:
        status, reason = error.status, error.reason
        assert status in (400, 426)
        assert reason.isascii()
    else:
        assert isinstance(verdict, Upgrade)


# --- the 101 --------------------------------------------------------------------------------------


def test_shortest_response() -> None:
    assert accept_response(upgrade(head())) == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: WebSocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"\r\n"
    )


def test_response_in_order() -> None:
    verdict = upgrade(head("Sec-WebSocket-Protocol: a, b"))
    raw = accept_response(
        verdict,
        server="me/1",
        subprotocol="b",
        fields=[("X", "1"), ("Set-Cookie", ["a=ä", "b"]), ("X", 2)],
        extensions=["permessage-deflate", "x-other; a=1"],
    )
    assert raw.decode() == (
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Server: me/1\r\n"
        "Upgrade: WebSocket\r\n"
        "Connection: Upgrade\r\n"
        "X: 1\r\n"
        "Set-Cookie: a=ä\r\n"
        "Set-Cookie: b\r\n"
        "X: 2\r\n"
        "Sec-WebSocket-Protocol: b\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate, x-other; a=1\r\n"
        "\r\n"
    )


@pytest.mark.parametrize("subprotocol", ["c", "A", "", "a, b"])
def test_subprotocol_must_have_been_offered(subprotocol: str) -> None:
    verdict = upgrade(head("Sec-WebSocket-Protocol: a, b"))
    with pytest.raises(OptionError, match=r"not one of those the client offers: \['a', 'b'\]"):
        accept_response(verdict, subprotocol=subprotocol)


@pytest.mark.parametrize(
    "fields", [{"X": "a\r\nSet-Cookie: b"}, {"X y": "a"}, {"Upgrade": "h2c"}, {"X": b"a"}]
)
def test_bad_response_headers(fields: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=r"X|Upgrade"):
        accept_response(upgrade(head()), fields=fields)
    with pytest.raises(OptionError, match="Server"):
        accept_response(upgrade(head()), server="a\nb")


@pytest.mark.parametrize(
    ("offered", "supported", "chosen"),
    [
        (["a", "b"], ["b", "a"], "b"),
        (["a"], ["b"], None),
        ([], ["a"], None),
        (["a"], [], None),
    ],
)
def test_choose_subprotocol(offered: list[str], supported: list[str], chosen: str | None) -> None:
    assert choose_subprotocol(offered, supported) == chosen


@pytest.mark.parametrize(
    ("header", "trusted", "peer"),
    [
        ("1.1.1.1", 1, "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1", 1, "1.1.1.1"),
        ("6.6.6.6 ,\t1.1.1.1, 2.2.2.2", 2, "1.1.1.1"),
        ("1.1.1.1, 2.2.2.2", 3, "1.1.1.1"),
        ("", 1, ""),
        (",", 1, ""),
        ("\x9b31m\xff\\", 1, "\\x9b31m\\xff\\\\"),
        ("x" * 1000, 1, "x" * 80),
    ],
)
def test_forwarded_peer(header: str, trusted: int, peer: str) -> None:
    assert forwarded_peer(header, trusted) == peer
