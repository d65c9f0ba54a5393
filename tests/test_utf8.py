from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproto_async.utf8 import BLOCK, Utf8Validator

GOOD = [
    b"",
    b"plain",
    "κόσμε".encode(),
    "\u07ff\u0800\uffff\U00010000\U0010ffff\ud7ff\ue000".encode(),
]

BAD = [
    (b"\xff", 0),
    (b"\xfe", 0),
    (b"\x80", 0),
    (b"\xbf", 0),
    (b"a\xc0\x80", 1),
    (b"\xc1\xbf", 0),
    (b"\xc3\x28", 1),
    (b"\xe0\x80\x80", 1),
    (b"\xe0\x9f\xbf", 1),
    (b"\xe2\x28\xa1", 1),
    (b"\xe2\x82\x28", 2),
    (b"\xed\xa0\x80", 1),
    (b"\xed\xbf\xbf", 1),
    (b"\xf0\x80\x80\x80", 1),
    (b"\xf0\x8f\xbf\xbf", 1),
    (b"\xf0\x90\x28\xbc", 2),
    (b"\xf0\x90\x8c\x28", 3),
    (b"\xf4\x90\x80\x80", 1),
    (b"\xf5\x80\x80\x80", 0),
    (b"\xf8\x88\x80\x80\x80", 0),
    ("κόσμε".encode() + b"\xed\xa0\x80edited", 11),
]


def beginning_can_go_on(data: bytes) -> bool:
    """Whether some text begins with these octets, asked of the codec alone."""
    for missing in range(4):
        for rest in product(b"\x80\x90\xa0\xbf", repeat=missing):
            try:
                (data + bytes(rest)).decode()
            except UnicodeDecodeError:
                continue
            return True
    return False


@pytest.mark.parametrize("text", GOOD)
def test_good_text(text: bytes) -> None:
    validator = Utf8Validator()
    assert validator.validate(text) == (True, True, len(text), len(text))


@pytest.mark.parametrize(("text", "index"), BAD)
def test_bad_text_in_every_cut(text: bytes, index: int) -> None:
    for cut in range(len(text) + 1):
        validator = Utf8Validator()
        first = validator.validate(text[:cut])
        if cut > index:
            assert first == (False, False, index, index)
        else:
            assert first[0] is True
            assert first[2:] == (cut, cut)
            assert validator.validate(text[cut:]) == (False, False, index - cut, index)


def test_nothing_but_reset_makes_it_valid_again() -> None:
    validator = Utf8Validator()
    assert validator.validate(b"ab\xff") == (False, False, 2, 2)
    assert validator.validate(b"ab") == (False, False, 0, 2)
    assert validator.decode(0x61) == Utf8Validator.UTF8_REJECT
    validator.reset()
    assert validator.validate(b"ab") == (True, True, 2, 2)


def test_incomplete_text() -> None:
    validator = Utf8Validator()
    assert validator.validate("a€".encode()[:3]) == (True, False, 3, 3)
    assert validator.validate(b"") == (True, False, 0, 3)
    assert validator.validate(b"\xacb") == (True, True, 2, 5)


def test_every_beginning_of_three_octets() -> None:
    """All lead octets, with octets at the edges of all ranges behind them."""
    edges = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xFF]
    for lead in range(256):
        for tail in product(edges, repeat=2):
            text = bytes((lead, *tail))
            validator = Utf8Validator()
            valid, _, index, _ = validator.validate(text)
            good = next((n for n in range(1, 4) if not beginning_can_go_on(text[:n])), 4) - 1
            assert (valid, index) == (good == 3, good), text.hex()


def test_decode_by_octet() -> None:
    validator = Utf8Validator()
    steps = [validator.decode(octet) for octet in "a€".encode()]
    assert (steps[0], steps[3]) == (0, 0)
    assert not {0, 1} & {*steps[1:3]}
    assert validator.decode(0x80) == 1


@given(st.text(), st.lists(st.integers(0, 40)))
def test_good_text_in_any_cut(text: str, cuts: list[int]) -> None:
    data = text.encode()
    validator = Utf8Validator()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in pairwise(edges):
        valid, complete, index, total = validator.validate(bytearray(data[begin:end]))
        assert (valid, index, total) == (True, end - begin, end)
    assert complete


@pytest.mark.parametrize("lead", range(4))
def test_text_larger_than_a_block(lead: int) -> None:
    text = b"a" * lead + "€".encode() * BLOCK
    validator = Utf8Validator()
    assert validator.validate(text[:-1]) == (True, False, len(text) - 1, len(text) - 1)
    assert validator.validate(text[-1:]) == (True, True, 1, len(text))
    validator.reset()
    bad = 2 * BLOCK + lead
    text = b"a" * lead + "é".encode() * BLOCK + b"\x80"
    assert validator.validate(text) == (False, False, bad, bad)
