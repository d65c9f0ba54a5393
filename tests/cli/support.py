"""The tools, run as a user runs them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import NamedTuple

from tests.examples.program import ROOT

__all__ = ["Result", "started", "tool"]


class Result(NamedTuple):
    """What is left of a run."""

    status: int
    out: str
    err: str


@contextlib.asynccontextmanager
async def started(*arguments: str, **environ: str) -> AsyncIterator[Process]:
    """A tool while it runs, with a pipe at each of its ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "wsproto_async", *arguments),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
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
