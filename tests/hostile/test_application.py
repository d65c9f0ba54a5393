"""What reaches applications: messages that are JSON, passwords, and the lines of the access log."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .attack import ask, client_frame, request
from .target import Server, check_log, check_raw

TEXT, BINARY, CLOSE = 1, 2, 8
INVALID = 1007


def nested(depth: int) -> bytes:
    return b'{"name":"x","parts":[' * depth + b"]}" * depth


ORDERS: dict[str, tuple[bytes, int | None]] = {
    "no JSON": (b"\x1b[31m", INVALID),
    "nothing": (b"", INVALID),
    "half of it": (b'{"name":', INVALID),
    "a byte order mark": (b'\xef\xbb\xbf{"name":"x"}', INVALID),
    "half a million brackets": (b"[" * 500_000, INVALID),
    "orders in orders": (nested(200), INVALID),
    "orders in orders without end": (nested(40_000), INVALID),
    "a number of 500,000 digits": (b'{"name":"x","count":' + b"9" * 500_000 + b"}", INVALID),
    "a number that is infinite": (b'{"name":"x","count":1e999999999}', INVALID),
    "a number that is none": (b'{"name":"x","count":NaN}', INVALID),
    "half a surrogate": (b'{"name":"\\ud800"}', INVALID),
    "escapes in the wrong place": (b'{"name":["\\u001b[31m\\r\\nINFO fine"]}', INVALID),
    "50,000 things that are wrong": (
        b'{"name":"x","parts":[' + b",".join([b"{}"] * 50_000) + b"]}",
        INVALID,
    ),
    "the same name 50,000 times": (b'{"name":"x"' + b',"name":"y"' * 50_000 + b"}", None),
}


@pytest.mark.parametrize(
    ("name", "opcode"), [*((name, TEXT) for name in ORDERS), ("no JSON", BINARY)]
)
def test_an_order(server: Server, name: str, opcode: int) -> None:
    octets, code = ORDERS[name]
    pieces = [request(), client_frame(opcode, octets), client_frame(CLOSE, b"\x03\xe8")]
    answer = ask(server, "typed", pieces, polite=True)
    assert answer.code == (code or 1000), answer
    assert answer.ended
    assert answer.seconds < 2
    assert server.log() == ""


def basic(octets: bytes) -> bytes:
    return b"Authorization: Basic " + base64.b64encode(octets)


RIGHT = basic(b"user:secret")
STRANGERS: dict[str, tuple[bytes, ...]] = {
    "nobody": (),
    "nothing": (b"Authorization:",),
    "another scheme": (b"Authorization: Bearer x",),
    "a scheme and no more": (b"Authorization: Basic",),
    "no base64": (b"Authorization: Basic %%%",),
    "8 bits": (b"Authorization: Basic \xff\xff",),
    "no password": (basic(b"user"),),
    "a wrong password": (basic(b"user:Secret"),),
    "a password and more": (basic(b"user:secret\0"),),
    "another's password": (basic(b":secret"),),
    "no UTF-8": (basic(b"\xff:\xfe"),),
    "escapes": (basic(b"\x1b[31m\r\nINFO x:y"),),
    "10,000 octets": (basic(b"user:" + b"x" * 10_000),),
    "the right one and another": (RIGHT, basic(b"user:x")),
    "the right one twice": (RIGHT, RIGHT),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger(server: Server, name: str) -> None:
    answer = ask(server, "guarded", [request(*STRANGERS[name])], half=False)
    assert (answer.status, answer.ended) == (401, True)
    text = server.log()
    check_raw(text)
    assert "secret" not in text


FORGERIES: dict[str, bytes] = {
    "a path": request(RIGHT, line=b'GET /"%20101%201000%200.001 HTTP/1.1'),
    "a path with line ends": request(RIGHT, line=b"GET /%0d%0aINFO%20fine HTTP/1.1"),
    "an address": request(RIGHT, b'X-Forwarded-For: 192.0.2.1 ann "GET /" 101 1000 0.001 1 1'),
    "an address with escapes": request(RIGHT, b"X-Forwarded-For: \x9b31m\t\x85"),
    "an address of 10,000 octets": request(RIGHT, b"X-Forwarded-For: " + b"x" * 10_000),
    "10,000 addresses": request(RIGHT, b"X-Forwarded-For: " + b"," * 10_000),
    "a program": request(RIGHT, b"User-Agent: \x9b31m\xff"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_line_that_somebody_wants_in_the_access_log(server: Server, name: str) -> None:
    pieces = [FORGERIES[name], client_frame(CLOSE, b"\x0f\xa0\x1b[31m\r\nINFO fine")]
    answer = ask(server, "guarded", pieces, half=False)
    assert (answer.status, answer.code) == (101, 1000)
    text = server.log()
    while not text:  # the line is the last thing of a connection
        text = server.log()
    check_raw(text)
    assert re.fullmatch(r'INFO \S+ user "GET /[^" ]*" 101 4000 \d+\.\d+ \d+ \d+\n', text), text
    assert len(text) < 400


def test_a_name_in_a_refusal(server: Server) -> None:
    """The application says whom it does not know: that is the peer's word, and on its line only."""
    name = base64.b64encode(b"\xc2\x9b31m\r\nINFO tcp4:1.1.1.1:1: fine")
    answer = ask(server, "naming", [request(b"Authorization: Basic " + name)], half=False)
    assert (answer.status, answer.ended) == (403, True)
    assert answer.head.count(b"\r\n") == 2
    assert b"\x9b" not in answer.head
    server.clean_log()


# --- the log, for debugging -----------------------------------------------------------------------

TALK: dict[str, tuple[str, list[bytes]]] = {
    "a request that is refused": ("handler", [request(Host=None)]),
    "hundreds of offers that are no good": (
        "handler",
        [
            request(
                b"Sec-WebSocket-Extensions: "
                + b"permessage-deflate; server_max_window_bits=99," * 300
            )
        ],
    ),
    "a violation": ("handler", [request(), client_frame(3)]),
    "an end under a coroutine": ("iterator", [request(), client_frame(1)]),
}


@pytest.fixture(scope="module")
def talkative(server: Server, certificate: Path) -> Iterator[Server]:
    own = Server(server.loop, str(certificate), "DEBUG")
    yield own
    check_log(own.end())


@pytest.mark.parametrize("name", TALK)
def test_a_line_for_each_connection_is_all_that_debugging_shows(
    talkative: Server, name: str
) -> None:
    port, pieces = TALK[name]
    files = talkative.files()
    ask(talkative, port, pieces, polite=len(pieces) > 1)
    while talkative.files() > files:
        time.sleep(0.01)
    text = talkative.clean_log()
    assert text.count("\n") == 1, text
