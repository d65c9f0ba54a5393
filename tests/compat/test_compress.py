"""What is agreed on for bzip2, snappy and brotli, beside Autobahn."""

from __future__ import annotations

import importlib
from itertools import product
from typing import Any, Final

import pytest

from wsproto_async import compress as ours
from wsproto_async.core.extensions.header import parse_extensions
from wsproto_async.errors import OptionError

theirs: Any = importlib.import_module("autobahn.websocket.compress")  # it comes without types

BOOLS: Final = (False, True)
BOOLS_OR_NONE: Final = (None, False, True)
LEVELS: Final = (0, 1, 5, 9)
TAKEOVER: Final = {
    "Offer": (BOOLS, BOOLS),
    "OfferAccept": (BOOLS, BOOLS_OR_NONE),
    "Response": (BOOLS, BOOLS),
    "ResponseAccept": (BOOLS_OR_NONE,),
}
ARGUMENTS: Final[dict[str, dict[str, tuple[tuple[Any, ...], ...]]]] = {
    "Bzip2": {
        "Offer": (BOOLS, LEVELS),
        "OfferAccept": (LEVELS, (None, 1, 5, 9)),
        "Response": (LEVELS, LEVELS),
        "ResponseAccept": ((None, 1, 5, 9),),
    },
    "Snappy": TAKEOVER,
    "Brotli": TAKEOVER,
}
"""Values for the arguments of each class, but for the offer or response that it is about."""

every_family = pytest.mark.parametrize("family", ARGUMENTS)


def both(family: str, part: str) -> tuple[Any, Any]:
    """Our class and theirs."""
    name = f"PerMessage{family}{part}"
    return getattr(ours, name), getattr(theirs, name)


def described(value: Any, name: str = "") -> str:
    """Its ``repr``. Theirs of an OfferAccept has the name of a class that there is not."""
    return repr(value).replace(f"PerMessage{name}Accept(", f"PerMessage{name}OfferAccept(")


def pairs(family: str, kind: str, about: tuple[Any, Any] | None) -> Any:
    """Objects of that class, ours and theirs; what one refuses, the other one refuses, too."""
    our, their = both(family, kind)
    for values in product(*ARGUMENTS[family][kind]):
        one, other = ((each, *values) for each in about) if about else (values, values)
        try:
            right = their(*other)
        except Exception:
            with pytest.raises(OptionError):
                our(*one)
        else:
            yield our(*one), right


@every_family
def test_a_server_agrees_as_autobahns(family: str) -> None:
    codec, their_codec = both(family, "")
    name = codec.EXTENSION_NAME
    seen = 0
    for offers in pairs(family, "Offer", None):
        text = offers[0].get_extension_string()
        assert text == offers[1].get_extension_string()
        [(extension, params)] = parse_extensions(text)
        parsed = tuple(type(offer).parse(params) for offer in offers)
        assert extension == name
        assert parsed[0].__json__() == parsed[1].__json__() == offers[1].__json__()
        assert described(parsed[0]) == described(parsed[1])
        for accepts in pairs(family, "OfferAccept", parsed):
            seen += 1
            assert accepts[0].get_extension_string() == accepts[1].get_extension_string()
            assert accepts[0].__json__() == accepts[1].__json__()
            assert described(accepts[0]) == described(accepts[1], family)
            made = codec.create_from_offer_accept(True, accepts[0])
            their = their_codec.create_from_offer_accept(True, accepts[1])
            assert made.__json__() == their.__json__()
            assert described(made) == described(their).replace("isServer", "is_server")
            [(_, agreed)] = parse_extensions(accepts[0].get_extension_string())
            response, right = (each.parse(agreed) for each in both(family, "Response"))
            assert response.__json__() == right.__json__()
            offers[0].check_response(response)
    assert seen > 10


@every_family
def test_a_client_agrees_as_autobahns(family: str) -> None:
    codec, their_codec = both(family, "")
    seen = 0
    for responses in pairs(family, "Response", None):
        assert responses[0].__json__() == responses[1].__json__()
        assert described(responses[0]) == described(responses[1])
        for accepts in pairs(family, "ResponseAccept", responses):
            seen += 1
            assert accepts[0].__json__() == accepts[1].__json__()
            assert described(accepts[0]) == described(accepts[1])
            made = codec.create_from_response_accept(False, accepts[0])
            their = their_codec.create_from_response_accept(False, accepts[1])
            assert made.__json__() == their.__json__()
            assert made.is_server is False
    assert seen > 5


@every_family
@pytest.mark.parametrize("part", ["Offer", "Response"])
def test_an_empty_list_of_parameters(family: str, part: str) -> None:
    our, their = both(family, part)
    assert our.parse({}).__json__() == their.parse({}).__json__()
