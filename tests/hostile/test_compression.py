"""permessage-deflate: data that does not inflate, or inflates to too much."""

from __future__ import annotations

import os
import zlib
from functools import cache

import pytest

from .attack import ask, client_frame, request
from .target import Server

MIB = 1024 * 1024
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
BYE = client_frame(CLOSE, b"\x03\xe8")


@cache
def bomb(size: int) -> bytes:
    """So many zeros, compressed."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    pieces = [deflater.compress(bytes(min(size - at, MIB))) for at in range(0, size, MIB)]
    return (b"".join(pieces) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def deflated(data: bytes, bits: int = 15, level: int = 6) -> bytes:
    deflater = zlib.compressobj(level, zlib.DEFLATED, -bits)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def message(payload: bytes, opcode: int = BINARY, **more: object) -> bytes:
    """A compressed message, or its first part."""
    return client_frame(opcode, payload, rsv=4, **more)


def in_parts(payload: bytes, size: int) -> bytes:
    parts = [payload[at : at + size] for at in range(0, len(payload), size)]
    head = message(parts[0], fin=False)
    return head + b"".join(client_frame(0, each, fin=False) for each in parts[1:]) + client_frame(0)


CASES: dict[str, tuple[bytes, int | None]] = {
    "noise": (message(b"\xff" * 100), 1007),
    "a block of the fourth kind": (message(b"\x07"), 1007),
    "a stored block whose lengths differ": (message(b"\x00\x05\x00\x00\x00hello"), 1007),
    "a stored block that is cut off": (message(b"\x00\x05\x00\xfa\xffhe"), 1007),
    "a block that is cut off": (message(deflated(b"hello hello hello")[:-3]), 1007),
    "one octet of a block": (message(b"\xaa"), 1007),
    "a distance into nothing": (message(b"\x4a\x04\x62\x00\xff"), 1007),
    "codes that are none": (message(b"\x04\xc0\x81\x08\x00\x00\x00\x00\x20\x7f\xeb\x0b"), 1007),
    "more behind the last block": (message(b"\x03\x00junk"), 1007),
    "text that is not UTF-8": (message(deflated(b"\xff"), TEXT), 1007),
    "half a character": (message(deflated(b"\xe2\x82"), TEXT), 1007),
    "late text that is not UTF-8": (message(deflated(b"x" * 500_000 + b"\xff"), TEXT), 1007),
    "RSV1 on a continuation": (
        message(deflated(b"x"), fin=False) + client_frame(0, b"", rsv=4),
        1002,
    ),
    "RSV1 on a ping": (client_frame(PING, b"x", rsv=4), 1002),
    "RSV1 and RSV2": (client_frame(TEXT, b"x", rsv=6), 1002),
    "one octet above the limit": (message(bomb(MIB + 1)), 1009),
    "a bomb of 64 MiB": (message(bomb(64 * MIB)), 1009),
    "a bomb of text": (message(bomb(64 * MIB), TEXT), 1009),
    "a bomb in parts": (in_parts(bomb(64 * MIB), 100), 1009),
    "a bomb in single octets": (in_parts(bomb(8 * MIB), 1), 1009),
    "a bomb behind a message": (message(deflated(b"x")) + message(bomb(64 * MIB)), 1009),
    "a frame above the limit": (message(bytes(MIB + 1)), 1009),
    "a huge frame": (b"\xc2\xff" + (2**62).to_bytes(8, "big"), 1009),
    "the largest message": (message(bomb(MIB)), 1000),
    "the largest message, of noise": (client_frame(BINARY, os.urandom(MIB)), 1000),
    "an empty message": (message(b"\x00"), 1000),
    "nothing at all": (message(b""), 1000),
    "nothing, in parts": (message(b"", fin=False) + client_frame(0) * 1, 1000),
    "a last block": (message(b"\x4b\x04\x00"), 1000),
    "thousands of last blocks": (message(b"\x03\x00" * 50_000), 1000),
    "thousands of empty blocks": (message(b"\x00\x00\x00\xff\xff" * 20_000 + b"\x00"), 1000),
    "not compressed": (client_frame(BINARY, b"x"), 1000),
    "pings within": (
        message(b"", fin=False) + client_frame(PING) * 100 + client_frame(0, b"\x00"),
        1000,
    ),
    "hundreds of bombs": (message(bomb(MIB)) * 100, 1000),
    "thousands of small bombs": (message(bomb(16 * 1024)) * 2000, 1000),
    "thousands of tiny parts": (
        message(b"", fin=False) + client_frame(0, fin=False) * 20_000 + client_frame(0, b"\x00"),
        1000,
    ),
}


@pytest.mark.parametrize("port", ["handler", "iterator"])
@pytest.mark.parametrize("name", CASES)
def test_compressed(server: Server, name: str, port: str) -> None:
    octets, code = CASES[name]
    with server.watched() as harm:
        answer = ask(server, port, [request(DEFLATE), octets, BYE], patience=20, polite=True)
        done = harm()
    assert b"permessage-deflate" in answer.head
    assert answer.code == code, answer.frames[-1:]
    assert answer.ended
    assert done.memory < 32 * MIB
    assert done.files <= 0
    assert done.cpu < 5
    server.clean_log()


IN_PIECES = [
    "noise",
    "late text that is not UTF-8",
    "a bomb of 64 MiB",
    "a bomb in parts",
    "a frame above the limit",
    "thousands of last blocks",
    "hundreds of bombs",
    "thousands of tiny parts",
]


@pytest.mark.parametrize("port", ["pieces", "frames"])
@pytest.mark.parametrize("name", IN_PIECES)
def test_taken_in_pieces(server: Server, name: str, port: str) -> None:
    """Whoever takes messages as they arrive has the same limits."""
    test_compressed(server, name, port)


@pytest.mark.parametrize("name", ["noise", "a distance into nothing", "RSV1 on a ping"])
def test_failing_by_a_drop(server: Server, name: str) -> None:
    octets, _ = CASES[name]
    answer = ask(server, "contract", [request(DEFLATE), octets])
    assert (answer.status, answer.code, answer.ended) == (101, None, True)
    server.clean_log()


def test_nothing_refers_to_another_connection(server: Server) -> None:
    """What one client's messages left in the window is not another's to read."""
    secret = ask(
        server,
        "handler",
        [request(DEFLATE), message(deflated(b"secret" * 100)), BYE],
    )
    assert secret.code == 1000
    back = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=b"secret" * 100)
    spying = (back.compress(b"secret" * 100) + back.flush(zlib.Z_SYNC_FLUSH))[:-4]
    answer = ask(server, "handler", [request(DEFLATE), message(spying), BYE])
    assert answer.code == 1007
    server.clean_log()


def referring_back(data: bytes) -> bytes:
    """A message that the one before has to be known for."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=data)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


AGREED: dict[str, tuple[bytes, bytes, int]] = {
    "back into a message that was to be forgotten": (
        b"; client_no_context_takeover",
        message(deflated(b"secret" * 50)) + message(referring_back(b"secret" * 50)),
        1007,
    ),
    "back behind a last block": (
        b"",
        message(b"\x4b\x04\x00") + message(referring_back(b"aaaaaaaa")),
        1007,
    ),
    "a distance that there is none of": (b"", message(b"\x03\x1e\x00"), 1007),
    "back where that was agreed on": (
        b"",
        message(deflated(b"secret" * 50)) + message(referring_back(b"secret" * 50)),
        1000,
    ),
    "the smallest window for the server": (
        b"; server_max_window_bits=8",
        message(deflated(b"abc" * 1000)) * 3,
        1000,
    ),
    "compressed or not, by turns": (
        b"",
        (message(deflated(b"a" * 100)) + client_frame(TEXT, b"plain") + client_frame(PING)) * 10,
        1000,
    ),
    "pings and pongs in the middle of it": (
        b"",
        message(deflated(b"a" * 1000)[:3], fin=False)
        + client_frame(PING, b"1")
        + client_frame(10, b"2")
        + client_frame(0, deflated(b"a" * 1000)[3:]),
        1000,
    ),
    "nothing but stored blocks": (b"", message(deflated(bytes(60_000), level=0)), 1000),
}


@pytest.mark.parametrize("name", AGREED)
def test_what_was_agreed_on(server: Server, name: str) -> None:
    parameters, octets, code = AGREED[name]
    pieces = [request(DEFLATE + parameters), octets, BYE]
    answer = ask(server, "handler", pieces, polite=True)
    assert b"permessage-deflate" in answer.head
    assert (answer.code, answer.ended) == (code, True), answer.frames[-1:]
    server.clean_log()
