"""Option values from the environment and from files, before they are validated."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Final, get_args, get_origin

from pydantic.fields import FieldInfo

from ..errors import OptionError

__all__ = ["NOT_OPTIONS", "decode_variable", "read_file"]

NOT_OPTIONS: Final = frozenset({"pure"})
"""Names behind the prefix that belong to other parts of the package: WSPROTO_ASYNC_PURE."""

_PARSERS: Final[dict[str, Callable[[str], Any]]] = {".toml": tomllib.loads, ".json": json.loads}


def decode_variable(variable: str, text: str, field: FieldInfo) -> object:
    """Turn the text of an environment variable into something its field can validate.

    A list is written as JSON (``["a", "b"]``) or with commas (``a, b``); ``none`` stands for
    ``None`` where the option can be that. All other text is left to pydantic.
    """
    text = text.strip()
    if get_origin(field.annotation) is Sequence:
        if text.startswith("["):
            try:
                return json.loads(text)
            except ValueError as error:
                raise OptionError(f"{variable}: {error}") from error
        return [item.strip() for item in text.split(",") if item.strip()]
    if NoneType in get_args(field.annotation) and text.lower() == "none":
        return None
    return text


def read_file(path: str | os.PathLike[str], table: str | None = None) -> dict[str, object]:
    """Read a ``.toml`` or ``.json`` file, or one table of it.

    Args:
        path: of the file.
        table: names of tables within tables, with dots between; None is the whole file.

    Raises:
        OptionError: it is neither, or is or has no such table; the message names the file.
        OSError: it cannot be read.
    """
    path = Path(path)
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        raise OptionError(f"{path}: options are read from .toml and .json files")
    try:
        values = parse(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OptionError(f"{path}: {error}") from error
    for name in table.split(".") if table else ():
        values = values.get(name) if isinstance(values, dict) else None
    if not isinstance(values, dict):
        what = f"has no table {table}" if table else "should hold one table of options"
        raise OptionError(f"{path}: {what}")
    return values
