"""What a protocol does that no transport has been given to yet: nothing, or it says so."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from wsproto_async import Disconnected, WebSocketProtocol
from wsproto_async.errors import StateError
from wsproto_async.protocol.attributes import Of
from wsproto_async.stats import TrafficStats

from ..contract.support import (
    Lab,
    MemoryTransport,
    Server,
    client_factory,
    request,
    server_factory,
)

ROLES = {"server": server_factory, "client": client_factory}

QUIET: dict[str, tuple[tuple[Any, ...], object]] = {
    "dropConnection": ((True,), None),
    "consumeData": ((), None),
    "processData": ((), False),
    "eof_received": ((), None),
    "onCloseFrame": ((1000, b""), None),
    "onOpenHandshakeTimeout": ((), None),
    "onCloseHandshakeTimeout": ((), None),
    "onServerConnectionDropTimeout": ((), None),
    "onAutoPingTimeout": ((), None),
    "onPing": ((b"",), None),
    "pauseReceiving": ((), None),
    "resumeReceiving": ((), None),
    "beginMessage": ((), None),
    "beginMessageFrame": ((1,), None),
    "sendMessageFrameData": ((b"1",), None),
    "sendMessageFrame": ((b"1",), None),
    "endMessage": ((), None),
    "sendData": ((b"1",), None),
    "_sendAutoPing": ((), None),
    "_cancelAutoPingTimeoutCall": ((), None),
    "_fail_connection": ((), None),
    "_closeConnection": ((), None),
    "_begin_close": ((1000,), None),
}
"""Methods that do nothing: their arguments, and what they return."""

LOUD: dict[str, tuple[tuple[Any, ...], type[Exception]]] = {
    "sendMessage": ((b"1",), Disconnected),
    "sendPreparedMessage": ((None,), Disconnected),
    "sendFrame": ((1, b"1"), Disconnected),
    "sendCloseFrame": ((), StateError),
    "sendClose": ((), StateError),
    "data_received": ((b"1",), Disconnected),
    "_dataReceived": ((b"1",), StateError),
    "messages": ((), StateError),
}
"""Methods that raise."""


@pytest.fixture(params=ROLES)
def protocol(request: pytest.FixtureRequest, lab: Lab) -> Any:
    return ROLES[request.param](lab)()


@pytest.mark.parametrize("name", QUIET)
def test_it_does_nothing(protocol: Any, lab: Lab, name: str) -> None:
    arguments, result = QUIET[name]
    assert getattr(protocol, name)(*arguments) is result
    connected(protocol, lab)


@pytest.mark.parametrize("name", LOUD)
def test_it_says_so(protocol: Any, lab: Lab, name: str) -> None:
    arguments, error = LOUD[name]
    with pytest.raises(error):
        getattr(protocol, name)(*arguments)
    connected(protocol, lab)


def connected(protocol: Any, lab: Lab) -> None:
    """It can still be, and nothing is left of what was tried."""
    transport = MemoryTransport(lab)
    transport.protocol = protocol
    protocol.connection_made(transport)
    if protocol.is_server:
        protocol.data_received(request())
    lab.turn()
    [head] = transport.writes
    assert head.startswith(b"HTTP/1.1 101 " if protocol.is_server else b"GET / HTTP/1.1\r\n")
    assert transport.reading
    protocol.dropConnection(abort=True)
    lab.turn()
    assert len(protocol.noted("close")) == 1


def test_octets_cannot_be_put_in_by_hand(protocol: Any) -> None:
    assert protocol.data == b""
    with pytest.raises(StateError, match="data can be assigned when there is a connection"):
        protocol.data = b"1"


def test_it_knows_what_little_there_is_to_know(protocol: Any) -> None:
    assert protocol.bufferedAmount == 0
    assert protocol.close_info is None
    assert protocol.latency == 0.0
    assert asdict(protocol.trafficStats) == asdict(TrafficStats())


def test_the_class_has_the_attributes_of_the_core_as_well() -> None:
    assert isinstance(WebSocketProtocol.closedByMe, Of)


def test_drain_returns_at_once(protocol: Any, lab: Lab) -> None:
    lab.get(protocol.drain())


def test_an_unknown_option_is_known_later(protocol: Any) -> None:
    with pytest.raises(AttributeError, match="is known when the connection is made"):
        _ = protocol.maxFramePayloadSize


def test_its_futures_can_be_asked_for(protocol: Any, lab: Lab) -> None:
    is_open, is_closed = protocol.is_open, protocol.is_closed
    assert not is_open.done()
    assert not is_closed.done()
    connected(protocol, lab)
    assert is_closed.result() is protocol
    assert is_open.done() is protocol.is_server  # the client has had no answer
    assert protocol.is_open is is_open


def test_without_a_loop_they_cannot(lab: Lab) -> None:
    protocol = server_factory(lab)()
    del protocol.factory
    with pytest.raises(StateError, match="no loop is running"):
        print(protocol.is_open)


def test_without_a_factory_it_says_what_to_pass(lab: Lab) -> None:
    class Mine(Server):
        pass

    with pytest.raises(StateError, match="Mine has no factory: pass one whose protocol is Mine"):
        Mine().connection_made(MemoryTransport(lab))
