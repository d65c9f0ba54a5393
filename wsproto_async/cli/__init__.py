"""Floor 6: ``wsproto-async``, the tools for a terminal; also ``python -m wsproto_async``.

===========  ====================================================================
``connect``  talk to a server, by hand or through a pipe
``serve``    a server to try clients and browsers on
``bench``    load for a server, and how long it took to answer
``options``  all options, with defaults and meaning
===========  ====================================================================

Exit status: 0 is well; 1 is a failure, which a line on stderr names; 2 is a wrong argument; 130 is
Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from ..errors import OptionError, WebSocketError
from ..util import InvalidURL
from ..version import __version__
from . import bench, connect, options, serve

__all__ = ["main"]

PROGRAM = "wsproto-async"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a tool.

    Args:
        arguments: of the command line; None is those of this process.

    Returns:
        The exit status.

    Raises:
        SystemExit: the arguments are wrong, or ask for help.
    """
    parser = argparse.ArgumentParser(prog=PROGRAM, description="WebSocket tools.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in (connect, serve, bench, options):
        module.add_to(commands)
    _prepare_streams()
    args = parser.parse_args(arguments)
    try:
        status: int = args.run(args)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InvalidURL, OptionError) as error:
        return _say(error, 2)
    except (WebSocketError, OSError) as error:
        return _say(error, 1)


def _prepare_streams() -> None:
    """See to it that the standard streams are there, and that any text can be printed.

    The descriptor of one that was closed would become that of a socket, and uvloop then aborts.
    """
    for name, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest that is free
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _say(error: Exception, status: int) -> int:
    print(f"{PROGRAM}: {error}", file=sys.stderr)
    return status
