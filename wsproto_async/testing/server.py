"""A server for a test, at a free port of this machine."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from ..api.connect import Connecting, connect
from ..api.serve import serve
from ..api.server import Server
from ..api.server_link import Handler
from ..api.websocket import WebSocket
from .proxy import FaultyProxy
from .recorder import Recorder

__all__ = ["LocalServer", "echo", "local_server"]


async def echo(ws: WebSocket) -> None:
    """A handler that sends everything back."""
    async for message in ws:
        await ws.send(message)


@dataclass(frozen=True)
class LocalServer:
    """A running server.

    Args:
        server: what ``serve`` made.
        url: where clients find it; through ``faults``, if there are.
        faults: the proxy in front of it, where one was asked for.
    """

    server: Server
    url: str
    proxy: FaultyProxy | None = None

    @property
    def faults(self) -> FaultyProxy:
        """What can go wrong between it and its clients.

        Raises:
            AttributeError: it was started without ``faults=True``.
        """
        if self.proxy is None:
            raise AttributeError("there is no proxy: start the server with faults=True")
        return self.proxy

    def connect(self, **arguments: Any) -> Connecting:
        """A client of it; arguments are those of ``connect`` but for the URL."""
        return connect(self.url, **{"proxy": None, **arguments})


@contextlib.asynccontextmanager
async def local_server(
    handler: Handler = echo,
    *,
    faults: bool = False,
    recorder: Recorder | None = None,
    **arguments: Any,
) -> AsyncIterator[LocalServer]:
    """Serve at a free port of 127.0.0.1, over real sockets, until the end of ``async with``.

    Args:
        handler: as with ``serve``; None of yours echoes.
        faults: put a :class:`FaultyProxy` in front of it.
        recorder: write down what passes; this needs the proxy, too, and no TLS.
        **arguments: further arguments for ``serve``: ``options=``, ``subprotocols=``, ...

    Raises:
        OptionError: an argument has a bad value.
    """
    scheme, host = ("wss", "localhost") if arguments.get("ssl") else ("ws", "127.0.0.1")
    async with serve(handler, "127.0.0.1", 0, **arguments) as server:
        port = server.sockets[0].getsockname()[1]
        if not faults and recorder is None:
            yield LocalServer(server, f"{scheme}://{host}:{port}/")
            return
        async with FaultyProxy(port, recorder=recorder) as proxy:
            yield LocalServer(server, f"{scheme}://{host}:{proxy.port}/", proxy)
            proxy.resume()  # so that connections can be closed
            await server.close()
