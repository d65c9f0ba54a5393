"""Taking Autobahn's place, and giving it back."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import wsproto_async
from wsproto_async.compat import MODULES, install_as_autobahn, uninstall_as_autobahn
from wsproto_async.errors import StateError


def is_autobahn(name: str) -> bool:
    return name.partition(".")[0] == "autobahn"


@pytest.fixture(autouse=True)
def _nothing_imported() -> Iterator[None]:
    """Other tests have imported the real one: it is away for the time being."""
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if is_autobahn(name)}
    yield
    for name in list(sys.modules):
        if is_autobahn(name):
            del sys.modules[name]
    sys.modules.update(hidden)


PACKAGES = ("autobahn", "autobahn.asyncio", "autobahn.websocket")


@pytest.mark.parametrize("name", MODULES)
def test_a_module_can_be_imported(name: str) -> None:
    install_as_autobahn()
    module = importlib.import_module(name)
    assert module.__name__ == name
    assert {each: getattr(module, each) for each in MODULES[name]} == MODULES[name]
    assert hasattr(module, "__path__") is (name in PACKAGES)
    assert module.__package__ == (name if name in PACKAGES else name.rpartition(".")[0])
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.name == name
    if name != "autobahn":
        parent, _, last = name.rpartition(".")
        assert getattr(importlib.import_module(parent), last) is module
    names: dict[str, Any] = {}
    exec(f"from {name} import *", names)
    assert names.keys() >= set(module.__all__)
    assert not hasattr(module, "__file__")


@pytest.mark.parametrize(
    "place",
    [
        "autobahn.asyncio.WebSocketServerProtocol",
        "autobahn.asyncio.websocket.WebSocketServerFactory",
        "autobahn.asyncio.websocket.WebSocketClientProtocol",
        "autobahn.asyncio.websocket.WebSocketClientFactory",
        "autobahn.websocket.protocol.WebSocketProtocol",
        "autobahn.websocket.protocol.WebSocketServerFactory",
        "autobahn.websocket.protocol.PreparedMessage",
        "autobahn.websocket.protocol.TrafficStats",
        "autobahn.websocket.protocol.Timings",
        "autobahn.websocket.protocol.FrameHeader",
        "autobahn.websocket.types.ConnectionDeny",
        "autobahn.websocket.ConnectionAccept",
        "autobahn.websocket.compress.PerMessageDeflateOfferAccept",
        "autobahn.websocket.util.create_url",
        "autobahn.websocket.utf8validator.Utf8Validator",
        "autobahn.websocket.xormasker.create_xor_masker",
        "autobahn.exception.Disconnected",
        "autobahn.exception.PayloadExceededError",
    ],
)
def test_a_name_is_ours(place: str) -> None:
    install_as_autobahn()
    module, _, name = place.rpartition(".")
    assert getattr(importlib.import_module(module), name) is getattr(wsproto_async, name)


@pytest.mark.parametrize("name", MODULES)
def test_it_has_what_autobahn_has_there(name: str) -> None:
    """All that Autobahn calls public, but for what has to do with WAMP, Twisted or C."""
    real = importlib.import_module(name)
    public = set(getattr(real, "__all__", ()))
    for other in [each for each in sys.modules if is_autobahn(each)]:
        del sys.modules[other]
    install_as_autobahn()
    missing = {each for each in public if not hasattr(importlib.import_module(name), each)}
    allowed = ("Wamp", "Application", "HAS_NVX", "USES_NVX")
    assert [
        each for each in missing if not each.startswith(allowed) and name != "autobahn.util"
    ] == []


def test_installing_again_does_nothing() -> None:
    install_as_autobahn()
    before = importlib.import_module("autobahn.asyncio.websocket")
    install_as_autobahn()
    assert importlib.import_module("autobahn.asyncio.websocket") is before


@pytest.mark.parametrize(
    "name", ["autobahn.twisted", "autobahn.wamp", "autobahn.twisted.websocket"]
)
def test_what_is_not_there_is_not_taken_from_the_real_one(name: str) -> None:
    install_as_autobahn()
    with pytest.raises(ModuleNotFoundError, match="autobahn"):
        importlib.import_module(name)


@pytest.mark.parametrize("name", ["autobahn", "autobahn.websocket.util"])
def test_it_must_come_first(name: str) -> None:
    sys.modules[name] = ModuleType(name)
    with pytest.raises(StateError, match=f"{name} has been imported already: call install_as"):
        install_as_autobahn()
    assert [each for each in sys.modules if is_autobahn(each)] == [name]


def test_a_part_of_the_real_one_beside_ours_is_a_mistake_too() -> None:
    install_as_autobahn()
    sys.modules["autobahn.wamp"] = ModuleType("autobahn.wamp")
    with pytest.raises(StateError, match=r"autobahn\.wamp has been imported"):
        install_as_autobahn()


def test_taking_it_back() -> None:
    uninstall_as_autobahn()
    install_as_autobahn()
    kept = importlib.import_module("autobahn.asyncio.websocket").WebSocketServerProtocol
    sys.modules["autobahnish"] = ModuleType("autobahnish")
    uninstall_as_autobahn()
    assert [each for each in sys.modules if is_autobahn(each)] == []
    assert sys.modules.pop("autobahnish")
    real = importlib.import_module("autobahn.asyncio.websocket")
    assert real.__file__
    assert real.WebSocketServerProtocol is not kept
    with pytest.raises(StateError, match="already"):
        install_as_autobahn()


def test_taking_it_back_leaves_the_real_one_alone() -> None:
    real = sys.modules["autobahn"] = ModuleType("autobahn")
    uninstall_as_autobahn()
    assert sys.modules["autobahn"] is real
