"""permessage-bzip2, -snappy and -brotli with Autobahn at the other end, in both roles."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

import pytest

from wsproto_async import ClientOptions, ServerOptions, WebSocket, compress, connect

from .peers import autobahn_compress, autobahn_converse, autobahn_server
from .support import serving

LIMIT = 1_000_000
ROWS = json.dumps([{"name": f"row {n}", "value": n * n} for n in range(400)])
MESSAGES: list[str | bytes] = [
    *("", "", "text ½ 🐸", "text ½ 🐸", b"", b"\x00\xff"),
    *(ROWS, ROWS.encode(), ROWS, "x" * (LIMIT - 1), "x" * LIMIT, bytes(range(256)) * 300),
]


class Case(NamedTuple):
    """Arguments of a negotiation: those of the offer, and of both who accept."""

    family: str
    offer: dict[str, Any]
    accept: dict[str, Any]
    consent: dict[str, Any]

    def part(self, module: Any, part: str) -> Any:
        return getattr(module, f"PerMessage{self.family}{part}")

    def offers(self, module: Any) -> list[Any]:
        return [self.part(module, "Offer")(**self.offer)]

    def accepts(self, module: Any) -> Any:
        """A function for ``perMessageCompressionAccept``, on either side."""

        def function(offered: Any) -> Any:
            if isinstance(offered, list):
                return self.part(module, "OfferAccept")(offered[0], **self.accept)
            return self.part(module, "ResponseAccept")(offered, **self.consent)

        return function


TAKEOVER: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({}, {}, {}),
    ({"request_no_context_takeover": True}, {"request_no_context_takeover": True}, {}),
    ({}, {"no_context_takeover": True}, {"no_context_takeover": True}),
    ({"accept_no_context_takeover": False}, {}, {}),
]
CASES = [
    Case("Bzip2", {}, {}, {}),
    Case("Bzip2", {"request_max_compress_level": 2}, {"request_max_compress_level": 3}, {}),
    Case("Bzip2", {"accept_max_compress_level": False}, {"compress_level": 1}, {}),
    *(Case("Snappy", *parameters) for parameters in TAKEOVER),
    *(Case("Brotli", *parameters) for parameters in TAKEOVER),
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)


async def converse(ws: WebSocket, case: Case) -> None:
    """Have every message echoed, whole and in fragments; the wire must show that it is smaller."""
    [codec] = ws.protocol.websocket_extensions_in_use
    assert type(codec) is case.part(compress, "")
    for message in MESSAGES:
        await ws.send(message)
        assert await ws.recv() == message
    await ws.send([ROWS, "", ROWS])
    assert await ws.recv() == ROWS + ROWS
    await ws.send(ROWS, compress=False)
    assert await ws.recv() == ROWS
    stats = ws.protocol.trafficStats
    assert stats.incomingOctetsWebSocketLevel < stats.incomingOctetsAppLevel / 3


def server_options(case: Case) -> ServerOptions:
    return ServerOptions(
        max_message_payload_size=LIMIT,
        max_frame_payload_size=LIMIT,
        per_message_compression_accept=case.accepts(compress),
    )


def client_options(case: Case) -> ClientOptions:
    return ClientOptions(
        max_message_payload_size=LIMIT,
        per_message_compression_offers=case.offers(compress),
        per_message_compression_accept=case.accepts(compress),
    )


@every_case
async def test_their_client(case: Case) -> None:
    async with serving(options=server_options(case)) as (_, url):
        plain, wire = await autobahn_converse(
            url,
            MESSAGES,
            perMessageCompressionOffers=case.offers(autobahn_compress),
            perMessageCompressionAccept=case.accepts(autobahn_compress),
        )
    assert wire < plain / 3
    await asyncio.sleep(0)


@every_case
async def test_their_server(case: Case) -> None:
    async with (
        autobahn_server(perMessageCompressionAccept=case.accepts(autobahn_compress)) as url,
        connect(url, options=client_options(case)) as ws,
    ):
        await converse(ws, case)


@every_case
async def test_both_ours(case: Case) -> None:
    async with (
        serving(options=server_options(case)) as (_, url),
        connect(url, options=client_options(case)) as ws,
    ):
        await converse(ws, case)


@pytest.mark.parametrize("family", ["Bzip2", "Snappy", "Brotli"])
async def test_a_message_above_the_limit(family: str) -> None:
    """One octet too much, compressed to next to nothing, is 1009 in either role."""
    case = Case(family, {}, {}, {})
    async with (
        serving(options=server_options(case)) as (_, url),
        connect(url, options=client_options(case)) as ws,
    ):
        await ws.send("x" * (LIMIT + 1))
        await ws.wait_closed()
        assert ws.close_code == 1009


@pytest.mark.parametrize("family", ["Bzip2", "Snappy", "Brotli"])
async def test_what_does_not_inflate_is_1007(family: str) -> None:
    case = Case(family, {}, {}, {})
    async with (
        serving(options=server_options(case)) as (_, url),
        connect(url, options=client_options(case)) as ws,
    ):
        ws.protocol.sendFrame(opcode=1, rsv=4, payload=b"nothing that inflates")
        await ws.wait_closed()
        assert ws.close_code == 1007
