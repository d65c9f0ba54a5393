"""Octets that a peer might send, right, wrong or hostile, and what a connection makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from ..builds import THIS, Build
from ..contract.support import frame
from ..helpers import Boom, Recorder, frames_in_clear

Case = dict[str, Any]

TEXTS = (
    b"",
    b"ascii" * 5,
    "\u00e4\u20ac\U0001f600".encode(),
    b"\xce\xba\xe1",
    b"\xed\xa0\x80",
    b"\xf4\x90",
)
LENGTHS = (0, 1, 2, 5, 20, 50, 125, 126, 127, 300, 65535, 65536, 65600)
GOOD = "\u03ba\u1f79\u03c3\u03bc\u03b5"
BAD = (
    (GOOD.encode() + b"\xed\xa0\x80edited", 12),
    (GOOD.encode() + b"\xf4\x90\x80\x80edited", 12),
    (b"\xc0\xaf", 0),
    (b"\xe0\x80\xaf", 1),
    (b"\xf0\x80\x80\xaf", 1),
    (b"\xf8\x88\x80\x80\x80", 0),
    (b"ok\x80", 2),
    (b"ok\xff", 2),
    (b"a" * 40 + b"\xc3(", 41),
    (b"a" * 40 + b"\xf0\x9f\x98(", 43),
)
"""Texts that are not UTF-8, and at which octet it shows."""


class ToyInflater:
    """Compression for tests: an octet n in front of a run of n octets.

    It holds itself to ``max_output_len``, as every codec must.

    Args:
        build: whose exception it raises.
    """

    def __init__(self, build: Build = THIS) -> None:
        self.exceeded: type[Exception] = build.module("errors").PayloadExceededError
        self.count: int | None = None
        self.inflating = False
        self.most_at_once = 0

    def start_decompress_message(self) -> None:
        self.count = None
        self.inflating = True

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        assert self.inflating
        assert max_output_len is None or max_output_len >= 0
        out = b""
        for octet in data:
            if self.count is None:
                self.count = octet
                continue
            count, self.count = self.count, None
            if count == 255:
                raise ValueError("not a run")
            if max_output_len is not None and len(out) + count > max_output_len:
                raise self.exceeded("too much")
            out += bytes([octet]) * count
        self.most_at_once = max(self.most_at_once, len(out))
        return out

    def end_decompress_message(self) -> None:
        self.inflating = False
        if self.count is not None:
            raise ValueError("half a run")


def a_frame(rng: Random, is_server: bool, fragments: bool) -> bytes:
    """One frame, mostly a right one."""
    opcode = (
        rng.choice((0, 0, 1, 1, 2, 2, 8, 9, 10, 1, 2, 9, 0)) if fragments else rng.choice((1, 2, 9))
    )
    if rng.random() < 0.03:
        opcode = rng.randrange(16)
    if opcode == 8 and rng.random() < 0.6:
        opcode = 9
    if opcode == 8:
        code = rng.choice((1000, 1001, 1005, 3000, 0, 999, 5000)).to_bytes(2, "big")
        payload = rng.choice((b"", code, code + b"bye", code + b"\xff", b"\x03"))
    elif opcode > 8:
        payload = rng.randbytes(rng.choice((0, 1, 5, 125, 126 if rng.random() < 0.1 else 3)))
    elif opcode == 1 or rng.random() < 0.4:
        payload = b"".join(rng.choice(TEXTS[:3]) for _ in range(rng.randrange(4)))
        if rng.random() < 0.15:
            payload += rng.choice(TEXTS)
    else:
        payload = rng.randbytes(rng.choice(LENGTHS if rng.random() < 0.3 else LENGTHS[:6]))
    masked = is_server if rng.random() < 0.98 else not is_server
    fin = rng.random() < (0.5 if opcode < 8 else 0.98) or not fragments
    rsv = 0
    if opcode == 2 and rng.random() < 0.25:
        # Only binary: text could go wrong in two ways at once, and which comes first is chance.
        rsv = 4
        payload = b"".join(
            bytes([rng.choice((0, 3, 200)), 65 + i]) for i in range(rng.randrange(9))
        )
        payload += rng.choice((b"", b"", b"", b"\x05", b"\xff\xff"))
    if rng.random() < 0.02:
        rsv = rng.choice((1, 2, 3, 5, 6, 7))
    octets = frame(opcode, payload, fin=fin, rsv=rsv, mask=rng.randbytes(4) if masked else None)
    if rng.random() < 0.02:  # one of the longer forms of a length
        length = rng.choice((3, 126, 70000, 2**31, 2**63 - 1, 2**63, 2**64 - 1))
        form = rng.choice((126, 127))
        wide = (length % 65536).to_bytes(2, "big") if form == 126 else length.to_bytes(8, "big")
        octets = octets[:1] + bytes([octets[1] & 0x80 | form]) + wide + octets[2:]
    return octets


def a_stream(rng: Random, is_server: bool, compression: bool) -> bytes:
    fragments = rng.random() < 0.8
    stream = b"".join(a_frame(rng, is_server, fragments) for _ in range(rng.randrange(1, 12)))
    if not compression and rng.random() < 0.1:
        place = rng.randrange(len(stream))
        stream = stream[:place] + rng.randbytes(1) + stream[place + 1 :]
    return stream


def cut(rng: Random, octets: bytes) -> list[bytes]:
    """The same in pieces."""
    pieces = []
    sizes = (1, 2, 7, 40, 1000, 100_000)
    most = rng.choice(sizes if len(octets) < 3000 else sizes[3:])
    while octets:
        size = rng.randint(1, most)
        pieces.append(octets[:size])
        octets = octets[size:]
    return pieces


def a_case(rng: Random) -> Case:
    is_server = rng.random() < 0.5
    streaming = rng.random() < 0.4
    decode = not streaming and rng.random() < 0.4
    compression = rng.random() < 0.5
    pieces = cut(rng, a_stream(rng, is_server, compression))
    return {
        "is_server": is_server,
        "fail_by_drop": rng.random() < 0.4,
        "echo_close": rng.random() < 0.5,
        "max_frame": rng.choice((0, 0, 20, 300)),
        "max_message": rng.choice((0, 0, 50, 600, 70_000)),
        "validate": decode or rng.random() < 0.8,
        "decode": decode,
        "streaming": streaming,
        "stream_control": streaming and rng.random() < 0.5,
        "compression": compression,
        "landing": rng.choice((None, 1, 30)),
        "pause_every": rng.choice((0, 0, 1, 3)),
        "raise_every": rng.choice((0, 0, 2, 3)),
        "pieces": pieces,
    }


def bytewise(octets: bytes) -> Iterator[bytes]:
    """The same, octet by octet."""
    return (octets[i : i + 1] for i in range(len(octets)))


def whole(case: Case) -> Case:
    """The same, all at once."""
    return {**case, "pieces": [b"".join(case["pieces"])], "landing": None}


def recorder(case: Case, build: Build) -> Recorder:
    modes = {name: case[name] for name in ("streaming", "stream_control", "decode")}
    recorder = Recorder(case["is_server"], build=build, **modes)
    connection, reader = recorder.connection, recorder.reader
    connection.fail_by_drop = case["fail_by_drop"]
    connection.echo_close = case["echo_close"]
    reader.validate = case["validate"]
    reader.limit(case["max_frame"], case["max_message"])
    if case["compression"]:
        reader.inflater = ToyInflater(build)
    facts = 0

    def meddle(name: str) -> None:
        nonlocal facts
        facts += 1
        if case["pause_every"] and facts % case["pause_every"] == 0:
            connection.pause()
        if case["raise_every"] and facts % case["raise_every"] == 0:
            raise Boom(name)

    recorder.meddle = meddle
    return recorder


def deliver(recorder: Recorder, octets: bytes, landing: int | None) -> None:
    """Bring octets as a loop would: on the landing strip, as far as there is one."""
    connection = recorder.connection
    while octets:
        strip = None if landing is None or connection.pending else recorder.reader.landing_strip()
        if strip is None:
            survive(recorder, connection.receive, octets, 0, len(octets))
            return
        size = min(len(strip), len(octets))
        strip[:size] = octets[:size]
        octets = octets[size:]
        del strip
        survive(recorder, connection.landed, size)


def survive(recorder: Recorder, action: Any, *args: Any) -> None:
    """Do something, and go on behind hooks that raise, as a protocol does."""
    try:
        action(*args)
    except Boom as error:
        recorder.calls.append(("raised", str(error)))
        while recorder.connection.is_behind():
            try:
                recorder.connection.resume()
            except Boom as again:
                recorder.calls.append(("raised", str(again)))
            else:
                return


def transcript(case: Case, build: Build = THIS) -> list[Any]:
    """What happens, in a form that two builds can be compared by."""
    reader_module = build.module("core.reader")
    before = reader_module.LANDING, reader_module.RESERVE
    if case["landing"]:
        reader_module.LANDING, reader_module.RESERVE = case["landing"], 1000
    try:
        side = recorder(case, build)
        for piece in case["pieces"]:
            deliver(side, piece, case["landing"])
            while side.connection.paused:
                survive(side, side.connection.unpause)
    finally:
        reader_module.LANDING, reader_module.RESERVE = before
    side.connection.writer.flush()
    connection, reader = side.connection, side.reader
    counters = (reader.frames, reader.messages, reader.octets, reader.inflated)
    ending = (connection.state, connection.was_clean, connection.failed_by_me)
    return [_settled(side.calls), frames_in_clear(side.written), counters, ending]


def _settled(calls: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The calls without what depends on the cutting: pauses, pieces, and the rest of bad frames."""
    settled: list[tuple[Any, ...]] = []
    for call in calls:
        after_data = bool(settled) and settled[-1][0] == "data"
        if call[0] == "data" and after_data:
            settled[-1] = ("data", settled[-1][1] + call[1])
        elif call[0] not in ("pause", "resume"):
            if call[0] == "violation" and after_data:
                settled.pop()
            settled.append(call)
    return [call for call in settled if call != ("data", b"")]
