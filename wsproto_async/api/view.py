"""What can be seen of a connection, by whoever uses it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from ..close_info import CloseInfo
from ..constants import State
from ..core.connection import Connection
from ..errors import StateError
from .outlet import Outlet

if TYPE_CHECKING:
    from .link import Link
    from .server import Server

__all__ = ["View", "addresses_of"]


class View(Outlet):
    """The properties of a :class:`~.websocket.WebSocket`.

    Args:
        connection: of the core.
        link: the protocol that it belongs to.
    """

    __slots__ = ("_addresses", "_id", "protocol")

    def __init__(self, connection: Connection, link: Link) -> None:
        super().__init__(connection, link)
        self.protocol: Link = link
        self._addresses: tuple[Any, Any] | None = None
        self._id: uuid.UUID | None = None

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return State(self._connection.state)

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol agreed on."""
        return self.protocol.websocket_protocol_in_use

    @property
    def server(self) -> Server:
        """The server that it came to.

        Raises:
            StateError: this is a client's connection.
        """
        server: Server | None = getattr(self.protocol, "server", None)
        if server is None:
            raise StateError("a client's connection has no server")
        return server

    @property
    def user(self) -> Any:
        """Who it is, as ``basic_auth`` or ``bearer_auth`` found out; may be assigned."""
        return self.protocol.user

    @user.setter
    def user(self, user: Any) -> None:
        self.protocol.user = user

    @property
    def peer(self) -> str:
        """Where it leads: ``tcp4:HOST:PORT``, ``tcp6:HOST:PORT``, ``unix:PATH``, or, where the
        server trusts it, the address out of X-Forwarded-For.
        """
        return self.protocol.peer

    @property
    def remote_address(self) -> Any:
        """The socket address of the other end, a proxy perhaps: ``(host, port)`` for IPv4."""
        return self._sockets()[0]

    @property
    def local_address(self) -> Any:
        """The socket address of this end."""
        return self._sockets()[1]

    def _sockets(self) -> tuple[Any, Any]:
        return self._addresses or addresses_of(self.transport)

    @property
    def latency(self) -> float:
        """Seconds that the last ping took, automatic ones included; 0.0 before the first.

        A pong that came while reading was paused does not count: it says nothing of the line.
        """
        return self.protocol.latency

    @property
    def close_info(self) -> CloseInfo | None:
        """How the connection ended; None as long as it has not."""
        return self.protocol._close_info

    @property
    def close_code(self) -> int | None:
        """The close code, 1005 for a close frame without one, 1006 without a close frame."""
        return None if self.close_info is None else self.close_info.code

    @property
    def close_reason(self) -> str | None:
        """The close reason, or what happened instead."""
        return None if self.close_info is None else self.close_info.reason

    @property
    def transport(self) -> Any:
        """The asyncio transport; None when the connection has ended."""
        return self.protocol.transport

    @property
    def id(self) -> uuid.UUID:
        """A name for logs, made when it is asked for."""
        if self._id is None:
            self._id = uuid.uuid4()
        return self._id

    @property
    def log(self) -> Any:
        """The logger of the protocol object."""
        return self.protocol.log


def addresses_of(transport: Any) -> tuple[Any, Any]:
    """The socket addresses of the other end and of this one."""
    return transport.get_extra_info("peername"), transport.get_extra_info("sockname")
