"""What can be looked at: state, attributes, futures, events, counters, times, the transport."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import StateError, WebSocketClientProtocol, WebSocketServerProtocol
from wsproto_async import WebSocketProtocol as P
from wsproto_async.stats import Timings, TrafficStats

from .support import (
    BASES,
    BINARY,
    CLOSE,
    PING,
    ROLES,
    TEXT,
    Lab,
    Server,
    Side,
    client_factory,
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


# --- attributes -----------------------------------------------------------------------------------

INITIAL: dict[str, Any] = {
    "send_state": P.SEND_STATE_GROUND,
    "data": b"",
    "trackedTimings": None,
    "triggered": False,
    "wasMaxFramePayloadSizeExceeded": False,
    "wasMaxMessagePayloadSizeExceeded": False,
    "closedByMe": False,
    "failedByMe": False,
    "droppedByMe": False,
    "wasClean": False,
    "wasNotCleanReason": None,
    "wasServerConnectionDropTimeout": False,
    "wasOpenHandshakeTimeout": False,
    "wasCloseHandshakeTimeout": False,
    "wasServingFlashSocketPolicyFile": False,
    "localCloseCode": None,
    "localCloseReason": None,
    "remoteCloseCode": None,
    "remoteCloseReason": None,
    "closeHandshakeTimeoutCall": None,
    "autoPingPendingCall": None,
    "autoPingTimeoutCall": None,
    "autoPingPending": None,
    "inside_message": False,
    "current_frame": None,
    "peer_transport": "websocket",
}


@covers("_connectionMade", "STATE_CONNECTING", "SEND_STATE_GROUND")
def test_what_is_there_from_the_beginning(lab: Lab, role: str) -> None:
    side = connect(lab, FACTORIES[role](lab))
    assert side.protocol.state == P.STATE_CONNECTING
    assert {name: getattr(side.protocol, name) for name in INITIAL} == INITIAL
    assert not side.protocol.send_queue
    assert isinstance(side.protocol.trafficStats, TrafficStats)
    assert side.protocol.factory.options == side.protocol._options


@covers("_connectionMade")
def test_connection_made_by_hand_without_a_running_loop(lab: Lab) -> None:
    protocol = WebSocketServerProtocol()
    protocol.factory = server_factory(lab, session={})
    side = open_server(lab)
    protocol.transport = side.transport
    protocol._connectionMade()
    assert protocol.state == P.STATE_CONNECTING
    assert protocol.openHandshakeTimeoutCall is not None
    protocol.data = request()
    protocol.processHandshake()
    assert protocol.state == P.STATE_OPEN
    assert side.sent().startswith(b"HTTP/1.1 101 ")
    protocol.data = side.frame(PING, b"x")
    while protocol.processData():
        pass
    assert [each.payload for each in side.frames()] == [b"x"]


def test_without_any_loop_it_says_what_is_missing(lab: Lab) -> None:
    factory = server_factory(lab)
    factory.loop = None
    with pytest.raises(RuntimeError, match="loop="):
        connect(lab, factory)


@covers(
    "WebSocketServerProtocol._connectionMade",
    "WebSocketServerProtocol._connectionLost",
    "getConnectionCount",
)
def test_how_many_connections_there_are(lab: Lab) -> None:
    class Counting(Server):
        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            self.note("count", self.factory.getConnectionCount())

    factory = server_factory(lab, Counting)
    assert factory.getConnectionCount() == 0
    first, second = connect(lab, factory), connect(lab, factory)
    assert factory.getConnectionCount() == factory.countConnections == 2
    first.feed(request())
    first.lose()
    assert first.protocol.noted("count") == [(2,)]
    assert factory.getConnectionCount() == 1
    second.feed(b"nonsense\r\n\r\n")
    assert factory.getConnectionCount() == 0


@covers(
    "WebSocketServerProtocol.log",
    "WebSocketClientProtocol.log",
    "WebSocketServerFactory.log",
    "WebSocketClientFactory.log",
)
def test_the_log_can_be_replaced(lab: Lab, row: str, caplog: pytest.LogCaptureFixture) -> None:
    role = "server" if "Server" in row else "client"
    factory = FACTORIES[role](lab)
    assert callable(factory.log.info)
    mine = logging.getLogger("mine")
    side = open_side(lab, role, protocol=type("Own", (BASES[role],), {"log": mine}))
    other = open_side(lab, role)
    other.protocol.log = mine
    for each in (side, other):
        with caplog.at_level(logging.WARNING, logger="mine"):
            each.protocol._fail_connection(1002, "for the log")
    lines = [record.getMessage() for record in caplog.records if record.name == "mine"]
    assert len(lines) == 2
    assert all("for the log" in line and each.protocol.peer in line for line in lines)


def test_a_txaio_log_is_there_by_default(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    side = open_server(lab)
    with caplog.at_level(logging.WARNING):
        side.protocol._fail_connection(1002, "for the {log}")
    assert "for the {log}" in caplog.text


# --- futures --------------------------------------------------------------------------------------


@covers("onOpen")
def test_is_open(lab: Lab, role: str) -> None:
    side = connect(lab, FACTORIES[role](lab))
    is_open = side.protocol.is_open
    assert isinstance(is_open, asyncio.Future)
    assert not is_open.done()
    opened = open_side(lab, role)
    assert opened.protocol.is_open.result() is None
    side.lose()
    assert not is_open.done()


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("what", ["wait", "sendClose", "dropConnection", "abort", "fail"])
def test_is_open_is_done_however_short_it_was(lab: Lab, role: str, what: str, early: bool) -> None:
    """It may be asked for late: whoever awaits it must not wait for ever."""

    class Leaving(BASES[role]):  # type: ignore[misc, valid-type]
        def onOpen(self) -> None:
            if what == "fail":
                raise ValueError("no, thanks")
            if what == "abort":
                self.dropConnection(abort=True)
            elif what != "wait":
                getattr(self, what)()

    side = connect(lab, FACTORIES[role](lab, Leaving))
    if early:
        assert not side.protocol.is_open.done()
    side.feed(request() if role == "server" else response(side.protocol.websocket_key))
    side.lose()
    assert side.protocol.is_open.done() is (what != "fail")


@pytest.mark.parametrize("early", [True, False])
def test_is_open_stays_pending_where_it_never_opened(lab: Lab, role: str, early: bool) -> None:
    side = connect(lab, FACTORIES[role](lab))
    if early:
        assert not side.protocol.is_open.done()
    side.lose()
    assert not side.protocol.is_open.done()


def test_is_open_is_done_behind_on_open(lab: Lab) -> None:
    class Opening(Server):
        def onOpen(self) -> None:
            self.note("done", self.is_open.done())

    side = connect(lab, server_factory(lab, Opening))
    is_open = side.protocol.is_open
    side.feed(request())
    assert side.protocol.noted("done") == [(False,)]
    assert is_open.done()


@covers("dropConnection", "_connectionLost")
def test_is_closed(lab: Lab, role: str) -> None:
    class Closing(BASES[role]):  # type: ignore[misc, valid-type]
        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            self.note("done", self.is_closed.done())

    for drop in (False, True):
        side = open_side(lab, role, protocol=Closing)
        is_closed = side.protocol.is_closed
        assert not is_closed.done()
        assert side.protocol.is_closed is is_closed
        if drop:
            side.protocol.dropConnection()
        else:
            side.lose()
        assert is_closed.result() is side.protocol
        lab.turn()
        assert side.protocol.noted("done") == [(True,)]
        assert side.protocol.is_closed.result() is side.protocol


def test_who_waits_for_the_end_behind_it_does_not_wait(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    side.lose()
    lab.get(side.protocol.wait_closed())
    assert side.protocol.close_info.initiator == "network"


def test_producers_are_twisteds(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    with pytest.raises(StateError, match=r"use drain\(\) or onPauseWriting\(\)"):
        side.protocol.registerProducer(object(), True)
    side.protocol.unregisterProducer()
    assert side.protocol.state == P.STATE_OPEN


# --- events ---------------------------------------------------------------------------------------


@covers("WebSocketProtocol", "onMessageEnd")
@pytest.mark.parametrize("when", ["before", "after", "streaming"])
def test_the_message_event(lab: Lab, role: str, when: str) -> None:
    heard: list[Any] = []

    def handler(payload: bytes, is_binary: bool) -> None:
        heard.append((payload, is_binary))

    class Streaming(BASES[role]):  # type: ignore[misc, valid-type]
        def onMessageFrameEnd(self) -> None:
            super().onMessageFrameEnd()

    class Listening(BASES[role]):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            self.on("message", handler)

    cls = {"before": Listening, "streaming": Streaming}.get(when, BASES[role])
    side = open_side(lab, role, protocol=cls)
    if when != "before":
        side.protocol.on("message", handler)
    side.feed_frame(BINARY, b"a", fin=False)
    side.feed_frame(0, b"b")
    side.feed_frame(TEXT, b"c")
    assert heard == [(b"ab", True), (b"c", False)]
    assert side.protocol.noted("message") == heard, "the hook is told as well"
    side.protocol.off("message", handler)
    side.feed_frame(TEXT, b"d")
    assert len(heard) == 2


def test_a_handler_may_raise_or_be_a_coroutine(lab: Lab) -> None:
    heard: list[bytes] = []

    async def later(payload: bytes, is_binary: bool) -> None:
        heard.append(payload)

    def raising(payload: bytes, is_binary: bool) -> None:
        raise ZeroDivisionError

    side = open_server(lab)
    side.protocol.on("message", raising)
    side.protocol.on("message", later)
    side.feed_frame(TEXT, b"x")
    assert heard == [b"x"]
    assert side.protocol.state == P.STATE_OPEN


@pytest.mark.parametrize("keep", [False, True])
def test_a_hook_that_raises_takes_a_message_from_nobody_else(lab: Lab, keep: bool) -> None:
    class Raising(Server):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            raise ZeroDivisionError

    heard: list[bytes] = []
    side = open_server(lab, Raising, onHookError="keep" if keep else "close")
    side.protocol.on("message", lambda payload, is_binary: heard.append(payload))
    stream = side.protocol.messages()
    side.feed_frame(TEXT, b"x")
    assert heard == [b"x"]
    assert lab.get(stream.recv()) == "x"
    assert (side.protocol.state == P.STATE_OPEN) is keep


def test_there_is_no_other_event(lab: Lab) -> None:
    with pytest.raises(RuntimeError):
        open_server(lab).protocol.on("open", print)


# --- counters -------------------------------------------------------------------------------------


def test_traffic_is_counted(lab: Lab) -> None:
    side = connect(lab, server_factory(lab))
    stats = side.protocol.trafficStats
    octets = request() + side.frame(TEXT, b"early")
    side.feed(octets)
    assert stats.preopenIncomingOctetsWireLevel == len(octets)
    assert stats.preopenOutgoingOctetsWireLevel == len(side.sent())
    assert stats.incomingOctetsWireLevel == stats.outgoingOctetsWireLevel == 0

    octets = side.frame(BINARY, bytes(200), fin=False) + side.frame(PING, b"p") + side.frame(0)
    side.feed(octets)
    side.protocol.sendMessage(bytes(1000), True, fragmentSize=300)
    wire = stats.outgoingOctetsWireLevel  # before it is flushed
    assert wire == len(side.sent())
    assert stats.incomingOctetsWireLevel == len(octets)
    assert (stats.incomingWebSocketFrames, stats.incomingWebSocketMessages) == (3, 2)
    assert stats.incomingOctetsWebSocketLevel == stats.incomingOctetsAppLevel == 205
    assert (stats.outgoingWebSocketFrames, stats.outgoingWebSocketMessages) == (4, 1)
    assert stats.outgoingOctetsWebSocketLevel == stats.outgoingOctetsAppLevel == 1000
    assert json.loads(str(stats))["incomingCompressionRatio"] == 1.0

    side.protocol.beginMessage()
    side.protocol.sendMessageFrame(b"abc")
    side.protocol.endMessage()
    assert (stats.outgoingWebSocketFrames, stats.outgoingWebSocketMessages) == (6, 2)
    side.protocol.sendPreparedMessage(side.protocol.factory.prepareMessage(b"x"))
    assert stats.outgoingWebSocketMessages == 2
    stats.reset()
    assert set(vars_of(stats).values()) == {0}
    side.feed_frame(TEXT, b"x")
    assert stats.incomingWebSocketMessages == 1


def vars_of(stats: TrafficStats) -> dict[str, int]:
    return {name: value for name, value in stats.__json__().items() if type(value) is int}


@pytest.mark.parametrize("watched", [False, True])
def test_watching_does_not_change_the_counters(lab: Lab, watched: bool) -> None:
    side = open_server(lab, logFrames=watched, logOctets=watched)
    side.protocol.sendMessage(b"abc")
    side.protocol.sendMessage(b"abc", sync=True)
    side.protocol.sendPing()
    side.feed(side.frame(TEXT, b"abc"), side.frame(PING, b"x"))
    side.protocol.sendClose()
    side.advance(0.1)
    stats = side.protocol.trafficStats
    assert stats.outgoingOctetsWireLevel == len(side.sent()) == 5 + 5 + 2 + 3 + 2
    assert stats.outgoingWebSocketFrames == stats.outgoingWebSocketMessages == 2
    assert stats.incomingOctetsWireLevel == 9 + 7
    assert stats.incomingWebSocketFrames == 1


# --- times ----------------------------------------------------------------------------------------

KEYS = {"onOpen", "onMessageBegin", "onMessage", "sendMessage"}


def exchange(side: Side[Any]) -> None:
    side.feed_frame(TEXT, b"x")
    side.protocol.sendMessage(b"y")


@covers("trackTimings")
@pytest.mark.parametrize("where", ["factory", "class", "instance"])
def test_times_are_tracked(lab: Lab, role: str, where: str) -> None:
    def on_instance(self: Any) -> None:
        self.trackTimings = True

    bodies: dict[str, dict[str, Any]] = {
        "class": {"trackTimings": True},
        "instance": {"__init__": on_instance},
    }
    body = bodies.get(where, {})
    cls = type("Own", (BASES[role],), body)
    side = open_side(lab, role, protocol=cls, trackTimings=where == "factory")
    exchange(side)
    assert set(side.protocol.trackedTimings) == KEYS
    before = side.protocol.trackedTimings["onMessage"]
    exchange(side)
    assert side.protocol.trackedTimings["onMessage"] > before
    assert side.protocol.noted("message") == [(b"x", False)] * 2


@covers("setTrackTimings", "trackTimings")
def test_tracking_can_be_switched(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    assert side.protocol.trackedTimings is None
    side.protocol.setTrackTimings(True)
    assert isinstance(side.protocol.trackedTimings, Timings)
    exchange(side)
    assert set(side.protocol.trackedTimings) == KEYS - {"onOpen"}
    kept = side.protocol.trackedTimings
    side.protocol.setTrackTimings(True)
    assert side.protocol.trackedTimings is kept
    side.protocol.setTrackTimings(False)
    assert side.protocol.trackedTimings is None
    exchange(side)
    side.protocol.trackTimings = True
    assert isinstance(side.protocol.trackedTimings, Timings)


@covers("setTrackTimings")
@pytest.mark.parametrize("cls", [WebSocketServerProtocol, WebSocketClientProtocol])
def test_tracking_before_it_is_connected(lab: Lab, cls: Any) -> None:
    protocol = cls()
    protocol.setTrackTimings(True)
    assert protocol.trackTimings is True
    assert isinstance(protocol.trackedTimings, Timings)


# --- the transport --------------------------------------------------------------------------------


def test_the_details_of_the_transport(lab: Lab, role: str) -> None:
    side = open_side(lab, role)
    details = side.protocol.transport_details
    assert details.peer == side.protocol.peer
    assert details.is_secure is False
    assert (details.channel_type, details.channel_framing) == ("tcp", "websocket")
    assert details.is_server is (role == "server")
    assert details.http_headers_received == side.protocol.http_headers
    assert json.loads(str(details))["peer"] == side.protocol.peer
    assert side.protocol.get_channel_id() == bytes(32)
    with pytest.raises(ValueError, match="tls-unique"):
        side.protocol.get_channel_id("tls-unique")
    with pytest.raises(ValueError, match="channel_id_type"):
        side.protocol.get_channel_id("other")


@covers("STATE_CLOSED", "STATE_CLOSING")
def test_the_states_of_a_life(lab: Lab) -> None:
    assert WebSocketServerProtocol().state == P.STATE_CLOSED
    side = open_client(lab)
    side.protocol.sendClose()
    assert side.protocol.state == P.STATE_CLOSING
    side.feed_frame(CLOSE)
    assert side.protocol.state == P.STATE_CLOSING
    side.lose()
    assert side.protocol.state == P.STATE_CLOSED
