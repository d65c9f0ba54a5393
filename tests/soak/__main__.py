"""``python -m tests.soak connects|faults``: what takes long; see the package."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time

from ..helpers import LOOPS
from .connects import Census, connects
from .faults import faults


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("what", nargs="*", default=["connects", "faults"])
    parser.add_argument("--count", type=int, default=1_000_000, help="of connects")
    parser.add_argument("--seconds", type=float, default=600, help="of faults")
    parser.add_argument("--clients", type=int, default=60, help="at a time, of faults")
    parser.add_argument("--seed", type=int, help="of faults")
    parser.add_argument("--loop", choices=LOOPS, default=list(LOOPS)[-1])
    arguments = parser.parse_args()
    logging.disable()
    verbs = {"connects": run_connects, "faults": run_faults}
    good = True
    for what in arguments.what:
        if what not in verbs:
            parser.error(f"there is no soak {what!r}")
        good = verbs[what](arguments) and good
    return 0 if good else 1


def run_connects(arguments: argparse.Namespace) -> bool:
    begin = time.monotonic()

    def say(census: Census) -> None:
        print(
            f"{census.connects:>9} connects, {time.monotonic() - begin:7.1f} s: "
            f"{census.ours} of {census.objects} objects, {census.descriptors} descriptors, "
            f"{census.memory / 2**20:.1f} MiB",
            flush=True,
        )

    with asyncio.Runner(loop_factory=LOOPS[arguments.loop]) as runner:
        found = runner.run(connects(arguments.count, 20, say))
    first, last = found[0], found[-1]
    return last.ours <= first.ours and last.descriptors == first.descriptors


def run_faults(arguments: argparse.Namespace) -> bool:
    with asyncio.Runner(loop_factory=LOOPS[arguments.loop]) as runner:
        before = Census.take(0)
        report = runner.run(faults(arguments.seconds, arguments.clients, seed=arguments.seed))
    after = Census.take(report.connections.total())
    print(dict(report.connections), f"{report.messages} messages, {report.octets / 2**20:.0f} MiB")
    print(
        f"descriptors {before.descriptors} -> {after.descriptors}, "
        f"memory {before.memory / 2**20:.1f} -> {after.memory / 2**20:.1f} MiB"
    )
    for line in report.wrong[:50]:
        print(f"WRONG: {line}")
    return not report.wrong


if __name__ == "__main__":
    sys.exit(main())
