"""``asyncio.run`` on the fastest loop there is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["run"]

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], *, debug: bool | None = None) -> T:
    """Run a coroutine as ``asyncio.run`` does: on uvloop where it is installed.

    Args:
        main: the program's coroutine, such as ``main()``.
        debug: asyncio's debug mode; None leaves it to the environment.

    Returns:
        What the coroutine returns.

    Raises:
        RuntimeError: a loop is already running in this thread.
    """
    with asyncio.Runner(debug=debug, loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
