"""One attempt to connect: from the arguments of ``connect`` to an open connection."""

from __future__ import annotations

import asyncio
import functools
import os
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any, Final, TypeVar

from ..core.handshake.fields import host_port, user_fields
from ..core.http1 import render_head, shown
from ..errors import ConnectError, HandshakeError, OptionError, check_type
from ..factory.client import WebSocketClientFactory
from ..options import ClientOptions
from ..protocol.log import make_logger, say
from ..util import WebSocketURL, hide_user, parse_url
from .arguments import check_protocols, check_tls
from .client_link import ClientLinkFactory
from .credentials import Auth, with_credentials, without_bearer
from .proxy import Proxy, find_proxy, parse_proxy
from .redirects import is_same_origin, redirect_url
from .tunnel import TLS_KEYWORDS, open_tunnel
from .websocket import WebSocket

__all__ = ["Attempt", "AuthSource", "Headers", "HeadersSource", "URLSource"]

T = TypeVar("T")

log = make_logger()

Headers = Mapping[str, Any]
HeadersSource = Headers | Callable[[], Headers | Awaitable[Headers]]
URLSource = str | Callable[[], str | Awaitable[str]]
AuthSource = Auth | Callable[[], Auth | Awaitable[Auth | None] | None]


NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
"""What OpenSSL's releases call it when the answer is no TLS."""

LONGEST: Final = 100
"""Characters that are shown of a place: a redirect can name any."""


# None of these has a repr(): they hold credentials, and tracebacks show what they see.
@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Target:
    """What is asked for, and how it is reached.

    Args:
        url: its URL.
        parts: the same, taken apart.
        proxy: through this one.
        tls: with this context.
        server_hostname: the name in the server's certificate.
    """

    url: str
    parts: WebSocketURL
    proxy: Proxy | None
    tls: ssl_module.SSLContext | None
    server_hostname: str | None


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Asking:
    """What is said in the request.

    Args:
        headers: to be added, that with the credentials among them.
        protocols: subprotocols to offer.
        origin: the Origin header.
        useragent: the User-Agent header.
    """

    headers: Headers
    protocols: Sequence[str]
    origin: str | None
    useragent: str | None


@dataclass(repr=False, eq=False)
class Attempt:
    """All that is needed to connect, as often as wanted: the arguments of ``connect``."""

    url: URLSource
    options: ClientOptions
    headers: HeadersSource | None
    auth: AuthSource | None
    subprotocols: Sequence[str]
    origin: str | None
    useragent: str | None
    max_redirects: int
    proxy: str | bool | None
    ssl: ssl_module.SSLContext | None
    server_hostname: str | None
    sock: Any
    path: Any
    kwargs: dict[str, Any]
    where: str = "url()"
    """What TCP connects to, for messages."""
    fixed: Target | None = None
    """How the URL is reached, unless that is asked for each time."""

    def check(self) -> None:
        """Refuse early what can be known to be wrong."""
        check_tls(self.ssl, is_server=False)
        check_type("server_hostname", self.server_hostname, str, type(None))
        check_type("origin", self.origin, str, type(None))
        check_type("useragent", self.useragent, str, type(None))
        check_type("proxy", self.proxy, str, bool, type(None))
        check_type("max_redirects", self.max_redirects, int)
        if self.max_redirects < 0:
            raise OptionError(f"max_redirects must be 0 or more, not {self.max_redirects}")
        check_protocols(self.subprotocols)
        if self.sock is not None and self.path is not None:
            raise OptionError("sock and the path of a Unix socket exclude each other")
        headers: Headers = {}
        if self.headers is not None and not callable(self.headers):
            check_type("headers", self.headers, Mapping)
            render_head("", user_fields(self.headers))
            headers = self.headers
        auth = None if callable(self.auth) else self.auth
        url = "" if callable(self.url) else self.url
        if not callable(self.url):
            self.fixed = self.target(self.url)
            self.where = self.place(self.fixed)
        with_credentials(headers, auth, url)

    # --- where to -------------------------------------------------------------------------------

    def target(self, url: str) -> Target:
        """How a URL is reached."""
        parts = parse_url(url)
        if self.path is not None and parts.host == "unix":
            raise OptionError("path and the URL of a Unix socket exclude each other")
        if self.sock is not None and parts.host == "unix":
            raise OptionError("sock and the path of a Unix socket exclude each other")
        tls, name = None, None
        if parts.is_secure:
            tls = self.ssl or _default_context()
            name = self.server_hostname or parts.host
        elif self.ssl is not None or self.server_hostname is not None:
            raise OptionError(f"ssl and server_hostname are for wss://, not for {hide_user(url)}")
        elif given := TLS_KEYWORDS & self.kwargs.keys():
            raise OptionError(f"{min(given)} is for wss://, not for {hide_user(url)}")
        return Target(url, parts, self.find_proxy(parts), tls, name)

    def find_proxy(self, parts: WebSocketURL) -> Proxy | None:
        proxy = self.proxy
        if self.is_elsewhere or parts.host == "unix":
            if isinstance(proxy, str):
                raise OptionError("proxy excludes sock, Unix sockets, and host or port")
            return None
        if isinstance(proxy, str):
            return parse_proxy(proxy)
        return find_proxy(parts) if proxy else None

    @property
    def is_elsewhere(self) -> bool:
        """Whether somewhere else is connected to than the URL says."""
        place = self.kwargs.keys() & {"host", "port"}
        return self.sock is not None or self.path is not None or bool(place)

    def place(self, target: Target) -> str:
        """What TCP connects to, for messages."""
        if target.proxy is not None:
            return str(target.proxy)
        path = self.socket_path(target)
        if path is not None:
            return f"unix:{os.fspath(path)}"
        place = host_port(*self.address(target))
        return place if len(place) <= LONGEST else f"{place[:LONGEST]}..."

    def socket_path(self, target: Target) -> Any:
        return target.parts.port if target.parts.host == "unix" else self.path

    def address(self, target: Target) -> tuple[str, int]:
        """Host and port to connect to, unless a proxy does."""
        host, port = self.kwargs.get("host"), self.kwargs.get("port")
        return host or target.parts.host, port or int(target.parts.port)

    # --- connecting -----------------------------------------------------------------------------

    async def run(self) -> WebSocket:
        """Connect, within the time that the options allow."""
        seconds = self.options.open_handshake_timeout or None
        try:
            async with asyncio.timeout(seconds) as scope:
                return await self.open()
        except TimeoutError:
            if not scope.expired():
                raise  # by a function of the application's, such as that for auth
            raise ConnectError(
                f"{self.where}: no connection within open_handshake_timeout={seconds} s"
            ) from None

    async def open(self) -> WebSocket:
        """Ask for the connection, and go where the server redirects."""
        target = self.fixed or self.target(await _current(self.url))
        asking = await self.asking(target)
        for left in range(self.max_redirects, -1, -1):
            self.where = self.place(target)
            try:
                return await self.ask(target, asking)
            except HandshakeError as error:
                url = redirect_url(error, target.url) if self.max_redirects else None
                if url is None:
                    raise
                if left == 0:
                    reason = f"more than max_redirects={self.max_redirects} redirects"
                    raise HandshakeError(reason, error.status, error.headers) from None
                status = error.status
            say(log, "debug", f"{self.where}: redirected with {status} to {shown(hide_user(url))}")
            target, asking = self.redirected(target, asking, url)
        raise AssertionError

    def redirected(self, before: Target, asking: Asking, url: str) -> tuple[Target, Asking]:
        """Where a redirect leads. What was meant for one origin does not go to another one."""
        if self.sock is not None:
            raise ConnectError(f"{self.where}: a redirect cannot be followed on sock=")
        if is_same_origin(before.parts, parse_url(url)):
            return self.target(url), asking
        if self.is_elsewhere:
            raise ConnectError(
                f"{self.where}: a redirect to another origin cannot be followed with path=, host= "
                "or port="
            )
        target = replace(self, server_hostname=None).target(url)
        return target, replace(asking, headers={}, protocols=without_bearer(asking.protocols))

    async def asking(self, target: Target) -> Asking:
        """What to say this time."""
        headers = await _current(self.headers) or {}
        headers = with_credentials(headers, await _current(self.auth), target.url)
        return Asking(headers, self.subprotocols, self.origin, self.useragent)

    async def ask(self, target: Target, asking: Asking) -> WebSocket:
        """Connect to one server, and let it answer."""
        factory = ClientLinkFactory(
            target.url,
            headers=asking.headers,
            origin=asking.origin,
            protocols=asking.protocols,
            useragent=asking.useragent,
        )
        factory.options = self.options
        factory.where = self.where
        opened = factory.opened = asyncio.get_running_loop().create_future()
        try:
            _, link = await self.transport(target, factory)
        except BaseException:
            if not opened.cancel():
                opened.exception()  # the server was gone before we heard that it was there
            raise
        try:
            ws: WebSocket = await opened
            return ws
        except BaseException:
            link.dropConnection(abort=True)
            raise
        finally:
            del opened, link  # an error leads to this frame, and they to the error

    async def transport(self, target: Target, factory: WebSocketClientFactory) -> Any:
        """A transport and its protocol, in the making; ``ConnectError`` where there is no way."""
        try:
            return await self.connect_transport(target, factory)
        except OSError as error:
            raise self.error(error) from error
        except UnicodeError as error:  # by the resolver
            raise self.error(OSError("there can be no host of this name")) from error

    async def connect_transport(self, target: Target, factory: WebSocketClientFactory) -> Any:
        loop = asyncio.get_running_loop()
        arguments = self.kwargs
        if target.tls is not None and (target.proxy is None or target.proxy.is_socks):
            arguments = arguments | {"ssl": target.tls, "server_hostname": target.server_hostname}
        path = self.socket_path(target)
        if path is not None:
            return await loop.create_unix_connection(factory, os.fspath(path), **arguments)
        if self.sock is not None:
            return await loop.create_connection(factory, sock=self.sock, **arguments)
        if target.proxy is not None:
            factory.ssl_context, factory.server_hostname = target.tls, target.server_hostname
            factory.tls_keywords = {
                name: arguments[name] for name in TLS_KEYWORDS & arguments.keys()
            }
            return await open_tunnel(target.proxy, self.address(target), factory, arguments)
        host, port = self.address(target)
        return await loop.create_connection(factory, **(arguments | {"host": host, "port": port}))

    def error(self, error: OSError) -> ConnectError:
        """One line about what went wrong on the way."""
        reason = error.strerror or str(error) or type(error).__name__
        if isinstance(error, ssl_module.SSLCertVerificationError):
            reason = f"certificate verification failed: {error.verify_message}"
        elif isinstance(error, ssl_module.SSLError):
            reason = f"TLS failed: {error.reason or error}"
            if error.reason in NO_TLS:
                reason += ", as from a server without TLS, which wants ws://"
        elif error.errno and error.errno > 0:
            reason = os.strerror(error.errno)
        failure = ConnectError(f"cannot connect to {self.where}: {reason}")
        failure.errno = error.errno
        return failure


async def _current(source: Any) -> Any:
    """What an argument is now, if it is a function."""
    if not callable(source):
        return source
    value = source()
    return await value if isawaitable(value) else value


@functools.cache
def _default_context() -> ssl_module.SSLContext:
    """A context that verifies; loading the system's certificates takes long."""
    return ssl_module.create_default_context()
