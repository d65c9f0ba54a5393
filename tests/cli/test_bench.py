"""``wsproto-async bench``, and the histogram that it draws."""

from __future__ import annotations

import asyncio
import re
import signal
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.conftest import pytest_asyncio_loop_factories
from tests.api.support import drain, serving, until
from tests.examples.program import ROOT
from wsproto_async import ConnectionClosedError, PayloadExceededError, WebSocket
from wsproto_async.cli import bench, main
from wsproto_async.cli.arguments import connect_arguments
from wsproto_async.cli.bench import Bench, BenchError
from wsproto_async.cli.histogram import Histogram, duration

from .support import Terminal, started, tool

__all__ = ["pytest_asyncio_loop_factories"]


def arguments(*given: str) -> Namespace:
    parser = ArgumentParser()
    bench.add_to(parser.add_subparsers())
    return parser.parse_args(["bench", *given])


async def measure(*given: str) -> Bench:
    args = arguments(*given)
    bench = Bench(args)
    assert await bench.run(connect_arguments(args)) == 0
    return bench


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("kind", ["--text", "--quiet"])
def test_it_counts_echoes(loop: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def check() -> None:
        async with serving() as (server, url):
            result = await measure(url, "-c", "3", "-n", "50", "-s", "1000", "-d", "4", kind)
            assert result.latency.count == 150
            assert 0 < result.latency.percentile(50) <= result.latency.slowest < 5
            assert server.connections == set()

    with asyncio.Runner(loop_factory=pytest_asyncio_loop_factories(None, None)[loop]) as runner:  # type: ignore[arg-type]
        runner.run(check())
    out = capsys.readouterr().out
    name = "text" if kind == "--text" else "binary"
    assert out.startswith(f"150 echoes of 1,000 octets ({name}) in ")
    assert "\n3 connections, 4 under way on each\n" in out
    assert re.search(r"^   99 % +[\d.]+ (ms|µs|s)$", out, re.MULTILINE)
    assert "█" * 40 in out


async def test_a_time_ends_it() -> None:
    async with serving() as (_, url):
        result = await measure(url, "-c", "2", "-t", "0.05")
    assert result.latency.count > 2
    assert 0.05 <= result.seconds < 5


async def test_more_under_way_than_all_buffers_hold() -> None:
    async with serving() as (_, url), asyncio.timeout(10):
        result = await measure(url, "-c", "1", "-n", "200", "-d", "200", "-s", "200000")
    assert result.latency.count == 200


async def test_a_message_that_cannot_be_sent() -> None:
    async with serving() as (_, url):
        with pytest.raises(PayloadExceededError, match="max_message_payload_size"):
            await measure(url, "-c", "2", "-s", "2000000")


async def test_a_server_that_speaks_first() -> None:
    async def greet(ws: WebSocket) -> None:
        await ws.send("")
        await ws.wait_closed()

    async with serving(greet) as (_, url):
        args = arguments(url, "-c", "1", "-s", "0", "--text")
        bench = Bench(args)
        await bench.open(connect_arguments(args))
        [ws] = bench.connections
        await until(lambda: ws._stream.count)
        with pytest.raises(ExceptionGroup) as caught:
            await bench.load()
        assert caught.group_contains(BenchError, match="does not echo")
        await ws.close()


async def test_servers_that_do_not_echo() -> None:
    async def other(ws: WebSocket) -> None:
        async for _ in ws:
            await ws.send("something else")

    async def close(ws: WebSocket) -> None:
        await ws.recv()
        await ws.close(1013, "too much")

    async with serving(other) as (_, url):
        with pytest.raises(BenchError, match=r"tcp4:127.0.0.1:\d+ does not echo"):
            await measure(url, "-c", "2")
    async with serving(drain) as (_, url):
        with pytest.raises(BenchError, match=r"no echo from .* within --patience=0.05 s"):
            await measure(url, "-c", "2", "--patience", "0.05")
    async with serving(close) as (_, url):
        with pytest.raises(ConnectionClosedError, match=r"1013 .* 'too much'"):
            await measure(url, "-c", "2")


async def test_as_a_program() -> None:
    async with serving() as (_, url):
        result = await tool("bench", url, "-c", "2", "-n", "10")
        assert result.status == 0
        assert result.out.startswith("20 echoes of 32 octets (binary) in ")
        assert result.err.startswith("2 connections to tcp4:127.0.0.1:")


async def test_ctrl_c_prints_what_was_measured() -> None:
    echoes = 0

    async def count(ws: WebSocket) -> None:
        nonlocal echoes
        async for message in ws:
            await ws.send(message)
            echoes += 1

    async with serving(count) as (_, url), started("bench", url, "-t", "600") as process:
        await until(lambda: echoes > 100)
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert process.returncode == 130
    assert b" echoes of 32 octets (binary) in " in out
    assert len(err.splitlines()) == 1


async def test_a_terminal_sees_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("raise ImportError\n")
    async with serving() as (_, url):
        for environ in ({}, {"PYTHONPATH": f"{tmp_path}:{ROOT}"}):
            terminal = Terminal("bench", url, "-c", "2", "-t", "0.4", **environ)
            await terminal.until("2 connections to ")
            await terminal.until("%")
            await terminal.until(" messages/s")
            await terminal.until("\n2 connections, 1 under way on each")
            assert await terminal.end() == 0


async def test_a_terminal_sees_how_many_there_are_yet(tmp_path: Path) -> None:
    async def halfway(ws: WebSocket) -> None:
        await ws.send(await ws.recv())
        await go_on.wait()
        await ws.send(await ws.recv())
        await ws.wait_closed()

    (tmp_path / "rich.py").write_text("raise ImportError\n")
    async with serving(halfway) as (_, url):
        for environ, half in (({}, " 50 %"), ({"PYTHONPATH": f"{tmp_path}:{ROOT}"}, " 50% ")):
            go_on = asyncio.Event()
            terminal = Terminal("bench", url, "-c", "1", "-n", "2", **environ)
            await terminal.until(half)
            go_on.set()
            await terminal.until("2 echoes of 32 octets")
            assert await terminal.end() == 0


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        (["ws://127.0.0.1:1/"], 1, "cannot connect to 127.0.0.1:1: Connection refused"),
        (["http://127.0.0.1:1/"], 2, "the scheme of a WebSocket URL is ws or wss"),
        (["ws://127.0.0.1:1/", "-c", "0"], 2, "--connections must be 1 or more, not 0"),
        (["ws://127.0.0.1:1/", "-s", "-1"], 2, "--size must be 0 or more, not -1"),
        (["ws://127.0.0.1:1/", "-t", "0"], 2, "--time must be above 0 seconds, not 0"),
    ],
)
def test_what_cannot_be_is_one_line(
    given: list[str], status: int, error: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *given]) == status
    out, err = capfd.readouterr()
    assert error in err
    assert len(err.splitlines()) == 1
    assert out == ""


# --- the histogram --------------------------------------------------------------------------------


@given(st.lists(st.floats(1e-7, 1e3), min_size=1), st.floats(0, 100))
def test_percentiles_are_near_the_truth(durations: list[float], percent: float) -> None:
    histogram = Histogram()
    for each in durations:
        histogram.add(each)
    rank = max(-(-len(durations) * percent // 100), 1)
    truth = sorted(durations)[int(rank) - 1]
    assert truth * 0.999999 <= histogram.percentile(percent) <= truth * 1.03
    assert histogram.percentile(100) == histogram.slowest == max(durations)


def test_its_size_does_not_depend_on_how_many_there_are() -> None:
    histogram = Histogram()
    for number in range(100_000):
        histogram.add(1e-3 + number * 1e-8)
    assert len(histogram._buckets) < 40
    rows = list(histogram.rows(width=10))
    assert sum(int(row.split()[-1]) for row in rows) == 100_000
    assert any("█" * 10 in row for row in rows)


def test_an_empty_one() -> None:
    histogram: Any = Histogram()
    assert histogram.percentile(50) == 0
    assert list(histogram.rows()) == []
    histogram.add(0.0)
    assert histogram.percentile(50) == 0


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0.00 µs"), (1.5e-6, "1.50 µs"), (0.0123, "12.3 ms"), (0.9, "900 ms"), (2.5, "2.50 s")],
)
def test_durations_for_people(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
