"""Servers that mean harm to the other clients: those that come back, and those with callbacks."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from tests.contract.support import frame

from .target import STRICT, check_raw
from .test_client import Visitor, closing, endless, redirect, reset, status, visitor
from .trap import Script, Trap, accepting, say, stay, then_stay, upgrade

__all__ = ["visitor"]

TEXT, BINARY, PING = 1, 2, 9


def half(octets: bytes) -> Script:
    """Accept, say this, and end one half of TCP."""

    def script(sock: socket.socket, head: bytes) -> None:
        sock.sendall(accepting(head) + octets)
        sock.shutdown(socket.SHUT_WR)
        stay(sock)

    return script


def reset_behind(octets: bytes) -> Script:
    """Accept, say this, and end it by a RST."""

    def script(sock: socket.socket, head: bytes) -> None:
        sock.sendall(accepting(head) + octets)
        time.sleep(0.02)
        reset(sock, head)

    return script


def twice(sock: socket.socket, head: bytes) -> None:
    """Accept, and accept again."""
    sock.sendall(accepting(head) * 2)
    stay(sock)


def octet_by_octet(sock: socket.socket, head: bytes) -> None:
    """Accept, one octet after the other, and not in time."""
    for octet in accepting(head):
        sock.sendall(bytes([octet]))
        time.sleep(0.03)


def retry_after(value: bytes) -> Script:
    return then_stay(status(503, b"Retry-After: " + value))


SCRIPTS: dict[str, Script] = {
    "nothing": say(b""),
    "a RST": reset,
    "503": then_stay(status(503)),
    "100, again and again": endless(b"", status(100) * 100),
    "103": then_stay(status(103, b"Link: x")),
    "101 twice": twice,
    "octet by octet": octet_by_octet,
    "a while in a thousand years": retry_after(b"99999999999999999999"),
    "a while that is over": retry_after(b"-5"),
    "a while that is none": retry_after(b"\xb2 nan"),
    "a while until no day": retry_after(b"Thu, 32 Foo 99999 99:99:99 XYZ"),
    "a while since the year 1": retry_after(b"Thu, 01 Jan 0001 00:00:00 -9999"),
    "half a connection": half(b""),
    "half a connection behind a message": half(frame(TEXT, b"x")),
    "half a connection in a frame": half(b"\x81"),
    "half a connection behind a close": half(closing(1000)),
    "a RST behind the handshake": reset_behind(b""),
    "a RST in a frame": reset_behind(b"\x82\x7e"),
    "a RST behind a close": reset_behind(closing(1000)),
    "a RST behind a violation": reset_behind(frame(3)),
    "a violation with the handshake": upgrade(frame(3)),
    "a close with the handshake": upgrade(closing(1012)),
    "a message and a close with the handshake": upgrade(frame(TEXT, b"x") + closing(1013)),
    "a reason of letters from elsewhere": upgrade(closing(4999, "\xe9\u202e".encode() * 24)),
    "a reason with escapes": upgrade(closing(4999, b"\x1b[2J\r\nINFO fine")),
    "bad UTF-8": upgrade(frame(TEXT, b"\xff")),
    "a redirect to itself": redirect(b"/"),
    "a redirect to a name that is none": redirect(b"ws://..../"),
    "a redirect to a name outside ASCII that is none": redirect(b"ws://\xe4..b/"),
    "a redirect to a file": redirect(b"file:///etc/passwd"),
    "a cookie of 8 bits": upgrade(closing(1000), b"Set-Cookie: a=\x9b"),
    "pings": upgrade(frame(PING, b"x" * 100) * 30_000 + closing(1000)),
}


def visit(visitor: Visitor, trap: Trap, style: str) -> dict[str, Any]:
    """Send it to the trap; what it has told, having done no harm to its own process."""
    before, files = visitor.memory("VmRSS"), visitor.files()
    visitor.forget_peak()
    visitor.tell({"url": f"ws://127.0.0.1:{trap.port}/", "style": style})
    told: dict[str, Any] = visitor.hear()
    assert visitor.memory("VmHWM") - before < 8 * 2**20
    deadline = time.monotonic() + 20
    while visitor.files() > files and time.monotonic() < deadline:
        time.sleep(0.005)
    assert visitor.files() <= files
    assert told["wait"] < (1 if STRICT else 3)
    return told


@pytest.mark.parametrize(
    ("name", "style"),
    [
        *((name, style) for name in SCRIPTS for style in ("again", "callbacks")),
        *((name, "factory") for name in list(SCRIPTS)[::3]),  # it shares nearly all with "again"
    ],
)
def test_a_server(visitor: Visitor, name: str, style: str) -> None:
    with Trap(SCRIPTS[name]) as trap:
        told = visit(visitor, trap, style)
    log = visitor.log()
    check_raw(log)
    # Each attempt has a line, and a second one if it was the server's fault.
    assert log.count("\n") <= 2 * max(len(trap.heads), 1), log
    assert len(trap.heads) < 50, "it does not pause"
    if style == "callbacks":
        assert len(told["ends"]) == 1, told
    elif style == "factory":
        assert abs(len(trap.heads) - len(told["ends"])) <= 1, told  # one may have been on its way
    else:
        assert told["error"] in ("", "HandshakeError", "ConnectError"), told
