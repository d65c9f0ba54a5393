"""Who may connect is decided before there is a connection: authentication.py [PORT]

Programs send ``Authorization: Bearer TOKEN``. Pages in a browser cannot set headers: they put
a token of short life into the query, ``?token=TOKEN``. The only token here is ``secret``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import sys

from wsproto_async import (
    ConnectionDeny,
    ConnectionRequest,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    run,
)

USERS = {"secret": "Ann"}


async def user_of(token: str) -> str | None:
    """Ask the database, so to speak."""
    await asyncio.sleep(0)
    for known, user in USERS.items():
        if hmac.compare_digest(
            known.encode(), token.encode()
        ):  # tells nothing by how long it takes
            return user
    return None


class Members(WebSocketServerProtocol):
    user: str

    async def onConnect(self, request: ConnectionRequest) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = request.params.get("token", [""])[0]
        if not token:
            raise ConnectionDeny(401, "a token is needed")
        user = await user_of(token)
        if user is None:
            raise ConnectionDeny(ConnectionDeny.FORBIDDEN, "this token does not let you in")
        self.user = user

    def onOpen(self) -> None:
        self.sendMessage(f"Welcome, {self.user}".encode())


async def main(port: int = 9000) -> None:
    factory = WebSocketServerFactory()
    factory.protocol = Members
    # Pages from elsewhere do not even get as far as the token:
    factory.setProtocolOptions(allowedOrigins=["https://example.com"])
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", port)
    print(f"Serving at ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        run(main(*map(int, sys.argv[1:])))
