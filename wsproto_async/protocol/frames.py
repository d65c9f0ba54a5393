"""Frames and octets sent as told, whatever they say, and how octets reach the transport."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .._native.kernels import NO_KEY, Outgoing
from ..constants import MAX_PAYLOAD, State
from ..errors import Disconnected, OptionError
from ..masking import xor
from ..types import FrameHeader
from . import details, trickle
from .flow import Flow
from .plan import plan_of
from .writes import bind_writes

__all__ = ["Frames"]


class Frames(Flow):
    """Sending frames and octets."""

    _QUEUED_WRITE_DELAY: ClassVar[float] = 0.00001
    """Seconds between two writes of a queue."""

    # --- as told ------------------------------------------------------------------------------

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
        self._check_thread("sendFrame()")
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
        self._check_thread("sendData()")
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
        if self.transport is None or self._is_lost():
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

        A read can be answered with many large messages.
        """
        for piece in pieces:
            self._write_one(piece)

    def _write_one(self, data: bytes | bytearray | memoryview) -> None:
        """Write octets, unless the transport has ended."""
        if not self._is_lost():
            self.transport.write(data)

    def _is_lost(self) -> bool:
        """Whether the transport has ended, also where the peer has only just turned out to be gone.

        Of the writes to such a one asyncio logs each but the first few.
        """
        transport = self.transport
        lost: bool = transport.is_closing() or details.carrier_of(transport).is_closing()
        return lost

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
