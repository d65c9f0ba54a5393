"""What a server answers instead of a 101: refusals, pages, and whatever a hook says."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Sequence
from typing import Any

from ..constants import State
from ..core.handshake import answers
from ..core.handshake.server import PlainRequest, upgrade_required
from ..core.http1 import header_lines
from ..errors import HandshakeError, OptionError, OptionTypeError
from ..types import ConnectionDeny, ConnectionRequest
from ..version import __version__
from .base import WebSocketProtocol
from .http import HTTPResponse

__all__ = ["Answering"]


POLICY_REQUEST = b"<policy-file-request/>\x00"
"""What Flash sends instead of a handshake."""


class Answering(WebSocketProtocol):
    """Answering without opening a connection."""

    _upgrade: PlainRequest | None = None

    def onHttpRequest(self, request: ConnectionRequest) -> Any:
        """A plain HTTP request came, and no handshake; only ``GET`` gets here.

        Called if a class overrides it. ``request`` has no version, protocols or extensions.

        Returns:
            An :class:`~wsproto_async.protocol.http.HTTPResponse`, or None for what there is
            without this hook (a page with ``webStatus``, else a 426); or something to be awaited
            that gives one of these.

        Raises:
            ConnectionDeny: answer with its status. Any other exception is a 500.
        """
        return None

    def _hears_requests(self) -> bool:
        """Whether somebody wants to answer plain requests."""
        return type(self).onHttpRequest is not Answering.onHttpRequest

    # --- refusing ---------------------------------------------------------------------------------

    def failHandshake(
        self,
        reason: str,
        code: int = 400,
        responseHeaders: Sequence[tuple[str, str]] | None = None,
    ) -> None:
        """Refuse the request with an HTTP status, and close."""
        connection = self._connection
        if connection is None or connection.state == State.CLOSED:
            return
        connection.not_clean_reason = reason
        self._say("info", f"opening handshake refused with {code}: {reason}")
        self.sendHttpErrorResponse(code, reason, responseHeaders)
        self.dropConnection(abort=False)

    def sendHttpErrorResponse(
        self, code: int, reason: str, responseHeaders: Sequence[tuple[str, str]] | None = None
    ) -> None:
        """Send a response without a body; the reason is the text of its status line."""
        try:
            response = answers.error_response(code, reason, responseHeaders or ())
        except OptionError as error:
            self._say("error", f"an HTTP response cannot be sent: {error}")
            response = answers.error_response(500, None)
        self._write_preopen(response)

    def sendHtml(self, html: str) -> None:
        """Send a page."""
        self._write_preopen(answers.html_response(html, server=self.factory.server))

    def sendRedirect(self, url: str) -> None:
        """Send a 303 to a relative, http or https URL (OptionError for others)."""
        self._write_preopen(answers.redirect_response(url, server=self.factory.server))

    def sendServerStatus(self, redirectUrl: str | None = None, redirectAfter: int = 0) -> None:
        """Send the page for people who open this address in a browser."""
        self.sendHtml(
            answers.status_page(f"wsproto_async {__version__}", redirectUrl, redirectAfter)
        )

    def _deny(self, error: Exception, hook: str = "onConnect") -> None:
        """A hook raised: that is a refusal, and unless it was meant, an error."""
        if self.state != State.CONNECTING:
            return
        if isinstance(error, ConnectionDeny):
            self.failHandshake(error.phrase, error.code, header_lines(error.headers or {}))
        else:
            self._say("warn", f"{hook} raised", error)
            self.failHandshake("Internal server error", 500)

    # --- plain HTTP -------------------------------------------------------------------------------

    def _serve_plain(self, request: PlainRequest) -> None:
        """A request without an upgrade."""
        if not self._hears_requests():
            self._serve_status(request)
            return
        self._upgrade = request  # no other request counts until this one is answered
        headers = request.head.headers
        asked = ConnectionRequest(
            peer=self.peer,
            headers=headers,
            host=request.host,
            path=request.path,
            params=request.params,
            version=0,
            origin=headers.get("origin", ""),
            protocols=[],
            extensions=[],
        )
        try:
            answer = self.onHttpRequest(asked)
        except Exception as error:
            self._deny(error, "onHttpRequest")
            return
        if inspect.isawaitable(answer):
            self._start(self._answer_plain_later(request, answer), "onHttpRequest")
        else:
            self._answer_plain(request, answer)

    async def _answer_plain_later(self, request: PlainRequest, answer: Awaitable[Any]) -> None:
        try:
            settled = await answer
        except Exception as error:
            self._deny(error, "onHttpRequest")
        else:
            self._answer_plain(request, settled)

    def _answer_plain(self, request: PlainRequest, answer: Any) -> None:
        try:
            if answer is not None:
                self._answer(answer, "onHttpRequest")
            elif self.webStatus:
                self._serve_status(request)
            else:
                raise upgrade_required(self.versions)
        except HandshakeError as error:
            self.failHandshake(error.reason, error.status, error.headers)
        except Exception as error:
            self._deny(error, "onHttpRequest")

    def _answer(self, answer: HTTPResponse, hook: str) -> None:
        """Send a response that is not 101, and close."""
        if not isinstance(answer, HTTPResponse):
            raise OptionTypeError(
                f"{hook} must return None or HTTPResponse, not {type(answer).__name__}"
            )
        if self.state == State.CONNECTING:
            self._write_preopen(answer.encode())
            self.dropConnection()

    def _serve_status(self, request: PlainRequest) -> None:
        """What the option ``webStatus`` shows to people."""
        url, after = answers.redirect_wish(request.params)
        if url is not None and after is None:
            self.sendRedirect(url)
        else:
            self.sendServerStatus(url, after or 0)
        self.dropConnection(abort=False)

    def _serve_flash_policy(self) -> None:
        if self.serveFlashSocketPolicy and POLICY_REQUEST in self.data:
            self.wasServingFlashSocketPolicyFile = True
            self._write_preopen(self.flashSocketPolicy.encode())
            self.dropConnection()
