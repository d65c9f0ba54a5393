"""``python -m tests.fuzz [TARGET ...] [--seconds N] [--runs N]``: look for findings.

Each target runs in a process of its own. With atheris, coverage guides it, and new inputs are put
into ``build/fuzz/TARGET/``; without it, inputs are mutations of the corpus. A finding ends it, and
its input is left in ``build/fuzz/``.
"""

from __future__ import annotations

import argparse
import inspect
import logging
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import FunctionType
from typing import Any

from ..builds import plain
from . import targets
from .mutate import CORPUS, MAX_SIZE, WORDS, corpus_of, mutated

FOUND = Path("build/fuzz")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(targets.TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--runs", type=int, default=-1, help="executions of each target, at most")
    parser.add_argument("--unguided", action="store_true", help="without atheris")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - set(targets.TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    FOUND.mkdir(parents=True, exist_ok=True)
    names = arguments.targets or list(targets.TARGETS)
    if arguments.here:
        logging.disable()  # or most of the time would go into telling of violations
        guided = not arguments.unguided and find_spec("atheris") is not None
        (run_guided if guided else run_unguided)(names[0], arguments.seconds, arguments.runs)
        return 0
    options = [f"--seconds={arguments.seconds}", f"--runs={arguments.runs}", "--here"]
    options += ["--unguided"] if arguments.unguided else []
    for name in names:
        print(f"--- {name}", flush=True)
        if subprocess.run([sys.executable, "-m", "tests.fuzz", name, *options]).returncode:
            return 1
    return 0


def run_unguided(name: str, seconds: int, runs: int) -> None:
    """Mutations of the corpus."""
    corpus, rng = corpus_of(name), Random()
    done, end = 0, time.monotonic() + seconds
    while done != runs and time.monotonic() < end:
        octets = mutated(rng, corpus)
        try:
            targets.TARGETS[name](octets)
        except BaseException:
            (FOUND / f"crash-{name}").write_bytes(octets)
            raise
        done += 1
    print(f"{done} executions without a finding")


def run_guided(name: str, seconds: int, runs: int) -> None:
    """libFuzzer, guided by the coverage of the package as plain Python."""
    import atheris

    targets.GUIDED = True
    instrument(plain().name)
    instrument("wsproto_async")
    words, new = FOUND / "words", FOUND / name
    words.write_text("".join(f'"{quoted(word)}"\n' for word in WORDS))
    new.mkdir(exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-runs={runs}",
        f"-dict={words}",
        f"-max_len={MAX_SIZE}",
        f"-artifact_prefix={FOUND}/{name}-",
        "-timeout=20",
        "-print_final_stats=1",
    ]
    atheris.Setup([name, *options, str(new), str(CORPUS / name)], targets.TARGETS[name])
    atheris.Fuzz()


def quoted(word: bytes) -> str:
    """As libFuzzer's dictionaries have it."""
    return "".join(f"\\x{octet:02x}" for octet in word)


def instrument(package: str) -> None:
    """Count branches in what a package has of plain Python on its lower floors."""
    import atheris

    for name, module in list(sys.modules.items()):
        if not name.startswith((f"{package}.core", f"{package}._native", f"{package}.protocol")):
            continue
        for function in functions_of(module):
            atheris.instrument_func(function)


def functions_of(module: Any) -> set[FunctionType]:
    """The functions and methods that a module defines."""
    owners = [module, *(each for each in vars(module).values() if inspect.isclass(each))]
    found = set()
    for owner in owners:
        for each in vars(owner).values():
            if isinstance(each, property):
                each = each.fget
            function = inspect.unwrap(getattr(each, "__func__", each)) if each else None
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                found.add(function)
    return found


if __name__ == "__main__":
    sys.exit(main())
