"""What arrives: worked off at once, or kept; and what leaves with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wsproto_async.core.connection import Connection
from wsproto_async.errors import ProtocolError

from ..contract.support import BINARY, CLOSE, CONTINUATION, MASK, PING, TEXT, frame
from ..helpers import Boom, Recorder

LARGE = 50_000


@pytest.fixture(params=[True, False], ids=["server", "client"])
def side(request: pytest.FixtureRequest) -> Recorder:
    """Either side of an open connection."""
    return Recorder(request.param)


def texts(side: Recorder, *payloads: bytes) -> bytes:
    """Octets of messages as the peer sends them."""
    return b"".join(side.frame(TEXT, payload) for payload in payloads)


def at_first(side: Recorder, action: Callable[[], Any]) -> None:
    """Have something done inside of the first hook that is called."""

    def meddle(name: str) -> None:
        side.meddle = lambda name: None
        action()

    side.meddle = meddle


def at_first_batch(side: Recorder, action: Callable[[], Any]) -> None:
    """Have something done the first time that a read has been worked off."""

    def take() -> None:
        side.connection.on_batch = None
        action()

    side.connection.on_batch = take


def count_batches(side: Recorder) -> list[str]:
    """The list grows with each read that has been worked off."""
    batches: list[str] = []
    side.connection.on_batch = lambda: batches.append("batch")
    return batches


def land(side: Recorder, octets: bytes, before: Callable[[], object] = lambda: None) -> None:
    """A large frame arrives, most of it on the landing strip; something happens before it does."""
    side.receive(octets[:1000])
    side.land(octets[1000:], before)


def test_a_new_connection() -> None:
    connection = Connection(True, Recorder())
    assert (connection.heard, connection.held_back) == (False, False)
    counters = (
        connection.octets_received,
        connection.preopen_received,
        connection.preopen_sent,
    )
    assert counters == (0, 0, 0)


# --- who watches over silence -----------------------------------------------------------------


@pytest.mark.parametrize("paused", [False, True])
def test_every_read_is_heard(side: Recorder, paused: bool) -> None:
    if paused:
        side.connection.pause()
    side.receive(b"\x81")
    assert side.connection.heard


def test_what_lands_is_heard(side: Recorder) -> None:
    def forget() -> None:
        side.connection.heard = False

    land(side, side.frame(BINARY, bytes(LARGE)), forget)
    assert side.connection.heard


def test_that_reading_was_paused_is_remembered(side: Recorder) -> None:
    side.connection.pause()
    side.connection.unpause()
    assert side.connection.held_back


# --- what leaves with a read ------------------------------------------------------------------


def test_answers_leave_at_the_end_of_the_read_in_one_write(side: Recorder) -> None:
    side.receive(side.frame(PING, b"1") + side.frame(PING, b"2"))
    assert (side.writes, side.wakes) == (1, 0)


def test_answers_to_what_lands_leave_at_the_end_of_the_read(side: Recorder) -> None:
    side.meddle = lambda name: side.connection.send_message(b"answer", True)
    land(side, side.frame(BINARY, bytes(LARGE)))
    assert (side.writes, side.wakes) == (1, 0)


def test_answers_to_what_waited_leave_with_the_turn(side: Recorder) -> None:
    """It may be worked off bit by bit, and each bit is not to be a write of its own."""
    side.connection.pause()
    side.receive(side.frame(PING, b"1") + side.frame(PING, b"2"))
    side.connection.unpause()
    assert (side.writes, side.wakes) == (0, 1)
    assert len(side.sent()) == 2


def test_where_nothing_is_answered_nobody_is_woken(side: Recorder) -> None:
    side.connection.pause()
    side.receive(texts(side, b"1"))
    side.connection.unpause()
    assert side.messages() == [b"1"]
    assert (side.writes, side.wakes) == (0, 0)


def test_messages_are_taken_before_the_close_frame_behind_them_counts(side: Recorder) -> None:
    states: list[tuple[int, bool]] = []
    connection = side.connection
    connection.on_batch = lambda: states.append((connection.reader.messages, connection.was_clean))
    side.receive(texts(side, b"last") + side.frame(CLOSE))
    assert states == [(1, False), (1, True)]


# --- pauses -----------------------------------------------------------------------------------


def test_pausing_twice_is_pausing_once(side: Recorder) -> None:
    side.connection.pause()
    side.connection.pause()
    side.connection.unpause()
    assert side.take() == [("pause",), ("resume",)]


def test_reading_does_not_go_on_where_a_hook_pauses_again(side: Recorder) -> None:
    side.meddle = lambda name: side.connection.pause()
    side.receive(texts(side, b"1", b"2"))
    side.connection.unpause()
    assert [call[0] for call in side.take()] == ["message", "pause", "message", "pause"]


def test_nobody_is_asked_to_read_on_for_a_connection_that_was_let_go(side: Recorder) -> None:
    def end() -> None:
        side.connection.lost()
        side.connection.release()

    side.connection.pause()
    side.receive(texts(side, b"1"))
    at_first(side, end)
    side.connection.unpause()
    assert [call[0] for call in side.take()] == ["pause", "message", "closed"]


def test_what_arrives_in_a_pause_is_kept_and_nothing_else(side: Recorder) -> None:
    batches = count_batches(side)
    side.connection.pause()
    side.receive(texts(side, b"1"))
    side.connection.resume()
    assert batches == []
    side.connection.unpause()
    assert batches == ["batch"]
    side.connection.pause()
    side.connection.unpause()  # nothing has waited
    assert batches == ["batch"]
    assert side.messages() == [b"1"]


def test_what_waits_is_not_copied_at_every_pause(side: Recorder) -> None:
    """Or it would cost the square of it."""
    side.connection.pause()
    side.receive(texts(side, b"1", b"2", b"3", b"4"))
    side.meddle = lambda name: side.connection.pause()
    side.connection.unpause()
    whole = side.connection.backlog
    assert whole is not None
    for _ in range(2):
        side.connection.unpause()
        assert side.connection.backlog is whole
    side.connection.unpause()
    assert side.connection.backlog is None
    assert side.messages() == [b"1", b"2", b"3", b"4"]


def test_what_arrives_behind_a_backlog_comes_behind_it(side: Recorder) -> None:
    side.connection.pause()
    side.receive(texts(side, b"1", b"2", b"3"))
    side.meddle = lambda name: side.connection.pause()
    side.connection.unpause()
    side.receive(texts(side, b"4"))
    while side.connection.paused:
        side.connection.unpause()
    assert side.messages() == [b"1", b"2", b"3", b"4"]


def test_what_arrives_behind_a_hook_that_raised_comes_behind_what_waits(side: Recorder) -> None:
    def go_on() -> None:
        side.connection.unpause()
        raise Boom

    side.connection.pause()
    side.receive(texts(side, b"1", b"2"))
    at_first(side, side.connection.pause)
    at_first_batch(side, go_on)
    with pytest.raises(Boom):
        side.connection.unpause()
    side.receive(texts(side, b"3"))
    assert side.messages() == [b"1", b"2", b"3"]


def test_as_many_pauses_as_there_are_messages(side: Recorder) -> None:
    side.meddle = lambda name: side.connection.pause()
    side.connection.on_batch = side.connection.unpause
    side.receive(texts(side, b"x") * 2000)
    assert len(side.messages()) == 2000


def test_the_beginning_of_a_frame_is_all_that_is_kept(side: Recorder) -> None:
    octets = texts(side, b"1", b"2")
    side.connection.pause()
    side.receive(octets[:-2])
    side.connection.unpause()
    assert side.connection.backlog is None
    assert side.connection.pending == octets[len(octets) // 2 : -2]


def test_nothing_that_waits_is_kept_behind_the_end(side: Recorder) -> None:
    side.connection.pause()
    side.receive(texts(side, b"1", b"2"))
    at_first(side, side.connection.dropped)
    side.connection.unpause()
    assert side.messages() == [b"1"]
    assert side.connection.waiting() == b""


# --- inside of hooks --------------------------------------------------------------------------


def test_going_on_inside_of_a_hook_is_going_on_behind_it(side: Recorder) -> None:
    def bring() -> None:
        side.receive(texts(side, b"3"))
        side.connection.resume()

    at_first(side, bring)
    side.receive(texts(side, b"1", b"2"))
    assert side.messages() == [b"1", b"2", b"3"]


def test_the_rest_of_a_frame_that_comes_inside_of_a_hook(side: Recorder) -> None:
    octets = texts(side, b"2")
    at_first(side, lambda: side.receive(octets[3:]))
    side.receive(texts(side, b"1") + octets[:3])
    assert side.messages() == [b"1", b"2"]


@pytest.mark.parametrize("paused", [False, True])
def test_of_a_buffer_only_what_is_said_to_have_arrived(side: Recorder, paused: bool) -> None:
    """Kept of it, too: the beginning of a frame, or all of it where reading is paused."""
    octets = texts(side, b"1", b"2")
    if paused:
        side.connection.pause()
    side.connection.receive(b"---" + octets[:-2] + b"---", 3, len(octets) + 1)
    side.connection.receive(b"---" + octets[-2:] + b"---", 3, 5)
    side.connection.unpause()
    assert side.messages() == [b"1", b"2"]


# --- turns ------------------------------------------------------------------------------------


def test_nobody_gives_way_with_credit_to_go(side: Recorder) -> None:
    side.reader.credit = 3  # the attempt at the second one is a step, too
    side.receive(texts(side, b"1") + b"\x81")
    assert side.take("give way") == []


def test_nobody_gives_way_who_was_let_go(side: Recorder) -> None:
    def end() -> None:
        side.connection.lost()
        side.connection.release()

    side.reader.credit = 1
    at_first(side, end)
    side.receive(texts(side, b"1", b"2"))
    assert [call[0] for call in side.take()] == ["message", "closed"]


def test_the_end_of_a_frame_gets_its_turn() -> None:
    """Where the credit is used up and only that is missing, no more octets need come for it."""

    class Halting(Recorder):
        def frame_data(self, payload: bytes) -> None:
            super().frame_data(payload)
            self.connection.pause()

    side = Halting(streaming=True)
    side.reader.credit = 2
    at_first_batch(side, side.connection.unpause)
    side.receive(side.frame(TEXT, b"x"))
    assert side.connection.paused
    side.reader.credit = 1
    side.connection.unpause()
    assert side.take("end") == [("end", True)]


# --- landing ----------------------------------------------------------------------------------


def test_what_lands_behind_the_end_does_not_count(side: Recorder) -> None:
    land(side, side.frame(TEXT, bytes(LARGE) + b"\xff"), side.connection.dropped)
    assert side.take("violation") == []


def test_the_answer_to_a_violation_that_landed_leaves_at_once(side: Recorder) -> None:
    side.connection.fail_by_drop = False
    octets = side.frame(TEXT, b"a" * 1000 + b"\xff" * LARGE)
    side.receive(octets[:500])
    strip = side.reader.landing_strip()
    assert strip is not None
    strip[:1000] = octets[500:1500]
    side.connection.landed(1000)
    assert (side.writes, side.wakes) == (1, 0)


def test_what_comes_while_that_which_landed_is_judged_comes_behind() -> None:
    class Late(Recorder):
        late = b""

        def on_violation(self, error: ProtocolError) -> None:
            late, self.late = self.late, b""
            self.receive(late)
            super().on_violation(error)

    side = Late()
    side.connection.fail_by_drop = False
    octets = side.frame(TEXT, b"\xff" * LARGE)
    side.receive(octets[:8])
    strip = side.reader.landing_strip()
    assert strip is not None
    strip[:1] = octets[8:9]
    side.late = octets[9:] + side.frame(PING, b"behind")
    side.connection.landed(1)
    assert [call[0] for call in side.take()] == ["violation", "expect", "ping"]


# --- step by step -----------------------------------------------------------------------------


def test_no_step_in_a_pause(side: Recorder) -> None:
    side.connection.pause()
    side.receive(texts(side, b"1"))
    assert not side.connection.step()
    assert side.messages() == []
    side.connection.unpause()
    assert side.messages() == [b"1"]


def test_a_step_to_the_end_keeps_nothing(side: Recorder) -> None:
    side.connection.pending = texts(side, b"1", b"2")
    at_first(side, side.connection.dropped)
    side.connection.step()
    assert side.messages() == [b"1"]
    assert side.connection.pending is None


def test_what_comes_in_the_middle_of_a_step_comes_behind(side: Recorder) -> None:
    side.connection.pending = texts(side, b"1", b"2")
    at_first(side, lambda: side.receive(texts(side, b"3")))
    side.connection.begin_work()
    while side.connection.step():
        pass
    side.connection.end_work()
    assert side.messages() == [b"1", b"2", b"3"]


def test_steps() -> None:
    side = Recorder(streaming=True)
    octets = side.frame(TEXT, b"ab") + side.frame(CONTINUATION, b"")[:1]
    side.connection.pending = octets
    log = []
    while side.connection.step():
        log.append([call[0] for call in side.take()])
    assert log == [["begin"], ["data", "end"]]
    assert side.connection.pending == octets[-1:]


def test_steps_end_an_empty_frame() -> None:
    side = Recorder(streaming=True)
    side.connection.pending = side.frame(TEXT, b"")
    assert side.connection.step()
    assert side.connection.pending is None
    assert side.connection.step()
    assert not side.connection.step()
    assert [call[0] for call in side.take()] == ["begin", "data", "end"]


def test_a_step_that_is_a_violation() -> None:
    side = Recorder()
    side.connection.fail_by_drop = False
    side.connection.pending = frame(3, b"ab", mask=MASK) + side.frame(PING)
    while side.connection.step():
        pass
    assert [call[0] for call in side.take()] == ["violation", "expect", "ping"]


def test_a_step_inside_of_a_hook_does_not_lead_astray(side: Recorder) -> None:
    def meddle(name: str) -> None:
        side.meddle = lambda name: None
        side.receive(side.frame(TEXT, b"inner"))
        while side.connection.step():
            pass

    side.meddle = meddle
    side.receive(side.frame(TEXT, b"one") + side.frame(TEXT, b"two"))
    assert side.messages() == [b"one", b"inner", b"two"]
