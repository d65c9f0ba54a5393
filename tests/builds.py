"""The package twice in one process: as it was imported, and as plain Python under another name."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import wsproto_async

__all__ = ["THIS", "Build", "plain"]

ROOT = Path(wsproto_async.__file__).parent
PLAIN = "wsproto_async_as_plain_python"


@dataclass(frozen=True)
class Build:
    """One of them, by the name of its package."""

    name: str

    def module(self, name: str) -> Any:
        """A module of it, as ``"core.reader"``."""
        return importlib.import_module(f"{self.name}.{name}")


THIS = Build("wsproto_async")
"""The one that everybody imports: compiled, unless plain Python was asked for."""


@lru_cache
def plain() -> Build:
    """The other one. Its classes are not those of :data:`THIS`; its exceptions neither."""
    spec = importlib.util.spec_from_file_location(
        PLAIN, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = sys.modules[PLAIN] = importlib.util.module_from_spec(spec)
    before = os.environ.get("WSPROTO_ASYNC_PURE")
    os.environ["WSPROTO_ASYNC_PURE"] = "1"
    try:
        spec.loader.exec_module(package)
    finally:
        if before is None:
            del os.environ["WSPROTO_ASYNC_PURE"]
        else:
            os.environ["WSPROTO_ASYNC_PURE"] = before
    build = Build(PLAIN)
    assert build.module("_native").NATIVE is False
    return build
