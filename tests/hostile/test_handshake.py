"""Requests that are none, that are two things at once, or that are too much."""

from __future__ import annotations

import pytest

from .attack import ask, client_frame, request
from .target import Server

LONG = b"x" * 20_000
ECHO = client_frame(1, b"executed")


def line(text: bytes) -> bytes:
    return request(line=text)


def field(text: bytes) -> bytes:
    return request(text)


def value(octets: bytes) -> bytes:
    return request(b"X-Value: a" + octets + b"b")


Case = tuple[bytes, int]
"""Octets, and the status that a server with ``ServerOptions()`` has to answer with."""

REQUEST_LINES: dict[str, Case] = {
    "two spaces": (line(b"GET  / HTTP/1.1"), 400),
    "a space in front": (line(b" GET / HTTP/1.1"), 400),
    "a space behind": (line(b"GET / HTTP/1.1 "), 400),
    "tabs for spaces": (line(b"GET\t/\tHTTP/1.1"), 400),
    "four words": (line(b"GET / x HTTP/1.1"), 400),
    "two words": (line(b"GET /"), 400),
    "one word": (line(b"GET"), 400),
    "an empty line in front": (b"\r\n" + request(), 400),
    "many empty lines in front": (b"\r\n" * 5000 + request(), 400),
    "lower case": (line(b"get / HTTP/1.1"), 405),
    "POST": (line(b"POST / HTTP/1.1"), 405),
    "HEAD": (line(b"HEAD / HTTP/1.1"), 405),
    "OPTIONS": (line(b"OPTIONS * HTTP/1.1"), 405),
    "CONNECT": (line(b"CONNECT localhost:80 HTTP/1.1"), 405),
    "a method with escapes": (line(b"\x1b[31mGET / HTTP/1.1"), 400),
    "a method of 10,000 octets": (line(b"G" * 10_000 + b" / HTTP/1.1"), 405),
    "HTTP/1.0": (line(b"GET / HTTP/1.0"), 505),
    "HTTP/1.2": (line(b"GET / HTTP/1.2"), 505),
    "HTTP/1.10": (line(b"GET / HTTP/1.10"), 505),
    "HTTP/01.1": (line(b"GET / HTTP/01.1"), 505),
    "HTTP/2.0": (line(b"GET / HTTP/2.0"), 505),
    "http/1.1": (line(b"GET / http/1.1"), 505),
    "ICY": (line(b"GET / ICY/1.1"), 505),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405),
    "no path": (line(b"GET * HTTP/1.1"), 400),
    "a relative path": (line(b"GET chat HTTP/1.1"), 400),
    "a fragment": (line(b"GET /#top HTTP/1.1"), 400),
    "NUL in the path": (line(b"GET /a\0b HTTP/1.1"), 400),
    "a tab in the path": (line(b"GET /a\tb HTTP/1.1"), 400),
    "an escape in the path": (line(b"GET /\x1b[2J HTTP/1.1"), 400),
    "8 bits in the path": (line("GET /\u00e4 HTTP/1.1".encode()), 400),
    "a bad IPv6 address in the path": (line(b"GET http://[::/ HTTP/1.1"), 400),
    "a path that is too long": (line(b"GET /" + LONG + b" HTTP/1.1"), 431),
    "a long path": (line(b"GET /" + b"a/" * 7000 + b" HTTP/1.1"), 101),
    "a query with thousands of parts": (line(b"GET /?" + b"a=1&" * 3500 + b" HTTP/1.1"), 101),
    "an absolute path": (line(b"GET http://localhost/ HTTP/1.1"), 101),
    "an absolute path of another host": (line(b"GET http://other.example/ HTTP/1.1"), 101),
    "an absolute path without a host": (line(b"GET http:///x HTTP/1.1"), 400),
    "an absolute path with a fragment": (line(b"GET http://localhost/#x HTTP/1.1"), 400),
    "an absolute path that is a script": (line(b"GET javascript:alert(1) HTTP/1.1"), 400),
    "a scheme and no more": (line(b"GET http: HTTP/1.1"), 400),
    "a path that could be a host": (line(b"GET //other.example/ HTTP/1.1"), 101),
    "a path that could be half an address": (line(b"GET ///:x@[ HTTP/1.1"), 101),
    "a backslash for a path": (line(b"GET \\ HTTP/1.1"), 400),
    "a query without a path": (line(b"GET ? HTTP/1.1"), 400),
    "percent signs that are none": (line(b"GET /%zz%?%=%ff&%00 HTTP/1.1"), 101),
    "the path of somebody else's file": (line(b"GET /../../etc/passwd HTTP/1.1"), 101),
    "quotes and brackets in the path": (line(b"GET /\"'<>{}|^`[] HTTP/1.1"), 101),
    "nothing but a line end": (b"\r\n\r\n", 400),
    "NUL and a line end": (b"\0\0\0\0\r\n\r\n", 400),
    "a byte order mark": (b"\xef\xbb\xbf" + request(), 405),
    "percent signs in the path": (line(b"GET /%00%0d%0a%1b HTTP/1.1"), 101),
}

OTHER_PROTOCOLS: dict[str, Case] = {
    "TLS": (bytes.fromhex("160301020001fc0303") + bytes(range(256)), 400),
    "SSH": (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", 400),
    "SSH that waits for an answer": (b"SSH-2.0-OpenSSH_9.9\r\n", 400),
    "SMTP": (b"EHLO example.com\r\n\r\n", 400),
    "SMTP that waits for an answer": (b"EHLO example.com\r\n", 400),
    "a Redis command that waits for an answer": (b"*1\r\n$4\r\n", 400),
    "RTSP": (b"OPTIONS rtsp://a RTSP/1.0\r\n\r\n", 405),
    "SOCKS": (b"\x05\x01\x00", 400),
    "PROXY, version 1": (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + request(), 400),
    "PROXY, version 2": (b"\r\n\r\n\0\r\nQUIT\n\x21\x11", 400),
    "a Redis command": (b"*1\r\n$4\r\nPING\r\n\r\n", 400),
    "noise": (bytes(range(255, 0, -1)) * 10, 400),
    "frames": (client_frame(1, b"\r\n\r\n"), 400),
    "lines that end in LF": (request().replace(b"\r\n", b"\n"), 400),
    "lines that end in CR": (request().replace(b"\r\n", b"\r"), 400),
}

FIELDS: dict[str, Case] = {
    "no colon": (field(b"Nothing"), 400),
    "no name": (field(b": a"), 400),
    "a space before the colon": (field(b"X : a"), 400),
    "a tab before the colon": (field(b"X\t: a"), 400),
    "a name in brackets": (field(b"(X): a"), 400),
    "a name with 8 bits": (field(b"X\xe4: a"), 400),
    "a name with NUL": (field(b"X\0: a"), 400),
    **{f"a name with {each}": (field(f"X{each}Y: a".encode()), 400) for each in ',/@[{"=;\\< '},
    "folded": (field(b"X: a\r\n b"), 400),
    "folded at once": (request().replace(b"\r\n", b"\r\n ", 1), 400),
    "folded with a tab": (field(b"X: a\r\n\tb"), 400),
    "a bare LF": (value(b"\nUpgrade: h2c\n"), 400),
    "a bare CR": (value(b"\rX: "), 400),
    "CR CR LF": (value(b"\r\r\nX: "), 400),
    "LF CR": (value(b"\n\r"), 400),
    "NUL": (value(b"\0"), 400),
    "BEL": (value(b"\a"), 400),
    "backspace": (value(b"\b"), 400),
    "DEL": (value(b"\x7f"), 400),
    "ESC": (value(b"\x1b[31m"), 400),
    **{f"{octet:02x}": (value(bytes([octet]) + b"X: "), 400) for octet in b"\v\f\x1c\x1d\x1e\x1f"},
    "85 ends no line": (value(b"\x85Sec-WebSocket-Key: "), 101),
    "9b": (value(b"\x9b31m"), 101),
    "a line separator ends no line": (value("\u2028Host: b".encode()), 101),
    "8 bits": (value(bytes(range(128, 256))), 101),
    "129 of them": (request(*[b"X: a"] * 124), 431),
    "128 of them": (request(*[b"X: a"] * 123), 101),
    "5,000 of them": (request(*[b"X:"] * 3000), 431),
    "one of 20,000 octets": (field(b"X: " + LONG), 431),
    "many of 20,000 octets together": (request(*[b"X: " + b"a" * 400] * 50), 431),
    "no space behind the colon": (field(b"X:a"), 101),
    "tabs around a value": (field(b"X:\t\ta\t\t"), 101),
    "names in capitals": (request().replace(b"Host", b"HOST").replace(b"Key", b"KEY"), 101),
    "an expectation": (field(b"Expect: 100-continue"), 101),
    "trailers announced": (request(b"TE: trailers, chunked", b"Trailer: X"), 101),
    "settings for HTTP/2": (field(b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), 101),
    "a proxy for CGI": (field(b"Proxy: http://other.example/"), 101),
    "100 with 8 bits": (request(*[b"X: \xff"] * 100), 101),
    "cookies without end": (field(b"Cookie: " + b"a=b; " * 3000), 101),
    "cookies that are none": (field(b'Cookie: =; ;;"; $Version=1; a="\\'), 101),
    "a name of 10,000 octets": (field(b"X" * 10_000 + b": a"), 101),
    "a value of 10,000 commas": (field(b"X: " + b"," * 10_000), 101),
}

BODIES: dict[str, Case] = {
    "a body": (field(b"Content-Length: 5"), 400),
    **{
        f"Content-Length {text.decode('latin-1')!r}": (field(b"Content-Length: " + text), 400)
        for text in (b"", b"+5", b"-1", b"5_0", b"0x5", b"5, 5", b"\xb2", b"0;", b"9" * 30, b"1e3")
    },
    "two lengths": (request(b"Content-Length: 0", b"Content-Length: 14"), 400),
    "the same length twice": (request(b"Content-Length: 0", b"Content-Length: 0"), 400),
    "a body in chunks": (field(b"Transfer-Encoding: chunked"), 400),
    "chunks and a length": (request(b"Transfer-Encoding: chunked", b"Content-Length: 0"), 400),
    "an unknown coding": (field(b"Transfer-Encoding: identity"), 400),
    "a hidden coding": (field(b"Transfer-Encoding: \tchunked"), 400),
    "no coding": (field(b"Transfer-Encoding:"), 400),
    "a length in a list": (field(b"Content-Length: 0, 0"), 400),
    "a length behind VT": (field(b"Content-Length: \v0"), 400),
    "a coding twice": (request(*[b"Transfer-Encoding: chunked"] * 2), 400),
    "a coding in capitals": (field(b"TRANSFER-ENCODING: CHUNKED"), 400),
    "a coding with 8 bits in its name": (field(b"Transfer-Encoding\xff: chunked"), 400),
    "a length by another name": (request(b"Content_Length: 5", b"Transfer_Encoding: chunked"), 101),
    "no body, but said": (field(b"Content-Length: 000"), 101),
}

HOSTS: dict[str, Case] = {
    "none": (request(Host=None), 400),
    "two": (request(b"Host: other.example"), 400),
    "empty": (request(Host=""), 400),
    "with a path": (request(Host="a/b"), 400),
    "with a user": (request(Host="user@a"), 400),
    "with a quote": (request(Host='a"<script>'), 400),
    "8 bits": (request(Host="\xe4"), 400),
    "two ports": (request(Host="a:1:2"), 400),
    **{
        f"port {port!r}": (request(Host=f"a:{port}"), 400)
        for port in ("", "x", "-1", "+1", "65536", "99999999999", "1_0", "\xb2")
    },
    **{
        f"{host[:20]!r}": (request(Host=host), 400)
        for host in ("a b", "a,b", "a\tb", "a?b", "a#b", "a\\b", "${x:y}", "::1", "[x]", "[v1.x]")
    },
    "a zone": (request(Host="[fe80::1%25eth0]"), 400),
    "a port of 400 digits": (request(Host="a:" + "0" * 400), 400),
    "half an IPv6 address": (request(Host="[::1"), 400),
    "an IPv6 address": (request(Host="[::1]:80"), 101),
}

UPGRADES: dict[str, Case] = {
    "none": (request(Upgrade=None), 426),
    "nothing at all": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "to h2c": (request(Upgrade="h2c"), 400),
    "empty": (request(Upgrade=""), 400),
    "a part of the word": (request(Upgrade="websockets"), 400),
    "one of several": (request(Upgrade="h2c, WebSocket"), 101),
    "no Connection": (request(Connection=None), 400),
    "Connection: close": (request(Connection="close"), 400),
    "a part of that word": (request(Connection="upgraded"), 400),
    "Firefox's Connection": (request(Connection="keep-alive, Upgrade"), 101),
    "a part with a version": (request(Upgrade="websocket/13"), 400),
    "in quotes": (request(Upgrade='"websocket"'), 400),
    "in another line": (request(b"Upgrade: websocket", Upgrade="h2c"), 101),
    "Connection in another line": (request(b"Connection: Upgrade", Connection="keep-alive"), 101),
    "Connection full of commas": (request(Connection=",,, Upgrade ,,"), 101),
    "Connection with headers of ours": (
        request(Connection="Upgrade, Host, Sec-WebSocket-Key"),
        101,
    ),
    "an answer with the request": (
        field(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        101,
    ),
    "keys of Hixie-76": (request(b"Sec-WebSocket-Key1: 4 @1", b"Sec-WebSocket-Key2: 1"), 101),
    "no version": (request(Sec_WebSocket_Version=None), 400),
    **{
        f"version {text!r}": (request(Sec_WebSocket_Version=text), 400)
        for text in (
            "",
            "0",
            "12",
            "14",
            "+13",
            "013",
            "13x",
            "13, 13",
            "1_3",
            "\xb9\xb3",
            "9" * 100,
        )
    },
    "two versions": (request(b"Sec-WebSocket-Version: 8"), 400),
    "no key": (request(Sec_WebSocket_Key=None), 400),
    "two keys": (request(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400),
    **{
        f"key {text[:30]!r}": (request(Sec_WebSocket_Key=text), 400)
        for text in (
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZ===",
            "dGhlIHNhbXBsZSBub25j!Q==",
            "dGhlIHNhbXBsZSBub25jZQ\xe4=",
            "dGhlIHNhbXBsZSBub25j",
            "dGhlIHNhbXBsZSBub25jZWU=",
            "-_-_-_-_-_-_-_-_-_-_-w==",
            "dGhlIHNhbXBs ZSBub25jZQ==",
            "=" * 24,
            "A" * 10_000,
        )
    },
}

OFFERS: dict[str, Case] = {
    "a protocol of 8 bits": (field(b"Sec-WebSocket-Protocol: ch\xe4t"), 400),
    "a protocol with spaces": (field(b"Sec-WebSocket-Protocol: a b"), 400),
    "a protocol twice": (field(b"Sec-WebSocket-Protocol: a, a"), 400),
    "a protocol twice, in two lines": (
        request(b"Sec-WebSocket-Protocol: a", b"Sec-WebSocket-Protocol: a"),
        400,
    ),
    "thousands of protocols": (
        field(b"Sec-WebSocket-Protocol: " + b",".join(b"p%d" % i for i in range(2000))),
        101,
    ),
    "no protocol": (field(b"Sec-WebSocket-Protocol: ,"), 101),
    "a protocol in escapes": (field(b"Sec-WebSocket-Protocol: a%0d%0ab"), 101),
    "a protocol of 15,000 octets": (field(b"Sec-WebSocket-Protocol: " + b"p" * 15_000), 101),
    "no extension": (field(b"Sec-WebSocket-Extensions: ,,"), 101),
    "extensions in two lines": (
        request(*[b"Sec-WebSocket-Extensions: permessage-deflate"] * 2),
        400,
    ),
    "spaces and commas": (field(b"Sec-WebSocket-Protocol: " + b" ," * 5000), 101),
    "a quote that does not end": (field(b'Sec-WebSocket-Extensions: a; b="' + b"\\" * 5000), 400),
    "an extension that is none": (field(b"Sec-WebSocket-Extensions: a b"), 400),
    "an extension of 8 bits": (field(b"Sec-WebSocket-Extensions: \xe4"), 400),
    "an extension without a name": (field(b"Sec-WebSocket-Extensions: ; a=1"), 400),
    "thousands of extensions": (field(b"Sec-WebSocket-Extensions: " + b"x," * 5000), 101),
    "thousands of parameters": (field(b"Sec-WebSocket-Extensions: x" + b"; a" * 4000), 101),
    "hundreds of offers": (
        field(b"Sec-WebSocket-Extensions: " + b"permessage-deflate," * 500),
        101,
    ),
    "names of Python": (field(b"Sec-WebSocket-Extensions: __class__; __init__=1"), 101),
    "an origin that is none": (field(b"Origin: nowhere"), 400),
    "two origins": (request(b"Origin: http://a", b"Origin: http://b"), 400),
    "an origin of 8 bits": (field(b"Origin: http://\xe4"), 400),
    "an origin with a bad port": (field(b"Origin: http://a:99999"), 400),
    "an origin with a user": (field(b"Origin: http://user@a"), 400),
    "an origin that is a script": (field(b"Origin: javascript:x"), 400),
    "an origin that is half an address": (field(b"Origin: http://["), 400),
    "several origins in one": (field(b"Origin: http://a http://b"), 400),
    "no origin": (field(b"Origin:"), 400),
    "an origin of 10,000 octets": (field(b"Origin: http://" + b"a" * 10_000), 101),
    "an origin without rights": (field(b"Origin: null"), 400),
}

ONE_OF_MANY = 101, 400
"""Offers that are no good are declined or refused; either will do."""
BAD_OFFERS = [
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=0",
    "server_max_window_bits=99",
    "server_max_window_bits=+9",
    "server_max_window_bits=0x9",
    "server_max_window_bits",
    'server_max_window_bits="9 "',
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=" + "9" * 5000,
    "client_max_window_bits; client_max_window_bits",
    "server_no_context_takeover=1",
    "client_no_context_takeover=true",
    "client_no_context_takeover; client_no_context_takeover",
    "unknown=1",
]

CASES = {
    f"{title}: {name}": case
    for title, cases in (
        ("line", REQUEST_LINES),
        ("protocol", OTHER_PROTOCOLS),
        ("field", FIELDS),
        ("body", BODIES),
        ("host", HOSTS),
        ("upgrade", UPGRADES),
        ("offer", OFFERS),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", CASES)
def test_a_request(server: Server, name: str) -> None:
    octets, status = CASES[name]
    answer = ask(server, "handler", [octets, ECHO], half=status == 101)
    assert answer.status == status, answer
    assert answer.ended
    assert answer.seconds < 2
    if status == 101:
        assert len(answer.frames) == 1
    else:
        assert b"executed" not in answer.head
        assert b"connection: close" in answer.head.lower().replace(b"upgrade, ", b"")
        assert answer.head.count(b"\r\n") < 8
        assert bytes(answer.head).translate(None, b"\r\n").isascii()
        assert answer.head.replace(b"\r\n", b"").decode().isprintable()
    server.clean_log()


@pytest.mark.parametrize("parameters", BAD_OFFERS, ids=lambda text: text[:40])
def test_an_offer_of_compression(server: Server, parameters: str) -> None:
    octets = request(b"Sec-WebSocket-Extensions: permessage-deflate; " + parameters.encode())
    answer = ask(server, "handler", [octets])
    assert answer.status in ONE_OF_MANY
    assert b"permessage-deflate" not in answer.head.lower().replace(b"'permessage-deflate", b"")
    assert answer.ended
    server.clean_log()


def test_a_request_behind_one_that_was_refused(server: Server) -> None:
    """It is not answered: a proxy could take the answer for another client's."""
    answer = ask(server, "handler", [request(Host=None) + request()], half=False)
    assert (answer.status, answer.ended) == (400, True)
    assert answer.head.count(b"HTTP/1.1 ") == 1
    server.clean_log()


STATUS_PAGE = {
    "a page": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "a redirect that splits the answer": (
        b"GET /?redirect=http://a/%0d%0aSet-Cookie:%20x HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
    ),
    "a redirect to a script": (
        b"GET /?redirect=javascript:alert(1) HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
    ),
    "a script in the page": (
        b"GET /?redirect=/%22%3E%3Cscript%3E&after=1 HTTP/1.1\r\nHost: a\r\n\r\n",
        200,
    ),
    "an endless wait": (
        b"GET /?redirect=/&after=999999999999999999999 HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
    ),
}


@pytest.mark.parametrize("name", STATUS_PAGE)
def test_the_status_page(server: Server, name: str) -> None:
    octets, status = STATUS_PAGE[name]
    answer = ask(server, "contract", [octets], half=False)
    assert (answer.status, answer.ended) == (status, True)
    assert b"\r\nSet-Cookie" not in answer.head
    assert b"<script" not in answer.head
    server.clean_log()


@pytest.mark.parametrize(
    "name", ["line: HTTP/1.0", "field: a bare LF", "body: a body", "host: two"]
)
@pytest.mark.parametrize("port", ["contract", "iterator", "tls"])
def test_other_ways_in_refuse_alike(server: Server, name: str, port: str) -> None:
    if port == "tls":
        answer = ask(server, port, [CASES[name][0]], half=False)
        assert (answer.status, answer.ended) == (0, True)
    else:
        answer = ask(server, port, [CASES[name][0], ECHO], half=False)
        assert (answer.status, answer.ended) == (CASES[name][1], True)
    server.clean_log()


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("name", ["field: 1f", "host: none", "upgrade: no key", "body: a body"])
def test_however_it_is_cut(server: Server, name: str, size: int) -> None:
    octets, status = CASES[name]
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    answer = ask(server, "handler", pieces, half=False)
    assert (answer.status, answer.ended) == (status, True)
    server.clean_log()
