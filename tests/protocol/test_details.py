"""What is found out about a transport."""

from __future__ import annotations

import asyncio

import pytest

from wsproto_async.protocol.details import peer_of


class Process(asyncio.Transport):
    """The pipes to a program."""

    def get_pid(self) -> int:
        return 4711


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        (("192.0.2.1", 9000), "tcp4:192.0.2.1:9000"),
        (("2001:db8::1", 9000, 0, 0), "tcp6:2001:db8::1:9000"),
        ("/run/socket", "unix:/run/socket"),
        (b"/run/socket", "unix:/run/socket"),
        (("a", "tuple", "of three"), "?:('a', 'tuple', 'of three')"),
        (None, "?:None"),
    ],
)
def test_peers(name: object, peer: str) -> None:
    assert peer_of(asyncio.Transport({"peername": name})) == peer


def test_a_process() -> None:
    assert peer_of(Process()) == "process:4711"
