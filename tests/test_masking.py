from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproto_async.masking import SMALL, XorMasker, XorMaskerNull, create_xor_masker, xor


def by_octet(data: bytes, mask: bytes, position: int = 0) -> bytes:
    return bytes(octet ^ mask[(position + i) % 4] for i, octet in enumerate(data))


@given(st.binary(max_size=20), st.binary(min_size=4, max_size=4), st.integers(0, 2**64))
def test_xor(data: bytes, mask: bytes, position: int) -> None:
    assert xor(data, mask, position) == by_octet(data, mask, position)


@pytest.mark.parametrize("size", [SMALL - 1, SMALL, *range(SMALL + 1, SMALL + 6), 5000])
@pytest.mark.parametrize("kind", [bytes, bytearray])
@pytest.mark.parametrize("position", range(4))
def test_xor_of_larger_data(size: int, kind: type[bytes], position: int) -> None:
    data = bytes(i * 7 & 255 for i in range(size))
    masked = xor(kind(data), b"\x01\x80\xfe\x00", position)
    assert type(masked) is bytes
    assert masked == by_octet(data, b"\x01\x80\xfe\x00", position)


@given(st.lists(st.binary(max_size=9)))
def test_masker_keeps_its_place(pieces: list[bytes]) -> None:
    masker = create_xor_masker(b"abcd")
    whole = b"".join(pieces)
    assert b"".join(map(masker.process, pieces)) == by_octet(whole, b"abcd")
    assert masker.pointer() == len(whole)
    masker.reset()
    assert masker.pointer() == 0
    assert masker.process(whole) == by_octet(whole, b"abcd")


def test_length_makes_no_difference() -> None:
    assert create_xor_masker(b"abcd", 10_000).process(b"\0\0") == b"ab"


def test_null_masker_counts() -> None:
    for masker in (XorMaskerNull(), XorMaskerNull(b"abcd")):
        assert masker.process(b"xyz") == b"xyz"
        assert masker.process(b"") == b""
        assert masker.pointer() == 3
        masker.reset()
        assert masker.pointer() == 0


@pytest.mark.parametrize("mask", [b"", b"abc", b"abcde", "abcd", None, bytearray(4)])
def test_mask_must_be_four_octets(mask: Any) -> None:
    with pytest.raises(AssertionError, match="mask must"):
        create_xor_masker(mask)
    with pytest.raises(AssertionError, match="mask must"):
        XorMasker(mask)
