"""Echo client with callbacks: client_callbacks.py URL AGENT

One factory makes all connections, as in programs that reconnect.
"""

from __future__ import annotations

import asyncio
import sys

from wsproto_async import WebSocketClientFactory, WebSocketClientProtocol, run
from wsproto_async.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)


class Factory(WebSocketClientFactory):
    case_count = 0
    closed: asyncio.Future[None]

    async def visit(self, resource: str) -> None:
        """Connect to a resource and wait until that connection has ended."""
        loop = asyncio.get_running_loop()
        self.resource = resource
        self.closed = loop.create_future()
        await loop.create_connection(self, self.host, self.port)
        await self.closed


class Echo(WebSocketClientProtocol):
    factory: Factory

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self.factory.resource == "/getCaseCount":
            self.factory.case_count = int(payload)
        else:
            self.sendMessage(payload, isBinary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.factory.closed.set_result(None)


def accept(response: PerMessageDeflateResponse) -> PerMessageDeflateResponseAccept:
    return PerMessageDeflateResponseAccept(response)


async def main(url: str, agent: str) -> None:
    factory = Factory(url)
    factory.protocol = Echo
    factory.setProtocolOptions(
        failByDrop=False,
        openHandshakeTimeout=120,
        perMessageCompressionOffers=[PerMessageDeflateOffer()],
        perMessageCompressionAccept=accept,
    )
    await factory.visit("/getCaseCount")
    for case in range(1, factory.case_count + 1):
        await factory.visit(f"/runCase?case={case}&agent={agent}")
    await factory.visit(f"/updateReports?agent={agent}")


if __name__ == "__main__":
    run(main(*sys.argv[1:]))
