"""Numbers of RFC 6455 and of Autobahn's contract. Nothing here does anything.

A frame (RFC 6455, section 5.2)::

     7 6 5 4 3 2 1 0   7 6 5 4 3 2 1 0
    +-+-----+-------+ +-+-------------+ +-----------+ +--------+ +---------+
    |F|R R R|opcode | |M|  length     | | 0, 2 or 8 | | 0 or 4 | | payload |
    |I|S S S|       | |A|  0..125,    | | octets of | | octets | |         |
    |N|V V V|       | |S|  126 or 127 | | length    | | of key | |         |
    | |1 2 3|       | |K|             | |           | |        | |         |
    +-+-----+-------+ +-+-------------+ +-----------+ +--------+ +---------+
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["CloseCode", "Opcode", "SendState", "State"]

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What is appended to Sec-WebSocket-Key before hashing (RFC 6455, section 1.3)."""

MAX_CONTROL_PAYLOAD: Final = 125
"""Octets a control frame may carry (RFC 6455, section 5.5)."""

MAX_CLOSE_REASON: Final = 123
"""Octets left for the reason of a close frame, behind its two octets of code."""

MAX_PAYLOAD: Final = 2**63 - 1
"""Octets a frame may announce: bit 63 must be zero (RFC 6455, section 5.2)."""


class Opcode(IntEnum):
    """Frame types (RFC 6455, section 5.2). Bit 3 marks control frames."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class State(IntEnum):
    """Where a connection stands, in Autobahn's numbers. Their order means nothing."""

    CLOSED = 0
    CONNECTING = 1
    CLOSING = 2
    OPEN = 3
    PROXY_CONNECTING = 4


class SendState(IntEnum):
    """Where a message that is sent in pieces stands."""

    GROUND = 0
    MESSAGE_BEGIN = 1
    INSIDE_MESSAGE = 2
    INSIDE_MESSAGE_FRAME = 3


class CloseCode(IntEnum):
    """Close codes (RFC 6455, section 7.4, and the IANA registry)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    RESERVED1 = 1004
    NO_STATUS = 1005
    ABNORMAL = 1006
    INVALID_PAYLOAD = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE_FAILED = 1015


RECEIVABLE_CLOSE_CODES: Final = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013)
"""Codes below 3000 that a peer may send; 3000 to 4999 belong to libraries and applications."""

SUPPORTED_SPEC_VERSIONS: Final = (10, 11, 12, 13, 14, 15, 16, 17, 18)
"""Drafts 10 to 17 of the protocol, and 18, which stands for RFC 6455."""

SUPPORTED_PROTOCOL_VERSIONS: Final = (8, 13)
"""Values of Sec-WebSocket-Version that go with them."""

SPEC_TO_PROTOCOL_VERSION: Final = {spec: 8 if spec < 13 else 13 for spec in SUPPORTED_SPEC_VERSIONS}
PROTOCOL_TO_SPEC_VERSION: Final = {8: 12, 13: 18}
DEFAULT_SPEC_VERSION: Final = 18


def is_receivable_close_code(code: int) -> bool:
    """Whether a peer may send this code in a close frame (RFC 6455, section 7.4)."""
    return 3000 <= code <= 4999 or code in RECEIVABLE_CLOSE_CODES


def is_sendable_close_code(code: int) -> bool:
    """Whether an application may close with this code (Autobahn's rule)."""
    return code == CloseCode.NORMAL or 3000 <= code <= 4999
