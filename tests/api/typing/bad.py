"""What mypy has to find: each line that ends in ``# E: code``, and no other."""

from __future__ import annotations

from pydantic import BaseModel

from wsproto_async import WebSocket, connect, serve


class Order(BaseModel):
    item: str


async def plain(ws: WebSocket) -> None:
    message: str = await ws.recv()  # E: assignment
    async for message in ws:  # E: assignment
        print(message)
    await ws.send(5)  # E: arg-type
    await ws.send({1: 2})  # E: dict-item
    await work(ws)  # E: arg-type


async def work(ws: WebSocket[Order]) -> None:
    async for order in ws:
        print(order.itm)  # E: attr-defined
    number: int = await ws.recv()  # E: assignment
    print(number)
    async for other in ws.typed(int):
        print(other.item)  # E: attr-defined


serve(work, "127.0.0.1", 0)  # E: arg-type
serve(plain, "localhost", 9000, ping_interval=20)  # E: call-arg
serve(plain, "localhost", 9000, backlog="100")  # E: arg-type
connect("ws://localhost:9000/", max_size=2**20)  # E: call-arg
