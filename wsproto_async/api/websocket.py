"""``WebSocket``: a connection as applications see it, the same on both sides."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from pydantic import TypeAdapter
from typing_extensions import TypeVar as DefaultTypeVar

from ..constants import CloseCode, State
from ..errors import ConnectionClosed, Disconnected, OptionTypeError, StateError
from ..protocol.ending import closed_error
from ..protocol.threads import check_thread, hand_over
from ..types import ConnectionRequest, ConnectionResponse
from .arguments import check_close, control_payload
from .fragments import Pieces
from .outgoing import FragmentedMessage, is_in_fragments, octets_of
from .outlet import Sendable
from .pings import Pings
from .typed import OnInvalid, TypedMessages, json_of
from .view import View, addresses_of

if TYPE_CHECKING:
    from .link import Link

__all__ = ["WebSocket"]

Message = str | bytes
Octets = bytes | bytearray | memoryview

T = TypeVar("T")
M_co = DefaultTypeVar("M_co", covariant=True, default=Message)


class WebSocket(View, Generic[M_co]):
    """A connection. ``serve`` gives one to each handler, ``connect`` makes one.

    What is received is ``str`` or ``bytes``; :meth:`typed` makes it a ``WebSocket[Order]``.

    Sending is for any number of tasks; receiving is for one at a time. Both are safe to cancel:
    no message is lost or torn. Once the connection has ended, whatever needs it raises
    :class:`~wsproto_async.errors.ConnectionClosedOK` or ``ConnectionClosedError``, with a
    ``close_info`` that says how it ended.

    ``async for message in ws`` takes messages until the connection ends; it stops after a clean
    close and raises ``ConnectionClosedError`` after any other.

    Attributes:
        protocol: the protocol object of Autobahn's contract below.
        request: on a server, the opening handshake; None on a client.
        response: on a client, the server's answer to it; None on a server.
        handler: on a server, the task of its handler while that runs.
    """

    __slots__ = (
        "_fragmented",
        "_in_line",
        "_line",
        "_lost",
        "_messages",
        "_pings",
        "_stream",
        "handler",
        "request",
        "response",
    )

    def __init__(self, link: Link) -> None:
        connection = link._connection
        assert connection is not None
        super().__init__(connection, link)
        self.request: ConnectionRequest | None = None
        self.response: ConnectionResponse | None = None
        self.handler: asyncio.Future[Any] | None = None
        self._stream = link.messages()
        self._messages: Any = self._stream
        self._fragmented: FragmentedMessage | None = None
        # Who sends a message in fragments, and who waits behind: a lock lets them in by turns.
        self._line: asyncio.Lock | None = None
        self._in_line = 0
        self._pings: Pings | None = None
        self._lost: asyncio.Future[None] | None = None
        self._bind()

    def _bind(self) -> None:
        """Decide on the way that messages take: the short one, unless somebody watches them."""
        self._careful = self._in_line > 0 or self._is_watched()

    def _is_watched(self) -> bool:
        options = self.protocol._options
        if self.protocol._thread is not None:
            return True
        return options is not None and (options.log_frames or options.track_timings)

    def __repr__(self) -> str:
        return f"<WebSocket {self.state.name} {self.peer}>"

    # --- sending ------------------------------------------------------------------------------

    async def _send_with_care(self, message: Any, compress: bool) -> None:
        """Send what is not plain, or not now."""
        if self.protocol._thread is not None:
            check_thread(self.protocol._thread, "send(); use send_threadsafe()")
        octets = octets_of(message)
        if octets is None and not is_in_fragments(message):
            raise OptionTypeError(
                "send(message=...) must be str, bytes-like, or an iterable of such fragments, not "
                f"{type(message).__name__}; send_model() sends JSON"
            )
        try:
            if octets is not None and not self._in_line:
                self._send_whole(message, octets, compress)
            else:
                await self._send_in_turn(message, octets, compress)
        except Disconnected:
            raise await self._end() from None
        if octets is not None:
            self.protocol._credit -= 1
            if self.protocol._writing_paused or self.protocol._credit < 0:
                await self._give_way()

    async def _give_way(self) -> None:
        """Wait for the peer, and now and then for the loop, which may know that it is gone."""
        await self.drain()

    def _send_whole(self, message: Any, octets: bytes, compress: bool) -> None:
        self.protocol.sendMessage(octets, not isinstance(message, str), doNotCompress=not compress)

    async def _send_in_turn(self, message: Any, octets: bytes | None, compress: bool) -> None:
        """Send a message in fragments, or behind one; each has its turn in the order of calls."""
        if self._line is None:
            self._line = asyncio.Lock()
        self._in_line += 1
        self._bind()
        try:
            async with self._line:
                if octets is not None:
                    self._send_whole(message, octets, compress)
                    return
                fragmented = self._fragmented = FragmentedMessage(self.protocol)
                try:
                    await fragmented.send(message, compress)
                finally:
                    self._fragmented = None
        finally:
            self._in_line -= 1
            self._bind()

    def send_threadsafe(
        self, message: Sendable, *, compress: bool = True
    ) -> concurrent.futures.Future[None]:
        """Send a message from another thread than the loop's; see :meth:`send`.

        What a thread sends like this leaves in the order of its calls.

        Returns:
            A future that becomes what ``await send(...)`` would have: ``result(timeout)`` waits for
            it, and for a slow peer with it. Cancelling it cancels the waiting.

        Raises:
            StateError: this is the loop's thread.
            ConnectionClosed: the loop is closed, and with it the connection.
        """

        async def work() -> None:
            await self.send(message, compress=compress)

        try:
            return hand_over(self.protocol._loop, work(), "use await send()")
        except Disconnected:
            if self.close_info is None:
                raise
            raise self._closed_error() from None

    async def drain(self) -> None:
        """Wait until there is room for more to be sent; ``send`` does so itself.

        Raises:
            ConnectionClosed: the connection has ended.
        """
        await self.protocol.drain()
        if self.close_info is not None:
            raise self._closed_error()

    @property
    def buffered_amount(self) -> int:
        """Octets that were sent and the system has not taken yet."""
        return self.protocol.bufferedAmount

    # --- receiving ----------------------------------------------------------------------------

    async def send_model(self, value: Any, kind: Any = None) -> None:
        """Send a value as JSON, in a text message; else like ``send``.

        Args:
            value: a pydantic model, or anything else that pydantic can write as JSON.
            kind: write it as this type, for what its own does not tell: a ``TypeAdapter``, a
                union, ``list[Order]``. None is its own type.

        Raises:
            pydantic.PydanticSchemaGenerationError: pydantic does not know the type.
            pydantic_core.PydanticSerializationError: there is something in it that is no JSON.
        """
        await self.send(json_of(value, kind).decode())

    def recv(self) -> Coroutine[Any, Any, M_co]:
        """Await the next message: ``str`` for text, ``bytes`` for binary, unless it is typed.

        Raises:
            ConnectionClosed: the connection has ended, and there are no more messages.
            StateError: another task is waiting for a message.
        """
        # Natively no Coroutine by name, but by all it can do.
        return self._messages.recv()  # type: ignore[no-any-return]

    def __aiter__(self) -> AsyncIterator[M_co]:
        return self._messages  # type: ignore[no-any-return]

    def recv_streaming(self, *, max_size: int | None = None) -> Pieces:
        """The next message in pieces, as they arrive: ``async for piece in ws.recv_streaming()``.

        Pieces are as the network cuts them; text is cut between characters. What had arrived
        of the message before is the first piece. ``receive_queue_bytes`` bounds what waits.
        Whoever stops early, or receives something else meanwhile, skips the rest of the message.

        Args:
            max_size: how many octets this message and its frames may have, 0 is unlimited; None
                is what ``max_message_payload_size`` and ``max_frame_payload_size`` say. It holds
                from the first piece on: ask for that before so much has come.

        Returns:
            An iterator of ``str`` or ``bytes``. It raises ``ConnectionClosed`` when the connection
            has ended, and the message may be incomplete; ``StateError`` when another message is
            being received like this.
        """
        return Pieces(self, max_size)

    @overload
    def messages(
        self, kind: type[T] | TypeAdapter[T], *, on_invalid: OnInvalid = ...
    ) -> TypedMessages[T]: ...

    @overload
    def messages(self, kind: Any, *, on_invalid: OnInvalid = ...) -> TypedMessages[Any]: ...

    def messages(self, kind: Any, *, on_invalid: OnInvalid = "raise") -> TypedMessages[Any]:
        """Messages that are JSON of a type: ``async for order in ws.messages(Order)``.

        Args:
            kind: a pydantic model, or any other type pydantic knows, or a ``TypeAdapter`` (which
                tells type checkers more of unions and the like).
            on_invalid: what to do about a message that is no JSON of that type:

                * ``"raise"``: ``pydantic.ValidationError``. The connection stays, and iterating
                  again goes on with the next message;
                * ``"close"``: raise it, and close the connection with 1007;
                * a function, plain or coroutine, gets the message and the error, and receiving
                  goes on when it has returned.

        Returns:
            An iterator like ``ws`` itself.
        """
        return TypedMessages(self, kind, on_invalid)

    def typed(
        self, kind: type[T] | TypeAdapter[T], *, on_invalid: OnInvalid = "raise"
    ) -> WebSocket[T]:
        """From now on, ``recv`` and ``async for`` give messages of this type.

        Args:
            kind: a type, or a ``TypeAdapter``: see :meth:`messages`.
            on_invalid: what to do about other messages: see there.

        Returns:
            The connection itself, as type checkers shall know it from here on.
        """
        self._messages = TypedMessages[T](self, kind, on_invalid)
        return cast(WebSocket[T], self)

    # --- pinging ------------------------------------------------------------------------------

    def ping(self, data: str | Octets | None = None) -> asyncio.Future[float]:
        """Send a ping; await what it returns for the round trip in seconds.

        A pong answers its ping and all before it (RFC 6455, section 5.5.3). Nobody has to await.

        Args:
            data: at most 125 octets that no ping without an answer carries; random if left out.

        Raises:
            ConnectionClosed: the connection has ended; awaiting raises it when it ends first.
            OptionError: the data is too long, or is on its way already.
        """
        self._check_open("ping()")
        payload = os.urandom(8) if data is None else control_payload("ping", data)
        if self._pings is None:
            self._pings = Pings()
        waiter = self._pings.add(payload, self.protocol._loop)
        if self.protocol.autoPingPending is None:
            self._connection.held_back = self._connection.paused
        self.protocol.sendPing(payload)
        return waiter

    def pong(self, data: str | Octets = b"") -> None:
        """Send a pong that nobody asked for, as a one-way heartbeat (RFC 6455, section 5.5.3).

        Raises:
            ConnectionClosed: the connection has ended.
            OptionError: the data is longer than 125 octets.
        """
        self._check_open("pong()")
        self.protocol.sendPong(control_payload("pong", data))

    def _on_pong(self, payload: bytes) -> None:
        """A pong arrived; the protocol object calls this."""
        trip = None if self._pings is None else self._pings.answer(payload)
        if trip is not None and not self._connection.held_back:
            self.protocol._timers.round_trip = trip

    # --- closing ------------------------------------------------------------------------------

    async def close(
        self, code: int = CloseCode.NORMAL, reason: str = "", timeout: float | None = None
    ) -> None:
        """Close the connection, and wait until it is closed; does nothing where it is already.

        Messages that arrive meanwhile can still be received; those that nobody fetches are
        dropped above the marks of the queue.

        Args:
            code: close code: 1000 to 1003, 1007 to 1013, or 3000 to 4999.
            reason: cut to 123 octets of UTF-8.
            timeout: seconds for all of it, the end of TCP included; then the connection is
                dropped. None is the option ``close_timeout``; 0 drops it at once.

        Raises:
            OptionError: an argument has a bad value.
        """
        check_close(code, reason, timeout)
        self.protocol._begin_close(int(code), reason, timeout)
        await self.wait_closed()

    def abort(self) -> None:
        """Drop the connection at once, without a closing handshake; what waits is lost."""
        self.protocol.dropConnection(abort=True)

    async def wait_closed(self) -> None:
        """Wait until the connection has ended and its socket is closed.

        Reading pauses while more messages wait than the options allow, and then the peer's end
        is not heard of: somebody has to receive meanwhile.
        """
        if self.close_info is not None:
            return
        if self._lost is None:
            self._lost = self.protocol._loop.create_future()
        await asyncio.shield(self._lost)

    def _on_lost(self, transport: Any) -> None:
        """The end: everybody who waits is told. The protocol object calls this."""
        self._addresses = addresses_of(transport)
        self._careful = False
        if self._fragmented is not None:
            self._fragmented.interrupt()
        if self._lost is not None:
            self._lost.set_result(None)
        if self._pings is not None:
            self._pings.end(self._closed_error())

    def _closed_error(self) -> ConnectionClosed:
        """What everything that needs the connection raises, now that it has ended."""
        assert self.close_info is not None
        return closed_error(self.close_info)

    async def _end(self) -> ConnectionClosed:
        """Wait for the end of a connection that is not open; what to raise then."""
        if self.state in (State.CONNECTING, State.PROXY_CONNECTING):
            raise StateError("the connection is not open yet: the handshake is going on")
        await self.wait_closed()
        return self._closed_error()

    def _check_open(self, what: str) -> None:
        if self.close_info is not None:
            raise self._closed_error()
        if self.state in (State.CONNECTING, State.PROXY_CONNECTING):
            raise StateError(f"{what} before the connection is open")


# Whoever forgets to await send() is told so by this name; so is who looks at a task of it.
WebSocket._send_with_care.__qualname__ = WebSocket._give_way.__qualname__ = "WebSocket.send"
