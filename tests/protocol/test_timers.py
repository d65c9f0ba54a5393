"""Automatic pings and deadlines: whose fault is silence?"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ..contract.support import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    Client,
    Frame,
    Lab,
    Server,
    Side,
    client_factory,
    close_payload,
    connect,
    open_client,
    open_server,
    open_side,
)

PINGING: dict[str, Any] = {"autoPingInterval": 20, "autoPingTimeout": 5}
ROLES = pytest.mark.parametrize("role", ["server", "client"])


def pinged(side: Side[Any]) -> bytes:
    """The payload of the one ping that was sent."""
    [ping] = side.frames()
    assert ping.opcode == PING
    return ping.payload


def is_dead(side: Side[Any]) -> bool:
    return bool(side.protocol.noted("close"))


def busy_for(lab: Lab, seconds: float) -> None:
    """The loop is held up by something that takes so long."""
    lab.instant.now += seconds


@pytest.mark.parametrize(
    "hook",
    [
        "onAutoPingTimeout",
        "onOpenHandshakeTimeout",
        "onCloseHandshakeTimeout",
        "onServerConnectionDropTimeout",
    ],
)
def test_a_hook_that_raises_ends_the_connection_all_the_same(lab: Lab, hook: str) -> None:
    def raising(self: Client) -> None:
        raise ZeroDivisionError

    class Telling(Client):
        def onError(self, error: BaseException, hook: str) -> None:
            errors.append(error)

    cls = type("Raising", (Telling,), {hook: raising})
    errors: list[BaseException] = []
    if hook == "onOpenHandshakeTimeout":
        side: Side[Any] = connect(lab, client_factory(lab, cls))
    else:
        side = open_client(lab, cls, **PINGING)
    if hook in ("onCloseHandshakeTimeout", "onServerConnectionDropTimeout"):
        side.protocol.sendClose(1000)
    if hook == "onServerConnectionDropTimeout":
        side.feed_frame(CLOSE)
    side.advance(30)
    assert is_dead(side)
    [error] = errors
    assert isinstance(error, ZeroDivisionError)
    assert lab.complaints == []


# --- pings -------------------------------------------------------------------------------------


@ROLES
def test_a_ping_each_interval_while_it_is_answered(lab: Lab, role: str) -> None:
    side = open_side(lab, role, **PINGING)
    payloads = set()
    for _ in range(3):
        side.advance(19.9)
        assert side.frames() == []
        side.advance(0.1)
        payloads.add(payload := pinged(side))
        side.advance(4.9)
        side.feed_frame(PONG, payload)
    assert len(payloads) == 3
    assert not is_dead(side)
    side.lose()


@ROLES
def test_silence_ends_it(lab: Lab, role: str) -> None:
    side = open_side(lab, role, **PINGING)
    side.advance(20)
    pinged(side)
    side.advance(4.9)
    assert not is_dead(side)
    side.advance(0.2)
    was_clean, code, reason = side.closed()
    assert (was_clean, code) == (False, 1006)
    assert "ping timeout" in str(reason)
    assert side.transport.aborted


@ROLES
def test_a_timeout_of_an_instant_is_as_long_as_it_says(lab: Lab, role: str) -> None:
    side = open_side(lab, role, autoPingInterval=20, autoPingTimeout=0.1)
    side.advance(20)
    side.advance(0.095)
    assert not is_dead(side)
    side.advance(0.01)
    assert is_dead(side)


def test_an_option_that_changes_does_not_put_off_the_ping(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    side.advance(15)
    side.protocol.autoPingTimeout = 6
    side.advance(5)
    pinged(side)
    side.lose()


def test_no_second_ping_while_the_first_is_not_answered(lab: Lab) -> None:
    side = open_side(lab, "server", autoPingInterval=20, autoPingTimeout=0)
    side.advance(20)
    payload = pinged(side)
    side.protocol.autoPingSize = 5
    side.advance(100)
    assert side.frames() == []
    side.feed_frame(PONG, payload)
    side.advance(20)
    assert len(pinged(side)) == 5
    side.lose()


def test_a_ping_by_hand_may_stand_for_an_automatic_one(lab: Lab) -> None:
    side = open_server(lab, Server)
    side.protocol.autoPingPending = b"by hand"
    side.feed_frame(PONG, b"by hand")
    assert side.protocol.autoPingPending is None
    assert side.protocol.latency == 0  # nobody knows when it was sent
    side.lose()


def test_another_pong_proves_life_but_is_not_the_answer(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    side.advance(20)
    pinged(side)
    side.feed_frame(PONG, b"unasked")
    assert side.protocol.autoPingPending is not None
    side.advance(5)
    assert not is_dead(side)
    side.advance(20)
    pinged(side)
    side.lose()


@pytest.mark.parametrize("octets", ["frame", "half a frame", "large message"])
def test_any_octet_proves_life(lab: Lab, octets: str) -> None:
    side = open_side(lab, "server", **PINGING)
    large = side.frame(2, bytes(100_000))
    if octets == "large message":
        side.feed(large[:1000])
    side.advance(20)
    pinged(side)
    if octets == "frame":
        side.feed_frame(TEXT, b"x")
    elif octets == "half a frame":
        side.feed(side.frame(TEXT, b"x")[:1])
    else:
        strip = side.protocol.get_buffer(-1)
        strip[:100] = large[1000:1100]
        del strip
        side.protocol.buffer_updated(100)
    side.advance(6)
    assert not is_dead(side)
    side.advance(20)
    pinged(side)
    side.advance(6)
    assert is_dead(side)


def test_only_the_pong_counts_where_that_is_wanted(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING, autoPingRestartOnAnyTraffic=False)
    side.advance(20)
    pinged(side)
    side.feed_frame(TEXT, b"x")
    side.advance(5.1)
    assert is_dead(side)


def test_octets_from_before_the_ping_prove_nothing(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    side.advance(19.9)
    side.feed_frame(TEXT, b"x")
    side.advance(0.1)
    pinged(side)
    side.advance(5.1)
    assert is_dead(side)


def test_without_a_timeout_nobody_is_blamed(lab: Lab) -> None:
    side = open_side(lab, "server", autoPingInterval=20, autoPingTimeout=0)
    side.advance(20)
    payload = pinged(side)
    side.advance(10_000)
    assert not is_dead(side)
    assert side.frames() == []
    side.feed_frame(PONG, payload)
    side.advance(20)
    pinged(side)
    side.lose()


def test_the_peer_is_not_blamed_while_we_do_not_read(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    side.protocol.pauseReceiving()
    side.advance(20)
    payload = pinged(side)
    side.advance(1000)
    assert not is_dead(side)
    side.protocol.resumeReceiving()
    side.feed_frame(PONG, payload)
    side.advance(20)
    pinged(side)
    side.advance(5.1)  # now we read, and there is nothing
    assert is_dead(side)


def test_a_late_loop_is_not_the_peers_fault(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    side.advance(20)
    pinged(side)
    lab.call_later(4, busy_for, lab, 60)  # the pong may be there, and has not been read
    side.advance(64)
    assert not is_dead(side)
    side.advance(4.8)
    assert not is_dead(side)
    side.advance(0.3)
    assert is_dead(side)


def test_a_late_loop_does_not_tell_how_quick_the_peer_is(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    side.advance(20)
    payload = pinged(side)
    lab.call_later(4, busy_for, lab, 60)
    side.advance(64)
    side.feed_frame(PONG, payload)
    assert side.protocol.latency == 0
    side.lose()


def test_a_loop_that_is_always_late_finds_the_dead_all_the_same(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    side.advance(20)
    pinged(side)
    for _ in range(12):
        lab.call_later(0.5, busy_for, lab, 0.5)
        side.advance(1)
    assert is_dead(side)


def test_what_arrived_in_the_turn_in_which_time_was_up_counts(lab: Lab) -> None:
    """A loop may call timers before it reads, so the pong may be there and not be known yet."""
    side = open_side(lab, "server", **PINGING)
    side.advance(20)
    payload = pinged(side)
    lab.call_later(4, busy_for, lab, 0.95)  # too little to be taken for blocked
    side.advance(4.95)
    assert not is_dead(side)
    side.feed_frame(PONG, payload)
    side.advance(10)
    assert not is_dead(side)
    side.lose()


def send_without_being_read(side: Side[Any], octets: int) -> None:
    """The system takes nothing more of what we send."""
    side.transport.unsent = octets
    side.protocol.sendMessage(bytes(octets), True)
    side.seen = len(side.transport.writes)


@pytest.mark.parametrize("answered", [False, True])
def test_a_peer_that_takes_what_waits_is_alive(lab: Lab, answered: bool) -> None:
    """The ping waits behind a large message: there is no hurry while that gets on."""
    side = open_side(lab, "server", **PINGING)
    side.advance(19)
    send_without_being_read(side, 1_000_000)
    side.advance(1)
    payload = pinged(side)
    for _ in range(5):
        side.advance(4)
        side.transport.unsent -= 1000
        side.advance(1)
        assert not is_dead(side)
    if answered:
        side.feed_frame(PONG, payload)
        assert side.protocol.latency > 0  # it took so long
    side.advance(5.1)
    assert is_dead(side) is not answered
    side.lose()


def test_a_peer_that_takes_a_single_octet_is_alive(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    side.transport.unsent = 1
    side.advance(20)
    side.transport.unsent = 0
    side.advance(5.1)
    assert not is_dead(side)
    side.advance(5.1)
    assert is_dead(side)


def count_unsent(side: Side[Any]) -> None:
    """From now on the system takes nothing at all, but what is subtracted from ``unsent``."""
    transport = side.transport
    before = len(transport.writes)

    def size() -> int:
        return sum(map(len, transport.writes[before:])) + transport.unsent

    transport.get_write_buffer_size = size  # type: ignore[method-assign]


def test_what_still_waits_here_has_not_been_taken(lab: Lab) -> None:
    """Of what is sent in one turn all but the first waits for its end, and the ping behind it."""
    side = open_side(lab, "server", **PINGING)
    count_unsent(side)
    for _ in range(3):
        side.protocol.sendMessage(bytes(1000), True)
    side.protocol._sendAutoPing()
    side.advance(5.1)
    assert is_dead(side)


def test_what_is_sent_meanwhile_does_not_hide_that_the_peer_takes_octets(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    count_unsent(side)
    side.protocol.sendMessage(bytes(1000), True)
    side.advance(20)
    side.transport.unsent -= 10
    for _ in range(3):
        side.protocol.sendMessage(bytes(1000), True)
    side.protocol._timers.still_no_pong()  # in this very turn
    assert not side.transport.aborted
    side.advance(5.1)
    assert is_dead(side)


def test_what_the_system_has_room_for_proves_nothing(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    side.advance(20)
    for _ in range(5):
        side.advance(0.9)
        side.protocol.sendMessage(bytes(1000), True)
    side.advance(0.6)
    assert is_dead(side)


@pytest.mark.parametrize("takes", [False, True])
@pytest.mark.parametrize("held_up", ["answers", "drain", "our own work"])
def test_who_holds_us_up_is_to_blame(lab: Lab, held_up: str, takes: bool) -> None:
    """Reading is paused. Because of a peer that takes nothing of what we answer?"""
    side = open_side(lab, "server", **PINGING)
    side.advance(19)
    send_without_being_read(side, 10_000_000)
    side.protocol.pause_writing()
    if held_up == "answers":
        side.feed_frame(TEXT, b"x")
        assert not side.transport.reading
    else:
        side.protocol.pauseReceiving()
    drain = lab.create_task(side.protocol.drain() if held_up == "drain" else asyncio.sleep(0))
    side.advance(1)
    for _ in range(3):
        side.transport.unsent -= 1000 * takes
        side.advance(5.1)
    assert is_dead(side) == (held_up != "our own work" and not takes)
    side.lose()
    lab.get(drain)


def test_who_has_to_wait_for_others_is_not_blamed(lab: Lab) -> None:
    """Its octets wait while those of many others are worked off, which may take seconds."""
    side = open_side(lab, "server", **PINGING)
    side.advance(20)
    payload = pinged(side)
    side.protocol._wait_a_turn()
    side.advance(100)
    assert not is_dead(side)
    side.protocol._resume_reading()
    side.feed_frame(PONG, payload)
    side.advance(20)
    pinged(side)
    side.advance(5.1)
    assert is_dead(side)


def test_a_pause_in_the_meantime_excuses_it(lab: Lab) -> None:
    """The pong may be behind what was not read."""
    side = open_side(lab, "server", **PINGING, autoPingRestartOnAnyTraffic=False)
    side.advance(20)
    payload = pinged(side)
    side.protocol.pauseReceiving()
    side.advance(4)
    side.protocol.resumeReceiving()
    side.advance(4)
    assert not is_dead(side)
    side.feed_frame(PONG, payload)
    assert side.protocol._timers.round_trip == 0  # our own delay is no latency
    side.advance(20)
    pinged(side)
    side.advance(5.1)
    assert is_dead(side)


def test_what_waited_here_proves_nothing(lab: Lab) -> None:
    """Messages that arrived long before are worked off: that is no sign of life."""
    side = open_side(lab, "server", **PINGING)
    side.protocol.pauseReceiving()
    side.feed_frame(TEXT, b"x")
    side.advance(20)
    pinged(side)
    side.protocol.resumeReceiving()
    assert side.protocol.noted("message")
    side.advance(5)  # begins anew, since reading was paused
    assert not is_dead(side)
    side.advance(5.1)
    assert is_dead(side)


def test_a_pause_of_ours_is_no_latency(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    side.advance(20)
    payload = pinged(side)
    side.protocol.pauseReceiving()
    side.protocol.resumeReceiving()
    side.feed_frame(PONG, payload)
    assert side.protocol.autoPingPending is None
    assert side.protocol.latency == 0
    side.lose()


def test_the_round_trip(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING)
    side.advance(20)
    assert side.protocol._timers.round_trip == 0
    side.feed_frame(PONG, pinged(side))
    assert 0 < side.protocol._timers.round_trip < 10
    side.lose()


@pytest.mark.parametrize("size", [12, 125])
def test_the_size_of_pings(lab: Lab, size: int) -> None:
    side = open_side(lab, "server", **PINGING, autoPingSize=size)
    side.advance(20)
    assert len(pinged(side)) == size
    side.lose()


def test_no_ping_behind_a_close_frame(lab: Lab) -> None:
    side = open_side(lab, "server", **PINGING, closeHandshakeTimeout=0)
    side.protocol.sendClose(1000)
    side.advance(100)
    assert side.frames() == [Frame(CLOSE, close_payload(1000))]
    side.lose()


# --- the end of a connection -------------------------------------------------------------------

HANDLES = (
    "openHandshakeTimeoutCall",
    "closeHandshakeTimeoutCall",
    "serverConnectionDropTimeoutCall",
    "autoPingPendingCall",
    "autoPingTimeoutCall",
    "_lingerCall",
    "_rateLimitCall",
)


def assert_no_timer(lab: Lab) -> None:
    assert [handle for handle in lab._scheduled if not handle.cancelled()] == []  # type: ignore[attr-defined]


@ROLES
@pytest.mark.parametrize("closing", ["we", "peer", "lost", "dropped", "failed"])
def test_no_timer_is_left(lab: Lab, role: str, closing: str) -> None:
    side = open_side(lab, role, **PINGING)
    side.advance(20)
    if closing == "we":
        side.protocol.sendClose(1000)
        assert side.protocol.closeHandshakeTimeoutCall is not None
    elif closing == "peer":
        side.feed_frame(CLOSE)
    elif closing == "dropped":
        side.protocol.dropConnection()
    elif closing == "failed":
        side.feed_frame(3)
    side.lose()
    assert [name for name in HANDLES if getattr(side.protocol, name) is not None] == []
    assert_no_timer(lab)


@pytest.mark.parametrize("handle", HANDLES)
def test_whatever_timer_runs_is_stopped_at_the_end(lab: Lab, handle: str) -> None:
    side = open_side(lab, "server")
    side.protocol._timers.start(handle, 1, lambda: None)
    side.lose()
    assert getattr(side.protocol, handle) is None
    assert_no_timer(lab)


@pytest.mark.parametrize("timeout", [None, 2])
@pytest.mark.parametrize("limit", [{}, {"closeTimeout": 3}])
@ROLES
def test_the_reason_names_what_bounds_the_close(
    lab: Lab, role: str, limit: dict[str, Any], timeout: float | None
) -> None:
    options = {"closeHandshakeTimeout": 4, "serverConnectionDropTimeout": 5, **limit}
    if role == "server":
        del options["serverConnectionDropTimeout"]
    side = open_side(lab, role, **options)
    side.protocol._begin_close(1000, timeout=timeout)
    if role == "client":
        side.feed_frame(CLOSE)
        own = "server_connection_drop_timeout=5 s"
    else:
        own = "close_handshake_timeout=4 s"
    side.advance(6)
    bound = "timeout=2 s" if timeout else "close_timeout=3 s" if limit else own
    assert f"within {bound}" in str(side.closed()[2])


def test_one_deadline_for_the_whole_close(lab: Lab) -> None:
    side = open_side(lab, "client", closeTimeout=3, closeHandshakeTimeout=100)
    side.protocol.sendClose(1000)
    side.advance(2)
    side.feed_frame(CLOSE, close_payload(1000))
    side.advance(0.9)
    assert not side.transport.aborted
    side.advance(0.2)
    assert side.transport.aborted


def test_a_shorter_deadline_may_be_set_while_it_closes(lab: Lab) -> None:
    side = open_side(lab, "server", closeTimeout=100)
    side.protocol.sendClose(1000)
    side.protocol._timers.hurry(1)
    side.advance(0.9)
    assert not side.transport.aborted
    side.advance(0.2)
    assert side.transport.aborted


def test_a_longer_deadline_is_none(lab: Lab) -> None:
    side = open_side(lab, "server", closeTimeout=100)
    side.protocol.sendClose(1000)
    side.protocol._timers.hurry(200)
    side.advance(100.1)
    assert side.transport.aborted
    assert "close_timeout=100 s" in str(side.closed()[2])


@ROLES
def test_no_time_at_all_is_not_for_ever(lab: Lab, role: str) -> None:
    side = open_side(lab, role, closeTimeout=0)
    side.protocol.eof_received()
    side.advance(0.01)
    assert side.transport.aborted


def test_of_a_shorter_deadline_nothing_is_left(lab: Lab) -> None:
    side = open_side(lab, "server", closeTimeout=100)
    side.protocol.sendClose(1000)
    side.protocol._timers.hurry(50)
    side.lose()
    assert_no_timer(lab)


def test_a_shorter_deadline_while_the_server_does_not_drop(lab: Lab) -> None:
    side = open_side(lab, "client", serverConnectionDropTimeout=100)
    side.protocol.sendClose(1000)
    side.feed_frame(CLOSE, close_payload(1000))
    side.protocol._timers.hurry(1)
    side.advance(1.1)
    assert side.transport.aborted
    assert side.protocol.wasServerConnectionDropTimeout


def test_a_shorter_deadline_while_tcp_does_not_end(lab: Lab) -> None:
    side = open_side(lab, "server", closeTimeout=100)
    side.transport.close = lambda: None  # type: ignore[method-assign]
    side.advance(10)
    side.protocol.dropConnection()
    side.protocol._timers.hurry(1)
    side.advance(0.9)
    assert not side.transport.aborted
    side.advance(0.2)
    assert side.transport.aborted


def test_a_shorter_deadline_for_a_close_to_come(lab: Lab) -> None:
    side = open_side(lab, "server", closeTimeout=100)
    side.protocol._timers.hurry(1)
    side.advance(2)
    assert not side.transport.aborted
    side.protocol.sendClose(1000)
    side.advance(0.1)
    assert side.transport.aborted


def test_no_pong_is_missed_any_more_once_it_was_dropped(lab: Lab) -> None:
    class Missing(Server):
        def onAutoPingTimeout(self) -> None:
            self.note("missed")

    side = open_server(lab, Missing, **PINGING, closeTimeout=100)
    side.transport.close = lambda: None  # type: ignore[method-assign]
    side.advance(20)
    pinged(side)
    side.protocol.dropConnection()
    side.advance(6)
    assert not side.transport.aborted
    side.lose()
    assert side.protocol.noted("missed") == []


def test_closing_in_no_time_lets_the_close_frame_leave(lab: Lab) -> None:
    side = open_side(lab, "server", closeTimeout=0)
    side.protocol.sendClose(1000)
    assert not side.transport.aborted
    side.advance(0.01)
    assert side.transport.aborted
    assert side.frames() == [Frame(CLOSE, close_payload(1000))]


def test_tcp_that_does_not_end_is_aborted(lab: Lab) -> None:
    side = open_side(lab, "server")
    side.transport.close = lambda: None  # type: ignore[method-assign]
    side.feed_frame(CLOSE, close_payload(1000))
    side.advance(60)
    assert side.transport.aborted
    assert side.closed()[0]


def test_half_a_connection_ends_although_nobody_reads(lab: Lab) -> None:
    side = open_server(lab, Server, closeTimeout=3)
    assert not side.protocol.eof_received()
    side.advance(2.9)
    assert not side.transport.aborted
    side.advance(0.2)
    assert side.transport.aborted
    assert side.closed()[1] == 1006


@pytest.mark.parametrize("attribute", [*HANDLES, "_rateLimitCall"])
def test_each_timer_ends_with_the_connection(lab: Lab, attribute: str) -> None:
    side = open_server(lab, Server)
    side.protocol._timers.start(attribute, 5, lambda: None)
    side.lose()
    assert_no_timer(lab)
