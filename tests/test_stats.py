from __future__ import annotations

import json

import pytest

from wsproto_async.stats import Timings, TrafficStats

COUNTERS = [
    "preopenOutgoingOctetsWireLevel",
    "preopenIncomingOctetsWireLevel",
    *(
        way + what
        for way in ("outgoing", "incoming")
        for what in (
            "OctetsWireLevel",
            "OctetsWebSocketLevel",
            "OctetsAppLevel",
            "WebSocketFrames",
            "WebSocketMessages",
        )
    ),
]
RATIOS = [
    way + what
    for way in ("outgoing", "incoming")
    for what in ("CompressionRatio", "WebSocketOverhead")
]


def test_counters_start_at_zero_and_can_be_reset() -> None:
    stats = TrafficStats()
    for name in COUNTERS:
        assert getattr(stats, name) == 0
        setattr(stats, name, 1)
    stats.reset()
    assert [getattr(stats, name) for name in COUNTERS] == [0] * 12


def test_json_has_16_keys() -> None:
    values = TrafficStats().__json__()
    assert values.keys() == {*COUNTERS, *RATIOS}
    assert [values[name] for name in RATIOS] == [None] * 4


@pytest.mark.parametrize("way", ["outgoing", "incoming"])
def test_ratios(way: str) -> None:
    stats = TrafficStats()
    setattr(stats, f"{way}OctetsWireLevel", 60)
    setattr(stats, f"{way}OctetsWebSocketLevel", 50)
    setattr(stats, f"{way}OctetsAppLevel", 100)
    values = json.loads(str(stats))
    assert values[f"{way}CompressionRatio"] == 0.5
    assert values[f"{way}WebSocketOverhead"] == 0.2
    assert values[f"{way}OctetsWireLevel"] == 60
    assert sum(value is None for value in values.values()) == 2


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_timings() -> None:
    clock = Clock()
    timings = Timings(clock)
    for key, now in (("a", 100.0), ("b", 100.5), ("b", 101.5)):
        clock.now = now
        timings.track(key)
    assert list(timings) == ["a", "b"]
    assert (timings["a"], timings["b"], timings["c"]) == (0.0, 1.5, None)
    assert timings.diff("a", "b", formatted=False) == 1.5
    assert timings.diff("a", "c", formatted=False) is None
    assert timings.diff("c", "b", formatted=False) is None
    assert str(timings) == "{'a': 0.0, 'b': 1.5}"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.02, "   20 ms"),
        (0.0, "    0 ns"),
        (4e-6, " 4000 ns"),
        (10e-6, "   10 us"),
        (9e-3, " 9000 us"),
        (10e-3, "   10 ms"),
        (9.99, " 9990 ms"),
        (10.0, "    10 s"),
        (12.3, "    12 s"),
        (-0.02, "  -20 ms"),
    ],
)
def test_differences_for_humans(seconds: float, text: str) -> None:
    clock = Clock()
    clock.now = 0.0
    timings = Timings(clock)
    timings.track("start")
    clock.now = seconds
    timings.track("end")
    assert timings.diff("start", "end") == text
    assert timings.diff("start", "nothing") == "    n.a."


def test_timings_use_a_real_clock() -> None:
    timings = Timings()
    timings.track("a")
    timings.track("b")
    first, second = timings["a"], timings["b"]
    assert first is not None
    assert second is not None
    assert 0 <= first <= second < 60
