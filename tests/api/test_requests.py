"""Health checks, and several answers to requests in turn."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wsproto_async import (
    ConnectionRequest,
    HandshakeError,
    HTTPResponse,
    OptionError,
    WebSocket,
    connect,
    health_check,
)

from .support import echo, serving
from .test_serve import get, later, plain


async def status_of(url: str, path: str) -> tuple[int, bytes]:
    head, body = await get(url, path)
    return int(head.split()[1]), body


async def test_health() -> None:
    async with serving(process_request=health_check()) as (_, url):
        head, body = await get(url, "/healthz?x=1")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"Cache-Control: no-store" in head
        assert body == b"ok\n"
        assert (await status_of(url, "/other"))[0] == 426
        async with connect(url) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"


@pytest.mark.parametrize("is_coroutine", [False, True])
@pytest.mark.parametrize(("well", "status"), [(True, 200), (1, 200), (False, 503), (None, 503)])
async def test_a_function_knows_more(is_coroutine: bool, well: Any, status: int) -> None:
    def check() -> Any:
        return well

    async def check_later() -> Any:
        await asyncio.sleep(0)
        return well

    process = health_check("/ready", check_later if is_coroutine else check)
    async with serving(process_request=process) as (_, url):
        assert await status_of(url, "/ready") == (status, b"ok\n" if well else b"ill\n")
        assert (await status_of(url, "/healthz"))[0] == 426


@pytest.mark.parametrize("is_coroutine", [False, True])
async def test_a_check_that_raises(is_coroutine: bool, caplog: pytest.LogCaptureFixture) -> None:
    def check() -> Any:
        raise ZeroDivisionError

    async def check_later() -> Any:
        raise ZeroDivisionError

    process = health_check(check=check_later if is_coroutine else check)
    async with serving(process_request=process) as (_, url):
        assert await status_of(url, "/healthz") == (503, b"ill\n")
    assert "ZeroDivisionError" in caplog.text
    assert "/healthz" in caplog.text


@pytest.mark.parametrize("kinds", [(plain, plain), (later, plain), (plain, later), (later, later)])
async def test_the_first_answer_counts(kinds: Any) -> None:
    def first(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
        asked.append("first")
        return HTTPResponse(200) if request.path == "/first" else None

    def second(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
        asked.append("second")
        return HTTPResponse(403) if request.path == "/second" else None

    asked: list[str] = []
    processes = [kind(function) for kind, function in zip(kinds, (first, second), strict=True)]
    async with serving(echo, process_request=[*processes, health_check()]) as (_, url):
        assert (await status_of(url, "/first"))[0] == 200
        assert asked == ["first"]
        with pytest.raises(HandshakeError, match="403"):
            await connect(url + "second")
        assert asked == ["first", "first", "second"]
        assert (await status_of(url, "/healthz"))[0] == 200
        async with connect(url):
            pass


def test_bad_arguments() -> None:
    with pytest.raises(OptionError, match="slash"):
        health_check("healthz")
    with pytest.raises(OptionError, match="check"):
        health_check(check=True)  # type: ignore[arg-type]


async def test_bad_lists() -> None:
    with pytest.raises(OptionError, match=r"process_request\[1\]"):
        async with serving(process_request=[health_check(), None]):
            pass
