"""Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455, sections 4.1 and 4.2.2)."""

from __future__ import annotations

import os
from binascii import b2a_base64
from hashlib import sha1
from string import ascii_letters, digits

from ...constants import GUID

__all__ = ["accept_token", "key_fault", "new_key"]

_BASE64 = ascii_letters + digits + "+/"


def new_key() -> bytes:
    """16 random octets in base64: 24 octets, new for each connection."""
    return b2a_base64(os.urandom(16), newline=False)


def accept_token(key: bytes | str) -> str:
    """What a server must answer in Sec-WebSocket-Accept to this key (ASCII)."""
    octets = key.encode() if isinstance(key, str) else key
    digest = sha1(octets + GUID, usedforsecurity=False).digest()
    return b2a_base64(digest, newline=False).decode()


def key_fault(key: str) -> str:
    """What is wrong with a received key, or the empty string when it has the right form."""
    if len(key) != 24:
        return "length must be 24 ASCII characters"
    if not key.endswith("=="):
        return "invalid base64 encoding"
    if bad := key[:22].strip(_BASE64):  # from both ends: anything left begins with a bad one
        return f"bad character {bad[0]!a}"
    return ""
