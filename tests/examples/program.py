"""A program, started as a user starts it, with every warning an error."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Program:
    """A running program and what it has printed so far."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.printed: list[str] = []

    async def line(self) -> str:
        """The next line; without its end."""
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode()
        assert line, "it ended after:\n" + "\n".join(self.printed)
        self.printed.append(line.rstrip("\n"))
        return self.printed[-1]

    async def until(self, pattern: str) -> re.Match[str]:
        """Read lines until one matches."""
        while not (match := re.search(pattern, await self.line())):
            pass
        return match

    async def url(self) -> str:
        """What it says it serves at."""
        return (await self.until(r"^Serving at (\S+)$"))[1]

    async def end(self) -> list[str]:
        """Wait until it has ended by itself, and well; the lines it has printed."""
        assert self.process.stdout is not None
        self.printed += (await self.process.stdout.read()).decode().splitlines()
        everything = "\n".join(self.printed)
        assert await self.process.wait() == 0, everything
        assert "Traceback" not in everything, everything
        return self.printed

    async def interrupt(self) -> list[str]:
        """Press Ctrl-C, and wait until it has ended."""
        self.process.send_signal(signal.SIGINT)
        return await self.end()


@contextlib.asynccontextmanager
async def running(
    *arguments: str, environ: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> AsyncIterator[Program]:
    """Run Python with these arguments."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-W", "error", *arguments),
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
