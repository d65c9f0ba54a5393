"""What mypy has to find without a plugin: each line that ends in ``# E: code``, and no other."""

from __future__ import annotations

from typing import Unpack

from wsproto_async.options import ClientOptions, ClientOptionsKwargs, ServerOptions
from wsproto_async.options.legacy import ServerOptionsKwargs, update

ServerOptions(max_mesage_payload_size=2**20)  # E: call-arg
ServerOptions(maxMessagePayloadSize=2**20)  # E: call-arg
ServerOptions(version=18)  # E: call-arg
ServerOptions(max_connections="100")  # E: arg-type
ServerOptions(max_frame_payload_size=1e6)  # E: arg-type
ServerOptions(allowed_origins=[1])  # E: list-item
ServerOptions(on_hook_error="ignore")  # E: arg-type
ServerOptions(1)  # E: call-arg

ClientOptions(web_status=True)  # E: call-arg
ClientOptions(per_message_compression_offers=["permessage-deflate"])  # E: list-item
ClientOptions(per_message_compression_accept=3)  # E: arg-type

ServerOptions().max_connections = 3  # E: misc
limit = ServerOptions().max_conections  # E: attr-defined


def set_server_options(**keywords: Unpack[ServerOptionsKwargs]) -> ServerOptions:
    return update(ServerOptions(), keywords)


def set_client_options(**keywords: Unpack[ClientOptionsKwargs]) -> ServerOptions:
    return update(ClientOptions(), keywords)  # E: return-value


set_server_options(maxConections=3)  # E: call-arg
set_server_options(maxConnections="3")  # E: arg-type
set_client_options(webStatus=True)  # E: call-arg
