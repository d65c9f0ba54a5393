"""The client: sends lines one after another, and times their echoes."""

from __future__ import annotations

import math
import statistics
from collections.abc import AsyncIterable
from time import perf_counter

from wsproto_async import ConnectError, ConnectionClosed, ConnectionClosedOK, connect


async def talk(url: str, lines: AsyncIterable[bytes]) -> bool:
    """Send each line, print its echo with the round-trip time, and a summary at the end.

    Returns whether every line came back as it was sent.
    """
    trips: list[float] = []
    octets = 0
    try:
        async with connect(url) as ws:
            async for line in lines:
                message = as_message(line)
                start = perf_counter()
                await ws.send(message)
                echo = await ws.recv()
                trips.append(perf_counter() - start)
                octets += len(line)
                print(f"{trips[-1] * 1000:8.3f} ms  {echo!s}")
                if echo != message:
                    print("This is not what was sent.")
                    return False
    except ConnectionClosedOK:
        print("The server has closed the connection.")
    except (ConnectError, ConnectionClosed) as error:
        print(f"The connection to {url} ended: {error}")
        return False
    finally:
        print(summary(trips, octets))
    return True


def as_message(line: bytes) -> str | bytes:
    """A line is a text message if it is UTF-8, and a binary one if not."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line


def summary(trips: list[float], octets: int) -> str:
    """Say how many lines and bytes came back, and how long they took, in one line."""
    if not trips:
        return "No line came back."
    median = statistics.median(trips)
    p99 = sorted(trips)[math.ceil(len(trips) * 0.99) - 1]
    return (
        f"{len(trips)} lines, {octets:,} bytes; round trip: "
        f"median {median * 1000:.3f} ms, 99 % within {p99 * 1000:.3f} ms"
    )
