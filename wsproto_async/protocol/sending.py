"""What a protocol can be asked to send, besides ``sendMessage``, which is in doors.py."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Sequence
from typing import Any, ClassVar

from .._native.kernels import NO_KEY, Outgoing
from ..constants import (
    MAX_CONTROL_PAYLOAD,
    MAX_PAYLOAD,
    Opcode,
    State,
    is_sendable_close_code,
)
from ..core.connection import Connection, truncate
from ..errors import Disconnected, OptionError, OptionTypeError, StateError
from ..masking import xor
from ..types import FrameHeader
from . import trickle
from .flow import Flow
from .plan import plan_of
from .prepared import PreparedMessage
from .threads import check_thread, hand_over
from .writes import bind_writes

__all__ = ["Sending"]


class Sending(Flow):
    """Sending pings, pongs, closes, frames, and messages in pieces."""

    _QUEUED_WRITE_DELAY: ClassVar[float] = 0.00001
    """Seconds between two writes of a queue."""

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
        if type(payload) is not bytes:
            hint = "; encode text first" if isinstance(payload, str) else ""
            raise OptionTypeError(
                f"sendMessage(payload=...) must be bytes, not {type(payload).__name__}{hint}"
            )
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
            octets = shared
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
        """
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
        """
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

    # --- frames and octets, whatever they say -------------------------------------------------

    def sendFrame(
        self,
        opcode: int,
        payload: bytes = b"",
        fin: bool = True,
        rsv: int = 0,
        mask: bytes | None = None,
        payload_len: int | None = None,
        chopsize: int | None = None,
        sync: bool = False,
    ) -> None:
        """Send a frame as told, legal or not, in any state: for tests of other implementations.

        Args:
            opcode: 0 to 127; what does not fit into four bits spills into the reserved ones.
            payload: its octets.
            fin: the FIN bit.
            rsv: the three reserved bits, as a number.
            mask: mask the payload with these four octets, whatever the options say. They are
                *not* written, which makes the frame illegal: a peer must notice.
            payload_len: repeat the payload up to this size.
            chopsize: write it in pieces of so many octets; see :meth:`sendData`.
            sync: see :meth:`sendData`.

        Raises:
            OptionError: an empty payload cannot be repeated, or the size is above 2**63 - 1.
        """
        connection = self._connection
        if connection is None:
            raise Disconnected("sendFrame() before connection_made()")
        if payload_len is not None:
            if not payload:
                raise OptionError("sendFrame(payload_len=...) needs a payload to repeat")
            if payload_len > MAX_PAYLOAD:
                raise OptionError(f"sendFrame(payload_len=...) must be at most {MAX_PAYLOAD}")
            times, rest = divmod(payload_len, len(payload))
            data = payload * times + payload[:rest]
        else:
            data = payload
        first = (0x80 if fin else 0) | (rsv % 8) << 4 | opcode % 128
        out = Outgoing()
        writer = connection.writer
        key = mask
        if mask is not None:
            out.append_header(first, len(data), True, NO_KEY)
            octets = out.take()[:-4] + (xor(data, mask) if writer.apply_mask else data)
        else:
            out.append_frame(first, data, writer.mask, writer.apply_mask)
            octets = out.take()
            if writer.mask:
                key = octets[len(octets) - len(data) - 4 : len(octets) - len(data)]
        if opcode <= 2:
            writer.frames += 1
            writer.octets += len(data)
        self.sendData(octets, sync, chopsize)
        if self.logFrames:
            header = FrameHeader(opcode, fin, rsv, len(data), key)
            self._call_hook("logTxFrame", header, payload, payload_len, chopsize, sync)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Send octets as they are, in any state but CLOSED.

        Args:
            data: the octets.
            sync: write them by themselves, in a turn of the loop of their own.
            chopsize: write them in pieces of so many octets, each in a turn of its own.
        """
        self._flush()
        connection = self._connection
        if connection is not None and connection.state in (State.OPEN, State.CLOSING):
            connection.writer.wire += len(data)
        self._write_out(data, sync, chopsize)

    def _write_watched(self, data: bytes) -> None:
        """Write what the writer has collected, where somebody looks on."""
        connection = self._connection
        if "sendData" in plan_of(self).overridden and connection is not None:
            connection.writer.wire -= len(data)  # sendData() counts it, too
            self.sendData(data)
        else:
            self._write_out(data)

    def _write_out(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Write octets now, or behind those that wait for turns of their own."""
        if sync or chopsize or self.triggered:
            trickle.queue_write(self, data, sync, chopsize)
            self._bind_writes()
        else:
            self._write_now(data, sync)

    def _write_now(self, data: bytes, sync: bool) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        self.transport.write(data)
        if self._options is not None and self._options.log_octets:
            self._call_hook("logTxOctets", data, sync)
        connection = self._connection
        if self._writing_paused and connection is not None and connection.receiving:
            self._check_answers()

    def _bind_writes(self) -> None:
        """How octets reach the transport has to be decided anew."""
        bind_writes(self)

    def _write_preopen(self, data: bytes) -> None:
        """Write a part of the opening handshake, or an answer instead of one."""
        assert self._connection is not None
        self._connection.preopen_sent += len(data)
        self.sendData(data)

    def _write_pieces(self, pieces: Sequence[bytes | bytearray | memoryview]) -> None:
        """Write octets that lie in several places, without joining them.

        A read can be answered with many large messages. When the peer turns out to be gone, asyncio
        would log each write but the first few.
        """
        transport = self.transport
        for piece in pieces:
            if not transport.is_closing():
                transport.write(piece)

    def _flush_alone(self) -> None:
        """What was just sent leaves in a turn of its own."""
        connection = self._connection
        assert connection is not None
        data = connection.writer.out.take()
        if data:
            self.sendData(data, sync=True)

    # --- queued writes ------------------------------------------------------------------------

    def _trigger(self) -> None:
        """Begin to empty the queue of writes, unless that is under way."""
        trickle.start(self)

    def _send(self) -> None:
        """Write what is next in the queue, and come again."""
        trickle.write_next(self)
        if not self.triggered:
            self._bind_writes()
