"""Client and server agree on what their messages mean: subprotocols.py

The client says what it speaks, what it likes best first, and the server chooses.
"""

from __future__ import annotations

import asyncio
import json

from wsproto_async import (
    ConnectionDeny,
    ConnectionRequest,
    HandshakeError,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    connect,
    run,
)


class Clock(WebSocketServerProtocol):
    def onConnect(self, request: ConnectionRequest) -> str:
        for protocol in request.protocols:
            if protocol in ("clock.json", "clock.text"):
                return protocol
        raise ConnectionDeny(ConnectionDeny.BAD_REQUEST, "speak clock.json or clock.text")

    def onOpen(self) -> None:
        now = "12:00"
        if self.websocket_protocol_in_use == "clock.json":
            now = json.dumps({"now": now})
        self.sendMessage(now.encode())


async def main() -> None:
    factory = WebSocketServerFactory()
    factory.protocol = Clock
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    for offered in (["clock.xml", "clock.json"], ["clock.text", "clock.json"], ["clock.xml"]):
        try:
            async with connect(url, subprotocols=offered) as ws:
                print(f"{', '.join(offered)}: {ws.subprotocol}: {await ws.recv()!s}")
        except HandshakeError as error:
            print(f"{', '.join(offered)}: refused with {error.status}")
    server.close()


if __name__ == "__main__":
    run(main())
