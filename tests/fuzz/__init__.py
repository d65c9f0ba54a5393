"""Fuzzing: octets that nobody thought of, for everything that reads what a peer sent.

:mod:`.targets` has a function for each part, and says of each which exceptions it may raise; any
other, and every broken promise, is a finding. ``python -m tests.fuzz TARGET`` looks for one, guided
by coverage where atheris is installed; ``tests/fuzz/test_targets.py`` runs each target over its
corpus and some thousand mutations of it, which needs nothing but pytest.

``corpus/TARGET/`` has inputs that together reach what is known to be reachable. An input that was
a finding is kept there under a name that says what it showed.
"""
