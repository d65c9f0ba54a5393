"""What compressing costs and saves, for docs/howto/compression.md: python -m benchmarks.compression

Messages are JSON, and those of 50 connections come in turn, as they do on a server: what one
connection keeps has left the cache when its next message comes.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from wsproto_async import Deflate
from wsproto_async.compress import PerMessageDeflate, PerMessageDeflateOffer

__all__ = ["WAYS", "measure", "memory"]

CONNECTIONS: Final = 50
ROUNDS: Final = 5
SIZES: Final = {128: 20, 1024: 20, 16 * 1024: 5}
"""Octets of a message, and how many each connection sends."""

WAYS: Final = (
    Deflate(),
    Deflate(level=1),
    Deflate(level=6),
    Deflate(mem_level=5),
    Deflate(window_bits=15, peer_window_bits=15, mem_level=8),
    Deflate(context_takeover=False, peer_context_takeover=False),
    Deflate(codec="zlib-ng"),
    Deflate(codec="zlib-ng", context_takeover=True),
    Deflate(codec="zlib-ng", level=3, peer_context_takeover=False),
)


def shown(way: Deflate) -> str:
    """As it is written in a program."""
    given = ", ".join(f"{name}={getattr(way, name)!r}" for name in sorted(way.model_fields_set))
    return f"Deflate({given})"


def codec_of(way: Deflate, is_server: bool = True) -> PerMessageDeflate:
    """Of a connection with a client that offers what browsers do."""
    accept = way.accept([PerMessageDeflateOffer.parse({"client_max_window_bits": [True]})])
    assert accept is not None
    return PerMessageDeflate.create_from_offer_accept(is_server, accept)


def messages(size: int) -> Iterator[bytes]:
    """JSON of so many octets, over and over, never the same."""
    chance = random.Random(size)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(800)]
    while True:
        records: list[object] = []
        text = ""
        while len(text) < size:
            records.append(
                {
                    "id": chance.randrange(10**9),
                    "symbol": chance.choice(["EURUSD", "GBPUSD", "BTC-USD", "AAPL", "MSFT"]),
                    "price": round(chance.uniform(1, 50_000), 4),
                    "side": chance.choice(["buy", "sell"]),
                    "user": {"name": chance.choice(words), "active": chance.random() < 0.5},
                    "text": " ".join(chance.choices(words, k=chance.randint(2, 12))),
                }
            )
            text = json.dumps(records)
        yield text[:size].encode()


def compress(codec: PerMessageDeflate, message: bytes) -> bytes:
    codec.start_compress_message()
    return codec.compress_message_data(message) + codec.end_compress_message()


def inflate(codec: PerMessageDeflate, wire: bytes) -> None:
    codec.start_decompress_message()
    codec.decompress_message_data(wire, 1 << 20)
    codec.end_decompress_message()


def measure(way: Deflate, size: int, number: int) -> tuple[float, float, float]:
    """Microseconds to compress a message and to inflate one, and the share of octets that is left.

    The first message of each connection is left out: it has none before it.
    """
    source = messages(size)
    batches = [[next(source) for _ in range(CONNECTIONS)] for _ in range(number + 1)]
    best = (float("inf"), float("inf"))
    left = 0
    for _ in range(ROUNDS):
        servers = [codec_of(way) for _ in range(CONNECTIONS)]
        clients = [codec_of(way, is_server=False) for _ in range(CONNECTIONS)]
        spent = [0.0, 0.0]
        left = 0
        for batch in batches:
            received = [*map(compress, clients, batch)]
            begin = time.process_time()
            sent = [*map(compress, servers, batch)]
            middle = time.process_time()
            for codec, wire in zip(servers, received, strict=True):
                inflate(codec, wire)
            if batch is not batches[0]:
                spent[0] += middle - begin
                spent[1] += time.process_time() - middle
                left += sum(map(len, sent))
        best = (min(best[0], spent[0]), min(best[1], spent[1]))
    count = CONNECTIONS * number
    return best[0] / count * 1e6, best[1] / count * 1e6, left / (count * size)


def memory(way: Deflate, size: int, number: int = 500) -> float:
    """KiB that a connection needs to have compressed and inflated messages of a size."""
    message = next(messages(size))
    received = compress(codec_of(way, is_server=False), message)

    def use() -> list[PerMessageDeflate]:
        used = [codec_of(way) for _ in range(number)]
        for codec in used:
            inflate(codec, received)
            compress(codec, message)
        return used

    return _growth(use) / number


def _growth(use: Callable[[], object]) -> float:
    """KiB that this process grows by, measured in a child that has not grown before."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        before = _own_memory()
        kept = use()
        os.write(writing, str(_own_memory() - before).encode())
        os._exit(0 if kept else 1)
    os.waitpid(child, 0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        return float(pipe.read())


def _own_memory() -> int:
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1])
    raise OSError("no Private_Dirty in /proc/self/smaps_rollup")


def main() -> None:
    names = [f"{size} octets" if size < 1024 else f"{size // 1024} KiB" for size in SIZES]
    print(f"| | {' | '.join(names)} | KiB |")
    print(f"| --- |{' --- |' * (len(names) + 1)}")
    for way in WAYS:
        cells = []
        for size, number in SIZES.items():
            sending, receiving, share = measure(way, size, number)
            cells.append(f"{sending:.1f} + {receiving:.1f} us, {share:.0%}")
        cells.append(f"{memory(way, max(SIZES)):.0f}")
        print(f"| `{shown(way)}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
