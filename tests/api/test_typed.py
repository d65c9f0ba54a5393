"""``ws.messages(type)``: JSON of a type."""

from __future__ import annotations

import asyncio
import datetime
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError
from pydantic_core import PydanticSerializationError

from wsproto_async import (
    ConnectionClosedError,
    ConnectionClosedOK,
    OptionError,
    State,
    WebSocket,
    connect,
)
from wsproto_async.api.typed import adapter_of

from .support import serving, until


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
        (Annotated[int, ["cannot be hashed"]], "1", 1),
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


# --- what is no JSON of the type ------------------------------------------------------------------


async def test_a_function_hears_of_bad_messages_and_the_loop_goes_on() -> None:
    heard: list[tuple[str | bytes, int]] = []

    async def handler(ws: WebSocket) -> None:
        async def complain(message: str | bytes, error: ValidationError) -> None:
            heard.append((message, error.error_count()))
            await ws.send_model({"error": "no order"})

        async for order in ws.messages(Order, on_invalid=complain):
            await ws.send_model(order)

    async with serving(handler) as (_, url), connect(url) as ws:
        for message in ("no JSON", '{"item": "a"}'):
            await ws.send(message)
        assert await ws.recv() == '{"error":"no order"}'
        assert await ws.recv() == '{"item":"a","count":1}'
    assert heard == [("no JSON", 1)]


async def test_a_plain_function_may_count_them() -> None:
    heard: list[str | bytes] = []
    async with serving() as (_, url), connect(url) as ws:
        for message in ("x", "y", "1"):
            await ws.send(message)
        numbers = ws.messages(int, on_invalid=lambda message, error: heard.append(message))
        assert await anext(numbers) == 1
    assert heard == ["x", "y"]


async def test_closing_where_that_is_wanted() -> None:
    async def strict(ws: WebSocket) -> None:
        with pytest.raises(ValidationError):
            async for _ in ws.messages(Order, on_invalid="close"):
                pass
        await ws.wait_closed()

    async with serving(strict) as (_, url):
        ws = await connect(url)
        await ws.send('{"item": "secret", "count": "secret"}')
        with pytest.raises(ConnectionClosedError) as caught:
            await ws.recv()
        assert caught.value.code == 1007
        assert "count: Input should be a valid integer" in caught.value.reason
        assert "secret" not in caught.value.reason


async def test_a_bad_message_is_not_a_fault_of_the_handler(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who sends them could fill the log otherwise."""
    seen: list[WebSocket] = []

    async def strict(ws: WebSocket) -> None:
        seen.append(ws)
        async for _ in ws.messages(Order, on_invalid="close"):
            pass

    async with serving(strict) as (server, url):
        ws = await connect(url)
        await ws.send("no order")
        with pytest.raises(ConnectionClosedError) as caught:
            await ws.recv()
        assert caught.value.code == 1007
        await until(lambda: not server.connections)
    info = seen[0].close_info
    assert info is not None
    assert isinstance(info.cause, ValidationError)
    assert info.cause.__traceback__ is None
    assert [each for each in caplog.records if each.levelname in ("ERROR", "WARNING")] == []


async def test_bad_policies() -> None:
    async with serving() as (_, url), connect(url) as ws:
        with pytest.raises(OptionError, match="on_invalid must be"):
            ws.messages(Order, on_invalid="ignore")  # type: ignore[call-overload]


# --- sending --------------------------------------------------------------------------------------


@dataclass
class Point:
    x: int
    at: datetime.date


@pytest.mark.parametrize(
    ("value", "kind", "json"),
    [
        (Order(item="\u20ac"), None, '{"item":"\u20ac","count":1}'),
        (Point(1, datetime.date(2026, 1, 2)), None, '{"x":1,"at":"2026-01-02"}'),
        ([Order(item="a")], list[Order], '[{"item":"a","count":1}]'),
        ([Order(item="a")], None, '[{"item":"a","count":1}]'),
        ({"a": None}, None, '{"a":null}'),
        ("text", None, '"text"'),
        ({1, 2}, TypeAdapter(set[int]), "[1,2]"),
    ],
)
async def test_values_are_sent_as_json(value: Any, kind: Any, json: str) -> None:
    async with serving() as (_, url), connect(url) as ws:
        await ws.send_model(value, kind)
        assert await ws.recv() == json


class Odd:
    """Nothing that pydantic knows."""


async def test_what_cannot_be_json_is_not_sent() -> None:
    async with serving() as (_, url), connect(url) as ws:
        with pytest.raises(PydanticSchemaGenerationError):
            await ws.send_model(Odd())
        with pytest.raises(PydanticSerializationError):
            await ws.send_model({"a": object()})
        await ws.send_model(1)
        assert await ws.recv() == "1"


# --- a connection of a type -----------------------------------------------------------------------


async def test_a_typed_connection() -> None:
    async def handler(ws: WebSocket) -> None:
        orders = ws.typed(Order)
        assert id(orders) == id(ws)
        first = await orders.recv()
        await ws.send_model(first)
        async for order in orders:
            await ws.send_model(order)

    async with serving(handler) as (_, url), connect(url) as raw:
        ws = raw.typed(Order)
        for item in "abc":
            await ws.send_model(Order(item=item))
        got = [await ws.recv()]
        async for order in ws:
            got.append(order)
            if len(got) == 3:
                break
        assert got == [Order(item=item) for item in "abc"]
        await ws.close()
        with pytest.raises(ConnectionClosedOK):
            await ws.recv()
        assert [order async for order in ws] == []


async def test_pieces_of_a_typed_connection_are_as_they_come() -> None:
    async with serving() as (_, url), connect(url) as raw:
        ws = raw.typed(int)
        await ws.send("12")
        assert "".join([str(piece) async for piece in ws.recv_streaming()]) == "12"
