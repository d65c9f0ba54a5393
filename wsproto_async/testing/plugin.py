"""A pytest plugin: ``pytest_plugins = ["wsproto_async.testing.plugin"]`` in conftest.py.

It is not switched on by being installed, since pytest would then import this package in every
project that happens to have it.

======================  ==============================================================
``websocket_server``    starts servers, which are closed when the test has ended
``websocket_recorder``  a recorder; a test that fails shows what it has recorded
======================  ==============================================================

Fixtures are asynchronous by pytest-asyncio, in its strict mode as well; where that is not
installed, anyio runs them.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

import pytest

from .recorder import Recorder
from .server import LocalServer, local_server

__all__ = ["StartServer", "websocket_recorder", "websocket_server"]

StartServer = Callable[..., Awaitable[LocalServer]]
"""Takes the arguments of :func:`wsproto_async.testing.local_server`."""

async_fixture: Any
try:
    import pytest_asyncio
except ImportError:
    async_fixture = pytest.fixture
else:
    async_fixture = pytest_asyncio.fixture

RECORDER: pytest.StashKey[Recorder] = pytest.StashKey()


@async_fixture  # type: ignore[untyped-decorator]
async def websocket_server() -> AsyncIterator[StartServer]:
    """What starts servers: ``await start(handler, faults=True)``; they end with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*args: Any, **kwargs: Any) -> LocalServer:
            return await stack.enter_async_context(local_server(*args, **kwargs))

        yield start


@pytest.fixture
def websocket_recorder(request: pytest.FixtureRequest) -> Recorder:
    """A recorder, for ``websocket_server(recorder=...)`` or ``memory_pair(recorder=...)``."""
    recorder = request.node.stash[RECORDER] = Recorder()
    return recorder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what was recorded, where a test has failed."""
    report = yield
    if report.failed and RECORDER in item.stash:
        report.sections.append(("WebSocket frames", str(item.stash[RECORDER])))
    return report
