"""The reference of the site, read off signatures and docstrings: a page for each chapter.

griffe reads the source, and does not import it: the compiled build and the plain one have the
same reference. What has no docstring, or a name with an underscore, is not part of it.
"""

from __future__ import annotations

import builtins
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import griffe

import wsproto_async
import wsproto_async.testing
from docs.generate import CHAPTERS, chapter_of

PACKAGE: Final = "wsproto_async"
FILES: Final = {
    title: re.sub(r"\W+", "-", title.replace("'s", "").lower()) + ".md"
    for title in (*CHAPTERS, "Testing")
}
"""The pages by their titles; their folder is reference/api/."""

INNER: Final = {
    "HTTPResponse.encode",
    "MemoryTransport.is_ready",
    "MemoryTransport.lose",
    "MemoryTransport.more",
    "MemoryTransport.take",
    "MemoryTransport.take_end",
    "PreparedMessage.compressed_for",
    "Server.add",
    "Server.discard",
    "Server.farewell",
    "Server.notify",
    "Wire.close",
    "Wire.end",
    "Wire.kick",
    "Wire.leave",
    "Wire.put",
}
"""What other modules of the package call, and users do not."""


def pages() -> dict[str, str]:
    """All pages, by their files."""
    return {file: "".join(_page(title)) for title, file in FILES.items()}


def link(name: str, thing: Any) -> str:
    """Where, from reference/, a public name is explained."""
    return f"api/{FILES[chapter_of(thing)]}#{name}"


def names_of(title: str) -> list[str]:
    if title == "Testing":
        return sorted(wsproto_async.testing.__all__, key=str.lower)
    return [
        name
        for name in sorted(wsproto_async.__all__, key=str.lower)
        if hasattr(thing := getattr(wsproto_async, name), "__module__")
        and chapter_of(thing) == title
    ]


@functools.cache
def _package() -> Any:
    return griffe.load(
        PACKAGE,
        search_paths=[Path(wsproto_async.__file__).parents[1]],
        allow_inspection=False,
        docstring_parser="google",
        docstring_options={
            "warnings": False,
            "returns_multiple_items": False,
            "returns_named_value": False,
        },
    )


def _object(thing: Any) -> Any:
    module = thing.__module__.removeprefix(PACKAGE).removeprefix(".")
    return _package()[f"{module}.{thing.__name__}"]


# --- pages ------------------------------------------------------------------------------------


def _page(title: str) -> Iterator[str]:
    home = wsproto_async.testing if title == "Testing" else wsproto_async
    yield f"# {title}\n\nImported from `{home.__name__}`.\n\n"
    for name in names_of(title):
        yield from _entry(name, _object(getattr(home, name)), 2, name)


def _entry(name: str, thing: Any, level: int, anchor: str) -> Iterator[str]:
    """A class or function, and the members of a class."""
    yield f"{'#' * level} {name} {{#{anchor}}}\n\n"
    if thing.is_function or (thing.is_class and _told_by_init(thing)):
        yield f"```python\n{_signature(name, thing)}\n```\n\n"
    elif thing.is_attribute and thing.annotation:
        yield f"`{name}: {thing.annotation}`\n\n"
    if thing.is_class and (bases := [str(base) for base in thing.bases if _is_known(str(base))]):
        yield f"Bases: {', '.join(map(_code, bases))}\n\n"
    yield from _docstring(thing)
    if thing.is_class and "IntEnum" in map(str, thing.bases):
        for member in thing.attributes.values():
            yield f"- `{member.name}` = {member.value}\n"
        yield "\n"
    if thing.is_class:
        for member in _members(thing):
            yield from _entry(member.name, member, level + 1, f"{anchor}.{member.name}")


def _members(thing: Any) -> Iterator[Any]:
    """What a class adds: its own members, and those of bases that no reader can look up."""
    public = {getattr(wsproto_async, name) for name in _classes()}
    known = {name for base in thing.mro() if _is_public(base, public) for name in base.all_members}
    for name, member in thing.all_members.items():
        own = name in thing.members
        if name.startswith("_") or not member.docstring or (name in known and not own):
            continue
        if f"{thing.name}.{name}" in INNER:
            continue
        if thing.name.endswith("Options") and member.is_attribute:
            continue  # the page of the options has them
        yield member.final_target if member.is_alias else member


def _classes() -> Iterator[str]:
    return (
        name for name in wsproto_async.__all__ if isinstance(getattr(wsproto_async, name), type)
    )


def _is_public(base: Any, public: set[type]) -> bool:
    return any(base.canonical_path == f"{one.__module__}.{one.__qualname__}" for one in public)


def _told_by_init(thing: Any) -> bool:
    """Whether users make objects of a class: its docstring then says what they are made of."""
    sections = thing.docstring.parsed if thing.docstring else []
    return any(section.kind.value == "parameters" for section in sections)


def _is_known(base: str) -> bool:
    return base in wsproto_async.__all__ or hasattr(builtins, base) or base == "IntEnum"


def _signature(name: str, thing: Any) -> str:
    function = thing.all_members["__init__"] if thing.is_class else thing
    if function.is_alias:
        function = function.final_target
    start = "async def " if "async" in function.labels else ""
    shown = [_parameter(one) for one in function.parameters if one.name not in ("self", "cls")]
    shown = _with_marks(function, shown)
    end = f" -> {function.returns}" if function.returns and not thing.is_class else ""
    line = f"{start}{name}({', '.join(shown)}){end}"
    if len(line) <= 80:
        return line
    return f"{start}{name}(\n" + "".join(f"    {one},\n" for one in shown) + f"){end}"


def _with_marks(function: Any, shown: list[str]) -> list[str]:
    """Put ``*`` before the first argument that is by keyword only."""
    parameters = [one for one in function.parameters if one.name not in ("self", "cls")]
    kinds = [one.kind for one in parameters]
    only = griffe.ParameterKind.keyword_only
    if only in kinds and griffe.ParameterKind.var_positional not in kinds:
        shown.insert(kinds.index(only), "*")
    return shown


def _parameter(one: Any) -> str:
    stars = {
        griffe.ParameterKind.var_positional: "*",
        griffe.ParameterKind.var_keyword: "**",
    }.get(one.kind, "")
    text = f"{stars}{one.name}"
    if one.annotation is not None:
        text += f": {one.annotation}"
    if one.default is not None and not stars:
        text += f" = {one.default}" if one.annotation is not None else f"={one.default}"
    return text


# --- docstrings -------------------------------------------------------------------------------

TITLES: Final = {
    "parameters": "Arguments",
    "returns": "Returns",
    "yields": "Yields",
    "raises": "Raises",
    "attributes": "Attributes",
}


def _docstring(thing: Any) -> Iterator[str]:
    if not thing.docstring:
        return
    for section in thing.docstring.parsed:
        kind = section.kind.value
        if kind == "text":
            yield _text(section.value) + "\n\n"
            continue
        if kind not in TITLES:
            yield _text(str(section.value)) + "\n\n"
            continue
        yield f"**{TITLES[kind]}**\n\n"
        if kind == "returns":
            yield _text(section.value[0].description) + "\n\n"
            continue
        for item in section.value:
            if kind == "raises":
                head = _code(str(item.annotation)) + ": "
            else:
                head = f"`{item.name}`: " if item.name else ""
            yield f"- {head}{_text(item.description).replace(chr(10), chr(10) + '  ')}\n"
        yield "\n"


def _text(text: str) -> str:
    """What docstrings have of reStructuredText, in Markdown."""
    text = re.sub(r":\w+:`~?\.*([^`]+)`", lambda m: _code(m[1].rpartition(".")[2]), text)
    text = re.sub(r"``(.+?)``", r"`\1`", text, flags=re.DOTALL)
    return re.sub(r"::(\n\s*\n)", r":\1", text)


def _code(name: str) -> str:
    """A name, as a link where it is a public one."""
    if name in wsproto_async.__all__ and hasattr(getattr(wsproto_async, name), "__module__"):
        target = link(name, getattr(wsproto_async, name)).removeprefix("api/")
        return f"[`{name}`]({target})"
    return f"`{name}`"
