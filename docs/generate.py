"""Writes the pages of docs/reference/ from the code: python -m docs.generate

Models and docstrings hold the text, so that a thing and what it promises stand in one place.
A test fails while a page is not what this writes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo

import wsproto_async
from docs.limits import limits_reference
from wsproto_async.deflate import Deflate
from wsproto_async.options import ClientOptions, CommonOptions, ServerOptions
from wsproto_async.options.describe import describe, kind_of
from wsproto_async.options.own import OwnOptions, OwnServerOptions

REFERENCE: Final = Path(__file__).with_name("reference")

OPTIONS_HEAD: Final = """\
# Options

<!-- Written by `python -m docs.generate` from wsproto_async/options/: change the text there. -->

`ServerOptions` and `ClientOptions` are frozen, and each option is validated by itself. Sizes are in
octets and times in seconds.

- `serve` and `connect` take `options=`, and start from `ServerOptions()` and `ClientOptions()`: the
  columns *server* and *client*.
- The factories start from `ServerOptions.contract()` and `ClientOptions.contract()`, which are
  Autobahn's defaults: the column *contract*. They are changed by
  `factory.setProtocolOptions(camelCase=...)`; a protocol class or object may set one as an
  attribute, and then it is the only one that has it.
- A copy with changes: `options.model_copy(update={"max_connections": 100})`.
- From the environment: `ServerOptions.from_env()` reads `WSPROTO_ASYNC_MAX_CONNECTIONS=100` and the
  like. From a `.toml` or `.json` file: `ServerOptions.from_file(path)`. See
  [Configuration](../howto/configuration.md).
- `python -m wsproto_async options` prints what is below, and `--toml` a file to begin with.

"""

ROLES: Final[tuple[type[CommonOptions], ...]] = (ServerOptions, ClientOptions)


def options_reference() -> str:
    """The whole page."""
    return OPTIONS_HEAD + "\n".join(
        (
            *_section("Both roles", CommonOptions, OwnOptions),
            *_section("Both roles, beyond Autobahn", OwnOptions),
            *_section("Servers", ServerOptions, CommonOptions, OwnServerOptions),
            *_section("Servers, beyond Autobahn", OwnServerOptions),
            *_section("Clients", ClientOptions, CommonOptions),
            *_compression(),
        )
    )


def _compression() -> Iterator[str]:
    """What ``Deflate`` takes, which is no option, but an argument of ``serve`` and ``connect``."""
    yield "## Compression\n"
    yield "What `Deflate(...)` takes, the argument `compression=` of `serve` and `connect`; see"
    yield "[how to](../howto/compression.md).\n"
    yield "| argument | value | default |\n| --- | --- | --- |"
    schema = Deflate.model_json_schema()
    for name, field in Deflate.model_fields.items():
        kind = _code(kind_of(schema["properties"][name]))
        yield f"| [`{name}`](#{name}) | {kind} | {_shown(field.default)} |"
    yield ""
    for name, field in Deflate.model_fields.items():
        yield f"### `{name}`\n"
        yield (field.description or "").replace("``", "`") + "\n"


def _section(title: str, model: Any, *bases: Any) -> Iterator[str]:
    """A table of the options that ``model`` adds to ``bases`` or says otherwise; their texts."""
    inherited = {name: field for base in bases for name, field in base.model_fields.items()}
    fields = {
        name: field
        for name, field in model.model_fields.items()
        if name not in inherited or field.description != inherited[name].description
    }
    roles = [role for role in ROLES if issubclass(role, model)]
    titles = ["server" if role is ServerOptions else "client" for role in roles] + ["contract"]
    yield f"## {title}\n"
    yield f"| option | value | {' | '.join(titles)} |"
    yield f"| --- | --- |{' --- |' * len(titles)}"
    described = [describe(role) for role in roles]
    for name in fields:
        values = [options[name].default for options in described]
        values.append(described[0][name].contract)
        shown = " | ".join(map(_shown, values))
        kind = _code(described[0][name].kind)
        yield f"| [`{name}`](#{_anchor(name, model)}) | {kind} | {shown} |"
    yield ""
    for name, field in fields.items():
        yield from _text(name, field)


def _text(name: str, field: FieldInfo) -> Iterator[str]:
    yield f"### `{name}`\n"
    yield f"In the contract: `{field.alias}`.\n"
    assert field.description is not None
    yield field.description.replace("``", "`") + "\n"


def _anchor(name: str, model: Any) -> str:
    """Where GitHub finds the heading of an option: it numbers those that came before."""
    models: list[type[CommonOptions]] = [CommonOptions, *ROLES]
    first = next(one for one in models if name in one.model_fields)
    return name if issubclass(first, model) else f"{name}-1"


def _shown(value: object) -> str:
    """A default, on one line."""
    if isinstance(value, tuple):
        return "`[" + ", ".join(repr(item) for item in value) + "]`"
    text = repr(value)
    return f"`{text}`" if len(text) <= 40 else "a text"


def _code(kind: str) -> str:
    """What an option can be, with words of Python as such."""
    return re.sub(r'"[\w-]+"|\bNone\b', lambda word: f"`{word[0]}`", kind)


# --- names ------------------------------------------------------------------------------------

NAMES_HEAD: Final = """\
# Names

<!-- Written by `python -m docs.generate` from the docstrings: change the text there. -->

Everything here is imported from `wsproto_async`. What a thing promises in full is in its docstring:
`help(wsproto_async.connect)`.

"""

CHAPTERS: Final = {
    "Applications": ("api",),
    "Option models": ("options",),
    "Autobahn's contract": ("protocol", "factory"),
    "Values": ("types", "close_info", "constants", "util", "stats", "masking", "utf8"),
    "Exceptions": (),
    "Compression": ("compress", "core", "deflate"),
}
"""Titles, and the modules and packages that the names below them come from."""


def source_of(name: str, thing: Any) -> str:
    """Where, from reference/, a public name is explained in the repository: in its docstring."""
    return f"../../{thing.__module__.replace('.', '/')}.py"


def names_reference(link: Callable[[str, Any], str] = source_of) -> str:
    """The whole page; names lead where ``link`` says."""
    chapters: dict[str, list[str]] = {title: [] for title in CHAPTERS}
    for name in sorted(wsproto_async.__all__, key=str.lower):
        thing = getattr(wsproto_async, name)
        if hasattr(thing, "__module__"):  # a class or a function
            chapters[chapter_of(thing)].append(_row(name, thing, link(name, thing)))
    return NAMES_HEAD + "\n".join(
        f"## {title}\n\n| name | |\n| --- | --- |\n" + "".join(rows)
        for title, rows in chapters.items()
    )


def chapter_of(thing: Any) -> str:
    """The title of the chapter that a public name is in."""
    if isinstance(thing, type) and issubclass(thing, Exception):
        return "Exceptions"
    part = thing.__module__.split(".")[1]
    return next(title for title, parts in CHAPTERS.items() if part in parts)


def _row(name: str, thing: Any, link: str) -> str:
    text = inspect.cleandoc(thing.__doc__).partition("\n\n")[0].replace("\n", " ")
    text = re.sub(r":\w+:`~?\.*([^`]+)`", lambda m: f"`{m[1].rpartition('.')[2]}`", text)
    return f"| [`{name}`]({link}) | {text.replace('``', '`')} |\n"


PAGES: Final = {
    REFERENCE / "limits.md": limits_reference,
    REFERENCE / "options.md": options_reference,
    REFERENCE / "names.md": names_reference,
}

if __name__ == "__main__":
    for page, write in PAGES.items():
        page.write_text(write(), encoding="utf-8")
