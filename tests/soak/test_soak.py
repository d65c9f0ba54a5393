"""A little of each soak."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..helpers import LOOPS
from .connects import Census, connects
from .faults import Report, faults


@pytest.mark.parametrize("loop", LOOPS)
def test_connections_need_no_collector(loop: str) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        first, *_, last = runner.run(connects(400, checks=4))
    assert last.connects == 400
    assert last.ours <= first.ours
    assert last.objects <= first.objects + 20 or loop == "asyncio"
    assert last.descriptors == first.descriptors


@pytest.mark.parametrize("loop", LOOPS)
def test_a_bad_network(loop: str) -> None:
    LOOPS[loop]().close()  # the first one may open what the process keeps
    before = Census.take(0)
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        report = runner.run(faults(1.0, 12, patience=3.0, seed=1))
    assert report.wrong == []
    assert report.connections["whole"] > 0
    assert report.connections.total() > report.connections["whole"]
    assert Census.take(0).descriptors == before.descriptors


@pytest.mark.parametrize("loop", LOOPS)
def test_a_bad_network_in_several_threads(loop: str) -> None:
    """Each with a loop of its own, and the interpreter going to and fro between them."""

    def run(seed: int) -> Report:
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            return runner.run(faults(0.5, 4, patience=3.0, seed=seed))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(3) as pool:
            reports = list(pool.map(run, range(3)))
    finally:
        sys.setswitchinterval(before)
    for report in reports:
        assert report.wrong == []
        assert report.connections["whole"] > 0
