"""A client that comes back: reconnecting_client.py [URL]

It prints what it receives. When the connection is lost, or cannot be made, it tries again, each
time after a longer pause; a connection that was made begins anew with short ones.
"""

from __future__ import annotations

import contextlib
import sys

from wsproto_async import ConnectionClosedError, connect, run


async def main(url: str = "ws://127.0.0.1:9000/") -> None:
    async for ws in connect(url):
        print("connected")
        try:
            async for message in ws:
                print(message)
            print("the server closed")
        except ConnectionClosedError as error:
            print(error)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        run(main(*sys.argv[1:]))
