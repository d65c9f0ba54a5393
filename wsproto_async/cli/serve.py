"""``wsproto-async serve``: a server to try clients and browsers on."""

from __future__ import annotations

import argparse
import errno
import socket
import ssl
from pathlib import Path
from typing import Any

from ..api import HTTPResponse
from ..api.hub import Hub
from ..api.run import run as run_loop
from ..api.serve import serve
from ..api.server_link import Handler
from ..api.websocket import WebSocket
from ..core.handshake.fields import host_port
from ..errors import ConnectError, OptionError
from ..options import ServerOptions
from ..types import ConnectionRequest
from .arguments import add_options, options_of

__all__ = ["add_to"]

PAGE = Path(__file__).with_name("page.html")
EVERYBODY = "everybody"


def add_to(commands: Any) -> None:
    """Add the command and its arguments."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "serve",
        help="serve echo or broadcast, and a page to try it in a browser",
        description="Sends every message back, or to everybody. Ctrl-C ends it, gracefully.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to serve at (%(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="port, 0 for any (%(default)s)")
    parser.add_argument(
        "--broadcast", action="store_true", help="send every message to all connections"
    )
    parser.add_argument("--no-page", action="store_true", help="answer no plain HTTP request")
    parser.add_argument("--quiet", action="store_true", help="say nothing of connections")
    parser.add_argument("--cert", metavar="FILE", help="serve wss:// with this certificate")
    parser.add_argument("--key", metavar="FILE", help="its private key, if not in the same file")
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    if not 0 <= args.port <= 65535:
        raise OptionError(f"--port must be from 0 to 65535, not {args.port}")
    if args.key and not args.cert:
        raise OptionError("--key needs --cert")
    return run_loop(_serve(args, options_of(ServerOptions, args), _tls(args)))


async def _serve(
    args: argparse.Namespace, options: ServerOptions, tls: ssl.SSLContext | None
) -> int:
    handler = _talkative(_broadcast(Hub(on_slow="drop")) if args.broadcast else _echo, args.quiet)
    serving = serve(
        handler,
        args.host,
        args.port,
        ssl=tls,
        options=options,
        process_request=None if args.no_page else _page,
    )
    try:
        server = await serving
    except OSError as error:
        raise ConnectError(_explain(error, args.host, args.port)) from None
    place = host_port(*server.sockets[0].getsockname()[:2])
    s = "s" if tls else ""
    print(f"Serving {'broadcast' if args.broadcast else 'echo'} at ws{s}://{place}/", flush=True)
    if not args.no_page:
        print(f"Open http{s}://{place}/ in a browser to try it. Ctrl-C ends.", flush=True)
    await server.serve_forever()
    return 0


def _tls(args: argparse.Namespace) -> ssl.SSLContext | None:
    if not args.cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(args.cert, args.key)
    except OSError as error:  # it does not say which file
        reason = getattr(error, "reason", None) or error.strerror or error
        raise OptionError(f"--cert {args.cert}, --key {args.key or args.cert}: {reason}") from None
    return context


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; choose another with --port"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine; choose another with --host"
    return f"cannot serve at {host_port(host, port)}: {error.strerror or error}"


# --- what it does -----------------------------------------------------------------------------


async def _echo(ws: WebSocket) -> None:
    async for message in ws:
        await ws.send(message)


def _broadcast(hub: Hub) -> Handler:
    async def broadcast(ws: WebSocket) -> None:
        hub.join(EVERYBODY, ws)
        async for message in ws:
            hub.publish(EVERYBODY, message)

    return broadcast


def _talkative(handler: Handler, quiet: bool) -> Handler:
    """The same handler, but it says who comes and goes."""
    if quiet:
        return handler

    async def talkative(ws: WebSocket) -> None:
        print(f"{ws.peer} has come", flush=True)
        try:
            await handler(ws)
        finally:
            print(f"{ws.peer} has gone: {ws.close_info or 'we close the connection'}", flush=True)

    return talkative


def _page(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
    if "upgrade" in request.headers:
        return None
    if request.path != "/":
        return HTTPResponse(404, {"Content-Type": "text/plain"}, b"There is a page at / only.\n")
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    return HTTPResponse(200, headers, PAGE.read_bytes())
