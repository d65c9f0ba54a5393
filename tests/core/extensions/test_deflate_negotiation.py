"""What the two ends of permessage-deflate may say, by the table of the contract and RFC 7692."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from wsproto_async.compress import PerMessageSnappyResponse
from wsproto_async.core.extensions.deflate_negotiation import (
    PerMessageDeflateMixin,
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)
from wsproto_async.core.extensions.header import parse_extensions
from wsproto_async.errors import HandshakeError, OptionError

Offer = PerMessageDeflateOffer
OfferAccept = PerMessageDeflateOfferAccept
Response = PerMessageDeflateResponse
ResponseAccept = PerMessageDeflateResponseAccept

NAME = "permessage-deflate"
EVERYTHING = Offer(request_no_context_takeover=True, request_max_window_bits=10)
NOTHING = Offer(accept_no_context_takeover=False, accept_max_window_bits=False)
STRICT = Response(11, True, 12, True)


def params(text: str) -> Any:
    """The parameters in ``"a; b=1"``."""
    [(name, found)] = parse_extensions(f"{NAME}; {text}")
    assert name == NAME
    return found


def test_the_constants() -> None:
    assert PerMessageDeflateMixin.EXTENSION_NAME == NAME
    assert PerMessageDeflateMixin.WINDOW_SIZE_PERMISSIBLE_VALUES == [8, 9, 10, 11, 12, 13, 14, 15]
    assert PerMessageDeflateMixin.MEM_LEVEL_PERMISSIBLE_VALUES == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert PerMessageDeflateMixin.DEFAULT_WINDOW_BITS == 15
    assert PerMessageDeflateMixin.DEFAULT_MEM_LEVEL == 8


# --- on the wire ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Offer(), f"{NAME}; client_no_context_takeover; client_max_window_bits"),
        (NOTHING, NAME),
        (Offer(False, True), f"{NAME}; client_max_window_bits"),
        (
            Offer(True, False, True, 9),
            f"{NAME}; client_no_context_takeover; server_no_context_takeover; "
            "server_max_window_bits=9",
        ),
        (OfferAccept(Offer()), NAME),
        (
            OfferAccept(EVERYTHING),
            f"{NAME}; server_no_context_takeover; server_max_window_bits=10",
        ),
        (
            OfferAccept(EVERYTHING, True, 8, None, 9, 1, 100),
            f"{NAME}; server_no_context_takeover; server_max_window_bits=10; "
            "client_no_context_takeover; client_max_window_bits=8",
        ),
        (OfferAccept(Offer(), no_context_takeover=True, window_bits=9), NAME),
        (
            OfferAccept(Offer(), no_context_takeover=True, window_bits=9, announce=True),
            f"{NAME}; server_no_context_takeover; server_max_window_bits=9",
        ),
        (
            OfferAccept(EVERYTHING, window_bits=9, announce=True),
            f"{NAME}; server_no_context_takeover; server_max_window_bits=9",
        ),
        (OfferAccept(Offer(), announce=True), NAME),
        (
            OfferAccept(EVERYTHING, window_bits=10, announce=True),
            f"{NAME}; server_no_context_takeover; server_max_window_bits=10",
        ),
        (
            OfferAccept(EVERYTHING, announce=True),
            f"{NAME}; server_no_context_takeover; server_max_window_bits=10",
        ),
        (OfferAccept(Offer(), no_context_takeover=False, announce=True), NAME),
        (
            Offer(False, True, max_window_bits=12),
            f"{NAME}; client_max_window_bits=12",
        ),
        (
            OfferAccept(Offer(max_window_bits=10), request_max_window_bits=12),
            f"{NAME}; client_max_window_bits=10",
        ),
    ],
)
def test_what_is_sent(value: Offer | OfferAccept, text: str) -> None:
    assert value.get_extension_string() == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Offer(accept_max_window_bits=False)),
        ("client_no_context_takeover", Offer(accept_max_window_bits=False)),
        ("client_max_window_bits", Offer()),
        ("client_max_window_bits=9", Offer()),
        ('client_max_window_bits="15"', Offer()),
        ("server_no_context_takeover", Offer(True, False, True)),
        ("server_max_window_bits=8", Offer(True, False, False, 8)),
        (
            "server_max_window_bits=15; client_max_window_bits; server_no_context_takeover",
            Offer(True, True, True, 15),
        ),
    ],
)
def test_an_offer_is_read(text: str, expected: Offer) -> None:
    assert Offer.parse(params(text)).__json__() == expected.__json__()


def test_whether_the_client_compresses_each_message_by_itself() -> None:
    assert Offer.parse(params("client_no_context_takeover")).no_context_takeover
    assert not Offer.parse(params("")).no_context_takeover
    assert Offer().no_context_takeover
    assert not NOTHING.no_context_takeover


@pytest.mark.parametrize(("text", "bits"), [("", 0), ("=8", 8), ("=15", 15)])
def test_the_hint_of_a_client_is_kept(text: str, bits: int) -> None:
    assert Offer.parse(params(f"client_max_window_bits{text}")).max_window_bits == bits
    assert Offer.parse(params("")).max_window_bits == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, False, 0, False)),
        ("client_max_window_bits=8", (8, False, 0, False)),
        ("server_max_window_bits=15; client_no_context_takeover", (0, True, 15, False)),
        ("server_no_context_takeover", (0, False, 0, True)),
    ],
)
def test_a_response_is_read(text: str, expected: tuple[Any, ...]) -> None:
    assert Response.parse(params(text)).__json__() == Response(*expected).__json__()


NUMBERS = ["7", "16", "0", "08", "+9", "-9", "9.0", "1_0", "09", " 9", "٩", "x" * 99, ""]
BITS = ("client_max_window_bits", "server_max_window_bits")
FLAGS = ("client_no_context_takeover", "server_no_context_takeover")


@pytest.mark.parametrize("kind", [Offer, Response])
@pytest.mark.parametrize(
    ("found", "reason"),
    [
        *[
            ({name: [number]}, f"{name} of {NAME} must not have")
            for name in BITS
            for number in NUMBERS
        ],
        *[({name: [value]}, f"{name} of {NAME} must not have") for name in FLAGS for value in "1 "],
        *[({name: [True, True]}, f"{name} of {NAME} comes more than once") for name in FLAGS],
        *[({name: ["9", "9"]}, f"{name} of {NAME} comes more than once") for name in BITS],
        ({"server_max_window_bits": [True]}, "must not have no value"),
        ({"server_max_window_bits": ["9" * 99]}, f"must not have '{'9' * 50}'$"),
        ({"x" * 99: [True]}, f"has no parameter '{'x' * 50}'$"),
        ({"client_max_windowbits": [True]}, "has no parameter 'client_max_windowbits'"),
        ({"\x1b" + "ä" * 100: [True]}, r"has no parameter '\\x1b\\xe4"),
    ],
)
def test_what_is_refused(kind: type[Offer | Response], found: Any, reason: str) -> None:
    with pytest.raises(HandshakeError, match=reason) as caught:
        kind.parse(found)
    assert caught.value.reason.isprintable()
    assert len(caught.value.reason) < 300


def test_a_response_must_say_how_large_the_clients_window_is() -> None:
    with pytest.raises(HandshakeError, match="must not have no value"):
        Response.parse(params("client_max_window_bits"))


@pytest.mark.parametrize(
    ("offer", "text", "reason"),
    [
        (Offer(), "", None),
        (NOTHING, "client_no_context_takeover; server_no_context_takeover", None),
        (NOTHING, "server_max_window_bits=8", None),
        (NOTHING, "client_max_window_bits=15", "client_max_window_bits, which was not offered"),
        (Offer(), "client_max_window_bits=8", None),
        (Offer(max_window_bits=10), "", None),
        (Offer(max_window_bits=10), "client_max_window_bits=10", None),
        (Offer(max_window_bits=10), "client_max_window_bits=11", "=11, more than were offered"),
        (EVERYTHING, "server_no_context_takeover; server_max_window_bits=10", None),
        (EVERYTHING, "server_no_context_takeover; server_max_window_bits=9", None),
        (EVERYTHING, "server_no_context_takeover", "agree to server_max_window_bits=10"),
        (EVERYTHING, "server_no_context_takeover; server_max_window_bits=11", "bits=10"),
        (EVERYTHING, "server_max_window_bits=10", "agree to server_no_context_takeover"),
    ],
)
def test_a_response_must_fit_the_offer(offer: Offer, text: str, reason: str | None) -> None:
    response = Response.parse(params(text))
    if reason is None:
        offer.check_response(response)
    else:
        with pytest.raises(HandshakeError, match=reason):
            offer.check_response(response)


def test_a_response_of_another_kind_is_our_own_fault() -> None:
    with pytest.raises(OptionError, match=r"^response must be PerMessageDeflateResponse"):
        Offer().check_response(PerMessageSnappyResponse(False, False))


# --- constructors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "arguments", "names"),
    [
        (Offer, {"accept_no_context_takeover": 1}, "accept_no_context_takeover"),
        (Offer, {"accept_max_window_bits": 15}, "accept_max_window_bits"),
        (Offer, {"request_no_context_takeover": None}, "request_no_context_takeover"),
        (Offer, {"request_max_window_bits": 7}, "request_max_window_bits must be .* 8 to 15"),
        (Offer, {"request_max_window_bits": 16}, "request_max_window_bits"),
        (Offer, {"request_max_window_bits": "9"}, "request_max_window_bits"),
        (Offer, {"request_max_window_bits": True}, "request_max_window_bits"),
        (Offer, {"max_window_bits": 16}, "max_window_bits must be .* 8 to 15"),
        (Offer, {"max_window_bits": 8, "accept_max_window_bits": False}, "accept_max_window_bits"),
        (OfferAccept, {"offer": Offer(), "level": 0}, "level must be an int from 1 to 9"),
        (OfferAccept, {"offer": Offer(), "level": 10}, "level"),
        (OfferAccept, {"offer": Offer(), "min_size": -1}, "min_size must be an int, 0 or more"),
        (OfferAccept, {"offer": Offer(), "min_size": None}, "min_size"),
        (OfferAccept, {"offer": Offer(), "codec": "gzip"}, "codec must be 'zlib' or 'zlib-ng'"),
        (ResponseAccept, {"response": STRICT, "level": True}, "level"),
        (OfferAccept, {"offer": STRICT}, "offer must be PerMessageDeflateOffer"),
        (OfferAccept, {"offer": Offer(), "request_no_context_takeover": 1}, "request_no"),
        (OfferAccept, {"offer": NOTHING, "request_no_context_takeover": True}, "request_no"),
        (OfferAccept, {"offer": Offer(), "request_max_window_bits": 16}, "request_max"),
        (OfferAccept, {"offer": NOTHING, "request_max_window_bits": 15}, "request_max"),
        (OfferAccept, {"offer": Offer(), "no_context_takeover": 0}, "no_context_takeover"),
        (OfferAccept, {"offer": EVERYTHING, "no_context_takeover": False}, "asked for it"),
        (OfferAccept, {"offer": Offer(), "window_bits": 0}, "window_bits"),
        (OfferAccept, {"offer": EVERYTHING, "window_bits": 11}, "window_bits must be at most 10"),
        (OfferAccept, {"offer": Offer(), "mem_level": 0}, "mem_level must be an int from 1 to 9"),
        (OfferAccept, {"offer": Offer(), "mem_level": 10}, "mem_level"),
        (ResponseAccept, {"response": EVERYTHING}, "response must be PerMessageDeflateResponse"),
        (ResponseAccept, {"response": STRICT, "no_context_takeover": False}, "asked for it"),
        (ResponseAccept, {"response": STRICT, "no_context_takeover": 1}, "no_context_takeover"),
        (ResponseAccept, {"response": STRICT, "window_bits": 12}, "window_bits must be at most 11"),
        (ResponseAccept, {"response": STRICT, "window_bits": 7}, "window_bits"),
        (ResponseAccept, {"response": STRICT, "mem_level": True}, "mem_level"),
    ],
)
def test_bad_arguments(kind: Any, arguments: dict[str, Any], names: str) -> None:
    with pytest.raises(OptionError, match=names):
        kind(**arguments)


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (
            EVERYTHING,
            "accept_no_context_takeover = True, accept_max_window_bits = True, "
            "request_no_context_takeover = True, request_max_window_bits = 10",
        ),
        (
            OfferAccept(NOTHING, window_bits=9, max_message_size=5),
            f"offer = {NOTHING!r}, request_no_context_takeover = False, "
            "request_max_window_bits = 0, no_context_takeover = None, window_bits = 9, "
            "mem_level = None, max_message_size = 5",
        ),
        (
            STRICT,
            "client_max_window_bits = 11, client_no_context_takeover = True, "
            "server_max_window_bits = 12, server_no_context_takeover = True",
        ),
        (
            ResponseAccept(STRICT, True, 10, 2, 7),
            f"response = {STRICT!r}, no_context_takeover = True, window_bits = 10, mem_level = 2",
        ),
    ],
)
def test_values_can_be_looked_at(value: Any, fields: str) -> None:
    assert repr(value) == f"{type(value).__name__}({fields})"
    plain = value.__json__()
    assert plain.pop("extension") == NAME
    for name in ("offer", "response"):
        if name in plain:
            plain[name] = getattr(value, name)
    assert fields == ", ".join(f"{name} = {field!r}" for name, field in plain.items())
    assert json.loads(json.dumps(value.__json__())) == value.__json__()


@pytest.mark.parametrize(
    ("kind", "part"), [(OfferAccept, Offer()), (ResponseAccept, Response(0, False, 0, False))]
)
def test_what_only_this_side_need_know_is_kept(kind: Any, part: Any) -> None:
    made = kind(part, max_message_size=7, mem_level=9, level=2, min_size=3, codec="zlib-ng")
    assert (made.max_message_size, made.mem_level, made.level) == (7, 9, 2)
    assert (made.min_size, made.codec) == (3, "zlib-ng")
    assert kind(part).min_size == 0  # every message is compressed, as by Autobahn


def test_offers_can_be_copied() -> None:
    assert repr(copy.deepcopy(EVERYTHING)) == repr(EVERYTHING)
