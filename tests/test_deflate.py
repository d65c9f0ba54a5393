"""``Deflate``: what it makes of what the two ends say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from wsproto_async import (
    Deflate,
    OptionError,
)
from wsproto_async.compress import (
    PerMessageDeflate,
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
)
from wsproto_async.core.extensions.header import parse_extensions

NAME = "permessage-deflate"


def parameters(text: str) -> Any:
    [(_, found)] = parse_extensions(f"{NAME}; {text}")
    return found


def offer(text: str) -> PerMessageDeflateOffer:
    return PerMessageDeflateOffer.parse(parameters(text))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"level": 0}, "greater than or equal to 1"),
        ({"level": 10}, "less than or equal to 9"),
        ({"window_bits": 7}, "greater than or equal to 8"),
        ({"peer_window_bits": 16}, "less than or equal to 15"),
        ({"mem_level": "4"}, "valid integer"),
        ({"context_takeover": 1}, "valid boolean"),
        ({"peer_context_takeover": None}, "valid boolean"),
        ({"min_size": -1}, "greater than or equal to 0"),
        ({"codec": "isal"}, "'zlib' or 'zlib-ng'"),
        ({"windowbits": 9}, "not permitted"),
    ],
)
def test_bad_values(bad: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Deflate(**bad)


def test_a_codec_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OptionError("codec='zlib-ng' needs zlib-ng: pip install wsproto-async[fast]")

    monkeypatch.setattr("wsproto_async.deflate.library", missing)
    with pytest.raises(ValueError, match=r"pip install wsproto-async\[fast\]"):
        Deflate(codec="zlib-ng")


def test_it_is_a_value() -> None:
    assert Deflate(level=3) == Deflate(level=3) != Deflate()
    with pytest.raises(ValidationError, match="frozen"):
        Deflate().level = 3  # type: ignore[misc]


BITS_12 = "server_max_window_bits=12; "
SERVER_SIDE = [
    # What it wants, what the client offers, and the answer.
    ({}, "client_max_window_bits", "server_max_window_bits=12; client_max_window_bits=11"),
    ({}, "client_max_window_bits=15", "server_max_window_bits=12; client_max_window_bits=11"),
    ({}, "client_max_window_bits=9", "server_max_window_bits=12; client_max_window_bits=9"),
    ({}, "", "server_max_window_bits=12"),
    ({"peer_window_bits": 13}, "client_max_window_bits", BITS_12 + "client_max_window_bits=13"),
    ({"codec": "zlib-ng"}, "", "server_no_context_takeover; server_max_window_bits=12"),
    ({"codec": "zlib-ng", "context_takeover": True}, "", "server_max_window_bits=12"),
    ({}, "server_max_window_bits=8", "server_max_window_bits=8"),
    ({"window_bits": 15}, "server_max_window_bits=15", "server_max_window_bits=15"),
    (
        {},
        "server_no_context_takeover; client_no_context_takeover",
        "server_no_context_takeover; server_max_window_bits=12; client_no_context_takeover",
    ),
    (
        {"context_takeover": False, "window_bits": 15},
        "",
        "server_no_context_takeover; server_max_window_bits=15",
    ),
    (
        {"peer_context_takeover": False, "peer_window_bits": 15},
        "client_max_window_bits",
        "server_max_window_bits=12; client_no_context_takeover; client_max_window_bits=15",
    ),
]


@pytest.mark.parametrize(("settings", "asked", "answer"), SERVER_SIDE)
def test_a_server_answers(settings: dict[str, Any], asked: str, answer: str) -> None:
    accept = Deflate(**settings).accept([offer(asked)])
    assert accept is not None
    assert accept.get_extension_string() == f"{NAME}; {answer}"
    # The codec does what was announced.
    codec = PerMessageDeflate.create_from_offer_accept(True, accept)
    said = PerMessageDeflateResponse.parse(parameters(answer))
    assert codec.server_max_window_bits == said.server_max_window_bits
    assert codec.client_max_window_bits == (said.client_max_window_bits or 15)
    assert codec.server_no_context_takeover == said.server_no_context_takeover
    assert codec.client_no_context_takeover == said.client_no_context_takeover
    assert (codec.mem_level, codec.min_size) == (4, 128)
    assert codec.codec == settings.get("codec", "zlib")


def test_a_server_takes_the_first_offer_of_several() -> None:
    offers = [offer("server_max_window_bits=9"), offer("")]
    accept = Deflate().accept(offers)
    assert accept is not None
    assert accept.offer is offers[0]


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        ({}, ["client_max_window_bits=12"]),
        (
            {"context_takeover": False, "window_bits": 15},
            ["client_no_context_takeover; client_max_window_bits=15"],
        ),
        (
            {"peer_window_bits": 10},
            ["client_max_window_bits=12; server_max_window_bits=10", "client_max_window_bits=12"],
        ),
        (
            {"peer_context_takeover": False},
            [
                "client_max_window_bits=12; server_no_context_takeover",
                "client_max_window_bits=12",
            ],
        ),
    ],
)
def test_a_client_offers(settings: dict[str, Any], offered: list[str]) -> None:
    texts = [each.get_extension_string() for each in Deflate(**settings).offers()]
    assert texts == [f"{NAME}; {text}" for text in offered]


@pytest.mark.parametrize(
    ("settings", "answer", "alone", "bits"),
    [
        ({}, "", False, 12),
        ({}, "client_max_window_bits=15", False, 12),
        ({}, "client_max_window_bits=8", False, 8),
        ({}, "client_no_context_takeover", True, 12),
        ({"context_takeover": False, "window_bits": 15}, "", True, 15),
        ({"codec": "zlib-ng"}, "", True, 12),
    ],
)
def test_a_client_agrees(settings: dict[str, Any], answer: str, alone: bool, bits: int) -> None:
    accept = Deflate(**settings).accept(PerMessageDeflateResponse.parse(parameters(answer)))
    assert accept is not None
    codec = PerMessageDeflate.create_from_response_accept(False, accept)
    assert codec.client_no_context_takeover is alone
    assert codec.client_max_window_bits == bits
    assert (codec.server_no_context_takeover, codec.server_max_window_bits) == (False, 15)
