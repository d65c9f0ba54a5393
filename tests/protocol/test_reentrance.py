"""Whatever is called inside of whichever hook, in whatever state: a defined outcome, and no crash.

The parser runs while hooks do. So each action is done in each hook, on an open connection, one that
is closing, and one that has been dropped; by either door of the loop, on either side. Afterwards
the connection must have ended once, have said nothing illegal, and have left nothing behind.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import pytest

from wsproto_async.constants import State
from wsproto_async.errors import StateError

from ..contract.support import (
    BASES,
    BINARY,
    CLOSE,
    MASK,
    PING,
    PONG,
    ROLES,
    TEXT,
    Lab,
    Side,
    client_factory,
    close_payload,
    connect,
    frame,
    frames,
    request,
    response,
    server_factory,
)
from ..helpers import Boom

Action = Callable[[Any], object]

NESTED = b"nested"


def bring(protocol: Any) -> None:
    """Octets arrive while others are being parsed."""
    protocol.data_received(protocol.side().frame(BINARY, NESTED))


def bring_by_the_buffer(protocol: Any) -> None:
    protocol.side().put(protocol.side().frame(BINARY, NESTED))


def send_in_pieces(protocol: Any) -> None:
    protocol.beginMessage(True)
    protocol.beginMessageFrame(4)
    protocol.sendMessageFrameData(b"ab")
    protocol.sendPing(b"held")
    protocol.sendMessageFrameData(b"cd")
    protocol.endMessage()


def pause_and_resume(protocol: Any) -> None:
    protocol.pauseReceiving()
    protocol.resumeReceiving()


def pause(protocol: Any) -> None:
    protocol.pauseReceiving()
    protocol._loop.call_soon(protocol.resumeReceiving)


def pause_writing(protocol: Any) -> None:
    protocol.pause_writing()
    protocol.sendMessage(b"waits")
    protocol.resume_writing()


def listen(protocol: Any) -> None:
    """Changes who hears of messages."""
    protocol.on("message", lambda payload, is_binary: None)


def open_stream(protocol: Any) -> None:
    protocol.messages()


def change_options(protocol: Any) -> None:
    protocol.logFrames = True
    protocol.maxMessagePayloadSize = 60_000
    protocol.logFrames = False


def lose(protocol: Any) -> None:
    """The loop says that the transport is gone."""
    protocol.side().transport._lose(ConnectionResetError())


def forget(protocol: Any) -> None:
    """Nobody but the caller of the hook knows the protocol any more."""
    side = protocol.side()
    side.transport._lose(None)
    side.protocol = side.transport = None
    del side, protocol
    gc.collect()


def collect(protocol: Any) -> None:
    gc.collect()


def fail(protocol: Any) -> None:
    raise Boom("in a hook")


ACTIONS: dict[str, Action] = {
    "send": lambda protocol: protocol.sendMessage(b"answer"),
    "send a lot": lambda protocol: protocol.sendMessage(bytes(100_000), True),
    "send in pieces": send_in_pieces,
    "ping": lambda protocol: protocol.sendPing(b"us"),
    "pong": lambda protocol: protocol.sendPong(b"us"),
    "close": lambda protocol: protocol.sendClose(3000, "enough"),
    "drop": lambda protocol: protocol.dropConnection(),
    "abort": lambda protocol: protocol.dropConnection(abort=True),
    "violation": lambda protocol: protocol._protocol_violation("says the application"),
    "pause": pause,
    "pause and resume": pause_and_resume,
    "pause writing": pause_writing,
    "bring": bring,
    "bring by the buffer": bring_by_the_buffer,
    "listen": listen,
    "open stream": open_stream,
    "change options": change_options,
    "lose": lose,
    "forget": forget,
    "collect": collect,
    "raise": fail,
}
HARMLESS = {
    *("send", "send a lot", "send in pieces", "ping", "pong", "pause", "pause and resume"),
    *("pause writing", "bring", "bring by the buffer", "listen", "open stream"),
    *("change options", "collect"),
}
"""What must not keep anything else from happening, on an open connection."""

HOOKS = (
    *("onConnect", "onOpen", "onMessage", "onMessageBegin", "onMessageFrameBegin"),
    *("onMessageFrameData", "onMessageEnd", "onPing", "onPong", "onCloseFrame", "onClose"),
    *("onError", "onPauseWriting", "onResumeWriting"),
)

STATES: dict[str, Action] = {
    "open": lambda protocol: None,
    "closing": lambda protocol: protocol.sendClose(1000),
    "closed": lambda protocol: protocol.dropConnection(),
}

MESSAGES = [b"one", b"two and a half", bytes(50_000), b"boom", b"last"]


def meddling(base: Any, hook: str, state: Action, action: Action) -> Any:
    """A class that does something in one of its hooks, the first time that it is called."""

    class Meddling(base):  # type: ignore[misc]
        done = False
        side: Callable[[], Any]

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            super().onMessage(payload, isBinary)
            if payload == b"boom":
                raise Boom("a message")

        def onError(self, error: BaseException, hook: str) -> None:
            self.note("error", type(error))

    def meddler(self: Any, *args: Any) -> Any:
        if not self.done:
            self.done = True
            self.note("called", hook)
            try:
                state(self)
                action(self)
            except StateError:
                self.note("refused")
        return getattr(super(cls, self), hook)(*args)

    cls = type(hook, (Meddling,), {hook: meddler})
    return cls


@lru_cache
def conversation(role: str) -> list[bytes]:
    """What the peer of such a side says, read by read."""

    def say(opcode: int, payload: bytes = b"", fin: bool = True) -> bytes:
        return frame(opcode, payload, fin=fin, mask=MASK if role == "server" else None)

    return [
        say(TEXT, b"one") + say(PING, b"p") + say(PONG, b"p"),
        say(BINARY, b"two", fin=False) + say(PING),
        say(0, b" and a half"),
        say(BINARY, MESSAGES[2]),
        say(TEXT, b"boom") + say(TEXT, b"last") + say(CLOSE, close_payload()),
    ]


def live(lab: Lab, role: str, cls: Any, buffered: bool) -> tuple[Side[Any], list[Any], list[bytes]]:
    """The life of a connection; its side, notes, and what it wrote."""
    factory = (server_factory if role == "server" else client_factory)(
        lab, cls, onHookError="keep", autoPingInterval=20, autoPingTimeout=5
    )
    side: Side[Any] = connect(lab, factory)
    protocol, transport = side.protocol, side.transport
    protocol.side = weakref.ref(side)
    notes, writes = protocol.notes, transport.writes
    hello = request() if role == "server" else response(protocol.websocket_key)
    pieces = [hello, *conversation(role)]
    del protocol, transport
    for i, octets in enumerate(pieces):
        if side.transport is None or side.transport.is_closing():
            break
        if buffered:
            side.put(octets)
        else:
            side.protocol.data_received(octets)
        lab.turn()
        if i == 3 and side.protocol is not None:
            side.protocol.pause_writing()
            if side.protocol is not None:
                side.protocol.resume_writing()
    if side.transport is not None:
        side.lose()
    lab.turn()
    return side, notes, writes


@pytest.fixture(scope="module", autouse=True)
def only_what_is_made_here() -> Iterator[None]:
    """Nothing is freed by the collector, unless a hook calls it, and then it is quick."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.fixture(autouse=True)
def no_log() -> Iterator[None]:
    """What is logged would be kept by pytest, and with it the frames of its traceback."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("hook", HOOKS)
def test_matrix(lab: Lab, hook: str, action: str) -> None:
    for state in STATES:
        for role in ROLES:
            for buffered in (False, True) if state == "open" else (role == "client",):
                cls = meddling(BASES[role], hook, STATES[state], ACTIONS[action])
                check(lab, role, cls, buffered, state == "open" and action in HARMLESS)


def check(lab: Lab, role: str, cls: Any, buffered: bool, harmless: bool) -> None:
    side, notes, writes = live(lab, role, cls, buffered)
    gone = weakref.ref(side.protocol) if side.protocol is not None else None

    errors = [event[1] for event in notes if event[0] == "error"]
    assert set(errors) <= {Boom}
    assert ("called", cls.__name__) in notes
    closes = [event[0] for event in notes].count("close")
    assert closes == 1 or (cls.__name__ == "onClose" and Boom in errors)
    assert side.protocol is None or side.protocol.state == State.CLOSED

    payloads = [event[1] for event in notes if event[0] == "message" and event[1] != NESTED]
    if harmless:
        assert payloads == MESSAGES
    else:
        # In order, each once, and of one that a streaming hook refused a piece of, the rest.
        rest = iter(MESSAGES)
        assert all(payload in rest for payload in payloads if payload in MESSAGES)

    octets = b"".join(writes)
    said = (
        frames(octets.partition(b"\r\n\r\n")[2]) if b" 101 " in octets or role == "client" else []
    )
    assert [each.opcode for each in said[:-1]].count(CLOSE) == 0

    del side
    lab.turn()
    assert gone is None or gone() is None
    assert asyncio.all_tasks(lab) == set()
    assert [each for each in lab._scheduled if not each.cancelled()] == []  # type: ignore[attr-defined]
