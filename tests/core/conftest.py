"""What the tests of the core share."""

from __future__ import annotations

import pytest

from ..helpers import Recorder


@pytest.fixture(params=[True, False], ids=["server", "client"])
def side(request: pytest.FixtureRequest) -> Recorder:
    """Either side of an open connection; it fails with a close frame and reads on."""
    side = Recorder(request.param)
    side.connection.fail_by_drop = False
    return side
