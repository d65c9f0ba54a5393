"""Many clients, a bad network, a server, and messages with number and checksum, both ways."""

from __future__ import annotations

import asyncio
import contextlib
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from wsproto_async import (
    ClientOptions,
    ConnectionClosed,
    Deflate,
    ServerOptions,
    WebSocket,
    connect,
    serve,
)

from .proxy import FaultProxy, fault_proxy

__all__ = ["Report", "faults"]

MESSAGES = 40
"""What a client sends, and gets back, before it closes."""


@dataclass
class Report:
    """What came of it.

    Attributes:
        connections: by their outcome: ``"whole"``, or how they were cut; ``"refused"`` are those
            that were cut before they were open.
        messages: that arrived, on either side, in order and undamaged.
        octets: of them.
        wrong: everything that must not be; empty if all is well.
    """

    connections: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    octets: int = 0
    wrong: list[str] = field(default_factory=list)


class Checked:
    """Messages of one direction of one connection, each with its number and checksum."""

    def __init__(self, name: str, report: Report) -> None:
        self.name = name
        self.report = report
        self.next = 0

    def make(self, number: int, body: bytes) -> bytes:
        head = f"{self.name} {number} ".encode()
        return head + f"{zlib.crc32(head + body):08x} ".encode() + body

    def take(self, message: str | bytes) -> None:
        """Check the next one."""
        octets = message.encode() if isinstance(message, str) else message
        name, number, checksum, body = octets.split(b" ", 3)
        head = b"%b %b " % (name, number)
        if f"{zlib.crc32(head + body):08x}".encode() != checksum:
            self.report.wrong.append(f"{self.name}: message {self.next} is damaged")
        elif (name.decode(), int(number)) != (self.name, self.next):
            self.report.wrong.append(f"{self.name}: {head!r} instead of {self.next}")
        self.next += 1
        self.report.messages += 1
        self.report.octets += len(octets)


def options(patience: float) -> dict[str, Any]:
    return {
        "auto_ping_interval": patience / 4,
        "auto_ping_timeout": patience,
        "close_timeout": patience,
        "open_handshake_timeout": patience,
        "max_message_payload_size": 2**20,
    }


async def faults(
    seconds: float, clients: int, *, patience: float = 8.0, seed: int | None = None
) -> Report:
    """Let so many clients at a time come and go for a while.

    Args:
        seconds: how long new ones come.
        clients: how many there are at a time.
        patience: seconds until a silent peer is given up.
        seed: of everything that is chance.
    """
    report, rng = Report(), Random(seed)
    served: dict[str, tuple[int, bool]] = {}

    async def handler(ws: WebSocket) -> None:
        name = ws.request.path[1:] if ws.request is not None else ""
        checked = Checked(name, report)
        try:
            async for message in ws:
                checked.take(message)
                await ws.send(message)
        except ConnectionClosed:
            pass
        finally:
            await ws.wait_closed()
            assert ws.close_info is not None
            served[name] = checked.next, ws.close_info.was_clean

    server_options = ServerOptions(**options(patience), write_buffer_high=20_000)
    async with (
        serve(handler, "127.0.0.1", 0, options=server_options, compression=Deflate()) as server,
        fault_proxy(server.sockets[0].getsockname()[1], rng) as proxy,
    ):
        end = time.monotonic() + seconds
        names = iter(range(10**9))

        async def client() -> None:
            while time.monotonic() < end:
                await one_client(str(next(names)), proxy, report, rng, served, patience)

        await asyncio.gather(*(client() for _ in range(clients)))
        # Of those that were cut while they opened, only the server knows that they have not ended.
        await wait_until(lambda: not server.connections, 3 * patience)
        if server.connections:
            report.wrong.append(f"{len(server.connections)} connections are left on the server")
    return report


async def one_client(
    name: str,
    proxy: FaultProxy,
    report: Report,
    rng: Random,
    served: dict[str, tuple[int, bool]],
    patience: float,
) -> None:
    """One connection: send and receive, close, and compare with what the other end saw."""
    checked = Checked(name, report)
    try:
        ws = await connect(
            f"ws://127.0.0.1:{proxy.port}/{name}",
            options=ClientOptions(**options(patience)),
            compression=Deflate() if rng.random() < 0.5 else None,
        )
    except Exception as error:
        report.connections["refused"] += 1
        if not isinstance(error, OSError) and "HandshakeError" not in repr(error):
            report.wrong.append(f"{name}: connect() raised {error!r}")
        return
    port = ws.local_address[1]
    sender = asyncio.ensure_future(send(ws, checked, rng))
    try:
        async with asyncio.timeout(10 * patience + 60):
            while checked.next < MESSAGES:
                checked.take(await ws.recv())
            await ws.close()
    except ConnectionClosed:
        pass
    except TimeoutError:
        report.wrong.append(f"{name}: stuck at message {checked.next} of {proxy.faults[port]}")
        ws.abort()
    sender.cancel()
    await asyncio.gather(sender, return_exceptions=True)
    await ws.wait_closed()
    await wait_until(lambda: name in served, 3 * patience)
    judge(name, ws, checked, proxy, port, report, served.pop(name, None))


async def wait_until(condition: Callable[[], object], seconds: float) -> None:
    """Wait for the other end, which has its time, too."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def send(ws: WebSocket, checked: Checked, rng: Random) -> None:
    """What the client says: small and large, text and binary, whole and in fragments."""
    with contextlib.suppress(ConnectionClosed):
        for number in range(MESSAGES):
            size = rng.choice((0, 5, 100, 100, 1000, 5000, 70_000))
            body = rng.randbytes(size) if rng.random() < 0.5 else b"abc " * (size // 4)
            message = checked.make(number, body)
            if body.isascii():
                await ws.send(message.decode())
            elif rng.random() < 0.3:
                middle = rng.randint(0, len(message))
                await ws.send([message[:middle], message[middle:]])
            else:
                await ws.send(message)


def judge(
    name: str,
    ws: WebSocket,
    checked: Checked,
    proxy: FaultProxy,
    port: int,
    report: Report,
    other: tuple[int, bool] | None,
) -> None:
    """Compare what both ends saw with what the network did."""
    info, fault = ws.close_info, proxy.faults[port]
    assert info is not None
    if other is None:
        report.wrong.append(f"{name}: the server has not noticed the end of {fault}")
        return
    arrived, clean = other
    if port in proxy.cut:
        report.connections[str(fault.end)] += 1
        if checked.next > arrived:
            report.wrong.append(f"{name}: more came back than had arrived")
    else:
        report.connections["whole"] += 1
        if (checked.next, arrived, info.was_clean, clean) != (MESSAGES, MESSAGES, True, True):
            report.wrong.append(
                f"{name}: {checked.next} of {arrived} messages, {info}, server {clean}, {fault}"
            )
