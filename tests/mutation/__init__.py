"""Mutation testing: what would the tests not notice?

``operators`` changes a module in one place at a time, ``__main__`` runs the tests on each change,
and ``modules.toml`` says which tests, and explains what no test can notice.
"""
