"""Wildcards for allowed origins, compiled."""

from __future__ import annotations

import fnmatch
import re
from typing import Final

__all__ = ["SAME_ORIGIN", "check_origin", "origin_pattern"]

SAME_ORIGIN: Final = "same-origin"
"""The entry of ``allowed_origins`` that depends on the request."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_WITHOUT_PORT = re.compile(r"([a-z][a-z0-9+.-]*)://(?!.*(?::[0-9*]*|\*)\Z).+")
_HOST = r"(?:\[[^]*]*\]|[^*:/?#]*)"
_CAN_MATCH = re.compile(rf"(?:[^*:]+://|.*\*(?:[^*:]*://)?){_HOST}:(?:[0-9]+|None)|.*\*[0-9]*")


def check_origin(wildcard: str) -> str:
    """Refuse an entry of ``allowed_origins`` that no origin matches.

    Raises:
        ValueError: it has no scheme, no port, or a path.
    """
    if wildcard != SAME_ORIGIN and not _CAN_MATCH.fullmatch(_with_port(wildcard)):
        raise ValueError(
            "should be an origin, such as https://example.com, https://*.example.com:8443 or "
            "*://example.com:*"
        )
    return wildcard


def origin_pattern(wildcard: str) -> re.Pattern[str]:
    """Compile one entry of ``allowed_origins``.

    Only ``*`` is special: it stands for any characters, or none. The pattern is anchored at both
    ends and meant for a normalised origin, ``scheme://host:port`` in lower case with the port
    always there: ``None`` where the scheme has none. Where an entry names no port, that is meant,
    or that of http or https. Matching does not backtrack, whatever the peer sends.

    Args:
        wildcard: such as ``"https://example.com"`` or ``"*://*.example.com:*"``.
    """
    only_stars_special = re.sub(r"[?\[]", r"[\g<0>]", _with_port(wildcard))
    return re.compile(fnmatch.translate(only_stars_special))


def _with_port(wildcard: str) -> str:
    wildcard = wildcard.lower()
    if without_port := _WITHOUT_PORT.fullmatch(wildcard):
        return f"{wildcard}:{_DEFAULT_PORTS.get(without_port[1])}"
    return wildcard
