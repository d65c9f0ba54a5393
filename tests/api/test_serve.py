"""``serve``: handlers, requests, and arguments."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import os
import socket
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.support import CLOSE, MASK, TEXT, close_payload, frame, request
from wsproto_async import (
    ClientOptions,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionDeny,
    ConnectionRequest,
    HandshakeError,
    HTTPResponse,
    OptionError,
    ServerOptions,
    StateError,
    WebSocket,
    connect,
    serve,
)

from .support import Certificates, drain, echo, port_of, raw_client, serving, until

# --- handlers -----------------------------------------------------------------------------------


async def test_the_connection_is_closed_when_the_handler_returns() -> None:
    async def hello(ws: WebSocket) -> None:
        await ws.send("hello")

    async with serving(hello) as (server, url), connect(url) as ws:
        assert [message async for message in ws] == ["hello"]
        assert ws.close_code == 1000
        await until(lambda: not server._links)


async def fail(ws: WebSocket) -> None:
    await ws.recv()
    raise ValueError("a mistake")


def fail_at_once(ws: WebSocket) -> Awaitable[None]:
    raise ValueError("a mistake")


@pytest.mark.parametrize("handler", [fail, functools.partial(fail_at_once)])
async def test_a_handler_that_raises_is_logged_with_the_peer(
    handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(handler) as (server, url), connect(url) as ws:
        with contextlib.suppress(ConnectionClosed):
            await ws.send("x")
        with pytest.raises(ConnectionClosedError) as caught:
            await ws.recv()
        assert (caught.value.code, caught.value.reason) == (1011, "internal error")
        await until(lambda: not server._links)
        peer = "tcp4:{}:{}".format(*ws.local_address)
    (record,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert record.getMessage().startswith(f"{peer}: handler raised ValueError")
    assert 'raise ValueError("a mistake")' in record.getMessage()


async def test_the_end_of_the_connection_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def forever(ws: WebSocket) -> None:
        while True:
            await ws.recv()

    async with serving(forever) as (server, url):
        async with connect(url):
            pass
        ws = await connect(url)
        ws.abort()
        await until(lambda: not server._links)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_neither_is_a_group_of_such_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def two_tasks(ws: WebSocket) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(speak(ws))

    async def speak(ws: WebSocket) -> None:
        while True:
            await ws.send("tick")
            await asyncio.sleep(0.001)

    async with serving(two_tasks) as (server, url):
        async with connect(url) as ws:
            await ws.recv()
        await until(lambda: not server._links)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_group_with_another_error_is_one(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(ws: WebSocket) -> None:
        try:
            await ws.recv()
        except ConnectionClosed as closed:
            raise ExceptionGroup("both", [closed, ValueError("a mistake")]) from None

    async with serving(fails) as (server, url):
        async with connect(url):
            pass
        await until(lambda: not server._links)
    (record,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert "handler raised ExceptionGroup" in record.getMessage()


async def test_a_cancelled_handler_closes_with_1001() -> None:
    async def cancel(ws: WebSocket) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await ws.recv()

    async with serving(cancel) as (_, url), connect(url) as ws:
        await ws.wait_closed()
        assert ws.close_code == 1001


async def test_the_handler_may_go_on_when_the_connection_has_ended() -> None:
    async def linger(ws: WebSocket) -> None:
        await ws.wait_closed()
        await go_on.wait()
        done.set()

    go_on, done = asyncio.Event(), asyncio.Event()
    async with serving(linger) as (server, url):
        async with connect(url):
            await until(lambda: server.connections)
        await until(lambda: not server.connections)
        assert len(server._links) == 1
        go_on.set()
        await done.wait()
        await until(lambda: not server._links)


async def test_an_error_behind_the_end_is_logged_but_not_its_cause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(ws: WebSocket) -> None:
        await ws.close(3000, "done")
        ended.append(ws)
        raise LookupError("on purpose")

    ended: list[WebSocket] = []
    async with serving(fail) as (server, url), connect(url) as ws:
        await ws.wait_closed()
        await until(lambda: ended and not server._links)
    assert "handler raised LookupError" in caplog.text
    assert ended[0].close_info is not None
    assert ended[0].close_info.sent_code == 3000
    assert ended[0].close_info.cause is None


async def test_a_handler_may_close_by_itself() -> None:
    async def close(ws: WebSocket) -> None:
        await ws.close(3000, "done")

    async with serving(close) as (_, url), connect(url) as ws:
        await ws.wait_closed()
        assert (ws.close_code, ws.close_reason) == (3000, "done")


@pytest.mark.parametrize(
    "handler",
    [
        lambda ws: echo(ws),
        functools.partial(echo),
        type("C", (), {"__call__": lambda self, ws: echo(ws)})(),
    ],
)
async def test_whatever_returns_a_coroutine_is_a_handler(handler: Any) -> None:
    async with serving(handler) as (_, url), connect(url) as ws:
        await ws.send("x")
        assert await ws.recv() == "x"


async def test_a_handler_that_returns_no_coroutine_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nothing: Any = functools.partial(lambda ws: None)
    async with serving(nothing) as (_, url), connect(url) as ws:
        await ws.wait_closed()
        assert ws.close_code == 1011
    assert "handler must be a coroutine function: it returned NoneType" in caplog.text


# --- subprotocols -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "agreed"),
    [
        (["a", "b"], ["b", "a"], "a"),
        (["a"], ["b"], None),
        (["a"], None, None),
        (None, ["a"], None),
        (("b",), ("a", "b"), "b"),
    ],
)
async def test_subprotocols(ours: Any, theirs: Any, agreed: str | None) -> None:
    async with (
        serving(drain, subprotocols=ours) as (_, url),
        connect(url, subprotocols=theirs) as ws,
    ):
        assert ws.subprotocol == agreed


async def test_select_subprotocol_decides() -> None:
    def last(ws: WebSocket, offered: list[str]) -> str | None:
        assert ws.request is not None
        if not offered:
            raise ConnectionDeny(400, "a subprotocol is needed")
        return offered[-1]

    async with serving(drain, select_subprotocol=last, subprotocols=["a"]) as (_, url):
        async with connect(url, subprotocols=["a", "b"]) as ws:
            assert ws.subprotocol == "b"
        with pytest.raises(HandshakeError) as caught:
            await connect(url)
        assert caught.value.status == 400


async def test_same_origin() -> None:
    options = ServerOptions(allowed_origins=["same-origin", "https://partner.example"])
    async with serving(options=options) as (server, url):
        port = port_of(server)
        for origin in (None, f"http://127.0.0.1:{port}", "https://partner.example"):
            async with connect(url, origin=origin):
                pass
        for origin in ("http://evil.example", f"http://localhost:{port}", "null", "same-origin"):
            with pytest.raises(HandshakeError, match="400"):
                await connect(url, origin=origin)
        # Behind a proxy that speaks TLS, the browser's Host header is what there is to go by.
        headers = {"Host": "chat.example"}
        async with connect(url, origin="https://chat.example", headers=headers):
            pass


async def test_same_origin_with_tls(certificates: Certificates) -> None:
    options = ServerOptions(allowed_origins=["same-origin"])
    async with serving(options=options, ssl=certificates.server) as (server, url):
        origin = f"https://localhost:{port_of(server)}"
        async with connect(url, origin=origin, ssl=certificates.client):
            pass
        with pytest.raises(HandshakeError, match="400"):
            await connect(url, origin=origin.replace("s:", ":"), ssl=certificates.client)


# --- process_request ----------------------------------------------------------------------------

Answer = Callable[[WebSocket, ConnectionRequest], Any]


async def get(url: str, target: str = "/", *headers: str) -> tuple[bytes, bytes]:
    """Head and body of a plain request's response."""
    host, _, port = url.removeprefix("ws://").rstrip("/").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"GET {target} HTTP/1.1", "Host: x", *headers, "", ""]
    writer.write("\r\n".join(lines).encode())
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def plain(answer: Answer) -> Answer:
    return answer


def later(answer: Answer) -> Answer:
    async def process(ws: WebSocket, request: ConnectionRequest) -> Any:
        await asyncio.sleep(0)
        return answer(ws, request)

    return process


def health(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
    assert ws.request is request
    match request.path:
        case "/healthz":
            return HTTPResponse(200, {"Content-Type": "text/plain"}, b"OK\n")
        case "/cookies":
            return HTTPResponse(204, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        case "/deny":
            raise ConnectionDeny(451, "not here")
        case "/raise":
            raise ValueError("a mistake")
        case "/wrong":
            return "wrong"  # type: ignore[return-value]
    return None


@pytest.mark.parametrize("kind", [plain, later])
@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/healthz", 200, b"OK\n"),
        ("/cookies", 204, b""),
        ("/deny", 451, b""),
        ("/raise", 500, b""),
        ("/wrong", 500, b""),
        ("/other", 426, b""),
    ],
)
async def test_plain_requests(
    kind: Callable[[Answer], Answer], path: str, status: int, body: bytes
) -> None:
    async with serving(process_request=kind(health)) as (server, url):
        head, got = await get(url, path)
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert got == body
        assert (b"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2" in head) is (path == "/cookies")
        await until(lambda: not server._links)


@pytest.mark.parametrize("kind", [plain, later])
async def test_upgrade_requests(kind: Callable[[Answer], Answer]) -> None:
    async with serving(process_request=kind(health), subprotocols=["a"]) as (server, url):
        async with connect(url, subprotocols=["a"]) as ws:
            assert ws.subprotocol == "a"
            await ws.send("x")
            assert await ws.recv() == "x"
        for path, status in (("healthz", 200), ("deny", 451), ("raise", 500), ("wrong", 500)):
            with pytest.raises(HandshakeError) as caught:
                await connect(url + path)
            assert caught.value.status == status
        await until(lambda: not server._links)


async def test_before_it_is_open_nothing_can_be_sent() -> None:
    async def early(ws: WebSocket, request: ConnectionRequest) -> None:
        ws.user = "somebody"
        with pytest.raises(StateError, match="not open yet: the handshake is going on"):
            await ws.send("x")
        with pytest.raises(StateError, match=r"ping\(\) before the connection is open"):
            ws.ping()
        with pytest.raises(StateError, match=r"pong\(\) before the connection is open"):
            ws.pong()

    async def tell(ws: WebSocket) -> None:
        await ws.send(str(ws.user))

    async with serving(tell, process_request=early) as (_, url), connect(url) as ws:
        assert await ws.recv() == "somebody"


async def test_what_a_request_says() -> None:
    def note(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse:
        seen.append(request)
        with pytest.raises(OptionError):
            HTTPResponse(99)
        return HTTPResponse(200)

    seen: list[ConnectionRequest] = []
    async with serving(process_request=note) as (_, url):
        await get(url, "/p%20q?a=1&a=2", "Origin: http://o.example", "X-Twice: 1", "X-Twice: 2")
    (request,) = seen
    assert request.path == "/p%20q"
    assert request.params == {"a": ["1", "2"]}
    assert request.origin == "http://o.example"
    assert request.headers["x-twice"] == "1, 2"
    assert (request.version, request.protocols) == (0, [])


async def test_plain_requests_without_process_request() -> None:
    async with serving() as (_, url):
        head, _ = await get(url)
        assert head.startswith(b"HTTP/1.1 426 ")
    async with serving(options=ServerOptions(web_status=True)) as (_, url):
        head, body = await get(url)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"<h1>" in body
    options = ServerOptions(web_status=True)
    async with serving(options=options, process_request=later(health)) as (_, url):
        assert (await get(url, "/other"))[0].startswith(b"HTTP/1.1 200 ")
        assert (await get(url, "/other?redirect=javascript:1"))[0].startswith(b"HTTP/1.1 400 ")


async def test_only_one_request_is_answered() -> None:
    def once(ws: WebSocket, request: ConnectionRequest) -> Any:
        calls.append(request.path)
        return asked

    calls: list[str] = []
    asked: asyncio.Future[HTTPResponse] = asyncio.get_running_loop().create_future()
    async with serving(process_request=once) as (server, _), raw_client(server, False) as peer:
        peer.write(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: calls)
        peer.write(b"GET /3 HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.01)
        asked.set_result(HTTPResponse(200, body=b"one"))
        answer = await peer.everything()
        assert answer.count(b"HTTP/1.1 200 ") == 1
        assert answer.endswith(b"one")
    assert calls == ["/1"]


async def test_a_decision_that_outlives_its_client_is_of_no_effect(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def stubborn(ws: WebSocket, request: ConnectionRequest) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()

    cancelled = asyncio.Event()
    async with serving(process_request=stubborn) as (server, _):
        async with raw_client(server, upgrade=False) as peer:
            peer.write(request())
            await until(lambda: any(link._upgrade for link in server._links))
        await cancelled.wait()
        await until(lambda: not server._links)
    assert [each for each in caplog.records if each.levelname in ("WARNING", "ERROR")] == []


async def test_a_client_that_goes_away_cancels_the_decision() -> None:
    async def never(ws: WebSocket, request: ConnectionRequest) -> None:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    asked, cancelled = asyncio.Event(), asyncio.Event()
    for message in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", request()):
        asked.clear()
        cancelled.clear()
        async with serving(process_request=never) as (server, _):
            async with raw_client(server, upgrade=False) as peer:
                peer.write(message)
                await asked.wait()
                peer.abort()
                await cancelled.wait()
            await until(lambda: not server._links)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"status": 199}, "status must be 200 to 999"),
        ({"status": "200"}, "status must be int"),
        ({"status": 200, "body": "text"}, "body must be bytes, not str"),
        ({"status": 200, "headers": {"X": "a\r\nb"}}, "X must not have control"),
        ({"status": 200, "headers": {"X y": "a"}}, "must be a token"),
        ({"status": 200, "headers": "X: y"}, "headers must be a mapping or pairs"),
    ],
)
def test_responses_that_cannot_be_sent(arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(OptionError, match=error):
        HTTPResponse(**arguments)


# --- options ------------------------------------------------------------------------------------


def mistaken(*_: object) -> None:
    raise ValueError("a mistake")


@pytest.mark.parametrize("name", ["process_request", "select_subprotocol"])
async def test_the_log_names_the_function_that_raised(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    arguments: dict[str, Any] = {name: mistaken}
    async with serving(**arguments) as (_, url):
        with pytest.raises(HandshakeError) as caught:
            await connect(url)
    assert caught.value.status == 500
    (record,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
    assert f": {name} raised" in record.getMessage()


async def test_origins_are_checked_before_process_request() -> None:
    def never(ws: WebSocket, request: ConnectionRequest) -> None:
        raise AssertionError

    options = ServerOptions(allowed_origins=["https://example.com"])
    async with serving(options=options, process_request=never) as (_, url):
        with pytest.raises(HandshakeError) as caught:
            await connect(url, origin="https://evil.example")
        assert caught.value.status == 400


async def test_max_connections() -> None:
    async with serving(options=ServerOptions(max_connections=1)) as (_, url), connect(url):
        with pytest.raises(HandshakeError) as caught:
            await connect(url)
        assert caught.value.status == 503


async def test_the_defaults_are_the_safe_ones() -> None:
    async with serving() as (server, url), connect(url) as ws:
        await until(lambda: server.connections)
        (theirs,) = server.connections
        assert theirs.protocol._options == ServerOptions()
        assert ws.protocol._options == ClientOptions()


async def test_a_client_that_sends_no_handshake_is_dropped() -> None:
    options = ServerOptions(open_handshake_timeout=0.05)
    async with serving(options=options) as (server, _), raw_client(server, False) as peer:
        assert await peer.everything() == b""
        await until(lambda: not server._links)


async def test_response_headers() -> None:
    headers = {"X-A": ["1", "2"]}
    async with serving(server_header="me", headers=headers) as (_, url), connect(url) as ws:
        assert ws.response is not None
        assert ws.response.headers["server"] == "me"
        assert ws.response.headers["x-a"] == "1, 2"
    async with serving(server_header=None) as (_, url), connect(url) as ws:
        assert ws.response is not None
        assert "server" not in ws.response.headers


def sync_handler(ws: WebSocket) -> None:
    """Not a coroutine function."""


async def wants_two(ws: WebSocket, path: str) -> None:
    """As handlers were in old releases of websockets."""


CLIENT_SIDE = ssl.create_default_context()


class Handlers:
    def method(self, ws: WebSocket) -> None:
        """Not one either."""


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"handler": sync_handler}, "handler must be a coroutine function: define sync_handler"),
        ({"handler": Handlers().method}, "handler must be a coroutine function: define method"),
        ({"handler": None}, "handler must be a coroutine function, not NoneType"),
        ({"options": {}}, "options must be ServerOptions or None, not dict"),
        ({"options": ClientOptions()}, "options must be ServerOptions or None, not ClientOptions"),
        ({"ssl": True}, "ssl must be SSLContext or None, not bool"),
        ({"port": "9000"}, "port must be int or None, not str"),
        ({"subprotocols": "chat"}, "subprotocols must be list or tuple or None, not str"),
        ({"subprotocols": ["a b"]}, "subprotocols: "),
        ({"headers": "X: y"}, "headers must be Mapping or None, not str"),
        ({"process_request": 5}, "process_request must be a function, not int"),
        ({"select_subprotocol": "a"}, "select_subprotocol must be a function, not str"),
        ({"port": None}, "needs host and port, or path, or sock: it was given host$"),
        ({"host": None, "port": None}, "it was given none of them"),
        ({"path": "/tmp/x"}, "it was given host and path and port"),
        ({"port": 65536}, "port must be 0 to 65535, not 65536"),
        ({"handler": wants_two}, r"called as handler\(ws\): wants_two\(ws.*path.* cannot be"),
        ({"process_request": echo}, r"called as process_request\(ws, request\): echo\(ws.*\)"),
        ({"process_request": [None]}, r"process_request\[0\] must be a function"),
        ({"process_request": [dict.get, echo]}, r"called as process_request\[1\]\(ws, request\)"),
        ({"headers": {"X": "a\nb"}}, "HTTP header X must not have control characters"),
        ({"ssl": CLIENT_SIDE}, "ssl must be a context for servers: PROTOCOL_TLS_SERVER"),
        ({"ping_interval": 1}, r"that is the option ServerOptions\(auto_ping_interval=\.\.\.\)"),
        ({"prozess_request": None}, "has no argument prozess_request; did you mean process_req"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(OptionError, match=error):
        serve(**{"handler": echo, "host": "127.0.0.1", "port": 0, **arguments})


async def test_what_the_loop_refuses_passes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(OSError, match="address already in use") as caught:
            await serve(echo, *taken.getsockname())
        assert caught.value.errno == errno.EADDRINUSE
        with pytest.raises(OSError, match="address already in use"):
            await serve(echo, *taken.getsockname()).__aenter__()
    with pytest.raises(socket.gaierror):
        await serve(echo, "nowhere.invalid", 0)


async def test_other_arguments_go_to_the_loop() -> None:
    server = await serve(echo, "127.0.0.1", 0, backlog=5, reuse_port=True, start_serving=False)
    assert not server.is_serving()
    await server.start_serving()
    assert server.is_serving()
    async with connect(f"ws://127.0.0.1:{port_of(server)}/"):
        pass
    await server.close()
    assert not server.is_serving()


async def test_a_unix_socket() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "socket"
        async with serve(echo, path=path) as server:
            for client in (
                connect(f"ws://unix:{path}"),
                connect("ws://localhost/asked", path=path),
                connect("ws://localhost/", path=os.fspath(path)),
            ):
                async with client as ws:
                    await ws.send("x")
                    assert await ws.recv() == "x"
                    (theirs,) = server.connections
                    assert theirs.peer.startswith("unix:")
                    assert theirs.request is not None
                    assert theirs.request.host == "localhost"
                await until(lambda: not server._links)


async def test_a_socket_that_is_there_already() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    async with serve(echo, sock=sock) as server:
        own = socket.create_connection(sock.getsockname())
        async with connect("ws://example.org/", sock=own) as ws:
            await until(lambda: server.connections)
            (theirs,) = server.connections
            assert theirs.request is not None
            assert theirs.request.host == "example.org"
            await ws.send("x")
            assert await ws.recv() == "x"


async def test_a_peer_that_closes_gets_its_close_back() -> None:
    async with serving() as (server, _), raw_client(server) as peer:
        peer.send(CLOSE, close_payload(1000, "bye"), mask=MASK)
        answer = await peer.frame()
        assert (answer.opcode, answer.payload) == (CLOSE, close_payload(1000))
        assert await peer.everything() == b""
        await until(lambda: not server._links)


async def test_a_handler_hears_of_a_peer_that_dies_in_the_middle_of_a_message() -> None:
    async def note(ws: WebSocket) -> None:
        try:
            await ws.recv()
        except ConnectionClosed as error:
            errors.append(error)

    errors: list[ConnectionClosed] = []
    async with serving(note) as (server, _), raw_client(server) as peer:
        peer.write(frame(TEXT, b"half of it", mask=MASK, length=20))
        await until(lambda: server.connections)
        peer.abort()
        await until(lambda: errors)
    assert isinstance(errors[0], ConnectionClosedError)
    assert errors[0].close_info.initiator == "network"


async def test_strangers_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """What port scanners send is refused, and is no error of ours."""
    async with serving() as (server, url):
        for junk in (b"\x16\x03\x01\x02\x00", b"\r\n\r\n", b"GET /\n\n", bytes(100_000), b""):
            async with raw_client(server, upgrade=False) as peer:
                peer.write(junk)
                peer.writer.write_eof()
                await peer.everything()
        async with connect(url) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_serving_can_be_cancelled_while_it_begins() -> None:
    for turns in range(8):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        starting = asyncio.ensure_future(serve(drain, "127.0.0.1", port)._start())
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await (await starting).close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
