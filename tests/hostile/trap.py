"""A server that means harm, on threads: what it says is a script."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Callable

from tests.contract.support import GUID

__all__ = ["Script", "Trap", "accepting", "say", "then_stay", "upgrade"]

Script = Callable[[socket.socket, bytes], object]
"""Gets a connection, and the head that the client sent."""

BLANK = b"\r\n\r\n"


class Trap:
    """A listening socket; each connection is treated as the script says.

    Args:
        script: what is done with it; the connection ends when it returns.
        reads_head: whether a head is read before.

    Attributes:
        heads: what was received.
    """

    def __init__(self, script: Script, *, reads_head: bool = True) -> None:
        self.script = script
        self.reads_head = reads_head
        self.heads: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept, daemon=True)]

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                thread = threading.Thread(target=self.treat, args=(sock,), daemon=True)
                self.threads.append(thread)
                thread.start()

    def treat(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            sock.settimeout(5)
            head = b""
            while self.reads_head and BLANK not in head:
                octets = sock.recv(65536)
                if not octets:
                    return
                head += octets
            self.heads.append(head)
            self.script(sock, head)

    def __enter__(self) -> Trap:
        self.threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        for thread in self.threads:
            thread.join(10)
        self.listener.close()


def accepting(head: bytes, *more: bytes, **fields: bytes | None) -> bytes:
    """The right answer to a request, but for what is said otherwise.

    Args:
        head: the request.
        more: further lines.
        fields: values that are different, ``_`` for ``-``; None leaves one out.
    """
    key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
    token = base64.b64encode(hashlib.sha1(key + GUID.encode()).digest())
    named: dict[str, bytes | None] = {
        "line": b"HTTP/1.1 101 Switching Protocols",
        "Upgrade": b"websocket",
        "Connection": b"Upgrade",
        "Sec-WebSocket-Accept": token,
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    line = named.pop("line") or b""
    lines = [name.encode() + b": " + value for name, value in named.items() if value is not None]
    return b"\r\n".join([line, *lines, *more, b"", b""])


def say(octets: bytes) -> Script:
    """Say this, and end."""
    return lambda sock, head: sock.sendall(octets)


def then_stay(octets: bytes) -> Script:
    """Say this, and wait for the client to end."""

    def script(sock: socket.socket, head: bytes) -> None:
        sock.sendall(octets)
        stay(sock)

    return script


def upgrade(
    octets: bytes = b"", *more: bytes, stays: bool = True, **fields: bytes | None
) -> Script:
    """Accept, say this, and wait for the client to end, or not."""

    def script(sock: socket.socket, head: bytes) -> None:
        sock.sendall(accepting(head, *more, **fields) + octets)
        if stays:
            stay(sock)

    return script


def stay(sock: socket.socket, seconds: float = 8) -> None:
    """Read until the client ends."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline and sock.recv(65536):
            pass
