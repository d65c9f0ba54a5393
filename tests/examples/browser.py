"""A headless Chromium, driven over its own WebSocket (the Chrome DevTools Protocol)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import shutil
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from wsproto_async import WebSocket, connect

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-port=0",
)


class Browser:
    """Sends commands to a browser, one at a time."""

    def __init__(self, ws: WebSocket) -> None:
        self.ws = ws
        self.ids = itertools.count(1)
        self.events: set[tuple[str, str]] = set()

    async def receive(self) -> dict[str, Any]:
        """Receive an answer or an event; of events, remember the session and the name."""
        message: dict[str, Any] = json.loads(await self.ws.recv())
        if "method" in message:
            self.events.add((message.get("sessionId", ""), message["method"]))
        return message

    async def call(self, method: str, session: str | None = None, **params: Any) -> Any:
        """Call a method of the DevTools Protocol and return its result."""
        call: dict[str, Any] = {"id": next(self.ids), "method": method, "params": params}
        if session:
            call["sessionId"] = session
        await self.ws.send(json.dumps(call))
        while (answer := await self.receive()).get("id") != call["id"]:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    async def open(self, url: str) -> Window:
        """Open a page in a new window, and wait until it is loaded."""
        target = await self.call("Target.createTarget", url="about:blank", newWindow=True)
        session = (await self.call("Target.attachToTarget", flatten=True, **target))["sessionId"]
        await self.call("Page.enable", session)
        await self.call("Page.navigate", session, url=url)
        while (session, "Page.loadEventFired") not in self.events:
            await self.receive()
        return Window(self, session)


class Window:
    """A page in a window of its own."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser = browser
        self.session = session

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, or what its promise comes to."""
        answer = await self.browser.call(
            "Runtime.evaluate",
            self.session,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until the expression is true in the page, and return its value."""
        look = f"const value = {expression}; value ? done(value) : setTimeout(look, 20);"
        return await self.evaluate(
            f"new Promise(done => {{ const look = () => {{ {look} }}; look(); }})"
        )


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser with an empty profile, and end it."""
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank",
            stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL,
        )  # fmt: skip
        try:
            async with connect(await _address(process, Path(profile))) as ws:
                yield Browser(ws)
                process.terminate()  # first, since it does not answer a close frame
                await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _address(process: asyncio.subprocess.Process, profile: Path) -> str:
    """Where it listens; it writes that into its profile.

    Its other processes outlive it, so a pipe would not end with it.
    """
    written = profile / "DevToolsActivePort"
    while process.returncode is None:
        with contextlib.suppress(FileNotFoundError):
            if place := re.fullmatch(r"(\d+)\n(/devtools/browser/\S+)\s*", written.read_text()):
                return f"ws://127.0.0.1:{place[1]}{place[2]}"
        await asyncio.sleep(0.02)
    raise AssertionError("the browser has ended")
