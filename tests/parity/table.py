"""Autobahn's contract as a table: a row for each public item of the module that we re-implement.

``contract.csv`` has the items; the keywords of constructors and setters are rows as well, read off
their signatures. A row is shown to hold by the tests in ``tests/contract`` that name it:

    @covers("onOpen", "WebSocketServerProtocol.log")
    def test_something(...): ...

Such a test runs once for each row that it names, under that name. ``python -m tests.parity`` runs
them and prints the table.
"""

from __future__ import annotations

import ast
import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

__all__ = ["GUIDE", "ROWS", "Row", "anchors", "covers"]

HERE = Path(__file__).parent
GUIDE = HERE.parent.parent / "docs" / "porting.md"

THIS_PACKAGE = "<this package>"
"""Stands in a form for the name of whatever package implements the contract."""


@dataclass(frozen=True)
class Row:
    """An item of the contract.

    Attributes:
        kind: module, class, attribute, method, option or keyword.
        owner: the class, or for an option the list that it is in; "" for the module.
        name: of the item; "" for a class.
        form: the value of an attribute as a literal, or a signature without ``self``.
        expects: what has to hold.
        differs: what differs on purpose, as an anchor of the porting guide; "" for nothing.
    """

    kind: str
    owner: str
    name: str
    form: str
    expects: str
    differs: str

    @property
    def id(self) -> str:
        if self.kind == "keyword":
            method, _, keyword = self.name.partition("(")
            return f"{self.owner}.{method}({keyword}"
        return ".".join(part for part in (self.owner, self.name) if part)

    @property
    def value(self) -> Any:
        """The value of an attribute."""
        return ast.literal_eval(self.form)

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters and defaults of a signature; an ellipsis where there is no default."""
        return _parameters(self.form)


def _parameters(form: str) -> dict[str, Any]:
    function = ast.parse(f"def function{form}: ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    arguments = function.args
    defaults: list[Any] = [ast.literal_eval(default) for default in arguments.defaults]
    names = [argument.arg for argument in arguments.args]
    return dict(zip(names, [...] * (len(names) - len(defaults)) + defaults, strict=True))


SETTERS = ("setSessionParameters", "setProtocolOptions")
KEYWORDS_DIFFER = {"allowNullOrigin": "allownullorigin-stays-as-it-is"}


def _read() -> dict[str, Row]:
    with open(HERE / "contract.csv", encoding="utf-8", newline="") as file:
        rows = [
            Row(line["kind"], line["class"], line["name"], *(line[n] for n in _TEXTS))
            for line in csv.DictReader(file)
        ]
    options = {row.name: row for row in rows if row.kind == "option"}
    for row in list(rows):
        if row.form and (row.kind == "class" or row.name in SETTERS):
            rows += [
                Row(
                    "keyword",
                    row.owner,
                    f"{row.name or '__init__'}({keyword}=)",
                    repr(default),
                    options[keyword].expects if keyword in options else "is kept by the factory",
                    KEYWORDS_DIFFER.get(keyword, ""),
                )
                for keyword, default in row.parameters.items()
            ]
    table = {row.id: row for row in rows}
    assert len(table) == len(rows)
    return table


_TEXTS = ("form", "expects", "differs")

ROWS = _read()
"""All rows by their id: ``WebSocketProtocol.onOpen``, ``CONFIG_ATTRS_COMMON.failByDrop``, ..."""

_BY_NAME: dict[str, list[str]] = {}
for _row in ROWS.values():
    _BY_NAME.setdefault(_row.name, []).append(_row.id)


def covers(*names: str) -> pytest.MarkDecorator:
    """Mark a test as one that shows these rows to hold; it runs once for each.

    Args:
        names: ids of rows; without a class, the item of ``WebSocketProtocol``, or the only one.
    """
    return pytest.mark.parametrize("row", [_id(name) for name in names], indirect=True)


def _id(name: str) -> str:
    for known in (name, f"WebSocketProtocol.{name}"):
        if known in ROWS:
            return known
    found = _BY_NAME.get(name, [])
    if len(found) != 1:
        raise LookupError(f"{name} is not one row of the table: {found}")
    return found[0]


def anchors() -> dict[str, tuple[int, str]]:
    """The headings of the porting guide: anchor, and line number and text."""
    found = {}
    for number, line in enumerate(GUIDE.read_text(encoding="utf-8").splitlines(), start=1):
        if heading := re.fullmatch(r"#+ (.*)", line):
            text = heading[1].replace("`", "")
            anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found[anchor] = (number, text)
    return found
