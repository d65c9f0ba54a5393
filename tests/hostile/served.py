"""The server that is attacked, in a process of its own: ``python -m tests.hostile.served``.

Its arguments are the loop, the certificate, and the level of its log, ``INFO`` if there is none. It
prints a line of JSON with its ports, and ends with its standard input. Its log goes to standard
error. Each port is a way to use the package:

========  =====================================================================================
handler   ``serve`` with ``ServerOptions()`` and compression; a handler that echoes
contract  a factory with Autobahn's defaults and compression; ``onMessage`` echoes
iterator  the same with ``async for`` in ``onOpen``, and the limits of ``ServerOptions()``
tasks     the same with a coroutine ``onMessage`` that takes its time
hasty     ``serve`` with short timeouts, and a ``process_request`` that never decides on ``/never``
tls       ``serve`` with short timeouts and TLS
secure    like ``handler``, with TLS
pieces    ``serve`` with a handler that takes messages in pieces, and answers their sizes
frames    a factory with the limits of ``ServerOptions()`` whose hooks take what arrives of frames
typed     ``serve`` with messages that are JSON of a type
naming    ``serve`` with a ``process_request`` that refuses everybody by name
cookies   ``serve`` with a token that comes in a cookie
guarded   ``serve`` with a password (``user:secret``), a health check, an access log, and a proxy in
          front that is trusted
========  =====================================================================================
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import ssl
import sys
from typing import Any

from pydantic import BaseModel

from tests.helpers import LOOPS
from wsproto_async import (
    ConnectionClosed,
    ConnectionDeny,
    ServerOptions,
    WebSocket,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    accept_deflate,
    basic_auth,
    bearer_auth,
    health_check,
    serve,
)

COMPRESSING: dict[str, Any] = {"per_message_compression_accept": accept_deflate}
HASTY: dict[str, Any] = {"open_handshake_timeout": 0.5, "close_timeout": 0.5}


async def echo(ws: WebSocket) -> None:
    async for message in ws:
        await ws.send(message)


async def decide(ws: WebSocket, request: Any) -> None:
    if request.path == "/never":
        await asyncio.get_running_loop().create_future()


class Order(BaseModel):
    name: str
    count: int = 0
    parts: list[Order] = []


async def take_orders(ws: WebSocket) -> None:
    async for order in ws.messages(Order, on_invalid="close"):
        await ws.send_model(order)


async def measure(ws: WebSocket) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            size = 0
            async for piece in ws.recv_streaming():
                size += len(piece)
            await ws.send(str(size))


def refuse(ws: WebSocket, request: Any) -> None:
    name = base64.b64decode(request.headers["authorization"].partition(" ")[2]).decode()
    raise ConnectionDeny(403, f"{name} is not known")


class Callbacks(WebSocketServerProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> Any:
        self.sendMessage(payload, isBinary)


class Frames(WebSocketServerProtocol):
    size = 0

    def onMessageFrameData(self, payload: bytes) -> None:
        self.size += len(payload)

    def onMessageFrameEnd(self) -> None:
        pass

    def onMessageEnd(self) -> None:
        self.sendMessage(b"%d" % self.size)
        self.size = 0


class Iterator(WebSocketServerProtocol):
    async def onOpen(self) -> None:
        async for message in self.messages():
            octets = message.encode() if isinstance(message, str) else message
            self.sendMessage(octets, isinstance(message, bytes))
            await self.drain()


class Tasks(WebSocketServerProtocol):
    async def onMessage(self, payload: bytes, isBinary: bool) -> None:
        await asyncio.sleep(0.02)
        self.sendMessage(payload, isBinary)


def factory(protocol: type[WebSocketServerProtocol], options: ServerOptions) -> Any:
    made = WebSocketServerFactory()
    made.protocol = protocol
    made.options = options
    return made


async def main(certificate: str) -> None:
    loop = asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    safe = ServerOptions(**COMPRESSING)
    hasty = ServerOptions(**HASTY)
    contract = ServerOptions.contract().model_copy(update=COMPRESSING)
    here = ("127.0.0.1", 0)
    async with contextlib.AsyncExitStack() as stack:
        listeners: dict[str, Any] = {
            "handler": await stack.enter_async_context(serve(echo, *here, options=safe)),
            "hasty": await stack.enter_async_context(
                serve(echo, *here, options=hasty, process_request=decide)
            ),
            "tls": await stack.enter_async_context(serve(echo, *here, options=hasty, ssl=context)),
            "secure": await stack.enter_async_context(
                serve(echo, *here, options=safe, ssl=context)
            ),
            "pieces": await stack.enter_async_context(serve(measure, *here, options=safe)),
            "typed": await stack.enter_async_context(serve(take_orders, *here)),
            "naming": await stack.enter_async_context(serve(echo, *here, process_request=refuse)),
            "cookies": await stack.enter_async_context(
                serve(echo, *here, process_request=bearer_auth({"t": "user"}, cookie="token"))
            ),
            "guarded": await stack.enter_async_context(
                serve(
                    echo,
                    *here,
                    options=ServerOptions(access_log=True, trust_x_forwarded_for=1),
                    process_request=[health_check(), basic_auth({"user": "secret"})],
                )
            ),
        }
        for name, protocol, options in (
            ("contract", Callbacks, contract),
            ("frames", Frames, safe),
            ("iterator", Iterator, safe),
            ("tasks", Tasks, safe),
        ):
            listeners[name] = await loop.create_server(factory(protocol, options), *here)
        ports = {name: it.sockets[0].getsockname()[1] for name, it in listeners.items()}
        print(json.dumps(ports), flush=True)
        ended = asyncio.Event()
        loop.add_reader(0, ended.set)
        await ended.wait()
        loop.remove_reader(0)
        for name in ("contract", "frames", "iterator", "tasks"):
            listeners[name].close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    if len(sys.argv) > 3:
        logging.getLogger("wsproto_async").setLevel(sys.argv[3])
    with asyncio.Runner(loop_factory=LOOPS[sys.argv[1]]) as runner:
        runner.run(main(sys.argv[2]))
