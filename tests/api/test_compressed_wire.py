"""permessage-deflate with others, judged by what is on the wire: RSV1, and how much it is.

Each pair says the same messages. Whether one that was said before gets small tells of context
takeover, and whether that works over a distance, of the window.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import aiohttp
import pytest
import websockets
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

from tests.examples.browser import CHROMIUM, chromium
from wsproto_async import ConnectionRequest, Deflate, HTTPResponse, WebSocket, connect

from .node import SCRIPT, node
from .peers import aiohttp_converse, aiohttp_server, websockets_converse, websockets_server
from .support import port_of, serving
from .wire import Message, Wire, relay

RANDOM = random.Random(7692)
SHORT = RANDOM.randbytes(50).hex()
LONG = RANDOM.randbytes(600).hex()
ROWS = json.dumps([{"name": f"row {n}", "value": n * n} for n in range(3000)])
MESSAGES: list[str | bytes] = [SHORT, SHORT, LONG, LONG, "½ 🐸", ROWS, ROWS.encode(), b"\x00\xff"]


class Agreement(NamedTuple):
    """What is agreed on, by what we say in either role.

    Attributes:
        ours: what we say.
        remembers: whether a message gets small that was said just before.
        far: ... also if the window has to be more than 9 bits for that.
    """

    ours: Deflate
    remembers: bool
    far: bool


AGREEMENTS = {
    "takeover": Agreement(Deflate(min_size=0), True, True),
    "no takeover": Agreement(
        Deflate(min_size=0, context_takeover=False, peer_context_takeover=False), False, False
    ),
    "small windows": Agreement(Deflate(min_size=0, window_bits=9, peer_window_bits=9), True, False),
    "zlib-ng": Agreement(
        Deflate(
            min_size=0, codec="zlib-ng", context_takeover=True, window_bits=15, peer_window_bits=15
        ),
        True,
        True,
    ),
}
every_agreement = pytest.mark.parametrize("agreement", AGREEMENTS.values(), ids=AGREEMENTS)


def check(wire: Wire, agreement: Agreement) -> None:
    """Judge a conversation by its octets."""
    for sender in ("client", "server"):
        assert "permessage-deflate" in wire.head(sender)
        messages = wire.messages(sender)
        assert [message.compressed for message in messages] == [True] * len(MESSAGES)
        short, again, long, far, _, rows, binary_rows, _ = messages
        assert is_smaller(again, short) is agreement.remembers
        assert is_smaller(far, long) is agreement.far
        assert max(rows.size, binary_rows.size) < len(ROWS) / 3


def is_smaller(one: Message, other: Message) -> bool:
    return one.size < other.size / 2


# --- our server -----------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def our_server(agreement: Agreement) -> AsyncIterator[tuple[str, list[Wire]]]:
    """An echo server behind a relay: the relay's URL, and what went through."""

    def page(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
        return HTTPResponse(200) if "upgrade" not in request.headers else None

    async with (
        serving(compression=agreement.ours, process_request=page) as (server, _),
        relay(port_of(server)) as (port, wires),
    ):
        yield f"ws://127.0.0.1:{port}/", wires


async def websockets_client(url: str) -> None:
    async with websockets.connect(
        url, proxy=None, compression=None, extensions=[ClientPerMessageDeflateFactory()]
    ) as ws:
        await websockets_converse(ws, MESSAGES)


async def aiohttp_client(url: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, compress=15) as ws,
    ):
        await aiohttp_converse(ws, MESSAGES)


async def node_client(url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "node", SCRIPT, "client", url, env=node(), stdin=PIPE, stderr=PIPE
    )
    said = [each if isinstance(each, str) else {"hex": each.hex()} for each in MESSAGES]
    _, errors = await process.communicate(json.dumps(said).encode())
    assert process.returncode == 0, errors


CONVERSE = """\
new Promise((done, failed) => {
  const messages = MESSAGES.map(message => typeof message === "string"
    ? message : Uint8Array.from(message.hex.match(/../g), octet => parseInt(octet, 16)));
  const ws = new WebSocket("URL");
  ws.binaryType = "arraybuffer";
  let index = 0;
  const say = () => index < messages.length ? ws.send(messages[index]) : ws.close(1000);
  ws.onopen = say;
  ws.onmessage = ({data}) => {
    const [sent, got] = [messages[index], typeof data === "string" ? data : new Uint8Array(data)];
    if (typeof sent !== typeof got || String(sent) !== String(got)) failed("message " + index);
    index += 1;
    say();
  };
  ws.onclose = ({code}) => done([code, index]);
})"""


async def chromium_client(url: str) -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    said = [each if isinstance(each, str) else {"hex": each.hex()} for each in MESSAGES]
    script = CONVERSE.replace("MESSAGES", json.dumps(said)).replace("URL", url)
    async with chromium() as browser:
        # Pages that are from nowhere, or from elsewhere, may not connect to this machine.
        window = await browser.open(url.replace("ws:", "http:"))
        assert await window.evaluate(script) == [1000, len(MESSAGES)]


CLIENTS = [websockets_client, aiohttp_client, node_client, chromium_client]


@pytest.mark.parametrize("client", CLIENTS)
@every_agreement
async def test_their_client(client: Callable[[str], Awaitable[None]], agreement: Agreement) -> None:
    async with our_server(agreement) as (url, wires):
        await client(url)
    [wire] = [wire for wire in wires if wire.head("server").startswith("HTTP/1.1 101 ")]
    check(wire, agreement)


# --- our client -----------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def websockets_deflating() -> AsyncIterator[int]:
    extensions = [ServerPerMessageDeflateFactory()]
    async with websockets_server(compression=None, extensions=extensions) as (_, port):
        yield port


@contextlib.asynccontextmanager
async def node_server() -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        "node", SCRIPT, "server", env=node(), stdin=DEVNULL, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.communicate()


SERVERS = [websockets_deflating, aiohttp_server, node_server]


@pytest.mark.parametrize("server", SERVERS)
@every_agreement
async def test_their_server(
    server: Callable[[], contextlib.AbstractAsyncContextManager[int]], agreement: Agreement
) -> None:
    async with (
        server() as port,
        relay(port) as (between, wires),
        connect(f"ws://127.0.0.1:{between}/", compression=agreement.ours) as ws,
    ):
        for message in MESSAGES:
            await ws.send(message)
            assert await ws.recv() == message
    [wire] = wires
    check(wire, agreement)
