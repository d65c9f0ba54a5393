"""``wsproto-async connect``: through pipes, and at a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from argparse import ArgumentParser
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.support import RawPeer, echo, raw_server, serving
from tests.examples.program import ROOT
from wsproto_async import ServerOptions, WebSocket, connect
from wsproto_async.cli import main
from wsproto_async.cli.connect import Talk, add_to
from wsproto_async.cli.lines import piped_lines

from .support import PROMPT, Terminal, environment, started, tool


async def test_lines_are_messages() -> None:
    async with serving() as (_, url):
        result = await tool("connect", url, stdin="one\nGrüße\r\n\nlast".encode())
    assert result.status == 0
    assert result.out == "one\nGrüße\n\nlast\n"
    first, last = result.err.splitlines()
    assert first.startswith("connected to tcp4:127.0.0.1:")
    assert last.startswith("we closed the connection with 1000 (normal)")


async def test_text_that_stdout_cannot_encode() -> None:
    async with serving() as (_, url):
        result = await tool(
            "connect", url, "--quiet", stdin="a€\n".encode(), PYTHONIOENCODING="latin-1"
        )
        assert (result.status, result.out) == (0, "a\\u20ac\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
async def test_closed_standard_streams(closed: str) -> None:
    async with serving() as (_, url):
        command = f'exec "{sys.executable}" -m wsproto_async connect {url} --wait 0 {closed}'
        process = await asyncio.create_subprocess_shell(
            command, stdin=DEVNULL, cwd=ROOT, env=environment({})
        )
        assert await process.wait() == 0


async def test_octets_in_hexadecimal() -> None:
    async with serving() as (_, url):
        good = await tool("connect", "--hex", "--quiet", url, stdin=b"00 ff\nabcdef\n")
        bad = await tool("connect", "--hex", "--quiet", url, stdin=b"0x\n")
    assert good == (0, "00ff\nabcdef\n", "")
    assert bad == (2, "", "wsproto-async: '0x' is not hexadecimal, such as 00 ff\n")


async def test_everything_is_received_before_the_end() -> None:
    async def many(ws: WebSocket) -> None:
        for number in range(int(await ws.recv())):
            await ws.send(f"{number} " + "x" * 1000)

    async with serving(many) as (_, url):
        result = await tool("connect", "--quiet", "--stay", url, stdin=b"3000\n")
    assert result.status == 0
    assert [line.split()[0] for line in result.out.splitlines()] == [str(n) for n in range(3000)]


def test_lines_behind_the_end_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def first() -> str:
        async with contextlib.aclosing(piped_lines()) as lines:  # type: ignore[type-var]
            return await anext(lines)

    before = set(threading.enumerate())
    descriptor, pipe = os.pipe()
    with os.fdopen(descriptor) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.write(pipe, b"one\n")
        assert asyncio.run(first()) == "one"
        [reader] = set(threading.enumerate()) - before
        os.write(pipe, b"two\n")
        os.close(pipe)
        reader.join(5)
        assert not reader.is_alive()
    gc.collect()  # nothing is left that was to be awaited


async def test_a_line_that_cannot_be_sent_any_more_is_the_last() -> None:
    taken: list[str] = []

    async def lines() -> AsyncIterator[str]:
        for line in "one", "two":
            taken.append(line)
            yield line

    parser = ArgumentParser()
    add_to(parser.add_subparsers())
    async with serving() as (_, url):
        async with connect(url) as ws:
            pass
        await Talk(parser.parse_args(["connect", url]), False).send(ws, lines())
    assert taken == ["one"]


async def test_an_answer_that_takes_its_time_is_waited_for() -> None:
    async def late(ws: WebSocket) -> None:
        message = await ws.recv()
        await asyncio.sleep(0.05)
        await ws.send(message)

    async with serving(late) as (_, url):
        result = await tool("connect", "--quiet", "--wait", "50", url, stdin=b"/help\n")
        assert result == (0, "/help\n", "")  # in a pipe, that is text


async def test_commands_through_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "octets"
    path.write_bytes(b"\x00\x01")
    lines = f"/ping hello\n/binary 00:ff\n/file {path}\n/info\n//text\n/help\n/close 1001 bye\n"
    async with serving() as (_, url):
        result = await tool("connect", "--commands", url, stdin=lines.encode())
        assert result.status == 0
        assert result.out == "00ff\n0001\n/text\n"
        assert "pong in " in result.err
        assert "\nOPEN tcp4:127.0.0.1:" in result.err
        assert "/binary HEX" in result.err
        assert "we closed the connection with 1001 (going away) 'bye'" in result.err
        for line, error in {
            "/file /nowhere/at/all": "[Errno 2] No such file or directory: '/nowhere/at/all'",
            "/close now": "/close CODE REASON: the code must be a number, not now",
        }.items():
            result = await tool("connect", "--commands", "--quiet", url, stdin=line.encode())
            assert result.status in (1, 2)
            assert result.err.startswith("wsproto-async: ")
            assert error in result.err
            assert len(result.err.splitlines()) == 1


async def test_arguments_reach_the_server() -> None:
    async def show(ws: WebSocket) -> None:
        assert ws.request is not None
        headers = ws.request.headers
        await ws.send(f"{headers['x-one']} {headers['origin']} {ws.subprotocol} {ws.request.path}")

    async with serving(show, subprotocols=["b"]) as (_, url):
        arguments = ["-H", "X-One: 1", "--subprotocol", "a", "--subprotocol", "b"]
        arguments += ["--origin", "http://localhost", "--stay", url + "path"]
        result = await tool("connect", *arguments)
    assert result.status == 0
    assert result.out == "1 http://localhost b /path\n"
    assert "ms (b)" in result.err
    assert result.err.splitlines()[-1] == "the peer closed the connection with 1000 (normal)"


async def test_options_count() -> None:
    async with serving() as (_, url):
        option = ["-o", "max_message_payload_size=1"]
        result = await tool("connect", url, "--quiet", *option, stdin=b"12\n")
    assert result.status == 1
    assert "max_message_payload_size=1" in result.err


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        (["http://127.0.0.1/"], 2, "the scheme of a WebSocket URL is ws or wss"),
        (["ws://127.0.0.1:1/"], 1, "cannot connect to 127.0.0.1:1: Connection refused"),
        (["ws://no.such.name.invalid/"], 1, "cannot connect to no.such.name.invalid:80: "),
        (["ws://127.0.0.1:1/", "-H", "nonsense"], 2, "-H nonsense: should be NAME:VALUE"),
        (["ws://127.0.0.1:1/", "-o", "nonsense"], 2, "-o nonsense: should be NAME=VALUE"),
        (["ws://127.0.0.1:1/", "-o", "max_conections=1"], 2, "unknown option -o max_conections"),
        (["ws://127.0.0.1:1/", "-o", "close_timeout=x"], 2, "-o CLOSE_TIMEOUT='x': "),
        (["ws://127.0.0.1:1/", "--config", "/no.toml"], 1, "No such file or directory"),
        (["ws://127.0.0.1:1/", "--wait", "-1"], 2, "--wait must be 0 seconds or more, not -1"),
        (["ws://127.0.0.1:1/", "--ping", "0"], 2, "--ping must be above 0 seconds, not 0"),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: list[str], status: int, error: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["connect", *arguments]) == status
    out, err = capfd.readouterr()
    assert error in err
    assert len(err.splitlines()) == 1
    assert out == ""


async def test_a_refusal() -> None:
    options = ServerOptions(max_connections=1)
    async with serving(options=options) as (_, url), connect(url):
        result = await tool("connect", url)
    assert (result.status, len(result.err.splitlines())) == (1, 1)
    assert "503" in result.err


async def test_a_server_of_something_else() -> None:
    async def greet(peer: RawPeer) -> None:
        peer.write(b"220 mail.example ready\r\n\r\n")

    async with raw_server(greet, upgrade=False) as url:
        result = await tool("connect", url)
    assert (result.status, len(result.err.splitlines())) == (1, 1)


async def test_a_peer_that_closes_with_a_complaint() -> None:
    async def complain(ws: WebSocket) -> None:
        await ws.close(4000, "no more")

    async with serving(complain) as (_, url), started("connect", url) as process:
        assert process.stderr is not None
        lines = (await process.stderr.read()).decode().splitlines()
        assert await process.wait() == 1  # though the input has not ended
    assert lines[-1] == "the peer closed the connection with 4000 'no more'"


async def test_ctrl_c() -> None:
    async with serving() as (_, url), started("connect", url) as process:
        assert process.stderr is not None
        await process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
        assert b"Traceback" not in await process.stderr.read()


async def test_whoever_reads_the_output_may_stop() -> None:
    async with serving() as (_, url), started("connect", "--quiet", "--stay", url) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"one\n")
        assert await process.stdout.readline() == b"one\n"
        process.stdout._transport.close()  # type: ignore[attr-defined]
        process.stdin.write(b"two\nthree\n")
        assert await process.wait() == 0
        assert await process.stderr.read() == b""


async def test_pings_and_times() -> None:
    async with serving() as (_, url), started("connect", "--times", "--ping", "0.01", url) as tool_:
        assert tool_.stdin is not None
        assert tool_.stdout is not None
        assert tool_.stderr is not None
        while b"pong in" not in (line := await tool_.stderr.readline()):
            assert line
        tool_.stdin.write(b"x\n")
        line = await tool_.stdout.readline()
        assert line[2:3] == line[5:6] == b":"
        assert line.endswith(b" x\n")
        tool_.stdin.close()
        assert await tool_.wait() == 0


# --- at a terminal ------------------------------------------------------------------------------


async def test_a_person_talks(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    async with serving() as (_, url):
        terminal = Terminal("connect", url, **state)
        await terminal.until("/help lists commands")
        await terminal.until(PROMPT)
        terminal.type("hello\r")
        await terminal.until("< hello")
        await terminal.until(PROMPT)
        terminal.type("/ping\r")
        await terminal.until("pong in ")
        await terminal.until(PROMPT)
        terminal.type("/nonsense\r")
        await terminal.until("there is no command /nonsense")
        await terminal.until(PROMPT)
        terminal.type("/binary 1b 5b\r")
        await terminal.until("< 2 octets: 1b 5b")
        await terminal.until(PROMPT)
        await terminal.until("hello", press="\x1b[A")  # the history, line by line
        terminal.type("\r")
        await terminal.until("< hello")
        await terminal.until(PROMPT)
        terminal.type("\x04")
        await terminal.until("we closed the connection with 1000")
        assert await terminal.end() == 0
    history = tmp_path / "wsproto-async" / "history"
    assert "+hello\n" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0


async def test_a_person_presses_ctrl_c() -> None:
    async with serving() as (_, url):
        terminal = Terminal("connect", "--no-history", url)
        await terminal.until(PROMPT)
        terminal.type("half a li\x03")
        assert await terminal.end() == 130


async def test_a_peer_cannot_command_the_terminal() -> None:
    async def rude(ws: WebSocket) -> None:
        await ws.send("\x1b]0;owned\x07 and \x9b31m\u202e")
        await echo(ws)

    async with serving(rude) as (_, url):
        terminal = Terminal("connect", "--no-history", url)
        await terminal.until(r"< \x1b]0;owned\x07 and \x9b31m\u202e")
        await terminal.until(PROMPT)
        terminal.type("\x04")
        assert await terminal.end() == 0


async def test_without_the_extra(tmp_path: Path) -> None:
    (tmp_path / "prompt_toolkit.py").write_text("raise ImportError\n")

    async with serving() as (_, url):
        terminal = Terminal("connect", url, PYTHONPATH=f"{tmp_path}:{ROOT}")
        await terminal.until("pip install wsproto-async[cli]")
        await terminal.until("/help lists commands")
        terminal.type("hello\n")
        await terminal.until("< hello")
        terminal.type("\x04")
        await terminal.until("we closed the connection with 1000")
        assert await terminal.end() == 0
