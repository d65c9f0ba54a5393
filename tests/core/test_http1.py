from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsproto_async.core.http1 import (
    HeadReader,
    RequestHead,
    ResponseHead,
    header_lines,
    parse_request_head,
    parse_response_head,
    reason_phrase,
    render_head,
    shown,
)
from wsproto_async.errors import HandshakeError, OptionError, StateError

HEAD = b"GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\n\r\n"


def request(*lines: bytes, start: bytes = b"GET / HTTP/1.1") -> RequestHead:
    raw = b"".join(line + b"\r\n" for line in (start, *lines, b""))
    return parse_request_head(raw, max_headers=100)


def response(*lines: bytes, start: bytes = b"HTTP/1.1 200 OK") -> ResponseHead:
    raw = b"".join(line + b"\r\n" for line in (start, *lines, b""))
    return parse_response_head(raw, max_headers=100)


def read(pieces: list[bytes], max_size: int = 64) -> tuple[object, ...]:
    """What comes of a stream: the head, its fields and the rest, or the status of the refusal."""
    reader = HeadReader(max_size)
    for i, piece in enumerate(pieces):
        try:
            raw = reader.feed(piece)
            if raw is not None:
                head = parse_request_head(raw, max_headers=10)
                return raw, head, reader.rest + b"".join(pieces[i + 1 :])
        except HandshakeError as error:
            return (error.status,)
    return (reader.buffered,)


# --- HeadReader ---------------------------------------------------------------------------------


@given(
    st.one_of(
        st.builds(
            b"".join,
            st.lists(st.sampled_from([b"GET / HTTP/1.1", b"A: b", b"\r\n", b"\r", b"\n", b"\x81"])),
        ),
        st.binary(max_size=100).map(lambda tail: HEAD + tail),
        st.just(b"GET / HTTP/1.1\r\nA: " + b"b" * 100),
    ),
    st.lists(st.integers(0, 150), max_size=20),
)
@example(HEAD + b"\x81\x00", list(range(150)))
@example(b"GET / HTTP/1.1\nHost: h\n\n", list(range(150)))
def test_cuts_change_nothing(data: bytes, cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(bounds)]
    assert read(pieces) == read([data])


@pytest.mark.parametrize("cut", range(len(HEAD)))
def test_head_in_two_pieces(cut: int) -> None:
    reader = HeadReader(len(HEAD))
    assert reader.feed(HEAD[:cut]) is None
    assert reader.buffered == HEAD[:cut]
    assert reader.feed(HEAD[cut:] + b"\x81\x80") == HEAD
    assert reader.rest == b"\x81\x80"
    assert reader.buffered == b""


def test_head_of_exactly_the_limit_passes_and_one_octet_more_does_not() -> None:
    assert HeadReader(len(HEAD)).feed(HEAD) == HEAD
    with pytest.raises(HandshakeError, match="larger than 47 octets") as caught:
        HeadReader(len(HEAD) - 1).feed(HEAD)
    assert caught.value.status == 431


def test_a_head_that_fills_the_limit_without_an_end_is_refused_at_once() -> None:
    with pytest.raises(HandshakeError, match="larger than 14 octets"):
        HeadReader(14).feed(b"GET / HTTP/1.1")


@pytest.mark.parametrize("head", [HEAD, b"G / H\r\n\r\n"])
@pytest.mark.parametrize("behind", [b"\n" * 1000, b"\x01\n"])
def test_what_is_behind_the_head_does_not_count(head: bytes, behind: bytes) -> None:
    reader = HeadReader(len(HEAD))
    assert reader.rest == b""
    assert reader.feed(head + behind) == head
    assert reader.rest == behind


def test_endless_head_is_cut_at_the_limit_not_at_16_mib() -> None:
    reader = HeadReader(8192)
    reader.feed(b"GET / HTTP/1.1\r\n")
    line = b"X: " + b"x" * 1019 + b"\r\n"
    for _ in range(7):
        assert reader.feed(line) is None
    with pytest.raises(HandshakeError) as caught:
        reader.feed(line)
    assert caught.value.status == 431
    assert reader.buffered == b""


class CountingBuffer(bytearray):
    """Notes how many octets each search may look at."""

    looked: ClassVar[int] = 0

    def find(self, sub: object, start: int = 0, end: int = 2**60) -> int:  # type: ignore[override]
        CountingBuffer.looked += min(end, len(self)) - start
        return super().find(sub, start, end)  # type: ignore[arg-type]

    def count(self, sub: object, start: int = 0, end: int = 2**60) -> int:  # type: ignore[override]
        CountingBuffer.looked += min(end, len(self)) - start
        return super().count(sub, start, end)  # type: ignore[arg-type]


def test_scan_is_not_quadratic() -> None:
    reader = HeadReader(2**17)
    reader._buffer = CountingBuffer()
    size = 2**16
    for _ in range(size):
        reader.feed(b"x")
    assert CountingBuffer.looked < 16 * size


def test_bare_lf_is_refused_before_the_head_ends() -> None:
    with pytest.raises(HandshakeError, match="CRLF") as caught:
        HeadReader(8192).feed(b"GET / HTTP/1.1\nHost: h\n")
    assert caught.value.status == 400


@pytest.mark.parametrize("octet", sorted({*range(1, 32), 127} - set(b"\t\r\n")))
@pytest.mark.parametrize("position", [0, 5, 20, -1])
def test_controls_are_refused_before_the_head_ends(octet: int, position: int) -> None:
    data = bytearray(b"GET / HTTP/1.1\r\nHost: example.com")
    data[position] = octet
    with pytest.raises(HandshakeError, match="control character") as caught:
        HeadReader(8192).feed(bytes(data))
    assert caught.value.status == 400


def test_a_request_for_flashs_policy_may_come_to_its_nul() -> None:
    assert HeadReader(8192).feed(b"<policy-file-request/>\x00") is None


def test_controls_at_the_end_of_a_whole_head_are_refused() -> None:
    with pytest.raises(HandshakeError, match="control character"):
        HeadReader(8192).feed(b"GET / HTTP/1.1\r\nHost: h\x01\r\n\r\n")


@pytest.mark.parametrize("cut", [2**30, 1, 2, 3])
@pytest.mark.parametrize("line_end", [b"\r", b"\n", b"\r\r\n", b"\n\r", b"\r\n\r"])
def test_line_ends_that_are_none(line_end: bytes, cut: int) -> None:
    data = b"GET / HTTP/1.1" + line_end + b"Host: h"
    reader = HeadReader(8192)
    pieces = [data[begin : begin + cut] for begin in range(0, len(data), cut)]
    with pytest.raises(HandshakeError, match="CRLF"):
        print([reader.feed(piece) for piece in pieces])


@pytest.mark.parametrize("cut", range(1, 8))
def test_good_line_ends_may_be_cut(cut: int) -> None:
    data = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    reader = HeadReader(8192)
    heads = [reader.feed(data[begin : begin + cut]) for begin in range(0, len(data), cut)]
    assert heads == [None] * (len(heads) - 1) + [data]


@pytest.mark.parametrize("cut", range(1, 23))
@pytest.mark.parametrize("line", [b"SSH-2.0-OpenSSH_9.9", b"EHLO example.com", b"GET  / HTTP/1.1"])
def test_a_server_knows_at_the_end_of_a_line_that_it_is_no_request(line: bytes, cut: int) -> None:
    """These clients say a line, and then wait for an answer."""
    reader = HeadReader(len(line) + 2)
    *pieces, last = [line[:cut], line[cut:] + b"\r", b"\n"]
    for piece in pieces:
        assert reader.feed(piece) is None
    with pytest.raises(HandshakeError) as caught:
        reader.feed(last)
    assert (caught.value.status, caught.value.reason) == (
        400,
        f"bad HTTP request line {line.decode()!r}",
    )
    with pytest.raises(StateError):
        reader.feed(b"")


@pytest.mark.parametrize("behind", [b"", b"\r\n", b"\r\n\n", b"Host: a\r\n\r\n"])
def test_a_first_line_without_anything_is_no_request_line(behind: bytes) -> None:
    with pytest.raises(HandshakeError, match=r"^bad HTTP request line ''$") as caught:
        HeadReader(100).feed(b"\r\n" + behind)
    assert caught.value.status == 400


def test_a_whole_head_is_refused_for_its_first_line_as_its_pieces_are() -> None:
    with pytest.raises(HandshakeError, match="bad HTTP request line 'HELLO'"):
        HeadReader(100).feed(b"HELLO\r\nHost: a\r\n\r\n")


def test_a_request_line_beyond_the_limit_is_too_large_first() -> None:
    with pytest.raises(HandshakeError) as caught:
        HeadReader(10).feed(b"EHLO example.com\r\n")
    assert caught.value.status == 431


def test_client_errors_have_no_status() -> None:
    with pytest.raises(HandshakeError) as caught:
        HeadReader(4, is_client=True).feed(b"HTTP/1.1 101")
    assert caught.value.status == 0


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH_9.2\r\n", b"220 mail\r\n", b"h", b"HTTQ"])
def test_a_client_knows_at_once_that_it_is_no_http(data: bytes) -> None:
    """These servers speak first, and then wait for an answer."""
    with pytest.raises(HandshakeError) as caught:
        HeadReader(8192, is_client=True).feed(data)
    assert caught.value.reason == f"bad HTTP response status line {data.decode().strip()!r}"


def test_a_response_may_come_in_pieces() -> None:
    reader = HeadReader(8192, is_client=True)
    data = b"HTTP/1.1 101 \r\n\r\n"
    assert [reader.feed(bytes([octet])) for octet in data] == [None] * (len(data) - 1) + [data]


def test_reader_serves_once() -> None:
    reader = HeadReader(100)
    reader.feed(HEAD)
    with pytest.raises(StateError):
        reader.feed(b"\x81\x00")
    refused = HeadReader(4)
    with pytest.raises(HandshakeError):
        refused.feed(HEAD)
    with pytest.raises(StateError):
        refused.feed(b"")


# --- requests -----------------------------------------------------------------------------------


def test_request_head() -> None:
    head = parse_request_head(HEAD, max_headers=3)
    assert head == RequestHead(
        raw=HEAD,
        status_line="GET /a?b=c HTTP/1.1",
        version="HTTP/1.1",
        fields=(("host", "h"), ("x-a", "1"), ("x-a", "2")),
        headers={"host": "h", "x-a": "1, 2"},
        repeated=frozenset({"x-a"}),
        method="GET",
        target="/a?b=c",
    )
    error = head.error("no")
    assert (error.reason, error.status, error.headers) == ("no", 400, ())


def test_values_are_stripped_of_blanks_only() -> None:
    head = request(b"A: \t b \t", b"B:", b"C:  ", b"D: \x85\xa0")
    assert head.headers == {"a": "b", "b": "", "c": "", "d": "\x85\xa0"}


@pytest.mark.parametrize("octet", [b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\x00", b"\x7f"])
def test_lesson_7_controls_in_values_are_refused(octet: bytes) -> None:
    with pytest.raises(HandshakeError) as caught:
        request(b"X: a" + octet + b"Evil: b")
    assert caught.value.status == 400


@pytest.mark.parametrize("text", ["\x85", "Å", "\u0445", "\u2028"])
def test_lesson_7_octets_that_str_splits_at_make_no_header(text: str) -> None:
    head = request(b"X: a" + text.encode() + b"Evil: b", b"Y: \x85Evil: c")
    assert list(head.headers) == ["x", "y"]
    assert head.headers["x"].encode("latin-1") == b"a" + text.encode() + b"Evil: b"
    assert head.headers["y"] == "\x85Evil: c"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"X: a\r\n b", id="obs-fold"),
        pytest.param(b"X:\r\n\tb", id="obs-fold after an empty line"),
        pytest.param(b"X: a\nY: b", id="bare LF"),
        pytest.param(b"X: a\rY: b", id="bare CR"),
        pytest.param(b"X : a", id="space before colon"),
        pytest.param(b" X: a", id="leading space"),
        pytest.param(b": a", id="nameless"),
        pytest.param(b"X", id="no colon"),
        pytest.param(b"X(: a", id="name is no token"),
        pytest.param(b"X\xe9: a", id="name outside ASCII"),
        pytest.param(b"Content-Length: +5", id="lesson 8: sign"),
        pytest.param(b"Content-Length: 5_0", id="lesson 8: underscore"),
        pytest.param(b"Content-Length: -1", id="lesson 8: negative"),
        pytest.param("Content-Length: \u0665".encode(), id="lesson 8: other digits"),
        pytest.param(b"Content-Length: 5\r\nContent-Length: 6", id="two lengths"),
        pytest.param(b"Content-Length: 5\r\nTransfer-Encoding: chunked", id="length and chunked"),
        pytest.param(b"Content-Length: " + b"9" * 30, id="huge length"),
    ],
)
def test_bad_lines_are_refused(line: bytes) -> None:
    with pytest.raises(HandshakeError, match=r"cannot be parsed: [^i]") as caught:
        request(b"Host: h", line)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (b"", 400),
        (b"GET /", 400),
        (b"GET  / HTTP/1.1", 400),
        (b"GET / HTTP/1.1 ", 400),
        (b"GET /a b HTTP/1.1", 400),
        (b"GET\t/ HTTP/1.1", 400),
        (b"GET a HTTP/1.1", 400),
        (b"GET /\xc3\xa4 HTTP/1.1", 400),
        (b"GET /\x01 HTTP/1.1", 400),
        (b"get / HTTP/1.1", 405),
        (b"HEAD / HTTP/1.1", 405),
        (b"FOO / HTTP/1.1", 405),
        (b"GET / HTTP/1.0", 505),
        (b"GET / HTTP/2.0", 505),
        (b"GET / HTTP/1.10", 505),
        (b"GET / http/1.1", 505),
        (b"GET / RTSP/1.0", 505),
    ],
)
def test_bad_request_lines(start: bytes, status: int) -> None:
    with pytest.raises(HandshakeError) as caught:
        request(b"Host: h", start=start)
    assert caught.value.status == status
    assert caught.value.reason.isprintable()
    assert caught.value.reason.isascii()


@pytest.mark.parametrize("start", [b"GET", b"GET  HTTP/1.1", b"GET / a HTTP/1.1", b" / HTTP/1.1"])
def test_request_lines_are_three_words(start: bytes) -> None:
    with pytest.raises(HandshakeError, match="bad HTTP request line"):
        request(start=start)


def test_method_not_allowed_says_what_is() -> None:
    with pytest.raises(HandshakeError) as caught:
        request(start=b"POST / HTTP/1.1")
    assert caught.value.headers == (("Allow", "GET"),)


def test_header_count_limit() -> None:
    raw = b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 4 + b"\r\n"
    assert len(parse_request_head(raw, max_headers=4).fields) == 4
    with pytest.raises(HandshakeError, match="more than 3 headers") as caught:
        parse_request_head(raw, max_headers=3)
    assert caught.value.status == 431


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", HEAD[:-2], HEAD + b"x", HEAD + HEAD])
def test_raw_must_be_one_head(raw: bytes) -> None:
    with pytest.raises(HandshakeError):
        parse_request_head(raw, max_headers=100)


@pytest.mark.parametrize("raw", [b"", HEAD[:-2], HEAD + b"x"])
def test_raw_that_is_no_head(raw: bytes) -> None:
    with pytest.raises(HandshakeError, match="HTTP request head must end at"):
        parse_request_head(raw, max_headers=100)
    with pytest.raises(HandshakeError, match="HTTP response head must end at"):
        parse_response_head(raw, max_headers=100)


NOISE = st.lists(
    st.one_of(
        st.binary(max_size=8),
        st.sampled_from(
            [
                b"GET / HTTP/1.1\r\n",
                b"HTTP/1.1 101 x\r\n",
                b"Host: h\r\n",
                b"Upgrade: a\r\n",
                b"Connection: upgrade\r\n",
                b"Content-Length: 1\r\n",
                b"\r\n",
            ]
        ),
    ),
    max_size=8,
).map(b"".join)


@given(NOISE)
def test_random_octets_raise_only_handshake_error(noise: bytes) -> None:
    for raw in (noise, noise + b"\r\n\r\n", b"GET / HTTP/1.1\r\n" + noise + b"\r\n\r\n"):
        try:
            head = parse_request_head(raw, max_headers=10)
        except HandshakeError as error:
            status, reason = error.status, error.reason
            assert status in (400, 405, 431, 505)
            assert reason.isascii()
            assert reason.isprintable()
        else:
            assert head.method == "GET"
            assert len(head.fields) == raw.count(b"\r\n") - 2
    for raw in (noise, noise + b"\r\n\r\n", b"HTTP/1.1 101 x\r\n" + noise + b"\r\n\r\n"):
        try:
            answer = parse_response_head(raw, max_headers=10)
        except HandshakeError as error:
            status, reason = error.status, error.reason
            assert status == 0
            assert reason.isascii()
            assert reason.isprintable()
        else:
            assert 100 <= answer.status <= 999


# --- responses ----------------------------------------------------------------------------------


def test_response_head() -> None:
    head = response(b"Set-Cookie: a", b"Set-Cookie: b", start=b"HTTP/1.0 404 Not  Found")
    assert (head.version, head.status, head.reason) == ("HTTP/1.0", 404, "Not  Found")
    assert head.status_line == "HTTP/1.0 404 Not  Found"
    assert head.headers == {"set-cookie": "a, b"}
    error = head.error("no")
    assert (error.reason, error.status) == ("no", 404)
    assert error.headers == (("set-cookie", "a"), ("set-cookie", "b"))


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 101 Switching Protocols", b"HTTP/1.1 101 ", b"HTTP/1.1 101"]
)
@pytest.mark.parametrize("connection", [b"Connection: Upgrade", b"Connection: close", b"A: b"])
def test_response_that_upgrades_or_only_seems_to(start: bytes, connection: bytes) -> None:
    head = response(b"Upgrade: websocket", connection, start=start)
    assert head.status == 101
    assert len(head.fields) == 2


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (b"", "status line"),
        (b"HTTP/1.1", "status line"),
        (b"HTTP/1.1 ", "status line"),
        (b"HTTP/1.1  200 OK", "status line"),
        (b"HTTP/2.0 200 OK", "version"),
        (b"HTTP/3 200 OK", "version"),
        (b"ICY 200 OK", "version"),
        (b"HTTP/1.1 abc OK", "bad HTTP status code"),
        (b"HTTP/1.1 +10 OK", "bad HTTP status code"),
        (b"HTTP/1.1 1_1 OK", "bad HTTP status code"),
        (b"HTTP/1.1 \xb2\xb2\xb2 OK", "bad HTTP status code"),
        (b"HTTP/1.1 1010 OK", "bad HTTP status code"),
        (b"HTTP/1.1 099 OK", "bad HTTP status code"),
    ],
)
def test_bad_status_lines(start: bytes, text: str) -> None:
    with pytest.raises(HandshakeError, match=text) as caught:
        response(b"A: b", start=start)
    assert caught.value.status == 0


@pytest.mark.parametrize("status", [100, 999])
def test_the_least_and_the_largest_status(status: int) -> None:
    assert response(start=f"HTTP/1.1 {status} x".encode()).status == status


def test_bad_response_lines_and_counts() -> None:
    with pytest.raises(HandshakeError, match=r"cannot be parsed: [^i]"):
        response(b"A : b")
    assert len(response(*[b"a: b"] * 100).fields) == 100
    with pytest.raises(HandshakeError, match="more than 100 headers") as caught:
        response(*[b"a: b"] * 101)
    assert caught.value.status == 0


# --- writing ------------------------------------------------------------------------------------


def test_render_head() -> None:
    fields = [("A", "b"), ("Set-Cookie", "x=ä"), ("T", "a\tb"), ("N", "\xa0")]
    assert render_head("GET / HTTP/1.1", fields) == (
        "GET / HTTP/1.1\r\nA: b\r\nSet-Cookie: x=ä\r\nT: a\tb\r\nN: \xa0\r\n\r\n".encode()
    )
    assert render_head("HTTP/1.1 200 OK", ()) == b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    "bad", ["\r\n", "\n", "\r", "\0", "\x0b", "\x1b", "\x7f", "\x85", "\ud800"]
)
def test_lesson_10_nothing_breaks_out_of_a_header(bad: str) -> None:
    with pytest.raises(OptionError, match="header X-Me must not have control characters"):
        render_head("GET / HTTP/1.1", [("A", "b"), ("X-Me", f"a{bad}Evil: b")])
    with pytest.raises(OptionError, match="start line must not have control characters"):
        render_head(f"HTTP/1.1 200 a{bad}b", [("A", "b")])
    with pytest.raises(OptionError, match="must be a token"):
        render_head("GET / HTTP/1.1", [(f"A{bad}", "b")])


@pytest.mark.parametrize("name", ["", "a b", "a:", "ä", "a\n"])
def test_names_are_tokens(name: str) -> None:
    with pytest.raises(OptionError, match="must be a token"):
        render_head("GET / HTTP/1.1", [(name, "b")])


@given(st.text(max_size=10), st.text(max_size=10), st.text(max_size=10))
def test_what_is_written_has_as_many_lines_as_headers(start: str, name: str, value: str) -> None:
    try:
        raw = render_head(start, [(name, value)])
    except OptionError:
        return
    assert raw.count(b"\n") == raw.count(b"\r") == 3


@pytest.mark.parametrize(
    ("headers", "lines"),
    [
        ({}, []),
        ({"A": "bc", "C": 1, "D": None}, [("A", "bc"), ("C", "1"), ("D", "None")]),
        ({"Set-Cookie": ["a", "b"]}, [("Set-Cookie", "a"), ("Set-Cookie", "b")]),
        ({"A": ("a", 2)}, [("A", "a"), ("A", "2")]),
        ({"A": []}, []),
        ([("A", "b"), ("A", "c")], [("A", "b"), ("A", "c")]),
    ],
)
def test_header_lines(
    headers: dict[str, object] | list[tuple[str, object]], lines: list[tuple[str, str]]
) -> None:
    assert header_lines(headers) == lines


@pytest.mark.parametrize("value", [b"a", bytearray(b"a"), memoryview(b"a"), ["a", b"b"]])
def test_header_values_are_not_bytes(value: object) -> None:
    with pytest.raises(OptionError, match="header 'A' must have a str value, not bytes"):
        header_lines({"A": value})


def test_header_names_are_str() -> None:
    with pytest.raises(OptionError, match="must be a str, not b'A'"):
        header_lines([(b"A", "b")])  # type: ignore[list-item]


def test_reason_phrase() -> None:
    assert reason_phrase(101) == "Switching Protocols"
    assert reason_phrase(404) == "Not Found"
    assert reason_phrase(599) == "Unknown"


@given(st.text(max_size=200))
def test_shown_is_one_short_line_of_ascii(text: str) -> None:
    result = shown(text)
    assert result.isascii()
    assert result.isprintable()
    assert len(result) <= 83 * 10 + 2
    assert result == ascii(text) or len(text) > 80


def test_shown_is_cut_to_80_characters() -> None:
    assert shown("x" * 80) == repr("x" * 80)
    assert shown("x" * 81) == repr("x" * 80 + "...")
