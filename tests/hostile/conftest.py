"""Fixtures: one process that is attacked, for each loop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.helpers import LOOPS

from .target import Server, check_log


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate for localhost, in one file."""
    path = tmp_path_factory.mktemp("hostile") / "localhost.pem"
    trustme.CA().issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(path)
    )
    return path


@pytest.fixture(scope="session", params=LOOPS)
def server(request: pytest.FixtureRequest, certificate: Path) -> Iterator[Server]:
    """The server; the log that a test did not look at is looked at here."""
    server = Server(request.param, str(certificate))
    yield server
    check_log(server.end())
