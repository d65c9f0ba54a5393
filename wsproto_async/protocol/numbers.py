"""Autobahn's constants, where its users look for them: on the protocol classes."""

from __future__ import annotations

from typing import ClassVar

from .. import constants
from ..constants import CloseCode, SendState, State
from ..options.legacy import CONFIG_ATTRS_CLIENT, CONFIG_ATTRS_COMMON, CONFIG_ATTRS_SERVER

__all__ = ["Numbers"]


class Numbers:
    """Constants of the protocol. The order of the states means nothing: compare for equality."""

    SUPPORTED_SPEC_VERSIONS: ClassVar[list[int]] = list(constants.SUPPORTED_SPEC_VERSIONS)
    SUPPORTED_PROTOCOL_VERSIONS: ClassVar[list[int]] = list(constants.SUPPORTED_PROTOCOL_VERSIONS)
    SPEC_TO_PROTOCOL_VERSION: ClassVar[dict[int, int]] = constants.SPEC_TO_PROTOCOL_VERSION
    PROTOCOL_TO_SPEC_VERSION: ClassVar[dict[int, int]] = constants.PROTOCOL_TO_SPEC_VERSION
    DEFAULT_SPEC_VERSION: ClassVar[int] = constants.DEFAULT_SPEC_VERSION
    _WS_MAGIC: ClassVar[bytes] = constants.GUID

    MESSAGE_TYPE_TEXT: ClassVar[int] = 1
    MESSAGE_TYPE_BINARY: ClassVar[int] = 2

    STATE_CLOSED: ClassVar[int] = int(State.CLOSED)
    STATE_CONNECTING: ClassVar[int] = int(State.CONNECTING)
    STATE_CLOSING: ClassVar[int] = int(State.CLOSING)
    STATE_OPEN: ClassVar[int] = int(State.OPEN)
    STATE_PROXY_CONNECTING: ClassVar[int] = int(State.PROXY_CONNECTING)

    SEND_STATE_GROUND: ClassVar[int] = int(SendState.GROUND)
    SEND_STATE_MESSAGE_BEGIN: ClassVar[int] = int(SendState.MESSAGE_BEGIN)
    SEND_STATE_INSIDE_MESSAGE: ClassVar[int] = int(SendState.INSIDE_MESSAGE)
    SEND_STATE_INSIDE_MESSAGE_FRAME: ClassVar[int] = int(SendState.INSIDE_MESSAGE_FRAME)

    CLOSE_STATUS_CODE_NORMAL: ClassVar[int] = int(CloseCode.NORMAL)
    CLOSE_STATUS_CODE_GOING_AWAY: ClassVar[int] = int(CloseCode.GOING_AWAY)
    CLOSE_STATUS_CODE_PROTOCOL_ERROR: ClassVar[int] = int(CloseCode.PROTOCOL_ERROR)
    CLOSE_STATUS_CODE_UNSUPPORTED_DATA: ClassVar[int] = int(CloseCode.UNSUPPORTED_DATA)
    CLOSE_STATUS_CODE_RESERVED1: ClassVar[int] = int(CloseCode.RESERVED1)
    CLOSE_STATUS_CODE_NULL: ClassVar[int] = int(CloseCode.NO_STATUS)
    CLOSE_STATUS_CODE_ABNORMAL_CLOSE: ClassVar[int] = int(CloseCode.ABNORMAL)
    CLOSE_STATUS_CODE_INVALID_PAYLOAD: ClassVar[int] = int(CloseCode.INVALID_PAYLOAD)
    CLOSE_STATUS_CODE_POLICY_VIOLATION: ClassVar[int] = int(CloseCode.POLICY_VIOLATION)
    CLOSE_STATUS_CODE_MESSAGE_TOO_BIG: ClassVar[int] = int(CloseCode.MESSAGE_TOO_BIG)
    CLOSE_STATUS_CODE_MANDATORY_EXTENSION: ClassVar[int] = int(CloseCode.MANDATORY_EXTENSION)
    CLOSE_STATUS_CODE_INTERNAL_ERROR: ClassVar[int] = int(CloseCode.INTERNAL_ERROR)
    CLOSE_STATUS_CODE_SERVICE_RESTART: ClassVar[int] = int(CloseCode.SERVICE_RESTART)
    CLOSE_STATUS_CODE_TRY_AGAIN_LATER: ClassVar[int] = int(CloseCode.TRY_AGAIN_LATER)
    CLOSE_STATUS_CODE_UNASSIGNED1: ClassVar[int] = int(CloseCode.BAD_GATEWAY)
    CLOSE_STATUS_CODE_TLS_HANDSHAKE_FAILED: ClassVar[int] = int(CloseCode.TLS_HANDSHAKE_FAILED)
    CLOSE_STATUS_CODES_ALLOWED: ClassVar[list[int]] = list(constants.RECEIVABLE_CLOSE_CODES)

    CONFIG_ATTRS_COMMON: ClassVar[list[str]] = CONFIG_ATTRS_COMMON
    CONFIG_ATTRS_SERVER: ClassVar[list[str]] = CONFIG_ATTRS_SERVER
    CONFIG_ATTRS_CLIENT: ClassVar[list[str]] = CONFIG_ATTRS_CLIENT
