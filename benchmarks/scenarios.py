"""What is measured, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["BASES", "CONTENDERS", "SCENARIOS", "TITLES", "Scenario", "title_of"]

KIB: Final = 1024
MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class Scenario:
    """One kind of load.

    Attributes:
        title: what it is, for people.
        kind: ``echo``: messages to a server and back. ``client``: the same with a client that
            echoes. ``connect``: open, upgrade, close handshake, again and again. ``fanout``: one
            client sends, the server sends that to all. ``memory``: connections that are idle.
        connections: how many are open at the same time.
        size: octets of a message's payload.
        depth: messages of a connection that are on their way at the same time. For ``memory``:
            0 or 1, that are sent before it is measured.
        binary: or text.
        fragments: frames that a message is sent in; its echo may be one frame.
        deflate: with permessage-deflate; the payload is JSON then.
        tls: over TLS.
        unit: what is counted.
        also: contenders that are of interest here and nowhere else.
    """

    title: str
    kind: Literal["echo", "client", "connect", "fanout", "memory"] = "echo"
    connections: int = 1
    size: int = 32
    depth: int = 1
    binary: bool = False
    fragments: int = 1
    deflate: bool = False
    tls: bool = False
    unit: str = "message"
    also: tuple[str, ...] = ()


FAST: Final = ("ours@fast-uvloop", "ours_async@fast-uvloop")
"""Ourselves on transports that cost less where there are many connections, or much to carry."""

SCENARIOS: Final = {
    "ping32": Scenario("1 connection, 32 octets of text, one message at a time"),
    "c100": Scenario(
        "100 connections, 32 octets of text, one message at a time", connections=100, also=FAST
    ),
    "pipe32": Scenario(
        "100 connections, 32 octets of text, 16 messages on their way", connections=100, depth=16
    ),
    "pipe256": Scenario(
        "100 connections, 256 octets of text, 16 messages on their way",
        connections=100,
        size=256,
        depth=16,
    ),
    "64k": Scenario(
        "10 connections, 64 KiB binary", connections=10, size=64 * KIB, binary=True, also=FAST
    ),
    "4m": Scenario("1 connection, 4 MiB binary", size=4 * MIB, binary=True, also=FAST),
    "frag": Scenario(
        "10 connections, 64 KiB binary in 64 frames",
        connections=10,
        size=64 * KIB,
        binary=True,
        fragments=64,
    ),
    "z1k": Scenario(
        "permessage-deflate, 50 connections, 1 KiB of JSON text",
        connections=50,
        size=KIB,
        deflate=True,
        also=("ours_zlib_ng",),
    ),
    "z16k": Scenario(
        "permessage-deflate, 50 connections, 16 KiB of JSON text",
        connections=50,
        size=16 * KIB,
        deflate=True,
        also=("ours_zlib_ng",),
    ),
    "connect": Scenario(
        "TCP, opening handshake, close handshake; 50 at the same time",
        kind="connect",
        connections=50,
        unit="connection",
        also=FAST,
    ),
    "fanout": Scenario(
        "128 octets of text from one client to 1,000",
        kind="fanout",
        connections=1000,
        size=128,
        unit="delivery",
        also=FAST,
    ),
    "tls256": Scenario(
        "TLS, 100 connections, 256 octets of text",
        connections=100,
        size=256,
        tls=True,
        also=FAST,
    ),
    "client32": Scenario(
        "the library as client: 1 connection, 32 octets binary", kind="client", binary=True
    ),
    "mem": Scenario(
        "memory for each of 2,000 connections that are open",
        kind="memory",
        connections=2000,
        depth=0,
        unit="connection",
    ),
    "memz": Scenario(
        "the same with permessage-deflate, behind one message of 1 KiB",
        kind="memory",
        connections=2000,
        size=KIB,
        deflate=True,
        unit="connection",
        also=("ours_zlib_ng",),
    ),
}

CONTENDERS: Final = (
    "ours",
    "ours_async",
    "ours_pure",
    "picows@fast-uvloop",
    "picows_ws@fast-uvloop",
    "websockets",
    "aiohttp",
    "autobahn",
    "raw",
)
"""Who is measured: a module of ``benchmarks.contenders``, and the event loop that it runs on.

``fast-`` stands for aiofastnet's transports, which picows takes by itself where they are installed.
"""

BASES: Final = ("picows", "websockets", "ours", "raw")
"""What ratios refer to: the first of these that takes part."""

TITLES: Final = {
    "ours": "wsproto_async, callbacks",
    "ours_async": "wsproto_async, `async for`",
    "ours_pure": "wsproto_async, callbacks, plain Python",
    "ours_async_pure": "wsproto_async, `async for`, plain Python",
    "ours_zlib_ng": "wsproto_async, callbacks, zlib-ng",
    "picows": "picows",
    "picows_ws": "picows.websockets, `async for`",
    "websockets": "websockets, `async for`",
    "aiohttp": "aiohttp, `async for`",
    "autobahn": "Autobahn, callbacks",
    "raw": "TCP echo, no WebSocket",
}

LOOPS: Final = {
    "uvloop": "",
    "asyncio": ", asyncio",
    "fast-uvloop": ", aiofastnet",
    "fast-asyncio": ", aiofastnet on asyncio",
}


def title_of(spec: str) -> str:
    """``NAME[@LOOP]`` for people."""
    name, _, loop = spec.partition("@")
    return TITLES[name] + LOOPS[loop or "uvloop"]
