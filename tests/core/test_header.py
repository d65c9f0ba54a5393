"""What a header must not say: RFC 6455, sections 5.1, 5.2, 5.4 and 5.5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..contract.support import BINARY, CLOSE, CONTINUATION, MASK, PING, PONG, TEXT, frame
from ..helpers import Recorder
from .streams import ToyInflater


def wrong_headers() -> Iterator[Any]:
    """What the first two octets must not say (RFC 6455, sections 5.2 and 5.5), mask bit apart."""
    for rsv in range(1, 8):
        yield pytest.param(0x81 | rsv << 4, 5, f"reserved bits {rsv}", id=f"rsv{rsv}")
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield pytest.param(0x80 | opcode, 5, f"opcode {opcode} is reserved", id=f"opcode{opcode}")
    for opcode in (CLOSE, PING, PONG):
        yield pytest.param(opcode, 5, "a control frame is fragmented", id=f"fin{opcode}")
        yield pytest.param(0x80 | opcode, 126, "more than 125 octets", id=f"long{opcode}")
        yield pytest.param(0x80 | opcode, 127, "more than 125 octets", id=f"very-long{opcode}")
    yield pytest.param(0x88, 1, "half a close code", id="close1")
    yield pytest.param(0x80, 5, "outside of a message", id="continuation")
    yield pytest.param(0x00, 5, "outside of a message", id="continuation-not-fin")


@pytest.mark.parametrize(("first", "length", "reason"), [*wrong_headers()])
def test_two_octets_suffice_for_a_violation(
    side: Recorder, first: int, length: int, reason: str
) -> None:
    second = length | (0x80 if side.connection.is_server else 0)
    side.receive(bytes([first]))
    assert side.take() == []
    side.receive(bytes([second]))
    [(_, code, text)] = side.take("violation")
    assert code == 1002
    assert reason in text


@pytest.mark.parametrize("fail_by_drop", [False, True])
@pytest.mark.parametrize(("first", "length", "reason"), [*wrong_headers()])
def test_behind_a_wrong_header(
    side: Recorder, first: int, length: int, reason: str, fail_by_drop: bool
) -> None:
    side.connection.fail_by_drop = fail_by_drop
    size = {126: 200, 127: 70_000}.get(length, length)
    octets = bytearray(side.frame(first & 0x0F, bytes(size)))
    octets[0] = first
    side.receive(bytes(octets) + side.frame(TEXT, b"not any more") + side.frame(PING, b"still"))
    if fail_by_drop:
        assert [call[0] for call in side.take()] == ["violation", "drop"]
    else:
        assert [call[0] for call in side.take()] == ["violation", "expect", "ping"]
        [close] = side.sent()
        assert close.opcode == CLOSE
        assert close.payload[:2] == (1002).to_bytes(2, "big")
    side.assert_exhausted()


@pytest.mark.parametrize(
    ("first_octets", "more", "reason"),
    [
        ("827e", "007d", "more octets than it needs"),
        ("827e", "0000", "more octets than it needs"),
        ("827f", "000000000000ffff", "more octets than it needs"),
        ("827f", "0000000000000000", "more octets than it needs"),
        ("827f", "8000000000000000", "highest bit"),
        ("827f", "ffffffffffffffff", "highest bit"),
    ],
)
def test_wrong_lengths(side: Recorder, first_octets: str, more: str, reason: str) -> None:
    octets = bytearray.fromhex(first_octets)
    octets[1] |= 0x80 if side.connection.is_server else 0
    side.receive(bytes(octets), bytes.fromhex(more)[:-1])
    assert side.take() == []
    side.receive(bytes.fromhex(more)[-1:])
    [(_, code, text)] = side.take("violation")
    assert code == 1002
    assert reason in text


def test_clients_must_mask_and_servers_must_not(side: Recorder) -> None:
    is_server = side.connection.is_server
    side.receive(frame(TEXT, b"x", mask=None if is_server else MASK)[:2])
    [(_, code, text)] = side.take("violation")
    assert code == 1002
    assert text == ("a client's frame is not masked" if is_server else "a server's frame is masked")


@pytest.mark.parametrize("mask", [None, MASK])
def test_masking_rules_can_be_lifted(side: Recorder, mask: bytes | None) -> None:
    side.reader.require_mask = side.reader.refuse_mask = False
    side.receive(frame(TEXT, b"either way", mask=mask))
    assert side.messages() == [b"either way"]


def test_the_order_of_complaints() -> None:
    """RSV before mask before opcode, as in the contract."""
    side = Recorder()
    side.receive(bytes([0xF3, 5]))
    assert "reserved bits" in side.take("violation")[0][2]
    side = Recorder()
    side.receive(bytes([0x83, 5]))
    assert "not masked" in side.take("violation")[0][2]


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_messages_do_not_interleave(side: Recorder, opcode: int) -> None:
    side.receive(side.frame(TEXT, b"a", fin=False), side.frame(opcode, b"b"))
    [(_, code, text)] = side.take("violation")
    assert (code, text) == (1002, "a message begins before the one before it has ended")


@pytest.mark.parametrize("rsv", [1, 2, 3, 5, 6, 7])
def test_compression_allows_the_first_reserved_bit_alone(side: Recorder, rsv: int) -> None:
    side.reader.inflater = ToyInflater()
    side.receive(side.frame(BINARY, b"", rsv=rsv))
    assert side.take("violation")[0][2].startswith(f"reserved bits {rsv} are set")


def test_a_continuation_is_never_marked_as_compressed(side: Recorder) -> None:
    side.reader.inflater = ToyInflater()
    side.receive(side.frame(BINARY, b"\x03a", fin=False, rsv=4))
    side.receive(side.frame(CONTINUATION, b"\x03b", rsv=4))
    assert side.take("violation")[0][2] == "a continuation frame is marked as compressed"


def test_a_control_frame_is_never_marked_as_compressed(side: Recorder) -> None:
    side.reader.inflater = ToyInflater()
    side.receive(side.frame(PING, b"", rsv=4))
    assert side.take("violation")[0][2] == "a control frame is marked as compressed"
