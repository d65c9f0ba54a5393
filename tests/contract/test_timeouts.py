"""The clocks: opening, closing, dropping, and automatic pings. All times are exact."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import WebSocketProtocol as P

from .support import (
    CLOSE,
    PING,
    PONG,
    ROLES,
    TEXT,
    Client,
    Frame,
    Lab,
    Notes,
    Server,
    Side,
    client_factory,
    close_payload,
    connect,
    open_client,
    open_server,
    open_side,
    request,
    response,
    server_factory,
)

FACTORIES: dict[str, Any] = {"server": server_factory, "client": client_factory}


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def timed_out(side: Side[Any], *, before: float, flag: str | None = None) -> str:
    """It is dropped after so many seconds, not earlier; returns the reason that onClose got."""
    side.advance(before - 0.01)
    assert not side.transport.aborted
    side.advance(0.02)
    assert side.transport.aborted
    if flag is not None:
        assert getattr(side.protocol, flag)
    was_clean, code, reason = side.closed()
    assert (was_clean, code) == (False, 1006)
    assert reason is not None
    return reason


# --- opening --------------------------------------------------------------------------------------


@covers("openHandshakeTimeout", "onOpenHandshakeTimeout", "onClose")
@pytest.mark.parametrize("seconds", [0.3, 1.7, 5])
def test_a_peer_that_says_nothing(lab: Lab, role: str, seconds: float) -> None:
    side = connect(lab, FACTORIES[role](lab, openHandshakeTimeout=seconds))
    assert side.protocol.openHandshakeTimeoutCall is not None
    reason = timed_out(side, before=seconds, flag="wasOpenHandshakeTimeout")
    assert "opening handshake timeout" in reason


@covers("openHandshakeTimeout")
def test_the_default_is_five_seconds(lab: Lab, role: str) -> None:
    timed_out(connect(lab, FACTORIES[role](lab)), before=5)


@covers("openHandshakeTimeout")
def test_zero_never_drops(lab: Lab, role: str) -> None:
    side = connect(lab, FACTORIES[role](lab, openHandshakeTimeout=0))
    side.advance(1e6)
    assert side.protocol.state == P.STATE_CONNECTING


@covers("openHandshakeTimeout")
def test_an_open_connection_is_left_alone(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    assert side.protocol.openHandshakeTimeoutCall is None
    side.advance(100)
    assert side.protocol.state == P.STATE_OPEN
    side.protocol.onOpenHandshakeTimeout()
    assert side.protocol.state == P.STATE_OPEN
    assert not side.protocol.wasOpenHandshakeTimeout


@covers("openHandshakeTimeout")
def test_a_slow_on_connect_counts(lab: Lab) -> None:
    class Slow(Server):
        async def onConnect(self, request: Any) -> None:
            await self.factory.gate

    factory: Any = server_factory(lab, Slow, openHandshakeTimeout=2)
    factory.gate = lab.create_future()
    side = connect(lab, factory)
    side.feed(request())
    timed_out(side, before=2)
    factory.gate.set_result(None)
    assert side.sent() == b""


@covers("openHandshakeTimeout", "STATE_PROXY_CONNECTING")
def test_so_does_a_proxy(lab: Lab) -> None:
    proxy = {"proxy": {"host": "proxy", "port": 3128}}
    side = connect(lab, client_factory(lab, session=proxy, openHandshakeTimeout=2))
    assert side.protocol.state == P.STATE_PROXY_CONNECTING
    timed_out(side, before=2)


# --- closing --------------------------------------------------------------------------------------


@covers("closeHandshakeTimeout", "onCloseHandshakeTimeout", "onClose")
@pytest.mark.parametrize("seconds", [0.3, 2])
def test_a_peer_that_does_not_answer_our_close(lab: Lab, role: str, seconds: float) -> None:
    side = open_side(lab, role, closeHandshakeTimeout=seconds)
    side.protocol.sendClose(1000)
    assert side.protocol.closeHandshakeTimeoutCall is not None
    reason = timed_out(side, before=seconds, flag="wasCloseHandshakeTimeout")
    assert "closing handshake timeout" in reason


@covers("closeHandshakeTimeout")
def test_the_default_is_one_second_and_zero_never_drops(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.protocol.sendClose()
    timed_out(side, before=1)
    side = open_side(lab, role, closeHandshakeTimeout=0)
    side.protocol.sendClose()
    side.advance(1e6)
    assert side.protocol.state == P.STATE_CLOSING


@covers("onCloseHandshakeTimeout")
def test_the_answer_stops_the_clock(lab: Lab, role: str) -> None:
    side = open_side(lab, role, **({} if role == "server" else {"serverConnectionDropTimeout": 0}))
    side.protocol.sendClose()
    side.feed_frame(CLOSE, close_payload(1000))
    assert side.protocol.closeHandshakeTimeoutCall is None
    side.advance(100)
    side.lose()
    assert side.closed() == (True, 1000, None)
    side.protocol.onCloseHandshakeTimeout()
    assert not side.protocol.wasCloseHandshakeTimeout


@covers("serverConnectionDropTimeout", "onServerConnectionDropTimeout", "onClose")
@pytest.mark.parametrize("by_us", [True, False])
def test_a_server_that_keeps_tcp(lab: Lab, by_us: bool) -> None:
    side = open_client(lab, serverConnectionDropTimeout=3)
    if by_us:
        side.protocol.sendClose()
    side.feed_frame(CLOSE, close_payload(1000))
    assert side.protocol.serverConnectionDropTimeoutCall is not None
    reason = timed_out(side, before=3, flag="wasServerConnectionDropTimeout")
    assert "server did not drop TCP" in reason


@covers("serverConnectionDropTimeout")
def test_the_server_drops_tcp_in_time(lab: Lab) -> None:
    side = open_client(lab)
    side.protocol.sendClose()
    side.feed_frame(CLOSE, close_payload(1000))
    side.advance(0.9)
    side.lose()
    assert side.closed() == (True, 1000, None)
    side = open_client(lab, serverConnectionDropTimeout=0)
    side.protocol.sendClose()
    side.feed_frame(CLOSE, close_payload(1000))
    side.advance(1e6)
    assert side.protocol.noted("close") == []
    side.lose()
    assert side.closed() == (True, 1000, None)


@covers(
    "onOpenHandshakeTimeout",
    "onCloseHandshakeTimeout",
    "onServerConnectionDropTimeout",
    "onAutoPingTimeout",
)
def test_the_hooks_of_the_clocks_can_be_overridden(lab: Lab, row: str) -> None:
    name = row.partition(".")[2]

    def hook(self: Notes) -> None:
        self.note("timeout", getattr(self, CALLS[name]))

    own = {cls.__name__: type("Own", (cls,), {name: hook}) for cls in (Server, Client)}
    side: Side[Any]
    if name == "onOpenHandshakeTimeout":
        side = connect(lab, server_factory(lab, own["Server"]))
    elif name == "onAutoPingTimeout":
        side = open_server(lab, own["Server"], autoPingInterval=3, autoPingTimeout=1)
    elif name == "onCloseHandshakeTimeout":
        side = open_server(lab, own["Server"])
        side.protocol.sendClose()
    else:
        side = open_client(lab, own["Client"])
        side.feed_frame(CLOSE)
    side.advance(20)
    assert side.protocol.noted("timeout")[0] == (None,)
    assert not side.transport.is_closing()


CALLS = {
    "onOpenHandshakeTimeout": "openHandshakeTimeoutCall",
    "onCloseHandshakeTimeout": "closeHandshakeTimeoutCall",
    "onServerConnectionDropTimeout": "serverConnectionDropTimeoutCall",
    "onAutoPingTimeout": "autoPingTimeoutCall",
}


# --- automatic pings ------------------------------------------------------------------------------


def the_ping(side: Side[Any]) -> bytes:
    [ping] = side.frames()
    assert ping.opcode == PING
    assert side.protocol.autoPingPending == ping.payload
    return ping.payload


@covers("autoPingInterval", "autoPingSize", "onAutoPingTimeout", "_sendAutoPing")
@pytest.mark.parametrize("size", [4, 20, 125])
def test_pings_come_after_opening_and_after_each_pong(lab: Lab, role: str, size: int) -> None:
    side = open_side(lab, role, autoPingInterval=2.5, autoPingTimeout=1, autoPingSize=size)
    seen = set()
    for _ in range(3):
        side.advance(2.49)
        assert side.frames() == []
        side.advance(0.02)
        ping = the_ping(side)
        assert len(ping) == size
        seen.add(ping)
        side.advance(0.5)
        side.feed_frame(PONG, ping)
        assert side.protocol.autoPingPending is None
        assert side.protocol.autoPingTimeoutCall is None
    assert len(seen) == 3


@covers("autoPingTimeout", "onAutoPingTimeout", "onClose")
def test_a_peer_that_does_not_answer_is_dropped(lab: Lab, role: str) -> None:
    side = open_side(lab, role, autoPingInterval=2, autoPingTimeout=0.5)
    side.advance(2)
    the_ping(side)
    assert side.protocol.autoPingTimeoutCall is not None
    assert "ping timeout" in timed_out(side, before=0.5)


@covers("autoPingInterval", "autoPingTimeout")
def test_zero_is_off(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.advance(1e5)
    assert side.sent() == b""
    side = open_side(lab, role, autoPingInterval=2, autoPingTimeout=0)
    side.advance(2)
    ping = the_ping(side)
    side.advance(1e5)
    assert side.sent() == b""
    assert side.protocol.state == P.STATE_OPEN
    side.feed_frame(PONG, ping)
    side.advance(2)
    the_ping(side)


@covers("autoPingTimeout")
def test_another_pong_is_not_the_answer(lab: Lab) -> None:
    side = open_server(
        lab, autoPingInterval=2, autoPingTimeout=1, autoPingRestartOnAnyTraffic=False
    )
    side.advance(2)
    the_ping(side)
    side.feed_frame(PONG, b"something else")
    side.feed_frame(TEXT, b"x")
    timed_out(side, before=1)


@covers("_cancelAutoPingTimeoutCall", "autoPingTimeout")
def test_whoever_sends_is_alive(lab: Lab, role: str) -> None:
    side = open_side(lab, role, autoPingInterval=2, autoPingTimeout=1)
    side.advance(2)
    late = the_ping(side)
    side.advance(0.9)
    side.feed_frame(TEXT, b"x")
    side.advance(0.2)
    assert side.protocol.state == P.STATE_OPEN
    assert side.protocol.autoPingTimeoutCall is None
    side.feed_frame(PONG, late)
    side.advance(2)
    assert the_ping(side) != late


@covers("_cancelAutoPingTimeoutCall")
def test_the_timeout_can_be_cancelled_by_hand(lab: Lab) -> None:
    side = open_server(lab, autoPingInterval=2, autoPingTimeout=1)
    side.protocol._cancelAutoPingTimeoutCall()
    side.advance(2)
    the_ping(side)
    side.protocol._cancelAutoPingTimeoutCall()
    assert side.protocol.autoPingTimeoutCall is None
    assert side.protocol.autoPingPending is None
    side.advance(1.9)
    assert side.frames() == []
    side.advance(0.2)
    the_ping(side)


@covers("_sendAutoPing")
def test_an_automatic_ping_by_hand(lab: Lab) -> None:
    side = open_server(lab, autoPingTimeout=1, autoPingSize=7)
    side.protocol._sendAutoPing()
    assert len(the_ping(side)) == 7
    timed_out(side, before=1)
    side.protocol._sendAutoPing()
    assert side.sent() == b""


@covers("autoPingInterval")
def test_no_pings_while_closing(lab: Lab, role: str) -> None:
    side = open_side(lab, role, autoPingInterval=2, closeHandshakeTimeout=0)
    side.protocol.sendClose()
    side.sent()
    side.advance(10)
    assert side.sent() == b""


@covers("autoPingInterval")
def test_the_peer_is_not_blamed_while_we_do_not_read(lab: Lab) -> None:
    side = open_server(lab, autoPingInterval=2, autoPingTimeout=1)
    side.protocol.pauseReceiving()
    side.advance(2)
    ping = the_ping(side)
    side.advance(50)
    assert side.protocol.state == P.STATE_OPEN
    side.protocol.resumeReceiving()
    side.feed_frame(PONG, ping)
    assert side.protocol.autoPingPending is None


@covers("autoPingSize")
@pytest.mark.parametrize("size", [3, 126, 0, -1, 4.5, "4"])
def test_a_size_that_no_ping_can_have(lab: Lab, role: str, size: Any) -> None:
    with pytest.raises(AssertionError, match="autoPingSize"):
        FACTORIES[role](lab, autoPingSize=size)


def test_an_interval_set_later_starts_the_pings(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.autoPingInterval = 2
    side.advance(2.01)
    the_ping(side)


@covers("onPong")
def test_on_pong_is_told_of_automatic_ones(lab: Lab) -> None:
    class Pongs(Server):
        def onPong(self, payload: bytes) -> None:
            self.note("pong", payload)

    side = open_server(lab, Pongs, autoPingInterval=2)
    side.advance(2)
    ping = the_ping(side)
    side.feed_frame(PONG, ping)
    assert side.protocol.noted("pong") == [(ping,)]


def test_frames_of_the_close_come_before_the_timeout(lab: Lab) -> None:
    side = connect(lab, client_factory(lab))
    side.sent()
    side.feed(response(side.protocol.websocket_key) + side.frame(CLOSE, close_payload(1001)))
    assert side.frames() == [Frame(CLOSE, close_payload(1000))]
