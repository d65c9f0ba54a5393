"""The grammar of Sec-WebSocket-Extensions (RFC 6455, section 9.1), read once from left to right.

::

    permessage-deflate; client_max_window_bits; server_max_window_bits=10, x-other; note="a, b"
    name                parameter               parameter and value        quoted value
"""

from __future__ import annotations

import string
import sys
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from ...errors import HandshakeError, OptionError
from ...types import ExtensionOffer, ExtensionParams

__all__ = ["parse_extensions", "render_extension"]

TOKEN: Final = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
"""Characters of a token (RFC 9110, section 5.6.2)."""

BLANKS: Final = " \t"


def parse_extensions(header: str, remove_quotes: bool = True) -> list[ExtensionOffer]:
    """Take the value of a Sec-WebSocket-Extensions header apart.

    Args:
        header: the value; several headers joined by commas.
        remove_quotes: False leaves quoted values as they are.

    Returns:
        Each extension in order: its name, and its parameters as name -> values in order, True
        for one without value. Names are in lower case; quotes are removed from values. What is
        between two commas or semicolons without anything else is left out.

    Raises:
        HandshakeError: a name is not a token, or quotes are where they cannot be. Values are not
            judged here: what they may be is known to the extension.
    """
    extensions = []
    for element in _split(header, ","):
        name, *rest = (part.strip(BLANKS) for part in _split(element, ";"))
        parameters = [part for part in rest if part]
        if not name and not parameters:
            continue
        params: ExtensionParams = {}
        for parameter in parameters:
            key, equals, value = parameter.partition("=")
            values = params.setdefault(_name(key.rstrip(BLANKS)), [])
            value = value.lstrip(BLANKS)
            plain = _unquoted(value)  # also a check
            values.append((plain if remove_quotes else value) if equals else True)
        extensions.append((_name(name), params))
    return extensions


def render_extension(name: str, params: Mapping[str, Sequence[str | Literal[True]]]) -> str:
    """An element of Sec-WebSocket-Extensions: the reverse of :func:`parse_extensions`.

    Args:
        name: of the extension, a token.
        params: name -> values, True for a parameter without value. Values that are no tokens are
            quoted.

    Raises:
        OptionError: a name is not a token, or a value contains a control character or something
            outside ASCII.
    """
    parts = [name]
    for key, values in params.items():
        parts += [key if value is True else f"{key}={_quoted(key, value)}" for value in values]
    for token in (name, *params):
        if not _is_token(token):
            raise OptionError(f"the name of an extension or parameter must be a token: {token!r}")
    return "; ".join(parts)


def _is_token(text: str) -> bool:
    return bool(text) and TOKEN.issuperset(text)


def _name(text: str) -> str:
    if not _is_token(text):
        raise HandshakeError(f"bad name {_shown(text)} in Sec-WebSocket-Extensions")
    return sys.intern(text.lower())  # requests are kept, and most say the same


def _shown(text: str) -> str:
    """What the peer sent, so that it can be shown in a log."""
    return ascii(text[:50])


def _split(text: str, separator: str) -> list[str]:
    """``text`` cut at each separator that is not within quotes."""
    if '"' not in text:
        return text.split(separator)
    parts = []
    begin = 0
    quoted = escaped = False
    for i, character in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            parts.append(text[begin:i])
            begin = i + 1
    if quoted:
        raise HandshakeError("a quote is not closed in Sec-WebSocket-Extensions")
    parts.append(text[begin:])
    return parts


def _unquoted(value: str) -> str:
    """``value`` without its quotes, if it has them."""
    if '"' not in value:
        return value
    if not value.startswith('"'):
        raise HandshakeError(f"a quote within {_shown(value)} in Sec-WebSocket-Extensions")
    # _split() has seen that quotes come in pairs, so the one that ends this must be the last.
    plain = []
    inner = iter(value[1:-1])
    for character in inner:
        if character == '"':
            raise HandshakeError(f"a quote within {_shown(value)} in Sec-WebSocket-Extensions")
        plain.append(next(inner) if character == "\\" else character)
    return "".join(plain)


def _quoted(key: str, value: str) -> str:
    """``value`` as a token or in quotes."""
    if _is_token(value):
        return value
    if not (value.isascii() and value.isprintable()):
        raise OptionError(f"the value of {key} must be printable ASCII: {value!r}")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
