"""What is left to the loop: the checks at run time are in test_connect.py and test_serve.py."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, get_type_hints

import pytest

from wsproto_async import connect, serve, serve_factory
from wsproto_async.api.keywords import ClientKeywords, ServerKeywords

LEFT_TO_THE_LOOP = [
    (connect, ClientKeywords, "create_connection"),
    (connect, ClientKeywords, "create_unix_connection"),
    (serve, ServerKeywords, "create_server"),
    (serve, ServerKeywords, "create_unix_server"),
    (serve_factory, ServerKeywords, "create_server"),
]


@pytest.mark.parametrize(("function", "keywords", "method"), LEFT_TO_THE_LOOP)
def test_type_checkers_know_all_that_the_loop_takes(
    function: Any, keywords: type[Any], method: str
) -> None:
    ours = {*inspect.signature(function).parameters, "self", "protocol_factory"}
    taken = set(inspect.signature(getattr(asyncio.BaseEventLoop, method)).parameters)
    assert taken - ours <= get_type_hints(keywords).keys()
