"""Arguments that several tools take."""

from __future__ import annotations

import argparse
import os
import ssl
from typing import Any, TypeVar

from ..errors import OptionError
from ..options import ClientOptions, CommonOptions

__all__ = ["add_connect_arguments", "add_options", "connect_arguments", "options_of"]

OptionsT = TypeVar("OptionsT", bound=CommonOptions)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that :func:`options_of` reads."""
    parser.add_argument(
        "-o",
        "--option",
        dest="options",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set an option, see `wsproto-async options`; the environment counts too",
    )
    parser.add_argument("--config", metavar="FILE", help="a .toml or .json file of options")


def options_of(model: type[OptionsT], args: argparse.Namespace) -> OptionsT:
    """The options out of a file, above them those of the environment, then those of arguments.

    Raises:
        OptionError: one is unknown or bad.
        OSError: the file cannot be read.
    """
    base = model.from_file(args.config) if args.config else None
    environ = {}
    for item in args.options:
        name, equals, value = item.partition("=")
        if not equals:
            raise OptionError(f"-o {item}: should be NAME=VALUE")
        environ[f"-o {name.strip()}"] = value
    return model.from_env("-o ", environ, base=model.from_env(base=base))


def add_connect_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what :func:`connect_arguments` reads."""
    parser.add_argument("url", metavar="URL", help="ws://... or wss://...")
    parser.add_argument(
        "-H",
        "--header",
        dest="headers",
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help="add a header to the request",
    )
    parser.add_argument(
        "--subprotocol", dest="subprotocols", action="append", metavar="NAME", help="offer it"
    )
    parser.add_argument("--origin", metavar="ORIGIN", help="the Origin header")
    parser.add_argument(
        "--insecure", action="store_true", help="do not verify the server's certificate"
    )
    add_options(parser)


def connect_arguments(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments for ``connect``.

    Raises:
        OptionError: one is bad.
        OSError: a file cannot be read.
    """
    headers: dict[str, list[str]] = {}
    for item in args.headers:
        name, colon, value = item.partition(":")
        if not colon:
            raise OptionError(f"-H {item}: should be NAME:VALUE")
        headers.setdefault(name.strip(), []).append(value.strip())
    arguments = {
        "url": args.url,
        "options": options_of(ClientOptions, args),
        "headers": headers or None,
        "subprotocols": args.subprotocols,
        "origin": args.origin,
    }
    if args.insecure and args.url.lower().startswith("wss:"):
        context = arguments["ssl"] = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return arguments


def default_history() -> str:
    """Where lines that were typed are kept."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(state, "wsproto-async", "history")
