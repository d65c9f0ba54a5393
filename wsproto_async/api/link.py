"""The protocol objects below :class:`~.websocket.WebSocket`, on both sides.

They are users of the contract like any other: hooks are overridden, and that is nearly all.
"""
# ruff: noqa: N802  # hooks have Autobahn's names

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..protocol.base import WebSocketProtocol
from .fragments import Fragments
from .websocket import WebSocket

__all__ = ["Link"]

if TYPE_CHECKING:
    _Base = WebSocketProtocol
else:
    _Base = object  # the server's and the client's class bring it


class Link(_Base):
    """What both sides do for their :class:`~.websocket.WebSocket`.

    Attributes:
        ws: the connection as applications see it; None when it has ended, so that nothing goes
            round in a circle.
        user: who it is, where somebody has found that out.
    """

    ws: WebSocket | None = None
    user: Any = None
    _fragments: Fragments | None = None

    def connection_made(self, transport: Any) -> None:
        """The transport is there (asyncio calls this)."""
        super().connection_made(transport)
        self.messages()  # opened now, so that no message is lost however late it is iterated
        self.ws = WebSocket(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The transport is gone (asyncio calls this)."""
        ws, transport = self.ws, self.transport
        super().connection_lost(exc)
        if ws is None:
            return
        ws._on_lost(transport)
        fragments, self._fragments = self._fragments, None
        if fragments is not None:
            fragments.lost(ws._closed_error())
        tasks, self._tasks = self._tasks, None
        for task in list(tasks.running) if tasks is not None else ():
            task.cancel()  # it was about a peer that is gone
        self.finish()

    def finish(self) -> None:
        """Nothing is left to be done: let go."""
        self.ws = None

    def onPong(self, payload: bytes) -> None:
        """A pong arrived: it answers a ping and all before it (RFC 6455, section 5.5.3)."""
        assert self.ws is not None
        self.ws._on_pong(payload)

    def _options_changed(self) -> None:
        super()._options_changed()
        if self.ws is not None:
            self.ws._bind()

    def _read_on(self) -> None:
        super()._read_on()
        if self._fragments is not None:
            self._fragments.break_off()
