"""Lines of the log: there is one for what is said, whatever a peer's part in it."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from wsproto_async.protocol.log import make_logger, say

TEXT = 'it\'s "x\\y"\r\nINFO \x1b[31m\x85\u2028\u202e\xe4\U0001f600'
SHOWN = r"""it's "x\y"\r\nINFO \x1b[31m\x85\u2028\u202e\xe4\U0001f600"""


@pytest.mark.parametrize("log", [make_logger(), logging.getLogger("theirs")])
def test_a_line_is_one(log: Any, caplog: pytest.LogCaptureFixture) -> None:
    say(log, "warn", TEXT)
    [record] = caplog.records
    assert record.getMessage() == SHOWN


def test_a_traceback_is_behind_it(caplog: pytest.LogCaptureFixture) -> None:
    say(make_logger(), "error", TEXT, KeyError("x"))
    first, *rest = caplog.records[0].getMessage().split("\n")
    assert first == SHOWN
    assert rest[-1] == "KeyError: 'x'"
