"""The typed legacy program also runs. That it type-checks is seen by the check of all files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.support import (
    CLOSE,
    TEXT,
    Lab,
    close_payload,
    connect,
    head_of,
    request,
    response,
)
from wsproto_async import WebSocketClientFactory

from .legacy import ClientSide, Registry


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.close()
    assert not lab.complaints


def test_its_server(lab: Lab) -> None:
    factory = Registry("ws://127.0.0.1:9000")
    factory.loop = lab
    side = connect(lab, factory)
    side.feed(request("/", {"Sec-WebSocket-Protocol": "chat"}))
    assert head_of(side.sent())[1]["set-cookie"] == "a=1"
    assert side.protocol.maxMessagePayloadSize == 2**20
    side.feed_frame(TEXT, b"hello")
    factory.broadcast("news")
    payloads = [frame.payload for frame in side.frames()]
    assert payloads == [b"hello", b"abc", b"", b"news"]
    side.lose()
    assert factory.clients == set()


def test_its_client(lab: Lab) -> None:
    factory = WebSocketClientFactory(protocols=["chat"], loop=lab)
    factory.protocol = ClientSide
    side = connect(lab, factory)
    assert head_of(side.sent())[1]["host"] == "example.com:8080"
    side.feed(response(side.protocol.websocket_key))
    assert [(f.opcode, f.payload) for f in side.frames()] == [(CLOSE, close_payload(1000, "done"))]
