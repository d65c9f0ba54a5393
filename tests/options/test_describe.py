"""What is said of options is what the models say."""

from __future__ import annotations

import pytest

from wsproto_async import ClientOptions, CommonOptions, ServerOptions
from wsproto_async.options.describe import describe

MODELS: list[type[CommonOptions]] = [ServerOptions, ClientOptions]


@pytest.mark.parametrize("model", MODELS)
def test_every_option_is_described(model: type[CommonOptions]) -> None:
    described = describe(model)
    assert list(described) == list(model.model_fields)
    for name, option in described.items():
        assert option.name == name
        assert option.alias == model.model_fields[name].alias
        assert option.default == getattr(model(), name)
        assert option.contract == getattr(model.contract(), name)
        assert "Default: " in option.text
        assert option.variable == f"WSPROTO_ASYNC_{name.upper()}"


@pytest.mark.parametrize("model", MODELS)
def test_every_number_has_a_unit(model: type[CommonOptions]) -> None:
    for name, option in describe(model).items():
        if isinstance(option.default, int) and not isinstance(option.default, bool):
            assert option.unit is not None or name == "version"


@pytest.mark.parametrize(
    ("name", "kind", "unit"),
    [
        ("max_message_payload_size", "octets from 0", "octets"),
        ("receive_queue_bytes", "octets from 1", "octets"),
        ("auto_ping_size", "octets, 4 to 125", "octets"),
        ("hook_concurrency", "calls from 0 or None", "calls"),
        ("close_timeout", "seconds or None", "seconds"),
        ("auto_ping_interval", "seconds", "seconds"),
        ("on_hook_error", '"close" or "keep"', None),
        ("tcp_no_delay", "bool", None),
        ("allowed_origins", "list", None),
        ("per_message_compression_accept", "function or None", None),
    ],
)
def test_kinds(name: str, kind: str, unit: str | None) -> None:
    option = describe(ServerOptions)[name]
    assert (option.kind, option.unit) == (kind, unit)
    assert option.in_files == (kind != "function or None")
