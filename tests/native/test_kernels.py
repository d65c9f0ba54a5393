"""Every kernel, native and plain, under the same tests."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wsproto_async
from wsproto_async._native import NATIVE, kernels

KEY = b"\x37\xfa\x21\x3d"


def load_plain() -> ModuleType:
    path = Path(wsproto_async.__file__).parent / "_native" / "kernels.py"
    spec = spec_from_file_location("plain_kernels", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PLAIN: Any = load_plain()
BUILDS: list[Any] = [PLAIN, kernels] if NATIVE else [PLAIN]


@pytest.fixture(params=BUILDS, ids=lambda build: "native" if build.NATIVE else "plain")
def build(request: pytest.FixtureRequest) -> Any:
    return request.param


def xor(data: bytes, key: bytes, phase: int = 0) -> bytes:
    return bytes(octet ^ key[(phase + i) % 4] for i, octet in enumerate(data))


def key_of(build: Any, key: bytes = KEY) -> Any:
    return build.key_at(key, 0, True)


def good_octets(data: bytes) -> int:
    """How many octets could begin a UTF-8 text; what the codec says of each prefix."""
    for end in range(1, len(data) + 1):
        try:
            data[:end].decode()
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                return end - 1
    return len(data)


def same_names() -> Iterator[str]:
    return (name for name in PLAIN.__all__ if name != "NATIVE")


def test_both_have_the_same_names(build: Any) -> None:
    assert [name for name in same_names() if not hasattr(build, name)] == []


def test_the_build_is_the_one_that_was_asked_for() -> None:
    assert kernels.NATIVE is NATIVE


# --- keys --------------------------------------------------------------------------------------


def test_keys_are_taken_from_where_they_are(build: Any) -> None:
    p = b"xx" + KEY
    assert build.unmask(xor(b"hi", KEY), 0, 2, True, build.key_at(p, 2, True)) == b"hi"


def test_no_key_where_there_is_no_mask(build: Any) -> None:
    assert build.key_at(b"abcd", 0, False) == build.NO_KEY


def test_new_keys_are_not_repeated(build: Any) -> None:
    # 5000 are more than one block of the system's; a few pairs are equal by chance, if any.
    assert len({build.new_key() for _ in range(5000)}) > 4990


def test_a_forked_child_has_keys_of_its_own(build: Any) -> None:
    build.new_key()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, repr([build.new_key() for _ in range(3)]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(read, 1000).decode()
    os.close(read)
    os.close(write)
    assert theirs != repr([build.new_key() for _ in range(3)])


# --- payloads that are all there ---------------------------------------------------------------


@given(st.binary(max_size=600), st.binary(min_size=4, max_size=4), st.integers(0, 9))
def test_unmask(data: bytes, key: bytes, offset: int) -> None:
    for build in BUILDS:
        p = bytes(offset) + data + b"behind"
        masked = build.unmask(p, offset, len(data), True, key_of(build, key))
        assert masked == xor(data, key)
        assert build.unmask(p, offset, len(data), False, build.NO_KEY) == data


@pytest.mark.parametrize("size", [0, 1, 3, 4, 7, 8, 9, 255, 256, 257, 1023, 65537])
def test_unmask_sizes(build: Any, size: int) -> None:
    data = os.urandom(size)
    assert build.unmask(data, 0, size, True, key_of(build)) == xor(data, KEY)


texts = st.text(max_size=120).map(str.encode) | st.binary(max_size=120)
nearly = st.lists(
    st.sampled_from(
        [
            *(b"a" * 9, b"\xc3", b"\xa4", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80"),
            *(b"\xf4\x90", b"\xc0\x80", b"\xe0\x80", b"\xf0\x80", b"\x80", b"\xff", b"z" * 70),
        ]
    ),
    max_size=8,
).map(b"".join)


@given(texts | nearly)
def test_whole_texts(data: bytes) -> None:
    try:
        expected = data.decode()
    except UnicodeDecodeError:
        expected = None
    for build in BUILDS:
        key = key_of(build)
        p = b"--" + xor(data, KEY)
        octets = None if expected is None else data
        assert build.unmask_text(p, 2, len(data), True, key) == octets
        assert build.unmask_text(data, 0, len(data), False, key) == octets
        assert build.unmask_str(p, 2, len(data), True, key) == expected
        assert build.unmask_str(data, 0, len(data), False, key) == expected


# --- UTF-8 in pieces ----------------------------------------------------------------------------


@given(texts | nearly, st.lists(st.integers(0, 130), max_size=4))
def test_utf8_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    good = good_octets(data)
    ends = [*sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for build in BUILDS:
        utf8 = build.Utf8()
        start = 0
        for end in ends:
            right = utf8.check(data, start, end - start)
            assert right == (end <= good)
            assert utf8.count == min(end, good)
            if not right:
                break
            start = end
        else:
            assert utf8.complete() == _decodes(data)


def _decodes(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("size", [0, 1, 7, 8, 63, 64, 65, 200])
def test_utf8_finds_the_first_bad_octet_behind_ascii(build: Any, size: int) -> None:
    utf8 = build.Utf8()
    assert not utf8.check(b"a" * size + b"\xc3\x28" + b"a" * 99, 0, size + 101)
    assert utf8.count == size + 1


@pytest.mark.parametrize("text", ["é", "中", "🐸", "a中é🐸", "aaaaaaaaaaaaaaa中"])
def test_utf8_of_long_texts_with_an_error_anywhere(build: Any, text: str) -> None:
    """Natively 32 octets are looked at together; the first bad one has to be found all the same."""
    octets = (text * 120).encode()[:150]
    for position in range(len(octets)):
        for bad in (0x00, 0x80, 0xBF, 0xC0, 0xE0, 0xED, 0xF0, 0xF4, 0xF5, 0xFF):
            data = octets[:position] + bytes([bad]) + octets[position + 1 :]
            utf8 = build.Utf8()
            good = good_octets(data)
            assert utf8.check(data, 0, len(data)) == (good == len(data))
            assert utf8.count == good


def test_utf8_begins_anew(build: Any) -> None:
    utf8 = build.Utf8()
    assert utf8.check(b"\xe2\x82", 0, 2)
    assert not utf8.complete()
    utf8.reset()
    assert utf8.complete()
    assert utf8.check(b"\xac", 0, 0)
    assert not utf8.check(b"\xac", 0, 1)


# --- messages in pieces -------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=90), max_size=6), st.binary(min_size=4, max_size=4))
def test_assembly_unmasks_pieces_in_phase(pieces: list[bytes], key: bytes) -> None:
    whole = b"".join(pieces)
    masked = xor(whole, key)
    for build in BUILDS:
        assembly = build.Assembly()
        pos = 0
        for piece in pieces:
            args = (True, key_of(build, key), pos & 3, False)
            assert assembly.append(masked, pos, len(piece), *args)
            pos += len(piece)
        assert len(assembly) == assembly.size == len(whole)
        assert assembly.take() == whole
        assert assembly.size == 0
        assert assembly.take() == b""


@given(texts | nearly, st.integers(0, 120), st.booleans())
def test_assembly_checks_text(data: bytes, cut: int, lands: bool) -> None:
    good = good_octets(data)
    cut = min(cut, len(data))
    for build in BUILDS:
        assembly = build.Assembly()
        right = assembly.append(data, 0, cut, False, build.NO_KEY, 0, True)
        assert right == (good >= cut)
        if not right:
            continue
        rest = data[cut:]
        if lands:
            strip = assembly.landing_strip(len(rest) + 1)
            strip[: len(rest)] = rest
            right = assembly.landed(len(rest), False, build.NO_KEY, 0, True)
        else:
            right = assembly.append(rest, 0, len(rest), False, build.NO_KEY, 0, True)
        assert right == (good == len(data))
        assert assembly.utf8.count == good


@pytest.mark.parametrize("sizes", [(5,), (479, 2), (481, 4000), (100_000, 1), (1, 300_000, 7)])
@pytest.mark.parametrize("held", [False, True])
def test_octets_land_in_the_message(build: Any, sizes: tuple[int, ...], held: bool) -> None:
    whole = os.urandom(sum(sizes))
    masked = xor(whole, KEY)
    assembly = build.Assembly()
    views = []
    pos = 0
    for size in sizes:
        strip = assembly.landing_strip(len(whole) - pos)
        assert len(strip) == len(whole) - pos
        strip[:size] = masked[pos : pos + size]
        if held:
            views.append(strip)  # as uvloop does until after it told us
        del strip
        assert assembly.landed(size, True, key_of(build), pos & 3, False)
        pos += size
    assert assembly.take() == whole
    assert [len(view) for view in views] == [len(whole) - sum(sizes[:i]) for i in range(len(views))]


def test_a_strip_that_is_held_survives_growth_and_its_message(build: Any) -> None:
    assembly = build.Assembly()
    assembly.append(b"begin", 0, 5, False, build.NO_KEY, 0, False)
    strip = assembly.landing_strip(10)
    strip[:10] = b"0123456789"
    assembly.landed(10, False, build.NO_KEY, 0, False)
    more = os.urandom(5000)
    assembly.append(more, 0, 5000, False, build.NO_KEY, 0, False)
    taken = assembly.take()
    assert taken == b"begin0123456789" + more
    assembly.append(b"next", 0, 4, False, build.NO_KEY, 0, False)
    del assembly
    gc.collect()
    assert len(bytes(strip)) == 10
    assert taken == b"begin0123456789" + more


def test_less_may_land_than_there_is_room_for(build: Any) -> None:
    assembly = build.Assembly()
    assembly.landing_strip(1000)[:3] = b"abc"
    assembly.landed(3, False, build.NO_KEY, 0, False)
    assembly.append(b"def", 0, 3, False, build.NO_KEY, 0, False)
    assert assembly.take() == b"abcdef"


def test_a_reserve_is_room_and_no_content(build: Any) -> None:
    assembly = build.Assembly()
    assembly.reserve(100_000)
    assert len(assembly) == 0
    assembly.append(b"abc", 0, 3, False, build.NO_KEY, 0, False)
    assert assembly.take() == b"abc"


# --- what goes out ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, "8200"),
        (125, "827d"),
        (126, "827e007e"),
        (65535, "827effff"),
        (65536, "827f0000000000010000"),
    ],
)
def test_frames_have_the_shortest_header(build: Any, size: int, header: str) -> None:
    out = build.Outgoing()
    assert out.append_frame(0x82, bytes(size), False, True) == size
    assert out.take() == bytes.fromhex(header) + bytes(size)


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536, 2**63 - 1])
@pytest.mark.parametrize("masked", [False, True])
def test_headers(build: Any, length: int, masked: bool) -> None:
    out = build.Outgoing()
    out.append_header(0x01, length, masked, key_of(build))
    octets = out.take()
    assert octets[0] == 1
    assert octets[1] >> 7 == masked
    form = octets[1] & 0x7F
    long = {126: octets[2:4], 127: octets[2:10]}.get(form)
    assert (form if long is None else int.from_bytes(long, "big")) == length
    rest = octets[2 + len(long or b"") :]
    assert rest == (KEY if masked else b"")


@given(st.binary(max_size=700))
def test_masked_frames(payload: bytes) -> None:
    for build in BUILDS:
        out = build.Outgoing()
        out.append_frame(0x82, payload, True, True)
        octets = out.take()
        head = 2 if len(payload) < 126 else 4
        key = octets[head : head + 4]
        assert octets[1] & 0x80
        assert octets[head + 4 :] == xor(payload, key)


def test_a_mask_that_is_not_applied(build: Any) -> None:
    out = build.Outgoing()
    out.append_frame(0x82, b"as it is", True, False)
    assert out.take()[6:] == b"as it is"


class Name(str):
    """As an enum of strings would be."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("payload", "octets"),
    [
        ("", b""),
        ("ascii", b"ascii"),
        ("\u00e4\u20ac\U0001f600", "\u00e4\u20ac\U0001f600".encode()),
        (Name("name"), b"name"),
        (b"bytes", b"bytes"),
        (bytearray(b"array"), b"array"),
        (memoryview(b"a view of it")[2:6], b"view"),
        (memoryview(bytearray(8)).cast("I"), bytes(8)),
    ],
)
def test_what_a_payload_may_be(build: Any, payload: Any, octets: bytes) -> None:
    out = build.Outgoing()
    assert out.append_frame(0x81, payload, False, True) == len(octets)
    assert out.take() == bytes([0x81, len(octets)]) + octets


@pytest.mark.parametrize("payload", [None, 5, ["a"], "\ud800"])
def test_what_a_payload_cannot_be_leaves_nothing_behind(build: Any, payload: Any) -> None:
    out = build.Outgoing()
    out.append(b"before", False, build.NO_KEY, 0)
    with pytest.raises((TypeError, UnicodeEncodeError)):
        out.append_frame(0x81, payload, False, True)
    assert out.take() == b"before"


@given(st.lists(st.binary(max_size=40), max_size=5), st.binary(min_size=4, max_size=4))
def test_outgoing_pieces_are_masked_in_phase(pieces: list[bytes], key: bytes) -> None:
    for build in BUILDS:
        out = build.Outgoing()
        phase = 0
        for piece in pieces:
            out.append(piece, True, key_of(build, key), phase)
            phase += len(piece)
        assert out.size == phase
        assert out.take() == xor(b"".join(pieces), key)


def test_outgoing_grows(build: Any) -> None:
    out = build.Outgoing()
    expected = b""
    for size in (1, 470, 20, 3000, 5, 100_000):
        piece = os.urandom(size)
        out.append(piece, False, build.NO_KEY, 0)
        expected += piece
    assert len(out) == len(expected)
    assert out.take() == expected
    out.append(b"again", False, build.NO_KEY, 0)
    assert out.take() == b"again"


# --- the common read buffer ---------------------------------------------------------------------


def test_a_read_goes_behind_what_is_pending(build: Any) -> None:
    buffer = build.ReadBuffer()
    assert not buffer.busy
    view = buffer.view(b"pend")
    assert buffer.offset == 4
    assert len(view) == build.READ_SIZE - 4
    view[:3] = b"ing"
    whole = buffer.view(None)
    assert buffer.offset == 0
    assert len(whole) == build.READ_SIZE
    assert whole[:7] == b"pending"


def test_the_buffer_outlives_its_owner(build: Any) -> None:
    view = build.ReadBuffer().view(None)
    gc.collect()
    view[-1:] = b"x"
    assert view[-1] == ord("x")


# --- how much there is of a message --------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "octets"),
    [
        (b"", 0),
        (b"\xff" * 5, 5),
        ("", 0),
        ("ascii", 5),
        ("\xe9", 4),
        ("a\u20ac", 8),
        ("\U0001f600", 4),
    ],
)
def test_most_octets(build: Any, message: bytes | str, octets: int) -> None:
    assert build.most_octets(message) == octets
    assert len(message.encode() if isinstance(message, str) else message) <= octets


def test_a_read_buffer_does_not_wait_for_the_collector(build: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        before = sum(type(each) is build.ReadBuffer for each in gc.get_objects())
        build.ReadBuffer().view(b"pending")
        assert sum(type(each) is build.ReadBuffer for each in gc.get_objects()) == before
    finally:
        gc.enable()
