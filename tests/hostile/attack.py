"""The attacker's side: octets out, and what comes back."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable
from typing import NamedTuple

from tests.contract.support import KEY, MASK, Frame, frame

from .target import Server

__all__ = ["Answer", "Peer", "ask", "client_frame", "request", "upgraded"]

FIELDS: dict[str, str | None] = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}
"""The fields of a good request."""


def request(*more: bytes, line: bytes = b"GET / HTTP/1.1", **fields: str | None) -> bytes:
    """A request for an upgrade.

    Args:
        more: lines behind the others, as they are.
        line: the first line.
        fields: what is different, ``_`` for ``-``; None leaves one out.
    """
    named = FIELDS | {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"{name}: {value}".encode("latin-1") for name, value in named.items() if value != None]  # noqa: E711
    return b"\r\n".join([line, *lines, *more, b"", b""])


def client_frame(opcode: int, payload: bytes = b"", **more: object) -> bytes:
    """A frame as a client has to send it, unless ``mask`` or something else says otherwise."""
    if len(payload) > 1000 and not more.keys() & {"mask", "length"}:
        # Masked with zeros, which takes no time.
        return frame(opcode, length=len(payload), mask=bytes(4), **more) + payload  # type: ignore[arg-type]
    return frame(opcode, payload, **{"mask": MASK, **more})  # type: ignore[arg-type]


class Answer(NamedTuple):
    """How a connection went."""

    status: int
    """HTTP status; 0 is none."""
    head: bytes
    frames: list[Frame]
    """What came behind a 101."""
    ended: bool
    """Whether the server has ended TCP."""
    seconds: float
    """How long that took."""

    @property
    def code(self) -> int | None:
        """The close code: None without a close frame, 1005 for one without a code."""
        for each in self.frames:
            if each.opcode == 8:
                return int.from_bytes(each.payload[:2], "big") if each.payload else 1005
        return None


class Peer:
    """A connection to the server that reads what comes."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.got = bytearray()

    def send(self, octets: bytes) -> bool:
        """Send as much as the server lets us; whether that was all."""
        try:
            self.sock.sendall(octets)
        except OSError:
            return False
        return True

    def read(self, seconds: float = 5) -> bool:
        """Read until the server ends; whether it did in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                octets = self.sock.recv(65536)
            except TimeoutError:
                return False
            except OSError:
                return True
            if not octets:
                return True
            self.got += octets
        return False

    def read_head(self) -> bytes:
        """Read until there is a head."""
        while b"\r\n\r\n" not in self.got and (octets := self.sock.recv(65536)):
            self.got += octets
        head, _, rest = bytes(self.got).partition(b"\r\n\r\n")
        self.got = bytearray(rest)
        return head

    def reset(self) -> None:
        """End it by a RST."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()


def upgraded(
    server: Server,
    port: str,
    fields: Iterable[bytes] = (),
    *,
    keep_reader: bool = True,
    small: bool = False,
) -> Peer:
    """A connection whose opening handshake is done; see :meth:`.target.Server.connect`."""
    peer = Peer(server.connect(port, small=small))
    peer.send(request(*fields))
    head = peer.read_head()
    assert head.startswith(b"HTTP/1.1 101 "), head
    assert keep_reader or not peer.got
    return peer


def ask(
    server: Server,
    port: str,
    pieces: Iterable[bytes],
    *,
    half: bool = True,
    patience: float = 5,
    polite: bool = False,
) -> Answer:
    """Send all of it, then read until the end.

    Args:
        server: the server.
        port: the name of one of its ports.
        pieces: what is sent.
        half: end our half of TCP behind what is sent; else the server has to end it by itself.
        patience: seconds to wait for the end.
        polite: wait for the answer to the request, which is the first piece.
    """
    begin = time.monotonic()
    peer = Peer(server.connect(port))
    with peer.sock:
        for number, piece in enumerate(pieces):
            if not peer.send(piece):
                break
            if polite and number == 0:
                head = peer.read_head()
                peer.got[:0] = head + b"\r\n\r\n"
        if half:
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_WR)
        ended = peer.read(patience)
    seconds = time.monotonic() - begin
    got = bytes(peer.got)
    head, blank, rest = got.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if blank else 0
    return Answer(status, head, whole_frames(rest) if status == 101 else [], ended, seconds)


def whole_frames(octets: bytes) -> list[Frame]:
    """The frames in there; half a frame at the end is left out."""
    found = []
    while len(octets) >= 2:
        size, at = octets[1] & 0x7F, 2
        if size > 125:
            at = 4 if size == 126 else 10
            size = int.from_bytes(octets[2:at], "big")
        if len(octets) < at + size:
            break
        first = octets[0]
        found.append(Frame(first & 15, octets[at : at + size], first >= 128, first >> 4 & 7, None))
        octets = octets[at + size :]
    return found
