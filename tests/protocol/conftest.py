"""Fixtures of the tests of the machinery."""

from __future__ import annotations

from ..contract.conftest import lab

__all__ = ["lab"]
