"""``wsproto-async connect``: talk to a server, by hand or through a pipe."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

from ..api.connect import connect
from ..api.run import run as run_loop
from ..api.websocket import Message, WebSocket
from ..errors import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    OptionError,
    WebSocketError,
)
from ..protocol.ending import closed_error
from .arguments import add_connect_arguments, connect_arguments, default_history
from .lines import Interrupted, has_prompt, piped_lines, typed_lines

__all__ = ["add_to"]

SHOWN = 64
"""Octets of a binary message that a person is shown."""

HELP = """\
/ping [TEXT]          send a ping, and say how long its pong took
/binary HEX           send octets, such as /binary 00 ff
/file PATH            send a file as one binary message
/info                 say what is known of the connection
/close [CODE REASON]  close it
/help                 this
//...                 send text that begins with a slash
Ctrl-D closes the connection."""


def add_to(commands: Any) -> None:
    """Add the command and its arguments."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "connect",
        help="talk to a server, by hand or through a pipe",
        description="Sends each line as a text message, and prints what is received: text as it "
        "is, binary in hexadecimal. Messages go to stdout, everything else to stderr.",
        epilog=f"Typed lines may be commands:\n{HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_connect_arguments(parser)
    parser.add_argument("--hex", action="store_true", help="lines are octets, to send as binary")
    parser.add_argument("--commands", action="store_true", help="take commands from a pipe, too")
    parser.add_argument(
        "--wait",
        type=float,
        default=0.5,
        metavar="SECONDS",
        help="close when the input has ended and nothing was received for so long (%(default)s)",
    )
    parser.add_argument("--stay", action="store_true", help="do not close when the input has ended")
    parser.add_argument(
        "--ping", type=float, metavar="SECONDS", help="ping so often, and say how long it took"
    )
    parser.add_argument("--times", action="store_true", help="begin lines with the time")
    parser.add_argument("--quiet", action="store_true", help="print messages and errors alone")
    parser.add_argument("--history", metavar="FILE", help="where typed lines are kept")
    parser.add_argument("--no-history", action="store_true", help="keep none")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Talk until either side ends it."""
    if not args.wait >= 0:
        raise OptionError(f"--wait must be 0 seconds or more, not {args.wait:g}")
    if args.ping is not None and not args.ping > 0:
        raise OptionError(f"--ping must be above 0 seconds, not {args.ping:g}")
    try:
        return run_loop(_run(args, connect_arguments(args)))
    except Interrupted:
        return 130


async def _run(args: argparse.Namespace, arguments: dict[str, Any]) -> int:
    interactive = sys.stdin.isatty()
    if not (interactive and sys.stdout.isatty() and has_prompt()):
        if interactive and not args.quiet:
            print("for editing and history: pip install wsproto-async[cli]", file=sys.stderr)
        return await Talk(args, interactive).run(arguments, piped_lines())
    from prompt_toolkit.patch_stdout import patch_stdout

    history = None if args.no_history else Path(args.history or default_history())
    with patch_stdout(raw=True):  # what is received appears above the line that is typed
        return await Talk(args, interactive).run(arguments, typed_lines(history))


class Talk:
    """One connection, and the terminal or pipe at this end of it."""

    def __init__(self, args: argparse.Namespace, interactive: bool) -> None:
        self.args = args
        self.interactive = interactive
        self.commands = interactive or args.commands
        self.terminal = sys.stdout.isatty()
        self.last = 0.0

    async def run(self, arguments: dict[str, Any], lines: AsyncIterator[str]) -> int:
        begin = time.perf_counter()
        async with connect(**arguments) as ws:
            took = (time.perf_counter() - begin) * 1000
            self.note(f"connected to {ws.peer} in {took:.1f} ms{_agreed(ws)}")
            if self.interactive:
                self.note("/help lists commands, Ctrl-D closes")
            await self.talk(ws, lines)
        assert ws.close_info is not None
        fine = isinstance(closed_error(ws.close_info), ConnectionClosedOK)
        self.note(str(ws.close_info), error=not fine)
        return 0 if fine else 1

    async def talk(self, ws: WebSocket, lines: AsyncIterator[str]) -> None:
        """Receive and send at once; whichever ends first ends both."""
        tasks = [
            asyncio.ensure_future(self.receive(ws)),
            asyncio.ensure_future(self.send(ws, lines)),
        ]
        receiving, sending = tasks
        if self.args.ping is not None:
            tasks.append(asyncio.ensure_future(self.ping_for_ever(ws)))
        try:
            await asyncio.wait([receiving, sending], return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                await sending
                if not self.args.stay:
                    await self.silence(receiving)
                    await ws.close()
            await receiving
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # --- receiving ----------------------------------------------------------------------------

    async def silence(self, receiving: asyncio.Future[None]) -> None:
        """Wait until nothing has come for a while: what was sent last may be answered yet."""
        if self.interactive:
            return  # a person has seen what there was
        self.last = time.monotonic()
        while (left := self.last + self.args.wait - time.monotonic()) > 0:
            await asyncio.wait([receiving], timeout=left)
            if receiving.done():
                return

    async def receive(self, ws: WebSocket) -> None:
        with contextlib.suppress(ConnectionClosedError):  # it is told at the end
            async for message in ws:
                self.show(message)

    def show(self, message: Message) -> None:
        self.last = time.monotonic()
        if isinstance(message, bytes):
            text = self.in_hex(message)
        else:
            text = _harmless(message) if self.terminal else message
        arrow = "< " if self.interactive else ""
        print(f"{self.stamp()}{arrow}{text}", flush=True)

    def in_hex(self, octets: bytes) -> str:
        if not self.interactive:
            return octets.hex()
        more = " ..." if len(octets) > SHOWN else ""
        return f"{len(octets)} octets: {octets[:SHOWN].hex(' ')}{more}"

    def stamp(self) -> str:
        if not self.args.times:
            return ""
        now = time.time()
        return time.strftime("%H:%M:%S", time.localtime(now)) + f".{int(now % 1 * 1000):03d} "

    def note(self, text: str, *, error: bool = False) -> None:
        if error or not self.args.quiet:
            print(f"{self.stamp()}{_harmless(text)}", file=sys.stderr, flush=True)

    # --- sending ------------------------------------------------------------------------------

    async def send(self, ws: WebSocket, lines: AsyncIterator[str]) -> None:
        async for line in lines:
            try:
                if self.commands and line.startswith("/") and not line.startswith("//"):
                    await self.command(ws, line)
                elif self.args.hex:
                    await ws.send(_from_hex(line))
                else:
                    await ws.send(line[1:] if self.commands and line[:2] == "//" else line)
            except ConnectionClosed:
                return
            except (OptionError, OSError, WebSocketError) as error:
                if not self.interactive:
                    raise
                self.note(str(error), error=True)

    async def command(self, ws: WebSocket, line: str) -> None:
        name, _, rest = line[1:].partition(" ")
        action: Callable[[WebSocket, str], Any] | None = {
            "ping": self.ping,
            "binary": lambda ws, rest: ws.send(_from_hex(rest)),
            "file": self.file,
            "info": self.info,
            "close": self.close,
            "help": self.help,
        }.get(name)
        if action is None:
            raise OptionError(f"there is no command /{name}: see /help, or send it as //{name}")
        await action(ws, rest.strip())

    async def ping(self, ws: WebSocket, rest: str) -> None:
        trip = await ws.ping(rest or None)
        self.note(f"pong in {trip * 1000:.2f} ms")

    async def ping_for_ever(self, ws: WebSocket) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(self.args.ping)
                await self.ping(ws, "")

    async def file(self, ws: WebSocket, rest: str) -> None:
        await ws.send(await asyncio.to_thread(_read, rest))

    async def info(self, ws: WebSocket, rest: str) -> None:
        self.note(f"{ws.state.name} {ws.peer}{_agreed(ws)}; last ping {ws.latency * 1000:.2f} ms")

    async def close(self, ws: WebSocket, rest: str) -> None:
        code, _, reason = rest.partition(" ")
        if code and not code.isdecimal():
            raise OptionError(f"/close CODE REASON: the code must be a number, not {code}")
        await ws.close(int(code or 1000), reason)

    async def help(self, ws: WebSocket, rest: str) -> None:
        self.note(HELP)


def _agreed(ws: WebSocket) -> str:
    """What was agreed on, if anything."""
    extensions = [str(each.EXTENSION_NAME) for each in ws.protocol.websocket_extensions_in_use]
    agreed = [each for each in (ws.subprotocol, *extensions) if each]
    return f" ({', '.join(agreed)})" if agreed else ""


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.replace(":", " "))
    except ValueError:
        raise OptionError(f"{text!r} is not hexadecimal, such as 00 ff") from None


def _read(path: str) -> bytes:
    return Path(path).expanduser().read_bytes()


_COMMANDS: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


def _harmless(text: str) -> str:
    """Text of a peer without what a terminal would take for commands, or write backwards."""
    return _COMMANDS.sub(lambda match: ascii(match[0])[1:-1], text)
