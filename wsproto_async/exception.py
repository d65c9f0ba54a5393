"""The exceptions Autobahn has under this name; :mod:`wsproto_async.errors` has all of them."""

from __future__ import annotations

from .errors import Disconnected, PayloadCorruptError, PayloadExceededError

__all__ = ["Disconnected", "PayloadCorruptError", "PayloadExceededError"]
