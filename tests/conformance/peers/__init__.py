"""The programs under test: echo servers and clients on the public API."""
