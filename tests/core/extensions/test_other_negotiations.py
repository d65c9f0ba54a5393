"""What is agreed on for bzip2, snappy and brotli, and what is not.

What is rendered, and how parameters become those of a codec, is compared with Autobahn in
tests/compat.
"""

from __future__ import annotations

from typing import Any

import pytest

from wsproto_async.compress import (
    PERMESSAGE_COMPRESSION_EXTENSION,
    PerMessageBrotliOffer,
    PerMessageBrotliOfferAccept,
    PerMessageBzip2,
    PerMessageBzip2Offer,
    PerMessageBzip2OfferAccept,
    PerMessageBzip2Response,
    PerMessageBzip2ResponseAccept,
    PerMessageSnappy,
    PerMessageSnappyOffer,
    PerMessageSnappyOfferAccept,
    PerMessageSnappyResponse,
    PerMessageSnappyResponseAccept,
)
from wsproto_async.core.extensions.header import parse_extensions
from wsproto_async.core.extensions.parameters import Described
from wsproto_async.errors import HandshakeError, OptionError


@pytest.mark.parametrize(
    ("text", "parts", "reason"),
    [
        ("permessage-bzip2; level", "Offer Response", "has no parameter 'level'"),
        (
            "permessage-bzip2; client_max_compress_level; client_max_compress_level",
            "Offer Response",
            "client_max_compress_level of permessage-bzip2 comes more than once",
        ),
        ("permessage-bzip2; client_max_compress_level=9", "Offer", "must not have '9'"),
        ("permessage-bzip2; client_max_compress_level", "Response", "must not have no value"),
        ("permessage-bzip2; server_max_compress_level", "Offer Response", "no value"),
        ("permessage-bzip2; server_max_compress_level=0", "Offer Response", "'0'"),
        ("permessage-bzip2; server_max_compress_level=10", "Offer Response", "'10'"),
        ("permessage-bzip2; server_max_compress_level=09", "Offer Response", "'09'"),
        ("permessage-bzip2; server_max_compress_level=+9", "Offer Response", "'[+]9'"),
        ("permessage-bzip2; server_no_context_takeover", "Offer Response", "has no parameter"),
        ("permessage-snappy; server_max_window_bits=9", "Offer Response", "has no parameter"),
        ("permessage-snappy; client_no_context_takeover=1", "Offer Response", "must not have '1'"),
        ("permessage-brotli; server_no_context_takeover=", "Offer Response", "must not have ''"),
        (
            "permessage-brotli; server_no_context_takeover; server_no_context_takeover",
            "Offer Response",
            "comes more than once",
        ),
    ],
)
def test_what_is_refused(text: str, parts: str, reason: str) -> None:
    [(name, params)] = parse_extensions(text)
    classes: Any = PERMESSAGE_COMPRESSION_EXTENSION[name]
    for part in parts.split():
        with pytest.raises(HandshakeError, match=reason):
            classes[part].parse(params)


def test_nothing_is_asked_of_the_client_by_default() -> None:
    accept = PerMessageSnappyOfferAccept(PerMessageSnappyOffer())
    assert accept.get_extension_string() == "permessage-snappy"


@pytest.mark.parametrize(
    ("offer", "response", "reason"),
    [
        (PerMessageSnappyOffer(), PerMessageSnappyResponse(True, True), None),
        (PerMessageSnappyOffer(), PerMessageSnappyResponse(False, False), None),
        (PerMessageSnappyOffer(False), PerMessageSnappyResponse(False, True), None),
        (PerMessageSnappyOffer(False), PerMessageSnappyResponse(True, False), "not offered"),
        (PerMessageSnappyOffer(True, True), PerMessageSnappyResponse(True, True), None),
        (PerMessageSnappyOffer(True, True), PerMessageSnappyResponse(True, False), "not agree"),
        (PerMessageBzip2Offer(), PerMessageBzip2Response(3, 3), None),
        (PerMessageBzip2Offer(False), PerMessageBzip2Response(0, 9), None),
        (PerMessageBzip2Offer(False), PerMessageBzip2Response(9, 0), "not offered"),
        (PerMessageBzip2Offer(True, 5), PerMessageBzip2Response(0, 5), None),
        (PerMessageBzip2Offer(True, 5), PerMessageBzip2Response(0, 6), "not agree"),
        (PerMessageBzip2Offer(True, 5), PerMessageBzip2Response(0, 0), "not agree"),
        (PerMessageBzip2Offer(), PerMessageSnappyResponse(True, True), "^response must be"),
        (PerMessageSnappyOffer(), PerMessageBzip2Response(3, 3), "^response must be"),
    ],
)
def test_a_response_must_fit_the_offer(offer: Any, response: Any, reason: str | None) -> None:
    if reason is None:
        offer.check_response(response)
    else:
        with pytest.raises((HandshakeError, OptionError), match=reason):
            offer.check_response(response)


@pytest.mark.parametrize(
    ("kind", "arguments", "names"),
    [
        (PerMessageSnappyOffer, {"accept_no_context_takeover": 1}, "^accept_no_context_takeover"),
        (PerMessageBrotliOffer, {"request_no_context_takeover": None}, "^request_no_context"),
        (
            PerMessageSnappyOfferAccept,
            {"offer": PerMessageSnappyOffer(), "request_no_context_takeover": 1},
            "^request_no_context_takeover must be bool",
        ),
        (
            PerMessageSnappyOfferAccept,
            {"offer": PerMessageSnappyOffer(False), "request_no_context_takeover": True},
            "^request_no_context_takeover: the client does not offer it",
        ),
        (
            PerMessageSnappyOfferAccept,
            {"offer": PerMessageSnappyOffer(), "no_context_takeover": 1},
            "^no_context_takeover must be bool or None",
        ),
        (
            PerMessageSnappyOfferAccept,
            {"offer": PerMessageSnappyOffer(True, True), "no_context_takeover": False},
            "^no_context_takeover must not be False",
        ),
        (
            PerMessageSnappyResponseAccept,
            {"response": PerMessageSnappyResponse(True, False), "no_context_takeover": False},
            "^no_context_takeover must not be False",
        ),
        (PerMessageBzip2Offer, {"accept_max_compress_level": 1}, "accept_max_compress_level"),
        (PerMessageBzip2Offer, {"request_max_compress_level": True}, "from 1 to 9"),
        (PerMessageBzip2Offer, {"request_max_compress_level": 10}, "from 1 to 9"),
        (PerMessageBzip2OfferAccept, {"offer": PerMessageSnappyOffer()}, "offer"),
        (PerMessageBzip2OfferAccept, {"offer": None}, "offer"),
        (PerMessageBrotliOfferAccept, {"offer": PerMessageSnappyOffer()}, "of permessage-brotli"),
        (PerMessageSnappyOfferAccept, {"offer": "nonsense"}, "^offer"),
        (PerMessageSnappyResponseAccept, {"response": PerMessageBzip2Response(0, 0)}, "^response"),
        (PerMessageBzip2ResponseAccept, {"response": None}, "response"),
        (
            PerMessageBzip2ResponseAccept,
            {"response": PerMessageBzip2Response(3, 0), "compress_level": 4},
            "at most 3",
        ),
    ],
)
def test_bad_arguments(kind: Any, arguments: dict[str, Any], names: str) -> None:
    with pytest.raises(OptionError, match=names):
        kind(**arguments)


def test_a_codec_is_made_of_what_belongs_to_it() -> None:
    accept: Any = PerMessageBrotliOfferAccept(PerMessageBrotliOffer())
    for codec in (PerMessageSnappy, PerMessageBzip2):
        with pytest.raises(OptionError, match=r"^accept"):
            codec.create_from_offer_accept(True, accept)
        with pytest.raises(OptionError, match=r"^accept"):
            codec.create_from_response_accept(True, accept)


@pytest.mark.parametrize("demanded", [False, True])
@pytest.mark.parametrize("own", [None, False, True])
def test_how_each_side_compresses_is_as_asked_for_or_stricter(
    demanded: bool, own: bool | None
) -> None:
    if demanded and own is False:
        return  # test_bad_arguments
    alone = demanded if own is None else own
    offer = PerMessageSnappyOffer(True, demanded)
    accept = PerMessageSnappyOfferAccept(offer, True, own)
    server = PerMessageSnappy.create_from_offer_accept(True, accept)
    assert (server.own_no_context_takeover, server.peer_no_context_takeover) == (alone, True)
    response = PerMessageSnappyResponse(demanded, True)
    consent = PerMessageSnappyResponseAccept(response, own)
    client = PerMessageSnappy.create_from_response_accept(False, consent)
    assert (client.own_no_context_takeover, client.peer_no_context_takeover) == (alone, True)


def test_level_0_is_the_default() -> None:
    codec = PerMessageBzip2(True, 0, 3)
    assert (codec.server_max_compress_level, codec.client_max_compress_level) == (9, 3)
    assert isinstance(codec, Described)
