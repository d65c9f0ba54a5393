"""A message that is encoded once and sent on many connections."""

from __future__ import annotations

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

    __slots__ = ("binary", "doNotCompress", "payload", "payloadHybi")

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
        out = Outgoing()
        out.append_frame(0x82 if isBinary else 0x81, payload, applyMask, True)
        self.payloadHybi = out.take()
