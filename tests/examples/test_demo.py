"""The demo's promises: what it prints, how it ends, and what the server does meanwhile."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE

import pytest

from wsproto_async import ConnectionClosedOK, HandshakeError, connect

from .demo import ROOT, output_until, serving, start

FABLES = (ROOT / "examples/demo/fables.txt").read_text().splitlines()


async def finish(*arguments: str, piped: bytes = b"") -> tuple[int | None, list[str]]:
    process = await start(*arguments, stdin=PIPE)
    out, _ = await process.communicate(piped)
    return process.returncode, out.decode().splitlines()


async def test_every_line_of_the_file_and_of_the_pipe_comes_back() -> None:
    piped = ["and one more: ½ ≠ ⅓", "", '{"type": "chat", "name": "pipe", "text": "hello"}', "end"]
    status, lines = await finish("--once", "--port", "0", piped="\n".join(piped).encode())
    assert status == 0
    assert [line.partition(" ms  ")[2] for line in lines[1:-1]] == FABLES + piped
    octets = sum(len(line.encode()) for line in FABLES + piped)
    assert lines[-1].startswith(
        f"{len(FABLES + piped)} lines, {octets:,} bytes; round trip: median"
    )


async def test_a_line_that_is_not_utf8_goes_as_a_binary_message() -> None:
    status, lines = await finish("--once", "--port", "0", piped=b"\xff\xfe\n")
    assert status == 0
    assert lines[-2].endswith(r"ms  b'\xff\xfe'")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_closes_every_connection_with_1001(number: signal.Signals) -> None:
    async with serving() as (process, place), connect(f"ws://{place}/") as ws:
        await ws.send("still there?")
        assert await ws.recv() == "still there?"
        process.send_signal(number)
        with pytest.raises(ConnectionClosedOK):
            await ws.recv()
        assert ws.close_code == 1001
        assert await process.wait() == 0


async def test_a_silent_pipe_does_not_hold_up_the_end() -> None:
    process = await start("--port", "0", stdin=PIPE)  # a pipe that says nothing and stays open
    await output_until(process, FABLES[-1])
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0


async def test_chat_goes_to_every_page_and_other_messages_to_their_sender() -> None:
    chat = json.dumps({"type": "chat", "name": "Ann", "text": "Grüße"})
    async with (
        serving() as (_, place),
        connect(f"ws://{place}/", subprotocols=["chat"]) as ann,
        connect(f"ws://{place}/", subprotocols=["chat"]) as bob,
    ):
        await bob.send('{"type": "ping", "t": 1}')
        assert await bob.recv() == '{"type": "ping", "t": 1}'
        await ann.send(chat)
        assert await bob.recv() == chat
        assert await ann.recv() == chat


async def test_the_page_comes_over_http() -> None:
    async with serving() as (_, place):
        head, _, body = (await get(place, "/")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"text/html; charset=utf-8" in head
        assert body == (ROOT / "examples/demo/page.html").read_bytes()
        assert (await get(place, "/other")).startswith(b"HTTP/1.1 404 ")


async def get(place: str, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(*place.split(":"))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


async def test_pages_from_elsewhere_may_not_connect() -> None:
    async with serving() as (_, place):
        async with connect(f"ws://{place}/", origin=f"http://{place}") as ws:
            await ws.send("ours")
            assert await ws.recv() == "ours"
        with pytest.raises(HandshakeError) as caught:
            async with connect(f"ws://{place}/", origin="http://elsewhere.example"):
                pass
        assert caught.value.status == 403


async def test_a_port_in_use_gets_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, lines = await finish("--port", port)
    assert status == 1
    assert lines == [f"demo: port {port} of 127.0.0.1 is in use; choose another with --port"]


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
async def test_an_address_of_others_gets_one_line(host: str) -> None:
    status, lines = await finish("--host", host)
    assert status == 1
    expected = f"demo: {host} is not an address of this machine; choose another with --host"
    assert lines == [expected]


async def test_a_missing_file_gets_one_line() -> None:
    assert await finish("missing.txt") == (1, ["demo: missing.txt is not a file that can be read"])


async def test_without_uvloop_it_says_so_and_runs() -> None:
    program = (
        "import runpy, sys; sys.modules['uvloop'] = None; "
        "runpy.run_module('examples.demo', run_name='__main__')"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, "--once", "--port", "0", cwd=ROOT, stdin=DEVNULL, stdout=PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert out.decode().startswith("uvloop is not installed: running on asyncio, which is slower\n")
