from __future__ import annotations

import pytest

from wsproto_async.core.handshake.fields import (
    exactly_one,
    has_word,
    host_port,
    is_host,
    only_one,
    parse_port,
    protocol_fault,
    refuse_body,
    required,
    shown_protocols,
    split_host,
    user_fields,
    words,
)
from wsproto_async.core.http1 import RequestHead, parse_request_head, parse_response_head
from wsproto_async.errors import HandshakeError, OptionError


def head(*lines: str) -> RequestHead:
    raw = "".join(f"{line}\r\n" for line in ("GET / HTTP/1.1", *lines, "")).encode()
    return parse_request_head(raw, max_headers=100)


@pytest.mark.parametrize(
    ("value", "elements"),
    [
        ("", []),
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (" a\t, b ,,", ["a", "b"]),
        (",", []),
        ("a\x85,\xa0b", ["a\x85", "\xa0b"]),
    ],
)
def test_words(value: str, elements: list[str]) -> None:
    assert words(value) == elements


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("upgrade", True),
        ("Upgrade", True),
        ("keep-alive, Upgrade", True),
        ("keep-alive,UPGRADE , x", True),
        ("", False),
        ("upgrades", False),
        ("no upgrade", False),
        ("\x85upgrade", False),
    ],
)
def test_has_word(value: str, found: bool) -> None:
    assert has_word(value, "upgrade") is found


def test_only_one() -> None:
    assert only_one(head("A: b"), "A") == "b"
    assert only_one(head(), "A") is None
    with pytest.raises(HandshakeError, match="HTTP X-Me header appears more than once"):
        only_one(head("X-Me: a", "x-me: a"), "X-Me")


def test_required() -> None:
    assert required(head("X-Me:"), "X-Me") == ""
    with pytest.raises(HandshakeError, match="HTTP X-Me header missing"):
        required(head(), "X-Me")


def test_exactly_one() -> None:
    assert exactly_one(head("X-Me:"), "X-Me") == ""
    with pytest.raises(HandshakeError, match="HTTP X-Me header missing"):
        exactly_one(head(), "X-Me")
    with pytest.raises(HandshakeError, match="HTTP X-Me header appears more than once"):
        exactly_one(head("X-Me: a", "X-Me: a"), "X-Me")


def test_errors_over_a_response_carry_what_was_received() -> None:
    raw = b"HTTP/1.1 101 x\r\nA: b\r\n\r\n"
    with pytest.raises(HandshakeError) as caught:
        required(parse_response_head(raw, max_headers=1), "X-Me")
    assert (caught.value.status, caught.value.headers) == (101, (("a", "b"),))


@pytest.mark.parametrize("line", ["A: b", "Content-Length: 0", "Content-Length: 00 "])
def test_no_body(line: str) -> None:
    refuse_body(head(line))


@pytest.mark.parametrize(
    "line",
    ["Content-Length: 1", "Content-Length: 10", "Content-Length: 010", "Transfer-Encoding: a"],
)
def test_lesson_9_a_body_is_refused(line: str) -> None:
    with pytest.raises(HandshakeError, match="in an opening handshake") as caught:
        refuse_body(head(line))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("text", "port"),
    [
        *[("0", 0), ("80", 80), ("00080", 80), ("65535", 65535)],
        *[("65536", None), ("000080", None), ("", None), ("+80", None), ("-1", None)],
        *[("8_0", None), (" 80", None), ("\u0668\u0660", None), ("²", None), ("x", None)],
    ],
)
def test_parse_port(text: str, port: int | None) -> None:
    assert parse_port(text) == port


@pytest.mark.parametrize("text", ["a", "A-b.c_d", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_is_host(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize(
    "text",
    [
        *["", "a b", "a:1", "\xe4", 'a"', "'", "::1", "[::1", "a]", "[a.g]", "[]", "[abc]"],
        *["x::1]", "[::1x", "[fe80::1%eth0]"],
    ],
)
def test_is_no_host(text: str) -> None:
    assert not is_host(text)


@pytest.mark.parametrize(
    ("authority", "parts"),
    [
        ("a", ("a", None)),
        ("a:80", ("a", "80")),
        ("a:", ("a", "")),
        ("[::1]", ("[::1]", None)),
        ("[::1]:80", ("[::1]", "80")),
        ("::1:80", ("::1", "80")),
        ("", ("", None)),
    ],
)
def test_split_host(authority: str, parts: tuple[str, str | None]) -> None:
    assert split_host(authority) == parts


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("localhost", 80, "localhost:80"),
        ("localhost", None, "localhost"),
        ("127.0.0.1", 9000, "127.0.0.1:9000"),
        ("localhost", 1, "localhost:1"),
        ("localhost", 65535, "localhost:65535"),
        ("::1", 9000, "[::1]:9000"),
        ("[::1]", 9000, "[::1]:9000"),
        ("fe80::1%eth0", 443, "[fe80::1]:443"),
        ("bücher.example", 80, "xn--bcher-kva.example:80"),
    ],
)
def test_host_port(host: str, port: int | None, text: str) -> None:
    assert host_port(host, port) == text


@pytest.mark.parametrize("host", ["", "a b", "a\r\nX: y", "a/b", "u@h", "a?b", "a\\b"])
def test_bad_hosts(host: str) -> None:
    with pytest.raises(OptionError, match="host"):
        host_port(host, 80)


@pytest.mark.parametrize("host", ["ä" * 64, "a" * 64, "a..b"])
def test_names_that_no_resolver_takes(host: str) -> None:
    with pytest.raises(OptionError, match="is not a valid name"):
        host_port(host, 80)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_bad_ports(port: int) -> None:
    with pytest.raises(OptionError, match="port must be 1 to 65535"):
        host_port("a", port)


@pytest.mark.parametrize(
    ("protocols", "fault"),
    [
        ([], ""),
        (["a", "wamp.2.json", "https://example.com/v1", "A"], ""),
        (["b", "a", "c", "a"], "duplicate subprotocol 'a'"),
        ([""], "visible ASCII"),
        ([" "], "visible ASCII"),
        (["ä"], "visible ASCII"),
        (["a\tb"], "visible ASCII"),
        (["a\r\nb"], "visible ASCII"),
        (["a b"], "spaces or commas"),
        (["a,b"], "spaces or commas"),
    ],
)
def test_protocol_fault(protocols: list[str], fault: str) -> None:
    found = protocol_fault(protocols)
    assert fault in found
    assert bool(fault) == bool(found)


@pytest.mark.parametrize(
    ("protocols", "shown"),
    [
        ([], []),
        (["bearer", "secret", "chat"], ["bearer", "***", "chat"]),
        (["chat", "bearer"], ["chat", "bearer"]),
    ],
)
def test_a_token_among_subprotocols_is_not_shown(protocols: list[str], shown: list[str]) -> None:
    assert shown_protocols(protocols) == shown


def test_user_fields() -> None:
    assert user_fields({"A": ["b", "c"], "D": 1}) == [("A", "b"), ("A", "c"), ("D", "1")]


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "upgrade",
        "Content-Length",
        "Transfer-Encoding",
        "Sec-WebSocket-Key",
        "SEC-WEBSOCKET-ACCEPT",
        "sec-websocket-version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
    ],
)
def test_headers_of_the_handshake_are_not_the_users(name: str) -> None:
    with pytest.raises(OptionError, match=f"must not have '{name}'"):
        user_fields([("A", "b"), (name, "c")])


def test_more_headers_can_be_ruled_out() -> None:
    with pytest.raises(OptionError, match="must not have 'Host'"):
        user_fields({"Host": "a"}, but=("host",))
