"""What mypy has to know, and to let pass."""

from __future__ import annotations

from typing import Any, assert_type

from pydantic import BaseModel, TypeAdapter, ValidationError

from wsproto_async import Hub, WebSocket, broadcast, connect, serve


class Order(BaseModel):
    item: str


class Cancel(BaseModel):
    number: int


async def plain(ws: WebSocket) -> None:
    assert_type(await ws.recv(), str | bytes)
    async for message in ws:
        assert_type(message, str | bytes)
    async for piece in ws.recv_streaming(max_size=0):
        assert_type(piece, str | bytes)
    same: WebSocket[str | bytes] = ws
    await same.send("text")
    await same.send([b"a", b"b"])


async def by_messages(ws: WebSocket) -> None:
    async for order in ws.messages(Order):
        assert_type(order, Order)
    async for numbers in ws.messages(list[int], on_invalid="close"):
        assert_type(numbers, list[int])
    either: TypeAdapter[Order | Cancel] = TypeAdapter(Order | Cancel)
    assert_type(await ws.messages(either).recv(), Order | Cancel)
    async for anything in ws.messages(Order | Cancel):
        assert_type(anything, Any)


async def complain(message: str | bytes, error: ValidationError) -> None:
    print(len(message), error.error_count())


async def handler(ws: WebSocket) -> None:
    await work(ws.typed(Order, on_invalid=complain))


async def work(ws: WebSocket[Order]) -> None:
    assert_type(await ws.recv(), Order)
    async for order in ws:
        assert_type(order, Order)
        await ws.send_model(order)
        await ws.send_model([order], list[Order])


async def client() -> None:
    async with serve(handler, "127.0.0.1", 0), connect("ws://127.0.0.1/") as ws:
        assert_type(ws, WebSocket[str | bytes])
        orders = ws.typed(Order)
        assert_type(orders, WebSocket[Order])
        broadcast([orders], "text")
        Hub().join("topic", orders)
        await orders.close()
