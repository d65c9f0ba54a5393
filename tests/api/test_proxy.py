"""Proxies: chosen, asked, and not trusted with more than they need."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from wsproto_async import (
    ClientOptions,
    ConnectError,
    OptionError,
    WebSocketClientFactory,
    WebSocketClientProtocol,
    connect,
    parse_url,
)
from wsproto_async.api.proxy import Proxy, find_proxy, parse_proxy

from .support import Certificates, RawPeer, drain, port_of, raw_server, serving, until


class Tunnels:
    """What a proxy was asked for, and how it answers."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.answer = b"HTTP/1.1 200 Connection established\r\n\r\n"
        self.url = ""

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        writer.write(self.answer)
        if not self.answer:
            await reader.read()
        if b" 200 " in self.answer:
            host, _, port = head.split(b" ")[1].partition(b":")
            await relay(reader, writer, host.decode(), int(port))

    async def socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """SOCKS5 (RFC 1928) with names, with or without a password (RFC 1929)."""
        _, number = await reader.readexactly(2)
        methods = await reader.readexactly(number)
        writer.write(b"\x05\x02" if 2 in methods else b"\x05\x00")
        if 2 in methods:
            _, size = await reader.readexactly(2)
            user = await reader.readexactly(size)
            (size,) = await reader.readexactly(1)
            self.heads.append(user + b":" + await reader.readexactly(size))
            writer.write(b"\x01\x00")
        kind = (await reader.readexactly(4))[3]
        size = 4 if kind == 1 else (await reader.readexactly(1))[0]
        address = await reader.readexactly(size)
        host = ".".join(map(str, address)) if kind == 1 else address.decode()
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.heads.append(f"{host}:{port}".encode())
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await relay(reader, writer, host, port)


async def relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
) -> None:
    there_reader, there_writer = await asyncio.open_connection(host, port)

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                target.write(data)
        target.close()

    await asyncio.gather(copy(reader, there_writer), copy(there_reader, writer))


@contextlib.asynccontextmanager
async def proxying(scheme: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Tunnels]:
    tunnels = Tunnels()
    tasks = set()

    async def on_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        tasks.add(task)
        serve = tunnels.socks if scheme.startswith("socks") else tunnels.http
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(on_client, "127.0.0.1", 0, ssl=tls)
    host = "localhost" if tls else "127.0.0.1"
    tunnels.url = f"{scheme}://{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield tunnels
    finally:
        server.close()
        await until(lambda: not tasks)
        await server.wait_closed()


def with_user(url: str) -> str:
    return url.replace("://", "://us%65r:pass%20word@")


@pytest.mark.parametrize("tls", [False, True])
async def test_connect(tls: bool, certificates: Certificates) -> None:
    arguments: dict[str, Any] = {"ssl": certificates.client} if tls else {}
    async with (
        proxying("http") as tunnels,
        serving(ssl=certificates.server if tls else None) as (server, url),
    ):
        async with connect(url, proxy=with_user(tunnels.url), **arguments) as ws:
            for message in ("x", b"x" * 300_000):
                await ws.send(message)
                assert await ws.recv() == message
            assert 0 < await ws.ping() < 5
            (theirs,) = server.connections
            assert theirs.request is not None
            assert "proxy-authorization" not in theirs.request.headers
        assert ws.close_code == 1000
        (head,) = tunnels.heads
        place = url.partition("://")[2].rstrip("/")
        assert head.startswith(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n".encode())
        secret = base64.b64encode(b"user:pass word")
        assert b"\r\nProxy-Authorization: Basic " + secret + b"\r\n" in head
        await until(lambda: not server._links)


async def test_certificates_count_in_a_tunnel(certificates: Certificates) -> None:
    async with proxying("http") as tunnels, serving(ssl=certificates.server) as (_, url):
        with pytest.raises(ConnectError, match="certificate verify failed") as caught:
            await connect(url, proxy=tunnels.url)
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
        with pytest.raises(ConnectError, match=r"not valid for 'wrong\.example'"):
            await connect(
                url, proxy=tunnels.url, ssl=certificates.client, server_hostname="wrong.example"
            )
        async with connect(
            url, proxy=tunnels.url, ssl=certificates.client, server_hostname="other.example"
        ) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_keywords_for_tls_in_a_tunnel(
    scheme: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssl, "create_default_context", lambda: certificates.client)
    async with (
        proxying(scheme, certificates.server if scheme == "https" else None) as tunnels,
        serving(ssl=certificates.server) as (_, url),
        connect(url, proxy=tunnels.url, ssl=certificates.client, ssl_handshake_timeout=60) as ws,
    ):
        await ws.send("x")
        assert await ws.recv() == "x"


async def test_how_long_tls_may_take_in_a_tunnel() -> None:
    async def silent(peer: RawPeer) -> None:
        await peer.everything()

    async with (
        proxying("http") as tunnels,
        raw_server(silent, upgrade=False) as url,
        asyncio.timeout(5),
    ):
        # uvloop does not say why.
        with pytest.raises(ConnectError, match=r"longer than 0.2 seconds|it closed the connection"):
            await connect(url.replace("ws:", "wss:"), proxy=tunnels.url, ssl_handshake_timeout=0.2)


async def test_an_https_proxy(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl, "create_default_context", lambda: certificates.client)
    async with (
        proxying("https", certificates.server) as tunnels,
        serving() as (_, url),
        connect(url, proxy=tunnels.url) as ws,
    ):
        await ws.send("x")
        assert await ws.recv() == "x"


async def test_tls_in_tls(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl, "create_default_context", lambda: certificates.client)
    async with (
        proxying("https", certificates.server) as tunnels,
        serving(ssl=certificates.server) as (_, url),
        connect(url, proxy=tunnels.url, ssl=certificates.client) as ws,
    ):
        await ws.send("x")
        assert await ws.recv() == "x"


@pytest.mark.parametrize("user", [str, with_user])
@pytest.mark.parametrize("tls", [False, True])
async def test_socks(user: Callable[[str], str], tls: bool, certificates: Certificates) -> None:
    pytest.importorskip("python_socks")
    arguments: dict[str, Any] = {"ssl": certificates.client} if tls else {}
    async with (
        proxying("socks5") as tunnels,
        serving(ssl=certificates.server if tls else None) as (_, url),
    ):
        async with connect(url, proxy=user(tunnels.url), **arguments) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"
        place = url.partition("://")[2].rstrip("/").encode()
        assert tunnels.heads == ([b"user:pass word", place] if user is with_user else [place])


async def test_socks_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "python_socks", None)
    with pytest.raises(OptionError, match=r"needs the package python-socks\[asyncio\]"):
        await connect("ws://example.org/", proxy="socks5://127.0.0.1:1")


async def test_socks_that_nobody_serves() -> None:
    pytest.importorskip("python_socks")
    with pytest.raises(ConnectError, match=r"proxy socks5://127\.0\.0\.1:1: "):
        await connect("ws://example.org/", proxy="socks5://user:secret@127.0.0.1:1")


@pytest.mark.parametrize("answer", [407, 403, 502])
async def test_a_proxy_that_refuses(answer: int) -> None:
    async with proxying("http") as tunnels:
        tunnels.answer = f"HTTP/1.1 {answer} No\r\nContent-Length: 0\r\n\r\n".encode()
        with pytest.raises(ConnectError, match=rf"^proxy {tunnels.url}: HTTP proxy.*{answer}"):
            await connect("ws://example.org/", proxy=tunnels.url)


async def test_a_proxy_that_talks_too_much() -> None:
    async with proxying("http") as tunnels, serving(drain) as (_, url):
        tunnels.answer += b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
        with pytest.raises(ConnectError, match="sent data behind its answer"):
            await connect(url, proxy=tunnels.url)


async def test_a_proxy_that_is_not_there() -> None:
    with pytest.raises(
        ConnectError, match=r"^cannot connect to proxy http://127\.0\.0\.1:1: Connection refused$"
    ):
        await connect("ws://example.org/", proxy="http://user:secret@127.0.0.1:1")


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_whose_name_no_host_can_have(scheme: str) -> None:
    with pytest.raises(ConnectError, match="there can be no host of this name"):
        await connect("ws://example.com/", proxy=f"{scheme}://{'a' * 64}:1")


@pytest.mark.parametrize("is_lost", [True, False])
async def test_the_end_in_the_middle_of_a_tunnels_tls(is_lost: bool) -> None:
    """Of that asyncio tells nobody."""

    class Client(WebSocketClientProtocol):
        def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
            reasons.append(str(reason))

    async def script(peer: RawPeer) -> None:
        await peer.read_head()
        peer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await peer.reader.read(1)
        if is_lost:
            sock = peer.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.abort()
        else:
            await peer.everything()

    reasons: list[str] = []
    options = ClientOptions(open_handshake_timeout=60 if is_lost else 0.05)
    async with raw_server(script, upgrade=False) as url, asyncio.timeout(5):
        proxy = parse_proxy(url.replace("ws:", "http:"))
        with pytest.raises(ConnectError, match="reset" if is_lost else "within"):
            await connect(
                "wss://h.example/", proxy=f"http://{proxy.host}:{proxy.port}", options=options
            )
        factory = WebSocketClientFactory(
            "wss://h.example/", proxy={"host": proxy.host, "port": proxy.port}
        )
        factory.protocol, factory.options = Client, options
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(factory, proxy.host, proxy.port)
        await client.wait_closed()
    assert len(reasons) == 1
    assert ("reset by peer" if is_lost else "handshake timeout") in reasons[0]


@pytest.mark.parametrize("steps", [1, 5, 10, 20])
async def test_a_tunnel_can_be_cancelled(steps: int, certificates: Certificates) -> None:
    async with proxying("http") as tunnels, serving(ssl=certificates.server) as (server, url):
        connecting = asyncio.ensure_future(
            connect(url, proxy=tunnels.url, ssl=certificates.client)._attempt.run()
        )
        for _ in range(steps):
            await asyncio.sleep(0.0005)
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await (await connecting).close()
        await asyncio.sleep(0.02)  # see test_connecting_can_be_cancelled
        await until(lambda: not server._links)


async def test_time_counts_for_proxies_too(certificates: Certificates) -> None:
    async with proxying("http") as tunnels:
        tunnels.answer = b""
        options = ClientOptions(open_handshake_timeout=0.05)
        with pytest.raises(ConnectError, match=f"^proxy {tunnels.url}: no connection within"):
            await connect("ws://127.0.0.1:1/", proxy=tunnels.url, options=options)


# --- choosing one -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "url", "found"),
    [
        ({}, "ws://h/", None),
        ({"http_proxy": "http://p:1"}, "ws://h/", "http://p:1"),
        ({"http_proxy": "http://p:1"}, "wss://h/", None),
        ({"https_proxy": "http://p:1"}, "wss://h/", "http://p:1"),
        ({"https_proxy": "http://p:1"}, "ws://h/", None),
        ({"HTTPS_PROXY": "p:1"}, "wss://h/", "http://p:1"),
        ({"wss_proxy": "http://a:1", "https_proxy": "http://b:1"}, "wss://h/", "http://a:1"),
        ({"ws_proxy": "http://a:1", "http_proxy": "http://b:1"}, "ws://h/", "http://a:1"),
        ({"all_proxy": "socks5://p"}, "ws://h/", "socks5://p:1080"),
        ({"http_proxy": "http://p:1", "no_proxy": "h"}, "ws://h/", None),
        ({"http_proxy": "http://p:1", "no_proxy": "h:80"}, "ws://h/", None),
        ({"http_proxy": "http://p:1", "no_proxy": ".example"}, "ws://a.example/", None),
        ({"http_proxy": "http://p:1", "no_proxy": "*"}, "ws://h/", None),
        ({"http_proxy": "http://p:1"}, "ws://localhost/", None),
        ({"http_proxy": "http://p:1"}, "ws://a.localhost:9000/", None),
        ({"http_proxy": "http://p:1"}, "ws://127.0.0.1:9000/", None),
        ({"http_proxy": "http://p:1"}, "ws://[::1]:9000/", None),
        ({"http_proxy": "http://p:1"}, "ws://unix:/socket", None),
    ],
)
def test_the_environment_names_a_proxy(
    environment: dict[str, str], url: str, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    proxy = find_proxy(parse_url(url))
    assert (None if proxy is None else f"{proxy.scheme}://{proxy.host}:{proxy.port}") == found


def test_the_environment_names_what_is_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "ftp://user:secret@p")
    with pytest.raises(OptionError, match=r"not 'ftp' \(from http_proxy; proxy=None") as caught:
        find_proxy(parse_url("ws://h/"))
    assert "secret" not in str(caught.value)


async def test_the_environment_counts_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wsproto_async.api.proxy._is_here", lambda host: False)
    async with proxying("http") as tunnels, serving() as (server, url):
        monkeypatch.setenv("http_proxy", tunnels.url)
        async with connect(url):
            assert len(tunnels.heads) == 1
        for direct in (
            connect(url, proxy=None),
            connect(url, proxy=False),
            connect(url, host="127.0.0.1", port=port_of(server)),
        ):
            async with direct as ws:
                await ws.send("x")
                assert await ws.recv() == "x"
        assert len(tunnels.heads) == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h", Proxy("http", "h", 80, None, None)),
        ("h:3128", Proxy("http", "h", 3128, None, None)),
        ("https://h", Proxy("https", "h", 443, None, None)),
        ("http://[::1]:1", Proxy("http", "::1", 1, None, None)),
        ("socks5h://u:p%40@h", Proxy("socks5h", "h", 1080, "u", "p@")),
        ("http://u@h", Proxy("http", "h", 80, "u", None)),
    ],
)
def test_proxy_urls(url: str, expected: Proxy) -> None:
    assert parse_proxy(url) == expected


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("ftp://u:secret@h", "one of the schemes http, https, socks4, socks5, socks5h, not 'ftp'"),
        ("http://", "must have a host"),
        ("http://u:secret@h:port", "must be a URL such as"),
    ],
)
def test_bad_proxy_urls_do_not_show_the_password(url: str, error: str) -> None:
    with pytest.raises(OptionError, match=error) as caught:
        parse_proxy(url)
    assert "secret" not in str(caught.value)


def test_passwords_are_not_shown() -> None:
    proxy = parse_proxy("http://user:secret@h:1")
    assert "secret" not in f"{proxy} {proxy!r}"
    assert proxy.headers == {"Proxy-Authorization": "Basic dXNlcjpzZWNyZXQ="}
    assert parse_proxy("http://h").headers == {}
