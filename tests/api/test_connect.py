"""``connect``: what it does once, and what it says when that fails."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from typing import Any

import pytest

from tests.contract.support import TEXT, MemoryTransport
from wsproto_async import (
    Backoff,
    ClientOptions,
    ConnectError,
    ConnectionRequest,
    HandshakeError,
    HTTPResponse,
    InvalidURL,
    OptionError,
    ServerOptions,
    StateError,
    WebSocket,
    WebSocketServerFactory,
    connect,
)
from wsproto_async.api.attempt import Attempt
from wsproto_async.api.client_link import ClientLinkFactory
from wsproto_async.testing import memory_link

from .support import Certificates, RawPeer, echo, raw_server, serving, until


async def test_the_two_ways_to_connect() -> None:
    async with serving() as (server, url):
        async with connect(url) as ws:
            await ws.send("a")
            assert await ws.recv() == "a"
        assert ws.close_code == 1000
        ws = await connect(url)
        await ws.send("b")
        assert await ws.recv() == "b"
        await ws.close()
        await until(lambda: not server._links)


async def test_an_exception_in_the_body_closes_too() -> None:
    async with serving() as (server, url):
        with pytest.raises(ZeroDivisionError):
            async with connect(url) as ws:
                1 // 0  # noqa: B018
        assert ws.close_code == 1000
        await until(lambda: not server._links)


async def test_the_request() -> None:
    seen: list[ConnectionRequest] = []

    def note(ws: WebSocket, request: ConnectionRequest) -> None:
        seen.append(request)

    async with serving(process_request=note) as (_, url):
        headers = {"X-Token": "secret", "Cookie": ["a=1", "b=2"]}
        async with connect(
            url + "a%20b?c=d", headers=headers, origin="http://o.example", useragent="me"
        ):
            pass
        async with connect(url, useragent=None):
            pass
        async with connect(url):
            pass
    first, second, third = seen
    assert first.path == "/a%20b"
    assert first.params == {"c": ["d"]}
    assert first.origin == "http://o.example"
    assert first.headers["user-agent"] == "me"
    assert first.headers["x-token"] == "secret"
    assert first.headers["cookie"] == "a=1, b=2"
    assert "user-agent" not in second.headers
    assert third.headers["user-agent"].startswith("wsproto_async/")


async def later() -> dict[str, str]:
    await asyncio.sleep(0)
    return {"X-Token": "fresh"}


@pytest.mark.parametrize("headers", [lambda: {"X-Token": "fresh"}, later])
async def test_headers_from_a_function(headers: Any) -> None:
    def check(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
        return None if request.headers.get("x-token") == "fresh" else HTTPResponse(401)

    async with serving(process_request=check) as (_, url), connect(url, headers=headers) as ws:
        await ws.send("x")
        assert await ws.recv() == "x"


async def test_another_address_than_in_the_url() -> None:
    async with serving() as (server, _):
        port = server.sockets[0].getsockname()[1]
        async with connect(
            "ws://example.org/", host="127.0.0.1", port=port, local_addr=("127.0.0.1", 0)
        ) as ws:
            await until(lambda: server.connections)
            (theirs,) = server.connections
            assert theirs.request is not None
            assert theirs.request.host == "example.org"
            assert ws.remote_address == ("127.0.0.1", port)


# --- refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 503])
async def test_a_refusal_has_its_status(status: int) -> None:
    def refuse(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse:
        return HTTPResponse(status, {"Retry-After": "7"}, b"no")

    async with serving(process_request=refuse) as (_, url):
        with pytest.raises(HandshakeError, match=str(status)) as caught:
            await connect(url)
        assert caught.value.status == status
        assert ("retry-after", "7") in caught.value.headers


async def test_a_subprotocol_that_was_not_offered() -> None:
    async def lie(peer: RawPeer) -> None:
        peer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")

    async with raw_server(lie, upgrade=False) as url:
        with pytest.raises(HandshakeError):
            await connect(url)


async def test_no_answer_in_http() -> None:
    async def junk(peer: RawPeer) -> None:
        await peer.read_head()
        peer.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    async with raw_server(junk, upgrade=False) as url:
        with pytest.raises(HandshakeError, match=r"SSH-2\.0-OpenSSH") as caught:
            await connect(url)
        assert caught.value.status == 0


# --- unreachable --------------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


async def test_nobody_listens() -> None:
    port = free_port()
    with pytest.raises(
        ConnectError, match=rf"^cannot connect to 127\.0\.0\.1:{port}: Connection refused$"
    ) as caught:
        await connect(f"ws://127.0.0.1:{port}/")
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert caught.value.errno == caught.value.__cause__.errno


async def test_no_such_host() -> None:
    with pytest.raises(ConnectError, match=r"^cannot connect to nowhere\.invalid:80: .*[Nn]ame"):
        await connect("ws://nowhere.invalid/")


async def test_two_unix_sockets() -> None:
    with pytest.raises(OptionError, match="path and the URL of a Unix socket exclude each other"):
        await connect("ws://unix:/no/such/socket", path="/another")
    exclude = pytest.raises(OptionError, match="sock and the path of a Unix socket exclude")
    with socket.socket(socket.AF_UNIX) as sock, exclude:
        await connect("ws://unix:/no/such/socket", sock=sock)


async def test_no_such_unix_socket() -> None:
    with pytest.raises(ConnectError, match=r"cannot connect to unix:/no/such/socket: No such file"):
        await connect("ws://unix:/no/such/socket")


async def test_a_server_that_closes_during_the_handshake() -> None:
    async def hang_up(peer: RawPeer) -> None:
        await peer.read_head()

    async with raw_server(hang_up, upgrade=False) as url:
        where = url.removeprefix("ws://").rstrip("/")
        with pytest.raises(ConnectError, match=f"^{where}: it closed the connection during"):
            await connect(url)


async def silent(peer: RawPeer) -> None:
    await peer.everything()


@pytest.mark.parametrize("tls", [False, True])
async def test_a_server_that_does_not_answer(tls: bool, certificates: Certificates) -> None:
    options = ClientOptions(open_handshake_timeout=0.05)
    async with raw_server(silent, upgrade=False) as url:
        if tls:
            url = url.replace("ws://127.0.0.1", "wss://localhost")
        with pytest.raises(ConnectError, match=r"no connection within open_handshake_timeout=0.05"):
            await connect(url, options=options, ssl=certificates.client if tls else None)


async def test_time_without_end() -> None:
    options = ClientOptions(open_handshake_timeout=0)
    async with serving() as (_, url), connect(url, options=options) as ws:
        await ws.send("x")
        assert await ws.recv() == "x"


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 13])
async def test_connecting_can_be_cancelled(
    tls: bool, steps: int, certificates: Certificates
) -> None:
    server_tls = certificates.server if tls else None
    async with serving(ssl=server_tls) as (server, url):
        connecting = asyncio.ensure_future(
            connect(url, ssl=certificates.client if tls else None)._attempt.run()
        )
        for _ in range(steps):
            await asyncio.sleep(0)
        connecting.cancel()
        try:
            ws = await connecting
        except asyncio.CancelledError:
            pass
        else:
            await ws.close()
        # An asyncio server that closes in the very turn in which it accepts leaks a socket, before
        # Python 3.13 or so; this test is about the client.
        await asyncio.sleep(0.02)
        await until(lambda: not server._links)


async def test_connecting_is_cancelled_when_the_server_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def come_and_go(attempt: Attempt, target: Any, factory: Any) -> None:
        link = factory()
        link.connection_made(MemoryTransport(asyncio.get_running_loop()))
        link.connection_lost(None)
        raise asyncio.CancelledError

    monkeypatch.setattr(Attempt, "transport", come_and_go)
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: complaints.append(context["message"]))
    with pytest.raises(asyncio.CancelledError):
        await connect("ws://127.0.0.1:1/")
    gc.collect()
    assert complaints == []


async def test_a_request_that_is_never_answered_can_be_cancelled() -> None:
    async with raw_server(silent, upgrade=False) as url:
        connecting = asyncio.ensure_future(connect(url)._attempt.run())
        await asyncio.sleep(0.01)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting


@pytest.mark.parametrize("refused", [False, True])
async def test_an_answer_that_nobody_waits_for_any_more(refused: bool) -> None:
    factory = ClientLinkFactory("ws://localhost/")
    factory.where = "here"
    opened = factory.opened = asyncio.get_running_loop().create_future()
    server = WebSocketServerFactory()
    server.setProtocolOptions(maxConnections=int(refused))
    server.countConnections = 1
    link = memory_link(factory, server)
    opened.cancel()  # as whoever gives up does, in the turn in which the answer arrives
    if not refused:
        await link.client.is_open
        link.client.dropConnection(abort=True)
    await link.client.wait_closed()
    assert opened.cancelled()
    assert factory.opened is None


async def test_headers_that_cannot_be_sent_are_named() -> None:
    async with serving() as (_, url):
        with pytest.raises(OptionError, match="X-A must not have control characters"):
            await connect(url, headers={"X-A": "a\r\nb"})


# --- TLS ----------------------------------------------------------------------------------------


async def test_the_server_is_verified(certificates: Certificates) -> None:
    async with serving(ssl=certificates.server) as (_, url):
        with pytest.raises(ConnectError, match="certificate verification failed") as caught:
            await connect(url)
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
        with pytest.raises(ConnectError, match=r"not valid for 'wrong\.example'"):
            await connect(url, ssl=certificates.client, server_hostname="wrong.example")
        async with connect(url, ssl=certificates.client, server_hostname="other.example") as ws:
            await ws.send("x")
            assert await ws.recv() == "x"
            assert ws.protocol.transport_details.is_secure


async def test_tls_where_there_is_none(certificates: Certificates) -> None:
    async def plain(peer: RawPeer) -> None:
        await peer.reader.read(10)
        peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.everything()

    async with raw_server(plain, upgrade=False) as url:
        url = url.replace("ws://127.0.0.1", "wss://localhost")
        with pytest.raises(
            ConnectError, match=r"cannot connect to localhost:\d+: TLS failed: .*wants ws://$"
        ):
            await connect(url, ssl=certificates.client)


async def test_tls_that_the_server_refuses(certificates: Certificates) -> None:
    async def refuse(peer: RawPeer) -> None:
        await peer.reader.read(10)
        peer.write(b"\x15\x03\x03\x00\x02\x02\x28")  # an alert: fatal, handshake_failure
        await peer.everything()

    async with raw_server(refuse, upgrade=False) as url:
        url = url.replace("ws://127.0.0.1", "wss://localhost")
        with pytest.raises(ConnectError, match=r"TLS failed: \w*HANDSHAKE_FAILURE$"):
            await connect(url, ssl=certificates.client)


async def test_plain_where_there_is_tls(certificates: Certificates) -> None:
    async with serving(ssl=certificates.server) as (_, url):
        with pytest.raises((ConnectError, HandshakeError)):
            await connect(url.replace("wss://", "ws://"))


# --- bad arguments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://example.org/", "example.org", "ws://", "ws://h:99999/", "ws://h/#f", ""]
)
def test_bad_urls(url: str) -> None:
    with pytest.raises(InvalidURL):
        connect(url)


SERVER_SIDE = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"url": b"ws://h"}, "url must be str, not bytes"),
        ({"options": {}}, "options must be ClientOptions or None, not dict"),
        ({"options": ServerOptions()}, "options must be ClientOptions or None, not ServerOptions"),
        ({"subprotocols": "chat"}, "subprotocols must be list or tuple or None, not str"),
        ({"subprotocols": ["a", "a"]}, "subprotocols: "),
        ({"headers": [("a", "b")]}, "headers must be Mapping, not list"),
        ({"headers": {"Upgrade": "x"}}, "Upgrade"),
        ({"headers": {"X": b"bytes"}}, "must have a str value"),
        ({"headers": {"X": "a\r\nb"}}, "HTTP header X must not have control characters"),
        ({"origin": 5}, "origin must be str or None, not int"),
        ({"useragent": 5}, "useragent must be str or None, not int"),
        ({"ssl": ssl.create_default_context()}, "ssl and server_hostname are for wss://"),
        ({"server_hostname": "h"}, "ssl and server_hostname are for wss://"),
        ({"ssl_handshake_timeout": 5}, "ssl_handshake_timeout is for wss://, not for ws://"),
        ({"url": "wss://h/", "ssl": True}, "ssl must be SSLContext or None, not bool"),
        ({"url": "wss://h/", "server_hostname": 5}, "server_hostname must be str or None, not int"),
        ({"sock": socket.socket, "path": "/x"}, "sock and the path of a Unix socket exclude"),
        ({"proxy": 5}, "proxy must be str or bool or None, not int"),
        ({"proxy": "http://p:1", "path": "/x"}, "proxy excludes sock, Unix sockets, and host"),
        ({"proxy": "http://p:1", "host": "h"}, "proxy excludes sock, Unix sockets, and host"),
        ({"url": "wss://h/", "ssl": SERVER_SIDE}, "ssl must be a context for clients"),
        ({"backoff": 5}, "backoff must be a function, not int"),
        ({"backoff": Backoff}, r"backoff must be a function, such as Backoff\(\), not <class"),
        ({"retry": 5}, "retry must be a function, not int"),
        ({"retry": lambda: True}, r"retry is called as retry\(error\): <lambda>\(\) cannot be"),
        ({"max_size": 5}, r"the option ClientOptions\(max_message_payload_size=\.\.\.\)"),
        ({"autoPingInterval": 5}, r"the option ClientOptions\(auto_ping_interval=\.\.\.\)"),
        ({"extra_headers": {}}, r"has no argument extra_headers: here that is headers="),
        ({"familly": 5}, r"connect\(\) has no argument familly; did you mean family\?"),
        ({"xyzzy": 5}, r"connect\(\) has no argument xyzzy$"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(OptionError, match=error):
        connect(**{"url": "ws://example.org/", **arguments})


def test_a_function_whose_parameters_cannot_be_seen_is_taken() -> None:
    class Opaque:
        __signature__ = "nobody knows"

        def __call__(self, error: Exception) -> bool:
            return False

    connect("ws://example.org/", retry=Opaque())


async def test_one_connect_is_for_one_connection_at_a_time() -> None:
    async with serving(echo) as (_, url):
        connecting = connect(url)
        async with connecting as first:
            with pytest.raises(StateError, match="is in use already"):
                await connecting.__aenter__()
            await first.send("still there")
            assert await first.recv() == "still there"
        async with connecting as second:
            assert second is not first
    with pytest.raises(ConnectError):
        await connecting.__aenter__()
    with pytest.raises(ConnectError):
        await connecting.__aenter__()


async def test_a_message_right_behind_the_response() -> None:
    async def hello(peer: RawPeer) -> None:
        peer.send(TEXT, b"hello")
        await peer.everything()

    options = ClientOptions(close_timeout=0.05)
    async with raw_server(hello) as url, connect(url, options=options) as ws:
        assert await ws.recv() == "hello"
