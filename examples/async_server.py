"""Echo with coroutines: async_server.py [PORT]

async_client.py is the other end. Ctrl-C closes every connection with 1001.
"""

from __future__ import annotations

import sys

from wsproto_async import WebSocket, run, serve


async def echo(ws: WebSocket) -> None:
    async for message in ws:  # str or bytes; ends when the peer closes
        await ws.send(message)  # waits while this peer is slow, and nobody else does


async def main(port: int = 9000) -> None:
    async with serve(echo, "127.0.0.1", port) as server:
        print(f"Serving at ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await server.serve_forever()


if __name__ == "__main__":
    run(main(*map(int, sys.argv[1:])))
