"""What a contender is told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["BACKLOG", "HOST", "LOOPS", "Setup", "Unsupported", "loop_factory"]

HOST: Final = "127.0.0.1"
BACKLOG: Final = 4096
LOOPS: Final = ("asyncio", "uvloop", "fast-asyncio", "fast-uvloop")


class Unsupported(Exception):
    """The library, or what is installed of it, cannot do this."""


@dataclass(frozen=True)
class Setup:
    """What a contender is told.

    Attributes:
        port: to listen on, or to connect to.
        loop: the name of the event loop that it runs on.
        broadcast: send each message to all clients, instead of back.
        deflate: accept permessage-deflate.
        ssl: the server's certificate; None is plain TCP.
    """

    port: int
    loop: str
    broadcast: bool = False
    deflate: bool = False
    ssl: ssl.SSLContext | None = None

    @property
    def fast(self) -> bool:
        """Whether aiofastnet's transports are asked for."""
        return self.loop.startswith("fast-")

    @property
    def url(self) -> str:
        """Where a client connects to."""
        return f"ws://{HOST}:{self.port}/"

    def refuse_deflate(self) -> None:
        if self.deflate:
            raise Unsupported("no permessage-deflate")


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes loops of that name; ``fast-`` stands for aiofastnet's transports.

    Raises:
        ImportError: it is not installed.
    """
    make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if name.endswith("uvloop"):
        import uvloop

        make = uvloop.new_event_loop
    if name.startswith("fast-"):
        import aiofastnet

        make = aiofastnet.loop_factory(make)
    return make
