from __future__ import annotations

import subprocess
import sys
from typing import Any, Self

import pytest

import wsproto_async.compress
from wsproto_async.compress import (
    PERMESSAGE_COMPRESSION_EXTENSION,
    Deflate,
    PerMessageCompress,
    PerMessageCompressExtension,
    PerMessageCompressOffer,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponse,
    PerMessageCompressResponseAccept,
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
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


@pytest.mark.parametrize("family", ["Deflate", "Bzip2", "Snappy", "Brotli"])
def test_what_can_be_negotiated(family: str) -> None:
    classes = PERMESSAGE_COMPRESSION_EXTENSION[f"permessage-{family.lower()}"]
    assert {key: kind.__name__ for key, kind in classes.items()} == {  # type: ignore[attr-defined]
        "Offer": f"PerMessage{family}Offer",
        "OfferAccept": f"PerMessage{family}OfferAccept",
        "Response": f"PerMessage{family}Response",
        "ResponseAccept": f"PerMessage{family}ResponseAccept",
        "PMCE": f"PerMessage{family}",
    }


EXTRAS = ("PerMessageBzip2", "PerMessageSnappy", "PerMessageBrotli")


@pytest.mark.parametrize("name", wsproto_async.compress.__all__)
def test_what_can_be_imported(name: str) -> None:
    found = getattr(wsproto_async.compress, name)
    if name != "PerMessageCompressExtension" and not name.startswith(EXTRAS):
        assert getattr(wsproto_async, name) is found


def run(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True)


def test_libraries_are_imported_when_they_are_used() -> None:
    """(The standard library imports its own bz2 for its own ends.)"""
    run("""
import sys
import wsproto_async
from wsproto_async.compress import PerMessageBrotli, PerMessageSnappy

libraries = {"cramjam", "brotli", "_brotli"}
assert not libraries & set(sys.modules)
PerMessageSnappy(True, True, True), PerMessageBrotli(True, True, True)
assert libraries <= set(sys.modules)
""")


@pytest.mark.parametrize(
    ("library", "family", "remedy"),
    [
        ("_bz2", "Bzip2", "standard library"),
        ("cramjam", "Snappy", "pip install 'wsproto-async[snappy]'"),
        ("brotli", "Brotli", "pip install 'wsproto-async[brotli]'"),
    ],
)
def test_where_a_library_is_absent(library: str, family: str, remedy: str) -> None:
    run(f"""
import importlib.util

find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == {library!r} else find(name, *more)
import wsproto_async.compress
from wsproto_async.compat import MODULES

assert "permessage-{family.lower()}" not in wsproto_async.PERMESSAGE_COMPRESSION_EXTENSION
assert len(wsproto_async.PERMESSAGE_COMPRESSION_EXTENSION) == 3
assert not any("{family}" in name for name in MODULES["autobahn.websocket.compress"])
try:
    from wsproto_async.compress import PerMessage{family}Offer
except ImportError as error:
    assert "PerMessage{family}Offer is not there" in str(error), error
    assert {remedy!r} in str(error), error
else:
    raise AssertionError("it is there")
""")


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(AttributeError, match="PerMessageInflate"):
        getattr(wsproto_async.compress, "PerMessageInflate")  # noqa: B009


@pytest.mark.parametrize("offered", [[], [Offer()], Response()])
def test_what_is_not_deflate_is_not_accepted(offered: Any) -> None:
    assert accept_deflate(offered) is None


def test_an_accept_function_for_either_side() -> None:
    for offered in ([PerMessageDeflateOffer()], PerMessageDeflateResponse(9, True, 0, False)):
        made, expected = accept_deflate(offered), Deflate().accept(offered)
        assert repr(made) == repr(expected) is not None


def test_a_class_whose_library_is_missing_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(wsproto_async.compress, "PerMessageSnappyOffer")
    with pytest.raises(ImportError, match="PerMessageSnappyOffer is not there without"):
        _ = wsproto_async.compress.PerMessageSnappyOffer


def test_a_codec_shares_nothing_unless_it_says_how() -> None:
    assert Double().sharing() is None
