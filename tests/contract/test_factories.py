"""Factories: session parameters, and the protocols that they make."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.parity.table import ROWS, covers
from wsproto_async import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from wsproto_async.options.legacy import OWN_ATTRS, OWN_SERVER_ATTRS

from .support import Client, Lab, Server, connect, head_of, request, server_factory

CLASSES: dict[str, Any] = {
    "WebSocketServerFactory": WebSocketServerFactory,
    "WebSocketClientFactory": WebSocketClientFactory,
}
PROTOCOLS: dict[str, Any] = {
    "WebSocketServerFactory": WebSocketServerProtocol,
    "WebSocketClientFactory": WebSocketClientProtocol,
}
OTHER_VALUES: dict[str, Any] = {
    "url": "wss://Example.com:9443/a%20b",
    "protocols": ["one", "two"],
    "server": "mine/1",
    "headers": {"X-One": "1"},
    "externalPort": 8080,
    "origin": "https://page.example",
    "useragent": "mine/1",
    "proxy": {"host": "proxy", "port": 3128},
}
RESET: dict[str, Any] = {"protocols": [], "headers": {}}

SESSION_KEYWORDS = [
    row.id
    for row in ROWS.values()
    if row.kind == "keyword" and not row.name.startswith("setProtocolOptions")
]


@covers(*SESSION_KEYWORDS)
def test_each_session_parameter(row: str) -> None:
    owner, _, rest = row.partition(".")
    method, _, keyword = rest.removesuffix("=)").partition("(")
    cls, value = CLASSES[owner], OTHER_VALUES[keyword]
    if method == "__init__":
        factory = cls(**{keyword: value})
    else:
        factory = cls()
        factory.setSessionParameters(**{keyword: value})
    assert getattr(factory, keyword) == value
    factory.setSessionParameters()
    assert getattr(factory, keyword) == RESET.get(keyword)


@covers(
    "WebSocketServerFactory.setSessionParameters", "WebSocketClientFactory.setSessionParameters"
)
def test_what_is_left_out_is_reset(row: str) -> None:
    cls = CLASSES[ROWS[row].owner]
    names = list(ROWS[row].parameters)
    factory = cls(**{name: OTHER_VALUES[name] for name in names})
    factory.setSessionParameters("ws://localhost:9000")
    for name in names[1:]:
        assert getattr(factory, name) == RESET.get(name)
    assert (factory.url, factory.port) == ("ws://localhost:9000", 9000)


@covers(
    "WebSocketServerFactory.setSessionParameters",
    "WebSocketClientFactory.setSessionParameters",
    "WebSocketServerFactory.__init__(url=)",
    "WebSocketClientFactory.__init__(url=)",
)
def test_the_parts_of_the_url(row: str) -> None:
    cls = CLASSES[ROWS[row].owner]
    factory = cls("wss://Example.com:9443/a%20b")
    parts = (factory.isSecure, factory.host, factory.port, factory.resource, factory.path)
    assert parts == (True, "example.com", 9443, "/a%20b", "/a b")
    assert factory.params == {}
    factory = cls()
    parts = (factory.isSecure, factory.host, factory.port, factory.resource, factory.path)
    assert parts == (False, "localhost", 80, "/", "/")
    assert factory.url is None


@covers(
    "WebSocketServerFactory.setSessionParameters", "WebSocketClientFactory.setSessionParameters"
)
def test_a_query_is_for_clients_only(row: str) -> None:
    factory = CLASSES[ROWS[row].owner]()
    if factory.isServer:
        with pytest.raises(ValueError, match="query"):
            factory.setSessionParameters("ws://h/?a=1")
    else:
        factory.setSessionParameters("ws://h/x?a=1&b=")
        assert factory.resource == "/x?a=1&b="
        assert factory.params == {"a": ["1"]}


@covers(
    "WebSocketServerFactory.setSessionParameters", "WebSocketClientFactory.setSessionParameters"
)
@pytest.mark.parametrize("url", ["http://h/", "ws://", "ws://h:0/", "ws://h:70000/", "ws://h/#x"])
def test_a_bad_url_is_refused(row: str, url: str) -> None:
    with pytest.raises(ValueError, match=r"ws|host|[pP]ort|fragment"):
        CLASSES[ROWS[row].owner]().setSessionParameters(url)


@pytest.mark.parametrize(
    ("cls", "arguments", "named"),
    [
        (WebSocketServerFactory, {"protocols": "a"}, "protocols"),
        (WebSocketServerFactory, {"headers": [("a", "b")]}, "headers"),
        (WebSocketClientFactory, {"proxy": {"host": "h"}}, "proxy"),
    ],
)
def test_a_bad_argument_is_named(cls: Any, arguments: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        cls(**arguments)


@covers("WebSocketServerFactory", "WebSocketClientFactory")
def test_calling_it_makes_a_protocol(row: str) -> None:
    cls = CLASSES[row]
    factory = cls()
    first, second = factory(), factory()
    assert type(first) is PROTOCOLS[row]
    assert first is not second
    assert first.factory is factory


@covers("WebSocketServerFactory.protocol", "WebSocketClientFactory.protocol")
def test_what_the_protocol_may_be(row: str) -> None:
    owner = ROWS[row].owner
    cls = CLASSES[owner]
    own: Any = {"WebSocketServerFactory": Server, "WebSocketClientFactory": Client}[owner]
    assert cls.protocol is PROTOCOLS[owner]
    factory = cls()
    factory.protocol = own
    assert type(factory()) is own
    assert type(type("Own", (cls,), {"protocol": own})()()) is own

    class Making:
        def __call__(self) -> Any:
            return own()

    factory.protocol = Making()  # an instance that can be called
    assert type(factory()) is own
    factory.protocol = lambda: own()
    assert type(factory()) is own


@covers("WebSocketServerFactory.isServer", "WebSocketClientFactory.isServer")
def test_which_side_it_is_for(row: str) -> None:
    cls = CLASSES[ROWS[row].owner]
    assert cls().isServer is cls.isServer is (cls is WebSocketServerFactory)


def test_the_loop(lab: Lab) -> None:
    assert WebSocketServerFactory().loop is None
    assert WebSocketServerFactory(loop=lab).loop is lab

    async def inside() -> Any:
        return WebSocketClientFactory().loop

    assert lab.get(inside()) is lab
    factory = WebSocketServerFactory(loop=lab)
    factory.loop = other = asyncio.new_event_loop()
    assert factory.loop is other
    other.close()


def test_parameters_set_late_count(lab: Lab) -> None:
    factory = server_factory(lab)
    side = connect(lab, factory)
    factory.setSessionParameters("ws://localhost:9000", server="late/1")
    side.feed(request())
    assert head_of(side.sent())[1]["server"] == "late/1"


def test_our_own_options_are_attributes_as_well(lab: Lab) -> None:
    for factory in (WebSocketServerFactory(loop=lab), WebSocketClientFactory(loop=lab)):
        protocol = connect(lab, factory).protocol
        names = OWN_ATTRS + (OWN_SERVER_ATTRS if factory.isServer else [])
        for name in names:
            assert getattr(factory, name) == getattr(protocol, name)
