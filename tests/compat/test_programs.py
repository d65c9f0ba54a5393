"""Programs written for Autobahn, run unmodified: see programs/."""

from __future__ import annotations

import ast
import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.examples.program import running
from wsproto_async import (
    ServerOptions,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    accept_deflate,
)

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("program", "prints"),
    [
        (
            "chat",
            ["True 2 10", "ann: hello False", "True 1000", "False 1006", "0"],
        ),
        (
            "own_call",
            [
                "(True, 1000, None) [None, b'1 A', b'2 B']",
                "(True, 1000, None) [None, b'1 C']",
                "[0, 1]",
            ],
        ),
        (
            "called_instance",
            [
                "True True (True, 3000, 'enough')",
                "[b'subscribe']",
                "[b'subscribe']",
            ],
        ),
        (
            "threads",
            ["True", "open", "b'one'", "b'two'", "('closed', 1000)"],
        ),
        (
            "inner_names",
            [
                "['permessage-deflate']",
                "10000 octets True",
                "1000",
                "('/x', {'y': ['1']}) 16",
                "(True, True) 0",
                "True True",
                "True True",
                "2",
            ],
        ),
    ],
)
@pytest.mark.parametrize("launcher", [["tests/compat/launch.py"], []], ids=["ours", "autobahn"])
async def test_a_program(program: str, prints: list[str], launcher: list[str]) -> None:
    """Here and on Autobahn itself, which logs a line where it drops a connection."""
    async with running(*launcher, f"tests/compat/programs/{program}.py") as process:
        printed = await process.end()
    assert [line for line in printed if not line.startswith("dropping connection ")] == prints


@pytest.mark.parametrize("path", sorted((HERE / "programs").glob("*.py")), ids=lambda p: p.stem)
def test_the_programs_do_not_know_us(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert "wsproto" not in ast.unparse(node)


# --- roslibpy -------------------------------------------------------------------------------------


class RosBridge(WebSocketServerProtocol):
    """As much of rosbridge as a client needs to see: one service, and topics."""

    factory: RosBridgeFactory

    def onConnect(self, request: Any) -> None:
        self.factory.headers_seen.append(request.headers.get("x-robot"))
        self.topics: set[str] = set()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        assert not isBinary
        message = json.loads(payload)
        self.factory.operations.append(message["op"])
        getattr(self, f"on_{message['op']}")(message)

    def say(self, **message: Any) -> None:
        self.sendMessage(json.dumps(message).encode())

    def on_call_service(self, message: Any) -> None:
        known = message["service"] == "/add_two_ints"
        values = {"sum": sum(message["args"].values())} if known else "no such service"
        self.say(op="service_response", id=message["id"], values=values, result=known)

    def on_advertise(self, message: Any) -> None:
        """Whoever publishes says so first; nothing depends on it here."""

    on_unadvertise = on_advertise

    def on_subscribe(self, message: Any) -> None:
        self.topics.add(message["topic"])

    def on_unsubscribe(self, message: Any) -> None:
        self.topics.discard(message["topic"])

    def on_publish(self, message: Any) -> None:
        if message["topic"] in self.topics:
            self.say(op="publish", topic=message["topic"], msg=message["msg"])

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.factory.closed.set_result((wasClean, code))


class RosBridgeFactory(WebSocketServerFactory):
    protocol = RosBridge

    def __init__(self) -> None:
        super().__init__()
        self.options = ServerOptions(per_message_compression_accept=accept_deflate)
        self.operations: list[str] = []
        self.headers_seen: list[str | None] = []
        self.closed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()


async def test_roslibpy() -> None:
    loop = asyncio.get_running_loop()
    factory = RosBridgeFactory()
    server = await loop.create_server(factory, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with running(
            "tests/compat/launch.py", "tests/compat/programs/rosbridge.py", str(port)
        ) as process:
            prints = await process.end()
        assert await asyncio.wait_for(factory.closed, 10) == (True, None)
    finally:
        server.close()
        await server.wait_closed()
    assert prints == [
        "wsproto_async.protocol.client",
        "connected True",
        "sum 7",
        "error no such service",
        "heard ['hello', 'wörld', 'xxxxx'] 100000",
        "connected False",
    ]
    assert factory.headers_seen == ["r2"]
    assert factory.operations.count("call_service") == 2
    assert factory.operations.count("publish") == 3
