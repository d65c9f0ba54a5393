"""Each target over its corpus and some mutations of it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from random import Random

import pytest

from .mutate import CORPUS, corpus_of, mutated
from .targets import TARGETS

MUTATIONS = int(os.environ.get("FUZZ_MUTATIONS", "3000"))


def test_each_target_has_a_corpus() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_corpus(name: str) -> None:
    for octets in corpus_of(name):
        TARGETS[name](octets)


@pytest.mark.parametrize("name", TARGETS)
def test_mutations(name: str) -> None:
    corpus, rng = corpus_of(name), Random(name)
    for _ in range(MUTATIONS):
        octets = mutated(rng, corpus)
        try:
            TARGETS[name](octets)
        except BaseException as error:
            error.add_note(f"finding: {octets!r}")
            raise


@pytest.mark.parametrize("guided", [False, True])
def test_the_verb(guided: bool) -> None:
    if guided and find_spec("atheris") is None:
        pytest.skip("atheris is not installed (the extra is fuzz)")
    options = ["--runs=300"] if guided else ["--runs=300", "--unguided"]
    run = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "close", *options],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "300" in (run.stderr if guided else run.stdout)
