from __future__ import annotations

from typing import Any

import pytest

from wsproto_async.core.handshake.client import Accepted, judge_response, upgrade_request
from wsproto_async.core.handshake.server import (
    ServerPolicy,
    Upgrade,
    accept_response,
    judge_request,
)
from wsproto_async.core.http1 import ResponseHead, parse_request_head, parse_response_head
from wsproto_async.errors import HandshakeError, OptionError

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
ARGUMENTS: dict[str, Any] = {"host": "h", "port": 80, "resource": "/", "key": KEY}


def lines(**changes: Any) -> list[str]:
    raw = upgrade_request(**{**ARGUMENTS, **changes})
    assert raw.endswith(b"\r\n\r\n")
    return raw.decode()[:-4].split("\r\n")


def head(*more: str, drop: str = "", start: str = "HTTP/1.1 101 x", **change: str) -> ResponseHead:
    fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT}
    fields.update(change)
    text = [start, *more, *[f"{n}: {v}" for n, v in fields.items() if n != drop], "", ""]
    return parse_response_head("\r\n".join(text).encode("latin-1"), max_headers=100)


# --- the request ----------------------------------------------------------------------------------


def test_shortest_request() -> None:
    assert lines() == [
        "GET / HTTP/1.1",
        "Host: h:80",
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]


def test_request_in_order() -> None:
    assert lines(
        port=443,
        resource="/a?b=c",
        useragent="me/1",
        headers={"Cookie": "x=ä", "X": ["1", "2"]},
        origin="http://a",
        protocols=["p", "q"],
        extensions=["permessage-deflate; client_max_window_bits", "x"],
    ) == [
        "GET /a?b=c HTTP/1.1",
        "User-Agent: me/1",
        "Host: h:443",
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        "Cookie: x=ä",
        "X: 1",
        "X: 2",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Origin: http://a",
        "Sec-WebSocket-Protocol: p,q",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x",
        "Sec-WebSocket-Version: 13",
    ]


@pytest.mark.parametrize(
    ("spec_version", "origin", "version"),
    [(10, "Sec-WebSocket-Origin", 8), (11, "Origin", 8), (12, "Origin", 8), (13, "Origin", 13)],
)
def test_spec_versions(spec_version: int, origin: str, version: int) -> None:
    sent = lines(spec_version=spec_version, origin="http://a")
    assert sent[-2:] == [f"{origin}: http://a", f"Sec-WebSocket-Version: {version}"]


@pytest.mark.parametrize(
    ("host", "port", "field"),
    [("::1", 9, "[::1]:9"), ("[::1]", 9, "[::1]:9"), ("localhost", None, "localhost")],
)
def test_host_header(host: str, port: int | None, field: str) -> None:
    assert lines(host=host, port=port)[1] == f"Host: {field}"


def test_headers_of_the_user_replace_ours() -> None:
    sent = lines(
        useragent="me", origin="http://a", headers={"host": "x", "User-Agent": "y", "ORIGIN": "z"}
    )
    assert [line for line in sent if line[:2].lower() in ("ho", "us", "or")] == [
        "host: x",
        "User-Agent: y",
        "ORIGIN: z",
    ]


@pytest.mark.parametrize(
    ("resource", "target"), [("/ä b", "/%C3%A4%20b"), ("/%20?a=[]{}'\"", "/%20?a=[]{}'\"")]
)
def test_resource_is_quoted_where_it_must_be(resource: str, target: str) -> None:
    assert lines(resource=resource)[0] == f"GET {target} HTTP/1.1"


def test_resource_cannot_break_out() -> None:
    assert lines(resource="/\r\nX: y")[0] == "GET /%0D%0AX:%20y HTTP/1.1"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"resource": ""}, "resource must begin with '/'"),
        ({"resource": "http://a"}, "resource must begin with '/'"),
        ({"resource": "/#a"}, "no fragment"),
        ({"host": "a\r\nX: y"}, "host"),
        ({"port": 0}, "port must be 1 to 65535"),
        ({"useragent": "a\nb"}, "header User-Agent"),
        ({"origin": "a\nb"}, "header Origin"),
        ({"headers": {"X": "a\nb"}}, "header X"),
        ({"headers": {"Sec-WebSocket-Key": "a"}}, "must not have 'Sec-WebSocket-Key'"),
        ({"protocols": ["a", "a"]}, "protocols: duplicate"),
        ({"protocols": ["a,b"]}, "protocols: .*commas"),
        ({"extensions": ["a\nb"]}, "header Sec-WebSocket-Extensions"),
        ({"spec_version": 9}, r"version must be one of \[10, "),
    ],
)
def test_bad_arguments(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError, match=text):
        lines(**changes)


# --- the response ---------------------------------------------------------------------------------


def test_accepted() -> None:
    response = head()
    assert judge_response(response, key=KEY, protocols=["p"]) == Accepted(response, None, [])


def test_accepted_with_everything() -> None:
    response = head(
        "Sec-WebSocket-Protocol: q",
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
        Upgrade="WebSocket",
        Connection="keep-alive, upgrade",
    )
    verdict = judge_response(response, key=KEY, protocols=["p", "q"])
    assert verdict.subprotocol == "q"
    assert verdict.extensions == [("permessage-deflate", {"server_no_context_takeover": [True]})]


def test_empty_subprotocol_is_none() -> None:
    response = head("Sec-WebSocket-Protocol:")
    assert judge_response(response, key=KEY, protocols=[]).subprotocol is None


CHECKS: list[tuple[int, ResponseHead, str]] = [
    (2, head(start="HTTP/1.0 101 x"), "unsupported HTTP version 'HTTP/1.0'"),
    (4, head(start="HTTP/1.1 404 NOT FOUND"), r"upgrade failed \(404 - Not Found\)$"),
    (4, head(start="HTTP/1.1 200"), r"upgrade failed \(200 - OK\)$"),
    (4, head(start="HTTP/1.1 503 too many"), r"\(503 - Service Unavailable\): 'too many'$"),
    (5, head("Content-Length: 3"), "Content-Length"),
    (5, head("Transfer-Encoding: chunked"), "Transfer-Encoding"),
    (5, head(drop="Upgrade"), "Upgrade header missing"),
    (5, head(Upgrade="websocket, h2c"), "different from 'websocket'"),
    (5, head("Upgrade: websocket"), "different from 'websocket'"),
    (6, head(drop="Connection"), "Connection header missing"),
    (6, head(Connection="close"), "does not include 'upgrade'"),
    (7, head(drop="Sec-WebSocket-Accept"), "Accept header missing"),
    (7, head(f"Sec-WebSocket-Accept: {ACCEPT}"), "Accept header appears more than once"),
    (7, head(**{"Sec-WebSocket-Accept": "x"}), f"expected {ACCEPT}, got 'x'".replace("+", r"\+")),
    (7, head(**{"Sec-WebSocket-Accept": ACCEPT.lower()}), "bogus value"),
    (8, head("Sec-WebSocket-Extensions: a", "Sec-WebSocket-Extensions: b"), "Extensions header"),
    (9, head("Sec-WebSocket-Extensions: a b"), "Extensions"),
    (10, head("Sec-WebSocket-Protocol: p", "Sec-WebSocket-Protocol: p"), "Protocol header appears"),
    (10, head("Sec-WebSocket-Protocol: q"), r"subprotocol 'q' .* requested by client: \['p'\]"),
]


@pytest.mark.parametrize(("number", "response", "text"), CHECKS)
def test_check(number: int, response: ResponseHead, text: str) -> None:
    with pytest.raises(HandshakeError, match=text) as caught:
        judge_response(response, key=KEY, protocols=["p"])
    assert caught.value.status == response.status
    assert caught.value.headers == response.fields


def test_both_sides_agree() -> None:
    raw = upgrade_request(
        **{**ARGUMENTS, "host": "::1"},
        origin="http://[::1]",
        protocols=["p", "q"],
        extensions=["x; a=1"],
    )
    request = judge_request(parse_request_head(raw, max_headers=20), ServerPolicy())
    assert isinstance(request, Upgrade)
    assert (request.host, request.port, request.protocols) == ("[::1]", 80, ["p", "q"])
    answer = accept_response(request, subprotocol="q", extensions=["x; a=1"])
    verdict = judge_response(
        parse_response_head(answer, max_headers=20), key=KEY, protocols=["p", "q"]
    )
    assert (verdict.subprotocol, verdict.extensions) == ("q", [("x", {"a": ["1"]})])
