"""The demo, started as a user starts it, on a free port."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def start(*arguments: str, stdin: int = DEVNULL) -> Process:
    """Start ``python -m examples.demo`` with what it prints in a pipe."""
    command = (sys.executable, "-u", "-m", "examples.demo", *arguments)
    return await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdin=stdin, stdout=PIPE, stderr=STDOUT
    )


async def output_until(process: Process, pattern: str) -> re.Match[str]:
    """Read lines until one matches."""
    assert process.stdout is not None
    lines = []
    while line := (await process.stdout.readline()).decode():
        lines.append(line)
        if match := re.search(pattern, line):
            return match
    raise AssertionError(f"no {pattern!r} in what it printed:\n{''.join(lines)}")


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[tuple[Process, str]]:
    """Run the demo until its client has finished, and give the process and ``HOST:PORT``."""
    process = await start("--port", "0")
    try:
        place = await output_until(process, r"ws://(\S+)/")
        await output_until(process, "Ctrl-C ends")
        yield process, place[1]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
