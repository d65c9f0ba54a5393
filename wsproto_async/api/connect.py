"""``connect``: a client's connection, once, or again and again."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl as ssl_module
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from time import monotonic
from typing import Any, Unpack, cast

from ..compress import Compression
from ..errors import StateError, check_type
from ..factory.client import USERAGENT
from ..options import ClientOptions
from ..protocol.log import make_logger, say
from .arguments import check_function, with_compression
from .attempt import Attempt, AuthSource, HeadersSource, URLSource
from .keywords import ClientKeywords, check_client_keywords
from .retry import Backoff, Retries, check_backoff, is_temporary
from .websocket import WebSocket

__all__ = ["Connecting", "connect"]

log = make_logger()


def connect(
    url: URLSource,
    *,
    options: ClientOptions | None = None,
    compression: Compression | None = None,
    subprotocols: Sequence[str] | None = None,
    headers: HeadersSource | None = None,
    auth: AuthSource | None = None,
    origin: str | None = None,
    useragent: str | None = USERAGENT,
    max_redirects: int = 10,
    proxy: str | bool | None = True,
    ssl: ssl_module.SSLContext | None = None,
    server_hostname: str | None = None,
    sock: socket.socket | None = None,
    path: str | os.PathLike[str] | None = None,
    backoff: Callable[[], Iterator[float]] | None = None,
    retry: Callable[[Exception], bool] = is_temporary,
    **kwargs: Unpack[ClientKeywords],
) -> Connecting:
    """Connect to a server.

    ``async with connect(url) as ws`` closes the connection at the end; ``await connect(url)``
    leaves that to you. ``async for ws in connect(url)`` connects again whenever the body has
    come to its end, after a pause that grows while that does not succeed.

    The option ``open_handshake_timeout`` bounds all of an attempt: DNS, TCP, proxy, TLS and the
    opening handshake, redirects included.

    Args:
        url: ``ws://`` or ``wss://``; ``ws://unix:/path`` for a Unix socket. Or a function, plain
            or coroutine, that returns it, called for each attempt. A user and password in it are
            shown to the server, as by ``auth``.
        options: None is ``ClientOptions()``.
        compression: what to offer, ``Deflate()`` for one; None is nothing.
        subprotocols: to offer, the preferred one first; see ``ws.subprotocol``.
        headers: to be added to the request; or a function, plain or coroutine, that returns
            them, called for each attempt.
        auth: credentials for the server: a tuple of user and password, or a bearer token; or a
            function, plain or coroutine, that returns one of these, called for each attempt (for
            tokens that expire).
        origin: the Origin header.
        useragent: the User-Agent header; None sends none.
        max_redirects: how many redirects are followed; 0 raises ``HandshakeError`` instead.
            What was meant for one origin does not go to another: ``headers``, ``auth``,
            ``server_hostname``, a token behind the subprotocol ``bearer``. No redirect is
            followed from ``wss://`` to ``ws://``, or to a Unix socket.
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
    check_client_keywords(connect, kwargs)
    check_type("options", options, ClientOptions, type(None))
    check_backoff(backoff)
    check_function("retry", retry, "error")
    attempt = Attempt(
        url=url,
        options=with_compression(options or ClientOptions(), compression),
        headers=headers,
        auth=auth,
        subprotocols=subprotocols or (),
        origin=origin,
        useragent=useragent,
        max_redirects=max_redirects,
        proxy=proxy,
        ssl=ssl,
        server_hostname=server_hostname,
        sock=sock,
        path=path,
        kwargs=cast(dict[str, Any], kwargs),
    )
    attempt.check()
    return Connecting(attempt, backoff or Backoff(), retry)


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
        self._entered = False

    def __await__(self) -> Generator[Any, None, WebSocket]:
        return self._attempt.run().__await__()

    async def __aenter__(self) -> WebSocket:
        if self._entered:
            raise StateError("this connect() is in use already: call connect() for each connection")
        self._entered = True
        try:
            self._ws = await self._attempt.run()
        except BaseException:
            self._entered = False
            raise
        return self._ws

    async def __aexit__(self, *_: object) -> None:
        ws, self._ws = self._ws, None
        self._entered = False
        assert ws is not None
        await ws.close()

    async def __aiter__(self) -> AsyncIterator[WebSocket]:
        retries = Retries(self._backoff, self._retry)
        while True:
            lived = None
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
                failure = ws._closed_error()
                lived = monotonic() - opened
            pause = retries.after(failure, lived)
            say(log, "info", f"{self._attempt.where}: {failure}; again in {pause:.1f} s")
            await asyncio.sleep(pause)
