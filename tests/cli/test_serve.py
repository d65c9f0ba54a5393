"""``wsproto-async serve``: echo, broadcast, and a page."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from wsproto_async import connect
from wsproto_async.cli import main
from wsproto_async.cli.serve import _explain

from .support import started


@contextlib.asynccontextmanager
async def server(*arguments: str) -> AsyncIterator[tuple[str, Process]]:
    """The tool, serving at a free port; its URL."""
    async with started("serve", "--port", "0", *arguments) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert line.startswith("Serving "), line
        yield line.split()[-1], process


async def get(url: str, path: str) -> str:
    host, port = url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def test_echo_with_a_page_and_a_graceful_end() -> None:
    async with server() as (url, process):
        page = await get(url, "/")
        assert page.startswith("HTTP/1.1 200 ")
        assert "<title>wsproto-async serve</title>" in page
        assert (await get(url, "/other")).startswith("HTTP/1.1 404 ")
        async with connect(url) as ws:
            await ws.send("Grüße")
            assert await ws.recv() == "Grüße"
            process.send_signal(signal.SIGINT)
            await ws.wait_closed()
            assert ws.close_code == 1001
        assert process.stdout is not None
        said = (await process.stdout.read()).decode().splitlines()
        assert await process.wait() == 0
    assert said[0].startswith("Open http://127.0.0.1:")
    assert said[1].endswith(" has come")
    assert " has gone: we closed the connection with 1001 (going away)" in said[2]


async def test_broadcast_without_page_or_words() -> None:
    async with server("--broadcast", "--no-page", "--quiet") as (url, process):
        assert (await get(url, "/")).startswith("HTTP/1.1 426 ")
        async with connect(url) as ann, connect(url) as bob:
            await bob.send("here")  # both are members once this has come back
            await ann.send("hello")
            for ws in (ann, bob):
                while await ws.recv() != "hello":
                    pass
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert await process.stdout.read() == b""
        assert await process.wait() == 0


async def test_tls_and_options(tmp_path: Path) -> None:
    authority = trustme.CA()
    path = tmp_path / "cert.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(path))
    arguments = ["--cert", str(path), "-o", "max_message_payload_size=10"]
    async with server(*arguments) as (url, process):
        assert url.startswith("wss://")
        async with started("connect", "--insecure", "--quiet", url) as client:
            out, err = await client.communicate(b"0123456789\n")
            assert (client.returncode, out, err) == (0, b"0123456789\n", b"")
        async with started("connect", url) as client:
            _, err = await client.communicate()
            assert client.returncode == 1
            assert b"certificate verification failed" in err
            assert len(err.splitlines()) == 1
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


def test_what_cannot_be_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "cert.pem"
    wrong.write_text("nonsense")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, status, error in [
            (["--port", port], 1, f"port {port} of 127.0.0.1 is in use; choose another with --por"),
            (["--host", "192.0.2.1"], 1, "192.0.2.1 is not an address of this machine"),
            (["--port", "70000"], 2, "--port must be from 0 to 65535, not 70000"),
            (["--key", "x"], 2, "--key needs --cert"),
            (["--cert", "/nowhere"], 2, "--cert /nowhere, --key /nowhere: No such file"),
            (["--cert", str(wrong)], 2, f"--cert {wrong}, --key {wrong}: "),
            (["-o", "max_connections=-1"], 2, "-o MAX_CONNECTIONS='-1': should be greater than"),
        ]:
            assert main(["serve", *arguments]) == status
            out, err = capfd.readouterr()
            assert error in err
            assert len(err.splitlines()) == 1
            assert out == ""


def test_what_the_system_refuses_is_said_in_its_words() -> None:
    refusal = PermissionError(errno.EACCES, "Permission denied")
    assert _explain(refusal, "::1", 80) == "cannot serve at [::1]:80: Permission denied"
    assert _explain(OSError("no way"), "a.example", 80) == "cannot serve at a.example:80: no way"
