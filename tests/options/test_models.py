"""Defaults and rules of each option."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
from pydantic import ValidationError

from wsproto_async.options import ClientOptions, CommonOptions, ServerOptions
from wsproto_async.options.own import OwnOptions, OwnServerOptions

MIB = 2**20

OWN = {
    "hook_concurrency": 64,
    "on_hook_error": "close",
    "receive_queue_messages": 64,
    "receive_queue_bytes": 256 * 1024,
    "write_buffer_high": 65536,
    "max_handshake_size": 16384,
    "max_handshake_headers": 128,
    "auto_ping_restart_on_any_traffic": True,
    "max_messages_per_second": 0,
    "max_octets_per_second": 0,
    "on_rate_limit": "pause",
}
OWN_SERVER = {
    "max_connections_per_ip": 0,
    "max_handshakes_per_minute": 0,
    "access_log": False,
}
SAFE_COMMON = OWN | {
    "log_octets": False,
    "log_frames": False,
    "track_timings": False,
    "utf8_validate_incoming": True,
    "apply_mask": True,
    "max_frame_payload_size": MIB,
    "max_message_payload_size": MIB,
    "auto_fragment_size": 0,
    "fail_by_drop": False,
    "echo_close_code_reason": False,
    "open_handshake_timeout": 10,
    "close_handshake_timeout": 1,
    "tcp_no_delay": True,
    "auto_ping_interval": 20,
    "auto_ping_timeout": 20,
    "auto_ping_size": 12,
}
SAFE_SERVER = (SAFE_COMMON | OWN_SERVER) | {
    "close_timeout": 1,
    "versions": (8, 13),
    "web_status": False,
    "require_masked_client_frames": True,
    "mask_server_frames": False,
    "per_message_compression_accept": None,
    "serve_flash_socket_policy": False,
    "flash_socket_policy": "<cross-domain-policy>\n"
    '     <allow-access-from domain="*" to-ports="*" />\n</cross-domain-policy>\x00',
    "allowed_origins": ("*",),
    "allow_null_origin": False,
    "max_connections": 0,
    "trust_x_forwarded_for": 0,
}
SAFE_CLIENT = SAFE_COMMON | {
    "close_timeout": 2,
    "version": 18,
    "accept_masked_server_frames": False,
    "mask_client_frames": True,
    "server_connection_drop_timeout": 1,
    "per_message_compression_offers": (),
    "per_message_compression_accept": None,
}
CONTRACT = {
    "close_timeout": None,
    "max_frame_payload_size": 0,
    "max_message_payload_size": 0,
    "fail_by_drop": True,
    "open_handshake_timeout": 5,
    "auto_ping_interval": 0,
    "auto_ping_timeout": 0,
    "auto_ping_size": 4,
}

BOTH: list[type[CommonOptions]] = [ServerOptions, ClientOptions]


class Offer:
    def __init__(self) -> None:
        self.tags: list[str] = []

    def get_extension_string(self) -> str:
        return "permessage-deflate"


class Uncopyable(Offer):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class TestDefaults:
    def test_safe(self) -> None:
        assert ServerOptions().model_dump() == SAFE_SERVER
        assert ClientOptions().model_dump() == SAFE_CLIENT

    def test_contract(self) -> None:
        server = CONTRACT | {"web_status": True, "allow_null_origin": True}
        assert ServerOptions.contract().model_dump() == SAFE_SERVER | server
        assert ClientOptions.contract().model_dump() == SAFE_CLIENT | CONTRACT

    def test_contract_with_overrides(self) -> None:
        options = ServerOptions.contract(max_message_payload_size=10, maxConnections=3)
        assert (options.max_message_payload_size, options.max_connections) == (10, 3)
        assert options.auto_ping_interval == 0
        with pytest.raises(ValidationError, match="did you mean max_connections"):
            ServerOptions.contract(max_conections=3)

    @pytest.mark.parametrize("model", BOTH)
    def test_pass_their_own_rules(self, model: type[CommonOptions]) -> None:
        assert model(**model().model_dump()) == model()

    @pytest.mark.parametrize(
        ("model", "name"), [(model, name) for model in BOTH for name in model.model_fields]
    )
    def test_have_a_reason(self, model: type[CommonOptions], name: str) -> None:
        description = model.model_fields[name].description
        assert description is not None
        assert description.split("\n\n")[-1].startswith("Default: ")


OCTETS = ["max_frame_payload_size", "max_message_payload_size", "auto_fragment_size"]
SECONDS = ["open_handshake_timeout", "close_handshake_timeout", "close_timeout"]
FLAGS = [name for name, value in SAFE_COMMON.items() if isinstance(value, bool)]
BAD_COMMON: list[tuple[str, list[Any]]] = [
    *((name, [-1, True, 1.0, "1", None, 2**63]) for name in [*OCTETS, "write_buffer_high"]),
    *((name, [-1, -0.1, True, "1", math.nan, math.inf, 1e10]) for name in SECONDS),
    *((name, [-1, True, "1", math.nan]) for name in ["auto_ping_interval", "auto_ping_timeout"]),
    *((name, [2, -1, 1.0, "yes", None]) for name in FLAGS),
    ("open_handshake_timeout", [None]),
    ("close_handshake_timeout", [None]),
    ("auto_ping_size", [3, 126, True, 4.0, None]),
    ("hook_concurrency", [-1, True, False, 1.0, "1"]),
    ("on_hook_error", ["log", None, True]),
    ("receive_queue_messages", [0, -1, True, None]),
    ("receive_queue_bytes", [0, -1, True, None]),
    ("max_handshake_size", [0, 255, True, None]),
    ("max_handshake_headers", [0, 7, True, None]),
    ("max_messages_per_second", [-1, 1.5, True, None]),
    ("max_octets_per_second", [-1, 1.5, True, None]),
    ("on_rate_limit", ["drop", None, True]),
]
BAD_SERVER: list[tuple[str, list[Any]]] = [
    ("versions", [[], [9], [8, 13, 14], 13, "13", [True], ["13"], None]),
    ("web_status", [2, None]),
    ("require_masked_client_frames", ["no"]),
    ("mask_server_frames", ["no"]),
    ("serve_flash_socket_policy", [None]),
    ("allow_null_origin", [2, "no", None]),
    ("per_message_compression_accept", [3, "f", []]),
    ("flash_socket_policy", ["", "<cross-domain-policy/>", b"\0", None]),
    ("allowed_origins", ["*", [1], [""], None]),
    ("max_connections", [-1, 1.0, True, "1", None]),
    ("trust_x_forwarded_for", [-1, 1.0, True, "1", None]),
    ("max_connections_per_ip", [-1, 1.0, True, "1", None]),
    ("max_handshakes_per_minute", [-1, 1.0, True, "1", None]),
    ("access_log", [2, "no", None]),
]
BAD_CLIENT: list[tuple[str, list[Any]]] = [
    ("version", [9, 19, True, "18", None]),
    ("accept_masked_server_frames", ["no"]),
    ("mask_client_frames", [None]),
    ("server_connection_drop_timeout", [-1, math.nan, None, True]),
    ("per_message_compression_accept", [3, "f", []]),
    ("per_message_compression_offers",
     [None, ["permessage-deflate"], "permessage-deflate", [3], {Offer()}, [Uncopyable()]]),
]  # fmt: skip


def cases(model: type[CommonOptions], table: list[tuple[str, list[Any]]]) -> list[Any]:
    return [
        pytest.param(model, name, value, id=f"{model.__name__}-{name}-{value!r:.20}")
        for name, values in table
        for value in values
    ]


class TestRules:
    @pytest.mark.parametrize(
        ("model", "name", "value"),
        [
            *cases(ServerOptions, BAD_COMMON),
            *cases(ClientOptions, BAD_COMMON),
            *cases(ServerOptions, BAD_SERVER),
            *cases(ClientOptions, BAD_CLIENT),
        ],
    )
    def test_bad_values_are_refused(
        self, model: type[CommonOptions], name: str, value: Any
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            model(**{name: value})
        assert {error["loc"][0] for error in caught.value.errors()} == {name}

    @pytest.mark.parametrize(
        ("model", "table"), [(ServerOptions, BAD_SERVER), (ClientOptions, BAD_CLIENT)]
    )
    def test_each_option_has_a_rule_that_is_tried(
        self, model: type[CommonOptions], table: list[tuple[str, list[Any]]]
    ) -> None:
        assert {name for name, _ in BAD_COMMON + table} == model.model_fields.keys()

    @pytest.mark.parametrize(
        ("name", "given", "kept"),
        [
            ("max_message_payload_size", 2**63 - 1, 2**63 - 1),
            ("max_frame_payload_size", 0, 0),
            ("auto_ping_interval", None, 0),
            ("auto_ping_timeout", None, 0),
            ("auto_ping_size", 4, 4),
            ("auto_ping_size", 125, 125),
            ("close_timeout", 0, 0),
            ("close_timeout", None, None),
            ("open_handshake_timeout", 0.5, 0.5),
            ("fail_by_drop", 1, True),
            ("tcp_no_delay", 0, False),
            ("hook_concurrency", 1, 1),
            ("hook_concurrency", 0, None),
            ("hook_concurrency", None, None),
            ("write_buffer_high", 0, 0),
        ],
    )
    @pytest.mark.parametrize("model", BOTH)
    def test_good_values(
        self, model: type[CommonOptions], name: str, given: Any, kept: object
    ) -> None:
        value = getattr(model(**{name: given}), name)
        assert value == kept
        assert type(value) is type(kept)

    def test_whole_seconds_print_as_they_were_written(self) -> None:
        options = ServerOptions(open_handshake_timeout=7, close_handshake_timeout=7.5)
        seconds = f"{options.open_handshake_timeout} {options.close_handshake_timeout}"
        assert seconds == "7 7.5"

    def test_lists_are_taken_over_as_tuples(self) -> None:
        origins = ["https://a.org"]
        options = ServerOptions(allowed_origins=origins, versions=[13])
        origins.append("*")
        assert options.allowed_origins == ("https://a.org",)
        assert options.versions == (13,)

    def test_offers_are_copied(self) -> None:
        offer = Offer()
        options = ClientOptions(per_message_compression_offers=[offer])
        offer.tags.append("changed later")
        (kept,) = options.per_message_compression_offers
        assert isinstance(kept, Offer)
        assert kept.tags == []

    def test_patterns_follow_the_origins(self) -> None:
        options = ServerOptions(allowed_origins=["https://a.org", "*://*.b.org:*"])
        first, second = options.allowed_origins_patterns
        assert first.match("https://a.org:443")
        assert second.match("http://x.b.org:80")
        assert ServerOptions(allowed_origins=[]).allowed_origins_patterns == ()

    def test_roles_do_not_share_their_options(self) -> None:
        assert "web_status" not in ClientOptions.model_fields
        assert "version" not in ServerOptions.model_fields
        assert OwnOptions.model_fields.keys() == OWN.keys() | {"close_timeout"}
        assert OwnServerOptions.model_fields.keys() == OWN_SERVER.keys()
