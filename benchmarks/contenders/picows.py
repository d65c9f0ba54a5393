"""picows, its own API.

That gives frames, and not messages: fragments are joined here. It does not check UTF-8.
"""

from __future__ import annotations

import asyncio

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect, ws_create_server

from .setup import BACKLOG, HOST, Setup

clients: set[WSTransport] = set()


class Echo(WSListener):
    def __init__(self) -> None:
        self.joined = bytearray()
        self.kind = WSMsgType.TEXT

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.fin and kind != WSMsgType.CONTINUATION:
            transport.send(kind, frame.get_payload_as_memoryview())
        else:
            self.join(transport, frame, kind)

    def join(self, transport: WSTransport, frame: WSFrame, kind: WSMsgType) -> None:
        if kind != WSMsgType.CONTINUATION:
            self.kind, self.joined = kind, bytearray()
        self.joined += frame.get_payload_as_memoryview()
        if frame.fin:
            transport.send(self.kind, self.joined)


class Broadcast(Echo):
    def on_ws_connected(self, transport: WSTransport) -> None:
        clients.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        clients.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            super().on_ws_frame(transport, frame)
            return
        payload = frame.get_payload_as_bytes()
        for client in clients:
            client.send(kind, payload)


async def server(setup: Setup) -> object:
    setup.refuse_deflate()
    kind = Broadcast if setup.broadcast else Echo
    return await ws_create_server(
        lambda request: kind(),
        HOST,
        setup.port,
        ssl=setup.ssl,
        use_aiofastnet=setup.fast,
        backlog=BACKLOG,
    )


async def client(setup: Setup) -> None:
    await ws_connect(Echo, setup.url, use_aiofastnet=setup.fast)
    await asyncio.Event().wait()
