"""The tools, run as a user runs them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import select
import sys
import termios
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from coverage import Coverage

from tests.examples.program import ROOT

__all__ = ["PROMPT", "Result", "Terminal", "started", "tool"]


class Result(NamedTuple):
    """What is left of a run."""

    status: int
    out: str
    err: str


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a tool: ours, and coverage measures it where it measures us."""
    measured = Coverage.current() is not None
    coverage = {"COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml")} if measured else {}
    return {**os.environ, "PYTHONPATH": str(ROOT), **coverage, **more}


@contextlib.asynccontextmanager
async def started(*arguments: str, **environ: str) -> AsyncIterator[Process]:
    """A tool while it runs, with a pipe at each of its ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "wsproto_async", *arguments),
        cwd=ROOT,
        env=environment(environ),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def tool(*arguments: str, stdin: bytes = b"", **environ: str) -> Result:
    """Run a tool to its end, which must not be a traceback."""
    async with started(*arguments, **environ) as process:
        out, err = await process.communicate(stdin)
        assert process.returncode is not None
        result = Result(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in result.err, result.err
    return result


PROMPT = "\x1b[?2004h"
"""How a terminal is told to mark what is pasted: from then on it is typed at."""


class Terminal:
    """A program at a terminal, which a test types at."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        self.shown = ""
        pid, self.descriptor = pty.fork()
        if pid == 0:
            os.chdir(ROOT)
            command = [sys.executable, "-m", "wsproto_async", *arguments]
            os.execve(sys.executable, command, environment({"TERM": "xterm", **environ}))
        self.pid = pid
        termios.tcsetwinsize(self.descriptor, (40, 100))

    async def until(self, text: str, press: str = "") -> None:
        """Read until it shows something, and forget what is before the end of that.

        Args:
            text: what.
            press: keys to press again and again meanwhile.
        """
        while text not in self.shown:
            if press:
                self.type(press)
            self.shown += await asyncio.to_thread(self._read, 0.2)
        self.shown = self.shown.partition(text)[2]

    def _read(self, seconds: float) -> str:
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return ""
        octets = os.read(self.descriptor, 4096)
        if b"\x1b[6n" in octets:  # it asks where the cursor is
            os.write(self.descriptor, b"\x1b[1;1R")
        return octets.decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    async def end(self) -> int:
        """The exit status."""
        while True:
            try:
                await asyncio.to_thread(self._read, 60)
            except OSError:  # it has closed the terminal
                break
        _, status = await asyncio.to_thread(os.waitpid, self.pid, 0)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status)
