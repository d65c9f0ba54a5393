"""The client that is attacked, in a process of its own: ``python -m tests.hostile.visitor``.

Each line of its standard input is an order in JSON, each line of its standard output how that went.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from typing import Any

from tests.helpers import LOOPS
from wsproto_async import (
    ClientOptions,
    ConnectionClosed,
    PerMessageDeflateOffer,
    WebSocket,
    WebSocketError,
    accept_deflate,
    connect,
)

HASTY: dict[str, Any] = {"open_handshake_timeout": 1, "close_timeout": 0.5}
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


async def visit(order: dict[str, Any]) -> dict[str, Any]:
    """Connect, act, and tell how it went."""
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
