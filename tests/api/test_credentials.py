"""Credentials as a client shows them."""

from __future__ import annotations

import asyncio
import itertools
import traceback
from typing import Any

import pytest

from wsproto_async import (
    ConnectionRequest,
    HTTPResponse,
    InvalidURL,
    OptionError,
    WebSocket,
    connect,
)
from wsproto_async.api.credentials import authorization, without_bearer

from .support import serving


class Seen:
    def __init__(self) -> None:
        self.values: list[str | None] = []

    def __call__(self, ws: WebSocket, request: ConnectionRequest) -> None:
        self.values.append(request.headers.get("authorization"))


async def test_they_are_shown() -> None:
    seen = Seen()
    async with serving(process_request=seen) as (_, url):
        for auth in (("ann", "pass:word"), ("Jörg", ""), "abc.def-_~+/==", None):
            async with connect(url, auth=auth):
                pass
        async with connect(url.replace("//", "//ann:p%40ss@")):
            pass
    assert seen.values == [
        "Basic YW5uOnBhc3M6d29yZA==",
        "Basic SsO2cmc6",
        "Bearer abc.def-_~+/==",
        None,
        "Basic YW5uOnBAc3M=",
    ]


async def test_a_function_is_asked_for_each_attempt() -> None:
    async def fresh() -> str:
        await asyncio.sleep(0)
        return f"token{next(numbers)}"

    async def url_of_today() -> str:
        urls.append(url)
        return url

    numbers = itertools.count()
    urls: list[str] = []
    seen = Seen()
    async with serving(process_request=seen) as (_, url):
        connections = connect(url_of_today, auth=fresh, backoff=lambda: iter([0, 0]))
        async for ws in connections:
            await ws.close()
            if len(urls) == 3:
                break
        async with connect(lambda: url, auth=lambda: None):
            pass
    assert seen.values == ["Bearer token0", "Bearer token1", "Bearer token2", None]


@pytest.mark.parametrize("argument", ["url", "headers", "auth"])
async def test_a_function_that_ran_out_of_time_is_told_as_that(argument: str) -> None:
    async def ask() -> Any:
        raise TimeoutError("the server for tokens does not answer")

    arguments: dict[str, Any] = {"url": "ws://127.0.0.1:1/", argument: ask}
    with pytest.raises(TimeoutError, match="server for tokens") as caught:
        await connect(**arguments)
    assert type(caught.value) is TimeoutError


async def test_what_functions_return_is_checked() -> None:
    with pytest.raises(InvalidURL):
        await connect(lambda: "http://example.org")
    with pytest.raises(OptionError, match="no colon"):
        await connect("ws://example.org", auth=lambda: ("a:b", "c"))
    with pytest.raises(OptionError, match="auth and a user"):
        await connect("ws://example.org", headers={"authorization": "x"}, auth=lambda: "token")


SECRET = "geheim"


@pytest.mark.parametrize(
    "arguments",
    [
        {"auth": ("ann", SECRET), "headers": {"Authorization": SECRET}},
        {"auth": ("ann", SECRET), "url": f"ws://ann:{SECRET}@example.org/"},
        {"auth": (f"an:{SECRET}", SECRET)},
        {"auth": ("ann", SECRET + "\n")},
        {"auth": f"{SECRET} {SECRET}"},
        {"auth": ""},
        {"auth": (SECRET,)},
        {"auth": ("ann", SECRET.encode())},
        {"auth": ["ann", SECRET]},
        {"auth": SECRET.encode()},
        {"url": f"ws://ann:{SECRET}@example.org/", "headers": {"AUTHORIZATION": SECRET}},
        {"url": f"ws://ann:{SECRET}@example.org/", "server_hostname": "x"},
        {"url": f"ftp://ann:{SECRET}@example.org/"},
    ],
)
def test_bad_ones_are_refused_and_not_shown(arguments: dict[str, Any]) -> None:
    with pytest.raises((OptionError, InvalidURL)) as caught:
        connect(**{"url": "ws://example.org/", **arguments})
    assert SECRET not in str(caught.value)


async def test_they_are_in_no_log_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    def refuse(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse:
        return HTTPResponse(401 if request.path == "/b" else 302, {"Location": "/b"})

    async with serving(process_request=refuse) as (_, url):
        sources: list[dict[str, Any]] = [
            {"auth": ("ann", SECRET)},
            {"auth": SECRET},
            {"url": url.replace("//", f"//ann:{SECRET}@")},
        ]
        for arguments in sources:
            with pytest.raises(Exception, match="401") as caught:
                await connect(**{"url": url, **arguments})
            assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert "redirected with 302" in caplog.text
    assert SECRET not in caplog.text


def test_without_bearer() -> None:
    assert without_bearer(["a", "bearer", "secret", "b"]) == ["a", "b"]
    assert without_bearer(["bearer"]) == []
    assert without_bearer(("a",)) == ["a"]


def test_no_credentials() -> None:
    assert authorization(None) is None
    assert authorization(None, "ws://example.org/@") is None
