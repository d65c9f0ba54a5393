"""The table is complete, and says where its differences are explained."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter

from tests import contract

from .table import ROWS, anchors


def rows_with_tests() -> set[str]:
    names: set[str] = set()
    for module in pkgutil.iter_modules(contract.__path__, "tests.contract."):
        if module.name.rpartition(".")[2].startswith("test_"):
            for function in vars(importlib.import_module(module.name)).values():
                for mark in getattr(function, "pytestmark", ()):
                    if mark.name == "parametrize" and mark.args[0] == "row":
                        names.update(mark.args[1])
    return names


def test_each_row_has_a_test() -> None:
    assert ROWS.keys() - rows_with_tests() == set()


def test_the_table_has_all_items() -> None:
    kinds = Counter(row.kind for row in ROWS.values())
    assert kinds == {
        "module": 1,
        "class": 6,
        "attribute": 49,
        "method": 85,
        "option": 34,
        "keyword": 65,
    }


def test_each_difference_has_a_line_in_the_porting_guide() -> None:
    assert {row.differs for row in ROWS.values() if row.differs} - anchors().keys() == set()
