"""Options for frames and messages, each with its effect."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import WebSocketProtocol as P

from .support import (
    BINARY,
    CLOSE,
    MASK,
    PONG,
    ROLES,
    TEXT,
    Frame,
    Lab,
    MemoryTransport,
    Server,
    Side,
    client_factory,
    connect,
    frame,
    frames,
    open_client,
    open_server,
    open_side,
    server_factory,
    xor,
)


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def failed_with(side: Side[Any]) -> int:
    """The code of the close frame that was sent."""
    [close] = side.frames()
    assert close.opcode == CLOSE
    return int.from_bytes(close.payload[:2], "big")


# --- sizes ----------------------------------------------------------------------------------------


class Streaming(Server):
    """Overrides a streaming hook without calling the base."""

    def onMessageFrameBegin(self, length: int) -> None:
        self.note("begin", length)


@covers("maxFramePayloadSize")
@pytest.mark.parametrize("protocol", [Server, Streaming])
def test_the_largest_frame(lab: Lab, protocol: Any) -> None:
    side = open_server(lab, protocol, maxFramePayloadSize=10, failByDrop=False)
    side.feed_frame(BINARY, bytes(10), fin=False)
    side.feed_frame(0, bytes(10))
    assert side.sent() == b""
    assert not side.protocol.wasMaxFramePayloadSizeExceeded
    side.feed(frame(BINARY, length=11, mask=MASK))  # the header alone
    assert failed_with(side) == 1009
    assert side.protocol.wasMaxFramePayloadSizeExceeded
    assert not side.protocol.wasMaxMessagePayloadSizeExceeded


@covers("maxMessagePayloadSize")
@pytest.mark.parametrize("protocol", [Server, Streaming])
def test_the_largest_message(lab: Lab, protocol: Any) -> None:
    side = open_server(lab, protocol, maxMessagePayloadSize=10, failByDrop=False)
    side.feed_frame(BINARY, bytes(10))
    side.feed_frame(BINARY, bytes(6), fin=False)
    side.feed_frame(0, bytes(4), fin=False)
    side.feed_frame(0)
    assert side.sent() == b""
    side.feed_frame(BINARY, bytes(6), fin=False)
    side.feed(frame(0, length=5, mask=MASK))
    assert failed_with(side) == 1009
    assert side.protocol.wasMaxMessagePayloadSizeExceeded
    assert not side.protocol.wasMaxFramePayloadSizeExceeded


@covers("maxFramePayloadSize", "maxMessagePayloadSize")
def test_zero_is_no_limit(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.feed_frame(BINARY, bytes(2_000_000))
    assert len(side.protocol.noted("message")[0][0]) == 2_000_000


@covers("maxFramePayloadSize", "maxMessagePayloadSize", "failByDrop")
def test_by_default_a_failure_is_a_drop(lab: Lab, role: str) -> None:
    side = open_side(lab, role, maxMessagePayloadSize=10)
    side.feed_frame(BINARY, bytes(11))
    assert side.transport.aborted
    assert side.sent() == b""


# --- text -----------------------------------------------------------------------------------------


@covers("utf8validateIncoming")
@pytest.mark.parametrize("pieces", [[b"a\xffb"], [b"a\xff", b"b"], [b"a", b"\xffb"]])
def test_text_that_is_not_utf8(lab: Lab, role: str, pieces: list[bytes]) -> None:
    for validate in (True, False):
        side = open_side(lab, role, utf8validateIncoming=validate, failByDrop=False)
        for i, piece in enumerate(pieces):
            side.feed_frame(0 if i else TEXT, piece, fin=i == len(pieces) - 1)
        if validate:
            assert failed_with(side) == 1007
        else:
            assert side.protocol.noted("message") == [(b"a\xffb", False)]


@covers("utf8validateIncoming")
def test_a_stream_of_text_has_nothing_but_text(lab: Lab, role: str) -> None:
    """Whoever is given ``str`` cannot be given anything else; the hook can."""
    side = open_side(lab, role, utf8validateIncoming=False, failByDrop=False)
    side.protocol.messages()
    side.feed_frame(TEXT, b"a\xff")
    assert side.protocol.noted("message") == [(b"a\xff", False)]
    assert failed_with(side) == 1007


@covers("utf8validateIncoming")
def test_close_reasons_are_always_checked(lab: Lab, role: str) -> None:
    side = open_side(lab, role, utf8validateIncoming=False, failByDrop=False)
    side.feed_frame(CLOSE, (1000).to_bytes(2, "big") + b"\xff")
    assert failed_with(side) == 1007


# --- masks ----------------------------------------------------------------------------------------


@covers("applyMask")
def test_a_mask_that_is_not_applied(lab: Lab) -> None:
    client = open_client(lab, applyMask=False)
    client.protocol.sendMessage(b"abc")
    client.protocol.sendPing(b"ping")
    client.protocol.beginMessage()
    client.protocol.sendMessageFrame(b"def")
    client.protocol.endMessage()
    sent = frames(octets := client.sent(), masked_in_clear=True)
    assert [each.payload for each in sent] == [b"abc", b"ping", b"def", b""]
    assert None not in [each.mask for each in sent]
    server = open_server(lab, applyMask=False)
    server.feed(octets)
    assert server.protocol.noted("message") == [(b"abc", False), (b"def", False)]
    assert server.frames() == [Frame(PONG, b"ping")]
    server = open_server(lab)
    server.feed(octets[:9])
    mask = octets[2:6]
    assert server.protocol.noted("message") == [(xor(b"abc", mask), False)] or server.closed()


@covers("requireMaskedClientFrames")
def test_frames_of_a_client_in_clear(lab: Lab) -> None:
    side = open_server(lab, failByDrop=False)
    side.feed(frame(TEXT, b"x"))
    assert failed_with(side) == 1002
    side = open_server(lab, requireMaskedClientFrames=False)
    side.feed(frame(TEXT, b"clear") + frame(TEXT, b"masked", mask=MASK))
    assert side.protocol.noted("message") == [(b"clear", False), (b"masked", False)]


@covers("acceptMaskedServerFrames")
def test_frames_of_a_server_with_a_mask(lab: Lab) -> None:
    side = open_client(lab, failByDrop=False)
    side.feed(frame(TEXT, b"x", mask=MASK))
    assert failed_with(side) == 1002
    side = open_client(lab, acceptMaskedServerFrames=True)
    side.feed(frame(TEXT, b"clear") + frame(TEXT, b"masked", mask=MASK))
    assert side.protocol.noted("message") == [(b"clear", False), (b"masked", False)]


@covers("maskServerFrames", "maskClientFrames")
@pytest.mark.parametrize("masked", [False, True])
def test_who_masks(lab: Lab, masked: bool) -> None:
    sides = [
        open_server(lab, maskServerFrames=masked),
        open_client(lab, maskClientFrames=masked),
    ]
    for side in sides:
        side.protocol.sendMessage(b"abc")
        side.protocol.sendPing(b"abc")
        side.protocol.beginMessage()
        side.protocol.sendMessageFrame(b"abc")
        sent = frames(side.sent())
        assert [each.payload for each in sent] == [b"abc"] * 3
        assert [each.mask is not None for each in sent] == [masked] * 3
    prepared = sides[0].protocol.factory.prepareMessage(b"x")
    assert prepared.payloadHybi == b"\x81\x01x"  # the option does not count here


@covers("maskClientFrames")
def test_a_client_masks_by_default_with_fresh_keys(lab: Lab) -> None:
    side = open_client(lab)
    for _ in range(50):
        side.protocol.sendMessage(b"abc")
    assert len({each.mask for each in frames(side.sent())}) > 45
    assert not open_server(lab).protocol.maskServerFrames


# --- TCP ------------------------------------------------------------------------------------------


@covers("tcpNoDelay")
def test_tcp_no_delay(lab: Lab) -> None:
    for value in (True, False):
        with socket.socket() as tcp:
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as asyncio does
            side = connect(
                lab, server_factory(lab, tcpNoDelay=value), MemoryTransport(lab, socket=tcp)
            )
            assert bool(tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is value
            side.protocol.tcpNoDelay = not value
            assert bool(tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is not value


@covers("tcpNoDelay")
def test_what_is_not_tcp_has_no_delay(lab: Lab) -> None:
    left, right = socket.socketpair()
    with left, right:
        transport = MemoryTransport(lab, socket=left, peername="")
        side = connect(lab, client_factory(lab, tcpNoDelay=False), transport)
        assert side.protocol.state == P.STATE_CONNECTING
