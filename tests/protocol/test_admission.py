"""How many connections and handshakes an address may have."""

from __future__ import annotations

import pytest

from wsproto_async import ServerOptions
from wsproto_async.protocol import admission as admission_module
from wsproto_async.protocol.admission import Admission, address_of


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("x" * 100, "x" * 64),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(host: str, address: str) -> None:
    assert address_of(host) == address


def test_connections() -> None:
    admission, options = Admission(), ServerOptions(max_connections_per_ip=2)
    assert admission.enter("a", options) is None
    assert admission.enter("a", options) is None
    assert admission.enter("b", options) is None
    assert admission.enter("a", options) == ("too many connections from this address", ())
    admission.leave("a")
    admission.leave("a")  # one of those that could stay
    assert admission.enter("a", options) is None
    for address in "aab":
        admission.leave(address)
    assert admission.connections == {}
    assert admission.handshakes == {}


def test_handshakes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    admission, options = Admission(), ServerOptions(max_handshakes_per_minute=2)
    too_many = "too many handshakes from this address", (("Retry-After", "30"),)
    for refusal in (None, None, too_many):
        assert admission.enter("a", options) == refusal
        admission.leave("a")
    now += 29.5
    assert admission.enter("a", options) == (too_many[0], (("Retry-After", "1"),))
    now += 1
    assert admission.enter("a", options) is None
    assert admission.enter("b", options) is None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission_module, "MOST_ADDRESSES", 3)
    admission, options = Admission(), ServerOptions(max_handshakes_per_minute=1)
    for address in "abcad":
        admission.enter(address, options)
        admission.leave(address)
    assert list(admission.handshakes) == ["c", "a", "d"]
    assert admission.connections == {}
