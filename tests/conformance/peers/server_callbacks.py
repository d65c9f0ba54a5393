"""Echo server with callbacks: server_callbacks.py PORT [--loop asyncio|uvloop]"""

from __future__ import annotations

import argparse
import asyncio

from wsproto_async import WebSocketServerFactory, WebSocketServerProtocol, run
from wsproto_async.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


def accept(offers: list[PerMessageDeflateOffer]) -> PerMessageDeflateOfferAccept:
    return PerMessageDeflateOfferAccept(offers[0])


async def main(port: int) -> None:
    factory = WebSocketServerFactory(f"ws://127.0.0.1:{port}")
    factory.protocol = Echo
    factory.setProtocolOptions(failByDrop=False, perMessageCompressionAccept=accept)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="uvloop")
    args = parser.parse_args()
    {"asyncio": asyncio.run, "uvloop": run}[args.loop](main(args.port))
