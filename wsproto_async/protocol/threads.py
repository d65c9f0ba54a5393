"""Connections and threads: a connection belongs to the thread of its loop, and to no other.

Nothing here locks. What another thread wants sent is handed to the loop. In asyncio's debug mode
whoever calls from a wrong thread is told so; otherwise that costs nothing, and corrupts frames.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any

from ..errors import Disconnected, StateError

__all__ = ["check_thread", "hand_over"]


def check_thread(owner: int, what: str) -> None:
    """Refuse a call from another thread than the loop's.

    Args:
        owner: the loop's thread.
        what: the call, and what to call instead, for the message.

    Raises:
        StateError: it is another one.
    """
    if threading.get_ident() != owner:
        raise StateError(f"called from a thread that is not the loop's: {what}")


def hand_over(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None], instead: str
) -> concurrent.futures.Future[None]:
    """Let a loop do some work for another thread.

    Args:
        loop: which.
        work: what; pieces of work that one thread hands over are begun in that order.
        instead: what its own thread should call, for the message.

    Returns:
        Its result, for ``result(timeout)``; cancelling it cancels the work.

    Raises:
        StateError: this is the loop's own thread, which would wait for itself.
        Disconnected: the loop is closed, and with it the connection.
    """
    here: asyncio.AbstractEventLoop | None = None
    with contextlib.suppress(RuntimeError):  # most threads run no loop
        here = asyncio.get_running_loop()
    if here is loop:
        work.close()
        raise StateError(f"called from the loop's own thread: {instead}")
    try:
        return asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError as error:
        work.close()
        raise Disconnected("the connection's loop is closed") from error
