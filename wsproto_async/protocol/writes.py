"""How the octets of a connection reach its transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..constants import State
from .plan import plan_of

if TYPE_CHECKING:
    from .frames import Frames

__all__ = ["bind_writes"]


def bind_writes(protocol: Frames) -> None:
    """Decide, once and whenever it changes, how octets reach the transport."""
    connection, options = protocol._connection, protocol._options
    transport = protocol.transport
    if connection is None or options is None or transport is None or connection.sink is None:
        return
    sink = connection.sink
    plain = not (
        options.log_octets
        or protocol.triggered
        or protocol._writing_paused
        or "sendData" in plan_of(protocol).overridden
    )
    if not plain or connection.state == State.CLOSED:
        connection.writer.connect(sink.write, sink.write_pieces, sink.wake)
        return
    turn = protocol._turn
    assert turn is not None
    module = type(transport).__module__
    if module.startswith("asyncio."):
        # Through TLS a read may come in many pieces, each of which may be answered.
        write = protocol._write_one if module == "asyncio.sslproto" else transport.write
        # Before 3.12 its writelines() joins, and in 3.12 and 3.13 it forgot to pause at first.
        connection.writer.connect(write, protocol._write_pieces, turn.add)
    else:
        connection.writer.connect(transport.write, transport.writelines, turn.add)
