"""``wsproto-async bench``: load for a server that echoes, and how long it took to answer."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ..api.connect import connect
from ..api.run import run as run_loop
from ..api.websocket import Message, WebSocket
from ..errors import OptionError, WebSocketError
from .arguments import add_connect_arguments, connect_arguments
from .histogram import Histogram, duration

__all__ = ["add_to"]

AT_ONCE = 50
"""Connections that are opened at the same time."""

TICK = 0.1
"""Seconds between two looks at how far it is."""

PERCENTILES = (50, 90, 99, 99.9)


class BenchError(WebSocketError):
    """The server does not do what this needs."""


def add_to(commands: Any) -> None:
    """Add the command and its arguments."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench",
        help="load for a server that echoes: messages per second, and latency",
        description="Sends messages on many connections and waits for their echoes. What it can "
        "do is bounded by this process too, which is one thread.",
    )
    add_connect_arguments(parser)
    whole: dict[str, Any] = {"type": int, "metavar": "N"}
    parser.add_argument("-c", "--connections", default=10, help="(%(default)s)", **whole)
    parser.add_argument(
        "-s", "--size", default=32, help="octets of a message (%(default)s)", **whole
    )
    parser.add_argument(
        "-d", "--depth", default=1, help="messages under way at once, each (%(default)s)", **whole
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("-n", "--messages", help="so many on each connection", **whole)
    length.add_argument(
        "-t", "--time", type=float, default=5, metavar="S", help="for S seconds (%(default)s)"
    )
    parser.add_argument("--text", action="store_true", help="send text, not binary")
    parser.add_argument(
        "--patience", type=float, default=10, metavar="S", help="wait S for an echo (%(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, the result alone")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure."""
    for name, least in {"connections": 1, "size": 0, "depth": 1, "messages": 1}.items():
        value = getattr(args, name)
        if value is not None and value < least:
            raise OptionError(f"--{name} must be {least} or more, not {value}")
    for name in ("time", "patience"):
        if not getattr(args, name) > 0:
            raise OptionError(f"--{name} must be above 0 seconds, not {getattr(args, name):g}")
    return run_loop(Bench(args).run(connect_arguments(args)))


class Bench:
    """One measurement.

    Attributes:
        latency: of each message, from sending it to having its echo.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        octets = os.urandom(args.size // 2 + 1).hex()[: args.size]
        self.message: Message = octets if args.text else octets.encode()
        self.latency = Histogram()
        self.seconds = 0.0
        self.connections: list[WebSocket] = []
        self._begin = 0.0
        self._end = float("inf")

    async def run(self, arguments: dict[str, Any]) -> int:
        try:
            await self.open(arguments)
            self._begin = time.perf_counter()
            if self.args.messages is None:
                self._end = self._begin + self.args.time
            try:
                await self.load()
            finally:  # also where Ctrl-C cancels it: what was measured is true
                self.seconds = time.perf_counter() - self._begin
                self.report()
        except ExceptionGroup as failed:
            raise _first(failed) from None
        finally:
            await asyncio.gather(*(ws.close() for ws in self.connections))
        return 0

    async def open(self, arguments: dict[str, Any]) -> None:
        """Open all connections, some at a time."""
        begin = time.perf_counter()
        gate = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with gate:
                self.connections.append(await connect(**arguments))

        async with asyncio.TaskGroup() as group:
            for _ in range(self.args.connections):
                group.create_task(one())
        if not self.args.quiet:
            took = duration(time.perf_counter() - begin)
            count, peer = len(self.connections), self.connections[0].peer
            print(f"{count} connections to {peer} in {took}", file=sys.stderr)

    async def load(self) -> None:
        """Let all of them work; the first failure ends it."""
        watching = asyncio.ensure_future(self.watch())
        try:
            async with asyncio.TaskGroup() as group:
                for ws in self.connections:
                    group.create_task(self.work(ws))
        finally:
            watching.cancel()
            await asyncio.wait([watching])

    async def work(self, ws: WebSocket) -> None:
        """Keep ``depth`` messages under way, until enough were sent or time is up."""
        left = self.args.messages or sys.maxsize
        under_way = min(self.args.depth, left)
        left -= under_way
        turns = asyncio.Semaphore(under_way)
        sent: deque[float] = deque()
        async with asyncio.TaskGroup() as group:
            # By itself: a server that waits until we receive does not receive, either.
            sending = group.create_task(self.send(ws, turns, sent))
            while under_way:
                echo = await self.echo(ws)
                now = time.perf_counter()
                if echo != self.message or not sent:
                    raise BenchError(f"{ws.peer} does not echo: bench needs a server that does")
                self.latency.add(now - sent.popleft())
                if left > 0 and now < self._end:
                    left -= 1
                    turns.release()
                else:
                    under_way -= 1
            sending.cancel()

    async def send(self, ws: WebSocket, turns: asyncio.Semaphore, sent: deque[float]) -> None:
        """Send a message in each turn, and note when; until cancelled."""
        while True:
            await turns.acquire()
            sent.append(time.perf_counter())
            await ws.send(self.message)

    async def echo(self, ws: WebSocket) -> Message:
        try:
            async with asyncio.timeout(self.args.patience):
                return await ws.recv()
        except TimeoutError:
            raise BenchError(
                f"no echo from {ws.peer} within --patience={self.args.patience:g} s"
            ) from None

    # --- telling ------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Show how far it is, until cancelled."""
        with _progress(self.args.quiet) as show:
            while True:
                await asyncio.sleep(TICK)
                passed = time.perf_counter() - self._begin
                if self.args.messages is None:
                    done = passed / self.args.time
                else:
                    done = self.latency.count / (self.args.messages * self.args.connections)
                show(min(done, 1.0), f"{self.latency.count / passed:,.0f} messages/s")

    def report(self) -> None:
        """Print what was measured, if anything was."""
        count, seconds = self.latency.count, self.seconds
        if not count:
            return
        octets = count * self.args.size / seconds / 1e6
        kind = "text" if self.args.text else "binary"
        print(
            f"{count:,} echoes of {self.args.size:,} octets ({kind}) in {duration(seconds)}: "
            f"{count / seconds:,.0f} messages/s, {octets:,.2f} MB/s each way"
        )
        print(f"{self.args.connections} connections, {self.args.depth} under way on each\n")
        for percent in PERCENTILES:
            print(f"{percent:>5g} % {duration(self.latency.percentile(percent)):>9}")
        print(f"    max {duration(self.latency.slowest):>9}\n")
        for row in self.latency.rows():
            print(row)


def _first(error: Exception) -> Exception:
    """What went wrong first, in groups of groups."""
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[float, str], object]]:
    """A bar in a terminal, of rich's if that is there; a pipe is no place for one."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, text: None
    elif (bar := _rich_bar()) is None:
        try:
            yield lambda done, text: print(f"\r{done:4.0%} {text:<40}", end="", file=sys.stderr)
        finally:
            print(file=sys.stderr)
    else:
        with bar:
            task = bar.add_task("", total=1.0)
            yield lambda done, text: bar.update(
                task, completed=done, description=text, refresh=True
            )


def _rich_bar() -> Any:
    """A bar of rich's; None where that is not installed."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        return None
    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    return Progress(
        *columns,
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
    )
