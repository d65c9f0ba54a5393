"""Floor 5: what applications write against.

===============  ====================================================================
``connect``      a client's connection, once or again and again
``attempt``      ... a single time, from the arguments to the open connection
``redirects``    ... and where it is sent from there
``credentials``  ... what it shows to be let in
``retry``        ... after which pauses, and after which errors at all
``reconnecting`` ... for clients that are written with callbacks
``proxy``        ... and which proxy it goes through
``tunnel``       ... and how it gets through that
``serve``        a server from its arguments
``server``       the server while it runs, and how it ends
``listening``    ... and what it does when there are no descriptors left
``shutdown``     ... without having all clients come back at once
``websocket``    the connection itself, on either side
``outgoing``     what can be sent, in one piece or in fragments
``fragments``    a message that is received as it arrives
``pings``        pings that wait for their pongs
``typed``        messages that are JSON of a given type
``broadcast``    one message for many connections
``hub``          ... for those that have joined a topic
``auth``         who may connect
``requests``     health checks; several answers to requests in turn
``link``         what ties a protocol object to all of these, on either side;
                 ``client_link`` and ``server_link`` on one
``arguments``    arguments that several of them take
``run``          ``asyncio.run`` on uvloop
===============  ====================================================================
"""

from __future__ import annotations

from ..protocol.http import HTTPResponse
from .auth import Authentication, basic_auth, bearer_auth
from .broadcast import BroadcastResult, broadcast
from .connect import Connecting, connect
from .hub import Hub
from .reconnecting import ReconnectingWebSocketClientFactory
from .requests import health_check
from .retry import Backoff
from .run import run
from .serve import Serving, serve, serve_factory
from .server import Server
from .websocket import WebSocket

__all__ = [
    "Authentication",
    "Backoff",
    "BroadcastResult",
    "Connecting",
    "HTTPResponse",
    "Hub",
    "ReconnectingWebSocketClientFactory",
    "Server",
    "Serving",
    "WebSocket",
    "basic_auth",
    "bearer_auth",
    "broadcast",
    "connect",
    "health_check",
    "run",
    "serve",
    "serve_factory",
]
