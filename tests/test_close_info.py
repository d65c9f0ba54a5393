from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import pytest

from wsproto_async.errors import ConnectionClosedError
from wsproto_async.types import CloseInfo


@pytest.mark.parametrize(
    ("info", "text"),
    [
        (
            CloseInfo(1001, "bye", True, "peer", 1001, "bye", 1000, ""),
            "the peer closed the connection with 1001 (going away) 'bye'",
        ),
        (
            CloseInfo(1005, "", True, "peer", 1005, None, 1000, None),
            "the peer closed the connection without a code",
        ),
        (
            CloseInfo(4001, "", True, "peer", 4001, ""),
            "the peer closed the connection with 4001",
        ),
        (
            CloseInfo(1000, "", True, "local", 1000, "", 1000, "done"),
            "we closed the connection with 1000 (normal) 'done'; "
            "the peer answered with 1000 (normal)",
        ),
        (
            CloseInfo(1000, "", True, "local", 1000, "", None, None),
            "we closed the connection without a code; the peer answered with 1000 (normal)",
        ),
        (
            CloseInfo(1006, "bad RSV", False, "local", None, None, 1002, "bad RSV"),
            "we closed the connection with 1002 (protocol error) 'bad RSV'; "
            "the peer did not answer",
        ),
        (
            CloseInfo(1006, "ping timeout", False, "local"),
            "we dropped the connection: 'ping timeout'",
        ),
        (
            CloseInfo(1006, "", False, "network", cause=ConnectionResetError("gone\nforged")),
            r"the connection was lost (ConnectionResetError: 'gone\nforged')",
        ),
        (
            CloseInfo(1006, "x" * 201, False, "network"),
            f"the connection was lost: '{'x' * 200}...'",
        ),
    ],
)
def test_says_who_what_and_why_in_one_line(info: CloseInfo, text: str) -> None:
    assert str(info) == text
    error = ConnectionClosedError(info)
    assert str(error) == text
    assert repr(error) == f"ConnectionClosedError({text!r})"


def test_is_a_frozen_value() -> None:
    info = CloseInfo(1000, "", True, "peer")
    assert info == CloseInfo(1000, "", True, "peer")
    with pytest.raises(FrozenInstanceError):
        info.code = 1001  # type: ignore[misc]


def test_goes_to_another_process_with_its_error() -> None:
    error = ConnectionClosedError(CloseInfo(4001, "bye", True, "peer", 4001, "bye"))
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is ConnectionClosedError
    assert (str(there), there.close_info) == (str(error), error.close_info)
