"""Where an option can be set, and when it takes effect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.table import ROWS, covers
from wsproto_async import ClientOptions, ServerOptions, WebSocketServerFactory

from .support import (
    BASES,
    BINARY,
    CLOSE,
    ROLES,
    TEXT,
    Client,
    Lab,
    Server,
    Side,
    client_factory,
    connect,
    open_server,
    open_side,
    request,
    server_factory,
)

FACTORIES: dict[str, Any] = {
    "WebSocketServerFactory": server_factory,
    "WebSocketClientFactory": client_factory,
}


def is_refused(side: Side[Any]) -> bool:
    """Whether a message of three octets is above a limit."""
    side.feed_frame(BINARY, b"123")
    return [frame.opcode for frame in side.frames()] == [CLOSE]


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


LIMIT: dict[str, Any] = {"maxMessagePayloadSize": 2, "failByDrop": False}


def test_by_the_factory(lab: Lab, role: str) -> None:
    assert is_refused(open_side(lab, role, **LIMIT))
    assert not is_refused(open_side(lab, role))


def test_a_change_of_the_factory_is_for_connections_to_come(lab: Lab) -> None:
    side = open_server(lab)
    factory = side.protocol.factory
    factory.setProtocolOptions(**LIMIT)
    assert not is_refused(side)
    side = connect(lab, factory)
    side.feed(request())
    side.sent()
    assert is_refused(side)


def test_by_an_attribute_of_the_factory(lab: Lab) -> None:
    factory = server_factory(lab, failByDrop=False)
    factory.maxMessagePayloadSize = 2
    side = connect(lab, factory)
    side.feed(request())
    side.sent()
    assert is_refused(side)


def test_by_the_class(lab: Lab, role: str) -> None:
    side = open_side(lab, role, protocol=type("Own", (BASES[role],), LIMIT))
    assert side.protocol.maxMessagePayloadSize == 2
    assert is_refused(side)


def test_a_class_beats_the_factory(lab: Lab) -> None:
    own = type("Own", (Server,), {"maxMessagePayloadSize": 0})
    assert not is_refused(open_server(lab, own, **LIMIT))


def test_by_a_mixin_or_a_base(lab: Lab, role: str) -> None:
    mixin = type("Mixin", (), LIMIT)
    before = type("Before", (mixin, BASES[role]), {})
    behind = type("Behind", (BASES[role],), {})
    derived = type("Derived", (type("Base", (BASES[role],), LIMIT),), {})
    assert is_refused(open_side(lab, role, protocol=before))
    assert not is_refused(open_side(lab, role, protocol=behind))
    assert is_refused(open_side(lab, role, protocol=derived))
    assert mixin.__dict__["maxMessagePayloadSize"] == 2  # ours to read, not to change


def test_by_the_class_after_its_first_connection(lab: Lab) -> None:
    own: Any = type("Own", (Server,), {"failByDrop": False})
    derived: Any = type("Derived", (own,), {})
    for cls in (own, derived):
        assert not is_refused(open_server(lab, cls))
    own.maxMessagePayloadSize = 2
    for cls in (own, derived):
        assert cls.maxMessagePayloadSize == 2
        assert is_refused(open_server(lab, cls))
    derived.maxMessagePayloadSize = 3
    assert not is_refused(open_server(lab, derived))
    own.maxMessagePayloadSize = 0
    assert not is_refused(open_server(lab, own))
    assert derived.maxMessagePayloadSize == 3


def test_on_the_instance_before_it_is_connected(lab: Lab, role: str) -> None:
    class Own(BASES[role]):  # type: ignore[misc, valid-type]
        autoFragmentSize = 7

        def __init__(self) -> None:
            self.maxMessagePayloadSize = 2
            self.failByDrop = False
            assert self.maxMessagePayloadSize == 2
            assert self.autoFragmentSize == 7

    side = open_side(lab, role, protocol=Own)
    assert side.protocol.autoFragmentSize == 7
    assert is_refused(side)


@pytest.mark.parametrize(
    ("role", "hook"),
    [(role, hook) for role in ROLES for hook in ("onConnect", "onOpen", "onMessage")]
    + [("client", "onConnecting")],
)
def test_on_the_instance_in_a_hook(lab: Lab, role: str, hook: str) -> None:
    def setting(self: Any, *args: Any) -> None:
        for name, value in LIMIT.items():
            setattr(self, name, value)

    side = open_side(lab, role, protocol=type("Own", (BASES[role],), {hook: setting}))
    if hook == "onMessage":
        side.feed_frame(TEXT, b"")
    assert is_refused(side)
    assert side.protocol.factory.maxMessagePayloadSize == 0


def test_on_the_instance_above_a_plain_attribute_of_its_class(lab: Lab, role: str) -> None:
    """Nothing but a plain attribute is there to take it, before the class is first used."""

    class Own(BASES[role]):  # type: ignore[misc, valid-type]
        maxMessagePayloadSize = 2

    def factory() -> Any:
        protocol = make()
        protocol.maxMessagePayloadSize = limits.pop()
        return protocol

    limits = [2, 3]
    make = FACTORIES[f"WebSocket{role.title()}Factory"](lab, Own, failByDrop=False)
    for limit in (3, 2):
        side = connect(lab, factory)
        assert side.protocol.maxMessagePayloadSize == limit
        assert "maxMessagePayloadSize" not in vars(side.protocol)
        side.protocol.dropConnection(abort=True)
        lab.turn()
    assert Own.maxMessagePayloadSize == 2


def test_a_class_counts_for_each_connection_of_a_factory(lab: Lab) -> None:
    class Own(Server):
        maxMessagePayloadSize = 2

    factory = server_factory(lab, Own, failByDrop=False)
    for limit in (2, 2, 3):
        if limit == 3:
            factory.setProtocolOptions(maxFramePayloadSize=2)
            Own.maxMessagePayloadSize = 3
        side = connect(lab, factory)
        side.feed(request())
        side.sent()
        assert side.protocol.maxMessagePayloadSize == limit
        assert is_refused(side)


def test_one_connection_does_not_change_another(lab: Lab) -> None:
    own = type("Own", (Server,), {"failByDrop": False, "maxMessagePayloadSize": 5})
    first, second = open_server(lab, own), open_server(lab, own)
    first.protocol.maxMessagePayloadSize = 2
    assert is_refused(first)
    assert not is_refused(second)
    assert not is_refused(open_server(lab, own))


@pytest.mark.parametrize("where", ["factory", "class", "instance"])
def test_a_bad_value_is_named_where_it_is_set(lab: Lab, where: str) -> None:
    factory = server_factory(lab)

    def set_it() -> None:
        if where == "factory":
            factory.maxMessagePayloadSize = -1
        elif where == "class":
            factory.protocol = type("Own", (Server,), {"maxMessagePayloadSize": "2"})
            connect(lab, factory)
        else:
            connect(lab, factory).protocol.maxMessagePayloadSize = -1

    with pytest.raises(ValueError, match="maxMessagePayloadSize"):
        set_it()


def test_options_of_the_new_kind(lab: Lab) -> None:
    factory = server_factory(lab)
    factory.options = ServerOptions(max_message_payload_size=2)
    side = connect(lab, factory)
    side.feed(request())
    side.sent()
    assert is_refused(side)


# --- every keyword of the setters -----------------------------------------------------------------


def decline(_: object) -> None:
    """Accept no compression."""


class Offer:
    EXTENSION_NAME = "x-none"

    def get_extension_string(self) -> str:
        return self.EXTENSION_NAME

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Offer)

    __hash__ = None  # type: ignore[assignment]


OTHER_VALUES: dict[str, Any] = {
    "versions": [13],
    "webStatus": False,
    "utf8validateIncoming": False,
    "maskServerFrames": True,
    "requireMaskedClientFrames": False,
    "applyMask": False,
    "maxFramePayloadSize": 7,
    "maxMessagePayloadSize": 7,
    "autoFragmentSize": 7,
    "failByDrop": False,
    "echoCloseCodeReason": True,
    "openHandshakeTimeout": 2.5,
    "closeHandshakeTimeout": 2.5,
    "tcpNoDelay": False,
    "perMessageCompressionAccept": decline,
    "autoPingInterval": 2.5,
    "autoPingTimeout": 2.5,
    "autoPingSize": 7,
    "serveFlashSocketPolicy": True,
    "flashSocketPolicy": "<none/>\0",
    "allowedOrigins": ["https://example.com"],
    "allowNullOrigin": False,
    "maxConnections": 7,
    "trustXForwardedFor": 2,
    "version": 12,
    "acceptMaskedServerFrames": True,
    "maskClientFrames": False,
    "serverConnectionDropTimeout": 2.5,
    "perMessageCompressionOffers": [Offer()],
}
OPTION_KEYWORDS = [
    row.id for row in ROWS.values() if row.kind == "keyword" and "setProtocolOptions" in row.name
]


def keyword_of(row: str) -> tuple[Any, str]:
    owner, _, rest = row.partition(".")
    return FACTORIES[owner], rest.partition("(")[2].removesuffix("=)")


@covers(*OPTION_KEYWORDS)
def test_each_keyword_of_set_protocol_options(lab: Lab, row: str) -> None:
    make, name = keyword_of(row)
    factory, value = make(lab), OTHER_VALUES[name]
    default = getattr(factory, name)
    assert default != value
    running = connect(lab, factory).protocol
    factory.setProtocolOptions(**{name: None})
    assert getattr(factory, name) == default
    factory.setProtocolOptions(**{name: value})
    factory.setProtocolOptions(**{name: None})
    factory.setProtocolOptions(failByDrop=factory.failByDrop)  # of another one
    assert getattr(factory, name) == value
    assert getattr(running, name) == default
    assert getattr(connect(lab, factory).protocol, name) == value
    factory.resetProtocolOptions()
    assert getattr(factory, name) == default


@covers(
    "WebSocketServerFactory.resetProtocolOptions", "WebSocketClientFactory.resetProtocolOptions"
)
def test_reset_puts_all_defaults_back(lab: Lab, row: str) -> None:
    make = FACTORIES[ROWS[row].owner]
    names = [row_.name for row_ in ROWS.values() if row_.kind == "option"]
    factory, fresh = make(lab), make(lab)
    known = [name for name in names if hasattr(fresh, name)]
    factory.setProtocolOptions(**{n: v for n, v in OTHER_VALUES.items() if n in known})
    factory.logFrames = True
    factory.resetProtocolOptions()
    assert factory.logFrames, "those that only log and time are left alone"
    factory.logFrames = False
    for name in known:
        assert getattr(factory, name) == getattr(fresh, name), name


CONTRACT_DEFAULTS: dict[str, Any] = {
    "utf8validateIncoming": True,
    "applyMask": True,
    "maxFramePayloadSize": 0,
    "maxMessagePayloadSize": 0,
    "autoFragmentSize": 0,
    "failByDrop": True,
    "echoCloseCodeReason": False,
    "openHandshakeTimeout": 5,
    "closeHandshakeTimeout": 1,
    "tcpNoDelay": True,
    "autoPingInterval": 0,
    "autoPingTimeout": 0,
    "autoPingSize": 4,
    "versions": [8, 13],
    "webStatus": True,
    "requireMaskedClientFrames": True,
    "maskServerFrames": False,
    "serveFlashSocketPolicy": False,
    "flashSocketPolicy": "<cross-domain-policy>\n"
    '     <allow-access-from domain="*" to-ports="*" />\n'
    "</cross-domain-policy>\0",
    "allowedOrigins": ["*"],
    "allowNullOrigin": True,
    "maxConnections": 0,
    "trustXForwardedFor": 0,
    "version": 18,
    "acceptMaskedServerFrames": False,
    "maskClientFrames": True,
    "serverConnectionDropTimeout": 1,
    "perMessageCompressionOffers": [],
}
DEFAULTS = [
    row.id for row in ROWS.values() if row.kind == "option" and row.name in CONTRACT_DEFAULTS
]


@covers(*DEFAULTS)
def test_the_default_of_each_option(lab: Lab, row: str) -> None:
    name = ROWS[row].name
    sides: list[tuple[str, Any]] = [("CLIENT", server_factory), ("SERVER", client_factory)]
    for not_for, make in sides:
        if not ROWS[row].owner.endswith(not_for):
            assert getattr(make(lab), name) == CONTRACT_DEFAULTS[name]
            assert getattr(connect(lab, make(lab)).protocol, name) == CONTRACT_DEFAULTS[name]


@covers("WebSocketServerFactory.setProtocolOptions", "WebSocketClientFactory.setProtocolOptions")
def test_an_unknown_option_is_refused(lab: Lab, row: str) -> None:
    factory = FACTORIES[ROWS[row].owner](lab)
    with pytest.raises(TypeError, match="failByDrop"):
        factory.setProtocolOptions(failByDorp=True)


@covers("logOctets", "logFrames", "trackTimings")
def test_those_that_log_are_attributes(lab: Lab, row: str) -> None:
    name = ROWS[row].name
    for factory in (server_factory(lab), client_factory(lab)):
        assert getattr(factory, name) is False
        setattr(factory, name, True)
        assert getattr(connect(lab, factory).protocol, name) is True


BAD_VALUES: list[tuple[str, str, Any]] = [
    ("WebSocketServerFactory", "versions", [13, 7]),
    ("WebSocketServerFactory", "versions", []),
    ("WebSocketServerFactory", "allowNullOrigin", "yes"),
    ("WebSocketServerFactory", "maxConnections", -1),
    ("WebSocketServerFactory", "maxConnections", 1.5),
    ("WebSocketServerFactory", "trustXForwardedFor", -1),
    ("WebSocketServerFactory", "autoPingSize", 3),
    ("WebSocketServerFactory", "allowedOrigins", "*"),
    ("WebSocketServerFactory", "flashSocketPolicy", "no end"),
    ("WebSocketClientFactory", "version", 9),
    ("WebSocketClientFactory", "version", 19),
    ("WebSocketClientFactory", "version", "18"),
    ("WebSocketClientFactory", "perMessageCompressionOffers", 1),
    ("WebSocketClientFactory", "autoPingSize", 126),
]


@covers(
    "WebSocketServerFactory.setProtocolOptions",
    "WebSocketClientFactory.setProtocolOptions",
    "maxConnections",
    "versions",
    "version",
    "perMessageCompressionOffers",
)
@pytest.mark.parametrize(("owner", "name", "value"), BAD_VALUES)
def test_a_bad_value_is_refused(lab: Lab, owner: str, name: str, value: Any) -> None:
    factory = FACTORIES[owner](lab)
    before = getattr(factory, name)
    with pytest.raises((ValueError, AssertionError), match=name):
        factory.setProtocolOptions(**{name: value})
    assert getattr(factory, name) == before


@covers("allowNullOrigin")
def test_another_option_does_not_touch_null_origins(lab: Lab) -> None:
    factory = server_factory(lab)
    factory.setProtocolOptions(maxConnections=3)
    assert factory.allowNullOrigin is True


@covers("versions", "perMessageCompressionOffers")
def test_a_list_of_options_is_a_copy(lab: Lab) -> None:
    mine = [13]
    factory = server_factory(lab, versions=mine)
    mine.append(8)
    factory.versions.append(8)
    assert factory.versions == [13]


def test_the_models_defaults_are_other_ones() -> None:
    assert WebSocketServerFactory().options == ServerOptions.contract()
    assert ServerOptions().max_message_payload_size == ClientOptions().max_message_payload_size > 0


def test_nothing_is_left_on_the_instance(lab: Lab) -> None:
    class Own(Client):
        def __init__(self) -> None:
            self.failByDrop = False

    side = connect(lab, client_factory(lab, Own))
    side.protocol.failByDrop = True
    assert "failByDrop" not in side.protocol.__dict__
