"""Fixtures of the application face's tests: real sockets, on asyncio and on uvloop."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from .support import Certificates


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of whoever runs the tests must not count."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
async def _nothing_is_left(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """After each test: no task, no socket, and no timer of ours."""
    if not inspect.iscoroutinefunction(request.function):
        yield
        return
    sockets = open_sockets()
    yield
    try:
        async with asyncio.timeout(2):
            while leftovers(sockets):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    except TimeoutError:
        pytest.fail(f"left behind: {leftovers(sockets)}")


def leftovers(sockets: set[str]) -> list[Any]:
    """What is there and should not be."""
    loop = asyncio.get_running_loop()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    timers = [
        handle
        for handle in getattr(loop, "_scheduled", ())
        if not handle.cancelled() and "wsproto_async" in repr(handle)
    ]
    return [*tasks, *timers, *(open_sockets() - sockets)]


def open_sockets() -> set[str]:
    """The sockets of this process, where the system can tell; without those of the loop itself."""
    directory = Path("/proc/self/fd")
    found = set()
    for name in os.listdir(directory) if directory.exists() else ():
        try:
            target = os.readlink(directory / name)
            if not target.startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(name))) as sock:
                if sock.family == socket.AF_UNIX and not sock.getsockname():
                    continue  # a pair, by which a loop wakes itself
        except OSError:  # gone meanwhile, as that of listdir() is
            continue
        found.add(target)
    return found


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    """Contexts for a server that is called localhost, and for clients that trust it."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", "other.example").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return Certificates(server, client)
