"""Processes that are measured: started, pinned to a core, asked what they have used."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple, Self

__all__ = ["CORES", "Process", "Skipped", "Usage", "Window", "free_port", "pin", "why_not"]

ROOT: Final = Path(__file__).parents[1]
WARM_UP: Final = 0.3
"""How long things run before they are measured, as a share of the time that they are."""


class Skipped(Exception):
    """A contender does not take part; the text says why."""


def why_not() -> str | None:
    """Why processes cannot be measured here; None where they can."""
    if not Path("/proc/self/schedstat").exists():
        return "end to end: left out, it needs /proc/PID/schedstat (Linux) for the CPU time"
    return None


def _cores() -> tuple[int, int] | None:
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (usable[0], usable[1]) if len(usable) > 1 else None


CORES: Final = _cores()
"""The core of the process that is measured and that of its load; None if there is only one."""


def pin(pid: int, core: int) -> None:
    os.sched_setaffinity(pid, {core})


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class Usage(NamedTuple):
    """What all threads of a process have used up to now, in seconds.

    Attributes:
        cpu: on a core, in user mode and in the kernel.
        waited: ready to run, while somebody else had the core.
    """

    cpu: float
    waited: float

    @classmethod
    def of(cls, pid: int) -> Self:
        cpu = waited = 0
        for thread in Path(f"/proc/{pid}/task").iterdir():
            used, queued, _ = (thread / "schedstat").read_text().split()
            cpu += int(used)
            waited += int(queued)
        return cls(cpu / 1e9, waited / 1e9)


class Process:
    """A contender in a process of its own: ``python -m benchmarks.contenders``.

    Raises:
        Skipped: it cannot do this, or did not start.
    """

    def __init__(self, spec: str, *arguments: str) -> None:
        name, _, loop = spec.partition("@")
        environment = dict(os.environ)
        module = name.removesuffix("_pure")
        environment["WSPROTO_ASYNC_PURE"] = "1" if module != name else "0"
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by stop)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contenders", module, "--loop", loop, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.pid = self._process.pid
        if CORES:
            pin(self.pid, CORES[0])
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if line != "READY":
            reason = line.removeprefix("SKIP ") or f"did not start: {self._last_words()}"
            self.stop()
            raise Skipped(reason)

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().split("\n")
        return next((line for line in reversed(lines) if line), "it said nothing")

    def rss(self) -> int:
        """Octets of memory that are in use."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()


class Window:
    """The time in which a process is watched: it runs warm first, and then things count.

    Attributes:
        messages: what has been done within; whoever causes the load counts up.
        seconds: how long it was.
        usage: what the process used within.
        own: CPU seconds that this process used within.
    """

    def __init__(self, pid: int, seconds: float) -> None:
        self.messages = 0
        self.seconds = seconds
        self.usage = Usage(0, 0)
        self.own = 0.0
        self._pid = pid
        self._counts = False
        self._begin = 0.0
        self._next = time.perf_counter() + WARM_UP * seconds

    def is_over(self) -> bool:
        """To be asked again and again: it is opened and closed by that."""
        now = time.perf_counter()
        if now < self._next:
            return False
        before = self.usage
        self.usage = Usage.of(self._pid)
        if self._counts:
            self.usage = Usage(*(now - then for now, then in zip(self.usage, before, strict=True)))
            self.own = time.process_time() - self.own
            self.seconds = time.perf_counter() - self._begin
            return True
        self._counts = True
        self.own = time.process_time()
        self._begin = time.perf_counter()
        self._next = self._begin + self.seconds
        self.messages = 0
        return False
