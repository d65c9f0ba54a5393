"""Credentials as a client shows them (RFC 7617 and RFC 6750)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ..core.handshake.fields import BEARER
from ..errors import OptionError, OptionTypeError

__all__ = ["TOKEN", "Auth", "authorization", "basic", "with_credentials", "without_bearer"]

Auth = tuple[str, str] | str
"""User and password, or a bearer token."""

TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
"""What a bearer token consists of (RFC 6750, section 2.1)."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def authorization(auth: Auth | None, url: str = "") -> str | None:
    """The value of an Authorization header; None where there is nothing to be shown.

    Args:
        auth: user and password, or a token.
        url: may have user and password in it.

    Raises:
        OptionError: the credentials cannot be sent, or were given twice. No message shows them.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        if auth is not None:
            raise OptionError("auth and a user in the URL exclude each other")
        return basic(unquote(parts.username or ""), unquote(parts.password or ""))
    if auth is None:
        return None
    if isinstance(auth, str):
        if not TOKEN.fullmatch(auth):
            raise OptionError("auth: a token has letters, digits, and -._~+/, then perhaps =")
        return f"Bearer {auth}"
    if not isinstance(auth, tuple) or len(auth) != 2:
        raise OptionTypeError(
            f"auth must be a tuple of user and password, or a token, not {_kind(auth)}"
        )
    return basic(*auth)


def _kind(value: Any) -> str:
    size = f" of {len(value)}" if isinstance(value, tuple) else ""
    return type(value).__name__ + size


def with_credentials(headers: Mapping[str, Any], auth: Auth | None, url: str) -> Mapping[str, Any]:
    """Headers with the credentials that were given, by themselves or in a URL.

    Raises:
        OptionError: like :func:`authorization`; or the headers have some already.
    """
    value = authorization(auth, url)
    if value is None:
        return headers
    if any(name.lower() == "authorization" for name in headers):
        raise OptionError("auth and a user in the URL exclude an Authorization header")
    return {**headers, "Authorization": value}


def basic(user: str, password: str) -> str:
    """User and password as the Basic scheme has them (RFC 7617, section 2).

    Raises:
        OptionError: the user has a colon, or one of them a control character.
        OptionTypeError: one of them is no ``str``.
    """
    if not isinstance(user, str) or not isinstance(password, str):
        raise OptionTypeError("user and password must be str")
    if ":" in user or _CONTROL.search(user + password):
        raise OptionError("a user has no colon, and neither user nor password control characters")
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def without_bearer(protocols: Sequence[str]) -> list[str]:
    """Subprotocols without the token that follows ``bearer`` among them."""
    found = list(protocols)
    if BEARER in found:
        where = found.index(BEARER)
        del found[where : where + 2]
    return found
