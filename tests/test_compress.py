from __future__ import annotations

from typing import Any, Self

import pytest

import wsproto_async.compress
from wsproto_async.compress import (
    PERMESSAGE_COMPRESSION_EXTENSION,
    PerMessageCompress,
    PerMessageCompressExtension,
    PerMessageCompressOffer,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponse,
    PerMessageCompressResponseAccept,
    PerMessageDeflate,
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
    accept_deflate,
)
from wsproto_async.exception import PayloadExceededError
from wsproto_async.types import ExtensionParams


class Offer(PerMessageCompressOffer):
    @classmethod
    def parse(cls, params: ExtensionParams) -> Self:
        return cls()

    def get_extension_string(self) -> str:
        return "x-double"


class OfferAccept(PerMessageCompressOfferAccept):
    def get_extension_string(self) -> str:
        return "x-double"


class Response(PerMessageCompressResponse):
    @classmethod
    def parse(cls, params: ExtensionParams) -> Self:
        return cls()


class ResponseAccept(PerMessageCompressResponseAccept):
    pass


class Double(PerMessageCompress):
    """Needs half the octets where each is there twice."""

    @classmethod
    def create_from_offer_accept(
        cls, is_server: bool, accept: PerMessageCompressOfferAccept
    ) -> Self:
        return cls()

    @classmethod
    def create_from_response_accept(
        cls, is_server: bool, accept: PerMessageCompressResponseAccept
    ) -> Self:
        return cls()

    def start_compress_message(self) -> None:
        pass

    def compress_message_data(self, data: bytes) -> bytes:
        return data[::2]

    def end_compress_message(self) -> bytes:
        return b"."

    def start_decompress_message(self) -> None:
        pass

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        data = data.rstrip(b".")
        if max_output_len is not None and 2 * len(data) > max_output_len:
            raise PayloadExceededError("too much")
        return bytes(octet for octet in data for _ in range(2))

    def end_decompress_message(self) -> None:
        pass


def test_an_extension_can_be_registered() -> None:
    extension: PerMessageCompressExtension = {
        "Offer": Offer,
        "OfferAccept": OfferAccept,
        "Response": Response,
        "ResponseAccept": ResponseAccept,
        "PMCE": Double,
    }
    PERMESSAGE_COMPRESSION_EXTENSION["x-double"] = extension
    try:
        classes = PERMESSAGE_COMPRESSION_EXTENSION["x-double"]
        accept = classes["ResponseAccept"]()
        codec = classes["PMCE"].create_from_response_accept(False, accept)
        codec.start_compress_message()
        packed = codec.compress_message_data(b"aabb") + codec.end_compress_message()
        assert packed == b"ab."
        codec.start_decompress_message()
        assert codec.decompress_message_data(packed, 4) == b"aabb"
        with pytest.raises(PayloadExceededError):
            codec.decompress_message_data(packed, 3)
        codec.end_decompress_message()
        assert classes["Offer"].parse({}).get_extension_string() == "x-double"
        assert isinstance(classes["Response"].parse({}), PerMessageCompressResponse)
        assert classes["PMCE"].create_from_offer_accept(True, OfferAccept()) is not codec
    finally:
        del PERMESSAGE_COMPRESSION_EXTENSION["x-double"]


@pytest.mark.parametrize(
    ("base", "methods"),
    [
        (PerMessageCompressOffer, {"parse", "get_extension_string"}),
        (PerMessageCompressOfferAccept, {"get_extension_string"}),
        (PerMessageCompressResponse, {"parse"}),
        (PerMessageCompressResponseAccept, set()),
        (
            PerMessageCompress,
            {
                "create_from_offer_accept",
                "create_from_response_accept",
                "start_compress_message",
                "compress_message_data",
                "end_compress_message",
                "start_decompress_message",
                "decompress_message_data",
                "end_decompress_message",
            },
        ),
    ],
)
def test_what_an_extension_must_have(base: type, methods: set[str]) -> None:
    assert base.__abstractmethods__ == methods  # type: ignore[attr-defined]


# --- permessage-deflate ---------------------------------------------------------------------------


def test_deflate_can_be_negotiated() -> None:
    registered = dict(PERMESSAGE_COMPRESSION_EXTENSION)
    assert registered == {
        "permessage-deflate": {
            "Offer": PerMessageDeflateOffer,
            "OfferAccept": PerMessageDeflateOfferAccept,
            "Response": PerMessageDeflateResponse,
            "ResponseAccept": PerMessageDeflateResponseAccept,
            "PMCE": PerMessageDeflate,
        }
    }


@pytest.mark.parametrize("name", wsproto_async.compress.__all__)
def test_what_can_be_imported(name: str) -> None:
    found = getattr(wsproto_async.compress, name)
    if name != "PerMessageCompressExtension":
        assert getattr(wsproto_async, name) is found


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        (["client_max_window_bits"], "client_max_window_bits=12"),
        (["client_max_window_bits=15"], "client_max_window_bits=12"),
        (["client_max_window_bits=9"], "client_max_window_bits=9"),
        ([""], ""),
        (["", "client_max_window_bits"], ""),
        (["server_max_window_bits=8"], "server_max_window_bits=8"),
        (["server_no_context_takeover"], "server_no_context_takeover"),
    ],
)
def test_a_server_that_accepts_deflate(offers: list[str], answer: str) -> None:
    parsed: list[PerMessageCompressOffer] = [Offer()]
    for text in offers:
        name, _, value = text.partition("=")
        parsed.append(PerMessageDeflateOffer.parse({name: [value or True]} if name else {}))
    accept = accept_deflate(parsed)
    assert accept is not None
    assert accept.offer is parsed[1]
    expected = f"permessage-deflate; {answer}" if answer else "permessage-deflate"
    assert accept.get_extension_string() == expected
    codec = PerMessageDeflate.create_from_offer_accept(True, accept)
    assert codec.server_max_window_bits == (8 if answer == "server_max_window_bits=8" else 12)
    assert codec.mem_level < 8


@pytest.mark.parametrize(("agreed", "own"), [(0, 12), (15, 12), (12, 12), (8, 8)])
def test_a_client_that_accepts_deflate(agreed: int, own: int) -> None:
    accept = accept_deflate(PerMessageDeflateResponse(agreed, False, 0, False))
    assert accept is not None
    codec = PerMessageDeflate.create_from_response_accept(False, accept)
    assert (codec.client_max_window_bits, codec.server_max_window_bits) == (own, 15)


@pytest.mark.parametrize("offered", [[], [Offer()], Response()])
def test_what_is_not_deflate_is_not_accepted(offered: Any) -> None:
    assert accept_deflate(offered) is None
