from __future__ import annotations

from base64 import b64decode

import pytest

from wsproto_async.core.handshake.key import accept_token, key_fault, new_key

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def test_accept_token_of_the_rfc() -> None:
    assert accept_token(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert accept_token(KEY.encode()) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_new_keys_are_good_and_differ() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        assert len(b64decode(key, validate=True)) == 16
        assert key_fault(key.decode()) == ""


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        (KEY, ""),
        ("", "length"),
        (KEY + "=", "length"),
        (KEY[1:], "length"),
        ("a" * 24, "base64"),
        ("a" * 23 + "=", "base64"),
        ("*" + KEY[1:], "'*'"),
        ("a" * 10 + "-" + "a" * 11 + "==", "'-'"),
        ("a" * 21 + "===", "'='"),
        ("ä" * 22 + "==", r"'\xe4'"),
        ("a" * 21 + " ==", "' '"),
    ],
)
def test_key_fault(key: str, fault: str) -> None:
    found = key_fault(key)
    assert fault in found
    assert bool(fault) == bool(found)
