"""Where native code is chosen, and nowhere else.

The modules in ``COMPILED`` are ordinary Python files that also run compiled (``X.py``, mostly with
an augmenting ``X.pxd``); the import system prefers the compiled form where it lies beside the file.
This module steps in for two reasons: ``WSPROTO_ASYNC_PURE=1`` asks for plain Python, and where
one compiled module is missing all must be plain, since they call each other natively.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

__all__ = ["COMPILED", "NATIVE"]

PACKAGE = __name__.partition(".")[0]
ROOT = Path(__file__).parent.parent

COMPILED = (
    "_native.kernels",
    "core.header",
    "core.message",
    "core.reader",
    "core.writer",
    "core.sender",
    "core.receiver",
    "core.connection",
    "protocol.stream",
    "protocol.doors",
    "api.outlet",
    # These have no types and mean what they mean in Python: they read and judge handshakes.
    "core.http1",
    "core.handshake.fields",
    "core.handshake.key",
    "core.handshake.origin",
    "core.handshake.answers",
    "core.handshake.client",
    "core.handshake.server",
)


def _path(module: str, suffix: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(suffix)


def _is_built(module: str) -> bool:  # pragma: no cover - not asked where plain Python is demanded
    return any(_path(module, suffix).exists() for suffix in EXTENSION_SUFFIXES)


class _PlainPython(MetaPathFinder):
    """Finds the ``.py`` of a module that also exists compiled."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        module = fullname.removeprefix(PACKAGE + ".")
        if module in COMPILED:
            return spec_from_file_location(fullname, _path(module, ".py"))
        return None


NATIVE = os.environ.get("WSPROTO_ASYNC_PURE", "0") in ("", "0") and all(map(_is_built, COMPILED))
"""Whether the compiled modules are in use."""

if not NATIVE:  # pragma: no branch - coverage is measured in plain Python
    sys.meta_path.insert(0, _PlainPython())
