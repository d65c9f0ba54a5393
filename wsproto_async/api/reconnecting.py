"""A factory that connects by itself, again and again: for clients written with callbacks."""
# ruff: noqa: N802  # Autobahn's and Twisted's names

from __future__ import annotations

import asyncio
import ssl as ssl_module
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Unpack, cast

from ..constants import CloseCode
from ..errors import ConnectionClosed, OptionError, StateError
from ..factory.client import USERAGENT, WebSocketClientFactory
from ..protocol.client import WebSocketClientProtocol
from ..protocol.ending import closed_error
from ..protocol.log import say
from ..protocol.sending import check_sendable
from .arguments import check_function
from .attempt import Asking, Attempt, AuthSource, HeadersSource, Target, URLSource
from .client_link import why_not_open
from .keywords import ClientKeywords, check_client_keywords
from .retry import Backoff, Retries, check_backoff, is_temporary

__all__ = ["ReconnectingWebSocketClientFactory"]


class ReconnectingWebSocketClientFactory(WebSocketClientFactory):
    """A factory for a client's protocols that connects by itself, and again when one has ended.

    ``run(factory.run())`` is all of a program that never ends; ``factory.start()`` does the same
    beside others. Whoever knows Twisted's ``ReconnectingClientFactory`` will find ``stopTrying``
    and the hooks; its delays are a :class:`Backoff` here.

    Args:
        url: what to connect to, as for ``connect``; a function is called for each attempt.
        origin: the Origin header.
        protocols: subprotocols to offer.
        useragent: the User-Agent header; None sends none.
        headers: to be added to the request; a function is called for each attempt.
        proxy: as for ``connect``: True takes it from the environment.
        loop: where the protocols' timers run if no loop is running.
        auth: credentials, as for ``connect``; a function is called for each attempt.
        max_redirects: how many redirects are followed.
        ssl: for ``wss://``; None verifies the server by the system's certificates.
        server_hostname: the name in the server's certificate, if not that in the URL.
        backoff: called at the begin of an outage, returns the pauses in seconds; None is
            ``Backoff()``.
        retry: whether to try again after an error.
        **kwargs: go to the loop's ``create_connection``.

    Attributes:
        connection: the protocol that is open; None while there is none.

    Raises:
        InvalidURL: the URL is none of a WebSocket.
        OptionError: another argument has a bad value.
    """

    connection: WebSocketClientProtocol | None = None
    _running: asyncio.Task[Any] | None = None
    _connecting: asyncio.Future[Any] | None = None
    _stopped: asyncio.Event | None = None
    _farewell: tuple[int, str] | None = None
    """How :meth:`close` wants a connection to end that has opened, but is not known here yet."""

    def __init__(
        self,
        url: URLSource | None = None,
        origin: str | None = None,
        protocols: Sequence[str] | None = None,
        useragent: str | None = USERAGENT,
        headers: HeadersSource | None = None,
        proxy: str | bool | None = True,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        auth: AuthSource | None = None,
        max_redirects: int = 10,
        ssl: ssl_module.SSLContext | None = None,
        server_hostname: str | None = None,
        backoff: Callable[[], Iterator[float]] | None = None,
        retry: Callable[[Exception], bool] = is_temporary,
        **kwargs: Unpack[ClientKeywords],
    ) -> None:
        check_client_keywords(ReconnectingWebSocketClientFactory, kwargs)
        check_backoff(backoff)
        check_function("retry", retry, "error")
        self._backoff = backoff or Backoff()
        self._retry = retry
        self._attempt = FactoryAttempt(
            url="ws://localhost" if url is None else url,
            options=self.options,
            headers=headers,
            auth=auth,
            subprotocols=protocols or (),
            origin=origin,
            useragent=useragent,
            max_redirects=max_redirects,
            proxy=proxy,
            ssl=ssl,
            server_hostname=server_hostname,
            sock=None,
            path=None,
            kwargs=cast(dict[str, Any], kwargs),
        )
        self._attempt.factory = self
        self._attempt.check()
        fixed_url = None if callable(url) else url
        fixed_headers = None if callable(headers) else headers
        super().__init__(fixed_url, origin, protocols, useragent, fixed_headers, loop=loop)

    # --- running --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, and again whenever that has ended, until ``stopTrying`` or ``close``.

        Cancelling it closes the connection.

        Raises:
            StateError: it is running already.
            Exception: the error after which it does not try again: one that ``retry`` says is
                final, or the last one when ``backoff`` has no pauses left.
        """
        if self._running is not None:
            raise StateError("this factory is running already")
        self._running, self._stopped = asyncio.current_task(), asyncio.Event()
        try:
            await self._run(self._stopped)
        finally:
            self._has_ended()

    async def _run(self, stopped: asyncio.Event) -> None:
        retries = Retries(self._backoff, self._retry)
        try:
            while not stopped.is_set():
                failure, lived = await self._connect_once(stopped)
                if stopped.is_set():
                    break
                pause = retries.after(failure, lived)
                where = self._attempt.where
                say(self.log, "info", f"{where}: {failure}; again in {pause:.1f} s")
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await stopped.wait()
        except Exception as error:
            say(self.log, "error", f"{self._attempt.where}: {error}; not again")
            raise

    def _has_ended(self) -> None:
        self._running = self._stopped = self._farewell = None

    async def _connect_once(self, stopped: asyncio.Event) -> tuple[Exception, float | None]:
        """Connect, and wait for the end: what it was, and how long the connection has lived."""
        self._attempt.options = self.options
        self.startedConnecting()
        connecting = self._connecting = asyncio.ensure_future(self._attempt.run())
        try:
            protocol: Any = await connecting
        except asyncio.CancelledError as error:
            if not connecting.cancelled() and connecting.exception() is None:  # just now
                connecting.result().dropConnection(abort=True)
            if not stopped.is_set() or self._running is None or self._running.cancelling():
                raise
            return StateError(str(error)), None
        except Exception as error:
            failure = error.with_traceback(None)  # which would hold this frame, and it us
            self.clientConnectionFailed(failure)
            return failure, None
        finally:
            self._connecting = None
        opened = monotonic()
        self.connection = protocol
        if self._farewell is not None:
            protocol.sendClose(*self._farewell)
        try:
            await protocol.wait_closed()
        finally:
            if protocol.close_info is None:  # we are cancelled
                protocol.sendClose(CloseCode.NORMAL)
                await protocol.wait_closed()
            self.connection = None
        end = closed_error(protocol.close_info)
        self.clientConnectionLost(end)
        return end, monotonic() - opened

    def start(self) -> asyncio.Task[None]:
        """Do what :meth:`run` does as a task of its own, in the running loop.

        Returns:
            The task; nobody has to await it, since its end is logged.

        Raises:
            StateError: it is running already.
        """
        if self._running is not None:
            raise StateError("this factory is running already")
        stopped = self._stopped = asyncio.Event()
        task = self._running = asyncio.get_running_loop().create_task(self._run(stopped))
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._has_ended()
        if not task.cancelled():
            task.exception()  # it has been logged: asyncio need not say that nobody heeded it

    def stopTrying(self) -> None:
        """Do not connect again; a connection that is open stays, one in the making is given up."""
        if self._stopped is not None:
            self._stopped.set()
        if self._connecting is not None and not self._attempt.is_open:
            self._connecting.cancel()

    async def close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Do not connect again, close the connection, and wait until all has ended.

        Args:
            code: 1000, or 3000 to 4999.
            reason: close reason.

        Raises:
            OptionError: the code cannot be sent.
        """
        check_sendable(code, reason)
        self.stopTrying()
        if self.connection is not None:
            self.connection.sendClose(code, reason)
        task = self._running
        if task is not None and task is not asyncio.current_task():
            self._farewell = code, reason
            await asyncio.wait([task])

    # --- hooks ----------------------------------------------------------------------------------

    def startedConnecting(self) -> None:
        """An attempt begins. For subclasses; plain methods, since nobody would await them."""

    def clientConnectionFailed(self, error: Exception) -> None:
        """An attempt has failed; another one follows unless ``retry`` or ``backoff`` says no."""

    def clientConnectionLost(self, error: ConnectionClosed) -> None:
        """A connection has ended, well or not; ``error.close_info`` says how."""

    # --- the contract ---------------------------------------------------------------------------

    def setSessionParameters(
        self,
        url: str | None = None,
        origin: str | None = None,
        protocols: Sequence[str] | None = None,
        useragent: str | None = None,
        headers: Mapping[str, Any] | None = None,
        proxy: dict[str, Any] | None = None,
    ) -> None:
        """Not for these factories: give it all to the constructor, as functions if it changes.

        Raises:
            OptionError: always, but for the constructor's own call.
        """
        if hasattr(self, "url"):
            raise OptionError(
                "a reconnecting factory gets its parameters in the constructor, as functions if "
                "they change"
            )
        super().setSessionParameters(url, origin, protocols, useragent, headers, proxy)

    def _ask_for(self, target: Target, asking: Asking) -> None:
        """Make protocols for this request from now on."""
        super().setSessionParameters(
            target.url,
            asking.origin,
            list(asking.protocols),
            asking.useragent,
            asking.headers,
        )


class FactoryAttempt(Attempt):
    """An attempt whose protocols are made by the user's factory."""

    factory: ReconnectingWebSocketClientFactory
    protocol: WebSocketClientProtocol | None = None
    """That of the attempt which is being made."""

    @property
    def is_open(self) -> bool:
        """Whether the connection is open, of which the factory has not been told yet."""
        return self.protocol is not None and self.protocol.open

    async def ask(self, target: Target, asking: Asking) -> Any:
        """Connect to one server, and let it answer: the protocol, when it is open."""
        self.factory._ask_for(target, asking)
        _, protocol = await self.transport(target, self.factory)
        self.protocol = protocol
        ended = asyncio.ensure_future(protocol.wait_closed())
        try:
            await asyncio.wait([protocol.is_open, ended], return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            protocol.dropConnection(abort=True)
            raise
        finally:
            self.protocol = None
            ended.cancel()
        if protocol.close_info is None:
            return protocol
        try:
            raise why_not_open(protocol, self.where)
        finally:
            protocol._handshake_error = None  # its traceback leads back there
            del protocol
