"""``connect``: a client's connection, once, or again and again."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import ssl as ssl_module
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from inspect import isawaitable
from time import monotonic
from typing import Any

from ..core.handshake.fields import host_port, user_fields
from ..errors import ConnectError, OptionError, check_type
from ..factory.client import USERAGENT
from ..options import ClientOptions
from ..protocol.log import make_logger, say
from ..util import parse_url
from .arguments import check_function, check_protocols
from .client_link import ClientLinkFactory
from .proxy import Proxy, find_proxy, parse_proxy
from .retry import Backoff, is_temporary, retry_after
from .tunnel import open_tunnel
from .websocket import WebSocket

__all__ = ["Connecting", "connect"]

log = make_logger()

Headers = Mapping[str, Any]
HeadersSource = Headers | Callable[[], Headers | Awaitable[Headers]]


def connect(
    url: str,
    *,
    options: ClientOptions | None = None,
    subprotocols: Sequence[str] | None = None,
    headers: HeadersSource | None = None,
    origin: str | None = None,
    useragent: str | None = USERAGENT,
    proxy: str | bool | None = True,
    ssl: ssl_module.SSLContext | None = None,
    server_hostname: str | None = None,
    sock: socket.socket | None = None,
    path: str | os.PathLike[str] | None = None,
    backoff: Callable[[], Iterator[float]] | None = None,
    retry: Callable[[Exception], bool] = is_temporary,
    **kwargs: Any,
) -> Connecting:
    """Connect to a server.

    ``async with connect(url) as ws`` closes the connection at the end; ``await connect(url)``
    leaves that to you. ``async for ws in connect(url)`` connects again whenever the body has
    come to its end, after a pause that grows while that does not succeed.

    The option ``open_handshake_timeout`` bounds all of an attempt: DNS, TCP, proxy, TLS and the
    opening handshake. Redirects are not followed; the error says where they lead.

    Args:
        url: ``ws://`` or ``wss://``; ``ws://unix:/path`` for a Unix socket.
        options: None is ``ClientOptions()``.
        subprotocols: to offer, the preferred one first; see ``ws.subprotocol``.
        headers: to be added to the request; or a function, plain or coroutine, that returns
            them, called for each attempt (for tokens that expire).
        origin: the Origin header.
        useragent: the User-Agent header; None sends none.
        proxy: True takes it from the environment (``https_proxy``, ``no_proxy``, ...), which is
            never asked about this machine itself; None connects directly; or a URL
            ``http://user:password@host:port``. ``https://`` works as well, ``socks5://`` if
            python-socks is installed.
        ssl: for ``wss://``; None verifies the server by the system's certificates.
        server_hostname: the name in the server's certificate, if not that in the URL.
        sock: a connected socket to use.
        path: connect to the Unix socket of this path; the URL says what to ask for.
        backoff: for ``async for``: called at the begin of an outage, returns the pauses in
            seconds; when they run out, the last error is raised. None is ``Backoff()``.
        retry: for ``async for``: whether to try again after that error, or to raise it.
        **kwargs: go to the loop's ``create_connection``: ``local_addr``, ``family``,
            ``happy_eyeballs_delay``, ...; ``host`` and ``port`` connect elsewhere than the URL
            says.

    Returns:
        What to ``await``, ``async with`` or ``async for`` for a :class:`WebSocket`. That raises
        ``HandshakeError`` where the server refuses, with its ``status``, and ``ConnectError``
        where there is no answer.

    Raises:
        InvalidURL: the URL is not one of these.
        OptionError: another argument has a bad value.
        OptionTypeError: an argument has a wrong type.
    """
    check_type("options", options, ClientOptions, type(None))
    check_type("ssl", ssl, ssl_module.SSLContext, type(None))
    check_type("origin", origin, str, type(None))
    check_type("useragent", useragent, str, type(None))
    check_protocols(subprotocols)
    if headers is not None and not callable(headers):
        check_type("headers", headers, Mapping)
        user_fields(headers)
    attempt = Attempt(url, options or ClientOptions(), sock, path, kwargs)
    attempt.request = {"origin": origin, "protocols": subprotocols, "useragent": useragent}
    attempt.headers = headers
    attempt.use_proxy(proxy)
    attempt.use_tls(ssl, server_hostname)
    check_function("backoff", backoff)
    check_function("retry", retry)
    return Connecting(attempt, backoff or Backoff(), retry)


class Attempt:
    """All that is needed to connect, as often as wanted."""

    request: dict[str, Any]
    headers: HeadersSource | None
    proxy: Proxy | None = None
    tls: ssl_module.SSLContext | None = None
    server_hostname: str | None = None

    def __init__(
        self, url: str, options: ClientOptions, sock: Any, path: Any, kwargs: dict[str, Any]
    ) -> None:
        self.url = url
        self.parts = parse_url(url)
        self.options = options
        self.sock = sock
        self.path: Any = self.parts.port if self.parts.host == "unix" else path
        self.kwargs = kwargs
        if sock is not None and self.path is not None:
            raise OptionError("sock and the path of a Unix socket exclude each other")

    def use_proxy(self, proxy: str | bool | None) -> None:
        check_type("proxy", proxy, str, bool, type(None))
        elsewhere = self.kwargs.keys() & {"host", "port"}
        if self.sock is not None or self.path is not None or elsewhere:
            if isinstance(proxy, str):
                raise OptionError("proxy excludes sock, Unix sockets, and host or port")
        elif isinstance(proxy, str):
            self.proxy = parse_proxy(proxy)
        elif proxy:
            self.proxy = find_proxy(self.parts)

    def use_tls(self, ssl: ssl_module.SSLContext | None, server_hostname: str | None) -> None:
        check_type("server_hostname", server_hostname, str, type(None))
        if self.parts.is_secure:
            self.tls = ssl or _default_context()
            self.server_hostname = server_hostname or self.parts.host
        elif ssl is not None or server_hostname is not None:
            raise OptionError(f"ssl and server_hostname are for wss://, not for {self.url}")

    @property
    def where(self) -> str:
        """What TCP connects to, for messages."""
        if self.proxy is not None:
            return str(self.proxy)
        if self.path is not None:
            return f"unix:{os.fspath(self.path)}"
        return host_port(*self.address)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to, unless a proxy does."""
        host, port = self.kwargs.get("host"), self.kwargs.get("port")
        return host or self.parts.host, port or int(self.parts.port)

    async def run(self) -> WebSocket:
        """Connect, within the time that the options allow."""
        seconds = self.options.open_handshake_timeout or None
        try:
            async with asyncio.timeout(seconds):
                return await self.open()
        except TimeoutError:
            # The handshake's own TimeoutError (ETIMEDOUT) has become a ConnectError already.
            raise ConnectError(
                f"{self.where}: no connection within open_handshake_timeout={seconds} s"
            ) from None

    async def open(self) -> WebSocket:
        factory = ClientLinkFactory(self.url, headers=await self.current_headers(), **self.request)
        factory.options = self.options
        factory.where = self.where
        opened = factory.opened = asyncio.get_running_loop().create_future()
        try:
            _, link = await self.connect_transport(factory)
        except OSError as error:
            raise self.error(error) from error
        try:
            ws: WebSocket = await opened
            return ws
        except BaseException:
            link.dropConnection(abort=True)
            raise
        finally:
            del opened, link  # an error leads to this frame, and they to the error

    async def current_headers(self) -> Headers | None:
        if not callable(self.headers):
            return self.headers
        headers = self.headers()
        return await headers if isawaitable(headers) else headers

    async def connect_transport(self, factory: ClientLinkFactory) -> tuple[Any, Any]:
        loop = asyncio.get_running_loop()
        arguments = self.kwargs
        if self.tls is not None and (self.proxy is None or self.proxy.is_socks):
            arguments = arguments | {"ssl": self.tls, "server_hostname": self.server_hostname}
        if self.path is not None:
            return await loop.create_unix_connection(factory, os.fspath(self.path), **arguments)
        if self.sock is not None:
            return await loop.create_connection(factory, sock=self.sock, **arguments)
        if self.proxy is not None:
            factory.ssl_context, factory.server_hostname = self.tls, self.server_hostname
            return await open_tunnel(self.proxy, self.address, factory, arguments)
        host, port = self.address
        return await loop.create_connection(factory, **(arguments | {"host": host, "port": port}))

    def error(self, error: OSError) -> ConnectError:
        """One line about what went wrong on the way."""
        reason = error.strerror or str(error) or type(error).__name__
        if isinstance(error, ssl_module.SSLCertVerificationError):
            reason = f"certificate verification failed: {error.verify_message}"
        elif isinstance(error, ssl_module.SSLError):
            reason = f"TLS failed: {error.reason or error}"
        elif error.errno and error.errno > 0:
            reason = os.strerror(error.errno)
        failure = ConnectError(f"cannot connect to {self.where}: {reason}")
        failure.errno = error.errno
        return failure


@functools.cache
def _default_context() -> ssl_module.SSLContext:
    """A context that verifies; loading the system's certificates takes long."""
    return ssl_module.create_default_context()


class Connecting:
    """What ``connect`` returns: a connection that is made when it is awaited, entered, iterated."""

    def __init__(
        self,
        attempt: Attempt,
        backoff: Callable[[], Iterator[float]],
        retry: Callable[[Exception], bool],
    ) -> None:
        self._attempt = attempt
        self._backoff = backoff
        self._retry = retry
        self._ws: WebSocket | None = None

    def __await__(self) -> Generator[Any, None, WebSocket]:
        return self._attempt.run().__await__()

    async def __aenter__(self) -> WebSocket:
        self._ws = await self._attempt.run()
        return self._ws

    async def __aexit__(self, *_: object) -> None:
        ws, self._ws = self._ws, None
        if ws is not None:
            await ws.close()

    async def __aiter__(self) -> AsyncIterator[WebSocket]:
        pauses = self._backoff()
        pause = 0.0
        while True:
            try:
                ws = await self._attempt.run()
            except Exception as error:
                failure = error.with_traceback(None)  # which would hold this frame, and it us
            else:
                opened = monotonic()
                try:
                    yield ws
                finally:
                    await ws.close()
                failure = ws.closed_error()
                if monotonic() - opened > pause:
                    pauses = self._backoff()  # it has lived: what comes now is another outage
            if not self._retry(failure):
                raise failure
            try:
                pause = max(next(pauses), retry_after(failure))
            except StopIteration:
                raise failure from None
            say(log, "info", f"{self._attempt.where}: {failure}; again in {pause:.1f} s")
            await asyncio.sleep(pause)
