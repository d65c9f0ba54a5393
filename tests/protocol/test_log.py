"""Where log lines go."""

from __future__ import annotations

import logging

import pytest
from txaio import aio

from wsproto_async import WebSocketServerProtocol
from wsproto_async.protocol.log import make_logger, say


def test_lines_go_to_the_logger_of_the_package(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        say(WebSocketServerProtocol.log, "info", "a line")
    assert caplog.record_tuples == [("wsproto_async", logging.INFO, "a line")]


def test_the_level_of_logging_counts(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as nobody tells txaio otherwise."""
    log = make_logger()
    with caplog.at_level(logging.DEBUG, "wsproto_async"):
        say(log, "debug", "a detail")
        assert caplog.messages == ["a detail"]
        monkeypatch.setattr(aio, "_log_level", aio.get_global_log_level())  # is put back
        aio.set_global_log_level("info")
        say(log, "debug", "another one")
        aio.set_global_log_level("debug")
    assert caplog.messages == ["a detail"]
