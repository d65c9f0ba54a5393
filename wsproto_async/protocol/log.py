"""Saying what happened, wherever the ``log`` attribute points.

``log`` of protocols and factories is a txaio logger, as in Autobahn, and may be replaced by
anything that logs: another txaio logger, or one of :mod:`logging`.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any

from txaio import aio

__all__ = ["make_logger", "say"]

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}


NAME = "wsproto_async"
"""The logger of :mod:`logging` that everything goes to, but for the access log."""


def make_logger() -> Any:
    """The logger that classes start with: txaio's, on top of the one of ``logging``.

    By itself txaio names it after the place of this call, and drops debug lines, whatever the level
    of ``logging``, until its own ``set_global_log_level`` says otherwise. That may still set it.
    """
    logger = aio.make_logger()
    logger._logger = logging.getLogger(NAME)
    logger._set_log_level("debug")
    return logger


def say(log: Any, level: str, text: str, error: BaseException | None = None) -> None:
    """Log a line, with the traceback of an error if there is one.

    Args:
        log: a txaio logger or one of :mod:`logging`.
        level: ``"debug"``, ``"info"``, ``"warn"`` or ``"error"``.
        text: the line; line ends and all else that is not printable ASCII are escaped, since
            part of it may be a peer's.
        error: its traceback follows.
    """
    text = one_line(text)
    if isinstance(log, (logging.Logger, logging.LoggerAdapter)):
        log.log(LEVELS[level], "%s", text, exc_info=error)
        return
    if error is not None:
        text += "\n" + "".join(traceback.format_exception(error)).rstrip()
    getattr(log, level)("{text}", text=text)


def one_line(text: str) -> str:
    """The text in printable ASCII."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if " " <= each <= "~" else ascii(each)[1:-1] for each in text)
