from __future__ import annotations

import pytest

from wsproto_async import errors, exception


@pytest.mark.parametrize("name", ["Disconnected", "PayloadExceededError", "PayloadCorruptError"])
def test_names(name: str) -> None:
    error = getattr(exception, name)
    assert error is getattr(errors, name)
    assert issubclass(error, RuntimeError)
    assert issubclass(error, errors.WebSocketError)


@pytest.mark.parametrize(
    ("value", "allowed"),
    [(1, (int,)), (True, (bool,)), (True, (int, bool)), (None, (str, type(None))), ("", (str,))],
)
def test_check_type_accepts(value: object, allowed: tuple[type, ...]) -> None:
    errors.check_type("x", value, *allowed)


@pytest.mark.parametrize(
    ("value", "allowed", "message"),
    [
        (True, (int,), "x must be int, not bool"),
        (1, (bool,), "x must be bool, not int"),
        (None, (str,), "x must be str, not NoneType"),
        (b"", (str, type(None)), "x must be str or None, not bytes"),
    ],
)
def test_check_type_refuses(value: object, allowed: tuple[type, ...], message: str) -> None:
    with pytest.raises(errors.OptionTypeError, match=f"^{message}$") as caught:
        errors.check_type("x", value, *allowed)
    assert isinstance(caught.value, TypeError | ValueError)
    assert isinstance(caught.value, AssertionError)
