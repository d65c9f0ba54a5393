"""Where the options of a connection come from: factory, then class, then instance."""

from __future__ import annotations

from typing import Any

from ..options import ClientOptions, ServerOptions
from ..options.legacy import (
    CONFIG_ATTRS_CLIENT,
    CONFIG_ATTRS_COMMON,
    CONFIG_ATTRS_SERVER,
    OWN_ATTRS,
    OWN_SERVER_ATTRS,
    assign,
)
from .attributes import Attributes
from .option_attributes import Option

__all__ = ["apply_options", "class_options", "options_of"]

Options = ServerOptions | ClientOptions

_NAMES = frozenset(
    [
        *CONFIG_ATTRS_COMMON,
        *CONFIG_ATTRS_SERVER,
        *CONFIG_ATTRS_CLIENT,
        *OWN_ATTRS,
        *OWN_SERVER_ATTRS,
    ]
)
"""Every option by its camelCase name."""

_NOT_THERE = (f"{__package__}.", "asyncio.", "builtins")
"""Modules whose classes set no options."""


class ClassOption(Option):
    """Stands where a class had a plain attribute, so that instances can be assigned to."""

    def __init__(self, name: str, value: object, own: bool) -> None:
        self.name = name
        self.value = value
        self.own = own
        """Whether it was the class's own, and not that of a base."""

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return class_options(owner).get(self.name, self)
        return super().__get__(instance, owner)


def class_options(cls: type[Attributes]) -> dict[str, Any]:
    """The options that a class and its bases set as plain attributes (``failByDrop = False``).

    Read for each connection, since attributes of a class may be assigned at any time.
    """
    found: dict[str, Any] = {}
    for base in _users_classes(cls):
        for name in _NAMES.intersection(base.__dict__):
            value = base.__dict__[name]
            if not isinstance(value, ClassOption):
                found[name] = value
            elif value.own:
                found[name] = value.value
    for name, value in found.items():
        if not isinstance(cls.__dict__.get(name), ClassOption):
            setattr(cls, name, ClassOption(name, value, name in cls.__dict__))
    return found


def _users_classes(cls: type) -> list[type]:
    """A class and those of its bases that may set options, the class itself last."""
    found = _bases.get(cls)
    if found is None:
        theirs = (base for base in cls.__mro__ if not base.__module__.startswith(_NOT_THERE))
        found = _bases[cls] = list(theirs)[::-1]
    return found


_bases: dict[type, list[type]] = {}


def options_of(protocol: Attributes, factory_options: Options) -> Options:
    """The options that a new connection starts with.

    Raises:
        OptionError: an attribute of the class or the instance has a bad value.
    """
    cls = type(protocol)
    found = class_options(cls)
    if "_class_options" not in cls.__dict__ or found != cls._class_options:
        cls._class_options = found
        cls._folded = None
    options = factory_options
    if cls._class_options:
        if cls._folded is None or cls._folded[0] is not factory_options:
            cls._folded = (factory_options, _assigned(factory_options, cls._class_options))
        options = cls._folded[1]
    early = dict(protocol._early_options or ())
    for name in _NAMES.intersection(protocol.__dict__):
        early[name] = protocol.__dict__.pop(name)
    return _assigned(options, early) if early else options


def _assigned(options: Options, values: dict[str, Any]) -> Options:
    for name, value in values.items():
        options = assign(options, name, value)
    return options


def apply_options(protocol: Attributes) -> None:
    """Hand the numbers that the core looks at over to it."""
    connection, options = protocol._connection, protocol._options
    assert connection is not None
    assert options is not None
    reader, writer = connection.reader, connection.writer
    reader.limit(options.max_frame_payload_size, options.max_message_payload_size)
    reader.validate = options.utf8_validate_incoming
    reader.apply_mask = writer.apply_mask = options.apply_mask
    if isinstance(options, ServerOptions):
        reader.require_mask = options.require_masked_client_frames
        reader.refuse_mask = False
        writer.mask = options.mask_server_frames
    else:
        reader.require_mask = False
        reader.refuse_mask = not options.accept_masked_server_frames
        writer.mask = options.mask_client_frames
    connection.fail_by_drop = options.fail_by_drop
    connection.echo_close = options.echo_close_code_reason
    connection.max_send = options.max_message_payload_size
    connection.fragment = options.auto_fragment_size
