"""A recorder: what passes between two ends, written down frame by frame."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ..compress import PERMESSAGE_COMPRESSION_EXTENSION, PerMessageCompress
from ..constants import Opcode
from ..core.extensions.header import parse_extensions
from ..masking import xor
from .wire import Faults

__all__ = ["RecordedFrame", "Recorder"]

MOST_SHOWN = 100
"""Frames that ``str()`` of a recorder shows."""

Sender = Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """A frame that has arrived.

    Args:
        sender: who sent it.
        opcode: what it is (RFC 6455, section 5.2); undefined opcodes are plain numbers.
        payload: its octets, unmasked, and compressed where a compression was agreed on.
        fin: whether it ends a message.
        rsv: the three reserved bits, as a number; 4 marks a compressed message.
        masked: whether it was masked.
    """

    sender: Sender
    opcode: Opcode | int
    payload: bytes
    fin: bool = True
    rsv: int = 0
    masked: bool = False

    def __str__(self) -> str:
        name = self.opcode.name if isinstance(self.opcode, Opcode) else f"opcode {self.opcode}"
        more = "" if self.fin else " and more"
        shown = reprlib.repr(self.payload)
        return f"{self.sender}: {name} {len(self.payload)} octets{more} {shown}"

    @property
    def is_control(self) -> bool:
        """Whether it is a close frame, a ping or a pong."""
        return self.opcode >= Opcode.CLOSE


class Recorder:
    """Writes down what passes, in the order of arrival; it keeps everything it has seen.

    Give it to ``memory_pair``, ``local_server`` or ``FaultyProxy``. It takes frames as they
    are, legal or not.

    Attributes:
        frames: all frames, of both ends.
    """

    def __init__(self) -> None:
        self.frames: list[RecordedFrame] = []
        self._tracks: dict[Sender, list[_Track]] = {"client": [], "server": []}

    def __repr__(self) -> str:
        return f"<Recorder: {len(self.frames)} frames>"

    def __str__(self) -> str:
        """A line for each of the last frames."""
        return "\n".join(map(str, self.frames[-MOST_SHOWN:]))

    def watch(self, connection: Faults) -> None:
        """Write down what passes here from now on; from before its opening handshake, that is."""
        client, server = self._track("client"), self._track("server")
        client.answer = server
        connection.to_server.on_octets = client.feed
        connection.to_client.on_octets = server.feed

    def _track(self, sender: Sender) -> _Track:
        track = _Track(sender, self.frames.append)
        self._tracks[sender].append(track)
        return track

    def sent_by(self, sender: Sender) -> list[RecordedFrame]:
        """The frames of one end."""
        return [frame for frame in self.frames if frame.sender == sender]

    def messages(self, sender: Sender) -> list[str | bytes]:
        """The complete messages of one end, inflated; text that is not UTF-8 has U+FFFD in it."""
        return [message for track in self._tracks[sender] for message in _messages(track)]

    def head(self, sender: Sender) -> str:
        """The HTTP head of one end: the request or the response of the latest connection."""
        tracks = self._tracks[sender]
        return tracks[-1].head.decode("latin-1") if tracks else ""


class _Track:
    """What one end sends on one connection; ``answer`` is the track whose head is the response."""

    def __init__(self, sender: Sender, on_frame: Callable[[RecordedFrame], object]) -> None:
        self.sender = sender
        self.head = b""
        self.answer = self
        self.frames: list[RecordedFrame] = []
        self._on_frame = on_frame
        self._octets = bytearray()
        self._upgraded = False

    def feed(self, octets: bytes) -> None:
        self._octets += octets
        if not self.head:
            end = self._octets.find(b"\r\n\r\n")
            if end < 0:
                return
            self.head = bytes(self._octets[: end + 4])
            del self._octets[: end + 4]
            self._upgraded = self.sender == "client" or self.head.startswith(b"HTTP/1.1 101 ")
        if not self._upgraded:
            self._octets.clear()  # the body of a refusal
        while (frame := self._take_frame()) is not None:
            self.frames.append(frame)
            self._on_frame(frame)

    def _take_frame(self) -> RecordedFrame | None:
        """The next frame, if it is complete (RFC 6455, section 5.2)."""
        octets = self._octets
        if len(octets) < 2:
            return None
        first, masked, size, start = octets[0], octets[1] >= 0x80, octets[1] & 0x7F, 2
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(octets[2:start], "big")
        start += 4 * masked
        if len(octets) < start + size:
            return None
        payload = bytes(octets[start : start + size])
        if masked:
            payload = xor(payload, bytes(octets[start - 4 : start]))
        del octets[: start + size]
        opcode = first & 0x0F
        with_name = Opcode(opcode) if opcode in Opcode.__members__.values() else opcode
        return RecordedFrame(self.sender, with_name, payload, first >= 0x80, first >> 4 & 7, masked)


def _messages(track: _Track) -> Iterator[str | bytes]:
    codec = _codec(track)
    first: RecordedFrame | None = None
    payload = b""
    for frame in track.frames:
        if frame.is_control:
            continue
        if frame.opcode != Opcode.CONTINUATION:
            first, payload = frame, b""
        payload += frame.payload
        if frame.fin and first is not None:
            if first.rsv & 4 and codec is not None:
                codec.start_decompress_message()
                payload = codec.decompress_message_data(payload)
                codec.end_decompress_message()
            yield payload.decode(errors="replace") if first.opcode == Opcode.TEXT else payload
            first = None


def _codec(track: _Track) -> PerMessageCompress | None:
    """What inflates the messages of an end, if a compression was agreed on."""
    known = [
        (PERMESSAGE_COMPRESSION_EXTENSION[name], params)
        for answer in re.findall(rb"(?im)^sec-websocket-extensions:(.*)\r$", track.answer.head)
        for name, params in parse_extensions(answer.decode("latin-1"))
        if name in PERMESSAGE_COMPRESSION_EXTENSION
    ]
    if not known:
        return None
    classes, params = known[0]
    accept: Any = classes["ResponseAccept"]
    agreed = accept(classes["Response"].parse(params))
    return classes["PMCE"].create_from_response_accept(track.sender == "client", agreed)
