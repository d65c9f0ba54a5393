"""``asyncio.run`` on the fastest loop there is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeVar

from ..errors import OptionError, StateError

__all__ = ["run"]

T = TypeVar("T")
Factory = Callable[[], asyncio.AbstractEventLoop]


def run(
    main: Coroutine[Any, Any, T],
    *,
    debug: bool | None = None,
    transports: Literal["loop", "aiofastnet"] = "loop",
) -> T:
    """Run a coroutine as ``asyncio.run`` does: on uvloop where it is installed.

    Args:
        main: the program's coroutine, such as ``main()``.
        debug: asyncio's debug mode; None leaves it to the environment.
        transports: whose sockets and TLS: the loop's own, or those of the extra ``aiofastnet``.
            Those take less CPU for TLS, large messages and many connections (the results page of
            the benchmarks has figures), and are young: their errors say less.

    Returns:
        What the coroutine returns.

    Raises:
        OptionError: ``transports`` names something else, or what is not installed.
        StateError: a loop is already running in this thread, as in a notebook.
    """
    if _is_running():
        if asyncio.iscoroutine(main):
            main.close()  # else it warns that nobody has awaited it
        raise StateError("run() makes a loop, and one is running here already: await main() in it")
    factory = _fastest_loop()
    if transports != "loop":
        try:
            factory = _with(transports, factory)
        except OptionError:
            main.close()
            raise
    with asyncio.Runner(debug=debug, loop_factory=factory) as runner:
        return runner.run(main)


def _is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _fastest_loop() -> Factory | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _with(transports: str, factory: Factory | None) -> Factory:
    """The same loops, but with transports of somebody else's."""
    if transports != "aiofastnet":
        raise OptionError(f'transports must be "loop" or "aiofastnet", not {transports!r}')
    try:
        import aiofastnet
    except ImportError:
        raise OptionError(
            'transports="aiofastnet" needs the extra: pip install wsproto-async[aiofastnet]'
        ) from None
    patched: Factory = aiofastnet.loop_factory(factory)

    def new_loop() -> asyncio.AbstractEventLoop:
        loop = patched()
        # Libraries call these by keywords that those of aiofastnet do not have.
        for name in [name for name in vars(loop) if name.startswith("sock_")]:
            delattr(loop, name)
        return loop

    return new_loop
