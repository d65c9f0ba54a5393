"""What came out: from samples to figures, and into a JSON file and back."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from wsproto_async import __version__

from .scenarios import BASES

__all__ = ["Build", "Figures", "Results", "Sample", "Times", "environment", "summarize"]


@dataclass(frozen=True)
class Sample:
    """One round of one contender.

    Attributes:
        cost: CPU microseconds for each message; for memory, KiB for each connection.
        noise: share of the time in which it was ready to run, and waited for its core.
        load: share of the time in which the load generator was on its own core.
        octets: received by the load generator for each octet of payload; 0 where not counted.
    """

    cost: float
    noise: float = 0.0
    load: float = 0.0
    octets: float = 0.0


@dataclass(frozen=True)
class Figures:
    """All rounds of one contender in one scenario: medians.

    Attributes:
        skipped: why there are none.
        cost: as in :class:`Sample`; ``noise``, ``load``, ``octets`` as well.
        base: what the ratio refers to.
        ratio: the cost by that of the base in the same cycle.
        low: lower quartile of the ratio.
        high: upper quartile of the ratio.
        rounds: how many there were.
    """

    skipped: str = ""
    cost: float = 0.0
    noise: float = 0.0
    load: float = 0.0
    octets: float = 0.0
    base: str = ""
    ratio: float = 0.0
    low: float = 0.0
    high: float = 0.0
    rounds: int = 0


@dataclass(frozen=True)
class Times:
    """Nanoseconds a message takes within the protocol; see :mod:`.inprocess`."""

    size: int
    receive: float
    echo: float
    iterate: float
    send: float


@dataclass(frozen=True)
class Build:
    """What one build takes in the process.

    Attributes:
        times: for messages.
        connection: microseconds that a connection takes: opening and close handshake.
    """

    times: list[Times]
    connection: float

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls([Times(**row) for row in data["times"]], data["connection"])


def summarize(
    samples: Mapping[str, Mapping[int, Sample]], skipped: Mapping[str, str]
) -> dict[str, Figures]:
    """Figures of one scenario.

    Args:
        samples: contender -> cycle -> what was measured there.
        skipped: contender -> why it did not take part.
    """
    taking_part = [spec for spec in samples if samples[spec] and spec not in skipped]
    base = find_base(taking_part)
    figures = {}
    for spec in taking_part:
        mine, theirs = samples[spec], samples[base]
        ratios = [mine[cycle].cost / theirs[cycle].cost for cycle in mine if cycle in theirs]
        low, ratio, high = quartiles(ratios)
        figures[spec] = Figures(
            cost=statistics.median(sample.cost for sample in mine.values()),
            noise=statistics.median(sample.noise for sample in mine.values()),
            load=statistics.median(sample.load for sample in mine.values()),
            octets=statistics.median(sample.octets for sample in mine.values()),
            base=base,
            ratio=ratio,
            low=low,
            high=high,
            rounds=len(mine),
        )
    return figures | {spec: Figures(skipped=why) for spec, why in skipped.items()}


def find_base(specs: Sequence[str]) -> str:
    for name in BASES:
        for spec in specs:
            if spec.partition("@")[0] == name:
                return spec
    return specs[0] if specs else ""


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return (values[0],) * 3 if values else (0.0, 0.0, 0.0)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, median, high


PACKAGES = ("picows", "aiofastnet", "websockets", "aiohttp", "autobahn", "uvloop")


def environment(rounds: int, seconds: float) -> dict[str, str]:
    """When, where and with what things are measured."""
    versions = {"wsproto_async": __version__}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} "
        f"{'.'.join(platform.release().split('.')[:2])}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "rounds": f"{rounds} of {seconds:g} s",
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


@dataclass
class Results:
    """Everything that one run has found.

    Attributes:
        about: :func:`environment`.
        inprocess: ``compiled`` and ``plain Python``.
        scenarios: scenario -> contender -> figures.
    """

    about: dict[str, str] = field(default_factory=dict)
    inprocess: dict[str, Build] = field(default_factory=dict)
    scenarios: dict[str, dict[str, Figures]] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        data: dict[str, Any] = json.loads(path.read_text())
        return cls(
            data["about"],
            {build: Build.from_dict(each) for build, each in data["inprocess"].items()},
            {
                name: {spec: Figures(**figures) for spec, figures in contenders.items()}
                for name, contenders in data["scenarios"].items()
            },
        )
