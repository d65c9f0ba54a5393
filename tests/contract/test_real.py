"""Real sockets, TLS, Unix sockets and a real proxy, on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.parity.table import covers
from wsproto_async import WebSocketClientFactory, WebSocketServerFactory

from .support import CLOSE, MASK, Client, Server, close_payload, frame, frames, request

LOOPS = {"asyncio": asyncio.new_event_loop}
if importlib.util.find_spec("uvloop"):
    import uvloop

    LOOPS["uvloop"] = uvloop.new_event_loop

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine on each kind of loop."""

    def run(coroutine: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(asyncio.wait_for(coroutine, 20))

    return run


class Serving(Server):
    """Is waited for at the end of a test."""

    def connection_made(self, transport: Any) -> None:
        self.ended = asyncio.get_running_loop().create_future()
        self.factory.__dict__.setdefault("made", []).append(self)
        super().connection_made(transport)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.ended.set_result(None)


class Echo(Serving):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


class Talker(Client):
    """Lets a test wait for what happens."""

    def __init__(self) -> None:
        self.opened = asyncio.get_running_loop().create_future()
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.ended = asyncio.get_running_loop().create_future()

    def onOpen(self) -> None:
        self.opened.set_result(None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.heard.put_nowait(payload)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.ended.set_result((wasClean, code, reason))

    async def exchange(self, payload: bytes) -> bytes:
        await asyncio.wait([self.opened, self.ended], return_when=asyncio.FIRST_COMPLETED)
        assert self.opened.done(), self.ended.result()
        self.sendMessage(payload)
        return await self.heard.get()


def factories(url: str, **options: Any) -> tuple[Any, Any]:
    server, client = WebSocketServerFactory(), WebSocketClientFactory(url)
    server.protocol, client.protocol = Echo, Talker
    server.setProtocolOptions(**options)
    return server, client


@contextlib.asynccontextmanager
async def tcp_server(factory: Any, **more: Any) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, **more)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*(protocol.ended for protocol in getattr(factory, "made", ())))


async def exchange_and_close(protocol: Talker) -> None:
    assert await protocol.exchange(b"hello") == b"hello"
    protocol.sendClose(1000, "done")
    assert await protocol.ended == (True, 1000, None)


# --- TCP ------------------------------------------------------------------------------------------


@covers("peer", "WebSocketServerProtocol", "WebSocketClientProtocol", "tcpNoDelay")
@pytest.mark.parametrize("no_delay", [False, True])
def test_over_tcp(run: Run, no_delay: bool) -> None:
    async def test() -> None:
        server, client = factories("ws://localhost", tcpNoDelay=no_delay)
        async with tcp_server(server) as port:
            loop = asyncio.get_running_loop()
            transport, protocol = await loop.create_connection(client, "127.0.0.1", port)
            assert protocol.peer == f"tcp4:127.0.0.1:{port}"
            assert await protocol.exchange(b"x") == b"x"
            [other] = server.made
            sock = other.transport.get_extra_info("socket")
            assert bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is no_delay
            mine = transport.get_extra_info("sockname")[1]
            assert other.peer == f"tcp4:127.0.0.1:{mine}"
            await exchange_and_close(protocol)

    run(test())


@covers("onClose", "onCloseFrame")
def test_a_server_that_closed_does_not_reset_tcp(run: Run) -> None:
    class Closing(Serving):
        def onOpen(self) -> None:
            self.sendClose(3000, "enough")

    async def test() -> None:
        factory = WebSocketServerFactory()
        factory.protocol = Closing
        async with tcp_server(factory) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request())
            await reader.readuntil(b"\r\n\r\n")
            assert frames(await reader.read(100))[0].payload == close_payload(3000, "enough")
            writer.write(frame(CLOSE, close_payload(3000), mask=MASK))
            assert await reader.read() == b""  # and no ConnectionResetError
            writer.close()
            await writer.wait_closed()

    run(test())


@covers("openHandshakeTimeout")
def test_a_silent_client_is_cut_off(run: Run) -> None:
    async def test() -> None:
        factory = WebSocketServerFactory()
        factory.protocol = Serving
        factory.setProtocolOptions(openHandshakeTimeout=0.05)
        async with tcp_server(factory) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()

    run(test())


class Plain(asyncio.Protocol):
    """A mixin of somebody's, which takes uvloop to the other way of reading."""


@pytest.mark.parametrize("bases", [(Plain, Echo), (Echo, Plain)])
def test_a_base_that_is_an_asyncio_protocol(run: Run, bases: Any) -> None:
    async def test() -> None:
        server, client = factories("ws://localhost")
        server.protocol = type("Mixed", bases, {})
        client.protocol = type("Mixed", (Plain, Talker), {})
        async with tcp_server(server) as port:
            loop = asyncio.get_running_loop()
            _, protocol = await loop.create_connection(client, "127.0.0.1", port)
            await exchange_and_close(protocol)

    run(test())


@covers("sendData", "_QUEUED_WRITE_DELAY")
def test_chopped_writes_arrive_in_order(run: Run) -> None:
    async def test() -> None:
        server, client = factories("ws://localhost")
        async with tcp_server(server) as port:
            loop = asyncio.get_running_loop()
            _, protocol = await loop.create_connection(client, "127.0.0.1", port)
            await protocol.exchange(b"first")
            protocol.sendFrame(1, b"abcdefgh", chopsize=1)
            protocol.sendMessage(b"behind")
            assert [await protocol.heard.get() for _ in range(2)] == [b"abcdefgh", b"behind"]
            await exchange_and_close(protocol)

    run(test())


# --- Unix sockets ---------------------------------------------------------------------------------


@covers("peer")
@pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")
def test_over_a_unix_socket(run: Run, tmp_path: Path) -> None:
    async def test() -> None:
        path = str(tmp_path / "s")
        server, client = factories(f"ws://unix:{path}")
        loop = asyncio.get_running_loop()
        async with await loop.create_unix_server(server, path):
            _, protocol = await loop.create_unix_connection(client, client.port)
            assert protocol.peer == f"unix:{path}"
            await exchange_and_close(protocol)

    run(test())


# --- TLS ------------------------------------------------------------------------------------------


class Certificates:
    """TLS contexts for both sides."""

    def __init__(self) -> None:
        authority = trustme.CA()
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self.server)
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)


@pytest.fixture
def certificates() -> Certificates:
    return Certificates()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_over_tls(run: Run, certificates: Certificates, version: ssl.TLSVersion) -> None:
    async def test() -> None:
        server, client = factories("wss://localhost")
        certificates.server.maximum_version = version
        async with tcp_server(server, ssl=certificates.server) as port:
            loop = asyncio.get_running_loop()
            _, protocol = await loop.create_connection(
                client, "127.0.0.1", port, ssl=certificates.client, server_hostname="localhost"
            )
            assert await protocol.exchange(b"x") == b"x"
            details = protocol.transport_details
            assert details.is_secure
            assert details.channel_type == "tls"
            assert details.peer_cert["subjectAltName"] == (("DNS", "localhost"),)
            if version == ssl.TLSVersion.TLSv1_2:
                assert len(protocol.get_channel_id("tls-unique")) == 32
                assert details.secure_channel_id["tls-unique"] == protocol.get_channel_id(
                    "tls-unique"
                )
            else:
                assert details.secure_channel_id == {}
            await exchange_and_close(protocol)

    run(test())


# --- a proxy --------------------------------------------------------------------------------------

needs_proxy = pytest.mark.skipif(
    importlib.util.find_spec("proxy") is None, reason="proxy.py is not installed"
)


@pytest.fixture(scope="module")
def proxy_port() -> Iterator[int]:
    """A real HTTP proxy that wants credentials."""
    proxy: Any = importlib.import_module("proxy")
    arguments = ["--hostname", "127.0.0.1", "--port", "0", "--num-workers", "1"]
    arguments += ["--num-acceptors", "1", "--log-level", "ERROR", "--basic-auth", "me:secret"]
    with proxy.Proxy(arguments) as running:
        yield running.flags.port


CREDENTIALS = {"Proxy-Authorization": "Basic bWU6c2VjcmV0"}


async def through(proxy_port: int, client: Any, **proxy: Any) -> Talker:
    client.proxy = {"host": "127.0.0.1", "port": proxy_port, **proxy}
    loop = asyncio.get_running_loop()
    protocol: Talker
    _, protocol = await loop.create_connection(client, "127.0.0.1", proxy_port)
    return protocol


@needs_proxy
@covers("startProxyConnect", "WebSocketClientProtocol.processProxyConnect")
@pytest.mark.parametrize("secure", [False, True])
def test_through_a_proxy(
    run: Run, proxy_port: int, certificates: Certificates, secure: bool
) -> None:
    async def test() -> None:
        context = {"ssl": certificates.server} if secure else {}
        server, client = factories("ws://localhost")
        async with tcp_server(server, **context) as port:
            client.setSessionParameters(f"{'wss' if secure else 'ws'}://localhost:{port}")
            client.ssl_context = certificates.client
            protocol = await through(proxy_port, client, headers=CREDENTIALS)
            await exchange_and_close(protocol)
            assert protocol.peer == f"tcp4:127.0.0.1:{proxy_port}"

    run(test())


@needs_proxy
@covers("failProxyConnect", "onClose")
def test_a_proxy_that_refuses(run: Run, proxy_port: int) -> None:
    async def test() -> None:
        _, client = factories("ws://localhost:9")
        was_clean, code, reason = await (await through(proxy_port, client)).ended
        assert (was_clean, code) == (False, 1006)
        assert "407" in reason

    run(test())


@needs_proxy
@covers("failProxyConnect")
def test_a_proxy_that_does_not_get_there(run: Run, proxy_port: int) -> None:
    async def test() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            _, client = factories(f"ws://127.0.0.1:{unused.getsockname()[1]}")
            protocol = await through(proxy_port, client, headers=CREDENTIALS)
            was_clean, code, _ = await protocol.ended
            assert (was_clean, code) == (False, 1006)

    run(test())


@covers("failProxyConnect", "openHandshakeTimeout")
@pytest.mark.parametrize("answer", [b"", b"\x16\x03\x01\x02\x00garbage\r\n\r\n", b"HTTP/1.1 2"])
def test_a_proxy_that_is_none(run: Run, answer: bytes) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            await reader.read()
            await reader.read()
        writer.close()

    async def test() -> None:
        _, client = factories("ws://localhost:9")
        client.setProtocolOptions(openHandshakeTimeout=0.05)
        async with await asyncio.start_server(say, "127.0.0.1", 0) as server:
            protocol = await through(server.sockets[0].getsockname()[1], client)
            was_clean, code, reason = await protocol.ended
            assert (was_clean, code) == (False, 1006)
            expected = "control character" if answer.endswith(b"\n") else "handshake timeout"
            assert expected in reason

    run(test())


@needs_proxy
def test_the_certificate_is_checked_behind_a_proxy(
    run: Run, proxy_port: int, certificates: Certificates
) -> None:
    def serve_tls_once() -> None:
        tcp, _ = listener.accept()
        with tcp, contextlib.suppress(OSError):  # the client does not like what it sees
            certificates.server.wrap_socket(tcp, server_side=True)

    async def test() -> None:
        port = listener.getsockname()[1]
        _, client = factories(f"wss://localhost:{port}")  # trusts the usual authorities
        protocol = await through(proxy_port, client, headers=CREDENTIALS)
        _, _, reason = await protocol.ended
        assert "certificate verify failed" in reason

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_tls_once)
        thread.start()
        run(test())
        thread.join()


def test_the_factory_may_be_made_before_any_loop_runs(run: Run) -> None:
    server, client = factories("ws://localhost")

    async def test() -> None:
        async with tcp_server(server) as port:
            loop = asyncio.get_running_loop()
            _, protocol = await loop.create_connection(client, "127.0.0.1", port)
            await exchange_and_close(protocol)

    run(test())
