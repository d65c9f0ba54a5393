"""Options of clients."""

import copy
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol, runtime_checkable

from pydantic import AfterValidator, InstanceOf, WithJsonSchema

from ..constants import DEFAULT_SPEC_VERSION, SUPPORTED_SPEC_VERSIONS
from .common import CommonOptions
from .fields import Flag, Seconds

__all__ = ["ClientOptions", "CompressionOffer"]


@runtime_checkable
class CompressionOffer(Protocol):
    """What a compression offer has to have."""

    def get_extension_string(self) -> str:
        """Return the offer as it stands in Sec-WebSocket-Extensions."""
        ...


def _check_version(version: int) -> int:
    if version not in SUPPORTED_SPEC_VERSIONS:
        first, *_, last = SUPPORTED_SPEC_VERSIONS
        raise ValueError(f"should be a version of the specification, {first} to {last}")
    return version


def _copied(offers: Sequence[CompressionOffer]) -> Sequence[CompressionOffer]:
    try:
        return tuple(copy.deepcopy(offer) for offer in offers)
    except TypeError as error:
        raise ValueError(f"should be something that can be copied: {error}") from error


class ClientOptions(CommonOptions, frozen=True):
    """Options of a client. ``ClientOptions()`` is safe as it stands; ``ClientOptions.contract()``
    has Autobahn's defaults. The fields stand in the order of its ``CONFIG_ATTRS_CLIENT``.
    """

    version: Annotated[int, AfterValidator(_check_version)] = DEFAULT_SPEC_VERSION
    """The version of the specification to speak: drafts 10 to 17, or 18 for RFC 6455. This is not
    the number in Sec-WebSocket-Version.

    Default: 18, the only one that is a standard."""

    accept_masked_server_frames: Flag = False
    """Whether masked frames from the server are accepted; else they fail the connection with 1002.

    Default: false, as RFC 6455, section 5.1, demands."""

    mask_client_frames: Flag = True
    """Whether frames to the server are masked.

    Default: true, as RFC 6455, section 5.1, demands."""

    server_connection_drop_timeout: Seconds = 1
    """Seconds that the server may take to end TCP once close frames went both ways; then the
    connection is dropped. 0 waits for ever. Looked at while ``close_timeout`` is ``None``.

    Default: 1 s, as in Autobahn: nothing of value can arrive any more."""

    per_message_compression_offers: Annotated[
        Sequence[InstanceOf[CompressionOffer]],
        AfterValidator(_copied),
        WithJsonSchema({"type": "array", "maxItems": 0}),
    ] = ()
    """Compression offers for the server, the preferred one first. They are copied.

    Default: none, since compression costs memory on each connection and time on each message."""

    per_message_compression_accept: Annotated[
        Callable[[Any], Any] | None, WithJsonSchema({"type": "null"})
    ] = None
    """A function that gets the compression that the server chose and returns how to use it, or
    ``None`` to fail the handshake.

    Default: none, which goes with offering none; whoever offers has to set both."""
