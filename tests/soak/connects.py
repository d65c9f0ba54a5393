"""Connections that come and go, while nobody collects garbage."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.contract.support import request
from wsproto_async import ConnectionClosed, Deflate, WebSocket, connect, serve

__all__ = ["Census", "connects"]


@dataclass(frozen=True)
class Census:
    """What there is at one time.

    Attributes:
        connects: connections there have been.
        ours: objects of the package, and tasks and futures.
        objects: all objects that the garbage collector would look at. asyncio's own transports
            wait for it, since they lead to themselves; uvloop's do not.
        descriptors: open files and sockets.
        memory: octets of the process that are resident.
    """

    connects: int
    ours: int
    objects: int
    descriptors: int
    memory: int

    @classmethod
    def take(cls, connects: int) -> Census:
        objects = gc.get_objects()
        ours = sum(
            str(type(each).__module__).startswith("wsproto_async.")
            or isinstance(each, asyncio.Future)
            for each in objects
        )
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        descriptors = len(os.listdir("/proc/self/fd"))
        page = os.sysconf("SC_PAGE_SIZE")
        return cls(connects, ours, len(objects), descriptors, pages * page)


async def handler(ws: WebSocket) -> None:
    """Answers, and closes or drops the connection where it is told to."""
    async for message in ws:
        if message == "close":
            await ws.close(3000, "as you wish")
        elif message == "abort":
            ws.abort()
        else:
            await ws.send(message)


async def _quiet(path: str, number: int) -> None:
    async with connect("ws://localhost/", path=path):
        pass


async def _talk(path: str, number: int) -> None:
    async with connect("ws://localhost/", path=path) as ws:
        for message in ("text", b"octets", "x" * 70_000):
            await ws.send(message)
            assert await ws.recv() == message
        await ws.ping()


async def _compressed(path: str, number: int) -> None:
    async with connect("ws://localhost/", path=path, compression=Deflate()) as ws:
        await ws.send("abc" * 100)
        assert await ws.recv() == "abc" * 100


async def _told(path: str, number: int) -> None:
    """The server ends it, in order or not."""
    ws = await connect("ws://localhost/", path=path)
    await ws.send("close" if number % 2 else "abort")
    with contextlib.suppress(ConnectionClosed):
        await ws.recv()
    await ws.wait_closed()


async def _aborted(path: str, number: int) -> None:
    ws = await connect("ws://localhost/", path=path)
    await ws.send("x" * 1000)
    ws.abort()
    await ws.wait_closed()


async def _raw(path: str, number: int) -> None:
    """A client that breaks off: in the handshake, behind it, or in the middle of a frame."""
    reader, writer = await asyncio.open_unix_connection(path)
    octets = request() + b"\x81\x85\0\0\0\0Hello" + b"\x82\xfe\x10\0\0\0\0\0abc"
    writer.write(octets[: (30, len(request()), len(octets))[number % 3]])
    if number % 3:
        await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


async def _violating(path: str, number: int) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    if number % 2:
        writer.write(request(headers={"Upgrade": None}))
        await reader.read()
    else:
        writer.write(request() + b"\x83\x80xxxx")
        await reader.readuntil(b"opcode 3 is reserved")
    writer.close()


KINDS = (_quiet, _talk, _quiet, _compressed, _quiet, _told, _quiet, _aborted, _raw, _violating)


async def connects(
    count: int, checks: int = 10, say: Callable[[Census], object] = lambda census: None
) -> list[Census]:
    """Open and end so many connections of all kinds, one in ten of each.

    Args:
        count: how many.
        checks: how often, in equal distances, a census is taken; the first one is behind a
            hundred connections, when everything that is made once has been made.
        say: is told of each census.
    """
    gc.collect()
    gc.disable()
    found = []
    try:
        with tempfile.TemporaryDirectory() as directory:
            path = f"{directory}/socket"
            async with serve(handler, path=path) as server:
                marks = {100} | {count * i // checks for i in range(1, checks + 1)}
                for number in range(max(marks)):
                    await KINDS[number % len(KINDS)](path, number // len(KINDS))
                    if number + 1 in marks:
                        while server.connections:  # noqa: ASYNC110
                            await asyncio.sleep(0.001)
                        await asyncio.sleep(0.01)
                        found.append(Census.take(number + 1))
                        say(found[-1])
    finally:
        gc.enable()
    return found
