"""``run``: on uvloop if that is there."""

from __future__ import annotations

import asyncio
import sys

import pytest

from wsproto_async import run


async def module_of_the_loop() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_on_uvloop() -> None:
    assert run(module_of_the_loop()) == "uvloop"


def test_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run(module_of_the_loop()).startswith("asyncio.")


def test_debug_mode() -> None:
    async def debug() -> bool:
        return asyncio.get_running_loop().get_debug()

    assert run(debug(), debug=True)
    assert not run(debug(), debug=False)


def test_exceptions_pass() -> None:
    async def fail() -> None:
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        run(fail())
