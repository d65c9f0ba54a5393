"""wsproto_async, callbacks, compressing with zlib-ng."""

from __future__ import annotations

from pydantic import ValidationError

from wsproto_async import Deflate, WebSocketServerFactory

from . import ours
from .setup import Setup, Unsupported


def deflate() -> Deflate:
    try:
        return Deflate(codec="zlib-ng")
    except ValidationError as error:
        raise Unsupported("zlib-ng is not installed") from error


async def server(setup: Setup) -> object:
    if not setup.deflate:
        raise Unsupported("without compression it is `ours`")
    factory = WebSocketServerFactory()
    factory.setProtocolOptions(perMessageCompressionAccept=deflate().accept)
    return await ours.listen(factory, setup)


async def client(setup: Setup) -> None:
    raise Unsupported("there is no scenario with a client that compresses")
