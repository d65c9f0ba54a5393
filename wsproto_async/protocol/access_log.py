"""The access log: a line for each connection of a server, when it has ended.

::

    tcp4:192.0.2.7:51334 ann "GET /chat" 101 1000 12.345 517 2048

That is the peer, the user if somebody has found out, what was asked for, the HTTP status, the
close code, seconds, octets received, and octets sent; ``-`` stands for what is not there. Quotes
that somebody else has sent, and spaces outside of quotes, are escaped, so that there is one way to
read it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from ..core.http1 import shown

if TYPE_CHECKING:
    from .server import WebSocketServerProtocol

__all__ = ["log_access", "status_of"]

log: Final = logging.getLogger("wsproto_async.access")


def status_of(response: bytes) -> int:
    """The status in the beginning of a response of ours; 0 where it is no HTTP."""
    digits = response[9:12]
    return int(digits) if response.startswith(b"HTTP/1.1 ") and digits.isdigit() else 0


def log_access(protocol: WebSocketServerProtocol, status: int, seconds: float) -> None:
    """Write the line of a connection that has ended.

    Args:
        protocol: whose.
        status: what its request was answered with; 0 where there was none.
        seconds: how long it has lived.
    """
    path = getattr(protocol, "http_request_path", None)
    level = logging.INFO if status else logging.DEBUG
    if not log.isEnabledFor(level):
        return
    user, info, stats = getattr(protocol, "user", None), protocol.close_info, protocol.trafficStats
    log.log(
        level,
        '%s %s "%s" %s %s %.3f %d %d',
        _word(protocol.peer),
        _word(user) if isinstance(user, str) else "-",
        "-" if path is None else f"GET {_quoted(path)}",
        status or "-",
        info.code if status == 101 and info is not None else "-",
        seconds,
        stats.preopenIncomingOctetsWireLevel + stats.incomingOctetsWireLevel,
        stats.preopenOutgoingOctetsWireLevel + stats.outgoingOctetsWireLevel,
    )


def _quoted(text: str) -> str:
    return shown(text)[1:-1].replace('"', r"\x22")


def _word(text: str) -> str:
    return _quoted(text).replace(" ", r"\x20") or "-"
