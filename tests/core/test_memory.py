"""Memory that runs out, at each allocation in turn: an error, and never a crash."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from wsproto_async._native import NATIVE
from wsproto_async.constants import CloseCode

from ..contract.support import BINARY, PING, TEXT
from ..helpers import Recorder
from .streams import deliver

testcapi = pytest.importorskip("_testcapi", reason="this Python lacks its own test helpers")

MOST = 2000 if NATIVE else 200
"""Allocations to fail, one in each run; plain Python has more of them, and nothing of interest."""


def arriving() -> list[bytes]:
    """What arrives, made while there still is memory: the test is about ours."""
    side = Recorder()
    large = side.frame(BINARY, bytes(3000))
    return [
        side.frame(TEXT, "\u20ac".encode() * 30),
        *(large[:100], large[100:]),
        side.frame(BINARY, b"abc", fin=False) + side.frame(PING, b"p") + side.frame(0, b"def"),
        side.frame(TEXT, b"x" * 600)[:300],
    ]


def work(side: Recorder, arrives: list[bytes]) -> None:
    """A bit of everything that sets memory aside."""
    for octets in arrives:
        deliver(side, octets, 30)
    side.connection.send_message(b"z" * 5000, True)
    side.connection.send_message("z", False)
    side.connection.writer.flush()


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """Other tests' leftovers must not be finalized while memory is short."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_each_allocation_may_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsproto_async.core.reader.LANDING", 30)
    arrives = arriving()
    expected = Recorder()
    work(expected, arrives)
    payloads = expected.messages()
    assert len(payloads) == 3
    failures = 0
    for number in range(MOST):
        side = Recorder()
        error: BaseException | None = None
        testcapi.set_nomemory(number, number + 1)
        try:
            work(side, arrives)
        except BaseException as caught:
            error = caught
        finally:
            testcapi.remove_mem_hooks()
        if error is not None:
            assert isinstance(error, MemoryError)
            failures += 1
            # This is what a protocol does then.
            side.connection.fail(CloseCode.INTERNAL_ERROR, "internal error", False)
        side.connection.resume()
        side.receive(side.frame(BINARY, bytes(5000)))
        side.connection.writer.flush()
        arrived = side.messages()
        assert arrived[: len(payloads)] == payloads[: len(arrived)]
        del side, error
    assert failures > 20
