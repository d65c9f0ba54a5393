"""The kinds of value an option can have, each with its unit and its rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from ..constants import MAX_PAYLOAD

__all__ = [
    "KIB",
    "MIB",
    "Autobahn",
    "Flag",
    "Octets",
    "OptionalSeconds",
    "Seconds",
    "as_tuple",
    "counted",
]

T = TypeVar("T")

KIB: Final = 1024
MIB: Final = 1024 * KIB

MAX_SECONDS: Final = 1_000_000_000
"""Thirty years; event loops overflow on numbers that are much larger."""


@dataclass(frozen=True)
class Autobahn:
    """Marks a field whose default in Autobahn differs from ours (see ``contract()``)."""

    default: object


def _zero_or_one(value: object) -> object:
    """0 and 1 pass as booleans, because programs written for Autobahn pass them."""
    return bool(value) if type(value) is int and value in (0, 1) else value


def _tidy_seconds(value: float) -> float:
    """Whole seconds stay an int, so that they print as 5 and not as 5.0."""
    return int(value) if value.is_integer() else value


def _none_is_off(value: object) -> object:
    return 0 if value is None else value


def as_tuple(value: Sequence[T]) -> Sequence[T]:
    """Freeze a list, so that nobody changes an option behind its model."""
    return tuple(value)


def counted(unit: str, least: int = 0, most: int | None = None) -> Any:
    """Bounds for a number, and the unit that it is shown with."""
    return Field(ge=least, le=most, json_schema_extra={"unit": unit})


Flag = Annotated[bool, BeforeValidator(_zero_or_one)]
"""True or False."""

Octets = Annotated[int, counted("octets", 0, MAX_PAYLOAD)]
"""A size in octets; a boolean or a float is refused."""

Seconds = Annotated[
    float,
    Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False, json_schema_extra={"unit": "seconds"}),
    AfterValidator(_tidy_seconds),
]
"""A time in seconds, whole or not, finite and not negative; a boolean is refused."""

OptionalSeconds = Annotated[Seconds, BeforeValidator(_none_is_off)]
"""Seconds, where 0 means off and ``None`` is read as 0."""
