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


def read_file(path: str | os.PathLike[str]) -> dict[str, object]:
    """Read a ``.toml`` or ``.json`` file that is one table of options.

    Raises:
        OptionError: it is neither, or is not a table; the message names the file.
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
    if not isinstance(values, dict):
        raise OptionError(f"{path}: should hold one table of options")
    return values
