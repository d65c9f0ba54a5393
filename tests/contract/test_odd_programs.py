"""Programs that use protocols in ways of their own: threads, mocks, private methods."""

from __future__ import annotations

import asyncio
import threading
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest

from tests.parity.table import covers
from wsproto_async import (
    Disconnected,
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)

from .support import (
    CLOSE,
    TEXT,
    Client,
    Lab,
    MemoryTransport,
    Server,
    Side,
    client_factory,
    connect,
    open_server,
    request,
    server_factory,
)

# --- loops ----------------------------------------------------------------------------------------


def test_a_loop_in_a_daemon_thread() -> None:
    loop = asyncio.new_event_loop()
    received: Any = []
    done = threading.Event()
    server_protocol: list[Any] = []

    class Collecting(WebSocketServerProtocol):
        def onOpen(self) -> None:
            server_protocol.append(self)
            self.sendMessage(b"ready")

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            received.append((payload, threading.current_thread().name))
            self.sendClose()

    class Sending(WebSocketClientProtocol):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            clients.append(self)
            ready.set()

        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            done.set()

    clients: list[Sending] = []
    ready = threading.Event()

    def in_thread() -> None:
        asyncio.set_event_loop(loop)
        factory = WebSocketServerFactory()
        factory.protocol = Collecting
        factory.loop = None  # some programs do that
        server = loop.run_until_complete(loop.create_server(factory, "127.0.0.1", 0))
        port = server.sockets[0].getsockname()[1]
        factory.setSessionParameters(f"ws://127.0.0.1:{port}")  # known only now
        client = WebSocketClientFactory(f"ws://127.0.0.1:{port}", loop=loop)
        client.protocol = Sending
        loop.run_until_complete(loop.create_connection(client, "127.0.0.1", port))
        loop.run_forever()
        server.close()
        loop.close()

    thread = threading.Thread(target=in_thread, name="the loop's", daemon=True)
    thread.start()
    assert ready.wait(10)
    loop.call_soon_threadsafe(clients[0].sendMessage, b"from another thread")
    assert done.wait(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    assert received == [(b"from another thread", "the loop's")]


# --- without a connection -------------------------------------------------------------------------


@covers("_connectionMade")
@pytest.mark.parametrize("cls", [WebSocketServerProtocol, WebSocketClientProtocol, Server, Client])
def test_an_instance_made_by_new_alone(cls: Any) -> None:
    protocol = cls.__new__(cls)
    assert protocol.state == cls.STATE_CLOSED
    assert protocol.peer == "<never connected>"
    assert protocol.wasClean is False
    protocol.sendPing()
    protocol.beginMessage()
    protocol.dropConnection()
    protocol.onMessage(b"x", False)
    protocol.onClose(False, None, None)
    with pytest.raises(Disconnected):
        protocol.sendMessage(b"x")
    protocol.sendMessage = Mock()
    protocol.sendMessage(b"x")
    protocol.sendMessage.assert_called_once_with(b"x")
    protocol.state = cls.STATE_OPEN
    protocol.factory = MagicMock()
    assert protocol.state == cls.STATE_OPEN
    assert hash(protocol) == hash(protocol)


def test_a_factory_that_is_a_mock(lab: Lab) -> None:
    protocol = Server()
    protocol.factory = MagicMock()
    protocol.factory.loop = lab
    protocol.factory.server = None
    protocol.factory.headers = {}
    protocol.factory.externalPort = None
    transport = MemoryTransport(lab)
    protocol.connection_made(transport)
    side = Side(lab, protocol, transport)
    side.feed(request())
    side.feed_frame(TEXT, b"x")
    assert protocol.noted("message") == [(b"x", False)]


def test_hooks_can_be_called_by_hand(lab: Lab) -> None:
    side = open_server(lab)
    side.protocol.onMessageBegin(True)
    side.protocol.onMessageFrameBegin(4)
    side.protocol.onMessageFrameData(b"ab")
    side.protocol.onMessageFrameData(b"cd")
    side.protocol.onMessageFrameEnd()
    side.protocol.onMessageEnd()
    assert side.protocol.noted("message") == [(b"abcd", True)]


# --- private overrides that are in use ------------------------------------------------------------


def test_what_programs_override_though_it_is_private(lab: Lab) -> None:
    class Deep(Server):
        def _connectionMade(self) -> None:
            super()._connectionMade()
            self.note("made")

        def _connectionLost(self, reason: BaseException | None) -> None:
            self.note("lost")
            super()._connectionLost(reason)

        def _closeConnection(self, abort: bool = False) -> None:
            self.note("closing", abort)
            super()._closeConnection(abort)

        def _sendAutoPing(self) -> None:
            self.note("ping")
            super()._sendAutoPing()

        def _dataReceived(self, data: bytes) -> None:
            self.note("octets", len(data))
            super()._dataReceived(data)

    side = connect(lab, server_factory(lab, Deep, autoPingInterval=1))
    side.feed(request())
    side.advance(1.1)
    side.feed_frame(CLOSE)
    side.lose()
    names = [event[0] for event in side.protocol.notes]
    assert names == ["made", "octets", "open", "ping", "octets", "closing", "lost", "close"]
    assert side.protocol.noted("closing") == [(False,)]


def test_a_client_that_starts_its_handshake_late(lab: Lab) -> None:
    class Late(Client):
        def startHandshake(self) -> Any:
            self.note("asked")

    side = connect(lab, client_factory(lab, Late))
    assert side.sent() == b""
    assert side.protocol.noted("asked") == [()]
    WebSocketClientProtocol.startHandshake(side.protocol)
    assert side.sent().startswith(b"GET / ")


@covers("WebSocketServerFactory.setProtocolOptions")
def test_several_calls_with_one_option_each(lab: Lab) -> None:
    factory = server_factory(lab)
    factory.setProtocolOptions(maxConnections=3)
    factory.setProtocolOptions(autoPingInterval=10)
    factory.setProtocolOptions(failByDrop=False)
    values = (factory.maxConnections, factory.autoPingInterval, factory.failByDrop)
    assert values == (3, 10, False)
