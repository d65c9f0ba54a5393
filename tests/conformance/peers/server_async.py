"""Echo server with ``async for``: server_async.py PORT [--loop asyncio|uvloop]"""

from __future__ import annotations

import argparse
import asyncio
import contextlib

from wsproto_async import ConnectionClosed, ServerOptions, WebSocket, run, serve
from wsproto_async.compress import accept_deflate

OPTIONS = ServerOptions(
    max_message_payload_size=0,
    max_frame_payload_size=0,
    auto_ping_interval=0,
    fail_by_drop=False,
    per_message_compression_accept=accept_deflate,
)


async def echo(ws: WebSocket) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in ws:
            await ws.send(message)


async def main(port: int) -> None:
    async with serve(echo, "127.0.0.1", port, options=OPTIONS) as server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="uvloop")
    args = parser.parse_args()
    {"asyncio": asyncio.run, "uvloop": run}[args.loop](main(args.port))
