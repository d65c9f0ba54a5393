"""What a protocol can be asked to send, besides ``sendMessage``, which is in doors.py."""

from __future__ import annotations

import concurrent.futures
from typing import Any

from ..constants import (
    MAX_CONTROL_PAYLOAD,
    MAX_PAYLOAD,
    Opcode,
    State,
    is_sendable_close_code,
)
from ..core.connection import Connection, truncate
from ..errors import Disconnected, OptionError, OptionTypeError, StateError, check_text
from .frames import Frames
from .prepared import PreparedMessage
from .threads import check_thread, hand_over

__all__ = ["Sending", "check_sendable"]


class Sending(Frames):
    """Sending pings, pongs, closes, and messages, whole or in pieces."""

    # --- control frames -----------------------------------------------------------------------

    def sendPing(self, payload: bytes | None = None) -> None:
        """Send a ping of up to 125 octets; does nothing unless the connection is open.

        Raises:
            OptionError: the payload is too long.
            OptionTypeError: it is not ``bytes``.
        """
        self._send_control(Opcode.PING, "sendPing", payload)

    def sendPong(self, payload: bytes | None = None) -> None:
        """Send a pong, asked for or not (RFC 6455, section 5.5.3); otherwise like sendPing."""
        self._send_control(Opcode.PONG, "sendPong", payload)

    def _send_control(self, opcode: Opcode, name: str, payload: bytes | None) -> None:
        if self._thread is not None:
            check_thread(self._thread, f"{name}()")
        if payload is None:
            payload = b""
        if type(payload) is not bytes:
            raise OptionTypeError(
                f"{name}(payload=...) must be bytes or None, not {type(payload).__name__}"
            )
        if len(payload) > MAX_CONTROL_PAYLOAD:
            raise OptionError(
                f"{name}(payload=...) must have at most {MAX_CONTROL_PAYLOAD} octets, "
                f"not {len(payload)}"
            )
        connection = self._connection
        if connection is None or connection.state != State.OPEN:
            return
        self._send_control_frame(opcode, payload)

    def _send_control_frame(self, opcode: int, payload: bytes) -> None:
        assert self._connection is not None
        writer = self._connection.writer
        if self._by_frames and not writer.left:
            self.sendFrame(opcode, payload)
        else:
            writer.control(opcode, payload)

    def _send_close_watched(self, payload: bytes) -> None:
        """A close frame leaves while somebody looks on."""
        self._send_control_frame(Opcode.CLOSE, payload)

    def sendClose(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin the closing handshake; does nothing when the connection is closing or closed.

        Args:
            code: None for a close frame without one, 1000, or 3000 to 4999.
            reason: only with a code; cut to 123 octets of UTF-8.

        Raises:
            OptionError: the code is not one of these, or a reason comes without a code.
            OptionTypeError: an argument has the wrong type.
            StateError: the connection is not open yet.
        """
        check_sendable(code, reason)
        self.sendCloseFrame(code, None if reason is None else truncate(reason))

    def sendCloseFrame(
        self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False
    ) -> None:
        """Send a close frame with any code, if the connection is open (an inner door).

        Raises:
            StateError: the connection is not open yet.
        """
        if self._thread is not None:
            check_thread(self._thread, "sendClose(); use loop.call_soon_threadsafe(sendClose, ...)")
        connection = self._connection
        if connection is None or connection.state in (State.CONNECTING, State.PROXY_CONNECTING):
            raise StateError("cannot close a connection that is not yet connected")
        if connection.state != State.OPEN:
            return
        connection.close(None if code is None else int(code), reasonUtf8)
        if isReply:
            connection.closed_by_me = False
            self._relax_close()

    def _relax_close(self) -> None:
        """The peer has nothing to answer any more."""
        raise AssertionError

    # --- messages, with a look at the arguments -----------------------------------------------

    def _send_with_care(
        self, payload: Any, isBinary: Any, fragmentSize: Any, sync: Any, doNotCompress: Any
    ) -> None:
        if self._thread is not None:
            check_thread(self._thread, "sendMessage(); use sendMessageThreadsafe()")
        check_payload("sendMessage", payload)
        flags = {"isBinary": isBinary, "sync": sync, "doNotCompress": doNotCompress}
        for name, value in flags.items():
            if type(value) is not bool:
                raise OptionTypeError(
                    f"sendMessage({name}=...) must be a bool, not {type(value).__name__}"
                )
        if fragmentSize is not None and type(fragmentSize) is not int:
            raise OptionTypeError(
                f"sendMessage(fragmentSize=...) must be int or None, not "
                f"{type(fragmentSize).__name__}"
            )
        if fragmentSize is not None and fragmentSize < 1:
            raise OptionError(
                f"sendMessage(fragmentSize=...) must be 1 or more, not {fragmentSize}"
            )
        connection = self._connection
        if connection is None:
            raise Disconnected("a message can be sent on an open connection only")
        if connection.state != State.OPEN:
            raise connection.not_open()
        size = fragmentSize or connection.fragment
        self._track("sendMessage")
        if sync or self._by_frames:
            self._send_frames(payload, isBinary, size, sync, doNotCompress)
        else:
            connection.send_with_care(payload, isBinary, size, not doNotCompress)

    def _send_frames(
        self, payload: bytes, isBinary: bool, size: int, sync: bool, doNotCompress: bool
    ) -> None:
        """Send a message frame by frame through ``sendFrame``, which somebody watches."""
        connection = self._connection
        assert connection is not None
        for opcode, rsv, fin, piece in connection.cut_message(
            payload, isBinary, size, not doNotCompress
        ):
            self.sendFrame(opcode, piece, fin, rsv, sync=sync)

    def sendMessageThreadsafe(
        self, payload: bytes, isBinary: bool = False, doNotCompress: bool = False
    ) -> concurrent.futures.Future[None]:
        """Send a message from another thread than the loop's; see :meth:`sendMessage`.

        What a thread sends like this leaves in the order of its calls.

        Returns:
            A future that is done when there is room for more (as after ``drain``), or has the
            exception that ``sendMessage`` raised. ``result(timeout)`` waits for it.

        Raises:
            StateError: this is the loop's thread.
            Disconnected: the loop is closed.
        """

        async def work() -> None:
            self.sendMessage(payload, isBinary, doNotCompress=doNotCompress)
            await self.drain()

        return hand_over(self._loop, work(), "use sendMessage()")

    # --- prepared messages --------------------------------------------------------------------

    def _send_prepared_with_care(self, preparedMsg: PreparedMessage) -> None:
        if self._thread is not None:
            check_thread(self._thread, "sendPreparedMessage()")
        connection = self._connection
        assert connection is not None
        octets = preparedMsg.payloadHybi
        size = len(preparedMsg.payload)
        compress = connection.codec is not None and size >= connection.compress_from
        if compress and not preparedMsg.doNotCompress:
            # Where it may have to be cut, or refused, it must be known how large it got.
            alone = connection.fragment or (connection.max_send and size > connection.max_send)
            shared = None if alone else preparedMsg.compressed_for(connection.codec)
            if shared is None:
                self.sendMessage(preparedMsg.payload, preparedMsg.binary)
                return
            if not connection.max_send or len(shared) <= connection.max_send:
                octets = shared  # noise gets larger, and goes as it is
        elif connection.max_send and size > connection.max_send:
            connection.refuse_size(size)
        if self._by_frames:
            self.sendData(octets)
        else:
            connection.writer.whole(octets)

    # --- messages in pieces -------------------------------------------------------------------

    def beginMessage(self, isBinary: bool = False, doNotCompress: bool = False) -> None:
        """Begin a message that is sent in pieces; does nothing unless the connection is open.

        Raises:
            StateError: the one before has not ended.
        """
        if connection := self._open_connection():
            connection.begin_message(isBinary, not doNotCompress)

    def beginMessageFrame(self, length: int) -> None:
        """Send the header of a frame of ``length`` octets, which is not the last of its message.

        Does nothing unless the connection is open.

        Raises:
            StateError: no message was begun, or a frame is not complete.
            OptionError: the length is not an int from 0 to 2**63 - 1.
        """
        connection = self._open_connection()
        if connection is None:
            return
        if type(length) is not int or not 0 <= length <= MAX_PAYLOAD:
            raise OptionError(
                f"beginMessageFrame(length=...) must be an int from 0 to {MAX_PAYLOAD}"
            )
        connection.begin_frame(length)

    def sendMessageFrameData(self, payload: bytes, sync: bool = False) -> int | None:
        """Send a piece of the frame that was begun.

        Returns:
            How many octets the frame is missing; 0 when it is complete; negative where the last
            octets of ``payload`` were too many and have not been sent. None, and nothing is done,
            unless the connection is open. A frame that is not complete can be completed while it
            is closing, too: the close frame waits for that.

        Raises:
            StateError: no frame was begun.
            OptionTypeError: the payload is not ``bytes``.
        """
        check_payload("sendMessageFrameData", payload)
        connection = self._connection
        if connection is None or connection.state not in (State.OPEN, State.CLOSING):
            return None
        if connection.state == State.CLOSING and not connection.writer.left:
            return None
        left = connection.frame_data(payload)
        if sync:
            self._flush_alone()
        return left

    def sendMessageFrame(self, payload: bytes, sync: bool = False) -> None:
        """Send a whole frame, compressed if the message is, which is not the last of its message.

        Does nothing unless the connection is open.

        Raises:
            StateError: no message was begun, or a frame is not complete.
            OptionTypeError: the payload is not ``bytes``.
        """
        check_payload("sendMessageFrame", payload)
        connection = self._open_connection()
        if connection is None:
            return
        payload = connection.compress_frame(payload)
        self.beginMessageFrame(len(payload))
        self.sendMessageFrameData(payload, sync)

    def endMessage(self) -> None:
        """End a message that is sent in pieces; does nothing unless the connection is open.

        Raises:
            StateError: no message was begun, or a frame is not complete.
        """
        if connection := self._open_connection():
            connection.end_message()

    def _open_connection(self) -> Connection | None:
        if self._thread is not None:
            check_thread(self._thread, "a method that sends a message in pieces")
        connection = self._connection
        if connection is None or connection.state != State.OPEN:
            return None
        return connection


def check_payload(method: str, payload: Any) -> None:
    """Refuse what has no octets, or counts something else than them.

    Raises:
        OptionTypeError: it is not ``bytes``.
    """
    if type(payload) is not bytes:
        hint = "; encode text first" if isinstance(payload, str) else ""
        raise OptionTypeError(
            f"{method}(payload=...) must be bytes, not {type(payload).__name__}{hint}"
        )


def check_sendable(code: int | None, reason: str | None) -> None:
    """Refuse what no application may say in a close frame.

    Raises:
        OptionError: the code is not one of an application's, or a reason comes without a code.
        OptionTypeError: an argument has the wrong type.
    """
    if code is not None:
        if not isinstance(code, int) or isinstance(code, bool):
            raise OptionTypeError(
                f"invalid type {type(code).__name__} of close code: it must be int"
            )
        if not is_sendable_close_code(code):
            raise OptionError(
                f"invalid close code {code}: an application may use 1000 and 3000 to 4999"
            )
    if reason is not None:
        if code is None:
            raise OptionError("close reason without close code: give sendClose() both")
        if not isinstance(reason, str):
            raise OptionTypeError(
                f"invalid type: close reason must be of type str, not {type(reason).__name__}"
            )
        check_text("close reason", reason)
