"""What depends on what, and how large things may be: read off the sources, nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from wsproto_async._native import COMPILED

PACKAGE = Path(__file__).parents[1] / "wsproto_async"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

FLOORS = (
    {"constants", "errors", "types", "close_info", "stats", "util", "utf8", "masking", "version"}
    | {"exception", "interfaces", "options"},
    {"_native"},
    {"core", "compress", "deflate"},
    {"protocol", "observable"},
    {"factory"},
    {"api"},
    {"testing", "compat", "cli", "__main__"},
)
"""Imports go down, or stay on a floor."""

CORE_MAY_IMPORT = {"core", "_native", "constants", "errors", "types"}
"""Options are not among it: they are pydantic's, and the core is without dependencies."""

UPWARD = {("protocol/__init__.py", "factory")}
"""Where Autobahn's users import their factories from."""

MOST_LINES = 410
MOST_FUNCTION_LINES = 65
"""Lines of a function, its docstring left out."""

CONTRACT = (
    "protocol/",
    "factory/",
    "options/legacy.py",
    "stats.py",
    "interfaces.py",
    "api/reconnecting.py",
)
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


def test_imports_go_down() -> None:
    upward = {
        (name_of(path), to)
        for path in MODULES
        for to in own_imports(path)
        if name_of(path) != "__init__.py"  # the public names of all floors
        and floor_of(to) > floor_of(package_of(name_of(path)))
    }
    assert upward <= UPWARD


def test_the_core_needs_little() -> None:
    core = [path for path in MODULES if package_of(name_of(path)) == "core"]
    assert {name_of(path): own_imports(path) - CORE_MAY_IMPORT for path in core} == {
        name_of(path): set() for path in core
    }


def test_the_core_knows_no_loop_no_clock_and_no_log() -> None:
    heavy = {"asyncio", "time", "logging", "pydantic", "txaio", "socket", "ssl", "threading"}
    for path in MODULES:
        name = name_of(path)
        if package_of(name) in ("core", "_native") and name != "_native/build.py":
            assert not foreign_imports(path) & heavy, name


def test_nothing_is_too_large() -> None:
    for path in MODULES:
        name = name_of(path)
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= MOST_LINES, name
        long = [each.name for each in functions(path) if length(each) > MOST_FUNCTION_LINES]
        assert long == [], name


def is_camel(name: str) -> bool:
    return not name.startswith("__") and name.lower() != name


def test_camel_case_lives_where_the_contract_does() -> None:
    contract = [path for path in MODULES if name_of(path).startswith(CONTRACT)]
    names = CONTRACT_NAMES.union(each.name for path in contract for each in functions(path))
    for path in MODULES:
        if path not in contract:
            own = {each.name for each in functions(path) if is_camel(each.name)}
            assert own <= names, name_of(path)


def test_what_is_compiled_is_there() -> None:
    compiled = [PACKAGE.joinpath(*module.split(".")) for module in COMPILED]
    for path in compiled:
        assert path.with_suffix(".py").exists(), path
    typed = {path.with_suffix("") for path in PACKAGE.rglob("*.pxd")}
    assert typed <= set(compiled)


def test_annotations_are_not_evaluated() -> None:
    """Except where pydantic has to, and where there are none."""
    for path in MODULES:
        tree = tree_of(path)
        annotated = any(isinstance(node, ast.arg | ast.AnnAssign) for node in ast.walk(tree))
        if annotated and package_of(name_of(path)) != "options":
            imports = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
            assert imports[:1] == ["__future__"], name_of(path)
