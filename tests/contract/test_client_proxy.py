"""A client that asks a proxy first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import WebSocketProtocol as P

from .support import (
    Lab,
    MemoryTransport,
    Side,
    client_factory,
    connect,
    response,
    unclean,
)

# --- a proxy --------------------------------------------------------------------------------------


def through(lab: Lab, url: str = "ws://example.com:8080/x", **proxy: Any) -> Side[Any]:
    session = {"url": url, "proxy": {"host": "proxy", "port": 3128, **proxy}}
    return connect(lab, client_factory(lab, session=session))


@covers("startProxyConnect", "STATE_PROXY_CONNECTING", "WebSocketClientProtocol._connectionMade")
def test_the_proxy_is_asked_first(lab: Lab) -> None:
    side = through(lab)
    assert side.protocol.state == P.STATE_PROXY_CONNECTING
    assert side.sent() == b"CONNECT example.com:8080 HTTP/1.1\r\nHost: example.com:8080\r\n\r\n"


@covers("startProxyConnect")
def test_headers_for_the_proxy_are_for_the_proxy_alone(lab: Lab) -> None:
    side = through(lab, headers={"Proxy-Authorization": "Basic eA=="})
    assert b"Proxy-Authorization: Basic eA==" in side.sent()
    side.feed(b"HTTP/1.1 200 OK\r\n\r\n")
    assert b"Proxy-Authorization" not in side.sent()


@covers("WebSocketClientProtocol.processProxyConnect", "STATE_CONNECTING", "STATE_PROXY_CONNECTING")
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nX: 1\r\n\r\n",
        b"HTTP/1.1 299\r\n\r\n",
    ],
)
def test_the_proxy_lets_us_through(lab: Lab, answer: bytes) -> None:
    side = through(lab)
    side.sent()
    side.feed(answer[:5], answer[5:])
    assert side.protocol.state == P.STATE_CONNECTING
    assert side.sent().startswith(b"GET /x HTTP/1.1\r\n")
    side.feed(response(side.protocol.websocket_key))
    assert side.protocol.state == P.STATE_OPEN


@covers("WebSocketClientProtocol.processProxyConnect", "failProxyConnect", "onClose")
@pytest.mark.parametrize(
    ("answer", "contains"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"),
        (b"HTTP/1.1 199 x\r\n\r\n", "199"),
        (b"HTTP/1.1 302 x\r\nLocation: /\r\n\r\n", "302"),
        (b"HTTP/1.1\r\n\r\n", "status line"),
        (b"HTTP/3 200 x\r\n\r\n", "HTTP version"),
        (b"HTTP/1.1 x x\r\n\r\n", "status code"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "status line"),
        (b"garbage\r\n\r\n", "status line"),
        (b"HTTP/1.1 200 OK\r\n\r\nsurprise", "behind its answer"),
    ],
)
def test_the_proxy_does_not(lab: Lab, answer: bytes, contains: str) -> None:
    side = through(lab)
    side.sent()
    side.feed(answer)
    assert side.transport.aborted
    assert side.sent() == b""
    was_clean, code, reason = side.closed()
    assert (was_clean, code) == (False, 1006)
    assert contains in str(reason)


@covers("failProxyConnect")
def test_failing_the_proxy_by_hand(lab: Lab) -> None:
    side = through(lab)
    side.protocol.failProxyConnect("no way")
    assert side.transport.aborted
    assert side.closed() == unclean("no way")


def test_tls_that_is_there_when_the_connection_is_gone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = lab.create_future()

    async def start_tls(*_: object, **__: object) -> Any:
        return await started

    monkeypatch.setattr(lab, "start_tls", start_tls)
    side = through(lab, "wss://example.com/")
    side.feed(b"HTTP/1.1 200 OK\r\n\r\n")
    assert side.protocol.state == P.STATE_CONNECTING
    side.protocol.dropConnection(abort=True)
    side.sent()
    inner = MemoryTransport(lab)
    started.set_result(inner)
    assert side.sent() == b""
    assert inner.writes == []
    assert side.protocol.transport is None
    assert side.closed()[:2] == (False, 1006)
    assert lab.complaints == []


@pytest.mark.parametrize("abort", [False, True])
def test_a_transport_below_tls_is_not_asked_what_it_has_to_send(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, abort: bool
) -> None:
    """One of aiofastnet that has ended crashes then, and TLS may tell of its end at any time."""

    def crash() -> int:
        raise AssertionError

    async def start_tls(*_: object, **__: object) -> Any:
        await lab.create_future()

    monkeypatch.setattr(lab, "start_tls", start_tls)
    side = through(lab, "wss://example.com/")
    side.feed(b"HTTP/1.1 200 OK\r\n\r\n")
    monkeypatch.setattr(side.transport, "get_write_buffer_size", crash)
    assert side.protocol.bufferedAmount == 0
    assert side.protocol.transport.get_extra_info("peername") == ("192.0.2.1", 4711)
    assert not side.protocol.transport.is_closing()
    side.protocol.dropConnection(abort)
    assert side.transport.aborted
    assert side.closed()[:2] == (False, 1006)
    for task in asyncio.all_tasks(lab):
        task.cancel()
    lab.turn()
    assert lab.complaints == []
