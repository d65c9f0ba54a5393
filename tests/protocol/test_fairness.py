"""Whoever sends much at once is worked off in portions, and others have their turn in between."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from wsproto_async import PerMessageDeflateOfferAccept, WebSocketServerProtocol
from wsproto_async.protocol.doors import FEW, LARGE, TURN

from ..contract.support import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Lab,
    Server,
    Side,
    close_payload,
    open_server,
)

MIB = 1024 * 1024


class Counting(Server):
    """Notes no message, just counts them, and when the loop had its turn."""

    count = 0

    def onMessage(self, payload: bytes, isBinary: bool) -> Any:
        self.count += 1


class AsTasks(Counting):
    async def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.count += 1


class InPieces(Counting):
    def onMessageFrame(self, payload: list[bytes]) -> None:
        self.count += 1

    def onMessageEnd(self) -> None:
        pass


class Iterating(WebSocketServerProtocol):
    count = 0

    async def onOpen(self) -> None:
        async for _ in self:
            self.count += 1


def accept(offers: list[Any]) -> Any:
    return PerMessageDeflateOfferAccept(offers[0])


def bomb(size: int) -> bytes:
    """Zeros, compressed."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflater.compress(bytes(size)) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflating(lab: Lab, protocol: Any, **options: Any) -> Side[Any]:
    """A connection that has agreed on compression."""
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    options.setdefault("maxMessagePayloadSize", MIB)
    return open_server(
        lab, protocol, headers=headers, perMessageCompressionAccept=accept, **options
    )


def portions(side: Side[Any], octets: bytes, how_far: Callable[[], int]) -> list[int]:
    """How far it comes in each turn of the loop."""
    so_far = how_far()
    side.protocol.data_received(octets)
    steps = []
    while True:
        steps.append(how_far() - so_far)
        so_far += steps[-1]
        if not side.protocol._pauses and not side.protocol._connection.is_behind():
            return steps
        side.lab.call_soon(side.lab.stop)
        side.lab.run_forever()  # one turn


@pytest.mark.parametrize("protocol", [Counting, AsTasks, InPieces, Iterating])
@pytest.mark.parametrize("size", [0, 1])
def test_messages_come_in_portions(lab: Lab, protocol: Any, size: int) -> None:
    side = open_server(lab, protocol)
    octets = side.frame(TEXT, b"x" * size) * 3 * TURN
    steps = portions(side, octets, lambda: side.protocol.count)
    assert sum(steps) == 3 * TURN
    assert len(steps) > 2
    assert max(steps) <= TURN + 64  # what waited in the iterator's queue
    assert side.transport.reading
    side.lose()


@pytest.mark.parametrize("opcode", [PING, PONG])
def test_so_do_control_frames(lab: Lab, opcode: int) -> None:
    class Counts(Counting):
        def onPing(self, payload: bytes) -> None:
            self.count += 1
            super().onPing(payload)

        onPong = onPing

    side = open_server(lab, Counts)
    steps = portions(side, side.frame(opcode) * 2 * TURN, lambda: side.protocol.count)
    assert steps[:2] == [TURN, TURN]
    side.lose()


def test_so_do_empty_fragments(lab: Lab) -> None:
    side = open_server(lab, Counting)
    octets = side.frame(TEXT, fin=False) + side.frame(0, fin=False) * 3 * TURN + side.frame(0)
    reader = side.protocol._connection.reader
    steps = portions(side, octets, lambda: int(reader.frames))
    assert sum(steps) == 3 * TURN + 2
    assert max(steps) <= TURN
    assert side.protocol.count == 1
    side.lose()


@pytest.mark.parametrize("protocol", [Counting, AsTasks, InPieces, Iterating])
@pytest.mark.parametrize("size", [16 * 1024, MIB])
def test_bombs_are_inflated_one_by_one(lab: Lab, protocol: Any, size: int) -> None:
    side = inflating(lab, protocol)
    count = 10 * MIB // size
    octets = side.frame(BINARY, bomb(size), rsv=4) * count
    reader = side.protocol._connection.reader
    steps = portions(side, octets, lambda: int(reader.inflated))
    assert sum(steps) == count * size
    assert max(steps) <= 2 * MIB
    assert side.protocol.count == count
    side.lose()


def test_a_compressed_message_is_taken_in_pieces(lab: Lab) -> None:
    """Each two octets end a stream here, and give nothing: little data and much work."""
    side = inflating(lab, Counting)
    octets = side.frame(BINARY, b"\x03\x00" * 60_000, rsv=4)
    steps = portions(side, octets, lambda: -int(side.protocol._connection.reader.left))
    assert len(steps) > 1
    assert side.protocol.count == 1
    side.lose()


@pytest.mark.parametrize("keep", [False, True])
def test_hooks_that_raise_do_not_hold_it_up(lab: Lab, keep: bool) -> None:
    class Failing(Counting):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.count += 1
            raise KeyError

        def _say(self, level: str, text: str, error: BaseException | None = None) -> None:
            pass  # thousands of tracebacks

    side = open_server(lab, Failing, onHookError="keep" if keep else "close")
    steps = portions(side, side.frame(TEXT) * 2 * TURN, lambda: side.protocol.count)
    assert max(steps) <= (TURN if keep else 1)
    assert sum(steps) == (2 * TURN if keep else 1)
    side.lose()


def test_others_run_in_between(lab: Lab) -> None:
    side = open_server(lab, Counting)
    seen = []
    lab.call_soon(lambda: seen.append(side.protocol.count))
    portions(side, side.frame(TEXT) * 2 * TURN, lambda: side.protocol.count)
    assert seen == [TURN]
    side.lose()


def test_the_rest_of_the_read_comes_before_the_next(lab: Lab) -> None:
    side = open_server(lab, Server)
    side.protocol.data_received(side.frame(TEXT, b"a") * (TURN + 1) + side.frame(TEXT, b"b"))
    assert not side.transport.reading
    side.protocol.data_received(side.frame(TEXT, b"c"))  # it was on its way
    lab.turn()
    assert [text for text, _ in side.protocol.noted("message")][-3:] == [b"a", b"b", b"c"]
    assert side.transport.reading
    side.lose()


def test_a_close_frame_behind_much_else(lab: Lab) -> None:
    side = open_server(lab, Counting)
    side.feed(side.frame(TEXT) * 3 * TURN + side.frame(CLOSE, close_payload(1000)))
    assert side.protocol.count == 3 * TURN
    assert side.frames()[-1].opcode == CLOSE
    assert side.closed() == (True, 1000, None)


@pytest.mark.parametrize("end", ["drop", "lose", "violation"])
def test_an_end_in_between(lab: Lab, end: str) -> None:
    side = open_server(lab, Counting, failByDrop=True)
    rest = b"\xff\xff" if end == "violation" else b""
    side.protocol.data_received(side.frame(TEXT) * TURN + rest + side.frame(TEXT) * TURN)
    assert side.protocol.count == TURN
    if end == "drop":
        side.protocol.dropConnection(abort=True)
    elif end == "lose":
        side.lose()
    lab.turn()
    assert side.protocol.count == TURN
    assert side.closed()[0] is False


def test_echoes_of_bombs_to_a_peer_that_does_not_read(lab: Lab) -> None:
    from .test_flow import never_read

    class Echo(Counting):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.count += 1
            self.sendMessage(payload, isBinary, doNotCompress=True)

    side = inflating(lab, Echo)
    never_read(side)
    side.protocol.data_received(side.frame(BINARY, bomb(MIB), rsv=4) * 100)
    lab.turn()
    assert side.protocol.count <= 2
    assert side.protocol.bufferedAmount < 3 * MIB
    side.lose()


@pytest.mark.parametrize("octets", [b"\x81\x80xxxx" * 2 * TURN, b""])
def test_all_connections_together_have_one_turn(lab: Lab, octets: bytes) -> None:
    """Many that send much at once do not add up, and go on one after the other."""
    sides = [inflating(lab, Counting) for _ in range(20)]
    octets = octets or sides[0].frame(BINARY, bomb(MIB), rsv=4) * 4
    readers = [side.protocol._connection.reader for side in sides]

    def work() -> int:
        return sum(int(each.frames) + int(each.inflated) // 256 for each in readers)

    def turn() -> int:
        before = work()
        lab.call_soon(lab.stop)
        lab.run_forever()
        return work() - before

    for side in sides:
        side.protocol.data_received(octets)
    assert work() <= 2 * TURN + len(sides) * 10 * FEW
    steps = [turn() for _ in range(200)]
    assert max(steps) <= 2 * (TURN + FEW)
    assert all(each.frames == readers[0].frames > 0 for each in readers)
    for side in sides:
        side.lose()


def test_who_sends_little_does_not_wait_behind_those_who_send_much(lab: Lab) -> None:
    much, little = open_server(lab, Counting), open_server(lab, Counting)
    for _ in range(3):
        much.protocol.data_received(much.frame(TEXT) * 2 * TURN)
    little.protocol.data_received(little.frame(TEXT) * FEW)
    assert little.protocol.count == FEW
    much.lose()
    little.lose()


@pytest.mark.parametrize("much", [b"\x81\x80xxxx" * 20 * TURN, b""])
def test_a_message_of_middling_size_goes_before_those_who_have_had_their_share(
    lab: Lab, much: bytes
) -> None:
    """It takes more than the few steps that each may make, but no place behind twenty bombs."""
    sides = [inflating(lab, Counting) for _ in range(20)]
    for side in sides:
        side.protocol.data_received(much or side.frame(BINARY, bomb(MIB), rsv=4) * 20)
    for _ in range(20):
        lab.call_soon(lab.stop)
        lab.run_forever()
    assert any(side.protocol._pauses for side in sides)
    one = inflating(lab, Counting)
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    text = b" ".join(b"%d" % number for number in range(3000))
    payload = (deflater.compress(text) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert len(payload) > FEW * 64
    one.protocol.data_received(one.frame(TEXT, payload, rsv=4))
    assert one.protocol.count == 0
    lab.call_soon(lab.stop)
    lab.run_forever()
    assert one.protocol.count == 1
    for side in [*sides, one]:
        side.lose()


def test_whoever_ended_meanwhile_holds_nobody_up(lab: Lab) -> None:
    sides = [open_server(lab, Counting) for _ in range(3)]
    for side in sides:
        side.protocol.data_received(side.frame(TEXT) * 2 * TURN)
    sides[1].lose()
    lab.turn()
    assert [side.protocol.count for side in sides[::2]] == [2 * TURN, 2 * TURN]
    sides[0].lose()
    sides[2].lose()


def test_streams_that_only_end_and_begin_are_dear(lab: Lab) -> None:
    """Two octets make zlib begin anew here: as much work as a step, and more."""
    side = inflating(lab, Counting)
    octets = side.frame(BINARY, b"\x03\x00" * 60_000, rsv=4)
    steps = portions(side, octets, lambda: -int(side.protocol._connection.reader.left))
    assert max(steps[1:]) <= TURN + 16 * 1024
    side.lose()


def to_be_completed(side: Side[Any], how: str) -> tuple[bytes, bytes]:
    """A message of 1 MiB, in two parts; the second is nearly nothing, or all of it."""
    if how == "all at once":
        return b"", side.frame(BINARY, bytes(MIB))
    if how == "its last octet":
        octets = side.frame(BINARY, bytes(MIB))
        return octets[:-1], octets[-1:]
    if how == "its last fragment":
        return side.frame(BINARY, bytes(MIB), fin=False), side.frame(0)
    return side.frame(BINARY, bomb(MIB), rsv=4, fin=False), side.frame(0)


@pytest.mark.parametrize(
    "how", ["all at once", "its last octet", "its last fragment", "the end of a bomb"]
)
@pytest.mark.parametrize("door", ["data_received", "buffer_updated"])
def test_large_messages_that_might_be_compressed_again_are_complete_one_by_one(
    lab: Lab, how: str, door: str
) -> None:
    """Else whoever sends all but the end of many has the answers compressed in one turn."""

    def send(side: Side[Any], octets: bytes) -> None:
        if door == "data_received":
            side.protocol.data_received(octets)
        else:
            side.put(octets)

    sides = [inflating(lab, Counting) for _ in range(10)]
    plain, little = open_server(lab, Counting), inflating(lab, Counting)
    ends = []
    for side in (*sides, plain):
        begin, end = to_be_completed(side, how if side is not plain else "its last fragment")
        send(side, begin)
        lab.turn()
        ends.append(end)
    for side, end in zip((*sides, plain), ends, strict=True):
        send(side, end)
    little.protocol.data_received(little.frame(TEXT, b"x"))
    assert (plain.protocol.count, little.protocol.count) == (1, 1)
    counts: list[int] = []
    while not counts or counts[-1] < len(sides):
        counts.append(sum(side.protocol.count for side in sides))
        lab.call_soon(lab.stop)
        lab.run_forever()
    assert counts == list(range(1, len(sides) + 1))
    for side in (*sides, plain, little):
        assert side.transport.reading
        side.lose()


def test_messages_that_are_not_large_are_taken_as_they_come(lab: Lab) -> None:
    sides = [inflating(lab, Counting) for _ in range(10)]
    large = inflating(lab, Counting)
    large.protocol.data_received(large.frame(BINARY, bytes(MIB)))  # nothing is left of this turn
    for side in sides:
        side.protocol.data_received(side.frame(BINARY, bytes(LARGE - 100)))
    assert [side.protocol.count for side in (large, *sides)] == [1] * 11
    for side in (large, *sides):
        side.lose()


def test_those_who_send_much_go_on_while_large_messages_take_more_than_their_share(
    lab: Lab,
) -> None:
    much, sides = open_server(lab, Counting), [inflating(lab, Counting) for _ in range(10)]
    for side in sides:
        side.feed(side.frame(BINARY, bytes(MIB), fin=False))
    much.protocol.data_received(much.frame(TEXT) * 20 * TURN)
    for _ in range(2):  # it gives way once more, and queues up behind those who are new
        lab.call_soon(lab.stop)
        lab.run_forever()
    for side in sides:
        side.protocol.data_received(side.frame(0))
    counts = []
    for _ in range(5):
        counts.append(much.protocol.count)
        lab.call_soon(lab.stop)
        lab.run_forever()
    assert sides[-1].protocol.count == 0
    assert all(after > before for before, after in pairwise(counts))
    for side in (much, *sides):
        side.lose()
