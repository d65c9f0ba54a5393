"""Over real sockets, beside other libraries: what a server, or a client, uses for a message.

Contenders take turns: one round of each, then the next round of each, in another order. A ratio is
taken within such a cycle, so that it does not matter how fast the machine is just then, and the
median of all cycles is what is shown.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import resource
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Final, Protocol

from . import load
from .frames import traffic
from .process import CORES, Process, Skipped, Window, free_port, pin
from .results import Figures, Sample, summarize
from .scenarios import Scenario

__all__ = ["measure", "with_loop"]

FAULTS: Final = (load.LoadError, OSError, TimeoutError)
MEMORY_ROUNDS: Final = 3
SETTLE: Final = 0.3
"""Seconds for a server to begin what it does behind a handshake."""


class Subject(Protocol):
    """A contender that is running."""

    def sample(self, seconds: float) -> Sample: ...


@functools.cache
def with_loop(spec: str) -> str:
    """``NAME`` with the fastest loop that is installed; ``NAME@LOOP`` stays."""
    if "@" in spec:
        return spec
    return f"{spec}@uvloop" if importlib.util.find_spec("uvloop") else f"{spec}@asyncio"


def measure(
    scenario: Scenario, specs: Sequence[str], *, rounds: int, seconds: float
) -> dict[str, Figures]:
    """Measure one scenario.

    Args:
        scenario: which.
        specs: contenders, ``NAME`` or ``NAME@LOOP``.
        rounds: how often.
        seconds: how long a round is, besides running warm.

    Returns:
        Contender -> figures, or why there are none.
    """
    specs = [with_loop(spec) for spec in (*specs, *scenario.also)]
    samples: dict[str, dict[int, Sample]] = {spec: {} for spec in specs}
    skipped: dict[str, str] = {}
    with ExitStack() as stack, own_core():
        trust, certificate = stack.enter_context(credentials(scenario))
        live: dict[str, Subject] = {}
        for spec in samples:
            try:
                live[spec] = stack.enter_context(subject(spec, scenario, trust, certificate))
            except Skipped as why:
                skipped[spec] = str(why)
            except FAULTS as fault:
                skipped[spec] = f"failed: {fault}"
        for cycle in range(MEMORY_ROUNDS if scenario.kind == "memory" else rounds):
            order = [spec for spec in samples if spec in live]
            first = cycle % len(order) if order else 0
            for spec in order[first:] + order[:first]:
                try:
                    samples[spec][cycle] = live[spec].sample(seconds)
                except FAULTS as fault:
                    skipped[spec] = f"failed: {fault}"
                    del live[spec]
    return summarize(samples, skipped)


@contextmanager
def own_core() -> Iterator[None]:
    """Be on the core for the load meanwhile, with as many files as this process may have."""
    before, limits = os.sched_getaffinity(0), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    if CORES:
        pin(0, CORES[1])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@contextmanager
def credentials(scenario: Scenario) -> Iterator[tuple[ssl.SSLContext | None, str]]:
    """What a client trusts, and the file with the server's certificate and key."""
    if not scenario.tls:
        yield None, ""
        return
    import trustme

    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes())
        file.flush()
        yield trust, file.name


@contextmanager
def subject(
    spec: str, scenario: Scenario, trust: ssl.SSLContext | None, certificate: str
) -> Iterator[Subject]:
    made: RunningServer | RunningClient | MemoryOfServer
    if scenario.kind == "client":
        made = RunningClient(spec, scenario)
    elif scenario.kind == "memory":
        made = MemoryOfServer(spec, scenario)
    else:
        made = RunningServer(spec, scenario, trust, certificate)
    try:
        yield made
    finally:
        made.stop()


def is_raw(spec: str) -> bool:
    return spec.startswith("raw@")


def sample_of(window: Window) -> Sample:
    if not window.messages:
        raise load.LoadError("nothing was done in time")
    return Sample(
        cost=window.usage.cpu * 1e6 / window.messages,
        noise=window.usage.waited / window.seconds,
        load=window.own / window.seconds,
    )


class RunningServer:
    """A server, which gets new connections in each round."""

    def __init__(
        self,
        spec: str,
        scenario: Scenario,
        trust: ssl.SSLContext | None = None,
        certificate: str = "",
    ) -> None:
        self.raw = is_raw(spec)
        if self.raw and scenario.kind == "connect":
            raise Skipped("it knows no handshakes")
        self.scenario = scenario
        self.traffic = traffic(scenario, raw=self.raw)
        self.trust = trust
        self.port = free_port()
        arguments = ["--port", str(self.port)]
        arguments += ["--broadcast"] * (scenario.kind == "fanout")
        arguments += ["--deflate"] * scenario.deflate
        arguments += ["--certificate", certificate] if certificate else []
        self.process = Process(spec, *arguments)

    def sample(self, seconds: float) -> Sample:
        scenario = self.scenario
        if scenario.kind == "connect":
            window = Window(self.process.pid, seconds)
            load.connect(self.port, scenario.connections, window)
            return sample_of(window)
        with self.links() as links:
            if scenario.kind == "fanout":
                time.sleep(SETTLE)
                window = Window(self.process.pid, seconds)
                load.fanout(links, window)
                return sample_of(window)
            load.check(links)
            window = Window(self.process.pid, seconds)
            load.echo(links, scenario.depth, window)
            if not scenario.deflate:
                return sample_of(window)
            messages = sum(link.messages for link in links)
            octets = sum(link.octets for link in links)
            return replace(sample_of(window), octets=octets / messages / scenario.size)

    def links(self) -> AbstractContextManager[list[load.Link]]:
        return load.open_links(
            self.port,
            self.traffic,
            count=self.scenario.connections,
            depth=self.scenario.depth,
            raw=self.raw,
            trust=self.trust,
        )

    def stop(self) -> None:
        self.process.stop()


class MemoryOfServer:
    """How much a server grows by connections; a new one in each round."""

    def __init__(self, spec: str, scenario: Scenario) -> None:
        self.spec = spec
        self.scenario = scenario
        RunningServer(spec, scenario).stop()  # is it there?

    def sample(self, seconds: float) -> Sample:
        server = RunningServer(self.spec, self.scenario)
        try:
            before = server.process.rss()
            with server.links() as links:
                if self.scenario.depth:
                    load.check(links)
                time.sleep(SETTLE)
                grown = server.process.rss() - before
            return Sample(grown / 1024 / self.scenario.connections)
        finally:
            server.stop()

    def stop(self) -> None:
        pass


class RunningClient:
    """A client, which connects once, and echoes."""

    def __init__(self, spec: str, scenario: Scenario) -> None:
        raw = is_raw(spec)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = str(listener.getsockname()[1])
            self.process = Process(spec, "--client", "--port", port)
            try:
                self.link = load.accept_client(listener, traffic(scenario, raw=raw), raw=raw)
                load.check([self.link])
            except FAULTS:
                self.process.stop()
                raise

    def sample(self, seconds: float) -> Sample:
        window = Window(self.process.pid, seconds)
        load.echo([self.link], 1, window)
        return sample_of(window)

    def stop(self) -> None:
        self.process.stop()
        self.link.sock.close()
