"""The token bucket."""

from __future__ import annotations

from wsproto_async.protocol.bucket import TokenBucket


def test_a_burst_and_then_the_rate() -> None:
    bucket = TokenBucket(3, 2, 100.0)
    assert [bucket.take_one(100.0) for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    assert bucket.take_one(100.25) == 0.25
    assert bucket.take_one(100.5) == 0
    assert bucket.take_one(100.5) == 0.5


def test_it_holds_no_more_than_its_size() -> None:
    bucket = TokenBucket(2, 1, 0.0)
    assert [bucket.take_one(1000.0) for _ in range(3)] == [0, 0, 1]


def test_debts() -> None:
    bucket = TokenBucket(10, 10, 0.0)
    assert bucket.take(10, 0.0) == 0
    assert bucket.take(5, 0.0) == 0.5
    assert bucket.take(0, 0.25) == 0.25
    assert bucket.take(5, 0.5) == 0.5
    assert bucket.take(0, 100.0) == 0
    assert bucket.level == 10
