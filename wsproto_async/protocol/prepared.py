"""A message that is encoded once and sent on many connections."""

from __future__ import annotations

from typing import Any

from .._native.kernels import Outgoing
from ..errors import OptionTypeError

__all__ = ["PreparedMessage"]


class PreparedMessage:
    """What ``factory.prepareMessage`` returns and ``sendPreparedMessage`` takes.

    Args:
        payload: octets of the message; for text, UTF-8.
        isBinary: False is text.
        applyMask: mask it, as a client must; all connections then share one masking key.
        doNotCompress: it goes out as it is, whatever a connection has agreed on.

    Attributes:
        payloadHybi: the whole frame.
    """

    __slots__ = ("_mask", "_shared", "binary", "doNotCompress", "payload", "payloadHybi")

    def __init__(
        self, payload: bytes, isBinary: bool, applyMask: bool, doNotCompress: bool
    ) -> None:
        if type(payload) is not bytes:
            raise OptionTypeError(
                f"prepareMessage(payload=...) must be bytes, not {type(payload).__name__}"
            )
        self.payload = payload
        self.binary = isBinary
        self.doNotCompress = doNotCompress
        self._mask = applyMask
        self._shared: dict[Any, bytes] = {}
        self.payloadHybi = self._frame(0, payload)

    def compressed_for(self, codec: Any) -> bytes | None:
        """The whole frame, compressed once for all connections that share a way to compress.

        Args:
            codec: of the connection that is going to send it. What it compresses next will not
                refer to what was before.

        Returns:
            None where this codec shares nothing.
        """
        # Not in Autobahn's contract: a codec that was made for that may lack it.
        sharing = getattr(codec, "sharing", None)
        way = None if sharing is None else sharing()
        if way is None:
            return None
        codec.discard_compress_message()
        frame = self._shared.get(way)
        if frame is None:
            frame = self._shared[way] = self._frame(0x40, way.compress(self.payload))
        return frame

    def _frame(self, rsv: int, payload: bytes) -> bytes:
        out = Outgoing()
        out.append_frame(0x80 | rsv | (2 if self.binary else 1), payload, self._mask, True)
        return out.take()
