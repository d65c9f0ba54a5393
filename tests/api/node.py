"""Node's ``ws``, from npm at the first use, into $WSPROTO_ASYNC_CACHE or ~/.cache/wsproto-async."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

__all__ = ["SCRIPT", "node"]

VERSION = "8.23.0"
SCRIPT = Path(__file__).with_name("node_peer.cjs")


@functools.cache
def _missing() -> str:
    """Why there is no ``ws``; "" where there is."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "no Node with npm is installed"
    if _home().exists():
        return ""
    _home().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_home().parent) as directory:
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"ws@{VERSION}"]
        done = subprocess.run(install, cwd=directory, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"npm could not install ws: {done.stderr[-500:]}"
        # Another run may have been quicker.
        if not _home().exists():
            shutil.move(directory, _home())
            Path(directory).mkdir()
    return ""


def _home() -> Path:
    cache = os.environ.get("WSPROTO_ASYNC_CACHE") or Path.home() / ".cache/wsproto-async"
    return Path(cache) / f"ws-{VERSION}"


def node() -> dict[str, str]:
    """The environment in which Node finds ``ws``; skips the test where it cannot be had."""
    if reason := _missing():
        pytest.skip(reason)
    return {**os.environ, "NODE_PATH": str(_home() / "node_modules")}
