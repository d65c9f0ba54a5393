"""Echo with callbacks, the way Autobahn programs are written: echo_server.py [PORT]

echo_client.py is the other end.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from wsproto_async import ConnectionRequest, WebSocketServerFactory, WebSocketServerProtocol, run


class Echo(WebSocketServerProtocol):
    def onConnect(self, request: ConnectionRequest) -> None:
        print(f"{request.peer} asks for {request.path}")

    def onOpen(self) -> None:
        print(f"{self.peer} is connected")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        print(f"{self.peer} sent {payload!r}" if isBinary else f"{self.peer}: {payload.decode()!r}")
        self.sendMessage(payload, isBinary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        print(f"{self.peer} has gone: {code} {reason or ''}")


async def main(port: int = 9000) -> None:
    factory = WebSocketServerFactory()
    factory.protocol = Echo
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", port)
    print(f"Serving at ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        run(main(*map(int, sys.argv[1:])))
