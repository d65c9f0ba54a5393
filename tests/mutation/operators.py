"""The changes: each mutant differs from its module in one place of the syntax tree."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

__all__ = ["Mutant", "mutants_of"]

_OTHERS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.FloorDiv,),
    ast.FloorDiv: (ast.Mult,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
_DELETED = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Return, ast.Break, ast.Continue)
_SKIPPED = (ast.JoinedStr, ast.Assert, ast.Import, ast.ImportFrom)
_NO_BEHAVIOUR = ("annotation", "returns", "decorator_list")
_LISTS_OF_NAMES = ("__all__", "__slots__")


@dataclass
class Mutant:
    """A change of one place.

    Attributes:
        name: function or class it is in, and the statement as it is now: enough to know it again.
        lines: where it is; a test that comes by none of these does not notice it.
    """

    name: str
    lines: range
    tree: ast.Module
    holder: Any
    slot: Any
    old: ast.AST
    new: ast.AST

    def compiled(self, path: str) -> CodeType:
        """The code of the changed module."""
        _put(self.holder, self.slot, self.new)
        try:
            return compile(ast.fix_missing_locations(self.tree), path, "exec", dont_inherit=True)
        finally:
            _put(self.holder, self.slot, self.old)


def mutants_of(source: str) -> Iterator[Mutant]:
    """All mutants of a module."""
    tree = ast.parse(source)
    return _walk(tree, tree, "", tree)


def _walk(tree: ast.Module, node: ast.AST, scope: str, statement: ast.AST) -> Iterator[Mutant]:
    for holder, slot, child in _children(node):
        here = child if isinstance(child, ast.stmt) else statement
        for new in _variants(node, child):
            name = f"{scope}: {_change(here, holder, slot, child, new)}".removeprefix(": ")
            lines = range(here.lineno, child.end_lineno + 1)  # type: ignore[attr-defined]
            yield Mutant(name, lines, tree, holder, slot, child, new)
        deeper = scope
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            deeper = f"{scope}.{child.name}".removeprefix(".")
        yield from _walk(tree, child, deeper, here)


def _children(node: ast.AST) -> Iterator[tuple[Any, Any, ast.AST]]:
    for field, value in ast.iter_fields(node):
        if field in _NO_BEHAVIOUR:
            continue
        places = enumerate(value) if isinstance(value, list) else [(field, value)]
        for slot, child in places:
            if isinstance(child, ast.AST) and not _is_skipped(child):
                yield value if isinstance(value, list) else node, slot, child


def _is_skipped(node: ast.AST) -> bool:
    """Imports, texts for people, and what is there for type checkers."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        name = ast.unparse(node.targets[0])
        return name in _LISTS_OF_NAMES or (name.istitle() and isinstance(node.value, ast.BinOp))
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, _SKIPPED)


def _put(holder: Any, slot: Any, node: ast.AST) -> None:
    if isinstance(holder, list):
        holder[slot] = node
    else:
        setattr(holder, slot, node)


def _change(statement: ast.AST, holder: Any, slot: Any, old: ast.AST, new: ast.AST) -> str:
    """The changed statement; one that is not there any more, and what came for it."""
    if old is statement:
        return f"{_text(old)} -> {_text(new)}"
    _put(holder, slot, new)
    after = _text(statement)
    _put(holder, slot, old)
    return after


def _text(statement: ast.AST) -> str:
    """One line; of a statement with others in it only its head."""
    if hasattr(statement, "body"):
        statement = copy.copy(statement)
        for field in ("body", "orelse", "handlers", "finalbody"):
            if hasattr(statement, field):
                setattr(statement, field, [])
    return " ".join(ast.unparse(statement).split())


def _variants(parent: ast.AST, node: ast.AST) -> Iterator[ast.AST]:
    """What comes in place of a node."""
    if isinstance(node, _DELETED):
        yield ast.Pass()
    if isinstance(node, ast.Return) and not _is_false(node.value):
        yield ast.Return(None)
    if isinstance(node, ast.AugAssign | ast.BinOp | ast.BoolOp):
        for other in _OTHERS.get(type(node.op), ()):
            yield _with(node, op=other())
    if isinstance(node, ast.BoolOp):
        for i in range(len(node.values)):
            rest = node.values[:i] + node.values[i + 1 :]
            yield _with(node, values=rest) if len(rest) > 1 else rest[0]
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            for other in _OTHERS[type(op)]:
                yield _with(node, ops=[*node.ops[:i], other(), *node.ops[i + 1 :]])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    if isinstance(node, ast.Slice):
        if node.lower:
            yield _with(node, lower=None)
        if node.upper:
            yield _with(node, upper=None)
    if _is_condition(parent, node):
        yield ast.Constant(False)
        if not isinstance(parent, ast.While):
            yield ast.Constant(True)
    if isinstance(node, ast.Constant):
        yield from map(ast.Constant, _other_values(node.value))


def _with(node: Any, **fields: Any) -> Any:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _is_condition(parent: ast.AST, node: ast.AST) -> bool:
    return node is getattr(parent, "test", None) or node in getattr(parent, "ifs", ())


def _is_false(value: ast.expr | None) -> bool:
    """To return None is hardly another answer then."""
    return value is None or (isinstance(value, ast.Constant) and not value.value)


def _other_values(value: object) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, bytes):
        return [value + b"X"]
    if isinstance(value, str) and " " not in value.strip():  # others are for people
        return ["" if value else "X"]
    return []
