"""``ReconnectingWebSocketClientFactory``, over sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from wsproto_async import (
    Backoff,
    ConnectError,
    ConnectionClosed,
    ConnectionRequest,
    HandshakeError,
    HTTPResponse,
    InvalidURL,
    OptionError,
    ReconnectingWebSocketClientFactory,
    StateError,
    WebSocket,
    WebSocketClientProtocol,
    run,
)
from wsproto_async.types import ConnectingRequest, TransportDetails

from .support import Certificates, drain, serving, until
from .test_connect import free_port


def at_once() -> Iterator[float]:
    """A backoff without pauses."""
    return itertools.repeat(0.0)


class Client(WebSocketClientProtocol):
    """Notes what it is told."""

    factory: Factory

    def onOpen(self) -> None:
        self.factory.opened.append(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.messages.append(payload)


class Factory(ReconnectingWebSocketClientFactory):
    """Notes what it is told, and makes clients that do."""

    protocol = Client

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **{"backoff": at_once, **more})
        self.opened: list[Client] = []
        self.messages: list[bytes] = []
        self.attempts = 0
        self.failed: list[Exception] = []
        self.lost: list[ConnectionClosed] = []

    def startedConnecting(self) -> None:
        self.attempts += 1

    def clientConnectionFailed(self, error: Exception) -> None:
        self.failed.append(error)

    def clientConnectionLost(self, error: ConnectionClosed) -> None:
        self.lost.append(error)


async def test_it_connects_again_and_again() -> None:
    async def once(ws: WebSocket) -> None:
        await ws.send(f"hello {next(numbers)}")

    numbers = itertools.count()
    async with serving(once) as (_, url):
        factory = Factory(url)
        running = factory.start()
        await until(lambda: len(factory.messages) >= 3)
        await factory.close()
        await running
        assert factory.messages[:3] == [b"hello 0", b"hello 1", b"hello 2"]
        assert len(set(factory.opened)) >= 3
        assert {error.code for error in factory.lost[:2]} == {1000}
        assert factory.failed == []
        assert factory.connection is None


async def test_close_closes() -> None:
    async with serving() as (server, url):
        factory = Factory(url)
        running = factory.start()
        await until(lambda: factory.connection)
        (ws,) = server.connections
        await factory.close(4000, "enough")
        assert running.done()
        await running
        await ws.wait_closed()
        assert (ws.close_code, ws.close_reason) == (4000, "enough")
        assert [error.close_info.sent_code for error in factory.lost] == [4000]
        await factory.close()  # once more does nothing


async def test_stop_trying_keeps_the_connection() -> None:
    async with serving() as (server, url):
        factory = Factory(url)
        running = factory.start()
        await until(lambda: factory.connection)
        factory.stopTrying()
        (ws,) = server.connections
        assert factory.connection is not None
        factory.connection.sendMessage(b"x")
        await until(lambda: factory.messages == [b"x"])
        await ws.close()
        await running
        assert factory.attempts == 1


async def test_it_can_be_started_again() -> None:
    async with serving() as (_, url):
        factory = Factory(url)
        for number in (1, 2):
            factory.start()
            await until(lambda: factory.connection)
            await factory.close()
            assert factory.attempts == number


async def test_stop_trying_in_the_middle_of_an_attempt() -> None:
    async def never(ws: WebSocket, request: ConnectionRequest) -> None:
        asked.append(ws)
        await asyncio.Event().wait()

    asked: list[WebSocket] = []
    async with serving(process_request=never) as (_, url):
        factory = Factory(url)
        running = factory.start()
        await until(lambda: asked)
        factory.stopTrying()
        await running
        for noted in (factory.failed, factory.lost, factory.opened):
            assert noted == []


async def test_stop_trying_in_on_open() -> None:
    class Once(Client):
        def onOpen(self) -> None:
            super().onOpen()
            self.factory.stopTrying()

    async with serving() as (_, url):
        factory = Factory(url)
        factory.protocol = Once
        task = factory.start()
        await until(lambda: factory.connection or task.done())
        assert factory.connection is not None
        factory.connection.sendClose(1000)
        await task
        assert factory.attempts == 1
        assert [error.close_info.was_clean for error in factory.lost] == [True]


async def test_what_has_just_been_started_can_be_stopped() -> None:
    """Its task has not taken its first step yet."""
    async with serving() as (_, url), asyncio.timeout(5):
        factory = Factory(url)
        task = factory.start()
        factory.stopTrying()
        await task
        factory.start()
        await factory.close()
        factory.start().cancel()
        await factory.close()
        assert factory.attempts == 0
        factory.start()
        await until(lambda: factory.connection)
        await factory.close()


async def test_stop_trying_in_a_pause() -> None:
    factory = Factory(f"ws://127.0.0.1:{free_port()}/", backoff=lambda: itertools.repeat(60.0))
    running = factory.start()
    await until(lambda: factory.failed)
    await factory.close()
    await running
    assert [type(error) for error in factory.failed] == [ConnectError]


async def test_run_can_be_cancelled() -> None:
    async with serving() as (server, url):
        factory = Factory(url)
        running = asyncio.create_task(factory.run())
        await until(lambda: factory.connection and server.connections)
        (ws,) = server.connections
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await ws.wait_closed()
        assert ws.close_code == 1000
        running = asyncio.create_task(factory.run())
        await asyncio.sleep(0)
        running.cancel()  # in the middle of an attempt
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_what_was_started_can_be_cancelled() -> None:
    async with serving() as (_, url):
        factory = Factory(url)
        task = factory.start()
        await until(lambda: factory.connection)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert factory.connection is None
        [protocol] = factory.opened
        assert protocol.close_info is not None
        assert protocol.close_info.sent_code == 1000


@pytest.mark.parametrize("status", [401, 404])
async def test_a_final_refusal_is_raised(status: int, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse:
        return HTTPResponse(status)

    async with serving(process_request=refuse) as (_, url):
        factory = Factory(url)
        with pytest.raises(HandshakeError, match=str(status)):
            await factory.run()
        assert [type(error) for error in factory.failed] == [HandshakeError]
        caplog.clear()
        task = factory.start()
        await asyncio.wait([task])  # nobody heeds its error
        del task
        assert "not again" in caplog.text
        gc.collect()
        assert "never retrieved" not in caplog.text


async def test_temporary_refusals_are_asked_again() -> None:
    def busy(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
        status = next(answers)
        return None if status == 101 else HTTPResponse(status)

    answers = itertools.chain([503, 429], itertools.repeat(101))
    async with serving(process_request=busy) as (_, url):
        factory = Factory(url)
        factory.start()
        await until(lambda: factory.connection)
        await factory.close()
        assert [getattr(error, "status", 0) for error in factory.failed] == [503, 429]
        assert factory.attempts == 3


async def test_it_gives_up() -> None:
    factory = Factory(
        f"ws://127.0.0.1:{free_port()}/", backoff=Backoff(first=0.001, max_attempts=3)
    )
    with pytest.raises(ConnectError, match="refused"):
        await factory.run()
    assert factory.attempts == len(factory.failed) == 3


async def test_retry_decides() -> None:
    async def log_in(ws: WebSocket) -> None:
        await ws.close(4401, "log in")

    def patient(error: Exception) -> bool:
        return not (isinstance(error, ConnectionClosed) and error.code == 4401)

    async with serving(log_in) as (_, url):
        with pytest.raises(ConnectionClosed, match="log in"):
            await Factory(url, retry=patient).run()


async def test_a_request_that_cannot_be_sent_is_final() -> None:
    class Wrong(Client):
        def onConnecting(self, transport_details: TransportDetails) -> ConnectingRequest:
            return ConnectingRequest(headers={"X-A": "a\r\nb"})

    async with serving(drain) as (_, url):
        factory = Factory(url)
        factory.protocol = Wrong
        with pytest.raises(OptionError, match="X-A must not have control characters"):
            await factory.run()
        assert factory.attempts == 1


async def test_what_goes_into_the_request() -> None:
    async def token() -> str:
        return f"token{next(numbers)}"

    def look(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
        seen.append(request)
        if request.path == "/":
            return HTTPResponse(302, {"Location": "/there"})
        return None

    numbers = itertools.count()
    seen: list[ConnectionRequest] = []
    async with serving(drain, process_request=look, subprotocols=["chat"]) as (server, url):
        factory = Factory(
            lambda: url,
            "http://page.example",
            ["chat"],
            "me",
            lambda: {"X-Number": str(len(seen))},
            auth=token,
        )
        factory.start()
        await until(lambda: factory.connection)
        assert factory.connection is not None
        assert factory.connection.websocket_protocol_in_use == "chat"
        assert factory.connection.factory is factory
        await until(lambda: server.connections)
        for ws in server.connections:
            await ws.close()
        await until(lambda: len(factory.opened) == 2)
        await factory.close()
    assert [request.path for request in seen] == ["/", "/there"] * 2
    assert [request.headers["authorization"] for request in seen] == [
        f"Bearer token{number}" for number in (0, 0, 1, 1)
    ]
    assert [request.headers["x-number"] for request in seen] == ["0", "0", "2", "2"]
    assert {request.origin for request in seen} == {"http://page.example"}
    assert {request.headers["user-agent"] for request in seen} == {"me"}


async def test_tls(certificates: Certificates) -> None:
    async with serving(ssl=certificates.server) as (_, url):
        factory = Factory(url, ssl=certificates.client)
        factory.start()
        await until(lambda: factory.connection)
        await factory.close()
        with pytest.raises(ConnectError, match="certificate"):
            await Factory(url).run()


async def test_options_count() -> None:
    async def silent(reader: Any, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    factory = Factory(f"ws://127.0.0.1:{port}/", retry=lambda error: False)
    factory.setProtocolOptions(openHandshakeTimeout=0.05)
    with pytest.raises(ConnectError, match="timeout"):
        await factory.run()
    server.close()
    await server.wait_closed()


async def test_an_on_open_that_raises() -> None:
    class Broken(Client):
        def onOpen(self) -> None:
            raise ZeroDivisionError

    async with serving() as (_, url):
        factory = Factory(url, backoff=lambda: iter([0.0]))
        factory.protocol = Broken
        with pytest.raises(ConnectError):
            await factory.run()
        assert len(factory.failed) == 2


async def test_one_at_a_time() -> None:
    async with serving() as (_, url):
        factory = Factory(url)
        factory.start()
        with pytest.raises(StateError, match="already"):
            factory.start()
        with pytest.raises(StateError, match="already"):
            await factory.run()
        await until(lambda: factory.connection)
        await factory.close()


async def test_closing_at_the_moment_of_opening() -> None:
    """Between ``onOpen`` and the factory's own task, which hears of it a few turns later."""
    async with serving() as (_, url), asyncio.timeout(5):
        for turns in range(6):
            factory = Factory(url)
            factory.start()
            while not factory.opened:  # noqa: ASYNC110
                await asyncio.sleep(0)
            for _ in range(turns):
                await asyncio.sleep(0)
            await factory.close(3000, "at once")
            assert factory.connection is None
            [client] = factory.opened
            assert client.close_info is not None


async def test_a_close_that_was_cancelled_is_not_for_the_next_time() -> None:
    async with serving() as (_, url), asyncio.timeout(5):
        factory = Factory(url)
        task = factory.start()
        await until(lambda: factory.connection)
        closing = asyncio.ensure_future(factory.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([task])
        factory.start()
        await until(lambda: factory.connection)
        assert factory.connection is not None
        assert factory.connection.open
        await factory.close()


async def test_a_bad_close_changes_nothing() -> None:
    async with serving() as (_, url), asyncio.timeout(5):
        factory = Factory(url)
        factory.start()
        for _ in range(2):  # before it is connected, and then
            with pytest.raises(OptionError, match="1001"):
                await factory.close(1001)
            await until(lambda: factory.connection)
        await factory.close()
        assert factory.attempts == 1


async def test_cancelling_at_the_moment_of_opening() -> None:
    async with serving() as (_, url), asyncio.timeout(5):
        for turns in range(10):
            factory = Factory(url)
            task = factory.start()
            while not factory.opened:  # noqa: ASYNC110
                await asyncio.sleep(0)
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            [client] = factory.opened
            await client.wait_closed()


async def test_nothing_is_kept() -> None:
    async with serving() as (server, url):
        factory = Factory(url)
        factory.start()
        await until(lambda: factory.connection and server.connections)
        ended = weakref.ref(factory.opened.pop())
        gc.disable()
        try:
            for ws in server.connections:
                await ws.close()
            await until(lambda: factory.opened)
            await asyncio.sleep(0)
            assert ended() is None
        finally:
            gc.enable()
        await factory.close()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"url": "http://example.org"}, InvalidURL),
        ({"proxy": {"host": "h", "port": 1}}, OptionError),
        ({"max_redirects": -1}, OptionError),
        ({"server_hostname": 5}, OptionError),
        ({"backoff": 1}, OptionError),
        ({"retry": 1}, OptionError),
        ({"auth": ("a:b", "c")}, OptionError),
        ({"headers": {"Upgrade": "x"}}, OptionError),
        ({"protocols": ["a b"]}, OptionError),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        ReconnectingWebSocketClientFactory(**arguments)


def test_parameters_are_for_the_constructor() -> None:
    factory = ReconnectingWebSocketClientFactory("ws://h:1/a")
    assert (factory.url, factory.host, factory.port) == ("ws://h:1/a", "h", 1)
    with pytest.raises(OptionError, match="constructor"):
        factory.setSessionParameters("ws://h/")


def test_it_is_one_call() -> None:
    async def main() -> None:
        async with serving() as (_, url):
            factory = Factory(url)
            factory.protocol = Once
            await factory.run()

    class Once(Client):
        def onOpen(self) -> None:
            self.sendMessage(b"x")

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.factory.stopTrying()
            self.sendClose(1000)

    run(main())
