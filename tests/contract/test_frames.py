"""``sendFrame`` and ``sendData``: what is told reaches the wire; and who looks on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async.types import FrameHeader

from .support import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    ROLES,
    TEXT,
    Client,
    Frame,
    Lab,
    Server,
    Side,
    close_payload,
    connect,
    frames,
    open_client,
    open_server,
    open_side,
    request,
    server_factory,
    xor,
)


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# --- liberties ------------------------------------------------------------------------------------


@covers("sendFrame")
@pytest.mark.parametrize(
    ("arguments", "octets"),
    [
        ({"opcode": 1}, b"\x81\x00"),
        ({"opcode": 1, "payload": b"ab"}, b"\x81\x02ab"),
        ({"opcode": 5, "payload": b"ab", "rsv": 7}, b"\xf5\x02ab"),
        ({"opcode": 9, "payload": b"ab", "fin": False}, b"\x09\x02ab"),
        ({"opcode": 9, "payload": b"x" * 126}, b"\x89\x7e\x00\x7e" + b"x" * 126),
        ({"opcode": 8, "payload": b"a"}, b"\x88\x01a"),
        ({"opcode": 0x41, "fin": False}, b"\x41\x00"),
        ({"opcode": 1, "rsv": 9}, b"\x91\x00"),
        ({"opcode": 2, "payload": b"abc", "payload_len": 7}, b"\x82\x07abcabca"),
        ({"opcode": 2, "payload": b"abc", "payload_len": 2}, b"\x82\x02ab"),
        ({"opcode": 2, "payload": b"abc", "payload_len": 0}, b"\x82\x00"),
        ({"opcode": 2, "payload": b"a", "payload_len": 126}, b"\x82\x7e\x00\x7e" + b"a" * 126),
        ({"opcode": 1, "payload": b"ab", "mask": b"1234"}, b"\x81\x82" + xor(b"ab", b"1234")),
    ],
)
def test_a_frame_is_sent_as_told(lab: Lab, arguments: dict[str, Any], octets: bytes) -> None:
    side = open_server(lab)
    side.protocol.sendFrame(**arguments)
    assert side.sent() == octets


@covers("sendFrame")
def test_a_client_masks_it_too(lab: Lab) -> None:
    side = open_client(lab)
    side.protocol.sendFrame(3, b"abc", fin=False, rsv=2)
    [frame] = frames(side.sent())
    assert frame[:4] == (3, b"abc", False, 2)
    assert frame.mask is not None
    side.protocol.maskClientFrames = False
    side.protocol.sendFrame(3, b"abc")
    assert side.sent() == b"\x83\x03abc"


@covers("sendFrame")
@pytest.mark.parametrize("arguments", [{"payload_len": 3}, {"payload": b"x", "payload_len": 2**63}])
def test_what_cannot_be_encoded_is_refused(lab: Lab, arguments: dict[str, Any]) -> None:
    side = open_server(lab)
    with pytest.raises(ValueError, match="payload_len"):
        side.protocol.sendFrame(1, **arguments)
    assert side.sent() == b""


@covers("sendFrame", "sendData")
def test_the_state_does_not_matter(lab: Lab) -> None:
    side = connect(lab, server_factory(lab))
    side.protocol.sendFrame(1, b"x")
    assert side.sent() == b"\x81\x01x"
    side.protocol.sendData(b"raw")
    assert side.sent() == b"raw"
    side = open_server(lab)
    side.protocol.sendClose()
    side.sent()
    side.protocol.sendFrame(1, b"x")
    side.protocol.sendData(b"raw")
    assert side.sent() == b"\x81\x01xraw"


@covers("sendFrame", "sendData")
def test_it_keeps_its_place_among_messages(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.sendMessage(b"1")
    side.protocol.sendFrame(1, b"2")
    side.protocol.sendMessage(b"3")
    side.protocol.sendData(b"\x81\x014")
    side.protocol.sendPing(b"5")
    payloads = [frame.payload for frame in side.frames()]
    assert payloads == [b"1", b"2", b"3", b"4", b"5"]


# --- the queue ------------------------------------------------------------------------------------


def writes_of(side: Side[Any]) -> list[bytes]:
    return side.transport.writes[side.seen :]


@covers("_QUEUED_WRITE_DELAY", "sendData", "sendFrame", "_send", "_trigger")
def test_chopped_data_leaves_piece_by_piece(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.sendFrame(1, b"abcdef", chopsize=3)
    assert writes_of(side) == [b"\x81\x06a"]
    assert side.protocol.triggered
    side.advance(1.5 * side.protocol._QUEUED_WRITE_DELAY)
    assert writes_of(side) == [b"\x81\x06a", b"bcd"]
    side.advance(1)
    assert writes_of(side) == [b"\x81\x06a", b"bcd", b"ef"]
    assert not side.protocol.triggered
    assert not side.protocol.send_queue


@covers("sendData", "_trigger", "sendMessage")
def test_all_else_queues_behind_it(lab: Lab) -> None:
    side = open_server(lab)
    protocol = side.protocol
    protocol.sendData(b"\x81\x02ab", chopsize=2)
    protocol.sendMessage(b"1")
    protocol.sendMessage(b"2", sync=True)
    protocol.sendPing(b"3")
    protocol.sendData(b"\x81\x014")
    side.advance(1)
    assert [frame.payload for frame in frames(b"".join(writes_of(side)))] == [
        b"ab",
        b"1",
        b"2",
        b"3",
        b"4",
    ]
    side.sent()
    protocol.sendMessage(b"5")
    assert side.frames() == [Frame(TEXT, b"5")]


@covers("sendMessage")
def test_sync_is_a_write_of_its_own(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.sendMessage(b"1", sync=True)
    side.protocol.sendMessage(b"2", sync=True)
    side.protocol.sendMessage(b"34", sync=True, fragmentSize=1)
    side.advance(1)
    assert writes_of(side) == [b"\x81\x011", b"\x81\x012", b"\x01\x013", b"\x80\x014"]


@covers("_trigger")
def test_the_queue_is_emptied_once_only(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.sendData(b"abcd", chopsize=1)
    side.protocol._trigger()
    side.protocol._trigger()
    assert writes_of(side) == [b"a"]
    side.advance(1.5e-5)
    assert writes_of(side) == [b"a", b"b"]
    side.advance(1)
    assert writes_of(side) == [b"a", b"b", b"c", b"d"]


@covers("_send")
@pytest.mark.parametrize("abort", [True, False])
def test_what_waits_when_the_connection_is_dropped(lab: Lab, abort: bool) -> None:
    """It is dropped, too, or leaves before the end: see the porting guide."""
    side = open_server(lab)
    side.protocol.sendData(b"abcd", chopsize=1)
    side.protocol.dropConnection(abort)
    assert not side.transport.closed
    assert side.transport.aborted is abort
    side.advance(1)
    assert writes_of(side) == ([b"a"] if abort else [b"a", b"b", b"c", b"d"])
    assert side.transport.closed
    assert not side.protocol.send_queue


# --- overriding -----------------------------------------------------------------------------------


class SeesFrames:
    """A mixin before the protocol."""

    def sendFrame(self, opcode: int, payload: bytes = b"", *args: Any, **kwargs: Any) -> None:
        self.note("frame", opcode, payload)  # type: ignore[attr-defined]
        super().sendFrame(opcode, payload, *args, **kwargs)  # type: ignore[misc]


class FrameServer(SeesFrames, Server):
    pass


class FrameClient(SeesFrames, Client):
    pass


@covers("sendFrame")
@pytest.mark.parametrize("cls", [FrameServer, FrameClient])
def test_an_override_sees_every_whole_frame(lab: Lab, cls: Any) -> None:
    side = open_side(lab, "server" if cls.is_server else "client", protocol=cls)
    side.protocol.sendMessage(b"abc", fragmentSize=2)
    side.protocol.sendPing(b"1")
    side.feed_frame(PING, b"2")
    side.protocol.sendClose(1000)
    seen = [(TEXT, b"ab"), (0, b"c"), (PING, b"1"), (PONG, b"2"), (CLOSE, close_payload(1000))]
    assert side.protocol.noted("frame") == seen
    assert [(frame.opcode, frame.payload) for frame in side.frames()] == seen


class DataServer(Server):
    """Puts what it sends into capitals, which this test needs no unmasking for."""

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        self.note("data", data)
        super().sendData(data.upper(), sync, chopsize)


@covers("sendData")
def test_an_override_sees_all_octets(lab: Lab) -> None:
    side = connect(lab, server_factory(lab, DataServer))
    side.feed(request())
    [(handshake,)] = side.protocol.noted("data")
    assert handshake.startswith(b"HTTP/1.1 101 ")
    assert side.sent() == handshake.upper()
    protocol = side.protocol
    protocol.sendMessage(b"a")
    protocol.sendPing(b"b")
    protocol.sendPreparedMessage(protocol.factory.prepareMessage(b"c"))
    protocol.beginMessage()
    protocol.sendMessageFrame(b"d")
    protocol.endMessage()
    protocol.sendMessage(bytes(100_000), isBinary=True)
    protocol.sendClose(1000, "e")
    sent = side.frames()
    assert [frame.payload[:1] for frame in sent[:5]] == [b"A", b"B", b"C", b"D", b""]
    assert sent[-1] == Frame(CLOSE, close_payload(1000, "E"))
    noted = b"".join(data for (data,) in protocol.noted("data"))
    assert len(noted) == len(handshake) + protocol.trafficStats.outgoingOctetsWireLevel


def test_a_hook_on_the_instance_counts_as_well(lab: Lab) -> None:
    side = connect(lab, server_factory(lab))
    seen: list[bytes] = []
    side.protocol.sendData = lambda data, *args: seen.append(data)
    side.feed(request())
    side.protocol.sendMessage(b"x")
    lab.turn()
    assert [octets[:2] for octets in seen] == [b"HT", b"\x81\x01"]


# --- logging --------------------------------------------------------------------------------------


class Logging:
    def logRxOctets(self: Any, data: bytes) -> None:
        self.note("rx", data)

    def logTxOctets(self: Any, data: bytes, sync: bool) -> None:
        self.note("tx", data, sync)

    def logRxFrame(self: Any, frameHeader: FrameHeader, payload: list[bytes]) -> None:
        self.note("rx frame", described(frameHeader), payload)

    def logTxFrame(self: Any, frameHeader: FrameHeader, *args: Any) -> None:
        self.note("tx frame", described(frameHeader), *args)


def described(header: FrameHeader) -> tuple[Any, ...]:
    return header.opcode, header.fin, header.rsv, header.length, header.mask


LOGGING: dict[str, Any] = {
    "server": type("LoggingServer", (Logging, Server), {}),
    "client": type("LoggingClient", (Logging, Client), {}),
}
OCTETS = ("CONFIG_ATTRS_COMMON.logOctets", "logRxOctets", "logTxOctets")
FRAMES = ("CONFIG_ATTRS_COMMON.logFrames", "logRxFrame", "logTxFrame")


@covers(*OCTETS)
def test_octets_are_logged(lab: Lab) -> None:
    side = connect(lab, server_factory(lab, LOGGING["server"], logOctets=True))
    head = request()
    side.feed(head[:10], head[10:])
    answer = side.sent()
    octets = side.frame(TEXT, b"x")
    side.feed(octets)
    side.protocol.sendMessage(b"y")
    side.protocol.sendMessage(b"z", sync=True)
    lab.turn()
    assert [event for event in side.protocol.notes if event[0] != "open"] == [
        ("rx", head[:10]),
        ("rx", head[10:]),
        ("tx", answer, False),
        ("rx", octets),
        ("message", b"x", False),
        ("tx", b"\x81\x01y", False),
        ("tx", b"\x81\x01z", True),
    ]


@covers(*FRAMES)
def test_frames_are_logged(lab: Lab, role: str) -> None:
    side = open_side(lab, role, protocol=LOGGING[role], logFrames=True)
    first = side.frame(BINARY, b"abc", fin=False)
    side.feed(first[:-1], first[-1:], side.frame(PING, b"p"), side.frame(0, b""))
    assert side.protocol.noted("rx frame") == [
        ((BINARY, False, 0, 3, side.mask), [b"ab", b"c"]),
        ((PING, True, 0, 1, side.mask), [b"p"]),
        ((0, True, 0, 0, side.mask), [b""]),
    ]
    assert side.protocol.noted("message") == [(b"abc", True)]
    side.protocol.sendMessage(b"hello")
    side.protocol.sendFrame(2, b"ab", payload_len=3, chopsize=4, sync=True)
    side.protocol.sendClose(1000)
    side.advance(1)
    [pong, message, long, close] = frames(side.sent())
    assert side.protocol.noted("tx frame") == [
        ((PONG, True, 0, 1, pong.mask), b"p", None, None, False),
        ((TEXT, True, 0, 5, message.mask), b"hello", None, None, False),
        ((BINARY, True, 0, 3, long.mask), b"ab", 3, 4, True),
        ((CLOSE, True, 0, 2, close.mask), close_payload(1000), None, None, False),
    ]


@covers(*OCTETS, *FRAMES)
def test_nothing_is_logged_unless_it_is_switched_on(lab: Lab, role: str) -> None:
    side = open_side(lab, role, protocol=LOGGING[role])
    side.feed_frame(TEXT, b"x")
    side.protocol.sendMessage(b"y")
    lab.turn()
    assert side.protocol.notes == [("open",), ("message", b"x", False)]


@covers("CONFIG_ATTRS_COMMON.logOctets", "CONFIG_ATTRS_COMMON.logFrames")
def test_it_can_be_switched_at_any_time(lab: Lab, role: str) -> None:
    side = open_side(lab, role, protocol=LOGGING[role])
    side.protocol.logOctets = side.protocol.logFrames = True
    side.feed_frame(TEXT, b"x")
    side.protocol.sendMessage(b"y")
    lab.turn()
    names = [event[0] for event in side.protocol.notes[1:]]
    assert names == ["rx", "rx frame", "message", "tx", "tx frame"]
    side.protocol.logOctets = side.protocol.logFrames = False
    side.feed_frame(TEXT, b"x")
    side.protocol.sendMessage(b"y")
    lab.turn()
    assert side.protocol.notes[6:] == [("message", b"x", False)]


@pytest.mark.parametrize("before", [False, True])
def test_a_message_survives_a_switch_in_its_middle(lab: Lab, before: bool) -> None:
    side = open_server(lab, LOGGING["server"], logFrames=before)
    side.feed_frame(TEXT, b"ab", fin=False)
    side.feed(side.frame(0, b"cd")[:-1])
    side.protocol.logFrames = not before
    side.feed(side.frame(0, b"cd")[-1:])
    side.feed_frame(TEXT, b"next")
    assert side.protocol.noted("message") == [(b"abcd", False), (b"next", False)]
    assert len(side.protocol.noted("rx frame")) == (2 if before else 1)


@covers(*FRAMES, "logRxOctets", "logTxOctets")
def test_by_default_they_say_it_in_the_debug_log(lab: Lab, row: str) -> None:
    class Log:
        lines: list[str]

        def __init__(self) -> None:
            self.lines = []

        def debug(self, template: str, **values: Any) -> None:
            self.lines.append(template.format(**values))

        info = warn = debug

    side = open_server(lab, logOctets=True, logFrames=True)
    side.protocol.log = log = Log()
    side.feed_frame(TEXT, b"\x00x")
    side.protocol.sendMessage(b"\x00y")
    lab.turn()
    assert len(log.lines) == 4
    assert all(side.protocol.peer in line for line in log.lines)
