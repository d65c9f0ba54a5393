"""Getting to a server through a proxy."""

from __future__ import annotations

import asyncio
import importlib
import ssl
from typing import Any, Final

from ..errors import OptionError
from ..factory.client import WebSocketClientFactory
from .proxy import Proxy

__all__ = ["TLS_KEYWORDS", "open_tunnel"]

TLS_KEYWORDS: Final = frozenset({"ssl_handshake_timeout", "ssl_shutdown_timeout"})
"""Keywords of ``create_connection`` that it takes only where TLS begins at once."""


async def open_tunnel(
    proxy: Proxy,
    address: tuple[str, int],
    factory: WebSocketClientFactory,
    arguments: dict[str, Any],
) -> tuple[Any, Any]:
    """Connect to a proxy; a transport and its protocol, as ``create_connection`` returns them.

    With HTTP the protocol asks for the tunnel itself, and speaks TLS in there if it has to.

    Args:
        proxy: the proxy.
        address: the server's host and port.
        factory: makes the protocol.
        arguments: for ``create_connection``; they have ``ssl`` only where TLS begins at once.

    Raises:
        OSError: the proxy, or behind SOCKS the server, cannot be reached.
        OptionError: SOCKS, and python-socks is not installed.
    """
    loop = asyncio.get_running_loop()
    if proxy.is_socks:
        sock = await _socks(proxy, address)
        return await loop.create_connection(factory, sock=sock, **arguments)
    factory.proxy = {"host": proxy.host, "port": proxy.port, "headers": proxy.headers}
    if proxy.scheme == "https":
        arguments = arguments | {"ssl": ssl.create_default_context()}
    else:
        arguments = {name: arguments[name] for name in arguments.keys() - TLS_KEYWORDS}
    return await loop.create_connection(factory, proxy.host, proxy.port, **arguments)


async def _socks(proxy: Proxy, address: tuple[str, int]) -> Any:
    """A socket that leads to the server."""
    try:
        library = importlib.import_module("python_socks")
        client = importlib.import_module("python_socks.async_.asyncio")
    except ImportError:
        raise OptionError(f"{proxy} needs the package python-socks[asyncio]") from None
    through = client.Proxy(
        proxy_type=library.ProxyType.SOCKS4
        if proxy.scheme == "socks4"
        else library.ProxyType.SOCKS5,
        host=proxy.host,
        port=proxy.port,
        username=proxy.user,
        password=proxy.password,
        rdns=proxy.scheme != "socks4",
    )
    try:
        return await through.connect(dest_host=address[0], dest_port=address[1])
    except (library.ProxyError, library.ProxyConnectionError, library.ProxyTimeoutError) as error:
        raise OSError(str(error)) from error
    except ValueError as error:  # SOCKS has no room for such a name
        raise OSError("there can be no host of this name") from error
