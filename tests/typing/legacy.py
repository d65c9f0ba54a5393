"""Legacy subclasses as typed programs write them: mypy --strict finds nothing here.

The hooks have the signatures of the base classes, and options are plain attributes.
"""

from __future__ import annotations

import asyncio
from typing import Any, assert_type

from wsproto_async import (
    ConnectingRequest,
    ConnectionDeny,
    ConnectionRequest,
    ConnectionResponse,
    PreparedMessage,
    TransportDetails,
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from wsproto_async.types import FrameHeader


class Registry(WebSocketServerFactory):
    """A factory that knows its connections."""

    def __init__(self, url: str) -> None:
        super().__init__(url, protocols=["chat"], headers={"X-One": "1"})
        self.protocol = Everything
        self.clients: set[Everything] = set()
        self.setProtocolOptions(maxConnections=100, autoPingInterval=2.5, versions=[13])
        self.failByDrop = False
        assert_type(self.maxConnections, int)

    def broadcast(self, text: str) -> None:
        prepared = self.prepareMessage(text.encode())
        assert_type(prepared, PreparedMessage)
        for client in self.clients:
            client.sendPreparedMessage(prepared)


class Everything(WebSocketServerProtocol):
    """Overrides each hook of a server, and many an inner door."""

    factory: Registry
    maxMessagePayloadSize = 2**20
    failByDrop = False

    def __init__(self) -> None:
        super().__init__()
        self.autoPingSize = 20

    def onConnect(self, request: ConnectionRequest) -> tuple[str | None, dict[str, str]]:
        if "chat" not in request.protocols:
            raise ConnectionDeny(ConnectionDeny.NOT_FOUND, "only chat")
        assert_type(request.params, dict[str, list[str]])
        return "chat", {"Set-Cookie": "a=1"}

    def onOpen(self) -> None:
        self.factory.clients.add(self)
        assert_type(self.state, int)
        assert_type(self.peer, str)
        assert_type(self.http_headers, dict[str, str])
        assert_type(self.is_closed, asyncio.Future[Any])

    def onMessageBegin(self, isBinary: bool) -> None:
        super().onMessageBegin(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)

    def onMessageFrameData(self, payload: bytes) -> None:
        super().onMessageFrameData(payload)

    def onMessageFrameEnd(self) -> None:
        super().onMessageFrameEnd()

    def onMessageFrame(self, payload: list[bytes]) -> None:
        super().onMessageFrame(payload)

    def onMessageEnd(self) -> None:
        super().onMessageEnd()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary, fragmentSize=100)
        self.beginMessage(isBinary=True)
        self.beginMessageFrame(3)
        assert_type(self.sendMessageFrameData(b"abc"), int | None)
        self.endMessage()

    def onPing(self, payload: bytes) -> None:
        self.sendPong(payload)

    def onPong(self, payload: bytes) -> None:
        assert_type(self.trafficStats.incomingWebSocketMessages, int)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.factory.clients.discard(self)

    def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> bool | None:
        return super().onCloseFrame(code, reasonRaw)

    def onAutoPingTimeout(self) -> None:
        self.dropConnection(abort=True)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        super().sendData(data, sync, chopsize)

    def processControlFrame(self) -> bool:
        return super().processControlFrame()

    def logTxFrame(
        self,
        frameHeader: FrameHeader,
        payload: bytes,
        repeatLength: int | None,
        chopsize: int | None,
        sync: bool,
    ) -> None:
        assert_type(frameHeader.mask, bytes | None)

    def _connectionMade(self) -> None:
        super()._connectionMade()

    def _connectionLost(self, reason: BaseException | None) -> None:
        super()._connectionLost(reason)

    def _fail_connection(
        self, code: int = WebSocketProtocol.CLOSE_STATUS_CODE_GOING_AWAY, reason: str = "going away"
    ) -> None:
        super()._fail_connection(code, reason)


class Coroutines(WebSocketServerProtocol):
    """The same hooks as coroutines."""

    async def onConnect(self, request: ConnectionRequest) -> str | None:
        await asyncio.sleep(0)
        return request.protocols[0] if request.protocols else None

    async def onOpen(self) -> None:
        await self.drain()
        async for message in self:
            assert_type(message, bytes | str)

    async def onMessage(self, payload: bytes, isBinary: bool) -> None:
        await asyncio.sleep(0)

    async def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        await asyncio.sleep(0)


class ClientSide(WebSocketClientProtocol):
    """A client's hooks."""

    def onConnecting(self, transport_details: TransportDetails) -> ConnectingRequest | None:
        assert_type(transport_details.peer, str | None)
        return ConnectingRequest(host="example.com", port=8080, protocols=["chat"])

    def onConnect(self, response: ConnectionResponse) -> None:
        assert_type(response.protocol, str | None)

    def onOpen(self) -> None:
        self.sendClose(self.CLOSE_STATUS_CODE_NORMAL, "done")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        assert_type(self.serverConnectionDropTimeout, float)


async def main() -> None:
    """Connect both, as asyncio does it."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Registry("ws://127.0.0.1:9000"), "127.0.0.1", 9000)
    client = WebSocketClientFactory("ws://127.0.0.1:9000", protocols=["chat"])
    client.protocol = ClientSide
    client.setProtocolOptions(version=18, serverConnectionDropTimeout=0.5)
    await loop.create_connection(client, client.host, 9000)
    await server.serve_forever()
