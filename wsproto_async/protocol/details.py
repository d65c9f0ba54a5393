"""What can be known of a transport."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import threading
from contextlib import suppress
from typing import Any

from ..errors import OptionError
from ..types import TransportDetails

__all__ = [
    "NEVER_CONNECTED",
    "Below",
    "carrier_of",
    "channel_id",
    "peer_of",
    "set_no_delay",
    "transport_details",
]

NEVER_CONNECTED = "<never connected>"


def peer_of(transport: Any) -> str:
    """Where a transport leads to: ``tcp4:HOST:PORT``, ``tcp6:HOST:PORT``, ``unix:PATH``, ..."""
    pid = getattr(transport, "get_pid", None)
    if pid is not None:
        return f"process:{pid()}"
    name = transport.get_extra_info("peername")
    if isinstance(name, tuple):
        if len(name) == 2:
            return f"tcp4:{name[0]}:{name[1]}"
        if len(name) == 4:
            return f"tcp6:{name[0]}:{name[1]}"
    elif isinstance(name, (str, bytes)):
        return f"unix:{os.fsdecode(name)}"
    return f"?:{name}"


def carrier_of(transport: Any) -> Any:
    """The transport that one of asyncio's for TLS writes to; any other is its own.

    It knows at once when the peer is gone; before 3.12 the other one is closing only later.
    """
    return getattr(getattr(transport, "_ssl_protocol", None), "_transport", None) or transport


class Below(asyncio.Transport):
    """A transport on which TLS is being begun: it can be ended, and has nothing of ours to send.

    It may have ended already; aiofastnet's crash when they are asked then what they have to send.
    """

    def __init__(self, transport: Any) -> None:
        self.transport = transport

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As it says."""
        return self.transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether it has ended, or is about to."""
        return bool(self.transport.is_closing())

    def get_write_buffer_size(self) -> int:
        """Nothing of ours."""
        return 0

    def close(self) -> None:
        """End it."""
        self.transport.abort()

    abort = close


def set_no_delay(transport: Any, enable: bool) -> None:
    """Switch Nagle's algorithm off or on, where the transport is TCP."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):  # the peer is gone already; connection_lost() will say so
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(enable))


def channel_id(transport: Any, kind: str | None) -> bytes:
    """What names this very channel, in 32 octets.

    Args:
        transport: the transport.
        kind: None gives zeros, ``"tls-unique"`` a hash of the TLS binding of that name.

    Raises:
        OptionError: another kind, or there is no such binding (no TLS, or TLS 1.3).
    """
    if kind is None:
        return bytes(32)
    if kind != "tls-unique":
        raise OptionError(f'channel_id_type must be None or "tls-unique", not {kind!r}')
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    binding = None
    if tls is not None and tls.version() != "TLSv1.3":  # which has none, but OpenSSL gives one
        binding = tls.get_channel_binding("tls-unique")
    if binding is None:
        raise OptionError('there is no "tls-unique" binding: it takes TLS 1.2 or older')
    return hashlib.sha256(binding).digest()


def transport_details(protocol: Any, peer: str, is_server: bool) -> TransportDetails:
    """The :class:`~wsproto_async.types.TransportDetails` of a protocol's transport."""
    transport = protocol.transport
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    sock = transport.get_extra_info("socket") if transport is not None else None
    ids: dict[str, bytes] = {}
    if tls is not None:
        with suppress(OptionError):
            ids["tls-unique"] = channel_id(transport, "tls-unique")
    return TransportDetails(
        peer,
        tls is not None,
        ids,
        channel_type="tls" if tls is not None else "tcp",
        channel_framing="websocket",
        channel_id=ids,
        peer_cert=tls.getpeercert() if tls is not None else None,
        is_server=is_server,
        own_pid=os.getpid(),
        own_tid=threading.get_native_id(),
        own_fd=sock.fileno() if sock is not None else None,
        websocket_protocol=getattr(protocol, "websocket_protocol_in_use", None),
        websocket_extensions_in_use=getattr(protocol, "websocket_extensions_in_use", None),
        http_headers_received=getattr(protocol, "http_headers", None),
    )
