"""The programs in the pages, and what the tests of them need.

A program is tested by its functions that begin with ``test_``. Where a page would be the worse for
them, they stand behind the program in a comment, which no reader sees::

    <!-- test
    def test_echo() -> None:
        assert answers(main(), "Hello") == ["Hello"]
    -->

What is not underscored here can be used in there without an import. So can ``page``: the names of
the earlier programs of the page, a mapping for each. The port 9000 of a program is a free one.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import socket
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from wsproto_async import ConnectError, WebSocket, connect, run, serve
from wsproto_async.testing import memory_pair

DOCS = Path(__file__).parents[1] / "docs"
T = TypeVar("T")

_BLOCK = re.compile(
    r"^```python\n(?P<program>.*?)^```$(?:\n+<!-- test\n(?P<test>.*?)^-->$)?",
    re.MULTILINE | re.DOTALL,
)


# --- finding and loading ----------------------------------------------------------------------


def programs(page: Path) -> list[tuple[str, str]]:
    """The programs of a page, each with the test that stands behind it."""
    return [(block["program"], block["test"] or "") for block in _BLOCK.finditer(page.read_text())]


def load(page: Path, number: int) -> dict[str, Any]:
    """Import a program of a page, counted from 0, and its test; its names."""
    port = _free_port()
    loaded: list[dict[str, Any]] = []
    for program, test in programs(page)[: number + 1]:
        names = {**_HELPERS, "__name__": "program", "page": list(loaded), "port": port}
        text = f"{program}{test}".replace("9000", str(port))
        where = f"{page.name}, program {len(loaded) + 1}"
        exec(compile(text, where, "exec", dont_inherit=True), names)
        loaded.append(names)
    return loaded[-1]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


# --- for the tests in the pages ---------------------------------------------------------------


async def beside(server: Coroutine[Any, Any, Any], client: Awaitable[T]) -> T:
    """Run a server for as long as a client takes; what the client returned."""
    task = asyncio.ensure_future(server)
    try:
        return await client
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def reach(url: str, **arguments: Any) -> WebSocket:
    """Connect to a server that may need a moment to be there."""
    while True:
        try:
            return await connect(url, proxy=None, **arguments)
        except ConnectError:
            await asyncio.sleep(0.01)


def answers(port: int, server: Coroutine[Any, Any, Any], *messages: str) -> list[Any]:
    """Run a server, send it messages, and return as many of what it sends."""

    async def client() -> list[Any]:
        ws = await reach(f"ws://127.0.0.1:{port}/")
        for message in messages:
            await ws.send(message)
        received = [await ws.recv() for _ in messages]
        await ws.close()
        return received

    return run(beside(server, client()))


def handled(handler: Any, *messages: Any, **server: Any) -> list[Any]:
    """Let a handler of ``serve`` have messages; all that it sends until it ends or they do."""

    async def client() -> list[Any]:
        async with memory_pair(handler, server=server) as (ws, _):
            for message in messages:
                await ws.send(message)
            received = [await ws.recv() for _ in messages]
            await ws.close()
            return received

    return run(client())


def printed(program: Coroutine[Any, Any, Any]) -> list[str]:
    """Run a program to its end; the lines that it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        run(program)
    return output.getvalue().splitlines()


def prints(port: int, handler: Any, program: Callable[[], Awaitable[Any]]) -> list[str]:
    """Run a client's program while a handler serves at the port; the lines that it prints."""

    async def client() -> None:
        async with serve(handler, "127.0.0.1", port):
            await program()

    return printed(client())


async def echo(ws: WebSocket) -> None:
    """A handler."""
    async for message in ws:
        await ws.send(message)


_HELPERS = {
    function.__name__: function
    for function in (answers, beside, echo, handled, printed, prints, reach, run)
}
