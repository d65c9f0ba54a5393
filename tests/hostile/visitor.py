"""The client that is attacked, in a process of its own: ``python -m tests.hostile.visitor``.

Each line of its standard input is an order in JSON, each line of its standard output how that went.
The ``style`` of an order says which client goes:

===========  ===============================================================================
(none)       ``connect``, once
again        ``async for`` over ``connect``, for a while; ``attempts`` is what is counted
callbacks    a factory of the contract, with Autobahn's defaults, and ``onMessage``
factory      ``ReconnectingWebSocketClientFactory``, for a while
===========  ===============================================================================
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import time
from typing import Any

from tests.helpers import LOOPS
from wsproto_async import (
    Backoff,
    ClientOptions,
    ConnectionClosed,
    PerMessageDeflateOffer,
    ReconnectingWebSocketClientFactory,
    WebSocket,
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketError,
    accept_deflate,
    connect,
)

HASTY: dict[str, Any] = {"open_handshake_timeout": 1, "close_timeout": 0.5}
BACKOFF = Backoff(first=0.01, longest=0.03)
WHILE = 0.1
"""Seconds for which those who come again do so."""
COMPRESSING: dict[str, Any] = {
    "per_message_compression_offers": [PerMessageDeflateOffer()],
    "per_message_compression_accept": accept_deflate,
}


async def receive(ws: WebSocket) -> int:
    """Take all there is."""
    count = 0
    try:
        while True:
            await ws.recv()
            count += 1
    except ConnectionClosed:
        return count


async def do(ws: WebSocket, act: str) -> int:
    if act == "receive":
        return await receive(ws)
    if act == "close":
        await ws.close()
    elif act == "ignore":  # open, and receives nothing for a while
        await asyncio.sleep(0.7)
        ws.abort()
        await ws.wait_closed()
    return 0


class Callbacks(WebSocketClientProtocol):
    count = 0

    def onOpen(self) -> None:
        self.factory.opened += 1

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.messages += 1

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.factory.ends.append((wasClean, code, reason))


def factory_of(order: dict[str, Any], kind: Any, **more: Any) -> Any:
    factory = kind(order["url"], **order.get("arguments", {}), **more)
    factory.protocol = Callbacks
    factory.setProtocolOptions(openHandshakeTimeout=0.5, serverConnectionDropTimeout=0.1)
    factory.opened, factory.messages, factory.ends = 0, 0, []
    return factory


async def visit_again(order: dict[str, Any]) -> dict[str, Any]:
    """Connect again and again for a while, receiving all there is."""
    attempts, error = 0, ""
    backoff = BACKOFF
    try:
        async with asyncio.timeout(WHILE):
            async for ws in connect(
                order["url"],
                options=ClientOptions(**HASTY | {"close_timeout": 0.1}),
                backoff=backoff,
            ):
                attempts += 1
                await receive(ws)
    except TimeoutError:
        pass
    except WebSocketError as raised:
        error = type(raised).__name__
    return {"attempts": attempts, "error": error}


async def visit_by_callbacks(order: dict[str, Any]) -> dict[str, Any]:
    """Connect once by a factory of the contract; how ``onClose`` tells the end."""
    factory = factory_of(order, WebSocketClientFactory)
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(factory, factory.host, factory.port)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(4):
            await protocol.wait_closed()
    protocol.dropConnection(abort=True)
    return {"ends": factory.ends, "opened": factory.opened, "messages": factory.messages}


async def visit_by_factory(order: dict[str, Any]) -> dict[str, Any]:
    """Have the reconnecting factory connect again and again for a while."""
    factory = factory_of(order, ReconnectingWebSocketClientFactory, backoff=BACKOFF)
    factory.start()
    await asyncio.sleep(WHILE)
    await factory.close()
    return {"ends": factory.ends, "opened": factory.opened, "messages": factory.messages}


async def visit(order: dict[str, Any]) -> dict[str, Any]:
    """Connect, act, and tell how it went."""
    style = STYLES.get(order.get("style", ""))
    if style is not None:
        return await style(order)
    options = ClientOptions(**HASTY, **(COMPRESSING if order.get("deflate") else {}))
    told: dict[str, Any] = {"error": "", "status": 0, "text": "", "code": None, "messages": 0}
    begin = time.perf_counter()
    try:
        ws = await connect(order["url"], options=options, **order.get("arguments", {}))
    except WebSocketError as error:
        told |= {"error": type(error).__name__, "text": str(error)}
        told["status"] = getattr(error, "status", 0)
    else:
        told["opened"] = time.perf_counter() - begin
        told["messages"] = await do(ws, order["act"])
        assert ws.close_info is not None
        told |= {"code": ws.close_info.sent_code, "text": str(ws.close_info)}
        told["received"] = ws.close_info.received_code
    told["seconds"] = time.perf_counter() - begin
    return told


STYLES = {"again": visit_again, "callbacks": visit_by_callbacks, "factory": visit_by_factory}


async def main() -> None:
    loop = asyncio.get_running_loop()
    longest = 0.0

    async def beat() -> None:
        """What others wait while the visitor visits."""
        nonlocal longest
        while True:
            begin = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - begin)

    heart = asyncio.create_task(beat())
    print(json.dumps("ready"), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        longest = 0.0
        told = await asyncio.wait_for(visit(json.loads(line)), 30)
        print(json.dumps({**told, "wait": longest}), flush=True)
    heart.cancel()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    with asyncio.Runner(loop_factory=LOOPS[sys.argv[1]]) as runner:
        runner.run(main())
