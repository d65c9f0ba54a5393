"""A TCP proxy that is a bad network: it delays, splits, merges, resets and falls silent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random

__all__ = ["Fault", "FaultProxy", "fault_proxy"]


@dataclass(frozen=True)
class Fault:
    """What happens to one connection.

    Attributes:
        end: how it is cut, behind ``after`` octets of one direction: ``"reset"`` by a TCP reset,
            ``"eof"`` by an orderly end, ``"stall"`` by silence for ever; None: it is not.
        after: octets.
        split: octets go on in pieces of at most so many; 0 leaves them as they came.
        merge: seconds in which what comes is collected before it goes on.
        delay: seconds that each read may be late, at most.
    """

    end: str | None = None
    after: int = 0
    split: int = 0
    merge: float = 0.0
    delay: float = 0.0

    @classmethod
    def any(cls, rng: Random) -> Fault:
        """One of all kinds; half of the connections are not cut."""
        return cls(
            end=rng.choice((None, None, None, "reset", "eof", "stall")),
            after=int(10 ** rng.uniform(1, 5.7)),
            split=rng.choice((0, 0, 1, 7, 100, 1400)),
            merge=rng.choice((0.0, 0.0, 0.01)),
            delay=rng.choice((0.0, 0.002, 0.02)),
        )


class FaultProxy:
    """Stands between clients and a server.

    Attributes:
        port: where clients connect to.
        faults: of each connection, by the client's port.
        cut: the clients' ports of those that it has cut.
    """

    def __init__(self, target: int, rng: Random) -> None:
        self.target = target
        self.rng = rng
        self.port = 0
        self.faults: dict[int, Fault] = {}
        self.cut: set[int] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = writer.get_extra_info("peername")[1]
        self.cut.discard(name)  # an earlier connection may have come from there, too
        fault = self.faults[name] = Fault.any(self.rng)
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self.target)
            try:
                await self.join(name, fault, (reader, writer), (back, forth))
            finally:
                await end(forth)
        except OSError:
            pass
        finally:
            await end(writer)
            self.tasks.discard(task)

    async def join(
        self,
        name: int,
        fault: Fault,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Carry octets both ways until one end has ended, or the fault strikes."""
        upward = self.rng.random() < 0.5
        ways = [
            asyncio.ensure_future(self.carry(client[0], server[1], fault, upward)),
            asyncio.ensure_future(self.carry(server[0], client[1], fault, not upward)),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if not any(way.result() for way in done):
                # One side has ended in order: the other one has a while to do so, too.
                await asyncio.wait(ways, timeout=10)
                return
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        self.cut.add(name)
        if fault.end == "reset":
            for _, writer in (client, server):
                reset(writer)
        elif fault.end == "stall":
            # Until both have given up; what they write meanwhile leads nowhere.
            await asyncio.gather(swallow(client[0]), swallow(server[0]))

    async def carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: Fault,
        strikes: bool,
    ) -> bool:
        """Carry octets one way; true where the fault strikes, false at the end."""
        carried = 0
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if fault.merge:
                    await asyncio.sleep(fault.merge)
                if fault.delay:
                    await asyncio.sleep(self.rng.uniform(0, fault.delay))
                last = strikes and fault.end is not None and carried + len(data) >= fault.after
                if last:
                    data = data[: fault.after - carried]
                carried += len(data)
                # Only so many pieces: the loop is ours as well as theirs.
                size = max(fault.split or len(data), len(data) // 50, 1)
                for begin in range(0, len(data), size):
                    writer.write(data[begin : begin + size])
                    if fault.split:
                        await asyncio.sleep(0)
                await writer.drain()
                if last:
                    return True
            if writer.can_write_eof():
                writer.write_eof()
        return False

    async def close(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection by a TCP reset."""
    with contextlib.suppress(OSError):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def swallow(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while await reader.read(65536):
            pass


@contextlib.asynccontextmanager
async def fault_proxy(target: int, rng: Random) -> AsyncIterator[FaultProxy]:
    """A proxy in front of the server at a local port."""
    proxy = FaultProxy(target, rng)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()
