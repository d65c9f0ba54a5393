"""Writes that must not travel together."""

from __future__ import annotations

from typing import Any

import pytest

from ..contract.support import (
    BINARY,
    CLOSE,
    TEXT,
    Frame,
    Lab,
    Server,
    Side,
    close_payload,
    open_server,
)


def writes(side: Side[Any]) -> list[bytes]:
    return side.transport.writes[side.seen :]


def advance(side: Side[Any]) -> None:
    """Let the time of all pieces come."""
    side.advance(1)


@pytest.mark.parametrize(
    ("data", "size", "pieces"),
    [
        (b"abcdef", 2, [b"ab", b"cd", b"ef"]),
        (b"abcde", 2, [b"ab", b"cd", b"e"]),
        (b"abc", 100, [b"abc"]),
        (b"", 2, [b""]),
    ],
)
def test_pieces(lab: Lab, data: bytes, size: int, pieces: list[bytes]) -> None:
    side = open_server(lab)
    side.protocol.sendData(data, chopsize=size)
    assert writes(side) == pieces[:1]
    advance(side)
    assert writes(side) == pieces
    assert not side.protocol.triggered


def test_each_piece_has_a_turn_of_its_own(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.sendData(b"abc", chopsize=1)
    seen = [len(writes(side))]
    while side.protocol.triggered:
        side.advance(side.protocol._QUEUED_WRITE_DELAY)
        seen.append(len(writes(side)))
    assert seen[:3] == [1, 2, 3]


def test_a_hook_that_raises_does_not_hold_the_queue_up(lab: Lab) -> None:
    class Raising(Server):
        def logTxOctets(self, data: bytes, sync: bool) -> None:
            if data == b"b":
                raise ZeroDivisionError

    side = open_server(lab, Raising, logOctets=True)
    side.protocol.sendData(b"abc", chopsize=1)
    advance(side)
    assert writes(side) == [b"a", b"b", b"c"]
    assert not side.protocol.triggered
    assert len(lab.complaints) == 1
    lab.complaints.clear()


def test_what_was_sent_before_goes_before(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.sendMessage(b"first")
    side.protocol.sendMessage(b"second", sync=True)
    side.protocol.sendMessage(b"third")
    side.protocol.sendMessage(bytes(100_000), True)
    advance(side)
    assert side.frames() == [
        Frame(TEXT, b"first"),
        Frame(TEXT, b"second"),
        Frame(TEXT, b"third"),
        Frame(BINARY, bytes(100_000)),
    ]
    assert not side.protocol.triggered


def test_answers_to_a_read_queue_behind(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.sendData(b"\x81\x02ab", chopsize=1)
    side.feed_frame(9, b"ping")
    advance(side)
    assert side.frames() == [Frame(TEXT, b"ab"), Frame(10, b"ping")]


def test_the_answer_to_a_close_leaves_behind_what_waits(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.sendData(b"\x81\x02ab", chopsize=1)
    side.protocol.sendMessage(b"cd", sync=True)
    side.feed_frame(CLOSE, close_payload(1000))
    assert not side.transport.closed
    advance(side)
    frames = [Frame(TEXT, b"ab"), Frame(TEXT, b"cd"), Frame(CLOSE, close_payload(1000))]
    assert side.frames() == frames
    assert side.transport.closed


def test_what_waits_is_dropped_when_time_is_up(lab: Lab) -> None:
    side = open_server(lab, closeTimeout=0.001)
    side.protocol.sendData(bytes(100_000), chopsize=1)
    side.feed_frame(CLOSE, close_payload(1000))
    advance(side)
    assert side.transport.aborted
    assert not side.protocol.send_queue
    assert not side.protocol.triggered


def test_nothing_is_written_behind_the_end(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.sendData(bytes(5), chopsize=1)
    side.lose()
    advance(side)
    assert len(writes(side)) == 1
    assert not side.protocol.send_queue
