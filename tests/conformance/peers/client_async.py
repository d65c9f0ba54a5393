"""Echo client with ``async for``: client_async.py URL AGENT"""

from __future__ import annotations

import contextlib
import sys

from wsproto_async import ClientOptions, ConnectionClosed, connect, run
from wsproto_async.compress import PerMessageDeflateOffer, accept_deflate

OPTIONS = ClientOptions(
    max_message_payload_size=0,
    max_frame_payload_size=0,
    auto_ping_interval=0,
    fail_by_drop=False,
    open_handshake_timeout=120,
    per_message_compression_offers=[PerMessageDeflateOffer()],
    per_message_compression_accept=accept_deflate,
)


async def main(url: str, agent: str) -> None:
    async with connect(f"{url}/getCaseCount", options=OPTIONS) as ws:
        case_count = int(await ws.recv())
    for case in range(1, case_count + 1):
        with contextlib.suppress(ConnectionClosed):
            async with connect(f"{url}/runCase?case={case}&agent={agent}", options=OPTIONS) as ws:
                async for message in ws:
                    await ws.send(message)
    async with connect(f"{url}/updateReports?agent={agent}", options=OPTIONS) as ws:
        await ws.wait_closed()


if __name__ == "__main__":
    run(main(*sys.argv[1:]))
