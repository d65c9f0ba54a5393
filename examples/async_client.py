"""A client with coroutines: async_client.py [URL] [TEXT...]

It sends each text, prints the answer, and measures a round trip.
"""

from __future__ import annotations

import sys

from wsproto_async import connect, run


async def main(url: str = "ws://127.0.0.1:9000/", *texts: str) -> None:
    async with connect(url) as ws:
        for text in texts or ("Hello", "World"):
            await ws.send(text)
            print(await ws.recv())
        print(f"a ping and its pong took {await ws.ping() * 1000:.3f} ms")


if __name__ == "__main__":
    run(main(*sys.argv[1:]))
