"""Protocols on a loop whose clock we turn by hand, and a transport that writes everything down.

Nothing here takes time: a :class:`Lab` jumps to the next timer instead of waiting for it. What a
protocol writes is read by an own little frame parser, so that the package is not its own witness.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import selectors
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from wsproto_async import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)

ProtocolT = TypeVar("ProtocolT", bound=WebSocketProtocol)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of the example in RFC 6455, section 1.3."""
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MASK = b"\x11\x22\x33\x44"

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Instant(selectors.DefaultSelector):
    """Does not wait; moves the clock instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("this test waits for something that will never happen")
        self.now += max(timeout, 0.0)
        return super().select(0)


class Lab(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own; it runs only when it is told to."""

    def __init__(self) -> None:
        self.instant = Instant()
        super().__init__(self.instant)
        self.complaints: list[str] = []
        self.set_exception_handler(self._complain)

    def time(self) -> float:
        return self.instant.now

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.complaints.append(f"{context['message']} {error!r}")

    def turn(self) -> None:
        """Run whatever is due now."""

        async def a_few_turns() -> None:
            for _ in range(12):
                await asyncio.sleep(0)

        self.run_until_complete(a_few_turns())

    def advance(self, seconds: float) -> None:
        """Let so much time pass."""
        self.run_until_complete(asyncio.sleep(seconds))
        self.turn()

    def get(self, awaitable: Awaitable[Any]) -> Any:
        """What comes out of it."""
        return self.run_until_complete(asyncio.ensure_future(awaitable, loop=self))


class MemoryTransport(asyncio.Transport):
    """A transport that leads nowhere.

    Attributes:
        writes: what was written, write by write.
        aborted, closed: how it was ended by our side.
        reading: whether the protocol wants to read.
        unsent: octets that it pretends the system has not taken.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, **extra: Any) -> None:
        super().__init__({"peername": ("192.0.2.1", 4711), **extra})
        self.loop = loop
        self.protocol: Any = None
        self.writes: list[bytes] = []
        self.aborted = False
        self.closed = False
        self.reading = True
        self.unsent = 0
        self.limits: tuple[int | None, int | None] = (None, None)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.aborted, "written after abort()"
        assert not self.closed, "written after close()"
        self.writes.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        if not self.is_closing():
            self.closed = True
            self.loop.call_soon(self._lose, None)

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            self.loop.call_soon(self._lose, None)

    def _lose(self, exc: BaseException | None) -> None:
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            self.closed = True
            protocol.connection_lost(exc)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = high, low


class Frame(NamedTuple):
    """A frame on the wire, its payload unmasked."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    mask: bytes | None = None


def xor(data: bytes, mask: bytes) -> bytes:
    return bytes(octet ^ mask[i % 4] for i, octet in enumerate(data))


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    length: int | None = None,
) -> bytes:
    """Octets of a frame; ``length`` is what the header says, if that is not the truth."""
    size = len(payload) if length is None else length
    head = bytes([fin << 7 | rsv << 4 | opcode])
    bit = 0x80 if mask is not None else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + size.to_bytes(8, "big")
    return head + (payload if mask is None else mask + xor(payload, mask))


def frames(octets: bytes, *, masked_in_clear: bool = False) -> list[Frame]:
    """The frames that these octets are, and nothing but these."""
    return list(_frames(octets, masked_in_clear))


def _frames(octets: bytes, masked_in_clear: bool) -> Iterator[Frame]:
    while octets:
        size, pos = octets[1] & 0x7F, 2
        if size >= 126:
            pos = 4 if size == 126 else 10
            size = int.from_bytes(octets[2:pos], "big")
        mask = None
        if octets[1] & 0x80:
            mask, pos = octets[pos : pos + 4], pos + 4
        payload = octets[pos : pos + size]
        assert len(payload) == size, "the last frame is not complete"
        if mask is not None and not masked_in_clear:
            payload = xor(payload, mask)
        yield Frame(octets[0] & 15, payload, octets[0] >= 0x80, octets[0] >> 4 & 7, mask)
        octets = octets[pos + size :]


def close_payload(code: int | None = None, reason: str = "") -> bytes:
    return b"" if code is None else code.to_bytes(2, "big") + reason.encode()


def request(
    resource: str = "/", headers: Mapping[str, str | None] | None = None, *more: str
) -> bytes:
    """An upgrade request; a header that is None is left out."""
    fields: dict[str, str | None] = {
        "Host": "localhost:9000",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        **(headers or {}),
    }
    lines = [f"GET {resource} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([*lines, *more, "", ""]).encode("latin-1")


def accept_token(key: bytes) -> str:
    return base64.b64encode(hashlib.sha1(key + GUID.encode()).digest()).decode()


def response(key: bytes, headers: Mapping[str, str | None] | None = None, *more: str) -> bytes:
    """The 101 for a client's key; a header that is None is left out."""
    fields: dict[str, str | None] = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept_token(key),
        **(headers or {}),
    }
    lines = ["HTTP/1.1 101 Switching Protocols"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([*lines, *more, "", ""]).encode("latin-1")


def head_of(octets: bytes) -> tuple[str, dict[str, str]]:
    """First line and headers (names in lower case) of an HTTP head."""
    line, *fields = octets.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    pairs = (text.partition(": ") for text in fields)
    return line, {name.lower(): value for name, _, value in pairs}


class Notes(WebSocketProtocol):
    """Notes what the hooks are told; the base of the two below."""

    @property
    def notes(self) -> list[tuple[Any, ...]]:
        notes: list[tuple[Any, ...]] = self.__dict__.setdefault("_notes", [])
        return notes

    def note(self, *event: Any) -> None:
        self.notes.append(event)

    def noted(self, name: str) -> list[Any]:
        """What was noted under this name."""
        return [event[1:] for event in self.notes if event[0] == name]

    def onOpen(self) -> Any:
        self.note("open")

    def onMessage(self, payload: bytes, isBinary: bool) -> Any:
        self.note("message", payload, isBinary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> Any:
        self.note("close", wasClean, code, reason)


class Server(Notes, WebSocketServerProtocol):
    """A server's connection that notes everything."""


class Client(Notes, WebSocketClientProtocol):
    """A client's connection that notes everything."""


def calling_super(base: type, names: tuple[str, ...]) -> type:
    """A class that notes each call of these hooks and passes it on."""

    def passing(name: str) -> Any:
        def hook(self: Notes, *args: Any) -> Any:
            self.note(name, *args)
            return getattr(base, name)(self, *args)

        return hook

    return type("Passing", (base,), {name: passing(name) for name in names})


@dataclass
class Side(Generic[ProtocolT]):
    """A protocol between a :class:`Lab` and a :class:`MemoryTransport`."""

    lab: Lab
    protocol: ProtocolT
    transport: MemoryTransport
    seen: int = field(default=0)

    def feed(self, *data: bytes) -> None:
        """The peer sends this, in these pieces."""
        for piece in data:
            self.protocol.data_received(piece)
        self.lab.turn()

    def put(self, octets: bytes) -> None:
        """The peer sends this, by the door of loops that read into a buffer of ours."""
        while octets and not self.transport.is_closing():
            room = self.protocol.get_buffer(-1)
            size = min(len(room), len(octets))
            room[:size] = octets[:size]
            del room
            self.protocol.buffer_updated(size)
            octets = octets[size:]

    def sent(self) -> bytes:
        """What has been written since the last time."""
        self.lab.turn()
        octets = b"".join(self.transport.writes[self.seen :])
        self.seen = len(self.transport.writes)
        return octets

    def frames(self) -> list[Frame]:
        """The same, which must be frames; their masks left out."""
        return [each._replace(mask=None) for each in frames(self.sent())]

    def lose(self, exc: BaseException | None = None) -> None:
        """The peer ends TCP."""
        self.transport._lose(exc)
        self.lab.turn()

    def advance(self, seconds: float) -> None:
        self.lab.advance(seconds)

    @property
    def mask(self) -> bytes | None:
        """What the peer masks with."""
        return MASK if self.protocol.is_server else None

    def frame(self, opcode: int, payload: bytes = b"", **more: Any) -> bytes:
        """Octets of a frame as the peer has to send it."""
        return frame(opcode, payload, **{"mask": self.mask, **more})

    def feed_frame(self, opcode: int, payload: bytes = b"", **more: Any) -> None:
        self.feed(self.frame(opcode, payload, **more))

    def closed(self) -> tuple[bool, int | None, str | None]:
        """What ``onClose`` was told; exactly once."""
        self.lab.turn()
        assert isinstance(self.protocol, Notes)
        [(was_clean, code, reason)] = self.protocol.noted("close")
        return was_clean, code, reason


def connect(
    lab: Lab, factory: Callable[[], ProtocolT], transport: MemoryTransport | None = None
) -> Side[ProtocolT]:
    """A protocol of this factory, connected, before any handshake."""
    transport = transport or MemoryTransport(lab)
    protocol = factory()
    transport.protocol = protocol
    protocol.connection_made(transport)
    return Side(lab, protocol, transport)


def server_factory(
    lab: Lab, protocol: Any = Server, session: Mapping[str, Any] | None = None, **options: Any
) -> WebSocketServerFactory:
    factory = WebSocketServerFactory(**(session or {}), loop=lab)
    factory.protocol = protocol
    factory.setProtocolOptions(**options)
    return factory


def client_factory(
    lab: Lab, protocol: Any = Client, session: Mapping[str, Any] | None = None, **options: Any
) -> WebSocketClientFactory:
    factory = WebSocketClientFactory(**(session or {}), loop=lab)
    factory.protocol = protocol
    factory.setProtocolOptions(**options)
    return factory


def answer_to(lab: Lab, octets: bytes, protocol: Any = Server, **options: Any) -> Side[Any]:
    """A server's connection that was sent these octets."""
    side = connect(lab, server_factory(lab, protocol, **options))
    side.feed(octets)
    return side


def open_server(
    lab: Lab,
    protocol: Any = Server,
    session: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> Side[Any]:
    """A server's connection, open."""
    side = connect(lab, server_factory(lab, protocol, session, **options))
    side.feed(request("/", headers))
    assert side.sent().startswith(b"HTTP/1.1 101 ")
    return side


def open_client(
    lab: Lab,
    protocol: Any = Client,
    session: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> Side[Any]:
    """A client's connection, open."""
    side = connect(lab, client_factory(lab, protocol, session, **options))
    assert side.sent().startswith(b"GET / HTTP/1.1\r\n")
    side.feed(response(side.protocol.websocket_key, headers))
    assert side.protocol.state == WebSocketProtocol.STATE_OPEN
    return side


def open_side(lab: Lab, role: str, **more: Any) -> Side[Any]:
    """Either of these."""
    return {"server": open_server, "client": open_client}[role](lab, **more)


ROLES = ("server", "client")
BASES: dict[str, Any] = {"server": Server, "client": Client}


def unclean(reason: str | None) -> tuple[bool, int, str]:
    """What ``onClose`` is told where there was no closing handshake."""
    return False, 1006, f"connection was closed uncleanly ({reason})"
