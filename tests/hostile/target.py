"""What is attacked: a process, what is known of it from outside, and its log."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
STRICT = bool(os.environ.get("HOSTILE"))
"""``make hostile``: no second chance for whoever was slow."""


class Harm(NamedTuple):
    """What an attack did to the process."""

    memory: int
    """Octets that its memory grew by at most."""
    cpu: float
    """Seconds of CPU it took."""
    files: int
    """Descriptors that were left open."""
    wait: float
    """Seconds that another client waited at most."""


class Process:
    """A Python process of this project that is told what to do by lines of JSON.

    Args:
        module: its main module.
        arguments: of its command line.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self.log_file = tempfile.NamedTemporaryFile(prefix="hostile-", suffix=".log")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log_file,
            text=True,
        )
        self.proc = Path(f"/proc/{self.process.pid}")
        self.seen = 0

    def tell(self, order: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, Path(self.log_file.name).read_text()
        return json.loads(line)

    def end(self) -> str:
        """End it; what it has not been asked about of its log."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            raise
        finally:
            assert self.process.stdout is not None
            self.process.stdout.close()
        rest = self.log()
        self.log_file.close()
        return rest

    # --- what is known of it ---

    def log(self) -> str:
        """What it has logged since the last time."""
        with Path(self.log_file.name).open("rb") as file:
            file.seek(self.seen)
            octets = file.read()
        self.seen += len(octets)
        return octets.decode()

    def memory(self, name: str) -> int:
        """``VmRSS``, or ``VmHWM``, the most it was."""
        text = (self.proc / "status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024

    def forget_peak(self) -> None:
        (self.proc / "clear_refs").write_text("5")

    def cpu(self) -> float:
        fields = (self.proc / "stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def files(self) -> int:
        return len(os.listdir(self.proc / "fd"))


class Server(Process):
    """``tests.hostile.served`` while it runs.

    Args:
        loop, certificate, more: its arguments.

    Attributes:
        ports: by the names that it gives them.
    """

    def __init__(self, loop: str, certificate: str, *more: str) -> None:
        super().__init__("tests.hostile.served", loop, certificate, *more)
        self.loop = loop
        self.ports: dict[str, int] = self.hear()

    def connect(self, port: str, timeout: float = 10, *, small: bool = False) -> socket.socket:
        """A connection of TCP; a ``small`` one does not take much that is not read."""
        sock = socket.socket()
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(timeout)
        sock.connect(("127.0.0.1", self.ports[port]))
        return sock

    def clean_log(self) -> str:
        """What it has logged since the last time, which must be harmless."""
        text = self.log()
        check_log(text)
        return text

    @contextmanager
    def watched(self) -> Iterator[Callable[[], Harm]]:
        """Watch it, from a second client, too; call what you are given at the end."""
        files, before, cpu = self.files(), self.memory("VmRSS"), self.cpu()
        self.forget_peak()
        with Bystander(self) as bystander:

            def harm() -> Harm:
                wait = bystander.stop()
                memory = self.memory("VmHWM") - before
                deadline = time.monotonic() + 20  # plain Python may have megabytes left to read
                while self.files() > files and time.monotonic() < deadline:
                    time.sleep(0.01)
                return Harm(memory, self.cpu() - cpu, self.files() - files, wait)

            yield harm


def check_raw(text: str) -> None:
    """No traceback, and nothing raw of a peer's."""
    assert "Traceback" not in text, text
    assert text.replace("\n", "").isprintable(), ascii(text)
    assert text.isascii(), ascii(text)


def check_log(text: str) -> None:
    """Neither; and not more than a line for each connection."""
    check_raw(text)
    peers = re.findall(r"^\w+ (tcp4:[\d.]+:\d+|\S+): ", text, re.MULTILINE)
    again = len(peers) - len(set(peers))
    assert again <= len(peers) // 20, text  # of hundreds, some have the port of one before
    assert len(peers) == text.count("\n"), text


class Bystander:
    """Another client of the server, which asks again and again and notes how long it waits."""

    REQUEST = b"\x81\x81\0\0\0\0x"

    def __init__(self, server: Server) -> None:
        from .attack import upgraded

        self.sock = upgraded(server, "handler", keep_reader=False).sock
        self.longest = 0.0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        while not self.stopped.wait(0.005):
            begin = time.monotonic()
            self.sock.sendall(self.REQUEST)
            assert self.sock.recv(3) == b"\x81\x01x"
            self.longest = max(self.longest, time.monotonic() - begin)

    def stop(self) -> float:
        """The longest wait; the one that is going on counts."""
        self.stopped.set()
        self.thread.join(20)
        self.sock.close()
        return self.longest

    def __enter__(self) -> Bystander:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.thread.join(20)
        self.sock.close()
