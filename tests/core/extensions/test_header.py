from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsproto_async.core.extensions.header import parse_extensions, render_extension
from wsproto_async.errors import HandshakeError, OptionError

TOKENS = st.text("abcXYZ019-_!", min_size=1, max_size=5)
VALUES = st.one_of(st.just(True), TOKENS, st.text('a ,;="\\=', max_size=6))


@pytest.mark.parametrize(
    ("header", "extensions"),
    [
        ("", []),
        (" , ,;,", []),
        ("a", [("a", {})]),
        ("A-b;C", [("a-b", {"c": [True]})]),
        ('a; B="1"; b=2; c, d', [("a", {"b": ["1", "2"], "c": [True]}), ("d", {})]),
        ('a; B="1"; b=2, c', [("a", {"b": ["1", "2"]}), ("c", {})]),
        ("a;;b; ;c,,a", [("a", {"b": [True], "c": [True]}), ("a", {})]),
        ("a\t; b = 1 ,\tc", [("a", {"b": ["1"]}), ("c", {})]),
        ("a; b=1=2; c=", [("a", {"b": ["1=2"], "c": [""]})]),
        ("a; b=VaLue", [("a", {"b": ["VaLue"]})]),
        ('a; b=""', [("a", {"b": [""]})]),
        ('a; b=" x "', [("a", {"b": [" x "]})]),
        ('a; b="1,2;3=4", c', [("a", {"b": ["1,2;3=4"]}), ("c", {})]),
        (r'a; b="\"\\\1,"; c', [("a", {"b": ['"\\1,'], "c": [True]})]),
        (r'a; b=\; c="1"', [("a", {"b": ["\\"], "c": ["1"]})]),
        ('a;b="1";c="2",d', [("a", {"b": ["1"], "c": ["2"]}), ("d", {})]),
        (
            "permessage-deflate; client_no_context_takeover; client_max_window_bits, "
            "permessage-deflate; server_max_window_bits=10",
            [
                (
                    "permessage-deflate",
                    {"client_no_context_takeover": [True], "client_max_window_bits": [True]},
                ),
                ("permessage-deflate", {"server_max_window_bits": ["10"]}),
            ],
        ),
    ],
)
def test_parse(header: str, extensions: list[Any]) -> None:
    assert parse_extensions(header) == extensions


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("a b", "name 'a b'"),
        ("a/b", "name 'a/b'"),
        ("é", r"name '\\xe9'"),
        ("a\x85", r"name 'a\\x85'"),
        ("; b", "name ''"),
        ("a; =1", "name ''"),
        ("a; b c=1", "name 'b c'"),
        ('"a"', "name"),
        ('a; "b"=1', "name"),
        ('a; b="', "not closed"),
        ('a; b="1', "not closed"),
        ('a; b="1, c', "not closed"),
        ('a; b="1\\"', "not closed"),
        ('a; b=1"2"', "a quote within"),
        ('a; b="1"2', "a quote within"),
        ('a; b="1"2"3"', "a quote within"),
        (r'a; b=1\"2"', "a quote within"),
        (r'a; b="1"\2', "a quote within"),
        ('a; b="1" "2"', "a quote within"),
        ('a; b="1""2"', "a quote within"),
    ],
)
def test_parse_refuses(header: str, why: str) -> None:
    with pytest.raises(HandshakeError, match=why) as caught:
        parse_extensions(header)
    assert caught.value.status == 400
    assert str(caught.value).isascii()


def test_errors_are_short() -> None:
    with pytest.raises(HandshakeError, match=f"bad name '{'/' * 50}' in"):
        parse_extensions("/" * 10_000)


def test_quotes_can_be_left_where_they_are() -> None:
    assert parse_extensions('a; b="1"; c=2', remove_quotes=False) == [
        ("a", {"b": ['"1"'], "c": ["2"]})
    ]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", [",", ";", '"",', '\\"', "a;", "a,", 'a; b="\\"",', " ", "=", '"'])
def test_parsing_is_linear(unit: str) -> None:
    """CVE-2020-7662, CVE-2020-7663: half a million characters would take minutes if it were not."""
    with suppress(HandshakeError):
        parse_extensions(unit * (2**19 // len(unit)))


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({}, "x"),
        ({"a": [True]}, "x; a"),
        ({"a": ["1", True], "b": ["2"]}, "x; a=1; a; b=2"),
        ({"a": ["", "1 2", 'q"\\']}, r'x; a=""; a="1 2"; a="q\"\\"'),
        ({"a": []}, "x"),
    ],
)
def test_render(params: dict[str, Any], text: str) -> None:
    assert render_extension("x", params) == text


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("", {}),
        ("a b", {}),
        ("a,b", {}),
        ("x", {"a;b": [True]}),
        ("x", {"": [True]}),
        ("x", {"a": ["1\r\nX: y"]}),
        ("x", {"a": ["é"]}),
    ],
)
def test_render_refuses(name: str, params: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        render_extension(name, params)


@given(
    st.lists(
        st.tuples(TOKENS, st.dictionaries(TOKENS.map(str.lower), st.lists(VALUES, min_size=1)))
    )
)
def test_what_is_rendered_can_be_parsed(extensions: list[tuple[str, dict[str, Any]]]) -> None:
    header = ", ".join(render_extension(name, params) for name, params in extensions)
    assert parse_extensions(header) == [(name.lower(), params) for name, params in extensions]
