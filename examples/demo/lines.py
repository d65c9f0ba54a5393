"""What the client sends: the lines of files, then those of standard input."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path


async def lines_of(files: Sequence[Path]) -> AsyncIterator[bytes]:
    """Yield the lines of the files, then those that are piped in, without their line ends."""
    for path in files:
        with path.open("rb") as file:
            for line in file:
                yield line.rstrip(b"\r\n")
    if sys.stdin is not None and not sys.stdin.isatty():
        async for line in piped_lines():
            yield line.rstrip(b"\r\n")


async def piped_lines() -> AsyncIterator[bytes]:
    """Yield the lines of standard input as they come.

    A thread reads them, because a pipe can stay silent for ever; a daemon, because the program may
    end before the pipe does.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=100)

    def put(line: bytes) -> None:
        asyncio.run_coroutine_threadsafe(queue.put(line), loop).result()

    def read() -> None:
        with contextlib.suppress(OSError), open(0, "rb", closefd=False) as pipe:
            for line in pipe:
                put(line)
        put(b"")

    def thread() -> None:
        with contextlib.suppress(Exception):  # the event loop has ended meanwhile
            read()

    threading.Thread(target=thread, daemon=True).start()
    while line := await queue.get():
        yield line
