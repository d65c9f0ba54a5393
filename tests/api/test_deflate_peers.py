"""permessage-deflate with others at the other end: ``websockets``, ``aiohttp`` and Autobahn."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import aiohttp.web
import pytest
import websockets
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

from tests.contract.support import response
from wsproto_async import ClientOptions, HandshakeError, ServerOptions, WebSocket, connect
from wsproto_async.compress import (
    PerMessageDeflate,
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponseAccept,
    accept_deflate,
)

from .support import RawPeer, raw_server, serving

# They come without types, or with some.
autobahn_websocket: Any = importlib.import_module("autobahn.asyncio.websocket")
autobahn_compress: Any = importlib.import_module("autobahn.websocket.compress")

LIMIT = 1_000_000
ROWS = json.dumps([{"name": f"row {n}", "value": n * n} for n in range(3000)])
MESSAGES: list[str | bytes] = [
    *("", "", "text ½ 🐸", "text ½ 🐸", b"", b"\x00\xff"),
    *(ROWS, ROWS.encode(), ROWS, "x" * (LIMIT - 1), "x" * LIMIT, bytes(range(256)) * 300),
]


def ours(offer: PerMessageDeflateOffer | None = None, accept: Any = accept_deflate) -> Any:
    return ClientOptions(
        max_message_payload_size=LIMIT,
        per_message_compression_offers=[offer or PerMessageDeflateOffer()],
        per_message_compression_accept=accept,
    )


def server_options(accept: Any = accept_deflate) -> ServerOptions:
    return ServerOptions(
        max_message_payload_size=LIMIT,
        max_frame_payload_size=LIMIT,
        per_message_compression_accept=accept,
    )


def agreed(ws: WebSocket) -> PerMessageDeflate:
    [codec] = ws.protocol.websocket_extensions_in_use
    assert isinstance(codec, PerMessageDeflate)
    return codec


async def converse(ws: WebSocket) -> None:
    """Have every message echoed, whole and in fragments; the wire must show that it is smaller."""
    for message in MESSAGES:
        await ws.send(message)
        assert await ws.recv() == message
    await ws.send([ROWS, "", ROWS])
    assert await ws.recv() == ROWS + ROWS
    await ws.send(ROWS, compress=False)
    assert await ws.recv() == ROWS
    assert 0 < await ws.ping() < 5
    stats = ws.protocol.trafficStats
    assert stats.incomingOctetsWebSocketLevel < stats.incomingOctetsAppLevel / 5


# --- websockets -----------------------------------------------------------------------------------

THEIR_OFFERS = [
    {},
    {"server_no_context_takeover": True, "client_no_context_takeover": True},
    {"server_max_window_bits": 9, "client_max_window_bits": 10},
    {"server_max_window_bits": 8, "client_max_window_bits": None},
    {"server_max_window_bits": 15, "client_max_window_bits": 15},
]


@pytest.mark.parametrize("offer", THEIR_OFFERS)
@pytest.mark.parametrize("default", [False, True])
async def test_their_client_websockets(offer: dict[str, Any], default: bool) -> None:
    codecs: list[PerMessageDeflate] = []

    async def echo(ws: WebSocket) -> None:
        codecs.append(agreed(ws))
        async for message in ws:
            await ws.send(message)

    options = server_options(
        accept_deflate if default else lambda offers: PerMessageDeflateOfferAccept(offers[0])
    )
    async with (
        serving(echo, options=options) as (_, url),
        websockets.connect(
            url,
            proxy=None,
            max_size=LIMIT,
            compression=None,
            extensions=[ClientPerMessageDeflateFactory(**offer)],
        ) as ws,
    ):
        for message in MESSAGES:
            await ws.send(message)
            assert await ws.recv() == message
        await ws.send([ROWS, "", ROWS])
        assert await ws.recv() == ROWS + ROWS
        await (await ws.ping())
        [theirs] = ws.protocol.extensions
    [codec] = codecs
    assert codec.server_no_context_takeover is bool(offer.get("server_no_context_takeover"))
    assert codec.server_max_window_bits <= offer.get("server_max_window_bits", 15)
    # Neither side compresses with a larger window than the other one inflates with.
    assert codec.server_max_window_bits <= theirs.remote_max_window_bits  # type: ignore[attr-defined]
    assert codec.client_max_window_bits >= theirs.local_max_window_bits  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("offer", "theirs"),
    [
        (PerMessageDeflateOffer(), {}),
        (PerMessageDeflateOffer(), {"server_no_context_takeover": True}),
        (PerMessageDeflateOffer(), {"client_no_context_takeover": True}),
        (PerMessageDeflateOffer(), {"client_max_window_bits": 8, "server_max_window_bits": 9}),
        (PerMessageDeflateOffer(request_no_context_takeover=True, request_max_window_bits=9), {}),
        (PerMessageDeflateOffer(False, False), {}),
    ],
)
async def test_their_server_websockets(
    offer: PerMessageDeflateOffer, theirs: dict[str, Any]
) -> None:
    async def echo(ws: websockets.ServerConnection) -> None:
        async for message in ws:
            await ws.send(message)

    async with websockets.serve(
        echo,
        "127.0.0.1",
        0,
        max_size=LIMIT,
        compression=None,
        extensions=[ServerPerMessageDeflateFactory(**theirs)],
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/", options=ours(offer)) as ws:
            await converse(ws)
            codec = agreed(ws)
            # They take what they may ask for.
            assert codec.client_no_context_takeover is (
                offer.accept_no_context_takeover or "client_no_context_takeover" in theirs
            )
            assert codec.client_max_window_bits <= theirs.get("client_max_window_bits", 15)


# --- aiohttp --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [9, 15])
async def test_their_client_aiohttp(bits: int) -> None:
    async with (
        serving(options=server_options()) as (_, url),
        aiohttp.ClientSession() as session,
        session.ws_connect(url, compress=bits, max_msg_size=LIMIT + 1) as ws,
    ):
        for message in MESSAGES:
            if isinstance(message, str):
                await ws.send_str(message)
            else:
                await ws.send_bytes(message)
            assert (await ws.receive()).data == message
        assert ws.compress


async def test_their_server_aiohttp() -> None:
    async def echo(request: aiohttp.web.Request) -> aiohttp.web.WebSocketResponse:
        ws = aiohttp.web.WebSocketResponse(max_msg_size=LIMIT + 1)
        await ws.prepare(request)
        async for message in ws:
            if message.type == aiohttp.WSMsgType.TEXT:
                await ws.send_str(message.data)
            else:
                await ws.send_bytes(message.data)
        return ws

    app = aiohttp.web.Application()
    app.router.add_get("/", echo)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
        async with connect(url, options=ours()) as ws:
            await converse(ws)
    finally:
        await runner.cleanup()


# --- Autobahn -------------------------------------------------------------------------------------


def autobahn_accepts(offered: Any) -> Any:
    """Their usual function, for both sides."""
    if isinstance(offered, list):
        return autobahn_compress.PerMessageDeflateOfferAccept(
            offered[0], request_no_context_takeover=True, request_max_window_bits=10
        )
    return autobahn_compress.PerMessageDeflateResponseAccept(offered)


class AutobahnClient(autobahn_websocket.WebSocketClientProtocol):  # type: ignore[misc]
    """Sends the messages one after the other, each when the one before is back."""

    def onOpen(self) -> None:
        self.index = 0
        self.say()

    def say(self) -> None:
        if self.index == len(MESSAGES):
            self.sendClose(1000)
            return
        message = MESSAGES[self.index]
        octets = message.encode() if isinstance(message, str) else message
        self.sendMessage(octets, isinstance(message, bytes), fragmentSize=self.index * 1000 or None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        message = payload if isBinary else payload.decode()
        if message != MESSAGES[self.index]:
            self.sendClose(3000, f"message {self.index}")
        self.index += 1
        self.say()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.factory.done.set_result((wasClean, code, self.index))


class AutobahnServer(autobahn_websocket.WebSocketServerProtocol):  # type: ignore[misc]
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


@pytest.mark.parametrize(
    "offer",
    [
        {},
        {"request_no_context_takeover": True, "request_max_window_bits": 9},
        {"accept_no_context_takeover": False, "accept_max_window_bits": False},
    ],
)
async def test_their_client_autobahn(offer: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    async with serving(options=server_options()) as (_, url):
        factory = autobahn_websocket.WebSocketClientFactory(url, loop=loop)
        factory.protocol = AutobahnClient
        factory.done = loop.create_future()
        factory.setProtocolOptions(
            perMessageCompressionOffers=[autobahn_compress.PerMessageDeflateOffer(**offer)],
            perMessageCompressionAccept=autobahn_accepts,
            closeHandshakeTimeout=10,
        )
        await loop.create_connection(factory, factory.host, factory.port)
        assert await factory.done == (True, 1000, len(MESSAGES))
    await asyncio.sleep(0)


async def test_their_server_autobahn() -> None:
    loop = asyncio.get_running_loop()
    factory = autobahn_websocket.WebSocketServerFactory(loop=loop)
    factory.protocol = AutobahnServer
    factory.setProtocolOptions(perMessageCompressionAccept=autobahn_accepts)
    server = await loop.create_server(factory, "127.0.0.1", 0)
    try:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with connect(url, options=ours()) as ws:
            await converse(ws)
            codec = agreed(ws)
            assert (codec.client_no_context_takeover, codec.client_max_window_bits) == (True, 10)
    finally:
        server.close()
        await server.wait_closed()


# --- each other, and what does not come about -----------------------------------------------------


@contextlib.asynccontextmanager
async def both_ours(offer: Any, accept: Any, consent: Any) -> AsyncIterator[WebSocket]:
    async with (
        serving(options=server_options(accept)) as (_, url),
        connect(url, options=ours(offer, consent)) as ws,
    ):
        yield ws


async def test_both_ours() -> None:
    async with both_ours(None, accept_deflate, accept_deflate) as ws:
        await converse(ws)
    async with both_ours(
        PerMessageDeflateOffer(request_max_window_bits=8, request_no_context_takeover=True),
        lambda offers: PerMessageDeflateOfferAccept(offers[0], True, 8, mem_level=1),
        lambda response: PerMessageDeflateResponseAccept(response, mem_level=9),
    ) as ws:
        await converse(ws)


async def test_a_server_that_does_not_want_it() -> None:
    async with both_ours(None, None, accept_deflate) as ws:
        assert ws.protocol.websocket_extensions_in_use == []
        await ws.send(ROWS)
        assert await ws.recv() == ROWS


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("permessage-deflate; client_max_window_bits=9", "client_max_window_bits, which was not"),
        ("permessage-deflate; server_max_window_bits=10", "agree to server_max_window_bits=9"),
        ("permessage-deflate", "agree to server_max_window_bits=9"),
        ("permessage-deflate; server_max_window_bits=+9", "must not have '[+]9'"),
        ("permessage-bzip2", "'permessage-bzip2', which was not offered"),
    ],
)
async def test_a_response_that_does_not_fit_the_offer(answer: str, reason: str) -> None:
    offer = PerMessageDeflateOffer(accept_max_window_bits=False, request_max_window_bits=9)

    async def answering(peer: RawPeer) -> None:
        head = await peer.read_head()
        key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        peer.write(response(key, {"Sec-WebSocket-Extensions": answer}))

    async with raw_server(answering, upgrade=False) as url:
        with pytest.raises(HandshakeError, match=reason):
            await connect(url, options=ours(offer))
