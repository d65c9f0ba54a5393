"""Options: frozen, validated and typed, one model for servers and one for clients.

``ServerOptions()`` and ``ClientOptions()`` are safe defaults; ``ServerOptions.contract()`` and
``ClientOptions.contract()`` are Autobahn's. To find an option: :mod:`.common` has those of both
roles, :mod:`.server` and :mod:`.client` those of one, :mod:`.own` those that Autobahn has not.
"""

from __future__ import annotations

from .client import ClientOptions
from .common import CommonOptions
from .legacy import ClientOptionsKwargs, ServerOptionsKwargs
from .server import ServerOptions

__all__ = [
    "ClientOptions",
    "ClientOptionsKwargs",
    "CommonOptions",
    "ServerOptions",
    "ServerOptionsKwargs",
]
