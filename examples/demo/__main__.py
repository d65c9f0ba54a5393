"""Start the server, run the client against it, and serve on until Ctrl-C.

The page is at http://HOST:PORT/: open it in two windows and chat. The client sends each line of
the files, then each line that is piped in.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import importlib.util
import os
import socket
import sys
from pathlib import Path

from wsproto_async import run, serve

from .client import talk
from .lines import lines_of
from .server import answer, handler

FABLES = Path(__file__).with_name("fables.txt")


async def demo(args: argparse.Namespace) -> int:
    """Run the whole demo and return the exit status."""
    async with contextlib.AsyncExitStack() as stack:
        serving = serve(
            handler, args.host, args.port, subprotocols=["chat"], process_request=answer
        )
        try:
            server = await stack.enter_async_context(serving)
        except OSError as error:
            return fail(explain(error, args.host, args.port))
        place = reachable(*server.sockets[0].getsockname()[:2])
        print(f"Serving at ws://{place}/, and a page to chat at http://{place}/")

        async def client() -> bool:
            came_back = await talk(f"ws://{place}/", lines_of(args.files))
            if not args.once:
                print(f"Open http://{place}/ in two windows and chat. Ctrl-C ends.")
            return came_back

        talking = asyncio.create_task(client())
        if not args.once:
            await server.serve_forever()
            talking.cancel()  # it may still be waiting for piped lines
        await asyncio.wait([talking])
    if not args.once:
        print("Closed every connection with 1001, going away.")
    return 0 if talking.cancelled() or talking.result() else 1


def reachable(host: str, port: int) -> str:
    """Where a client on this machine finds a server that is bound to this address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; choose another with --port"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine; choose another with --host"
    return f"cannot serve at {host}, port {port}: {error.strerror}"


def fail(reason: str) -> int:
    print(f"demo: {reason}", file=sys.stderr)
    return 1


def port_number(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 (any port) to 65535")
    return int(text)


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to serve at (%(default)s)")
    parser.add_argument("--port", type=port_number, default=9000, help="port (%(default)s)")
    parser.add_argument("--once", action="store_true", help="exit when the client has finished")
    parser.add_argument("files", nargs="*", type=Path, default=[FABLES], help="what to send")
    args = parser.parse_args()
    for path in args.files:
        if path.is_dir() or not os.access(path, os.R_OK):
            return fail(f"{path} is not a file that can be read")
    if importlib.util.find_spec("uvloop") is None:
        print("uvloop is not installed: running on asyncio, which is slower")
    try:
        return run(demo(args))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
