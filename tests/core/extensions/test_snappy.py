"""permessage-snappy by the framing format: chunks of all types, and what they must not say."""

from __future__ import annotations

import cramjam
import pytest

from wsproto_async.core.extensions.snappy import IDENTIFIER, LONGEST, PerMessageSnappy
from wsproto_async.errors import PayloadCorruptError, PayloadExceededError

FRAMED = bytes(cramjam.snappy.compress(b"Hello" * 100))
CHUNK = FRAMED.removeprefix(IDENTIFIER)
MESSAGE = b"Hello" * 100
# Data that does not compress is in there as it is.
PLAIN = bytes(cramjam.snappy.compress(b"Hello")).removeprefix(IDENTIFIER)
ZEROS = bytes(cramjam.snappy.compress(bytes(65536))).removeprefix(IDENTIFIER)


def skipped(kind: int, size: int) -> bytes:
    return bytes([kind]) + size.to_bytes(3, "little") + bytes(size)


def header(kind: int, size: int) -> bytes:
    return bytes([kind]) + size.to_bytes(3, "little")


def inflate(wire: bytes, step: int = 10**9, limit: int | None = None, alone: bool = True) -> bytes:
    codec = PerMessageSnappy(True, alone, alone)
    codec.start_decompress_message()
    octets = b""
    for begin in range(0, len(wire), step):
        room = None if limit is None else limit - len(octets)
        octets += codec.decompress_message_data(wire[begin : begin + step], room)
    codec.end_decompress_message()
    return octets


@pytest.mark.parametrize("step", [1, 3, 5, 10**9])
@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b"", b""),
        (IDENTIFIER, b""),
        (IDENTIFIER + CHUNK, MESSAGE),
        (IDENTIFIER + PLAIN, b"Hello"),
        (IDENTIFIER + PLAIN + CHUNK + PLAIN, b"Hello" + MESSAGE + b"Hello"),
        (IDENTIFIER + IDENTIFIER + PLAIN + IDENTIFIER + PLAIN, b"HelloHello"),
        (IDENTIFIER + skipped(0xFE, 0) + PLAIN, b"Hello"),
        (IDENTIFIER + skipped(0x80, 3) + PLAIN + skipped(0xFD, 300), b"Hello"),
    ],
)
def test_streams_that_are_right(wire: bytes, message: bytes, step: int) -> None:
    assert inflate(wire, step) == message


@pytest.mark.parametrize("step", [1, 10**9])
@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (CHUNK, "does not begin with its identifier"),
        (skipped(0xFE, 0) + IDENTIFIER + CHUNK, "does not begin with its identifier"),
        (b"Hello", "does not begin with its identifier"),
        (b"\xff\x06\x00\x00sNaPpy" + CHUNK, "identifier is wrong"),
        (header(0xFF, 7), "identifier of 7 octets"),
        (IDENTIFIER + header(0x02, 0), "reserved type 0x02"),
        (IDENTIFIER + header(0x7F, 100), "reserved type 0x7f"),
        (IDENTIFIER + header(0x00, 3), "chunk of 3 octets"),
        (IDENTIFIER + header(0x01, 3), "chunk of 3 octets"),
        (IDENTIFIER + header(0x00, LONGEST + 1), f"chunk of {LONGEST + 1} octets"),
        (IDENTIFIER + header(0x00, 2**24 - 1), f"chunk of {2**24 - 1} octets"),
        (IDENTIFIER + skipped(0x01, 65541), "inflates to 65537"),
        (IDENTIFIER + header(0x00, 9) + b"crc!\xff\xff\xff\xff\x0f", "inflates to 4294967295"),
        (IDENTIFIER + header(0x00, 9) + b"crc!\xff\xff\xff\xff\xff", "invalid header"),
        (IDENTIFIER + CHUNK[:4] + b"crc!" + CHUNK[8:], "checksum"),
        (IDENTIFIER + PLAIN[:4] + b"crc!" + PLAIN[8:], "checksum"),
        (IDENTIFIER + CHUNK[:-1], "cut off"),
        (IDENTIFIER + CHUNK + b"\x00", "cut off"),
        (IDENTIFIER + skipped(0xFE, 10)[:-1], "cut off"),
        (IDENTIFIER[:5], "cut off"),
    ],
)
def test_streams_that_are_wrong(wire: bytes, reason: str, step: int) -> None:
    with pytest.raises(PayloadCorruptError, match=reason):
        inflate(wire, step)


def test_a_chunk_is_not_inflated_unless_there_is_room_for_what_it_announces() -> None:
    assert inflate(IDENTIFIER + ZEROS * 2, limit=131072) == bytes(131072)
    broken = ZEROS[:4] + b"crc!" + ZEROS[8:]
    with pytest.raises(PayloadExceededError):
        inflate(IDENTIFIER + broken, limit=65535)


def test_what_is_skipped_is_not_kept() -> None:
    codec = PerMessageSnappy(True, True, True)
    codec.start_decompress_message()
    codec.decompress_message_data(IDENTIFIER + header(0xFE, 2**24 - 1))
    for _ in range(255):
        assert codec.decompress_message_data(bytes(65536)) == b""
        assert codec._received == b""
    assert codec.decompress_message_data(bytes(65535) + PLAIN) == b"Hello"
    codec.end_decompress_message()


def test_with_context_takeover_a_stream_is_identified_once() -> None:
    sender, receiver = PerMessageSnappy(True, False, True), PerMessageSnappy(False, False, True)
    sizes = []
    for message in (b"Hello", b"Hello", b""):
        sender.start_compress_message()
        wire = sender.compress_message_data(message) + sender.end_compress_message()
        sizes.append(len(wire))
        receiver.start_decompress_message()
        assert receiver.decompress_message_data(wire) == message
        receiver.end_decompress_message()
    assert sizes == [len(IDENTIFIER) + len(PLAIN), len(PLAIN), len(IDENTIFIER)]


def test_a_broken_message_does_not_spoil_the_next() -> None:
    codec = PerMessageSnappy(True, True, True)
    for begun in (IDENTIFIER + CHUNK[:-1], IDENTIFIER + skipped(0xFE, 9)[:-1]):
        codec.start_decompress_message()
        codec.decompress_message_data(begun)
        codec.start_decompress_message()
        assert codec.decompress_message_data(FRAMED) == MESSAGE
        codec.end_decompress_message()
