"""The configurations of docs/howto/proxies.md, in the proxies that they are for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import ssl
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from wsproto_async import (
    ClientOptions,
    HandshakeError,
    ServerOptions,
    WebSocket,
    connect,
    health_check,
    serve,
)

PAGE = (Path(__file__).parents[1] / "docs/howto/proxies.md").read_text()
SILENT = ClientOptions(auto_ping_interval=0)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the certificate of example.com and its key."""
    file = tmp_path_factory.mktemp("tls") / "example.com.pem"
    authority.issue_cert("example.com").private_key_and_cert_chain_pem.write_to_path(str(file))
    return file


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def configuration(language: str, changes: Mapping[str, str]) -> str:
    """The configuration in the page; what is changed in it must be there."""
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    text = found[1]
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def nginx(port: int, upstream: int, certificate: Path, idle: str) -> tuple[str, list[str]]:
    site = configuration(
        "nginx",
        {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "127.0.0.1:9000": f"127.0.0.1:{upstream}",
            "/etc/ssl/example.com.pem": str(certificate),
            "/etc/ssl/example.com.key": str(certificate),
            "75s": idle,
        },
    )
    folder = certificate.parent
    owner = "user root;" if os.geteuid() == 0 else ""
    temporary = " ".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"""\
        {owner} daemon off; pid {folder}/nginx.pid; error_log stderr;
        events {{}}
        http {{ access_log off; {temporary} {site} }}"""
    return whole, ["-p", str(folder), "-e", "stderr", "-c"]


def haproxy(port: int, upstream: int, certificate: Path, idle: str) -> tuple[str, list[str]]:
    text = configuration(
        "haproxy",
        {
            "bind :443": f"bind 127.0.0.1:{port}",
            "127.0.0.1:9000": f"127.0.0.1:{upstream}",
            "/etc/haproxy/example.com.pem": str(certificate),
            "75s": idle,
            "inter 2s": "inter 100ms",
        },
    )
    return text, ["-db", "-f"]


Proxy = Callable[[int, int, Path, str], tuple[str, list[str]]]
PROXIES: list[Any] = [
    pytest.param(
        proxy,
        id=proxy.__name__,
        marks=pytest.mark.skipif(
            shutil.which(proxy.__name__) is None,
            reason=f"{proxy.__name__} is not installed: apt-get install {proxy.__name__}",
        ),
    )
    for proxy in (nginx, haproxy)
]
each_proxy = pytest.mark.parametrize("proxy", PROXIES)


@contextlib.asynccontextmanager
async def running(
    proxy: Proxy, upstream: int, certificate: Path, folder: Path, idle: str = "75s"
) -> AsyncIterator[int]:
    """Run a proxy in front of a server at the port ``upstream``; gives the port of the proxy."""
    port = free_port()
    text, arguments = proxy(port, upstream, certificate, idle)
    file = folder / "proxy.conf"
    file.write_text(text)
    process = await asyncio.create_subprocess_exec(
        *(proxy.__name__, *arguments, str(file)), stdout=PIPE, stderr=STDOUT
    )
    try:
        while process.returncode is None:
            with contextlib.suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.02)
        else:
            assert process.stdout is not None
            pytest.fail((await process.stdout.read()).decode())
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def say_peer(ws: WebSocket) -> None:
    await ws.send(ws.peer)
    async for message in ws:
        await ws.send(message)


BEHIND = ServerOptions(trust_x_forwarded_for=1, allowed_origins=["same-origin"])
QUIET = ServerOptions(auto_ping_interval=0)


def serving(options: ServerOptions, **arguments: Any) -> Any:
    """A server that proxies take for one that is well."""
    arguments.setdefault("process_request", health_check())
    return serve(say_peer, "127.0.0.1", 0, options=options, **arguments)


def port_of(server: Any) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def through(port: int, authority: trustme.CA, **arguments: Any) -> Any:
    """Connect to example.com, which is the proxy at this port."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return connect(
        f"wss://example.com:{port}/ws/",
        host="127.0.0.1",
        port=port,
        ssl=context,
        proxy=None,
        options=SILENT,
        **arguments,
    )


@each_proxy
async def test_messages_peer_and_origin(
    proxy: Proxy, authority: trustme.CA, certificate: Path, tmp_path: Path
) -> None:
    async with (
        serving(BEHIND) as server,
        running(proxy, port_of(server), certificate, tmp_path) as port,
    ):
        arguments = {
            "origin": f"https://example.com:{port}",
            "headers": {"X-Forwarded-For": "192.0.2.7"},  # which nobody believes
        }
        async with through(port, authority, **arguments) as ws:
            assert await ws.recv() == "127.0.0.1"
            message = b"\xff" * 300_000
            await ws.send(message)
            assert await ws.recv() == message
            assert await ws.ping() > 0
        assert ws.close_info is not None
        assert (ws.close_code, ws.close_info.was_clean) == (1000, True)
        with pytest.raises(HandshakeError) as refused:
            await through(port, authority, origin="https://example.org")
        assert refused.value.status == 400


@pytest.mark.parametrize(("version", "status"), [("1.0", b"505"), ("1.1", b"426")])
async def test_what_a_proxy_gets_that_passes_on_too_little(version: str, status: bytes) -> None:
    async with serving(QUIET) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(f"GET /ws/ HTTP/{version}\r\nHost: example.com\r\n\r\n".encode())
        assert (await reader.read(12)).endswith(status)
        writer.close()
        await writer.wait_closed()


@each_proxy
async def test_pings_of_the_server_keep_an_idle_connection(
    proxy: Proxy, authority: trustme.CA, certificate: Path, tmp_path: Path
) -> None:
    options = ServerOptions(auto_ping_interval=0.1)
    async with (
        serving(options) as server,
        running(proxy, port_of(server), certificate, tmp_path, idle="1s") as port,
        through(port, authority) as ws,
    ):
        await ws.recv()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await ws.recv()
        await ws.send("still there")
        assert await ws.recv() == "still there"


@each_proxy
async def test_without_pings_the_proxy_cuts_it(
    proxy: Proxy, authority: trustme.CA, certificate: Path, tmp_path: Path
) -> None:
    async with (
        serving(QUIET) as server,
        running(proxy, port_of(server), certificate, tmp_path, idle="1s") as port,
    ):
        ws = await through(port, authority)
        await ws.recv()
        await ws.wait_closed()
        assert ws.close_code == 1006


@pytest.mark.parametrize("proxy", PROXIES[1:])
async def test_one_that_is_not_well_gets_no_clients(
    proxy: Proxy, authority: trustme.CA, certificate: Path, tmp_path: Path
) -> None:
    is_well = True
    check = health_check("/healthz", lambda: is_well)
    async with (
        serving(QUIET, process_request=check) as server,
        running(proxy, port_of(server), certificate, tmp_path) as port,
    ):
        async with through(port, authority) as ws:
            await ws.recv()
        is_well = False
        status = 0
        while not status:  # until the proxy has asked
            try:
                await (await through(port, authority)).close()
            except HandshakeError as error:
                status = error.status
        assert status == 503
