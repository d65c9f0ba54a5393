"""What can be read off the table itself: values, signatures, and where the names are."""

from __future__ import annotations

import importlib
import inspect
from typing import Any, get_type_hints

import pytest

import wsproto_async
from tests.parity.table import ROWS, THIS_PACKAGE, Row, covers
from wsproto_async import (
    WebSocketClientProtocol,
    WebSocketFactory,
    WebSocketProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from wsproto_async.interfaces import (
    IWebSocketChannel,
    IWebSocketChannelFrameApi,
    IWebSocketChannelStreamingApi,
)
from wsproto_async.options import ClientOptionsKwargs, ServerOptionsKwargs
from wsproto_async.options.legacy import CONFIG_ATTRS_CLIENT, CONFIG_ATTRS_SERVER

from .support import Lab, client_factory, connect, open_client, open_server, server_factory

VALUES = [row.id for row in ROWS.values() if row.kind == "attribute" and row.form]
SIGNATURES = [
    row.id
    for row in ROWS.values()
    if row.kind in ("method", "class") and row.form and row.name != "setProtocolOptions"
]


def owner_of(row: Row) -> Any:
    return getattr(wsproto_async, row.owner)


@covers(*VALUES)
def test_values(row: str) -> None:
    item = ROWS[row]
    value = getattr(owner_of(item), item.name)
    expected = item.form if item.name == "peer" else item.value
    assert value == expected
    assert type(value) is type(expected)


@covers(*SIGNATURES)
def test_signatures(row: str) -> None:
    item = ROWS[row]
    function: Any = getattr(owner_of(item), item.name or "__init__")
    parameters = dict(list(inspect.signature(function).parameters.items())[1:])
    found = {
        name: ... if parameter.default is inspect.Parameter.empty else parameter.default
        for name, parameter in parameters.items()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    }
    expected = item.parameters
    for name, default in expected.items():
        if default == THIS_PACKAGE:
            expected[name] = f"wsproto_async/{wsproto_async.version.__version__}"
    required = [name for name in found if name not in expected and found[name] is ...]
    assert not required
    assert {name: found[name] for name in expected} == expected
    assert list(found)[: len(expected)] == list(expected)


@covers("WebSocketServerFactory.setProtocolOptions", "WebSocketClientFactory.setProtocolOptions")
def test_all_options_are_keywords(row: str) -> None:
    keywords = {
        "WebSocketServerFactory": ServerOptionsKwargs,
        "WebSocketClientFactory": ClientOptionsKwargs,
    }
    known = get_type_hints(keywords[ROWS[row].owner])
    assert ROWS[row].parameters.keys() - known.keys() == set()


@covers("protocol")
def test_the_classes_are_where_users_look_for_them() -> None:
    for module in ("wsproto_async", "wsproto_async.protocol"):
        for row in ROWS.values():
            if row.kind == "class":
                found = getattr(importlib.import_module(module), row.owner)
                assert found is owner_of(row)


def test_nothing_of_the_contract_is_missing_in_the_package() -> None:
    names = (
        "PreparedMessage ConnectionRequest ConnectionResponse ConnectingRequest ConnectionAccept "
        "ConnectionDeny TransportDetails Message IncomingMessage OutgoingMessage Ping TrafficStats "
        "Timings Utf8Validator XorMaskerNull create_xor_masker parse_url create_url Disconnected "
        "PayloadExceededError"
    )
    assert [name for name in names.split() if not hasattr(wsproto_async, name)] == []


@covers("WebSocketProtocol")
@pytest.mark.parametrize(
    "interface", [IWebSocketChannel, IWebSocketChannelFrameApi, IWebSocketChannelStreamingApi]
)
def test_a_protocol_counts_as_a_channel(interface: type) -> None:
    assert issubclass(WebSocketProtocol, interface)
    assert issubclass(WebSocketServerProtocol, interface)
    assert isinstance(WebSocketClientProtocol(), interface)


@covers("WebSocketProtocol")
def test_a_protocol_can_be_listened_to() -> None:
    protocol = WebSocketServerProtocol()
    heard: list[object] = []
    protocol.set_valid_events(["tick"])
    protocol.on("tick", heard.append)
    with pytest.raises(RuntimeError):
        protocol.on("message", heard.append)
    protocol.off("tick")


@covers("WebSocketFactory")
def test_the_factories_have_a_common_base() -> None:
    assert issubclass(WebSocketServerFactory, WebSocketFactory)
    assert set(vars(WebSocketFactory)) >= {"prepareMessage", "__call__"}


@covers("WebSocketServerProtocol.CONFIG_ATTRS", "WebSocketClientProtocol.CONFIG_ATTRS")
def test_the_options_of_a_role(row: str) -> None:
    own = {
        "WebSocketServerProtocol": CONFIG_ATTRS_SERVER,
        "WebSocketClientProtocol": CONFIG_ATTRS_CLIENT,
    }
    cls = owner_of(ROWS[row])
    assert [*WebSocketProtocol.CONFIG_ATTRS_COMMON, *own[ROWS[row].owner]] == cls.CONFIG_ATTRS


@covers("CONFIG_ATTRS_COMMON", "CONFIG_ATTRS_SERVER", "CONFIG_ATTRS_CLIENT")
def test_factory_and_connection_have_every_option(lab: Lab, row: str) -> None:
    names = ROWS[row].value
    sides: list[tuple[Any, Any]] = []
    if not row.endswith("CLIENT"):
        factory: Any = server_factory(lab)
        sides.append((factory, connect(lab, factory).protocol))
    if not row.endswith("SERVER"):
        factory = client_factory(lab)
        sides.append((factory, connect(lab, factory).protocol))
    for factory, protocol in sides:
        for name in names:
            kept, used = getattr(factory, name), getattr(protocol, name)
            assert kept == used or callable(used)


@covers("DEFAULT_SPEC_VERSION")
def test_a_client_speaks_the_standard(lab: Lab) -> None:
    assert client_factory(lab).version == WebSocketProtocol.DEFAULT_SPEC_VERSION


@covers("MESSAGE_TYPE_TEXT", "MESSAGE_TYPE_BINARY")
@pytest.mark.parametrize("open_side", [open_server, open_client])
def test_message_types_are_opcodes(lab: Lab, row: str, open_side: Any) -> None:
    side = open_side(lab)
    side.protocol.sendMessage(b"x", row.endswith("BINARY"))
    assert [frame.opcode for frame in side.frames()] == [ROWS[row].value]


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(
        AttributeError, match=r"'wsproto_async\.protocol' has no attribute 'nothing'"
    ):
        _ = wsproto_async.protocol.nothing
