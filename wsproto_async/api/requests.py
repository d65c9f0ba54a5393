"""Ready-made answers to requests, and several of them in turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Any

from ..core.http1 import shown
from ..errors import OptionError, check_type
from ..protocol.http import HTTPResponse
from ..types import ConnectionRequest
from .arguments import check_function
from .websocket import WebSocket

__all__ = ["Answer", "ProcessRequest", "health_check", "in_turn"]

Answer = HTTPResponse | None
ProcessRequest = Callable[[WebSocket, ConnectionRequest], Answer | Awaitable[Answer]]

PLAIN = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


def in_turn(functions: Sequence[ProcessRequest]) -> ProcessRequest:
    """One ``process_request`` out of several: the first answer that is none of None counts."""

    def process(ws: WebSocket, request: ConnectionRequest) -> Answer | Awaitable[Answer]:
        for number, function in enumerate(functions):
            answer = function(ws, request)
            if isawaitable(answer):
                return go_on(answer, functions[number + 1 :], ws, request)
            if answer is not None:
                return answer
        return None

    async def go_on(
        answer: Awaitable[Answer],
        left: Sequence[ProcessRequest],
        ws: WebSocket,
        request: ConnectionRequest,
    ) -> Answer:
        settled = await answer
        for function in left:
            if settled is not None:
                break
            result = function(ws, request)
            settled = await result if isawaitable(result) else result
        return settled

    return process


def health_check(path: str = "/healthz", check: Callable[[], Any] | None = None) -> ProcessRequest:
    """Answer the question of load balancers whether this server is well.

    Args:
        path: what they ask for, by ``GET`` and HTTP/1.1.
        check: a function, plain or coroutine, that returns whether it is; one that raises is
            logged, and means no. None is always well.

    Returns:
        A function for ``process_request``: it answers this path with 200 or 503, and leaves all
        others to who comes next.

    Raises:
        OptionError: the path does not begin with a slash.
        OptionTypeError: an argument has a wrong type.
    """
    check_type("path", path, str)
    if not path.startswith("/"):
        raise OptionError(f"path must begin with a slash, not {shown(path)}")
    check_function("check", check)

    def answer(well: Any) -> HTTPResponse:
        return HTTPResponse(200, PLAIN, b"ok\n") if well else HTTPResponse(503, PLAIN, b"ill\n")

    def failed(ws: WebSocket, error: Exception) -> HTTPResponse:
        ws.protocol._say("error", f"the check for {path} raised {type(error).__name__}", error)
        return answer(False)

    async def answer_later(ws: WebSocket, found: Awaitable[Any]) -> HTTPResponse:
        try:
            return answer(await found)
        except Exception as error:
            return failed(ws, error)

    def process(ws: WebSocket, request: ConnectionRequest) -> Answer | Awaitable[Answer]:
        if request.path != path:
            return None
        if check is None:
            return answer(True)
        try:
            found = check()
        except Exception as error:
            return failed(ws, error)
        return answer_later(ws, found) if isawaitable(found) else answer(found)

    return process
