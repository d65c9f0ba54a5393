"""The options as Autobahn's factories and protocols show them: camelCase, and lists.

``CONFIG_ATTRS_COMMON``, ``CONFIG_ATTRS_SERVER`` and ``CONFIG_ATTRS_CLIENT`` name the attributes
that a connection takes over from its factory; they are read off the models, in field order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, TypedDict, TypeVar

from pydantic import ValidationError

from ..errors import OptionError
from .base import OptionsBase, did_you_mean, explain
from .client import ClientOptions, CompressionOffer
from .common import CommonOptions
from .own import OwnOptions, OwnServerOptions
from .server import ServerOptions

__all__ = [
    "ATTRIBUTE_ONLY",
    "CONFIG_ATTRS_CLIENT",
    "CONFIG_ATTRS_COMMON",
    "CONFIG_ATTRS_SERVER",
    "OWN_ATTRS",
    "OWN_SERVER_ATTRS",
    "ClientOptionsKwargs",
    "ServerOptionsKwargs",
    "assign",
    "legacy_value",
    "update",
]

OptionsT = TypeVar("OptionsT", bound=OptionsBase)

_DERIVED: Final = {"allowedOriginsPatterns": ("allowedOrigins", "allowed_origins_patterns")}
"""Attributes that no option sets: the option each follows, and the property that computes it."""


def _attributes(model: type[OptionsBase], *bases: type[OptionsBase]) -> list[str]:
    """Return the camelCase names of the fields that ``model`` adds to ``bases``, in order."""
    known = {name for base in bases for name in base.model_fields}
    followers = {source: name for name, (source, _) in _DERIVED.items()}
    names: list[str] = []
    for name, field in model.model_fields.items():
        if name not in known:
            alias = str(field.alias)
            names += [alias, followers[alias]] if alias in followers else [alias]
    return names


CONFIG_ATTRS_COMMON: Final = _attributes(CommonOptions, OwnOptions)
CONFIG_ATTRS_SERVER: Final = _attributes(ServerOptions, CommonOptions, OwnServerOptions)
CONFIG_ATTRS_CLIENT: Final = _attributes(ClientOptions, CommonOptions)

OWN_ATTRS: Final = _attributes(OwnOptions)
OWN_SERVER_ATTRS: Final = _attributes(OwnServerOptions)
"""The camelCase names of the options that Autobahn has not, or not in its version 21."""

ATTRIBUTE_ONLY: Final = ("logOctets", "logFrames", "trackTimings")
"""Options that Autobahn sets as attributes only: ``resetProtocolOptions`` leaves them alone.

``setProtocolOptions`` takes them here, where Autobahn raises ``TypeError``: no program relies on
that, and one way to set options is easier to remember than two.
"""


class _CommonOptionsKwargs(TypedDict, total=False):
    hookConcurrency: int | None
    onHookError: Literal["close", "keep"] | None
    receiveQueueMessages: int | None
    receiveQueueBytes: int | None
    writeBufferHigh: int | None
    closeTimeout: float | None
    maxHandshakeSize: int | None
    maxHandshakeHeaders: int | None
    autoPingRestartOnAnyTraffic: bool | None
    maxMessagesPerSecond: int | None
    maxOctetsPerSecond: int | None
    onRateLimit: Literal["pause", "close"] | None

    logOctets: bool | None
    logFrames: bool | None
    trackTimings: bool | None
    utf8validateIncoming: bool | None
    applyMask: bool | None
    maxFramePayloadSize: int | None
    maxMessagePayloadSize: int | None
    autoFragmentSize: int | None
    failByDrop: bool | None
    echoCloseCodeReason: bool | None
    openHandshakeTimeout: float | None
    closeHandshakeTimeout: float | None
    tcpNoDelay: bool | None
    autoPingInterval: float | None
    autoPingTimeout: float | None
    autoPingSize: int | None


class ServerOptionsKwargs(_CommonOptionsKwargs, total=False):
    """Keywords of a server factory's ``setProtocolOptions``; ``None`` leaves an option alone."""

    versions: Sequence[int] | None
    webStatus: bool | None
    requireMaskedClientFrames: bool | None
    maskServerFrames: bool | None
    perMessageCompressionAccept: Callable[[list[Any]], Any] | None
    serveFlashSocketPolicy: bool | None
    flashSocketPolicy: str | None
    allowedOrigins: Sequence[str] | None
    allowNullOrigin: bool | None
    maxConnections: int | None
    trustXForwardedFor: int | None

    maxConnectionsPerIp: int | None
    maxHandshakesPerMinute: int | None
    accessLog: bool | None


class ClientOptionsKwargs(_CommonOptionsKwargs, total=False):
    """Keywords of a client factory's ``setProtocolOptions``; ``None`` leaves an option alone."""

    version: int | None
    acceptMaskedServerFrames: bool | None
    maskClientFrames: bool | None
    serverConnectionDropTimeout: float | None
    perMessageCompressionOffers: Sequence[CompressionOffer] | None
    perMessageCompressionAccept: Callable[[Any], Any] | None


def update(options: OptionsT, keywords: Mapping[str, object]) -> OptionsT:
    """Do what ``setProtocolOptions(**keywords)`` means: return the options with these changed.

    Args:
        options: the options so far, which stay as they are.
        keywords: camelCase names and values; ``None`` leaves an option alone, whichever it is.

    Raises:
        TypeError: a keyword is unknown.
        OptionError: a value is bad.
    """
    for keyword in keywords:
        if keyword not in _fields(type(options)):
            raise TypeError(
                f"setProtocolOptions() has no option {keyword}{_hint(options, keyword)}"
            )
    return _changed(options, {key: value for key, value in keywords.items() if value is not None})


def assign(options: OptionsT, name: str, value: object) -> OptionsT:
    """Do what ``factory.<name> = value`` means: return the options with this one changed.

    Unlike in :func:`update`, ``None`` is a value here, where the option can be that.

    Raises:
        AttributeError: there is no option with this camelCase name, or it follows another one.
        OptionError: the value is bad.
    """
    if name not in _fields(type(options)):
        raise AttributeError(f"there is no option {name}{_hint(options, name)}")
    return _changed(options, {name: value})


def legacy_value(options: OptionsBase, name: str) -> Any:
    """Return an option by its camelCase name, in the shape that Autobahn gives it.

    Lists are lists, a new one each time, and ``perMessageCompressionAccept`` can always be called.

    Raises:
        AttributeError: these options have no such name.
    """
    field = _DERIVED[name][1] if name in _DERIVED else _fields(type(options)).get(name)
    if field is None or not hasattr(options, field):
        raise AttributeError(f"there is no option {name}{_hint(options, name)}")
    value = getattr(options, field)
    if isinstance(value, tuple):
        return list(value)
    if value is None and name == "perMessageCompressionAccept":
        return _decline
    return value


def _decline(_: object) -> None:
    """Accept no compression: what Autobahn's options start with."""


@cache
def _fields(model: type[OptionsBase]) -> dict[str, str]:
    """Return the camelCase names of these options, with the field that each stands for."""
    return {str(field.alias): name for name, field in model.model_fields.items()}


def _hint(options: OptionsBase, name: str) -> str:
    if name in _DERIVED:
        return f"; it follows {_DERIVED[name][0]}, set that"
    return did_you_mean(name, _fields(type(options)))


def _changed(options: OptionsT, values: Mapping[str, object]) -> OptionsT:
    names = {field: name for name, field in _fields(type(options)).items()}
    try:
        return options.model_copy(update=values)
    except ValidationError as error:
        raise OptionError(explain(error, names.__getitem__)) from error
