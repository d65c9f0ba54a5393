"""What a protocol is told: the hooks that subclasses override.

Every hook may be a plain method or a coroutine function; it is called with positional arguments.
A hook that raises is logged, and the connection fails with 1011 unless the option ``onHookError``
says ``"keep"``.

The streaming hooks (``onMessageBegin`` to ``onMessageEnd``) are called only if a class overrides
one of them. Their bodies here put the message together and hand it to the next one, down to
``onMessage``: so any one of them can be overridden, and ``super()`` called for the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from ..errors import PayloadError
from ..types import FrameHeader
from .internals import Internals

__all__ = ["Hooks"]

Hook = Awaitable[Any] | None
"""What a hook returns: nothing, or something to be awaited."""

MANY = 256
"""Pieces after which they are joined, so that tiny ones cost no more memory than large."""


class Hooks(Internals):
    """The hooks, with what they do where nobody overrides them."""

    # --- opening and closing ------------------------------------------------------------------

    def onOpen(self) -> Hook:
        """The connection is open: messages may be sent, and will come. Called once."""
        return None

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> Hook:
        """The connection has ended. Called once, also when it never opened.

        Args:
            wasClean: a close frame went both ways (RFC 6455, section 7.1.4).
            code: the peer's close code, None if it sent none; 1006 where it was not clean.
            reason: the peer's close reason, or what happened instead.
        """
        return None

    # --- messages -----------------------------------------------------------------------------

    def onMessage(self, payload: bytes, isBinary: bool) -> Hook:
        """A message arrived.

        Args:
            payload: its octets, for text as well (valid UTF-8, unless ``utf8validateIncoming``
                is off).
            isBinary: whether it is binary.
        """
        return None

    def onPing(self, payload: bytes) -> Hook:
        """A ping arrived. The default answers it; so must whoever overrides this."""
        self._pong(payload)
        return None

    def onError(self, error: BaseException, hook: str) -> Hook:
        """A hook of this connection raised; it has been logged already."""
        return None

    def onPong(self, payload: bytes) -> Hook:
        """A pong arrived, asked for or not."""
        return None

    # --- a message as it arrives ----------------------------------------------------------------

    def onMessageBegin(self, isBinary: bool) -> Hook:
        """A message begins."""
        self.message_is_binary = isBinary
        self.message_data = []
        self.message_data_total_length = 0
        return None

    def onMessageFrameBegin(self, length: int) -> Hook:
        """A frame of it begins; ``length`` is its octets on the wire."""
        self.frame_length = length
        self.frame_data = []
        self.message_data_total_length += length
        return None

    def onMessageFrameData(self, payload: bytes) -> Hook:
        """A piece of the frame arrived, cut as the network cut it; it may be empty."""
        if payload and not self.failedByMe:
            self.frame_data.append(payload)
            if len(self.frame_data) > MANY:
                self.frame_data[:] = [b"".join(self.frame_data)]
        return None

    def onMessageFrameEnd(self) -> Hook:
        """The frame is complete."""
        if not self.failedByMe:
            data, self.frame_data = self.frame_data, []
            self._call_hook("onMessageFrame", data or [b""])
        return None

    def onMessageFrame(self, payload: list[bytes]) -> Hook:
        """A frame is complete, in pieces."""
        if not self.failedByMe:
            self.message_data.extend(payload)
            if len(self.message_data) > MANY:
                self.message_data[:] = [b"".join(self.message_data)]
        return None

    def onMessageEnd(self) -> Hook:
        """The message is complete."""
        if not self.failedByMe:
            payload, self.message_data = b"".join(self.message_data), []
            self._deliver(payload, self.message_is_binary)
        return None

    def _deliver(self, payload: bytes, isBinary: bool) -> None:
        """A message goes to everybody: hook, iterator and handlers."""
        self._track("onMessage")
        try:
            self._call_hook("onMessage", payload, isBinary)
        finally:  # a hook that raises takes it from nobody else
            if self._stream is not None:
                self._stream.push(payload if isBinary else _text_of(payload), isBinary)
            if self._handlers:
                self.fire("message", payload, is_binary=isBinary)

    # --- for looking on ---------------------------------------------------------------------

    def logRxOctets(self, data: bytes) -> None:
        """Octets arrived. Called if the option ``logOctets`` is on."""
        self._say("debug", f"received {len(data)} octets: {data.hex()}")

    def logTxOctets(self, data: bytes, sync: bool) -> None:
        """Octets were written. Called if the option ``logOctets`` is on."""
        self._say("debug", f"sent {len(data)} octets (sync={sync}): {data.hex()}")

    def logRxFrame(self, frameHeader: FrameHeader, payload: list[bytes]) -> None:
        """A frame arrived, its payload in pieces. Called if the option ``logFrames`` is on."""
        self._say("debug", f"received frame {_shown(frameHeader)}: {b''.join(payload).hex()}")

    def logTxFrame(
        self,
        frameHeader: FrameHeader,
        payload: bytes,
        repeatLength: int | None,
        chopsize: int | None,
        sync: bool,
    ) -> None:
        """A frame was sent. Called if the option ``logFrames`` is on."""
        self._say(
            "debug",
            f"sent frame {_shown(frameHeader)}, repeated up to {repeatLength}, "
            f"chopsize {chopsize}, sync {sync}: {payload.hex()}",
        )


def _text_of(payload: bytes) -> str:
    """The text of a message that has perhaps not been checked (``utf8_validate_incoming``)."""
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise PayloadError("text message is not UTF-8") from error


def _shown(header: FrameHeader) -> str:
    return (
        f"opcode {header.opcode}, fin {header.fin}, rsv {header.rsv}, length {header.length}, "
        f"mask {header.mask.hex() if header.mask else None}"
    )
