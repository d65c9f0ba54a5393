"""permessage-deflate with others at the other end: ``websockets``, ``aiohttp`` and Autobahn."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
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

from .peers import (
    aiohttp_converse,
    aiohttp_server,
    autobahn_compress,
    autobahn_converse,
    autobahn_server,
    websockets_converse,
    websockets_server,
)
from .support import RawPeer, raw_server, serving

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
        await websockets_converse(ws, MESSAGES)
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
    extensions = [ServerPerMessageDeflateFactory(**theirs)]
    async with (
        websockets_server(max_size=LIMIT, compression=None, extensions=extensions) as (
            _,
            port,
        ),
        connect(f"ws://127.0.0.1:{port}/", options=ours(offer)) as ws,
    ):
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
        await aiohttp_converse(ws, MESSAGES)
        assert ws.compress


async def test_their_server_aiohttp() -> None:
    async with (
        aiohttp_server(max_msg_size=LIMIT + 1) as port,
        connect(f"ws://127.0.0.1:{port}/", options=ours()) as ws,
    ):
        await converse(ws)


# --- Autobahn -------------------------------------------------------------------------------------


def autobahn_accepts(offered: Any) -> Any:
    """Their usual function, for both sides."""
    if isinstance(offered, list):
        return autobahn_compress.PerMessageDeflateOfferAccept(
            offered[0], request_no_context_takeover=True, request_max_window_bits=10
        )
    return autobahn_compress.PerMessageDeflateResponseAccept(offered)


@pytest.mark.parametrize(
    "offer",
    [
        {},
        {"request_no_context_takeover": True, "request_max_window_bits": 9},
        {"accept_no_context_takeover": False, "accept_max_window_bits": False},
    ],
)
async def test_their_client_autobahn(offer: dict[str, Any]) -> None:
    async with serving(options=server_options()) as (_, url):
        await autobahn_converse(
            url,
            MESSAGES,
            perMessageCompressionOffers=[autobahn_compress.PerMessageDeflateOffer(**offer)],
            perMessageCompressionAccept=autobahn_accepts,
        )
    await asyncio.sleep(0)


async def test_their_server_autobahn() -> None:
    async with (
        autobahn_server(perMessageCompressionAccept=autobahn_accepts) as url,
        connect(url, options=ours()) as ws,
    ):
        await converse(ws)
        codec = agreed(ws)
        assert (codec.client_no_context_takeover, codec.client_max_window_bits) == (True, 10)


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
