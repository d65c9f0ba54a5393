"""The examples in the README do what it says, as they stand there, but for the port."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from tests.examples.program import ROOT, Program, running

SERVER, CLIENT, AUTOBAHN, OPTIONS = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
)


@contextlib.asynccontextmanager
async def serving(block: str, port: int, folder: Path) -> AsyncIterator[Program]:
    """Run a server of the README, and wait until it accepts connections."""
    file = folder / "server.py"
    file.write_text(block.replace("9000", str(port)))
    async with running(str(file)) as server:
        while server.process.returncode is None:
            with contextlib.suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                break
            await asyncio.sleep(0.05)
        yield server


async def talk(port: int, folder: Path) -> list[str]:
    """Run the client of the README; the lines that it prints."""
    file = folder / "client.py"
    file.write_text(CLIENT.replace("9000", str(port)))
    async with running(str(file)) as client:
        return await client.end()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


async def test_server_and_client(tmp_path: Path) -> None:
    port = free_port()
    async with serving(SERVER, port, tmp_path) as server:
        assert await talk(port, tmp_path) == ["Hello"]
        assert await server.interrupt() == []


async def test_a_program_for_autobahn(tmp_path: Path) -> None:
    port = free_port()
    async with serving(AUTOBAHN, port, tmp_path):
        assert await talk(port, tmp_path) == ["Hello"]


async def test_options(tmp_path: Path) -> None:
    file = tmp_path / "options.py"
    file.write_text(OPTIONS)
    async with running(str(file)) as program:
        (line,) = await program.end()
    assert line.startswith("WSPROTO_ASYNC_MAX_CONNECTIONS='many': ")


def test_the_commands_are_verbs() -> None:
    verbs = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    readme = (ROOT / "README.md").read_text()
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    assert re.findall(r"^make ([a-z-]+)", readme, re.MULTILINE) == ["demo", "test"]
    assert {verb for verb in verbs if f"`make {verb}`" not in contributing} <= {"help", "venv"}
