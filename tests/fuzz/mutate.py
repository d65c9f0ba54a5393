"""Inputs made of other inputs, where no coverage guides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

__all__ = ["CORPUS", "WORDS", "corpus_of", "mutated"]

CORPUS = Path(__file__).parent / "corpus"
MAX_SIZE = 4096

WORDS: tuple[bytes, ...] = (
    *(b"\r\n\r\n", b"\r\n", b"\n", b"\r", b": ", b", ", b"; ", b"=", b'"', b"\\", b"\t", b"\0"),
    *(b"\x0b", b"\x0c", b"\x85", b"\xff", b"|||", b"@@"),
    *(b"GET / HTTP/1.1", b"GET ", b" HTTP/1.0", b"?redirect=", b"&after=3", b"http://a/", b"#"),
    *(b"HTTP/1.1 101 ", b"HTTP/1.1 200 OK", b"HTTP/1.0 407 "),
    *(b"Host: ", b"Upgrade: websocket", b"Connection: Upgrade", b"Origin: http://a:80", b"null"),
    *(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13"),
    *(b"Sec-WebSocket-Protocol: a, b", b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    *(b"Sec-WebSocket-Extensions: ", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    *(b"permessage-deflate", b"client_max_window_bits", b"server_max_window_bits=10"),
    *(b"client_no_context_takeover", b"server_no_context_takeover", b"[::1]:80"),
    *(b"\x81\x05Hello", b"\x81\x85\0\0\0\0Hello", b"\x01\x81\0\0\0\0a", b"\x80\x81\0\0\0\0b"),
    *(b"\x82\xfe\x01\x00", b"\x82\xff\0\0\0\0\0\1\0\0", b"\x82\x7f\x7f", b"\xc1\x87\0\0\0\0"),
    *(b"\x88\x82\0\0\0\0\x03\xe8", b"\x89\x80\0\0\0\0", b"\x8a\x80\0\0\0\0", b"\x03\xe8", b"\xe9"),
    *(b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"\x00\x00\xff\xff", b"\x03\x00", b"\x01\x00\x00\xff\xff"),
    *(b"\xe2\x82\xac", b"\xed\xa0\x80", b"\xf4\x90", b"\xf0\x9f\x98\x80", b"\xc0\x80"),
)
"""What a fuzzer would be long in finding by itself."""


def corpus_of(target: str) -> list[bytes]:
    """The inputs that are kept of a target."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def mutated(rng: Random, corpus: Sequence[bytes]) -> bytes:
    """One of the inputs, changed in one place or several."""
    octets = rng.choice(corpus)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        octets = _change(rng, octets, corpus)
    return octets[:MAX_SIZE]


def _change(rng: Random, octets: bytes, corpus: Sequence[bytes]) -> bytes:
    begin = rng.randint(0, len(octets))
    end = min(len(octets), begin + rng.choice((1, 1, 2, 4, 8, 40)))
    if rng.random() < 0.2:
        begin, end = min(begin, 12), min(end, 12)  # the decisions are there
    piece = octets[begin:end]
    new = rng.choice(
        (
            b"",
            bytes(octet ^ 1 << rng.randrange(8) for octet in piece),
            rng.randbytes(len(piece)),
            rng.choice((b"\0", b"\x7f", b"\x80", b"\xff", b"\x7e")) * len(piece),
            piece * rng.choice((2, 3, 50)),
            piece + rng.choice(WORDS),
            rng.choice(WORDS),
            rng.choice(corpus)[begin:],
        )
    )
    return octets[:begin] + new + octets[end:]
