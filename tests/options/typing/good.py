"""What typed programs write. mypy --strict finds nothing here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack, assert_type

from wsproto_async.options import (
    ClientOptions,
    ClientOptionsKwargs,
    CommonOptions,
    ServerOptions,
    ServerOptionsKwargs,
)
from wsproto_async.options.legacy import assign, update


class DeflateOffer:
    def get_extension_string(self) -> str:
        return "permessage-deflate"


def decline(_: object) -> None:
    pass


server = ServerOptions(
    max_message_payload_size=2**20,
    auto_ping_interval=2.5,
    auto_ping_timeout=20,
    allowed_origins=["https://example.com"],
    versions=[13],
    per_message_compression_accept=decline,
    hook_concurrency=None,
    on_hook_error="keep",
    close_timeout=None,
)
client = ClientOptions(
    utf8_validate_incoming=False,
    per_message_compression_offers=[DeflateOffer()],
    per_message_compression_accept=decline,
)

assert_type(server.max_message_payload_size, int)
assert_type(server.auto_ping_interval, float)
assert_type(server.allowed_origins, Sequence[str])
assert_type(server.hook_concurrency, int | None)
assert_type(ServerOptions.contract(max_connections=1), ServerOptions)
assert_type(ServerOptions.from_env(), ServerOptions)
assert_type(ClientOptions.from_file("options.toml"), ClientOptions)
assert_type(client.model_copy(update={"version": 18}), ClientOptions)
assert_type(update(server, {"maxConnections": 1}), ServerOptions)
assert_type(assign(client, "version", 13), ClientOptions)


def limit_of(options: CommonOptions) -> int:
    return options.max_message_payload_size


def set_server_options(**keywords: Unpack[ServerOptionsKwargs]) -> ServerOptions:
    return update(server, keywords)


def set_client_options(**keywords: Unpack[ClientOptionsKwargs]) -> ClientOptions:
    return update(client, keywords)


limit_of(server)
set_server_options(maxConnections=100, versions=[13], allowNullOrigin=None, autoPingInterval=2.5)
set_client_options(version=18, perMessageCompressionOffers=[DeflateOffer()], logFrames=True)
