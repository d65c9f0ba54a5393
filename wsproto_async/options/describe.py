"""What can be said of an option: for the reference pages and for ``python -m wsproto_async``.

All of it is read off the models: their schema, docstrings and defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import PREFIX
from .common import CommonOptions

__all__ = ["Description", "describe", "kind_of"]

MUCH = 2**62
"""A bound from here on is one that nobody meets."""


@dataclass(frozen=True)
class Description:
    """An option, for people.

    Args:
        name: of the field and keyword.
        alias: its name in Autobahn's contract.
        kind: what it can be, with unit and bounds.
        unit: of its number; None for what is not counted.
        default: of ``ServerOptions()`` or ``ClientOptions()``.
        contract: its default in ``contract()``.
        text: what it means, as in the model.
        in_files: whether files and environment can set it: functions they cannot.
    """

    name: str
    alias: str
    kind: str
    unit: str | None
    default: object
    contract: object
    text: str
    in_files: bool

    @property
    def variable(self) -> str:
        """The environment variable that ``from_env`` reads it from."""
        return PREFIX + self.name.upper()


def describe(model: type[CommonOptions]) -> dict[str, Description]:
    """All options of a model, in its order, by name."""
    schema = model.model_json_schema(by_alias=False)
    defaults, contract = model(), model.contract()
    found: dict[str, Description] = {}
    for name, field in model.model_fields.items():
        shape = schema["properties"][name]
        in_files = shape.get("type") != "null"
        assert field.alias is not None
        assert field.description is not None
        found[name] = Description(
            name=name,
            alias=field.alias,
            kind=kind_of(shape) if in_files else "function or None",
            unit=_unit_of(shape),
            default=getattr(defaults, name),
            contract=getattr(contract, name),
            text=field.description,
            in_files=in_files,
        )
    return found


def kind_of(shape: dict[str, Any]) -> str:
    """What a value of this JSON schema can be, with unit and bounds."""
    if "anyOf" in shape:
        return " or ".join(kind_of(each) for each in shape["anyOf"])
    if "enum" in shape:
        return " or ".join(f'"{value}"' for value in shape["enum"])
    kinds = {
        "array": "list",
        "boolean": "bool",
        "integer": "int",
        "null": "None",
        "object": "table",
        "string": "str",
    }
    unit: str | None = shape.get("unit")
    kind = unit or kinds[shape["type"]]
    low, high = shape.get("minimum"), shape.get("maximum")
    if shape["type"] != "integer" or low is None:
        return kind
    return f"{kind}, {low} to {high}" if high is not None and high < MUCH else f"{kind} from {low}"


def _unit_of(shape: dict[str, Any]) -> str | None:
    for each in shape.get("anyOf", [shape]):
        if "unit" in each:
            return str(each["unit"])
    return None
