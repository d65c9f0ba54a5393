"""The server: a page over HTTP, and echo and chat over WebSocket, all on one port."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from wsproto_async import ConnectionRequest, HTTPResponse, WebSocket, broadcast

PAGE = Path(__file__).with_name("page.html").read_bytes()

pages: set[WebSocket] = set()
"""The open pages: they ask for the subprotocol "chat"; a client that does not only gets echoes."""


class Chat(BaseModel):
    """What a person says. Everything else that arrives is echoed."""

    type: Literal["chat"]
    name: Annotated[str, Field(max_length=40)]
    text: Annotated[str, Field(max_length=2000)]


async def handler(ws: WebSocket) -> None:
    """Serve one connection: tell everybody what is chat, and the sender everything else."""
    if ws.subprotocol == "chat":
        pages.add(ws)
    try:
        async for message in ws:
            if is_chat(message):
                broadcast(pages | {ws}, message)  # never waits: who does not keep up is closed
            else:
                await ws.send(message)  # waits while this peer is slow, and nobody else does
    finally:
        pages.discard(ws)


def is_chat(message: str | bytes) -> bool:
    try:
        Chat.model_validate_json(message)
    except ValidationError:
        return False
    return True


def answer(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
    """Answer plain HTTP; ``None`` lets the opening handshake go on.

    Only our own page may connect: a browser says in ``Origin`` which page is asking, and any page
    on the web can ask for a port of this machine. Other programs send no ``Origin``.
    """
    if "upgrade" in request.headers:
        origin, host = request.headers.get("origin"), request.headers.get("host")
        if origin is None or origin in (f"http://{host}", f"https://{host}"):
            return None
        return HTTPResponse(403, {"Content-Type": "text/plain"}, b"Not from this page.\n")
    if request.path == "/":
        return HTTPResponse(200, {"Content-Type": "text/html; charset=utf-8"}, PAGE)
    return HTTPResponse(404, {"Content-Type": "text/plain"}, b"There is only one page, at /.\n")
