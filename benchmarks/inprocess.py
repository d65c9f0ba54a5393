"""Nanoseconds that a message takes in the protocol itself: no sockets, no loop, no kernel.

    python -m benchmarks.inprocess [--sizes 32,256,...] [--batch 16]

A transport that throws everything away drives a server protocol the way a loop does: it asks for
a buffer, fills it with masked frames, and says so. ``receive`` has a hook that does nothing,
``echo`` one that answers, ``async for`` echoes from a loop, ``send`` sends without receiving.
WSPROTO_ASYNC_PURE=1 takes plain Python. Each figure is the best of many rounds: what the code takes
when nobody disturbs it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final

from wsproto_async import WebSocketServerFactory, WebSocketServerProtocol
from wsproto_async._native import NATIVE

from .frames import CLOSE, message, upgrade_request
from .process import ROOT
from .results import Build, Times

__all__ = ["BATCH", "SIZES", "measure", "measure_pure"]

SIZES: Final = (32, 256, 4096, 65536, 1048576)
BATCH: Final = 16


class NullTransport(asyncio.Transport):
    """Takes everything and keeps nothing."""

    def write(self, data: Any) -> None:
        pass

    def writelines(self, list_of_data: Any) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


class Sink(WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        pass


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


class Loop(WebSocketServerProtocol):
    async def onOpen(self) -> None:
        async for text in self:
            assert isinstance(text, str)
            self.sendMessage(text.encode(), False)


def open_connection(kind: type[WebSocketServerProtocol]) -> Any:
    factory = WebSocketServerFactory()
    factory.protocol = kind
    protocol = factory()
    protocol.connection_made(NullTransport())
    protocol.data_received(upgrade_request(80))
    return protocol


def arrive(protocol: Any, data: memoryview) -> None:
    """Octets arrive, as a loop brings them."""
    while data:
        buffer = memoryview(protocol.get_buffer(-1))
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        buffer.release()
        protocol.buffer_updated(size)
        data = data[size:]


def send(protocol: Any, payload: bytes, count: int) -> None:
    for _ in range(count):
        protocol.sendMessage(payload)
    protocol._flush()


def best(work: Callable[[], object], count: int, seconds: float) -> float:
    """Nanoseconds for each of ``count`` messages, in the best round."""
    result = float("inf")
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter_ns()
        work()
        result = min(result, (time.perf_counter_ns() - start) / count)
    return result


def visit() -> None:
    """A connection that is opened and closed."""
    end(open_connection(Sink))


def end(protocol: Any) -> None:
    protocol.data_received(CLOSE)
    protocol.connection_lost(None)


def measure(sizes: Sequence[int] = SIZES, *, batch: int = BATCH, seconds: float = 0.3) -> Build:
    """Measure the build that is in use.

    Args:
        sizes: octets of a payload.
        batch: messages in one read, up to 64 KiB; longer ones come alone.
        seconds: for each figure.
    """
    builds: list[Build] = []
    loop = asyncio.new_event_loop()

    # Called by the loop and not by a task, as a transport calls a protocol.
    def rounds(protocols: list[Any]) -> None:
        sink, rows = protocols[0], []
        for size in sizes:
            count = batch if size <= 65536 else 1
            data = memoryview(message(b"x" * size, masked=True) * count)
            work = [partial(arrive, protocol, data) for protocol in protocols]
            work.append(partial(send, sink, bytes(size), count))
            rows.append(Times(size, *(best(each, count, seconds) for each in work)))
        for protocol in protocols:
            end(protocol)
        builds.append(Build(rows, best(visit, 1, seconds) / 1000))
        loop.call_later(0.01, loop.stop)  # behind the end of the task that iterates

    def begin() -> None:
        loop.call_soon(rounds, [open_connection(kind) for kind in (Sink, Echo, Loop)])

    loop.call_soon(begin)
    try:
        loop.run_forever()
    finally:
        loop.close()
    return builds[0]


def measure_pure(sizes: Sequence[int] = SIZES, *, seconds: float = 0.3) -> Build:
    """Measure plain Python, in a process of its own."""
    arguments = ["--json", "--seconds", str(seconds), "--sizes", ",".join(map(str, sizes))]
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.inprocess", *arguments],
        cwd=ROOT,
        env={**os.environ, "WSPROTO_ASYNC_PURE": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return Build.from_dict(json.loads(result.stdout))


def main() -> None:
    from .report import inprocess_table

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="octets of a payload")
    parser.add_argument("--batch", type=int, default=BATCH, help="messages in one read")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each figure")
    parser.add_argument("--json", action="store_true", help="for programs")
    args = parser.parse_args()
    sizes = [int(size) for size in args.sizes.split(",")]
    build = measure(sizes, batch=args.batch, seconds=args.seconds)
    if args.json:
        print(json.dumps(asdict(build)))
    else:
        print(inprocess_table({"compiled" if NATIVE else "plain Python": build}))


if __name__ == "__main__":
    main()
