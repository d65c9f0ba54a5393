"""Octets for the wire, made before anything is measured.

This is not the package's own code, so that a mistake there is not made here as well.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import zlib
from dataclasses import dataclass
from typing import Final

from .scenarios import Scenario

__all__ = [
    "CLOSE",
    "Traffic",
    "accept_for",
    "message",
    "payload_length",
    "traffic",
    "upgrade_request",
]

KEY: Final = bytes((0x37, 0xC1, 0x5A, 0x0E))
CONTINUATION, TEXT, BINARY = 0, 1, 2
FIN, RSV1 = 0x80, 0x40

CLOSE: Final = bytes((0x88, 0x82)) + KEY + bytes((0x03 ^ KEY[0], 0xE8 ^ KEY[1]))
"""A client's close frame with 1000."""

CHALLENGE: Final = "c2FsdCBhbmQgcGVwcGVyIQ=="
GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

DISTINCT: Final = 64
"""Messages that are sent in turn where they are compressed: a window holds only few of them."""


def frame(first: int, payload: bytes, masked: bool) -> bytes:
    size = len(payload)
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, mask_bit | size))
    elif size < 65536:
        head = bytes((first, mask_bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, mask_bit | 127)) + size.to_bytes(8, "big")
    return head + KEY + xor(payload) if masked else head + payload


def xor(payload: bytes) -> bytes:
    size = len(payload)
    stream = (KEY * (size // 4 + 1))[:size]
    value = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
    return value.to_bytes(size, "big")


def message(
    payload: bytes, *, masked: bool, binary: bool = False, fragments: int = 1, rsv1: bool = False
) -> bytes:
    """A message in so many frames of about the same length."""
    step = max(1, -(-len(payload) // fragments))
    pieces = [payload[at : at + step] for at in range(0, len(payload), step)] or [b""]
    frames = []
    for number, piece in enumerate(pieces):
        first = CONTINUATION if number else (BINARY if binary else TEXT) | (RSV1 if rsv1 else 0)
        if number == len(pieces) - 1:
            first |= FIN
        frames.append(frame(first, piece, masked))
    return b"".join(frames)


def payload_length(data: bytes | bytearray) -> tuple[int, int] | None:
    """Length of the head and of the payload of the unmasked frame that ``data`` begins with.

    None while its head is not complete.
    """
    if len(data) < 2:
        return None
    length = data[1]
    if length < 126:
        return 2, length
    head = 4 if length == 126 else 10
    if len(data) < head:
        return None
    return head, int.from_bytes(data[2:head], "big")


@dataclass(frozen=True)
class Traffic:
    """What goes over a connection.

    Attributes:
        sent: the messages on the wire, to be sent in turn.
        echo: what comes back for each; None where only its frames tell how long it is.
        payloads: the messages' payloads.
    """

    sent: tuple[bytes, ...]
    echo: bytes | None
    payloads: tuple[bytes, ...]


def traffic(scenario: Scenario, *, raw: bool = False) -> Traffic:
    """What the load generator sends, and expects.

    Args:
        scenario: which load.
        raw: the other end echoes octets, and knows nothing of frames.
    """
    size, binary = scenario.size, scenario.binary
    if scenario.deflate:
        texts = json_texts(size, DISTINCT)
        sent = tuple(message(deflate(text), masked=True, rsv1=True) for text in texts)
        return Traffic(sent, None, texts)
    payload = (b"The quick brown fox jumps over the lazy dog. " * (size // 45 + 1))[:size]
    to_server = scenario.kind != "client"
    out = message(payload, masked=to_server, binary=binary, fragments=scenario.fragments)
    # A client masks its echo with keys of its own: only the length of that is known.
    back = message(payload, masked=not to_server, binary=binary)
    return Traffic((out,), out if raw else back, (payload,))


def json_texts(size: int, count: int) -> tuple[bytes, ...]:
    """Different JSON texts, as a trading server sends them, each cut off at that size."""
    source = random.Random(7692)
    texts = []
    for _ in range(count):
        rows: list[dict[str, object]] = []
        while len(text := json.dumps(rows)) < size:
            row: dict[str, object] = {
                "id": source.randrange(10**6),
                "kind": source.choice(("order", "trade", "quote", "cancel")),
                "price": source.randrange(10**6) / 100,
                "user": source.choice(("anna", "bela", "chen", "dora", "emre")),
                "open": source.random() < 0.5,
            }
            rows.append(row)
        texts.append(text[:size].encode())
    return tuple(texts)


def deflate(payload: bytes) -> bytes:
    """A payload compressed for itself (RFC 7692, section 7.2.1): any receiver can inflate it.

    The window is as small as the smallest that servers ask for.
    """
    codec = zlib.compressobj(wbits=-12)
    return (codec.compress(payload) + codec.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


# --- the opening handshake ----------------------------------------------------------------------


def upgrade_request(port: int, deflate: bool = False) -> bytes:
    """A client's request to upgrade."""
    fields = [
        "GET / HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {CHALLENGE}",
        "Sec-WebSocket-Version: 13",
    ]
    if deflate:
        fields.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
    return ("\r\n".join(fields) + "\r\n\r\n").encode()


def accept_for(key: str = CHALLENGE) -> str:
    """The value of Sec-WebSocket-Accept for a key (RFC 6455, section 4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
