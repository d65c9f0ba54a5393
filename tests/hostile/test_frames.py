"""Frames that RFC 6455 forbids, or that are more than anybody asked for."""

from __future__ import annotations

import pytest

from .attack import ask, client_frame, request
from .target import Server

MIB = 1024 * 1024
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
HUGE = 2**62


def part(opcode: int, payload: bytes = b"", **more: object) -> bytes:
    return client_frame(opcode, payload, fin=False, **more)


def closing(code: int, reason: bytes = b"") -> bytes:
    return client_frame(CLOSE, code.to_bytes(2, "big") + reason)


def header(first: int, second: int, more: bytes = b"") -> bytes:
    return bytes([first, second]) + more


def announcing(first: int, length: int) -> bytes:
    """The header of a frame that never comes."""
    return header(first, 0xFF, length.to_bytes(8, "big") + bytes(4))


HEADERS: dict[str, bytes] = {
    "RSV1": client_frame(TEXT, b"x", rsv=4),
    "RSV2": client_frame(TEXT, b"x", rsv=2),
    "RSV3": client_frame(TEXT, b"x", rsv=1),
    "all RSV": client_frame(BINARY, b"x", rsv=7),
    "RSV1 on a ping": client_frame(PING, b"x", rsv=4),
    "RSV1 on a close frame": client_frame(CLOSE, rsv=4),
    **{
        f"RSV {rsv:03b} on opcode {opcode}": client_frame(opcode, rsv=rsv)
        for rsv in range(1, 8)
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG)
    },
    **{
        f"RSV {rsv:03b} on a continuation": part(TEXT, b"x") + client_frame(0, b"y", rsv=rsv)
        for rsv in range(1, 8)
    },
    **{
        f"opcode {opcode}": client_frame(opcode, b"x")
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    },
    "opcode 11 in a message": part(TEXT, b"x") + client_frame(11),
    "opcode 3 and a huge length": header(0x83, 0xFF, HUGE.to_bytes(8, "big")),
    "opcode 15 and the largest length": header(0x8F, 0xFF, b"\xff" * 8),
    "not masked": client_frame(TEXT, b"x", mask=None),
    "not masked and empty": client_frame(TEXT, mask=None),
    "a ping that is not masked": client_frame(PING, mask=None),
    "a close frame that is not masked": client_frame(CLOSE, mask=None),
    "not masked behind one that is": client_frame(PING) + client_frame(TEXT, b"x", mask=None),
    "a ping in parts": part(PING),
    "a close frame in parts": part(CLOSE),
    "a ping of 126 octets": client_frame(PING, bytes(126)),
    "a ping of 64 KiB": client_frame(PING, bytes(65536)),
    "a pong of 126 octets": client_frame(PONG, bytes(126)),
    "a huge ping": header(0x89, 0xFF, HUGE.to_bytes(8, "big")),
    "a close frame of 126 octets": client_frame(CLOSE, b"\x03\xe8" + bytes(124)),
    "5 octets, said in two": header(0x81, 0xFE, b"\0\5\0\0\0\0hello"),
    "125 octets, said in two": header(0x82, 0xFE, b"\0\x7d" + bytes(4 + 125)),
    "5 octets, said in eight": header(0x81, 0xFF, bytes(7) + b"\5\0\0\0\0hello"),
    "65535 octets, said in eight": header(0x82, 0xFF, (65535).to_bytes(8, "big")),
    "bit 63": header(0x82, 0xFF, b"\x80" + bytes(7)),
    "bit 63 and a small length": header(0x82, 0xFF, b"\x80" + bytes(6) + b"\1"),
    "all bits": header(0x82, 0xFF, b"\xff" * 8),
    "all bits on a continuation": part(TEXT, b"x") + header(0x80, 0xFF, b"\xff" * 8),
    "a continuation of nothing": client_frame(0, b"x"),
    "a continuation of nothing, in parts": part(0, b"x"),
    "a continuation behind the end": client_frame(TEXT, b"") + client_frame(0, b"x"),
    "a message in a message": part(TEXT, b"x") + client_frame(TEXT, b"y"),
    "a message in a message, in parts": part(BINARY) + part(BINARY),
}
"""1002."""

TEXTS: dict[str, bytes] = {
    "a bad octet": b"\xff",
    "a lone continuation": b"\x80",
    "overlong slash": b"\xc0\xaf",
    "overlong NUL": b"\xc0\x80",
    "overlong, 3 octets": b"\xe0\x80\xaf",
    "overlong, 4 octets": b"\xf0\x80\x80\xaf",
    "5 octets": b"\xf8\x88\x80\x80\x80",
    "a surrogate": b"\xed\xa0\x80",
    "a pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
    "half a character": b"\xe2\x82",
    "half a character in ASCII": b"x" * 5000 + b"\xe2\x82" + b"x" * 5000,
    "late": b"x" * 100_000 + b"\xff",
    "UTF-16": "hello".encode("utf-16"),
    "ISO-8859-1": b"\xe4\xf6\xfc",
}
"""1007, whole and in parts."""

CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65535)
"""1002."""

TOO_MUCH: dict[str, bytes] = {
    "a huge message": announcing(0x82, HUGE),
    "the largest length": announcing(0x82, 2**63 - 1),
    "a message above the limit": announcing(0x81, MIB + 1),
    "all of it": client_frame(BINARY, bytes(MIB + 1)),
    "a part above the limit": announcing(0x01, MIB + 1),
    "parts above the limit": part(BINARY, bytes(MIB)) + client_frame(0, b"x"),
    "many parts above the limit": part(BINARY) + part(0, bytes(1024)) * 1024 + part(0, b"x"),
    "a sum that overflows": part(BINARY, bytes(MIB)) + announcing(0x80, 2**63 - 1),
    "parts that are empty, then one too many": part(BINARY, bytes(MIB))
    + part(0) * 1000
    + part(0, b"x"),
}
"""1009, where there are limits."""

FINE: dict[str, tuple[bytes, list[bytes] | None]] = {
    "a message of the largest size": (client_frame(BINARY, bytes(MIB)), [bytes(MIB)]),
    "an empty message": (client_frame(TEXT), [b""]),
    "an empty message in parts": (part(TEXT) + part(0) * 100 + client_frame(0), [b""]),
    "a mask of zeros": (client_frame(TEXT, b"x", mask=bytes(4)), [b"x"]),
    "a message whose mask shows text": (client_frame(TEXT, b"GET / HTTP/1.1\r\n\r\n"), None),
    "a byte order mark": (client_frame(TEXT, b"\xef\xbb\xbfx"), [b"\xef\xbb\xbfx"]),
    "characters that are none": (client_frame(TEXT, "\ufffe\U0010ffff\0".encode()), None),
    "pings within": (part(TEXT, b"a") + client_frame(PING, b"p") + client_frame(0, b"b"), [b"ab"]),
    "pongs that nobody asked for": (client_frame(PONG, b"x") * 1000 + client_frame(TEXT), [b""]),
    "a character in parts": (part(TEXT, b"\xe2") + part(0) + client_frame(0, b"\x82\xac"), None),
    "single octets": (part(TEXT, b"x") + part(0, b"y") * 999 + client_frame(0, b"z"), None),
}
"""Echoed; None where it is to be what it was."""


def judge(server: Server, port: str, octets: bytes, code: int | None, pieces: int = 1) -> None:
    """The connection fails with this code; where it fails by a drop, without any."""
    size = -(-len(octets) // pieces)
    cut = [octets[at : at + size] for at in range(0, len(octets), size)]
    answer = ask(server, port, [request(), *cut])
    assert answer.status == 101
    assert answer.code == code, answer
    assert answer.ended
    assert answer.seconds < 2
    assert [each for each in answer.frames if each.opcode < 8] == []
    server.clean_log()


PORTS = pytest.mark.parametrize("port", ["handler", "contract"])


@PORTS
@pytest.mark.parametrize("name", HEADERS)
def test_a_header(server: Server, name: str, port: str) -> None:
    octets = HEADERS[name]
    echoed = name == "a continuation behind the end"
    answer = ask(server, port, [request(), octets])
    assert answer.code == (None if port == "contract" else 1002), answer
    assert answer.ended
    assert len([each for each in answer.frames if each.opcode < 8]) <= echoed
    server.clean_log()


@PORTS
@pytest.mark.parametrize("name", TEXTS)
def test_a_text(server: Server, name: str, port: str) -> None:
    code = None if port == "contract" else 1007
    judge(server, port, client_frame(TEXT, TEXTS[name]), code)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_in_parts(server: Server, name: str) -> None:
    text = TEXTS[name]
    octets = part(TEXT, text[:1]) + part(0, text[1:]) + client_frame(0)
    judge(server, "handler", octets, 1007)


@PORTS
@pytest.mark.parametrize("code", CODES)
def test_a_close_code(server: Server, code: int, port: str) -> None:
    judge(server, port, closing(code, b"why"), None if port == "contract" else 1002)


@pytest.mark.parametrize("port", ["handler", "iterator"])
@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much(server: Server, name: str, port: str) -> None:
    judge(server, port, TOO_MUCH[name], 1009)


@pytest.mark.parametrize("port", ["handler", "contract", "iterator", "tasks"])
@pytest.mark.parametrize("name", FINE)
def test_odd_but_allowed(server: Server, name: str, port: str) -> None:
    octets, expected = FINE[name]
    answer = ask(server, port, [request(), octets, closing(1000)], polite=True)
    echoed = [each.payload for each in answer.frames if each.opcode < 8]
    if port != "tasks":  # where the close frame may be faster
        assert len(echoed) == 1
        assert expected is None or echoed == expected
    assert (answer.code, answer.ended) == (1000, True)
    server.clean_log()


CLOSES: dict[str, tuple[bytes, int | None]] = {
    "without a code": (client_frame(CLOSE), 1000),
    "one octet": (client_frame(CLOSE, b"\x03"), 1002),
    "a reason that is not UTF-8": (closing(1000, b"\xff"), 1007),
    "half a character of a reason": (closing(1000, b"\xe2\x82"), 1007),
    "a reason with escapes": (closing(1000, b"\x1b[2J\r\nINFO tcp4:1.1.1.1:1: fine"), 1000),
    "the longest reason": (closing(4999, b"x" * 123), 1000),
    "twice": (closing(1000) * 2, 1000),
    "a message behind it": (closing(1000) + client_frame(TEXT, b"x"), 1000),
    "garbage behind it": (closing(1000) + bytes(100_000), 1000),
    "in a message": (part(TEXT, b"x") + closing(1001), 1000),
    "with an application's code": (closing(3000), 1000),
    "behind a violation": (client_frame(3) + closing(1002), 1002),
    "bad ones behind a violation": (client_frame(3) + closing(1002, b"\xff") * 3, 1002),
    "violations without end": (client_frame(3) * 10_000, 1002),
    "bad text without end": (client_frame(TEXT, b"\xff") * 10_000, 1007),
}


@pytest.mark.parametrize("name", CLOSES)
def test_a_close(server: Server, name: str) -> None:
    octets, code = CLOSES[name]
    judge(server, "handler", octets, code)


HALVES: dict[str, bytes] = {
    "a header": b"\x81",
    "a header without its key": b"\x81\x85",
    "a length": b"\x82\xff\0\0",
    "a payload": client_frame(TEXT, b"hello")[:-1],
    "a message": part(TEXT, b"x"),
    "a large payload": client_frame(BINARY, bytes(MIB))[:-1],
    "a ping": client_frame(PING, b"hello")[:-1],
    "a close frame": closing(1000)[:-1],
    "nothing": b"",
}


@PORTS
@pytest.mark.parametrize("name", HALVES)
def test_half_of_something_and_no_more(server: Server, name: str, port: str) -> None:
    answer = ask(server, port, [request(), HALVES[name]], half=True, patience=5)
    assert (answer.status, answer.frames, answer.ended) == (101, [], True)
    assert answer.seconds < 2
    server.clean_log()


@pytest.mark.parametrize("pieces", [2, 5, 1000])
@pytest.mark.parametrize("name", ["opcode 3", "bit 63", "a ping of 126 octets", "not masked"])
def test_however_it_is_cut(server: Server, name: str, pieces: int) -> None:
    judge(server, "handler", HEADERS[name], 1002, pieces)


@pytest.mark.parametrize("name", ["opcode 3", "not masked", "bit 63", "a huge ping"])
def test_a_peer_that_is_told_and_stays(server: Server, name: str) -> None:
    """The server ends TCP by itself, although the peer neither answers nor ends."""
    answer = ask(server, "handler", [request(), HEADERS[name]], half=False)
    assert (answer.code, answer.ended) == (1002, True)
    assert answer.seconds < 4
    server.clean_log()


@pytest.mark.parametrize("port", ["pieces", "frames"])
def test_a_message_in_pieces_and_a_close_behind_it(server: Server, port: str) -> None:
    octets = part(TEXT, b"\xe2") + client_frame(0, b"\x82\xac") + client_frame(TEXT, b"hello")
    answer = ask(server, port, [request(), octets + closing(1000)], half=False, polite=True)
    sizes = [each.payload for each in answer.frames[:-1]]
    assert sizes in ([b"1", b"5"], [b"3", b"5"])  # in characters, or in octets
    assert (answer.code, answer.ended) == (1000, True)
    server.clean_log()


@pytest.mark.parametrize("port", ["handler", "contract", "iterator"])
def test_all_of_it_in_the_packet_of_the_request(server: Server, port: str) -> None:
    """What comes before the close frame is answered, although the handler has yet to begin."""
    octets = client_frame(TEXT, b"one") + client_frame(PING, b"two") + client_frame(TEXT, b"three")
    answer = ask(server, port, [request() + octets + closing(1000)], half=False)
    said = [(each.opcode, each.payload) for each in answer.frames[:-1]]
    assert sorted(said) == [(TEXT, b"one"), (TEXT, b"three"), (PONG, b"two")]
    assert (answer.code, answer.ended) == (1000, True)
    server.clean_log()
