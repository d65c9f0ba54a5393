"""Programs written for Autobahn, run without a change.

Your own code needs one changed import. That of others does not even need that::

    from wsproto_async.compat import install_as_autobahn

    install_as_autobahn()  # before anything imports autobahn
    import roslibpy

From then on ``autobahn.asyncio.websocket`` and the other modules of :data:`MODULES` are this
package. Those for Twisted and WAMP are not there: importing them fails.
"""

from __future__ import annotations

import asyncio
import sys
from abc import ABC
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

import txaio

from . import compress, exception, interfaces, masking, protocol, stats, types, utf8, util
from .errors import StateError
from .factory import WebSocketClientFactory, WebSocketFactory, WebSocketServerFactory
from .observable import ObservableMixin
from .protocol import WebSocketClientProtocol, WebSocketProtocol, WebSocketServerProtocol

__all__ = ["MODULES", "install_as_autobahn", "uninstall_as_autobahn"]

VERSION: Final = "21.3.1"
"""The Autobahn whose contract this is."""


class WebSocketAdapterProtocol(ABC):  # noqa: B024 (nothing is missing)
    """What joins Autobahn's protocols to asyncio. Here they are made for it: nothing to add."""

    __slots__ = ()


class WebSocketAdapterFactory(ABC):  # noqa: B024 (nothing is missing)
    """The same for factories."""

    __slots__ = ()


WebSocketAdapterProtocol.register(WebSocketProtocol)
WebSocketAdapterFactory.register(WebSocketFactory)


def _names(*sources: ModuleType, **more: Any) -> dict[str, Any]:
    """What a module contains: the public names of others, and some more."""
    return {name: getattr(source, name) for source in sources for name in source.__all__} | more


_FACES: Final = {
    "WebSocketClientFactory": WebSocketClientFactory,
    "WebSocketClientProtocol": WebSocketClientProtocol,
    "WebSocketServerFactory": WebSocketServerFactory,
    "WebSocketServerProtocol": WebSocketServerProtocol,
}

MODULES: Final[dict[str, dict[str, Any]]] = {
    "autobahn": {"__version__": VERSION},
    "autobahn.asyncio": _FACES,
    "autobahn.asyncio.websocket": {
        **_FACES,
        "WebSocketAdapterFactory": WebSocketAdapterFactory,
        "WebSocketAdapterProtocol": WebSocketAdapterProtocol,
        "asyncio": asyncio,  # programs take it from there
        "txaio": txaio,
    },
    "autobahn.exception": _names(exception),
    "autobahn.util": _names(util, ObservableMixin=ObservableMixin),
    "autobahn.websocket": _names(types, IWebSocketChannel=interfaces.IWebSocketChannel),
    "autobahn.websocket.compress": _names(compress),
    "autobahn.websocket.interfaces": _names(interfaces),
    "autobahn.websocket.protocol": _names(protocol, stats, parseHttpHeader=util.parseHttpHeader),
    "autobahn.websocket.types": _names(types),
    "autobahn.websocket.utf8validator": _names(utf8),
    "autobahn.websocket.util": _names(util),
    "autobahn.websocket.xormasker": _names(masking),
}
"""Autobahn's modules, and what each contains here."""


def install_as_autobahn() -> None:
    """Let ``import autobahn`` find this package, in the whole process.

    Call it before anything has imported Autobahn, which need not be installed. Calling it again
    does nothing. As importing ``autobahn.asyncio`` would, it chooses asyncio for txaio.

    Raises:
        StateError: the real Autobahn, or a part of it, has been imported already.
        RuntimeError: txaio, and so the program, uses Twisted.
    """
    strangers = sorted(name for name, module in _imported() if not isinstance(module, _Alias))
    if strangers:
        raise StateError(
            f"{strangers[0]} has been imported already: call install_as_autobahn() before anything "
            "that imports it"
        )
    if "autobahn" in sys.modules:
        return
    txaio.use_asyncio()
    aliases = {name: _Alias(name, content) for name, content in MODULES.items()}
    for name, alias in aliases.items():
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(aliases[parent], last, alias)
    sys.modules.update(aliases)


def uninstall_as_autobahn() -> None:
    """Take it back, for tests. Who has imported something keeps it."""
    for name, module in list(_imported()):
        if isinstance(module, _Alias):
            del sys.modules[name]


def _imported() -> Iterator[tuple[str, ModuleType]]:
    for name, module in list(sys.modules.items()):
        if name == "autobahn" or name.startswith("autobahn."):
            yield name, module


class _Alias(ModuleType):
    """A module of ours under a name of Autobahn's."""

    def __init__(self, name: str, content: dict[str, Any]) -> None:
        super().__init__(name, f"{name}, played by wsproto_async.")
        is_package = any(other.startswith(f"{name}.") for other in MODULES)
        self.__spec__ = ModuleSpec(name, None, is_package=is_package)
        self.__package__ = name if is_package else name.rpartition(".")[0]
        if is_package:
            self.__path__: list[str] = []  # there is nothing else to be found
        self.__all__ = [each for each in content if not each.startswith("_")]
        vars(self).update(content)
