"""What depends on what, and how large things may be: read off the sources, nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from wsproto_async._native import COMPILED

PACKAGE = Path(__file__).parents[1] / "wsproto_async"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

FLOORS = (
    {"constants", "errors", "types", "close_info", "stats", "util", "utf8", "masking", "version"}
    | {"exception", "interfaces", "options"},
    {"_native"},
    {"core", "compress"},
    {"protocol", "observable"},
    {"factory"},
    {"api"},
    {"testing", "compat"},
)
"""Imports go down, or stay on a floor."""

CORE_MAY_IMPORT = {"core", "_native", "constants", "errors", "types"}
"""Options are not among it: they are pydantic's, and the core is without dependencies."""

UPWARD = {("protocol/__init__.py", "factory")}
"""Where Autobahn's users import their factories from."""

MOST_LINES = 470
LONG = {"core/reader.py": 530}
"""A state machine is read in one piece."""

MOST_FUNCTION_LINES = 65
"""Lines of a function, its docstring left out."""

CONTRACT = ("protocol/", "factory/", "options/legacy.py", "stats.py", "interfaces.py")
CONTRACT_NAMES = {"parseHttpHeader"}
"""Autobahn's names: camelCase lives here, and in what overrides it."""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def package_of(name: str) -> str:
    return name.partition("/")[0].removesuffix(".py")


def floor_of(package: str) -> int:
    [floor] = [i for i, packages in enumerate(FLOORS) if package in packages]
    return floor


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def nodes_at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those behind ``if TYPE_CHECKING:``."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING"):
            yield from nodes_at_run_time(child)


def own_imports(path: Path) -> set[str]:
    """The packages, or modules beside them, of this package that a module needs when it runs."""
    found: set[str] = set()
    for node in nodes_at_run_time(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = list(path.relative_to(PACKAGE).parent.parts)
            above = above[: len(above) - node.level + 1]
            if above or node.module:
                found.add([*above, *(node.module or "").split(".")][0])
            else:
                found.update(alias.name for alias in node.names)
    return found


def foreign_imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    lines = 0 if not body else (function.end_lineno or 0) - body[0].lineno + 1
    return lines + first.lineno - function.lineno


modules = pytest.mark.parametrize("path", MODULES, ids=name_of)


@modules
def test_imports_go_down(path: Path) -> None:
    name = name_of(path)
    if name == "__init__.py":
        return  # the public names of all floors
    package = package_of(name)
    upward = {to for to in own_imports(path) if floor_of(to) > floor_of(package)}
    assert upward <= {to for where, to in UPWARD if where == name}
    if package == "core":
        assert own_imports(path) <= CORE_MAY_IMPORT


@modules
def test_the_core_knows_no_loop_no_clock_and_no_log(path: Path) -> None:
    name = name_of(path)
    if package_of(name) in ("core", "_native") and name != "_native/build.py":
        heavy = {"asyncio", "time", "logging", "pydantic", "txaio", "socket", "ssl", "threading"}
        assert not foreign_imports(path) & heavy


@modules
def test_nothing_is_too_large(path: Path) -> None:
    name = name_of(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONG.get(name, MOST_LINES)
    long = [each.name for each in functions(path) if length(each) > MOST_FUNCTION_LINES]
    assert long == []


def is_camel(name: str) -> bool:
    return not name.startswith("__") and name.lower() != name


@cache
def contract_names() -> set[str]:
    contract = [path for path in MODULES if name_of(path).startswith(CONTRACT)]
    return CONTRACT_NAMES.union(each.name for path in contract for each in functions(path))


@modules
def test_camel_case_lives_where_the_contract_does(path: Path) -> None:
    if not name_of(path).startswith(CONTRACT):
        own = {each.name for each in functions(path) if is_camel(each.name)}
        assert own <= contract_names()


def test_what_is_compiled_is_there_and_typed() -> None:
    for module in COMPILED:
        path = PACKAGE.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists()
        assert path.with_suffix(".pxd").exists()


@modules
def test_annotations_are_not_evaluated(path: Path) -> None:
    """Except where pydantic has to, and where there are none."""
    tree = tree_of(path)
    annotated = any(isinstance(node, ast.arg | ast.AnnAssign) for node in ast.walk(tree))
    if annotated and package_of(name_of(path)) != "options":
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        assert imports
        assert imports[0].module == "__future__"
