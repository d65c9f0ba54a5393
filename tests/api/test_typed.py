"""``ws.messages(type)``: JSON of a type."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from wsproto_async import ConnectionClosedOK, State, WebSocket, connect
from wsproto_async.api.typed import adapter_of

from .support import serving


class Order(BaseModel):
    item: str
    count: int = 1


class Cancel(BaseModel):
    kind: Literal["cancel"]


async def test_models() -> None:
    async with serving() as (_, url), connect(url) as ws:
        await ws.send('{"item": "a"}')
        await ws.send(b'{"item": "b", "count": 2}')
        got = []
        async for order in ws.messages(Order):
            got.append(order)
            if len(got) == 2:
                break
        assert got == [Order(item="a"), Order(item="b", count=2)]


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        (int, "5", 5),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (list[Order], '[{"item": "a"}]', [Order(item="a")]),
        (Order | Cancel, '{"kind": "cancel"}', Cancel(kind="cancel")),
        (TypeAdapter(list[int]), "[1]", [1]),
    ],
)
async def test_other_types(kind: Any, message: str, expected: object) -> None:
    async with serving() as (_, url), connect(url) as ws:
        await ws.send(message)
        assert await anext(ws.messages(kind)) == expected


@pytest.mark.parametrize("bad", ["", "no JSON", '{"count": 1}', '{"item": 5}', b"\xff"])
async def test_a_bad_message_is_an_error_and_no_more(bad: str | bytes) -> None:
    async with serving() as (_, url), connect(url) as ws:
        await ws.send(bad)
        await ws.send('{"item": "good"}')
        orders = ws.messages(Order)
        with pytest.raises(ValidationError):
            await anext(orders)
        assert ws.state == State.OPEN
        assert await anext(orders) == Order(item="good")


async def test_it_ends_like_any_iteration() -> None:
    async def two(ws: WebSocket) -> None:
        await ws.send("1")
        await ws.send("2")

    async with serving(two) as (_, url), connect(url) as ws:
        assert [number async for number in ws.messages(int)] == [1, 2]
        with pytest.raises(ConnectionClosedOK):
            await ws.recv()


async def test_it_is_safe_to_cancel() -> None:
    async with serving() as (_, url), connect(url) as ws:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(ws.messages(int)), 0.01)
        await ws.send("1")
        assert await anext(ws.messages(int)) == 1


def test_adapters_are_made_once() -> None:
    assert adapter_of(Order) is adapter_of(Order)
