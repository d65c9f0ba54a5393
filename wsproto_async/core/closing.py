"""The end of a connection, as a table (RFC 6455, section 7).

Two sides may begin to close at any time, each may fail the other, either may fall silent, and TCP
may go away in the middle of all that. The table says what happens: it maps a state and what
happened to the next state and the effects, which :class:`~.connection.Connection` carries out.
It does not know which side we are; effects that differ by side say so.

What is not in the table cannot happen or does nothing. Where a peer's frame is a violation is
decided elsewhere: here that is ``FAIL``.

docs/architecture.md shows the diagram that ``python -m tests.core.draw_closing`` draws from it.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum, auto
from typing import Final

from ..constants import State

__all__ = ["TABLE", "Effect", "Event"]


class Event(IntEnum):
    """What can happen to a connection."""

    CLOSE = auto()
    """We close it."""
    CLOSE_RECEIVED = auto()
    """The peer's close frame arrived and is in order."""
    FAIL = auto()
    """We fail it once it has been open, and are to say so in a close frame."""
    FAIL_BY_DROP = auto()
    """We fail it, and are to drop it without a word."""
    TIMEOUT = auto()
    """The peer did not do in time what was expected of it."""
    DROP = auto()
    """Somebody drops TCP on purpose."""
    GONE = auto()
    """TCP is gone."""


class Effect(StrEnum):
    """What to do about it; each is a method of the connection."""

    SEND_CLOSE = "write_close"
    """Write a close frame."""
    SEND_REPLY = "write_reply"
    """Write a close frame that answers the peer's."""
    EXPECT_REPLY = "expect_reply"
    """Give the peer time for its close frame."""
    RELAX_REPLY = "relax_reply"
    """It came: stop the clock."""
    FINISH = "finish"
    """Both close frames are through: a server closes TCP, a client gives the server time to."""
    CLEAN = "clean"
    """The closing handshake is complete."""
    UNCLEAN = "unclean"
    """It never will be."""
    SKIP_DATA = "skip_data"
    """Messages no longer count; control frames do."""
    STOP = "stop_receiving"
    """Nothing that arrives counts any more."""
    CLOSE_TCP = "close_tcp"
    """Close TCP behind what has been written."""
    ABORT_TCP = "abort_tcp"
    """Drop TCP and what has not been written."""
    TELL = "tell"
    """Tell the application, once."""


_LIVE = (State.CONNECTING, State.PROXY_CONNECTING, State.OPEN, State.CLOSING)

TABLE: Final[dict[tuple[State, Event], tuple[State, tuple[Effect, ...]]]] = {
    (State.OPEN, Event.CLOSE): (
        State.CLOSING,
        (Effect.SEND_CLOSE, Effect.EXPECT_REPLY),
    ),
    (State.OPEN, Event.CLOSE_RECEIVED): (
        State.CLOSING,
        (Effect.CLEAN, Effect.STOP, Effect.SEND_REPLY, Effect.FINISH),
    ),
    (State.CLOSING, Event.CLOSE_RECEIVED): (
        State.CLOSING,
        (Effect.CLEAN, Effect.STOP, Effect.RELAX_REPLY, Effect.FINISH),
    ),
    (State.OPEN, Event.FAIL): (
        State.CLOSING,
        (Effect.UNCLEAN, Effect.SKIP_DATA, Effect.SEND_CLOSE, Effect.EXPECT_REPLY),
    ),
    (State.CLOSING, Event.FAIL): (
        State.CLOSED,
        (Effect.UNCLEAN, Effect.STOP, Effect.CLOSE_TCP),
    ),
    **{
        (state, event): (State.CLOSED, (Effect.UNCLEAN, Effect.STOP, Effect.ABORT_TCP))
        for state in _LIVE
        for event in (Event.FAIL_BY_DROP, Event.TIMEOUT)
    },
    **{(state, Event.DROP): (State.CLOSED, (Effect.STOP,)) for state in _LIVE},
    **{
        (state, Event.GONE): (State.CLOSED, (Effect.STOP, Effect.TELL))
        for state in (*_LIVE, State.CLOSED)
    },
}
