"""Both ends of a connection in one process, without a socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from ..api.connect import connect
from ..api.serve import serve
from ..api.server import Server
from ..api.server_link import Handler
from ..api.websocket import WebSocket
from ..constants import CloseCode
from .recorder import Recorder
from .transport import join
from .wire import CAPACITY, Faults

__all__ = ["MemoryLink", "MemoryPair", "memory_link", "memory_pair"]

ClientT = TypeVar("ClientT", bound=asyncio.BaseProtocol)
ServerT = TypeVar("ServerT", bound=asyncio.BaseProtocol)

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class MemoryLink(Faults, Generic[ClientT, ServerT]):
    """Two protocol objects, connected in memory; and the faults of the wires between them.

    Attributes:
        client, server: the protocol objects.
    """

    def __init__(self, client: ClientT, server: ServerT, capacity: int) -> None:
        self.client = client
        self.server = server
        super().__init__(*join(asyncio.get_running_loop(), client, server, capacity))


def memory_link(
    client: Callable[[], ClientT],
    server: Callable[[], ServerT],
    *,
    capacity: int = CAPACITY,
) -> MemoryLink[ClientT, ServerT]:
    """Connect two protocol objects of any kind, such as those of Autobahn's contract.

    Both have been told ``connection_made`` when this returns; the opening handshake takes a few
    turns of the loop. ``abort()`` on either transport, or ``link.cut()``, ends it.

    Args:
        client: makes the client's protocol object: a factory, as for ``loop.create_connection``.
        server: makes the server's.
        capacity: octets that may be on their way in each direction, before a writer has to wait.

    Raises:
        RuntimeError: no loop is running.
    """
    return MemoryLink(client(), server(), capacity)


class MemoryPair(Faults):
    """Both ends of a connection, for ``client, server = pair``, and its faults.

    Attributes:
        client, server: the two ends.
    """

    client: WebSocket
    server: WebSocket

    def __iter__(self) -> Iterator[WebSocket]:
        return iter((self.client, self.server))


@contextlib.asynccontextmanager
async def memory_pair(
    handler: Handler | None = None,
    *,
    url: str = "ws://localhost/",
    server: Mapping[str, Any] = NOTHING,
    client: Mapping[str, Any] = NOTHING,
    capacity: int = CAPACITY,
    recorder: Recorder | None = None,
) -> AsyncIterator[MemoryPair]:
    """Connect a client and a server in memory, for ``async with``.

    Both are real, and so is the opening handshake between them; only TCP is not. At the end both
    are closed, and the handler has returned.

    Args:
        handler: what the server does with the connection, as with ``serve``. None leaves the
            server's end to the test.
        url: what the client asks for.
        server: further arguments for ``serve``, such as ``{"options": ServerOptions(...)}``.
        client: further arguments for ``connect``, such as ``{"subprotocols": ["chat"]}``.
        capacity: octets that may be on their way in each direction, before a writer has to wait.
        recorder: writes down what passes.

    Raises:
        HandshakeError: the server refused.
        ConnectError: it dropped the connection instead.
        OptionError: an argument has a bad value.
    """
    accept = serve(handler or _until_it_ends, port=0, **server)._factory
    accept.running = Server()
    connecting = connect(url, proxy=None, **client)
    pair: MemoryPair | None = None

    async def dial(target: Any, factory: Any) -> Any:
        nonlocal pair
        near, far = factory(), accept()
        pair = MemoryPair(*join(asyncio.get_running_loop(), near, far, capacity))
        pair.client, pair.server = near.ws, far.ws
        if recorder is not None:
            recorder.watch(pair)
        return near.transport, near

    connecting._attempt.connect_transport = dial  # type: ignore[method-assign]
    try:
        await connecting
        assert pair is not None
        yield pair
    finally:
        if pair is not None:
            pair.resume()
            await asyncio.gather(accept.running.close(CloseCode.NORMAL), pair.client.close())


async def _until_it_ends(ws: WebSocket) -> None:
    """The handler of a server whose end is the test's."""
    await ws.wait_closed()
