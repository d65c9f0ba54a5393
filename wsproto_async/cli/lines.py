"""Lines from a person or a pipe, as they come."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

__all__ = ["Interrupted", "has_prompt", "piped_lines", "typed_lines"]

READ_SIZE = 64 * 1024

AHEAD = 100
"""Lines that are read ahead of who takes them."""


class Interrupted(Exception):
    """Ctrl-C at the prompt, which takes it itself; a task must not raise KeyboardInterrupt."""


def has_prompt() -> bool:
    """Whether prompt_toolkit is there, which the extra ``cli`` installs."""
    try:
        import prompt_toolkit  # noqa: F401
    except ImportError:
        return False
    return True


async def typed_lines(history: Path | None) -> AsyncIterator[str]:
    """Lines that a person types, with editing and history, until Ctrl-D.

    Raises:
        Interrupted: Ctrl-C.
    """
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    session: PromptSession[str] = PromptSession(
        history=InMemoryHistory() if history is None else FileHistory(_private(history))
    )
    while True:
        try:
            yield await session.prompt_async("> ")
        except EOFError:
            return
        except KeyboardInterrupt:
            raise Interrupted from None


def _private(path: Path) -> str:
    """A file that others cannot read: tokens may be among what is typed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
    return str(path)


async def piped_lines() -> AsyncIterator[str]:
    """The lines of standard input, without their ends; octets that are not UTF-8 become U+FFFD.

    A thread reads them, since a pipe can stay silent for ever; a daemon, since the program may
    end before the pipe does. It uses no file object, whose lock it would hold at that end, and
    hands over no coroutine, which nobody would await behind it.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()
    room = threading.Semaphore(AHEAD)

    def put(line: bytes | None) -> None:
        room.acquire()
        loop.call_soon_threadsafe(queue.put_nowait, line)

    def read() -> None:
        rest = b""
        with contextlib.suppress(OSError):
            while octets := os.read(descriptor, READ_SIZE):
                *lines, rest = (rest + octets).split(b"\n")
                for line in lines:
                    put(line)
        if rest:
            put(rest)
        put(None)

    def thread() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            read()

    descriptor = sys.stdin.fileno()
    threading.Thread(target=thread, daemon=True).start()
    while (line := await queue.get()) is not None:
        room.release()
        yield line.removesuffix(b"\r").decode(errors="replace")
