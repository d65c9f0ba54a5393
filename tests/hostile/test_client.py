"""Servers and proxies that mean harm to our client."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.support import frame
from tests.helpers import LOOPS

from .target import Process, check_raw
from .test_compression import bomb, deflated
from .trap import Script, Trap, accepting, say, stay, then_stay, upgrade

MIB = 1024 * 1024
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"


class Visitor(Process):
    """The client's process."""

    def visit(self, trap: Trap, act: str = "receive", **order: Any) -> dict[str, Any]:
        """Send it to the trap; how that went."""
        before, files = self.memory("VmRSS"), self.files()
        self.forget_peak()
        path = order.pop("path", "/")
        self.tell({"url": f"ws://127.0.0.1:{trap.port}{path}", "act": act, **order})
        told: dict[str, Any] = self.hear()
        assert self.memory("VmHWM") - before < 32 * MIB
        deadline = time.monotonic() + 3
        while self.files() > files and time.monotonic() < deadline:
            time.sleep(0.005)
        assert self.files() <= files
        log = self.log()
        check_raw(log)
        assert log.count("\n") <= max(len(trap.heads), 1), log
        assert told["text"].isprintable()
        assert len(told["text"]) < 600
        assert told["seconds"] < 6
        assert told["wait"] < 1
        return told


@pytest.fixture(scope="module", params=LOOPS)
def visitor(request: pytest.FixtureRequest) -> Iterator[Visitor]:
    visitor = Visitor("tests.hostile.visitor", request.param)
    assert visitor.hear() == "ready"
    with Trap(upgrade(closing(1000))) as trap:  # what is made once is there from then on
        visitor.tell({"url": f"ws://127.0.0.1:{trap.port}/", "act": "receive", "deflate": True})
        visitor.hear()
    yield visitor
    check_raw(visitor.end())


# --- no 101 --------------------------------------------------------------------------------------


def status(code: int, *lines: bytes, reason: bytes = b"No") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 %d %s" % (code, reason), *lines, b"", b""])


def endless(begin: bytes, again: bytes) -> Script:
    """Say something, and then something else for ever."""

    def script(sock: socket.socket, head: bytes) -> None:
        sock.sendall(begin)
        for _ in range(64 * MIB // len(again)):
            sock.sendall(again)

    return script


def slowly(octets: bytes) -> Script:
    """One octet after the other, each in time."""

    def script(sock: socket.socket, head: bytes) -> None:
        for at in range(len(octets)):
            sock.sendall(octets[at : at + 1])
            time.sleep(0.05)

    return script


def reset(sock: socket.socket, head: bytes) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


HANDSHAKE, CONNECT = "HandshakeError", "ConnectError"
LONG = b"x" * 20_000

ANSWERS: dict[str, tuple[Script, str, int]] = {
    "nothing, and it stays": (then_stay(b""), CONNECT, 0),
    "nothing, and it ends": (say(b""), CONNECT, 0),
    "nothing but a RST": (reset, CONNECT, 0),
    "half a head": (say(b"HTTP/1.1 101 Switching Protocols\r\nUpgr"), CONNECT, 0),
    "a head that takes its time": (slowly(status(101, b"X: " + b"x" * 200)), CONNECT, 0),
    "a head that does not end": (
        endless(b"HTTP/1.1 101 Yes\r\n", b"X: y\r\n" * 1000),
        HANDSHAKE,
        0,
    ),
    "a line that does not end": (endless(b"HTTP/1.1 101 ", b"x" * 65536), HANDSHAKE, 0),
    "a head of 20,000 octets": (then_stay(status(101, b"X: " + LONG)), HANDSHAKE, 0),
    "thousands of headers": (then_stay(status(101, *[b"X:"] * 3000)), HANDSHAKE, 0),
    "a body that does not end": (endless(status(200), b"x" * 65536), HANDSHAKE, 200),
    "lines that end in LF": (then_stay(b"HTTP/1.1 101 Yes\nUpgrade: websocket\n\n"), HANDSHAKE, 0),
    "NUL": (then_stay(status(101, b"X: \0")), HANDSHAKE, 0),
    "escapes": (then_stay(status(101, b"X: \x1b[2J")), HANDSHAKE, 0),
    "escapes in the reason": (then_stay(status(403, reason=b"\x1b[31mNo")), HANDSHAKE, 0),
    "8 bits in the reason": (then_stay(status(403, reason=b"\x9b31m\xff")), HANDSHAKE, 403),
    "a folded header": (then_stay(status(101, b"X: a", b" b")), HANDSHAKE, 0),
    "HTTP/1.0": (then_stay(b"HTTP/1.0 101 Yes\r\n\r\n"), HANDSHAKE, 101),
    "HTTP/2": (then_stay(b"HTTP/2 101 Yes\r\n\r\n"), HANDSHAKE, 0),
    "ICY": (then_stay(b"ICY 200 OK\r\n\r\n"), HANDSHAKE, 0),
    "no HTTP at all": (then_stay(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), HANDSHAKE, 0),
    "TLS": (then_stay(bytes.fromhex("15030300020228")), HANDSHAKE, 0),
    "noise": (then_stay(bytes(range(255, 0, -1)) * 100), HANDSHAKE, 0),
    "frames": (then_stay(frame(TEXT, b"hello")), HANDSHAKE, 0),
    **{
        f"status {code}": (then_stay(b"HTTP/1.1 " + code.encode() + b" No\r\n\r\n"), HANDSHAKE, 0)
        for code in ("099", "1000", "abc", "-101", "+101", "1_1", "0x65", "")
    },
    **{
        f"status {code}": (then_stay(status(code, b"Content-Length: 0")), HANDSHAKE, code)
        for code in (100, 102, 200, 204, 400, 401, 404, 426, 429, 500, 503, 599, 999)
    },
    "Retry-After in a thousand years": (
        then_stay(status(503, b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT")),
        HANDSHAKE,
        503,
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer(visitor: Visitor, name: str) -> None:
    script, error, code = ANSWERS[name]
    with Trap(script) as trap:
        told = visitor.visit(trap)
    assert (told["error"], told["status"]) == (error, code), told


ACCEPTS: dict[str, Script] = {
    "no Upgrade": upgrade(Upgrade=None),
    "an upgrade to h2c": upgrade(Upgrade=b"h2c"),
    "several upgrades": upgrade(Upgrade=b"websocket, h2c"),
    "no Connection": upgrade(Connection=None),
    "Connection: close": upgrade(Connection=b"close"),
    "no Accept": upgrade(Sec_WebSocket_Accept=None),
    "an empty Accept": upgrade(Sec_WebSocket_Accept=b""),
    "the Accept of another key": upgrade(Sec_WebSocket_Accept=b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    "an Accept with escapes": upgrade(Sec_WebSocket_Accept=b"\x9b31m"),
    "Accept twice": lambda sock, head: sock.sendall(
        accepting(head, b"Sec-WebSocket-Accept: " + accepting(head).split(b"Accept: ")[1][:28])
    ),
    "the Accept in lower case": lambda sock, head: sock.sendall(
        accepting(head, Sec_WebSocket_Accept=accepting(head).split(b"Accept: ")[1][:28].lower())
    ),
    "the Accept twice in a line": lambda sock, head: sock.sendall(
        accepting(head, Sec_WebSocket_Accept=b", ".join([accepting(head)[-32:-4]] * 2))
    ),
    "the Accept in quotes": lambda sock, head: sock.sendall(
        accepting(head, Sec_WebSocket_Accept=b'"%b"' % accepting(head)[-32:-4])
    ),
    "a protocol that nobody asked for": upgrade(b"", b"Sec-WebSocket-Protocol: chat"),
    "a protocol with escapes": upgrade(b"", b"Sec-WebSocket-Protocol: \x9b31m"),
    "two protocols": upgrade(b"", b"Sec-WebSocket-Protocol: a", b"Sec-WebSocket-Protocol: b"),
    "an extension that nobody offered": upgrade(b"", DEFLATE),
    "an extension that is none": upgrade(b"", b'Sec-WebSocket-Extensions: x="'),
    "a body": upgrade(b"hello", b"Content-Length: 5"),
    "a body in chunks": upgrade(b"0\r\n\r\n", b"Transfer-Encoding: chunked"),
}
"""Of a 101; a client goes on with none of them."""

AGREEMENTS = [
    b"permessage-deflate, permessage-deflate",
    b"permessage-deflate; server_max_window_bits=7",
    b"permessage-deflate; server_max_window_bits=16",
    b"permessage-deflate; server_max_window_bits=0",
    b"permessage-deflate; server_max_window_bits=99",
    b"permessage-deflate; server_max_window_bits=+9",
    b"permessage-deflate; server_max_window_bits",
    b"permessage-deflate; client_max_window_bits=" + b"9" * 5000,
    b"permessage-deflate; server_no_context_takeover=1",
    b"permessage-deflate; unknown",
    b"permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    b"permessage-bzip2",
    b"x-webkit-deflate-frame",
    b"\xff",
]


@pytest.mark.parametrize("name", ACCEPTS)
def test_a_101(visitor: Visitor, name: str) -> None:
    with Trap(ACCEPTS[name]) as trap:
        told = visitor.visit(trap)
    assert (told["error"], told["status"]) == (HANDSHAKE, 101), told
    assert told["seconds"] < 0.9


@pytest.mark.parametrize("agreed", AGREEMENTS, ids=lambda octets: repr(octets[:60]))
def test_an_agreement_on_compression(visitor: Visitor, agreed: bytes) -> None:
    with Trap(upgrade(b"", b"Sec-WebSocket-Extensions: " + agreed)) as trap:
        told = visitor.visit(trap, deflate=True)
    assert (told["error"], told["status"]) == (HANDSHAKE, 101), told


# --- redirects -----------------------------------------------------------------------------------


def redirect(location: bytes, code: int = 302) -> Script:
    return then_stay(status(code, b"Location: " + location, b"Content-Length: 0"))


def slow_redirect(sock: socket.socket, head: bytes) -> None:
    """In time, but not all of them together."""
    time.sleep(0.3)
    redirect(b"/a")(sock, head)


REDIRECTS: dict[str, Script] = {
    "nowhere": then_stay(status(302)),
    "to itself": redirect(b"/"),
    "to an empty place": redirect(b""),
    "to a file": redirect(b"file:///etc/passwd"),
    "to a script": redirect(b"javascript:alert(1)"),
    "to a bad address": redirect(b"ws://[::1"),
    "to a bad port": redirect(b"ws://127.0.0.1:99999/"),
    "with escapes": redirect(b"ws://\x9b31m/"),
    "with a user": redirect(b"ws://user:password@127.0.0.1:1/"),
    "with a fragment": redirect(b"/#x"),
    "to 15,000 octets": redirect(b"/" + b"x" * 15_000),
    "to a closed port": redirect(b"ws://127.0.0.1:1/"),
    "to another scheme": redirect(b"ftp://127.0.0.1/"),
    "to a label that is too long": redirect(b"ws://" + b"a" * 64 + b"/"),
    "to dots": redirect(b"ws://..../"),
    "to a name of 10,000 octets": redirect(b"ws://" + b"a." * 5000 + b"/"),
    "to a name that is none": redirect(b"ws://\xe4..b/"),
    "to a name in escapes": redirect(b"ws://%0d%0a%00/"),
    "to a Unix socket": redirect(b"ws://unix:/etc/passwd"),
    "to a Unix socket, relatively": redirect(b"//unix:/etc/passwd"),
    "to the port 0": redirect(b"ws://127.0.0.1:0/"),
    "without a host": redirect(b"ws:///x"),
    "with backslashes": redirect(b"ws:\\\\127.0.0.1:1\\"),
    "without an end in its body": endless(status(302, b"Location: /a"), b"x" * 65536),
    "after a while": slow_redirect,
    "twice at once": then_stay(status(302, b"Location: /a", b"Location: /b")),
    "300": redirect(b"/a", 300),
    "304": redirect(b"/a", 304),
}


@pytest.mark.parametrize("name", REDIRECTS)
def test_a_redirect(visitor: Visitor, name: str) -> None:
    with Trap(REDIRECTS[name]) as trap:
        told = visitor.visit(trap)
    assert told["error"] in (HANDSHAKE, CONNECT), told
    assert len(trap.heads) <= 11


def test_credentials_stay_where_they_belong(visitor: Visitor) -> None:
    with Trap(then_stay(b"")) as other:
        with Trap(redirect(b"ws://127.0.0.1:%d/stolen" % other.port)) as trap:
            headers = {"Authorization": "Bearer secret", "Cookie": "session=secret"}
            visitor.visit(trap, arguments={"headers": headers})
        assert b"secret" in trap.heads[0]
    for head in other.heads:
        assert b"secret" not in head


# --- frames --------------------------------------------------------------------------------------


def part(opcode: int, payload: bytes = b"", **more: Any) -> bytes:
    return frame(opcode, payload, fin=False, **more)


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


FRAMES: dict[str, tuple[bytes, int]] = {
    "a mask": (frame(TEXT, b"x", mask=b"\1\2\3\4"), 1002),
    "a mask of zeros": (frame(PING, mask=bytes(4)), 1002),
    "RSV1": (frame(TEXT, b"x", rsv=4), 1002),
    "RSV2": (frame(TEXT, b"x", rsv=2), 1002),
    **{f"opcode {opcode}": (frame(opcode), 1002) for opcode in (3, 7, 11, 15)},
    "a ping of 126 octets": (frame(PING, bytes(126)), 1002),
    "a ping in parts": (part(PING), 1002),
    "bit 63": (b"\x82\x7f\x80" + bytes(7), 1002),
    "a length in too many octets": (b"\x82\x7e\0\1x", 1002),
    "a continuation of nothing": (frame(0, b"x"), 1002),
    "a message in a message": (part(TEXT) + frame(TEXT), 1002),
    "half a close code": (frame(CLOSE, b"\x03"), 1002),
    **{f"close code {code}": (closing(code), 1002) for code in (0, 999, 1005, 1006, 1015, 65535)},
    "a huge frame": (b"\x82\x7f" + (2**62).to_bytes(8, "big"), 1009),
    "a message above the limit": (frame(BINARY, bytes(MIB + 1)), 1009),
    "parts above the limit": (part(BINARY, bytes(MIB)) + frame(0, b"x"), 1009),
    "text that is not UTF-8": (frame(TEXT, b"\xff"), 1007),
    "half a character": (frame(TEXT, b"\xe2\x82"), 1007),
    "a reason that is not UTF-8": (closing(1000, b"\xff"), 1007),
    "violations without end": (frame(3) * 100_000, 1002),
}

BOMBS: dict[str, tuple[bytes, int]] = {
    "a bomb": (frame(BINARY, bomb(64 * MIB), rsv=4), 1009),
    "a bomb of text": (frame(TEXT, bomb(64 * MIB), rsv=4), 1009),
    "noise": (frame(BINARY, b"\xff" * 100, rsv=4), 1007),
    "a block that is cut off": (frame(BINARY, deflated(b"hello hello")[:-3], rsv=4), 1007),
    "RSV1 on a ping": (frame(PING, rsv=4), 1002),
    "RSV1 on a continuation": (part(TEXT, b"", rsv=4) + frame(0, rsv=4), 1002),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames(visitor: Visitor, name: str) -> None:
    octets, code = FRAMES[name]
    with Trap(upgrade(octets)) as trap:
        told = visitor.visit(trap)
    assert (told["code"], told["messages"]) == (code, 0), told


@pytest.mark.parametrize("name", BOMBS)
def test_compressed_frames(visitor: Visitor, name: str) -> None:
    octets, code = BOMBS[name]
    with Trap(upgrade(octets, DEFLATE)) as trap:
        told = visitor.visit(trap, deflate=True)
    assert (told["code"], told["messages"]) == (code, 0), told


FLOODS: dict[str, tuple[bytes, ...]] = {
    "pings": (frame(PING, b"x" * 20) * 300_000,),
    "pongs": (frame(PONG) * 500_000,),
    "empty messages": (frame(TEXT) * 500_000,),
    "empty parts": (part(TEXT) + part(0) * 500_000,),
    "large messages": (frame(BINARY, bytes(MIB)) * 40,),
    "bombs": (frame(BINARY, bomb(MIB), rsv=4) * 100, DEFLATE),
    "small bombs": (frame(BINARY, bomb(16 * 1024), rsv=4) * 1000, DEFLATE),
}


@pytest.mark.parametrize("act", ["receive", "ignore"])
@pytest.mark.parametrize("name", FLOODS)
def test_a_flood(visitor: Visitor, name: str, act: str) -> None:
    octets, *lines = FLOODS[name]

    def script(sock: socket.socket, head: bytes) -> None:
        with contextlib.suppress(OSError):
            sock.settimeout(1)
            sock.sendall(accepting(head, *lines))
            sock.sendall(octets)

    with Trap(script) as trap:
        told = visitor.visit(trap, act, deflate=bool(lines))
    assert told["error"] == ""


# --- ends ----------------------------------------------------------------------------------------


def answers(octets: bytes, seconds: float = 0) -> Script:
    """Wait for the client's close frame, then say this, and stay."""

    def script(sock: socket.socket, head: bytes) -> None:
        sock.sendall(accepting(head))
        sock.recv(100)
        sock.sendall(octets)
        stay(sock)

    return script


ENDS: dict[str, tuple[Script, str, int | None]] = {
    "it ends TCP": (upgrade(stays=False), "receive", None),
    "it ends TCP in a frame": (upgrade(frame(TEXT, b"hello")[:3], stays=False), "receive", None),
    "it closes and stays": (upgrade(closing(1000)), "receive", 1000),
    "it closes without a code and stays": (upgrade(frame(CLOSE)), "receive", 1005),
    "it closes with escapes": (upgrade(closing(4000, b"\x1b[2J\r\nINFO fine")), "receive", 4000),
    "it closes twice": (upgrade(closing(1000) * 2), "receive", 1000),
    "it goes on behind its close": (
        upgrade(closing(1000) + frame(TEXT) * 100_000),
        "receive",
        1000,
    ),
    "it does not answer a close": (upgrade(), "close", None),
    "it answers with messages": (answers(frame(BINARY, bytes(1000)) * 5000), "close", None),
    "it answers with pings": (answers(frame(PING) * 100_000), "close", None),
    "it answers and stays": (answers(closing(1000)), "close", 1000),
    "it answers with another code": (answers(closing(1011)), "close", 1011),
    "it answers behind much else": (
        answers(frame(BINARY, bytes(1000)) * 5000 + closing(1000)),
        "close",
        1000,
    ),
    "it answers with half a frame": (answers(b"\x88"), "close", None),
    "it answers with a violation": (answers(frame(3)), "close", None),
    "it answers by ending TCP": (lambda sock, head: sock.sendall(accepting(head)), "close", None),
}


@pytest.mark.parametrize("name", ENDS)
def test_an_end(visitor: Visitor, name: str) -> None:
    script, act, received = ENDS[name]
    with Trap(script) as trap:
        told = visitor.visit(trap, act)
    assert told["error"] == ""
    assert told["received"] == received, told
    assert told["seconds"] < 2


# --- proxies -------------------------------------------------------------------------------------

PROXIES: dict[str, Script] = {
    "silence": then_stay(b""),
    "an end": say(b""),
    "a RST": reset,
    "noise": then_stay(bytes(range(256)) * 10),
    "403": then_stay(status(403)),
    "407": then_stay(status(407, b"Proxy-Authenticate: Basic")),
    "a redirect": redirect(b"http://127.0.0.1:1/"),
    "101": then_stay(status(101)),
    "100": then_stay(status(100)),
    "a head that does not end": endless(b"HTTP/1.1 200 Yes\r\n", b"X: y\r\n" * 1000),
    "a body that does not end": endless(status(200), b"x" * 65536),
    "an answer of the server in advance": then_stay(status(200) + status(101)),
    "200, then silence": then_stay(status(200)),
    "200, then an end": say(status(200)),
    "HTTP/0.9": then_stay(b"<html>\r\n\r\n"),
    "escapes": then_stay(status(200, b"X: \x1b[2J")),
    "escapes in the reason": then_stay(status(502, reason=b"\x9b31m\x85INFO fine")),
    "a long reason": then_stay(status(502, reason=b"x" * 15_000)),
    "lines that end in LF": then_stay(b"HTTP/1.1 200 Yes\n\n"),
    "a folded header": then_stay(status(200, b"X: a", b" b")),
    "a space before the colon": then_stay(status(200, b"X : a")),
    "thousands of headers": then_stay(status(200, *[b"X:"] * 3000)),
    "status 2000": then_stay(b"HTTP/1.1 2000 Yes\r\n\r\n"),
    "HTTP/3": then_stay(b"HTTP/3 200 Yes\r\n\r\n"),
    "SOCKS": then_stay(b"\x05\x00"),
}


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy(visitor: Visitor, name: str) -> None:
    with Trap(PROXIES[name]) as trap:
        told = visitor.visit(
            trap,
            arguments={
                "proxy": f"http://user:secret@127.0.0.1:{trap.port}",
                "headers": {"Authorization": "Bearer token"},
            },
        )
    # What comes with the proxy's answer is its fault; what comes later, that of the server.
    assert told["error"] in (CONNECT, HANDSHAKE if name == "a body that does not end" else CONNECT)
    assert "secret" not in told["text"]
    assert trap.heads[0].startswith(b"CONNECT ")
    assert b"token" not in trap.heads[0]


def test_what_is_meant_for_the_proxy_goes_no_further(visitor: Visitor) -> None:
    seen = []

    def script(sock: socket.socket, head: bytes) -> None:
        sock.sendall(status(200))
        request = sock.recv(65536)
        seen.append(request)
        sock.sendall(accepting(request) + closing(1000))
        stay(sock)

    with Trap(script) as trap:
        proxy = f"http://user:secret@127.0.0.1:{trap.port}"
        told = visitor.visit(trap, arguments={"proxy": proxy})
    assert told["received"] == 1000
    assert b"Proxy-Authorization" in trap.heads[0]
    assert b"Proxy" not in seen[0]


SOCKS: dict[str, Script] = {
    "silence": then_stay(b""),
    "an end": say(b""),
    "another version": then_stay(b"\x04\x00"),
    "no way to log in": then_stay(b"\x05\xff"),
    "another way to log in": then_stay(b"\x05\x09"),
    "a refusal": then_stay(b"\x05\x00\x05\x01\x00\x01" + bytes(6)),
    "an unknown refusal": then_stay(b"\x05\x00\x05\xff\x00\x01" + bytes(6)),
    "an unknown kind of address": then_stay(b"\x05\x00\x05\x00\x00\x09" + bytes(6)),
    "noise": then_stay(bytes(range(255, 0, -1))),
    "HTTP": then_stay(status(400)),
    "an end in the middle": say(b"\x05\x00\x05\x00"),
}


@pytest.mark.parametrize("name", SOCKS)
def test_a_socks_proxy(visitor: Visitor, name: str) -> None:
    with Trap(SOCKS[name], reads_head=False) as trap:
        told = visitor.visit(trap, arguments={"proxy": f"socks5://127.0.0.1:{trap.port}"})
    assert told["error"] == CONNECT, told


@pytest.mark.parametrize("name", ["a" * 64, "a." * 200 + "a", "a" * 300])
def test_a_name_that_socks_has_no_room_for(visitor: Visitor, name: str) -> None:
    with Trap(then_stay(b"\x05\x00"), reads_head=False) as trap:
        proxy = f"socks5://127.0.0.1:{trap.port}"
        visitor.tell({"url": f"ws://{name}/", "act": "receive", "arguments": {"proxy": proxy}})
        told = visitor.hear()
    assert told["error"] == CONNECT, told
    check_raw(visitor.log())


def test_tls_that_says_nothing(visitor: Visitor) -> None:
    with Trap(then_stay(b""), reads_head=False) as trap:
        visitor.tell({"url": f"wss://127.0.0.1:{trap.port}/", "act": "receive"})
        told = visitor.hear()
    assert told["error"] == CONNECT
    assert told["seconds"] < 2
    check_raw(visitor.log())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 No\r\n\r\n",
        bytes(1000),
        b"\x16\x03\x03\xff\xff",
        b"\x15\x03\x03\x00\x02\x02\x28",  # an alert
        b"\x14\x03\x03\x00\x01\x01" * 1000,
        b"\x16\x03\x03\x40\x00" + b"\x0b\x00\xff\xff" + bytes(16_380),
    ],
    ids=["HTTP", "zeros", "a long record", "an alert", "changes of cipher", "certificates at once"],
)
def test_tls_that_is_none(visitor: Visitor, answer: bytes) -> None:
    with Trap(then_stay(answer), reads_head=False) as trap:
        visitor.tell({"url": f"wss://127.0.0.1:{trap.port}/", "act": "receive"})
        told = visitor.hear()
    assert told["error"] == CONNECT
    assert told["text"].isprintable()
    check_raw(visitor.log())
