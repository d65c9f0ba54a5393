"""Our handshake against that of `websockets`, both without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from wsproto_async.core.handshake.client import judge_response, upgrade_request
from wsproto_async.core.handshake.key import new_key
from wsproto_async.core.handshake.server import (
    ServerPolicy,
    Upgrade,
    accept_response,
    choose_subprotocol,
    judge_request,
)
from wsproto_async.core.http1 import HeadReader, parse_request_head, parse_response_head


def _head(data: bytes, *, is_client: bool = False) -> bytes:
    reader = HeadReader(8192, is_client=is_client)
    head = reader.feed(data)
    assert head is not None
    assert reader.rest == b""
    return head


@pytest.mark.parametrize("url", ["ws://example.org/", "wss://[::1]:9000/a%20b?c=d"])
@pytest.mark.parametrize("subprotocols", [[], ["p", "q"]])
def test_their_client_our_server(url: str, subprotocols: Sequence[Any]) -> None:
    client = ClientProtocol(
        parse_uri(url),
        extensions=[ClientPerMessageDeflateFactory()],
        subprotocols=subprotocols or None,
    )
    client.send_request(client.connect())
    sent = b"".join(client.data_to_send())
    request = judge_request(parse_request_head(_head(sent), max_headers=100), ServerPolicy())
    assert isinstance(request, Upgrade)
    assert request.protocols == subprotocols
    assert [name for name, _ in request.extensions] == ["permessage-deflate"]
    chosen = choose_subprotocol(request.protocols, ["q", "p"])
    client.receive_data(
        accept_response(request, server="me", subprotocol=chosen, extensions=["permessage-deflate"])
    )
    assert client.handshake_exc is None
    assert [type(event) for event in client.events_received()] == [Response]
    assert client.subprotocol == chosen


@pytest.mark.parametrize("subprotocols", [[], ["p", "q"]])
def test_our_client_their_server(subprotocols: Sequence[Any]) -> None:
    server = ServerProtocol(subprotocols=subprotocols or None, origins=None)
    key = new_key()
    server.receive_data(
        upgrade_request(host="::1", port=9000, resource="/a?b=c", key=key, protocols=subprotocols)
    )
    request = server.events_received()[0]
    assert isinstance(request, Request)
    assert request.headers["Host"] == "[::1]:9000"
    server.send_response(server.accept(request))
    answer = _head(b"".join(server.data_to_send()), is_client=True)
    head = parse_response_head(answer, max_headers=100)
    verdict = judge_response(head, key=key, protocols=subprotocols)
    assert verdict.subprotocol == (subprotocols[0] if subprotocols else None)
