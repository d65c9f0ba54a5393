"""The reader under streams that nobody thought of: however cut, in whichever build."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsproto_async._native import NATIVE

from .streams import a_case, transcript, whole

ROOT = Path(__file__).parents[2]


@given(st.integers(0, 2**32))
@settings(max_examples=150)
def test_cutting_makes_no_difference(seed: int) -> None:
    case = a_case(Random(seed))
    assert transcript(case) == transcript(whole(case))


@pytest.mark.skipif(not NATIVE, reason="needs the compiled build")
def test_the_compiled_reader_does_what_the_plain_one_does() -> None:
    cases = [a_case(Random(seed)) for seed in range(600)]
    plain = subprocess.run(
        [sys.executable, "-m", "tests.core.streams"],
        input=json.dumps(cases),
        env={**os.environ, "WSPROTO_ASYNC_PURE": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(plain.stdout)
    assert answer["native"] is False
    for case, expected in zip(cases, answer["transcripts"], strict=True):
        assert transcript(case) == expected, case
