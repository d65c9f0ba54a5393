"""A relay between a client and a server that writes down what goes over the wire."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from tests.contract.support import Frame, frames

__all__ = ["Message", "Wire", "relay"]


class Message(NamedTuple):
    """A message as it was sent.

    Attributes:
        compressed: its first frame has RSV1.
        size: octets of payload on the wire.
    """

    compressed: bool
    size: int


class Wire:
    """One connection: what the client sent, and what the server did."""

    def __init__(self) -> None:
        self.octets = {"client": bytearray(), "server": bytearray()}

    def head(self, sender: str) -> str:
        return self.octets[sender].partition(b"\r\n\r\n")[0].decode()

    def frames(self, sender: str) -> list[Frame]:
        return frames(bytes(self.octets[sender].partition(b"\r\n\r\n")[2]))

    def messages(self, sender: str) -> list[Message]:
        """The messages in order; a reserved bit where none may be is an error."""
        found: list[Message] = []
        for frame in self.frames(sender):
            if frame.opcode in (1, 2):
                assert frame.rsv in (0, 4)
                found.append(Message(frame.rsv == 4, len(frame.payload)))
            else:
                assert frame.rsv == 0
                if frame.opcode == 0:
                    found[-1] = found[-1]._replace(size=found[-1].size + len(frame.payload))
        return found


@contextlib.asynccontextmanager
async def relay(port: int) -> AsyncIterator[tuple[int, list[Wire]]]:
    """Stand before the server at a port of 127.0.0.1: the relay's own port, and its connections."""
    wires: list[Wire] = []
    tasks: set[asyncio.Task[None] | None] = set()

    async def pump(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                record += data
                writer.write(data)
                await writer.drain()
        writer.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        wire = Wire()
        wires.append(wire)
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            pump(reader, upstream_writer, wire.octets["client"]),
            pump(upstream_reader, writer, wire.octets["server"]),
        )

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], wires
    finally:
        server.close()
        await asyncio.gather(*filter(None, tasks))
