"""Which build of wsproto_async is measured."""

from __future__ import annotations

import os

from wsproto_async._native import NATIVE

from .setup import Unsupported

__all__ = ["check_build"]


def check_build() -> None:
    """Plain Python must not be taken for the compiled build.

    Raises:
        Unsupported: the compiled modules are wanted, and not there.
    """
    if not NATIVE and os.environ.get("WSPROTO_ASYNC_PURE", "0") in ("", "0"):
        raise Unsupported("there are no compiled modules")
