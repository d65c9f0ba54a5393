"""What all option models share: spelling, two sets of defaults, and where values come from."""

from __future__ import annotations

import difflib
import inspect
import os
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from ..errors import OptionError
from .fields import Autobahn
from .sources import NOT_OPTIONS, decode_variable, read_file

__all__ = ["PREFIX", "OptionsBase", "did_you_mean", "explain"]

PREFIX: Final = "WSPROTO_ASYNC_"
"""What the names of environment variables begin with."""


class OptionsBase(BaseModel, frozen=True, extra="forbid"):
    """A frozen set of options, each validated by itself.

    Keywords are snake_case; Autobahn's camelCase names are accepted too. A bad value or an
    unknown name raises ``pydantic.ValidationError``, which is a ``ValueError``.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        strict=True,
        loc_by_alias=False,
        use_attribute_docstrings=True,
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **arguments: Any) -> None:
        super().__pydantic_init_subclass__(**arguments)
        # For help() and editors; pydantic's own has Autobahn's spelling, and annotations in full.
        kind = inspect.Parameter.KEYWORD_ONLY
        fields = cls.model_fields.items()
        cls.__signature__ = inspect.Signature(
            [inspect.Parameter(name, kind, default=field.default) for name, field in fields]
        )

    @classmethod
    def contract(cls, **overrides: Any) -> Self:
        """Autobahn's defaults, for programs that were written for them.

        Sizes are unlimited and nobody is pinged, so a server that faces strangers wants
        ``ServerOptions()`` instead, or overrides.

        Args:
            **overrides: options that are to differ, as in the constructor.
        """
        defaults = {
            name: mark.default
            for name, field in cls.model_fields.items()
            for mark in field.metadata
            if isinstance(mark, Autobahn)
        }
        return cls(**defaults).model_copy(update=overrides)

    @classmethod
    def from_env(
        cls,
        prefix: str = PREFIX,
        environ: Mapping[str, str] = os.environ,
        *,
        base: Self | None = None,
    ) -> Self:
        """Read options from environment variables, such as ``WSPROTO_ASYNC_MAX_CONNECTIONS=100``.

        A list is written with commas or as JSON; a boolean as 1, true, yes, on, or their
        opposites; ``None`` as none. Variables for options of another model are passed over, so
        that servers and clients can share an environment.

        Args:
            prefix: what the names of the variables begin with; not empty.
            environ: where to look.
            base: what counts for options that no variable sets, such as the options of a file;
                None is the defaults.

        Raises:
            OptionError: a value is bad, or a name behind the prefix is unknown.
        """
        if not prefix:
            raise OptionError("prefix must not be empty: every variable would be taken for ours")
        known_anywhere = NOT_OPTIONS.union(*(model.model_fields for model in _family(OptionsBase)))
        values: dict[str, object] = {}
        if base is not None:
            values = {name: getattr(base, name) for name in base.model_fields_set}
        for variable, text in environ.items():
            if not variable.startswith(prefix):
                continue
            name = variable.removeprefix(prefix).lower()
            if field := cls.model_fields.get(name):
                values[name] = decode_variable(variable, text, field)
            elif name not in known_anywhere:
                names = [prefix + known.upper() for known in cls.model_fields]
                raise OptionError(f"unknown option {variable}{did_you_mean(variable, names)}")
        try:
            return cls.model_validate(values, strict=False)
        except ValidationError as error:
            raise OptionError(explain(error, lambda name: prefix + name.upper())) from error

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], table: str | None = None) -> Self:
        """Read options from a ``.toml`` or ``.json`` file.

        Args:
            path: of the file.
            table: where in it they are, such as ``"server"`` or ``"tool.chat.server"``; None
                takes the whole file for one table of options.

        Raises:
            OptionError: an option is unknown or its value bad, or there is no such table;
                the message names the file.
            OSError: the file cannot be read.
        """
        try:
            return cls.model_validate(read_file(path, table))
        except ValidationError as error:
            text = explain(error, lambda name: name)
            raise OptionError("\n".join(f"{path}: {line}" for line in text.split("\n"))) from error

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some options changed, and, unlike pydantic's own, validated.

        Args:
            update: the options to change, in either spelling.
            deep: has no effect on a copy with changes, which shares only what cannot change.
        """
        if not update:
            return super().model_copy(deep=deep)
        changed = {self.spellings().get(spelling) for spelling in update}
        kept = {name: getattr(self, name) for name in self.model_fields_set - changed}
        return type(self)(**kept, **update)

    @classmethod
    def spellings(cls) -> dict[str, str]:
        """Return all names that the constructor takes, with the field that each stands for."""
        fields = cls.model_fields
        return {name: name for name in fields} | {
            field.alias: name for name, field in fields.items() if field.alias
        }

    @model_validator(mode="before")
    @classmethod
    def _settle_spelling(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        spellings = cls.spellings()
        settled: dict[str, object] = {}
        for spelling, value in data.items():
            name = spellings.get(spelling)
            if name is None:
                raise ValueError(f"unknown option {spelling}{did_you_mean(spelling, spellings)}")
            if name in settled:
                raise ValueError(f"{name} is given twice, once in each spelling")
            settled[name] = value
        return settled


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """End a complaint about an unknown name with the closest known one, if one is close."""
    closest = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {closest[0]}?" if closest else ""


def explain(error: ValidationError, label: Callable[[str], str]) -> str:
    """Say what is wrong, a line for each option: its name, its value and the rule.

    Args:
        error: what validation raised.
        label: turns the name of a field into the name under which the user gave it.
    """
    lines = []
    for detail in error.errors(include_url=False, include_context=False):
        rule = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
        if not detail["loc"]:
            lines.append(rule)
            continue
        field, *items = detail["loc"]
        where = label(str(field)) + "".join(f"[{item}]" for item in items)
        lines.append(f"{where}={reprlib.repr(detail['input'])}: {rule}")
    return "\n".join(lines)


def _family(model: type[OptionsBase]) -> Iterable[type[OptionsBase]]:
    yield model
    for child in model.__subclasses__():
        yield from _family(child)
