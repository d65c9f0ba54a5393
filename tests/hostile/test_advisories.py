"""What went wrong in other libraries, by the number of its advisory: each is tried on us.

The attacks are those of the other files; here is which advisory taught which of them.
"""

from __future__ import annotations

import contextlib
import time

import pytest

from tests.contract.support import frame

from . import test_compression, test_frames, test_handshake
from .attack import ask, client_frame, request
from .target import STRICT, Server
from .test_client import ACCEPTS, ANSWERS, BOMBS, PROXIES, Visitor, visitor
from .test_resources import ATTACKS
from .trap import Trap, upgrade

__all__ = ["visitor"]

REQUESTS: dict[str, str] = {
    "CVE-2026-44546, daphne: lines cut by splitlines()": "field: 1c",
    "CVE-2026-44546, daphne: VT": "field: 0b",
    "CVE-2026-44546, daphne: NEL": "field: 85 ends no line",
    "CVE-2023-37276, aiohttp: CR in a value": "field: a bare CR",
    "CVE-2023-47627, aiohttp: NUL in a value": "field: NUL",
    "CVE-2023-47641, aiohttp: a length and chunks": "body: chunks and a length",
    "CVE-2024-23829, aiohttp: a space before the colon": "field: a space before the colon",
    "CVE-2024-52304, aiohttp: chunks": "body: a body in chunks",
    "CVE-2025-53643, aiohttp: chunks with trailers": "body: a body in chunks",
    "CVE-2025-69224, aiohttp: digits of Unicode": "body: Content-Length '\xb2'",
    "CVE-2026-34525, aiohttp: two hosts": "host: two",
    "CVE-2026-22815, aiohttp: headers without end": "field: 5,000 of them",
    "CVE-2026-54277, aiohttp: a long line in pieces": "line: a path that is too long",
    "CVE-2026-42544, granian: a protocol outside ASCII": "offer: a protocol of 8 bits",
    "GHSA-qppv-j76h-2rpx, tornado: int('+1_0')": "body: Content-Length '5_0'",
    "GHSA-753j-mpmx-qq6g, tornado: two codings": "body: an unknown coding",
    "CVE-2025-67724, tornado: a reason with controls": "line: a method with escapes",
    "CVE-2022-39348, twisted: Host in a page": "host: with a quote",
    "CVE-2022-24801, twisted: lengths with a sign": "body: Content-Length '+5'",
    "CVE-2023-46137, twisted: pipelining": "line: many empty lines in front",
    "CVE-2025-43859, h11: what ends a chunk": "body: a body in chunks",
    "CVE-2025-22871, Go: bare LF": "protocol: lines that end in LF",
    "CVE-2021-22959, Node: a tab before the colon": "field: a tab before the colon",
    "CVE-2022-32213, Node: chunks": "body: a hidden coding",
    "CVE-2022-32214, Node: LF for CRLF": "field: a bare LF",
    "CVE-2022-32215, Node: folded": "field: folded",
    "CVE-2022-35256, Node: CR for CRLF": "protocol: lines that end in CR",
    "CVE-2024-27982, Node: a space before a header": "field: folded at once",
    "CVE-2024-37890, ws: more headers than are taken": "field: 129 of them",
    "CVE-2021-32640, ws: a pattern that explodes": "offer: spaces and commas",
    "CVE-2020-7662, websocket-extensions: a quote that does not end": (
        "offer: a quote that does not end"
    ),
    "CVE-2020-7663, websocket-extensions: a quote that does not end": (
        "offer: a quote that does not end"
    ),
    "ws 3.3.1: names of the language": "offer: names of Python",
    "CVE-2023-43669, tungstenite: a long head": "field: one of 20,000 octets",
    "0ang3el, proxies: a version that is not spoken": "upgrade: version '12'",
    "CVE-2018-12121, Node: large heads": "field: many of 20,000 octets together",
}

FRAMES: dict[str, str] = {
    "CVE-2020-27813, gorilla: a length that overflows": "all bits on a continuation",
    "CVE-2020-13935, Tomcat: bit 63": "bit 63",
    "CVE-2026-19204, Jetty: an opcode that is none, and a length": "opcode 3 and a huge length",
    "PYSEC-2026-4395, aiohttp: a sum that overflows": "all bits",
    "aiohttp: frames without a mask": "not masked",
    "picows: RSV2": "RSV2",
    "GHSA-mq44-7p77-q5h7, aiohttp: compression that was not agreed on": "RSV1",
}

TOO_MUCH: dict[str, str] = {
    "CVE-2016-10542, ws: no limit": "all of it",
    "CVE-2026-44545, daphne: no limit": "a huge message",
    "CVE-2026-54274, aiohttp: a limit behind the frame": "a message above the limit",
    "CVE-2026-1528, undici: 64 bits of length": "the largest length",
    "CVE-2026-50161, libre: position and length": "a sum that overflows",
    "GHSA-9p9m-jm8w-94p2, eventlet: no limit": "a part above the limit",
    "CVE-2014-0193, Netty: parts without end": "many parts above the limit",
}

COMPRESSED: dict[str, str] = {
    "CVE-2018-1000518, websockets: no limit on what comes out": "a bomb of 64 MiB",
    "autobahn 18.5.2: inflate, then look": "a bomb in parts",
    "CVE-2026-77528, autobahn: a limit on the compressed length": "one octet above the limit",
    "CVE-2016-10544, uWebSockets: above the limit": "a bomb behind a message",
    "CVE-2026-54464, websocket-driver: a limit on the compressed length": "a bomb in parts",
    "CVE-2026-83599, Netdata: a bomb": "a bomb of text",
    "CVE-2026-107227, AsyncHttpClient: a bomb": "a bomb in single octets",
    "aiohttp 12988: a ping between compressed parts": "pings within",
    "websockets, autobahn, picows: behind the last block": "a last block",
}

COSTLY: dict[str, str] = {
    "CVE-2026-48779, ws: parts of one octet": "parts of one octet",
    "CVE-2026-62389, ws: empty parts": "empty parts",
    "CVE-2026-12151, undici: the number of parts": "empty parts",
    "CVE-2026-100658, Netty: messages that wait": "empty messages to slow coroutines",
    "CVE-2026-123817, aiohttp: tiny reads": "a head octet by octet",
    "CVE-2026-54273, aiohttp: pipelined requests": "requests one behind the other",
    "CVE-2026-48804, python-socketio: messages that do not end": "messages that do not end",
    "CVE-2020-35896, ws crate: answers without end": "empty messages to callbacks",
    "CVE-2024-12254, CPython: writelines() that does not pause": (
        "fifty who do not read large messages of callbacks"
    ),
    "CVE-2018-12122, Node: slow heads": "silent connections",
    "CVE-2024-23672, Tomcat: failed connections that stay": "data behind a violation",
    "CVE-2025-11234, qemu: gone during the handshake": "connections that only come",
    "CVE-2025-11677, libwebsockets: gone during the upgrade": "connections that come and go",
    "CVE-2026-77358, cpp-httplib: gone before the close frame": "resets in the middle",
    "CVE-2025-47287, tornado: a flood of log lines": "refusals",
}


@pytest.mark.parametrize("advisory", REQUESTS)
def test_requests(server: Server, advisory: str) -> None:
    octets, status = test_handshake.CASES[REQUESTS[advisory]]
    answer = ask(server, "handler", [octets, test_handshake.ECHO], half=status == 101)
    assert (answer.status, answer.ended) == (status, True)
    server.clean_log()


@pytest.mark.parametrize("advisory", FRAMES)
def test_frames_that_are_none(server: Server, advisory: str) -> None:
    test_frames.judge(server, "handler", test_frames.HEADERS[FRAMES[advisory]], 1002)


@pytest.mark.parametrize("advisory", TOO_MUCH)
def test_messages_that_are_too_much(server: Server, advisory: str) -> None:
    test_frames.judge(server, "handler", test_frames.TOO_MUCH[TOO_MUCH[advisory]], 1009)


@pytest.mark.parametrize("advisory", COMPRESSED)
def test_bombs_and_other_data(server: Server, advisory: str) -> None:
    octets, code = test_compression.CASES[COMPRESSED[advisory]]
    pieces = [request(test_compression.DEFLATE), octets, test_compression.BYE]
    answer = ask(server, "handler", pieces, polite=True, patience=10)
    assert (answer.code, answer.ended) == (code, True)
    server.clean_log()


@pytest.mark.skipif(not STRICT, reason="test_resources makes the same attacks; make hostile")
@pytest.mark.parametrize("advisory", COSTLY)
def test_costs(server: Server, advisory: str) -> None:
    function, memory, _ = ATTACKS[COSTLY[advisory]]
    with server.watched() as harm:
        with contextlib.ExitStack() as stack:
            function(server, stack)
            time.sleep(0.02)
        done = harm()
    assert done.memory < memory
    assert done.files <= 0
    server.clean_log()


# --- what has a story of its own -----------------------------------------------------------------


def test_cve_2020_35678_autobahn(server: Server) -> None:
    """The status page copied ?redirect= into a header."""
    line = b"GET /?redirect=http://a/%0d%0aSet-Cookie:x=y HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = ask(server, "contract", [line], half=False)
    assert answer.status == 400
    assert b"\r\nSet-Cookie" not in answer.head


def test_cve_2020_7694_uvicorn(server: Server) -> None:
    """Escapes of a peer's went into the log."""
    ask(server, "handler", [request(Host="\x9b31m")])
    ask(server, "handler", [request(), client_frame(8, b"\x0f\xa0\x1b[31m\r\nINFO all is well")])
    server.clean_log()


def test_cve_2024_7592_python(server: Server) -> None:
    """Reading a cookie took the square of the backslashes in it."""
    cookie = b'Cookie: token="' + b"\\" * 15_000 + b'"'
    with server.watched() as harm:
        for _ in range(10):
            answer = ask(server, "cookies", [request(cookie)], half=False)
            assert (answer.status, answer.ended) == (401, True)
        done = harm()
    assert done.cpu < 1
    server.clean_log()


def test_cve_2026_1526_undici(visitor: Visitor) -> None:
    """A client inflated without a limit."""
    octets, code = BOMBS["a bomb"]
    with Trap(upgrade(octets, test_compression.DEFLATE)) as trap:
        assert visitor.visit(trap, deflate=True)["code"] == code


@pytest.mark.parametrize("bits", [b"0", b"7", b"16", b"99", b"-9"])
def test_cve_2026_2229_undici(visitor: Visitor, bits: bytes) -> None:
    """A server's window bits were believed."""
    agreed = test_compression.DEFLATE + b"; server_max_window_bits=" + bits
    with Trap(upgrade(b"", agreed)) as trap:
        assert visitor.visit(trap, deflate=True)["error"] == "HandshakeError"


def test_ghsa_v9f2_7rw2_gr2x_async_http_client(visitor: Visitor) -> None:
    """The handshake went on after a wrong Accept."""
    with Trap(ACCEPTS["the Accept of another key"]) as trap:
        told = visitor.visit(trap)
    assert (told["error"], told["status"]) == ("HandshakeError", 101)


def test_cve_2026_107285_async_http_client(visitor: Visitor) -> None:
    """What was meant for the server went to a proxy that refused."""
    with Trap(PROXIES["407"]) as trap:
        proxy = f"http://user:secret@127.0.0.1:{trap.port}"
        headers = {"Authorization": "Bearer token"}
        visitor.visit(trap, arguments={"proxy": proxy, "headers": headers})
    assert b"token" not in trap.heads[0]


def test_ghsa_3wwx_pv8p_q78v_undici(visitor: Visitor) -> None:
    """An error behind the limit had nobody who caught it."""
    bad = frame(2, b"\xff" * 10, rsv=4)
    with Trap(upgrade(BOMBS["a bomb"][0] + bad * 100, test_compression.DEFLATE)) as trap:
        assert visitor.visit(trap, deflate=True)["code"] == 1009


def test_websockets_10_the_body_of_a_refusal(visitor: Visitor) -> None:
    """A refusal's body was read to its end, which never came."""
    with Trap(ANSWERS["a body that does not end"][0]) as trap:
        assert visitor.visit(trap)["status"] == 200
