"""Wildcards for allowed origins, compiled."""

from __future__ import annotations

import fnmatch
import re
from typing import Final

__all__ = ["SAME_ORIGIN", "origin_pattern"]

SAME_ORIGIN: Final = "same-origin"
"""The entry of ``allowed_origins`` that depends on the request."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_WITHOUT_PORT = re.compile(r"(https?)://(?!.*(?::[0-9*]*|\*)\Z).+")


def origin_pattern(wildcard: str) -> re.Pattern[str]:
    """Compile one entry of ``allowed_origins``.

    Only ``*`` is special: it stands for any characters, or none. The pattern is anchored at both
    ends and meant for a normalised origin, ``scheme://host:port`` in lower case with the port
    always there. Where an entry for http or https names no port, the scheme's own is meant.
    Matching does not backtrack, whatever the peer sends.

    Args:
        wildcard: such as ``"https://example.com"`` or ``"*://*.example.com:*"``.
    """
    wildcard = wildcard.lower()
    if without_port := _WITHOUT_PORT.fullmatch(wildcard):
        wildcard = f"{wildcard}:{_DEFAULT_PORTS[without_port[1]]}"
    only_stars_special = re.sub(r"[?\[]", r"[\g<0>]", wildcard)
    return re.compile(fnmatch.translate(only_stars_special))
