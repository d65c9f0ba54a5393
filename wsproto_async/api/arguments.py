"""Arguments that several functions take, and what they must not be."""

from __future__ import annotations

import inspect
import ssl as ssl_module
from typing import Any, TypeVar

from ..compress import Compression
from ..constants import MAX_CONTROL_PAYLOAD, is_receivable_close_code
from ..core.handshake.fields import protocol_fault
from ..errors import OptionError, OptionTypeError, check_text, check_type
from ..options import ClientOptions, ServerOptions
from .outgoing import octets_of

__all__ = [
    "check_close",
    "check_function",
    "check_protocols",
    "check_seconds",
    "check_tls",
    "control_payload",
    "with_compression",
]

Options = TypeVar("Options", ClientOptions, ServerOptions)


def check_close(code: Any, reason: Any, timeout: Any) -> None:
    """Refuse arguments of a close that cannot be."""
    check_type("code", code, int)
    if not is_receivable_close_code(code):
        raise OptionError(f"code must be 1000 to 1003, 1007 to 1013, or 3000 to 4999, not {code}")
    check_type("reason", reason, str)
    check_text("reason", reason)
    if timeout is not None:
        check_seconds("timeout", timeout)


def check_seconds(name: str, value: Any) -> None:
    """Refuse what is no time."""
    check_type(name, value, int, float)
    if not 0 <= value < float("inf"):
        raise OptionError(f"{name} must be 0 seconds or more, not {value}")


def check_function(name: str, function: Any, *parameters: str) -> None:
    """Refuse what is neither a function nor None.

    Args:
        name: what the caller knows it as.
        function: what it is.
        parameters: what it will be called with.
    """
    if function is None:
        return
    if not callable(function):
        raise OptionTypeError(f"{name} must be a function, not {type(function).__name__}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # not every callable has one that can be seen
        return
    try:
        signature.bind(*parameters)
    except TypeError:
        called = getattr(function, "__name__", type(function).__name__)
        raise OptionTypeError(
            f"{name} is called as {name}({', '.join(parameters)}): {called}{signature} cannot be"
        ) from None


def check_tls(ssl: Any, *, is_server: bool) -> None:
    """Refuse what is no TLS context, and one for the other side."""
    check_type("ssl", ssl, ssl_module.SSLContext, type(None))
    side, other = ("SERVER", "CLIENT") if is_server else ("CLIENT", "SERVER")
    if ssl is not None and ssl.protocol == getattr(ssl_module, f"PROTOCOL_TLS_{other}"):
        raise OptionError(f"ssl must be a context for {side.lower()}s: PROTOCOL_TLS_{side}")


def check_protocols(subprotocols: Any) -> None:
    """Refuse subprotocols that cannot be."""
    check_type("subprotocols", subprotocols, list, tuple, type(None))
    if subprotocols and (fault := protocol_fault(subprotocols)):
        raise OptionError(f"subprotocols: {fault}")


def control_payload(what: str, data: Any) -> bytes:
    """The payload of a ping or pong (RFC 6455, section 5.5)."""
    payload = octets_of(data)
    if payload is None:
        raise OptionTypeError(
            f"{what}(data=...) must be str or bytes-like, not {type(data).__name__}"
        )
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise OptionError(
            f"{what}(data=...) must have at most {MAX_CONTROL_PAYLOAD} octets, not {len(payload)}"
        )
    return payload


def with_compression(options: Options, compression: Compression | None) -> Options:
    """The options that say what the argument ``compression=`` does."""
    if compression is None:
        return options
    if isinstance(compression, type) or not isinstance(compression, Compression):
        raise OptionTypeError(
            f"compression must be Deflate() or another Compression, not {compression!r}"
        )
    if options.per_message_compression_accept is not None:
        raise OptionError("compression and the option per_message_compression_accept are two ways")
    update: dict[str, Any] = {"per_message_compression_accept": compression.accept}
    if isinstance(options, ClientOptions):
        update["per_message_compression_offers"] = compression.offers()
    return options.model_copy(update=update)
