"""The tools for tests, tested on asyncio and on uvloop."""

from tests.api.conftest import (
    _no_proxies,
    _nothing_is_left,
    certificates,
    pytest_asyncio_loop_factories,
)

__all__ = ["_no_proxies", "_nothing_is_left", "certificates", "pytest_asyncio_loop_factories"]
