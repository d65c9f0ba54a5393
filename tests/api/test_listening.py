"""Clients that come when the process has no descriptor left."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers import LOOPS
from wsproto_async import WebSocket, connect, serve
from wsproto_async.api.listening import Reserve

HERE = ("127.0.0.1", 0)


async def echo(ws: WebSocket) -> None:
    async for message in ws:
        await ws.send(message)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Accepting fails with the first of these as long as there is one."""
    errors: list[int] = []
    accept = socket.socket.accept

    def accept_or_not(self: socket.socket) -> Any:
        if errors:
            number = errors.pop(0)
            raise OSError(number, os.strerror(number))
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", accept_or_not)
    return errors


def on_asyncio(test: Callable[[], Any]) -> None:
    with asyncio.Runner(loop_factory=LOOPS["asyncio"]) as runner:
        runner.run(test())


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_a_client_is_turned_away(
    full: list[int], number: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with serve(echo, *HERE) as server:
            place = server.sockets[0].getsockname()
            full.append(number)
            for _ in range(2):
                reader, writer = await asyncio.open_connection(*place)
                assert await reader.read() == b""
                writer.close()
                full.append(number)
            full.clear()
            async with connect(f"ws://127.0.0.1:{place[1]}/") as ws:
                await ws.send("still there")
                assert await ws.recv() == "still there"

    on_asyncio(test)
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "clients are turned away: the process has no file descriptors left"
    ]


def test_other_errors_are_the_loops_business(full: list[int]) -> None:
    async def test() -> None:
        told = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: told.append(context["message"]))
        async with serve(echo, *HERE) as server:
            full.append(errno.EIO)
            async with connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"):
                assert len(told) == 1

    on_asyncio(test)


def test_it_is_said_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now, said = [1000.0], list[str]()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    async def test() -> None:
        server = await asyncio.start_server(lambda *_: None, *HERE)
        reserve = Reserve(server, said.append)
        for seconds in (0, 59, 1, 1):
            now[0] += seconds
            ours, theirs = socket.socketpair()
            reserve.turn_away(lambda theirs=theirs: (theirs, None))  # type: ignore[misc]
            assert ours.recv(1) == b""
            ours.close()
        reserve.release()
        server.close()

    on_asyncio(test)
    assert len(said) == 2


def test_a_server_can_begin_without_it(full: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def open_nothing(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    async def test() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", open_nothing)
            server = await serve(echo, *HERE)
        async with server:
            full.append(errno.EMFILE)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            assert await reader.read() == b""
            writer.close()

    on_asyncio(test)


def test_what_cannot_be_had_back_is_had_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may have taken the descriptor in the meantime."""

    async def test() -> None:
        server = await asyncio.start_server(lambda *_: None, *HERE)
        reserve = Reserve(server, lambda text: None)

        def accept() -> Any:
            raise BlockingIOError

        def open_nothing(*_: object) -> int:
            raise OSError(errno.EMFILE, "Too many open files")

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", open_nothing)
            for _ in range(2):
                with pytest.raises(OSError, match="Too many open files"):
                    reserve.turn_away(accept)
                assert reserve.descriptor is None
        with pytest.raises(BlockingIOError):
            reserve.turn_away(accept)
        assert reserve.descriptor is not None
        reserve.release()
        server.close()

    on_asyncio(test)


def test_a_server_gives_it_back() -> None:
    async def test() -> None:
        before = len(os.listdir("/proc/self/fd"))
        async with serve(echo, *HERE):
            pass
        await asyncio.sleep(0)
        assert len(os.listdir("/proc/self/fd")) == before

    on_asyncio(test)


def test_a_newer_python_ends_what_is_in_its_tls_handshake() -> None:
    """Before 3.13 these end by their deadline; here it is only asked whether they are told."""

    class Listener:
        ended = False
        sockets = ()

        def close(self) -> None:
            pass

        def abort_clients(self) -> None:
            self.ended = True

        async def wait_closed(self) -> None:
            assert self.ended

    async def test() -> None:
        async with serve(echo, *HERE) as server:
            with contextlib.closing(server._listener):  # type: ignore[type-var]
                server._listener = listener = Listener()  # type: ignore[assignment]
                await server.close()
        assert listener.ended

    on_asyncio(test)
