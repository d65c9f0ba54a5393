"""Run the Autobahn testsuite against programs on our public API, and judge what it says.

    python tests/conformance/run.py                              all of peers/, the quick set
    python tests/conformance/run.py server_async --set limits    one of them, another set
    python tests/conformance/run.py server_async --cases '6.*,7.1.6'
    python tests/conformance/run.py some/where/server_other.py   a program of yours

A peer is a Python program that echoes. Its name says its role: server_*.py is called with a port
of 127.0.0.1 and maybe ``--loop NAME``; client_*.py is called with a URL and an agent name, and
visits URL/getCaseCount, then URL/runCase?case=N&agent=NAME for every N from 1 to that count, then
URL/updateReports?agent=NAME.

The testsuite comes from PyPI, at the first run, into $WSPROTO_ASYNC_CACHE or
~/.cache/wsproto-async. Two programs run its cases:

    kosoku   for Python 3, and quick, since it runs several cases of a server at once
    wstest   the testsuite's own and the one to judge by; it needs a Python 2.7 with pip, from the
             path, from pyenv, or named by $PYTHON2

The two agree about the quick set. In 13.* kosoku declines the compression of a client that does
not offer client_no_context_takeover, so that more of it comes out as UNIMPLEMENTED; ours do offer
it. ``--runner auto`` takes wstest where it can be had, and says so where it takes kosoku.

A case passes when both its behavior and its close are OK, NON-STRICT or INFORMATIONAL. The exit
status is 0 when every case passed, 1 when one failed, 2 when the run itself broke.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypedDict

HERE: Final = Path(__file__).resolve().parent
PEERS: Final = ("server_callbacks", "server_async", "client_callbacks", "client_async")
HOST: Final = "127.0.0.1"

# Of each of the 12 groups of 18 cases: messages of each length up to 8 KiB, and one in fragments.
# What is left out are the same messages, longer: 98 % of the octets.
SMALL: Final = [
    f"{category}.{group}.{case}"
    for category, groups in ((12, 5), (13, 7))
    for group in range(1, groups + 1)
    for case in (1, 2, 3, 4, 5, 6, 11)
]
SETS: Final = {  # name: (patterns, how many cases they stand for)
    "quick": ("1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*", 247),
    "limits": ("9.*", 54),
    "deflate": ("12.*,13.*", 216),
    "deflate-small": (",".join(SMALL), len(SMALL)),
    "full": ("*", 517),
}
CATEGORIES: Final = {
    1: "framing",
    2: "pings and pongs",
    3: "reserved bits",
    4: "opcodes",
    5: "fragmentation",
    6: "UTF-8",
    7: "closing",
    9: "limits",
    10: "auto-fragmentation",
    12: "deflate, payloads",
    13: "deflate, parameters",
}
PASSING: Final = ("OK", "NON-STRICT", "INFORMATIONAL")
COLUMNS: Final = (*PASSING, "UNIMPLEMENTED", "FAILED")


class RunError(Exception):
    """The run itself broke: there is nothing to judge."""


class Result(TypedDict):
    """What the testsuite's index.json says of one case."""

    behavior: str
    behaviorClose: str
    remoteCloseCode: int | None
    reportfile: str


# Installing ---------------------------------------------------------------------------------


def install(runner: str) -> Path:
    """Return the runner's program, from PyPI unless an earlier run has installed it."""
    cache = Path(os.environ.get("WSPROTO_ASYNC_CACHE") or Path.home() / ".cache/wsproto-async")
    pins = HERE / f"{runner}.txt"
    recipe = hashlib.sha256(pins.read_bytes()).hexdigest()
    home = cache / runner
    program, stamp = home / "venv/bin" / runner, home / "recipe"
    if program.exists() and stamp.exists() and stamp.read_text() == recipe:
        return program
    print(f"installing {runner} into {home}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    pip = home / "venv/bin/pip"
    if runner == "kosoku":
        commands: list[list[str | Path]] = [[sys.executable, "-m", "venv", home / "venv"]]
    else:
        python2 = find_python2()
        if python2 is None:
            raise RunError("wstest needs a Python 2.7 with pip: name one by $PYTHON2")
        bootstrap = home / "bootstrap"
        virtualenv = f"import sys; sys.path[:0] = [{str(bootstrap)!r}]; "
        virtualenv += "import virtualenv; virtualenv.cli_run(sys.argv[1:])"
        commands = [  # 20.15.1 is the last virtualenv for Python 2.7
            [python2, "-m", "pip", "install", "--target", bootstrap, "virtualenv==20.15.1"],
            [
                python2,
                "-c",
                virtualenv,
                "--no-periodic-update",
                "--app-data",
                bootstrap / "data",
                home / "venv",
            ],
        ]
    commands.append([pip, "install", "-r", pins])
    log = home / "install.log"
    for command in commands:
        with log.open("ab") as output:
            if subprocess.run(command, stdout=output, stderr=output, check=False).returncode:
                raise RunError(f"could not install {runner}:\n{tail(log)}")
    shutil.rmtree(home / "bootstrap", ignore_errors=True)
    stamp.write_text(recipe)
    return program


def best_runner() -> str:
    """Return wstest if it is installed or can be, and otherwise kosoku."""
    try:
        install("wstest")
    except RunError as error:
        print(f"{error}\nso kosoku judges, which runs the same cases", flush=True)
        return "kosoku"
    return "wstest"


def find_python2() -> str | None:
    """Find a Python 2.7 that has pip. (A shim of pyenv may be there and not run.)"""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [os.environ.get("PYTHON2"), shutil.which("python2.7")]
    found += map(str, sorted(pyenv.glob("versions/2.7.*/bin/python2.7"), reverse=True))
    for python in filter(None, found):
        with contextlib.suppress(OSError):
            if not subprocess.run([python, "-c", "import pip"], capture_output=True).returncode:
                return python
    return None


# Running ------------------------------------------------------------------------------------


@contextlib.contextmanager
def running(command: Sequence[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in a process group of its own, and end that group on the way out."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
                break


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until something listens, for as long as the process lives and no longer than 30 s."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        time.sleep(0.05)
    raise RunError(f"nothing listens on port {port}:\n{tail(log)}")


def await_end(process: subprocess.Popen[bytes], log: Path, seconds: float, good: int = 0) -> None:
    """Wait until the process ends by itself with a status from 0 to ``good``."""
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise RunError(f"still running after {seconds:g} s:\n{tail(log)}") from None
    if not 0 <= status <= good:
        raise RunError(f"ended with status {status}:\n{tail(log)}")


def tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


def run(peer: Path, args: argparse.Namespace) -> dict[str, Result]:
    """Run the cases against one peer and return the results by case."""
    report: Path = args.report.resolve() / peer.stem
    shutil.rmtree(report, ignore_errors=True)
    report.mkdir(parents=True)
    port, program = free_port(), [sys.executable, str(peer)]
    runner_log, peer_log = report / "runner.log", report / "peer.log"
    if peer.name.startswith("server"):
        command = runner_command("fuzzingclient", port, report, args)
        loop = ["--loop", args.loop] if args.loop else []
        with running([*program, str(port), *loop], peer_log) as server:
            await_port(port, server, peer_log)
            with running(command, runner_log) as runner:
                await_end(runner, runner_log, args.timeout, good=args.runner == "kosoku")
            if server.poll() is not None:
                raise RunError(f"the server died:\n{tail(peer_log)}")
    else:
        command = runner_command("fuzzingserver", port, report, args)
        with running(command, runner_log) as runner:
            await_port(port, runner, runner_log)
            with running([*program, f"ws://{HOST}:{port}", peer.stem], peer_log) as client:
                await_end(client, peer_log, args.timeout)
            await_report(report, runner_log)
    return read_report(report)


def runner_command(
    mode: str, port: int, report: Path, args: argparse.Namespace
) -> list[str | Path]:
    program, cases = install(args.runner), args.cases.split(",")
    if args.runner == "kosoku":
        include = [word for case in cases for word in ("--include", case)]
        options = ["--mode", mode, "--outdir", str(report), "--parallelism", str(args.jobs)]
        return [program, *options, *include, f"{HOST}:{port}"]
    url = f"ws://{HOST}:{port}"
    spec = {
        "url": url,
        "servers": [{"url": url}],
        "outdir": str(report),
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (report / "spec.json").write_text(json.dumps(spec))
    return [program, "--mode", mode, "--webport", "0", "--spec", report / "spec.json"]


def await_report(report: Path, log: Path) -> None:
    """Wait for the report, which is written after the client's last visit."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(mark in log.read_text() for mark in ("wrote reports", "Report generation complete")):
            return
        time.sleep(0.05)
    raise RunError(f"no report: did the client visit /updateReports?\n{tail(log)}")


def read_report(report: Path) -> dict[str, Result]:
    try:
        agents: dict[str, dict[str, Result]] = json.loads((report / "index.json").read_text())
        (results,) = agents.values()
    except (OSError, ValueError) as error:
        raise RunError(f"no report of one agent in {report}: {error}") from None
    return results


# Judging ------------------------------------------------------------------------------------


@dataclass
class Tally:
    """Cases counted by verdict, and a line on each failure."""

    passed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {len(self.failures)} failed{skipped}"


def judge(peer: str, results: dict[str, Result], args: argparse.Namespace) -> Tally:
    """Print the table of one peer and count its verdicts."""
    tally, table = Tally(), {category: Counter[str]() for category in CATEGORIES}
    good = [word for word in PASSING if word != "NON-STRICT" or not args.strict]
    for case in sorted(results, key=lambda case: [int(part) for part in case.split(".")]):
        result = results[case]
        verdicts = {result["behavior"], result["behaviorClose"]}
        column = result["behavior"] if verdicts <= set(PASSING) else "FAILED"
        if result["behavior"] == "UNIMPLEMENTED":
            column = "UNIMPLEMENTED"
        if column in good:
            tally.passed += 1
        elif column == "UNIMPLEMENTED" and args.allow_unimplemented:
            tally.skipped += 1
        else:
            tally.failures.append(
                f"{peer} {case}: {result['behavior']}, close {result['behaviorClose']} with code "
                f"{result['remoteCloseCode']}, see {result['reportfile']}"
            )
        table[int(case.split(".")[0])][column] += 1
    if args.expected and len(results) != args.expected:
        tally.failures.append(f"{peer}: {len(results)} cases instead of {args.expected}")
    elif not results:
        tally.failures.append(f"{peer}: no case ran")

    print(f"\n{peer:24}" + "".join(f"{column:>15}" for column in COLUMNS))
    rows = {f"{n:>2} {CATEGORIES[n]}": counts for n, counts in table.items() if counts}
    rows["all"] = sum(table.values(), Counter())
    for title, counts in rows.items():
        print(f"{title:24}" + "".join(f"{counts[column]:>15}" for column in COLUMNS))
    return tally


# The command line ---------------------------------------------------------------------------


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("peers", nargs="*", metavar="PEER", help=f"{', '.join(PEERS)} (default: all), or a file")
    add("--set", choices=SETS, default="quick", help="default: quick, without limits and deflate")
    add("--cases", metavar="PATTERNS", help="instead of a set's, such as 1.*,7.1.6")
    add("--runner", choices=("kosoku", "wstest", "auto"), default="kosoku",
        help="auto: wstest where it can be had, else kosoku")  # fmt: skip
    add("--jobs", type=int, default=8, help="cases of a server at once (kosoku)")
    add("--loop", choices=("asyncio", "uvloop"), help="event loop of the servers")
    add("--strict", action="store_true", help="NON-STRICT fails")
    add("--allow-unimplemented", action="store_true", help="UNIMPLEMENTED is skipped")
    add("--report", type=Path, default=Path("build/conformance"), help="default: %(default)s")
    add("--timeout", type=float, default=3600, metavar="S", help="for each peer's run")
    args = parser.parse_args(argv)
    patterns, count = SETS[args.set]
    args.expected = 0 if args.cases else count
    args.cases = args.cases or patterns
    if args.runner == "auto":
        args.runner = best_runner()
    args.peers = [
        HERE / f"peers/{peer}.py" if peer in PEERS else Path(peer).resolve()
        for peer in args.peers or PEERS
    ]
    for peer in args.peers:
        if not peer.is_file() or not peer.name.startswith(("server", "client")):
            parser.error(f"{peer} is no file with a name like server_*.py or client_*.py")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    args = parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends too
    total, started = Tally(), time.monotonic()
    try:
        for peer in args.peers:
            total.add(judge(peer.stem, run(peer, args), args))
    except RunError as error:
        print(f"{peer.stem}, {args.runner}: {error}", file=sys.stderr)
        return 2
    for failure in total.failures:
        print(failure)
    print(f"\n{args.runner}, {time.monotonic() - started:.0f} s, reports in {args.report}")
    print(total)
    return bool(total.failures)


if __name__ == "__main__":
    sys.exit(main())
