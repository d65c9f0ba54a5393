"""The reader under streams that nobody thought of: however cut, in whichever build."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsproto_async._native import NATIVE

from ..builds import plain
from .streams import a_case, transcript, whole


@given(st.integers(0, 2**32))
@settings(max_examples=150)
def test_cutting_makes_no_difference(seed: int) -> None:
    case = a_case(Random(seed))
    assert transcript(case) == transcript(whole(case))


@pytest.mark.skipif(not NATIVE, reason="needs the compiled build")
def test_the_compiled_reader_does_what_the_plain_one_does() -> None:
    for seed in range(600):
        case = a_case(Random(seed))
        assert transcript(case) == transcript(case, plain()), case
