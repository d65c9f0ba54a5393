"""Soaks: what shows only after a long time, or in a bad network.

``python -m tests.soak connects`` opens and ends connections without the garbage collector;
``python -m tests.soak faults`` puts a network that delays and cuts between many clients and a
server. ``tests/soak/test_soak.py`` runs a little of both.
"""
