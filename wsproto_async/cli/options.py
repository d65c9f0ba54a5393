"""``wsproto-async options``: what can be set, read off the models."""

from __future__ import annotations

import argparse
import difflib
import json
import textwrap
from collections.abc import Iterator
from typing import Any

from ..errors import OptionError
from ..options import ClientOptions, CommonOptions, ServerOptions
from ..options.describe import Description, describe

__all__ = ["add_to", "toml_lines"]

MODELS: dict[str, type[CommonOptions]] = {"server": ServerOptions, "client": ClientOptions}

WIDTH = 96


def add_to(commands: Any) -> None:
    """Add the command and its arguments."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "options", help="print all options, with unit, default and meaning"
    )
    role = parser.add_mutually_exclusive_group()
    for name in MODELS:
        role.add_argument(
            f"--{name}", dest="role", action="store_const", const=name, help=f"those of a {name}"
        )
    parser.add_argument(
        "--toml", action="store_true", help="as a file to begin with, all of it commented out"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="these options alone")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what is asked for."""
    roles = [args.role] if args.role else list(MODELS)
    options = {role: describe(MODELS[role]) for role in roles}
    _check(args.names, {name for described in options.values() for name in described})
    if args.toml:
        blocks = [
            "\n".join(toml_lines(role, _chosen(options[role], args.names), table=not args.role))
            for role in roles
        ]
    else:
        blocks = list(_for_people(options, args.names))
    print("\n\n".join(blocks))
    return 0


def _check(names: list[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise OptionError(f"unknown option {name}{hint}")


def _chosen(options: dict[str, Description], names: list[str]) -> list[Description]:
    return [option for name, option in options.items() if not names or name in names]


# --- for people -------------------------------------------------------------------------------


def _for_people(options: dict[str, dict[str, Description]], names: list[str]) -> Iterator[str]:
    """A paragraph for each option; one that is alike for both roles comes once."""
    seen: set[tuple[str, str]] = set()
    for role, described in options.items():
        for option in _chosen(described, names):
            others = [other[option.name] for other in options.values() if option.name in other]
            alike = all(other == option for other in others)
            if (option.name, option.text) in seen and alike:
                continue
            seen.add((option.name, option.text))
            roles = "server and client" if alike and len(others) > 1 else role
            yield "\n".join(_paragraph(option, roles))


def _paragraph(option: Description, roles: str) -> Iterator[str]:
    yield f"{option.name} = {_shown(option.default)}   ({roles}; {option.kind})"
    if option.contract != option.default:
        yield f"    Autobahn's default: {_shown(option.contract)}"
    for paragraph in option.text.replace("``", "").split("\n\n"):
        yield textwrap.fill(paragraph, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4)
    if option.in_files:
        yield f"    {option.variable}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(repr, value)) + "]"
    text = repr(value)
    return text if len(text) <= 60 else text[:56] + "...'"


# --- as a file --------------------------------------------------------------------------------


def toml_lines(role: str, options: list[Description], *, table: bool) -> Iterator[str]:
    """A TOML file of options, each commented out at its default.

    Args:
        role: whose options they are: the name of the table.
        options: which.
        table: whether they stand in a table of that name, or are the whole file.
    """
    yield f"# {MODELS[role].__name__}: remove the # before an option to change it."
    if table:
        yield f"[{role}]"
    for option in options:
        if not option.in_files:
            continue
        yield ""
        text = option.text.replace("``", "")
        for paragraph in (*text.split("\n\n"), f"Value: {option.kind}."):
            yield textwrap.fill(paragraph, WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"#{option.name} = {_toml(option.default)}"


def _toml(value: Any) -> str:
    """A value as TOML: JSON is TOML as well, for what options can be."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)
