"""``run``: on uvloop if that is there."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import warnings
from typing import Any

import pytest

from wsproto_async import OptionError, StateError, connect, run, serve

from .support import Certificates, echo


async def module_of_the_loop() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_on_uvloop() -> None:
    assert run(module_of_the_loop()) == "uvloop"


def test_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run(module_of_the_loop()).startswith("asyncio.")


def test_debug_mode() -> None:
    async def debug() -> bool:
        return asyncio.get_running_loop().get_debug()

    assert run(debug(), debug=True)
    assert not run(debug(), debug=False)


async def test_a_loop_is_running_already() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(StateError, match=r"await main\(\)"):
            run(asyncio.sleep(0))
        with pytest.raises(RuntimeError, match=r"await main\(\)"):
            run(5)  # type: ignore[arg-type]
        gc.collect()


def test_exceptions_pass() -> None:
    async def fail() -> None:
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        run(fail())


def test_on_other_transports(certificates: Certificates) -> None:
    async def talk() -> tuple[str, list[str | bytes]]:
        async with serve(echo, "localhost", 0, ssl=certificates.server) as server:
            url = f"wss://localhost:{server.sockets[0].getsockname()[1]}"
            async with connect(url, ssl=certificates.client) as ws:
                transport = type(ws.protocol.transport).__module__
                answers = []
                for message in ("small", b"large" * 100_000):
                    await ws.send(message)
                    answers.append(await ws.recv())
                return transport, answers

    transport, answers = run(talk(), transports="aiofastnet")
    assert transport.startswith("aiofastnet.")
    assert answers == ["small", b"large" * 100_000]


def test_what_libraries_call_by_keyword_stays_the_loops_own() -> None:
    async def connected() -> bool:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock=sock, address=listener.getsockname())
        return True

    assert run(connected(), transports="aiofastnet")


@pytest.mark.parametrize("transports", ["fast", "aiofastnet"])
def test_transports_that_are_not_there(transports: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiofastnet", None)
    with pytest.raises(OptionError, match="transports"):
        run(module_of_the_loop(), transports=transports)
