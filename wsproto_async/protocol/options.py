"""Where the options of a connection come from: factory, then class, then instance."""

from __future__ import annotations

from typing import Any

from ..options import ClientOptions, ServerOptions
from ..options.legacy import (
    CONFIG_ATTRS_CLIENT,
    CONFIG_ATTRS_COMMON,
    CONFIG_ATTRS_SERVER,
    OWN_ATTRS,
    assign,
)
from .attributes import Attributes, Option

__all__ = ["apply_options", "class_options", "options_of"]

Options = ServerOptions | ClientOptions

_NAMES = frozenset([*CONFIG_ATTRS_COMMON, *CONFIG_ATTRS_SERVER, *CONFIG_ATTRS_CLIENT, *OWN_ATTRS])
"""Every option by its camelCase name."""


def class_options(cls: type[Attributes]) -> dict[str, Any]:
    """The options that a class sets as plain attributes (``maxFramePayloadSize = 99``).

    They become :class:`Option` attributes of the class, so that assigning to them on an instance
    takes effect. Read when the first connection of the class is made.
    """
    found = dict(cls._class_options)
    for name in _NAMES:
        for base in cls.__mro__:
            if name in base.__dict__:
                value = base.__dict__[name]
                if not isinstance(value, Option):
                    found[name] = value
                    option: Option[Any] = Option()
                    option.name = name
                    setattr(cls, name, option)
                break
    return found


def options_of(protocol: Attributes, factory_options: Options) -> Options:
    """The options that a new connection starts with.

    Raises:
        OptionError: an attribute of the class or the instance has a bad value.
    """
    cls = type(protocol)
    if "_folded" not in cls.__dict__:
        cls._class_options = class_options(cls)
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
        if name != "allowedOriginsPatterns":
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
