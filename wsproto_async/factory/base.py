"""``WebSocketFactory``: what server and client factories have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..errors import check_type
from ..options import ClientOptions, ServerOptions
from ..options.legacy import ATTRIBUTE_ONLY, assign, legacy_value, update
from ..protocol.log import make_logger
from ..protocol.option_attributes import CommonOptionAttributes
from ..protocol.prepared import PreparedMessage

__all__ = ["WebSocketFactory"]


class WebSocketFactory(CommonOptionAttributes):
    """Makes protocols, one for each connection, and holds what they have in common.

    A factory is what ``loop.create_server`` and ``loop.create_connection`` are given. It needs no
    running loop.

    Attributes:
        protocol: the class of the protocols; anything that can be called without arguments.
        options: the options for connections that are made from now on.
    """

    isServer: ClassVar[bool]
    log: Any = make_logger()
    protocol: Any
    options: ServerOptions | ClientOptions
    _loop: asyncio.AbstractEventLoop | None = None

    isSecure: bool
    host: str
    port: Any
    resource: str
    path: str
    params: dict[str, list[str]]
    url: str | None
    protocols: list[str]
    headers: dict[str, Any]

    def __call__(self) -> Any:
        """A new protocol, which knows its factory."""
        protocol = self.protocol()
        protocol.factory = self
        return protocol

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that was given, else the running one; None where there is neither."""
        if self._loop is not None:
            return self._loop
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            return None

    @loop.setter
    def loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop = loop

    def prepareMessage(
        self, payload: bytes, isBinary: bool = False, doNotCompress: bool = False
    ) -> PreparedMessage:
        """Encode a message once, to be sent on many connections by ``sendPreparedMessage``.

        Args:
            payload: its octets; for text, UTF-8.
            isBinary: False is text.
            doNotCompress: send it as it is, whatever a connection has agreed on.
        """
        return PreparedMessage(payload, isBinary, not self.isServer, doNotCompress)

    def _get_option(self, name: str) -> Any:
        return legacy_value(self.options, name)

    def _set_option(self, name: str, value: Any) -> None:
        self.options = assign(self.options, name, value)

    def resetProtocolOptions(self) -> None:
        """Put all options back to Autobahn's defaults, but for those that only log and time."""
        kept = {name: legacy_value(self.options, name) for name in ATTRIBUTE_ONLY}
        self.options = update(type(self.options).contract(), kept)

    def _set_common(
        self, protocols: Sequence[str] | None, headers: Mapping[str, Any] | None
    ) -> None:
        check_type("protocols", protocols, list, tuple, type(None))
        check_type("headers", headers, Mapping, type(None))
        self.protocols = list(protocols or ())
        self.headers = dict(headers or {})
