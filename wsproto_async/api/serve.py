"""``serve`` and ``serve_factory``: a server from its arguments."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import ssl as ssl_module
from collections.abc import Generator, Sequence
from functools import partial
from typing import Any, Unpack, cast

from ..compress import Compression
from ..core.handshake.fields import MAX_PORT, user_fields
from ..core.http1 import render_head
from ..errors import OptionError, OptionTypeError, StateError, check_type
from ..factory.server import SERVER, WebSocketServerFactory
from ..options import ServerOptions
from ..protocol.log import say
from ..types import ResponseHeaders
from .arguments import check_function, check_protocols, check_tls, with_compression
from .keywords import ServerKeywords, check_server_keywords
from .requests import ProcessRequest, in_turn
from .server import Server
from .server_link import Handler, SelectSubprotocol, ServerLinkFactory

__all__ = ["Serving", "serve", "serve_factory"]


def serve(
    handler: Handler,
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    *,
    path: str | os.PathLike[str] | None = None,
    sock: socket.socket | None = None,
    ssl: ssl_module.SSLContext | None = None,
    options: ServerOptions | None = None,
    compression: Compression | None = None,
    subprotocols: Sequence[str] | None = None,
    select_subprotocol: SelectSubprotocol | None = None,
    headers: ResponseHeaders | None = None,
    server_header: str | None = SERVER,
    process_request: ProcessRequest | Sequence[ProcessRequest] | None = None,
    **kwargs: Unpack[ServerKeywords],
) -> Serving:
    """Serve WebSocket connections.

    ``async with serve(...) as server`` closes the server at the end; ``await serve(...)`` leaves
    that to you.

    Args:
        handler: a coroutine function that gets each connection as a :class:`WebSocket`, when it
            is open. When it returns, the connection is closed with 1000; when it raises, that is
            logged, and it is closed with 1011. ``ConnectionClosed`` out of it is no error, nor
            is a group of these, as ``TaskGroup`` raises.
        host: address or addresses to listen on; None is all of them.
        port: port to listen on; 0 takes a free one, see ``server.sockets``.
        path: listen on a Unix socket of this path instead.
        sock: listen on this socket instead.
        ssl: the server's certificate, to serve ``wss://``.
        options: None is ``ServerOptions()``.
        compression: what clients may agree on, ``Deflate()`` for one; None is nothing.
        subprotocols: those that are spoken, the preferred one first. The first that a client
            offers too is agreed on; without one, the connection goes without.
        select_subprotocol: decides instead: gets the connection and what the client offers, and
            returns one of these or None. It may raise ``ConnectionDeny``.
        headers: to be added to the response that opens a connection.
        server_header: the Server header of responses; None sends none.
        process_request: gets the connection, not open yet, and its request before that is
            accepted; plain HTTP requests, too. It may be a coroutine function. None lets the
            handshake go on (a plain request gets a 426), an :class:`HTTPResponse` is sent
            instead, ``ConnectionDeny`` may be raised. Or a list of such functions, such as
            ``[health_check(), bearer_auth(tokens)]``: each is asked if those before it return
            None.
        **kwargs: go to the loop's ``create_server`` or ``create_unix_server``: ``backlog``,
            ``reuse_port``, ``family``, ``start_serving``, ...

    Returns:
        What to ``await`` or ``async with`` for a :class:`Server`. That raises ``OSError`` when it
        cannot listen.

    Raises:
        OptionError: an argument has a bad value.
        OptionTypeError: an argument has a wrong type.
    """
    check_server_keywords(serve, kwargs)
    _check_handler(handler)
    check_type("options", options, ServerOptions, type(None))
    check_tls(ssl, is_server=True)
    if isinstance(process_request, (list, tuple)):
        for number, function in enumerate(process_request):
            if function is None:
                raise OptionTypeError(f"process_request[{number}] must be a function")
            check_function(f"process_request[{number}]", function, "ws", "request")
        process_request = in_turn(process_request)
    check_function("process_request", process_request, "ws", "request")
    check_function("select_subprotocol", select_subprotocol, "ws", "offered")
    check_protocols(subprotocols)
    factory = ServerLinkFactory(protocols=subprotocols, server=server_header, headers=headers)
    render_head("", user_fields(factory.headers))  # refuses what no response could have
    factory.options = with_compression(options or ServerOptions(), compression)
    factory.handler = handler
    factory.process_request = cast(ProcessRequest | None, process_request)
    factory.select_subprotocol = select_subprotocol
    return _serving(factory, _place(host, port, path, sock), ssl, kwargs)


def serve_factory(
    factory: WebSocketServerFactory,
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    *,
    path: str | os.PathLike[str] | None = None,
    sock: socket.socket | None = None,
    ssl: ssl_module.SSLContext | None = None,
    **kwargs: Unpack[ServerKeywords],
) -> Serving:
    """Serve the protocols of a factory: ``serve`` for programs that are written with callbacks.

    Instead of ``loop.create_server(factory, ...)``: the :class:`Server` knows the connections, and
    ends them.

    Args:
        factory: makes the protocols, and has the options.
        host: address or addresses to listen on; None is all of them.
        port: port to listen on; 0 takes a free one, see ``server.sockets``.
        path: listen on a Unix socket of this path instead.
        sock: listen on this socket instead.
        ssl: the server's certificate, to serve ``wss://``.
        **kwargs: go to the loop's ``create_server`` or ``create_unix_server``.

    Returns:
        What to ``await`` or ``async with`` for a :class:`Server`. That raises ``OSError`` when it
        cannot listen, and ``StateError`` while another server serves this factory.

    Raises:
        OptionError: an argument has a bad value.
        OptionTypeError: an argument has a wrong type.
    """
    check_server_keywords(serve_factory, kwargs)
    check_type("factory", factory, WebSocketServerFactory)
    check_tls(ssl, is_server=True)
    return _serving(factory, _place(host, port, path, sock), ssl, kwargs)


def _serving(
    factory: WebSocketServerFactory,
    place: dict[str, Any],
    ssl: ssl_module.SSLContext | None,
    kwargs: ServerKeywords,
) -> Serving:
    if ssl is not None:
        kwargs.setdefault("ssl_handshake_timeout", factory.options.open_handshake_timeout or None)
    return Serving(factory, {**place, "ssl": ssl, **kwargs})


def _place(host: Any, port: Any, path: Any, sock: Any) -> dict[str, Any]:
    """Where to listen, as the loop wants to be told."""
    check_type("port", port, int, type(None))
    places = {"path": path, "sock": sock, "port": port}
    given = {name: value for name, value in places.items() if value is not None}
    if len(given) != 1 or (host is not None and port is None):
        names = ["host", *given] if host is not None else [*given]
        raise OptionError(
            "a server needs host and port, or path, or sock: "
            f"it was given {' and '.join(names) or 'none of them'}"
        )
    if port is not None and not 0 <= port <= MAX_PORT:
        raise OptionError(f"port must be 0 to {MAX_PORT}, not {port}")
    return {"host": host, **given} if "port" in given else given


def _check_handler(handler: object) -> None:
    if not callable(handler):
        raise OptionTypeError(f"handler must be a coroutine function, not {type(handler).__name__}")
    function = inspect.unwrap(handler)
    plain = inspect.isfunction(function) or inspect.ismethod(function)
    # A lambda may well return a coroutine; whoever writes `def` means what it says.
    if plain and function.__name__ != "<lambda>" and not inspect.iscoroutinefunction(function):
        raise OptionTypeError(
            f"handler must be a coroutine function: define {function.__name__} with async def"
        )
    check_function("handler", handler, "ws")


class Serving:
    """What ``serve`` returns: a server that starts when it is awaited or entered."""

    def __init__(self, factory: Any, arguments: dict[str, Any]) -> None:
        self._factory = factory
        self._arguments = arguments
        self._server: Server | None = None

    def __await__(self) -> Generator[Any, None, Server]:
        return self._start().__await__()

    async def __aenter__(self) -> Server:
        self._server = await self._start()
        return self._server

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        await self._server.close()

    async def _start(self) -> Server:
        loop = asyncio.get_running_loop()
        running = self._factory.running
        if running is not None and not running.is_closing():
            raise StateError("another server serves this factory")
        server = self._factory.running = Server()
        # In two steps: a loop's function that does both forgets the sockets when it is cancelled.
        arguments = self._arguments | {"start_serving": False}
        try:
            if "path" in arguments:
                listener = await loop.create_unix_server(self._factory, **arguments)
            else:
                listener = await loop.create_server(self._factory, **arguments)
            server.listen(listener, partial(say, self._factory.log, "warn"))
            if self._arguments.get("start_serving", True):
                await server.start_serving()
        except BaseException:
            server.forget()
            self._factory.running = running
            raise
        return server
