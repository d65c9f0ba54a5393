"""Keywords that are for the loop, and what somebody may have meant who gives another one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypedDict

from ..errors import OptionTypeError
from ..options import ClientOptions, ServerOptions
from ..options.base import did_you_mean

__all__ = ["ClientKeywords", "ServerKeywords", "check_client_keywords", "check_server_keywords"]


class _Keywords(TypedDict, total=False):
    family: int
    flags: int
    ssl_handshake_timeout: float | None
    ssl_shutdown_timeout: float | None


class ClientKeywords(_Keywords, total=False):
    """What goes to the loop's ``create_connection``, for type checkers."""

    host: str | None
    port: int | None
    proto: int
    local_addr: tuple[str, int] | None
    happy_eyeballs_delay: float | None
    interleave: int | None
    all_errors: bool
    """Python 3.12."""


class ServerKeywords(_Keywords, total=False):
    """What goes to the loop's ``create_server`` or ``create_unix_server``, for type checkers."""

    backlog: int
    reuse_address: bool | None
    reuse_port: bool | None
    keep_alive: bool | None
    """Python 3.13, as is the next one."""
    cleanup_socket: bool
    start_serving: bool


ELSEWHERE: Final = {
    "additional_headers": "headers",
    "extra_headers": "headers",
    "heartbeat": "auto_ping_interval",
    "max_msg_size": "max_message_payload_size",
    "max_queue": "receive_queue_messages",
    "max_size": "max_message_payload_size",
    "open_timeout": "open_handshake_timeout",
    "origins": "allowed_origins",
    "ping_interval": "auto_ping_interval",
    "ping_timeout": "auto_ping_timeout",
    "process_exception": "retry",
    "protocols": "subprotocols",
    "reconnect_delays": "backoff",
    "user_agent_header": "useragent",
    "write_limit": "write_buffer_high",
}
"""Arguments of other libraries, and what the same is called here."""


def check_client_keywords(function: Callable[..., Any], keywords: Mapping[str, Any]) -> None:
    """Refuse keywords that are neither an argument of ``function`` nor for a client's loop."""
    _check(function, keywords, ClientOptions, "create_connection", "create_unix_connection")


def check_server_keywords(function: Callable[..., Any], keywords: Mapping[str, Any]) -> None:
    """Refuse keywords that are neither an argument of ``function`` nor for a server's loop."""
    _check(function, keywords, ServerOptions, "create_server", "create_unix_server")


def _check(
    function: Callable[..., Any],
    keywords: Mapping[str, Any],
    options: type[ClientOptions] | type[ServerOptions],
    *methods: str,
) -> None:
    if not keywords:
        return
    loop = asyncio.BaseEventLoop
    known = {
        name for method in methods for name in inspect.signature(getattr(loop, method)).parameters
    }
    known -= {"self", "protocol_factory"}
    for name in keywords:
        if name not in known:
            own = inspect.signature(function).parameters
            hint = _hint(name, options, own, known)
            raise OptionTypeError(f"{function.__name__}() has no argument {name}{hint}")


def _hint(
    name: str,
    options: type[ClientOptions] | type[ServerOptions],
    own: Iterable[str],
    known: Iterable[str],
) -> str:
    ours = ELSEWHERE.get(name, name)
    if option := options.spellings().get(ours):
        return f": that is the option {options.__name__}({option}=...)"
    if ours != name and ours in own:
        return f": here that is {ours}="
    return did_you_mean(name, [*own, *known])
