"""Each example, run as a user runs it, does what its first lines say."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import ssl
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import trustme

from wsproto_async import ConnectionClosedOK, HandshakeError, WebSocket, connect, serve

from .program import ROOT, Program, running

EXAMPLES = {path.stem for path in (ROOT / "examples").glob("[!_]*.py")}


def example(name: str, *arguments: str, **environ: str) -> AbstractAsyncContextManager[Program]:
    return running("-m", f"examples.{name}", *arguments, environ=environ)


async def test_echo_server_and_client() -> None:
    async with example("echo_server", "0") as server:
        url = await server.url()
        async with example("echo_client", url) as client:
            lines = await client.end()
        assert lines[0].startswith("connected to tcp4:127.0.0.1:")
        assert lines[1:] == ["text: Grüße", "binary: 00010304", "closed: 1000 "]
        await server.until(r"has gone: 1000 that was all$")
        lines = await server.interrupt()
    assert [re.sub(r"^tcp4:127\.0\.0\.1:\d+", "PEER", line) for line in lines[1:]] == [
        "PEER asks for /",
        "PEER is connected",
        "PEER: 'Grüße'",
        r"PEER sent b'\x00\x01\x03\x04'",
        "PEER has gone: 1000 that was all",
    ]


async def test_async_server_and_client() -> None:
    async with example("async_server", "0") as server:
        url = await server.url()
        async with example("async_client", url, "one", "zwei Grüße") as client:
            *echoes, trip = await client.end()
        assert echoes == ["one", "zwei Grüße"]
        assert re.fullmatch(r"a ping and its pong took \d+\.\d{3} ms", trip)
        async with connect(url) as ws:
            await ws.send(b"\xff")
            assert await ws.recv() == b"\xff"
            await server.interrupt()
            with pytest.raises(ConnectionClosedOK):
                await ws.recv()
            assert ws.close_code == 1001


async def test_broadcast() -> None:
    async with example("broadcast", "0", "0.05") as server:
        url = await server.url()
        async with connect(url) as ann, connect(url) as bob:
            assert re.fullmatch(r"tick \d+", str(await ann.recv()))
            await ann.send("hello")
            for ws in (ann, bob):
                while (message := await ws.recv()) != "hello":
                    assert str(message).startswith("tick ")
        await server.interrupt()


async def test_hash_frames() -> None:
    async with example("hash_frames", "3") as program:
        lines = await program.end()
    assert [line[64:] for line in lines] == [" is right"] * 3 + [""]
    assert lines[3] == "the message has ended"


async def test_hash_streaming() -> None:
    async with example("hash_streaming", "3") as program:
        lines = await program.end()
    whole = bytes(range(256)) * 3 * 4096
    digests = [hashlib.sha256(whole[: n * 2**20]).hexdigest() for n in (1, 2, 3)]
    assert lines[0] == "a frame of 3 MiB begins"
    assert f"the message ends after {3 * 2**20} octets" in lines
    assert [line for line in lines if len(line) == 64] == digests


async def test_keepalive() -> None:
    async with example("keepalive", "0.05") as program:
        lines = await program.end()
    assert "/alive answers" in lines
    assert "/deaf answers" not in lines
    gone = [line for line in lines if line.startswith("/deaf is gone")]
    assert len(gone) == 1
    assert "1006" in gone[0]
    assert "ping timeout" in gone[0]
    assert any(line.startswith("/alive is gone: 1000") for line in lines)


async def test_configured_server_from_the_environment(tmp_path: Path) -> None:
    async with example("configured_server", "0", ECHO_MAX_CONNECTIONS="1") as server:
        assert await server.line() == "max_connections = 1"
        url = await server.url()
        async with connect(url) as ws:
            await ws.send("in")
            assert await ws.recv() == "in"
            with pytest.raises(HandshakeError) as caught:
                await connect(url)
            assert caught.value.status == 503
        await server.interrupt()


async def test_configured_server_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "options.toml"
    file.write_text('max_connections = 100\nallowed_origins = ["https://example.com"]\n')
    async with example("configured_server", "0", str(file)) as server:
        url = await server.url()
        assert server.printed[:2] == [
            "allowed_origins = ('https://example.com',)",
            "max_connections = 100",
        ]
        async with connect(url, origin="https://example.com"):
            pass
        with pytest.raises(HandshakeError):
            await connect(url, origin="https://elsewhere.example")
        await server.interrupt()


async def test_configured_server_says_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "options.toml"
    file.write_text("max_conections = 100\n")
    for arguments, environ in ([str(file)], {}), ([], {"ECHO_MAX_CONECTIONS": "100"}):
        async with example("configured_server", "0", *arguments, **environ) as server:
            assert "max_connections" in (await server.line()).lower()
            assert await server.process.wait() == 1


async def test_tls_server(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    key.write_bytes(issued.private_key_pem.bytes())
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with example("tls_server", str(certificate), str(key), "0") as server:
        url = await server.url()
        assert url.startswith("wss://localhost:")
        async with connect(url, ssl=context) as ws:
            await ws.send("in secret")
            assert await ws.recv() == "in secret"
        await server.interrupt()


async def test_reconnecting_client() -> None:
    async def greet(ws: WebSocket) -> None:
        await ws.send(f"greeting {next(numbers)}")

    numbers = iter((1, 2, 3))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with example("reconnecting_client", f"ws://127.0.0.1:{port}/") as client:
        async with serve(greet, "127.0.0.1", port):
            await client.until("^greeting 1$")
            await client.until("^the server closed$")
            await client.until("^greeting 2$")
        async with serve(greet, "127.0.0.1", port):
            await client.until("^greeting 3$")
        await client.interrupt()


async def test_authentication() -> None:
    async with example("authentication", "0") as server:
        url = await server.url()
        bearer = {"Authorization": "Bearer secret"}
        async with connect(url, headers=bearer) as ws:
            assert await ws.recv() == "Welcome, Ann"
        async with connect(f"{url}?token=secret", origin="https://example.com") as ws:
            assert await ws.recv() == "Welcome, Ann"
        for status, place, headers, origin in (
            (401, url, {}, None),
            (403, f"{url}?token=guess", {}, None),
            (403, url, {"Authorization": "Bearer guess"}, None),
            (401, url, {"Authorization": "Basic secret"}, None),
            (400, url, bearer, "https://elsewhere.example"),
        ):
            with pytest.raises(HandshakeError) as caught:
                await connect(place, headers=headers, origin=origin)
            assert caught.value.status == status
        await server.interrupt()


async def test_cookies() -> None:
    async with example("cookies", "0") as server:
        url = await server.url()
        async with connect(url) as first:
            assert await first.recv() == "You have 1 windows"
            assert first.response is not None
            cookie = {"Cookie": first.response.headers["set-cookie"].partition(";")[0]}
            async with connect(url, headers=cookie) as second, connect(url) as stranger:
                assert await second.recv() == "You have 2 windows"
                assert await stranger.recv() == "You have 1 windows"
                assert second.response is not None
                assert "set-cookie" not in second.response.headers
                await second.send("hello")
                assert await first.recv() == "hello"
                assert await second.recv() == "hello"
                await stranger.send("to myself")
                assert await stranger.recv() == "to myself"
        async with connect(url, headers=cookie) as late:  # all its windows are gone: a new one
            assert await late.recv() == "You have 1 windows"
            assert late.response is not None
            assert "set-cookie" in late.response.headers
        await server.interrupt()


async def test_slowsquare() -> None:
    async with example("slowsquare", "0.05") as program:
        lines = await program.end()
    said = {
        name: [line for line in lines if line.startswith(name)] for name in ("Ann", "Bob", "Eve")
    }
    closed = "we closed the connection with 1000 (normal); the peer answered with 1000 (normal)"
    assert said == {
        "Ann": ["Ann: 4.0", "Ann: 9.0", f"Ann: {closed}"],
        "Bob": ["Bob: 16.0", "Bob: 25.0", f"Bob: {closed}"],
        "Eve": ["Eve: the peer closed the connection with 1000 (normal) 'that is not a number'"],
    }


async def test_subprotocols() -> None:
    async with example("subprotocols") as program:
        assert await program.end() == [
            f"clock.xml, clock.json: clock.json: {json.dumps({'now': '12:00'})}",
            "clock.text, clock.json: clock.text: 12:00",
            "clock.xml: refused with 400",
        ]


async def test_iterate_inside() -> None:
    async with example("iterate_inside") as program:
        assert await program.end() == ["Hello, Ann", "Ann says: it works", "Ann says: bye"]


def test_every_example_is_run_here() -> None:
    text = Path(__file__).read_text()
    assert {name for name in EXAMPLES if f'example("{name}"' in text} == EXAMPLES
