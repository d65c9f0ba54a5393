"""What ``send`` returns, for all the ways in which it can be awaited."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any

import pytest

from wsproto_async import (
    ConnectionClosed,
    OptionTypeError,
    PayloadExceededError,
    ServerOptions,
    connect,
)
from wsproto_async.api.outlet import SENT

from .support import serving


async def test_by_tasks_and_in_groups() -> None:
    async with serving() as (_, url), connect(url) as ws:
        await asyncio.create_task(ws.send("task"))
        await asyncio.wait_for(ws.send("in time"), 5)
        await asyncio.gather(ws.send("one"), ws.send("two"))
        async with asyncio.timeout(5):
            assert [await ws.recv() for _ in range(4)] == ["task", "in time", "one", "two"]


async def test_messages_leave_in_the_order_of_the_calls() -> None:
    async with serving() as (_, url), connect(url) as ws:
        sending = [ws.send("first"), ws.send("second")]
        for awaitable in reversed(sending):
            await awaitable
        assert [await ws.recv(), await ws.recv()] == ["first", "second"]


async def test_errors_are_for_whoever_awaits() -> None:
    async with serving() as (_, url), connect(url) as ws:
        await ws.close()
        errors = await asyncio.gather(ws.send("a"), ws.send(b"b"), return_exceptions=True)
        assert [isinstance(error, ConnectionClosed) for error in errors] == [True, True]


async def test_a_message_that_is_too_large() -> None:
    seen: list[Any] = []

    async def handler(ws: Any) -> None:
        sending = ws.send("x" * 101)
        with pytest.raises(PayloadExceededError, match="max_message_payload_size=100"):
            await sending
        seen.append(ws.state)

    options = ServerOptions(max_message_payload_size=100)
    async with serving(handler, options=options) as (_, url), connect(url) as ws:
        async for _ in ws:
            pass
    assert seen


def test_what_has_been_sent_is_a_coroutine_that_has_ended() -> None:
    assert isinstance(SENT, Coroutine)
    assert inspect.isawaitable(SENT)
    with pytest.raises(StopIteration):
        SENT.send(None)
    with pytest.raises(KeyError):
        SENT.throw(KeyError)
    with pytest.raises(KeyError):
        SENT.throw(KeyError, KeyError("x"))
    SENT.close()


async def test_what_is_no_message() -> None:
    async with serving() as (_, url), connect(url) as ws:
        with pytest.raises(OptionTypeError, match="int"):
            await ws.send(1)  # type: ignore[arg-type]  # as a type checker says, too
