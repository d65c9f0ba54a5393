"""All connections of one browser belong together: cookies.py [PORT]

The handshake sets a cookie. Whatever one window of a browser says, its other windows hear.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from collections import defaultdict
from http.cookies import CookieError, SimpleCookie

from wsproto_async import (
    ConnectionRequest,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    run,
)


class Visitors(WebSocketServerFactory):
    def __init__(self) -> None:
        super().__init__()
        self.protocol = Window
        self.windows: defaultdict[str, set[Window]] = defaultdict(set)


class Window(WebSocketServerProtocol):
    factory: Visitors
    visitor: str

    def onConnect(self, request: ConnectionRequest) -> tuple[None, dict[str, str]]:
        """Recognise the visitor, or make them known; the second element is headers to send."""
        known = visitor_of(request.headers.get("cookie", ""))
        if known in self.factory.windows:
            self.visitor = known
            return None, {}
        self.visitor = secrets.token_urlsafe()
        cookie = f"visitor={self.visitor}; Max-Age=86400; HttpOnly; SameSite=Strict"
        return None, {"Set-Cookie": cookie}

    def onOpen(self) -> None:
        windows = self.factory.windows[self.visitor]
        windows.add(self)
        self.sendMessage(f"You have {len(windows)} windows".encode())

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        for window in self.factory.windows[self.visitor]:
            if window.open:
                window.sendMessage(payload, isBinary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if not hasattr(self, "visitor"):
            return  # it never got as far as onConnect
        windows = self.factory.windows[self.visitor]
        windows.discard(self)
        if not windows:
            del self.factory.windows[self.visitor]


def visitor_of(header: str) -> str:
    try:
        cookie = SimpleCookie(header).get("visitor")
    except CookieError:
        return ""
    return cookie.value if cookie else ""


async def main(port: int = 9000) -> None:
    server = await asyncio.get_running_loop().create_server(Visitors(), "127.0.0.1", port)
    print(f"Serving at ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        run(main(*map(int, sys.argv[1:])))
