"""Writes that must not travel together: ``sync`` and ``chopsize`` (for tests of slow peers).

Each piece goes out in a turn of the loop of its own. While pieces wait, everything else that is
sent queues behind them, so that the order stays.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .frames import Frames

__all__ = ["queue_write", "start", "write_next"]


def queue_write(protocol: Frames, data: bytes, sync: bool, chopsize: int | None) -> None:
    """Add octets to the queue, cut into pieces of ``chopsize`` if that is given."""
    queue = protocol.send_queue
    if queue is None:
        queue = protocol.send_queue = deque()
    size = chopsize or len(data)
    if not data:
        queue.append((data, sync))
    for begin in range(0, len(data), size or 1):
        queue.append((data[begin : begin + size], sync))
    protocol._trigger()


def start(protocol: Frames) -> None:
    """Begin to empty the queue, unless that is under way."""
    if not protocol.triggered:
        protocol.triggered = True
        protocol._send()


def write_next(protocol: Frames) -> None:
    """Write the next piece and come again, as long as there is a transport."""
    queue = protocol.send_queue
    if protocol.transport is None:
        queue = protocol.send_queue = None
    if not queue:
        protocol.triggered = False
        return
    data, sync = queue.popleft()
    protocol._loop.call_later(protocol._QUEUED_WRITE_DELAY, protocol._send)
    protocol._write_now(data, sync)  # which may raise, out of a hook that looks on
