"""What the extensions share: parameters on the wire, and how their classes show themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final, Literal

from ...errors import HandshakeError, OptionError, OptionTypeError, check_type
from ...types import ExtensionParams

__all__ = [
    "Described",
    "NoneType",
    "Reading",
    "check_part",
    "check_range",
    "number",
    "parse",
    "render",
    "without_value",
]

Value = str | Literal[True]
Reading = Callable[[Value], int | None]
"""What a parameter's value stands for; None for a value that it must not have."""

NoneType: Final = type(None)


class Described:
    """Shows its fields, as JSON and in its ``repr``."""

    __slots__ = ()

    EXTENSION_NAME: ClassVar[str]
    """Its name on the wire, in lower case."""

    _FIELDS: ClassVar[tuple[str, ...]]
    """The attributes that make up the value, in the order of the constructor."""

    def __json__(self) -> dict[str, Any]:
        """The name of the extension and the fields; objects among them as the same."""
        fields = {name: getattr(self, name) for name in self._FIELDS}
        return {
            "extension": self.EXTENSION_NAME,
            **{
                name: value.__json__() if hasattr(value, "__json__") else value
                for name, value in fields.items()
            },
        }

    def __repr__(self) -> str:
        fields = ", ".join(f"{name} = {getattr(self, name)!r}" for name in self._FIELDS)
        return f"{type(self).__name__}({fields})"


# --- checks -------------------------------------------------------------------------------------


def check_part(name: str, value: object, kind: type[Described], extension: str) -> None:
    """Refuse an argument that is no part of a negotiation, or of that of another extension."""
    check_type(name, value, kind)
    assert isinstance(value, Described)
    if extension != value.EXTENSION_NAME:
        raise OptionTypeError(f"{name} must be one of {extension}, not of {value.EXTENSION_NAME}")


def check_range(name: str, value: object, permissible: list[int]) -> None:
    """Refuse what is no int of a range."""
    if type(value) is not int or value not in permissible:
        raise OptionError(f"{name} must be an int from {permissible[0]} to {permissible[-1]}")


# --- on the wire --------------------------------------------------------------------------------


def render(extension: str, **parameters: int | bool) -> str:
    """The extension with those parameters that are there; numbers are values."""
    parts = [extension]
    for name, value in parameters.items():
        if value:
            parts.append(name if value is True else f"{name}={value}")
    return "; ".join(parts)


def parse(extension: str, params: ExtensionParams, known: Mapping[str, Reading]) -> dict[str, Any]:
    """The values of the parameters that are there, by name.

    Raises:
        HandshakeError: a parameter is not known, comes twice, or has a value it must not have.
    """
    values = {}
    for name, found in params.items():
        if name not in known:
            raise HandshakeError(f"{extension} has no parameter {name[:50]!a}")
        if len(found) != 1:
            raise HandshakeError(f"parameter {name} of {extension} comes more than once")
        [said] = found
        value = known[name](said)
        if value is None:
            shown = "no value" if said is True else ascii(said[:50])
            raise HandshakeError(f"parameter {name} of {extension} must not have {shown}")
        values[name] = value
    return values


def without_value(value: Value) -> bool | None:
    """Reads a parameter that is there or is not."""
    return True if value is True else None


def number(permissible: Iterable[int]) -> Reading:
    """How to read a number of that range: digits, without signs, blanks and leading zeros."""
    numbers: dict[Value, int] = {str(each): each for each in permissible}
    return numbers.get
