"""``async for ws in connect(url)``, and the pauses between the attempts."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from wsproto_async import (
    Backoff,
    ConnectError,
    ConnectionClosedError,
    ConnectionClosedOK,
    ConnectionRequest,
    HandshakeError,
    HTTPResponse,
    OptionError,
    WebSocket,
    connect,
)
from wsproto_async.api.retry import is_temporary, retry_after
from wsproto_async.types import CloseInfo

from .support import echo, serving
from .test_connect import free_port


class Pauses:
    """A backoff without pauses that remembers what it was asked for."""

    def __init__(self, *pauses: float) -> None:
        self.pauses = pauses or None
        self.outages = 0
        self.asked = 0

    def __call__(self) -> Iterator[float]:
        self.outages += 1
        for pause in self.pauses or itertools.repeat(0.0):
            self.asked += 1
            yield pause


async def test_it_connects_again_and_again() -> None:
    async with serving() as (server, url):
        seen = []
        async for ws in connect(url, backoff=Pauses()):
            seen.append(ws)
            await ws.send("x")
            assert await ws.recv() == "x"
            assert len(server.connections) == 1
            if len(seen) == 3:
                await ws.close()
                break
        assert len(set(seen)) == 3
        assert [ws.close_code for ws in seen] == [1000, 1000, 1000]


async def test_leaving_the_loop_closes_the_connection() -> None:
    async with serving() as (_, url):
        async for ws in connect(url):  # noqa: B007
            break
        await asyncio.wait_for(ws.wait_closed(), 2)
        assert ws.close_code == 1000


async def test_it_survives_what_the_server_does() -> None:
    async def rude(ws: WebSocket) -> None:
        number = next(numbers)
        match number:
            case 0:
                ws.abort()
            case 1:
                raise ValueError
            case 2:
                return
            case _:
                await echo(ws)

    numbers = itertools.count()
    ends: list[object] = []
    async with serving(rude) as (_, url):
        async for ws in connect(url, backoff=Pauses()):
            try:
                await ws.send("x")
                ends.append(await ws.recv())
                await ws.close()
                break
            except ConnectionClosedError as error:
                ends.append(error.code)
            except ConnectionClosedOK as error:
                ends.append(error.code)
    assert ends == [1006, 1011, 1000, "x"]


async def test_temporary_refusals_are_asked_again() -> None:
    def busy(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
        status = next(answers)
        return None if status == 101 else HTTPResponse(status)

    answers = iter([503, 429, 500, 502, 504, 408, 101])
    pauses = Pauses()
    async with serving(process_request=busy) as (_, url):
        async for ws in connect(url, backoff=pauses):
            await ws.close()
            break
    assert (pauses.outages, pauses.asked) == (1, 6)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 302, 200])
async def test_other_refusals_are_raised(status: int) -> None:
    def refuse(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse:
        return HTTPResponse(status)

    async with serving(process_request=refuse) as (_, url):
        with pytest.raises(HandshakeError) as caught:
            await anext(aiter(connect(url, backoff=Pauses())))
        assert caught.value.status == status


async def test_the_predicate_decides() -> None:
    def patient(error: Exception) -> bool:
        errors.append(error)
        return len(errors) < 4

    errors: list[Exception] = []
    with pytest.raises(ConnectError, match="refused"):
        await anext(
            aiter(connect(f"ws://127.0.0.1:{free_port()}/", backoff=Pauses(), retry=patient))
        )
    assert [type(error) for error in errors] == [ConnectError] * 4


async def test_the_predicate_hears_of_closes_too() -> None:
    async def go_away(ws: WebSocket) -> None:
        await ws.close(4401, "log in")

    def not_for_ever(error: Exception) -> bool:
        return not (isinstance(error, ConnectionClosedError) and error.code == 4401)

    async with serving(go_away) as (_, url):
        connections = aiter(connect(url, backoff=Pauses(), retry=not_for_ever))
        ws = await anext(connections)
        await ws.wait_closed()
        with pytest.raises(ConnectionClosedError, match="log in"):
            await anext(connections)


async def test_it_gives_up_when_the_pauses_run_out() -> None:
    pauses = Pauses(0, 0, 0)
    with pytest.raises(ConnectError, match="refused"):
        await anext(aiter(connect(f"ws://127.0.0.1:{free_port()}/", backoff=pauses)))
    assert (pauses.outages, pauses.asked) == (1, 3)


async def test_a_connection_that_lived_begins_a_new_outage() -> None:
    pauses = Pauses(0, 0.02, 0.02, 0.02)
    async with serving() as (_, url):
        number = 0
        async for ws in connect(url, backoff=pauses):
            number += 1
            if number == 3:  # the two before had no time to live
                assert pauses.outages == 2
                await asyncio.sleep(0.03)
            if number == 4:
                assert pauses.outages == 3
                await ws.close()
                break


async def test_retry_after_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    def busy(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
        value = next(values)
        return None if value is None else HTTPResponse(503, {"Retry-After": value})

    slept: list[float] = []
    values = iter(["7", "0", "soon", "999999999", None])
    async with serving(process_request=busy) as (_, url):
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "sleep", sleep)
            ws = await anext(aiter(connect(url, backoff=Pauses(0.25, 0.25, 0.25, 0.25))))
        await ws.close()
    assert slept == [7, 0.25, 0.25, 3600]


async def test_waiting_can_be_cancelled() -> None:
    coming = asyncio.ensure_future(
        anext(aiter(connect(f"ws://127.0.0.1:{free_port()}/", backoff=Pauses(60))))
    )
    await asyncio.sleep(0.01)
    coming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await coming


# --- without a network --------------------------------------------------------------------------


def test_pauses_grow_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsproto_async.api.retry.uniform", lambda low, high: (low, high))
    bounds: list[object] = list(itertools.islice(Backoff(1, 3, 20)(), 6))
    assert bounds == [(0, 1), (0, 3), (0, 9), (0, 20), (0, 20), (0, 20)]


def test_pauses_are_random() -> None:
    pauses = list(itertools.islice(Backoff(1, 1, 1)(), 100))
    assert all(0 <= pause <= 1 for pause in pauses)
    assert len(set(pauses)) > 50


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"first": 0}, "first"),
        ({"first": 2, "longest": 1}, "first"),
        ({"first": float("nan")}, "first"),
        ({"factor": 0.5}, "factor"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"max_seconds": -1}, "max_seconds"),
    ],
)
def test_bad_backoffs(arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(OptionError, match=error):
        Backoff(**arguments)


@pytest.mark.parametrize("most", [1, 2, 5])
async def test_it_gives_up_after_so_many_attempts(most: int) -> None:
    def refuse(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse:
        asked.append(request)
        return HTTPResponse(503)

    asked: list[ConnectionRequest] = []
    backoff = Backoff(first=0.001, max_attempts=most)
    async with serving(process_request=refuse) as (_, url):
        for _ in range(2):  # each outage counts anew
            with pytest.raises(HandshakeError, match="503"):
                await anext(aiter(connect(url, backoff=backoff)))
    assert len(asked) == 2 * most


def test_it_gives_up_after_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr("wsproto_async.api.retry.uniform", lambda low, high: high)
    pauses = Backoff(first=4, max_seconds=10)()
    assert next(pauses) == 4
    now += 5  # the pause, and an attempt
    assert next(pauses) == 5  # not longer than there is time
    now += 5
    assert list(pauses) == []


def closed(code: int) -> ConnectionClosedError:
    return ConnectionClosedError(CloseInfo(code, "", True, "peer", code))


def certificate_error() -> ConnectError:
    error = ConnectError("no")
    error.__cause__ = ssl.SSLCertVerificationError("no")
    return error


@pytest.mark.parametrize(
    ("error", "temporary"),
    [
        (ConnectError("no"), True),
        (certificate_error(), False),
        (HandshakeError("no", 503), True),
        (HandshakeError("no", 403), False),
        (HandshakeError("no", 0), False),
        (closed(1011), True),
        (OptionError("no"), False),
        (ValueError("no"), False),
    ],
)
def test_what_is_temporary(error: Exception, temporary: bool) -> None:
    assert is_temporary(error) is temporary


def test_a_date_to_retry_after() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 90 < retry_after(HandshakeError("no", 503, [("Retry-After", date)])) <= 100
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=100), usegmt=True)
    assert retry_after(HandshakeError("no", 503, [("Retry-After", past)])) == 0
    assert retry_after(HandshakeError("no", 503)) == 0
    assert retry_after(ConnectError("no")) == 0


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "Mon, 01 Jan 99999 00:00:00 GMT",
        "Mon, 01 Jan 2024 99999999999999999999:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:00 +99999999999999",
    ],
)
def test_what_is_no_time_to_retry_after(value: str) -> None:
    assert retry_after(HandshakeError("no", 503, [("Retry-After", value)])) == 0
