from __future__ import annotations

from typing import Self

import pytest

from wsproto_async.compress import (
    PERMESSAGE_COMPRESSION_EXTENSION,
    PerMessageCompress,
    PerMessageCompressExtension,
    PerMessageCompressOffer,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponse,
    PerMessageCompressResponseAccept,
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
