"""The transport in memory: what asyncio's own do, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from wsproto_async.testing.transport import HIGH, MemoryTransport, join
from wsproto_async.testing.wire import Wire

from ..contract.conftest import lab
from ..contract.support import Lab

__all__ = ["lab"]


class End(asyncio.Protocol):
    """Writes down what it is told."""

    transport: MemoryTransport

    def __init__(self) -> None:
        self.octets = b""
        self.log: list[str] = []
        self.on_octets: Callable[[], object] = int
        self.lost_by: list[Exception | None] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, MemoryTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.octets += data
        self.on_octets()

    def eof_received(self) -> bool:
        self.log.append("eof")
        return True

    def pause_writing(self) -> None:
        self.log.append("pause")

    def resume_writing(self) -> None:
        self.log.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost_by.append(exc)


class Ends:
    """Two protocols, connected."""

    def __init__(self, lab: Lab, capacity: int) -> None:
        self.client, self.server = End(), End()
        self.to_server: Wire
        self.to_server, self.to_client = join(lab, self.client, self.server, capacity)
        self.near, self.far = self.client.transport, self.server.transport


def test_it_says_whom_it_leads_to(lab: Lab) -> None:
    ends = Ends(lab, 100)
    assert repr(ends.near) == "<MemoryTransport to ('127.0.0.1', 80)>"
    assert repr(ends.far).startswith("<MemoryTransport to ('127.0.0.1', ")


def test_another_protocol_takes_over(lab: Lab) -> None:
    class Buffered(asyncio.BufferedProtocol):
        def __init__(self) -> None:
            self.strip = bytearray(4)
            self.octets = b""

        def get_buffer(self, sizehint: int) -> bytearray:
            return self.strip

        def buffer_updated(self, nbytes: int) -> None:
            self.octets += self.strip[:nbytes]

    ends = Ends(lab, 100)
    assert ends.far.get_protocol() is ends.server
    other = Buffered()
    ends.far.set_protocol(other)
    assert ends.far.get_protocol() is other
    ends.near.write(b"ten octets")
    lab.turn()
    assert (other.octets, ends.server.octets) == (b"ten octets", b"")


def test_what_is_no_octets_is_refused_and_nothing_is_nothing(lab: Lab) -> None:
    ends = Ends(lab, 100)
    with pytest.raises(TypeError, match="data must be bytes-like, not str"):
        ends.near.write("text")  # type: ignore[arg-type]
    ends.near.write(b"")
    assert len(ends.to_server) == 0


def test_nothing_can_be_written_behind_the_end(lab: Lab) -> None:
    ends = Ends(lab, 100)
    ends.near.write(b"last")
    ends.near.write_eof()
    ends.near.write_eof()
    with pytest.raises(RuntimeError, match="behind write_eof"):
        ends.near.write(b"more")
    lab.turn()
    assert (ends.server.octets, ends.server.log) == (b"last", ["eof"])
    ends.far.write(b"answer")
    lab.turn()
    assert ends.client.octets == b"answer"


def test_what_is_written_after_abort_is_lost(lab: Lab) -> None:
    ends = Ends(lab, 100)
    ends.near.abort()
    ends.near.write(b"lost")
    ends.near.write_eof()
    ends.near.close()
    ends.near.abort()
    lab.turn()
    assert ends.client.lost_by == [None]
    assert ends.server.octets == b""


def test_close_waits_for_what_was_written(lab: Lab) -> None:
    ends = Ends(lab, 4)
    ends.near.write(b"ten octets")
    ends.near.close()
    assert ends.near.is_closing()
    assert not ends.near.is_reading()
    assert ends.client.lost_by == []
    lab.turn()
    assert ends.server.octets == b"ten octets"
    assert ends.client.lost_by == [None]


def test_marks_are_those_of_asyncio(lab: Lab) -> None:
    transport = Ends(lab, 100).near
    assert transport.get_write_buffer_limits() == (HIGH // 4, HIGH)
    transport.set_write_buffer_limits(low=5)
    assert transport.get_write_buffer_limits() == (5, 20)
    transport.set_write_buffer_limits(high=40)
    assert transport.get_write_buffer_limits() == (10, 40)
    transport.set_write_buffer_limits()
    assert transport.get_write_buffer_limits() == (HIGH // 4, HIGH)
    with pytest.raises(ValueError, match=r"high \(1\) must be >= low \(2\)"):
        transport.set_write_buffer_limits(high=1, low=2)


def test_the_writer_is_told_at_the_marks(lab: Lab) -> None:
    ends = Ends(lab, 4)
    ends.near.set_write_buffer_limits(high=8, low=2)
    ends.far.pause_reading()
    assert not ends.far.is_reading()
    ends.near.write(bytes(12))
    assert (ends.client.log, ends.near.get_write_buffer_size()) == ([], 8)
    ends.near.write(b"1")
    assert ends.client.log == ["pause"]
    ends.far.resume_reading()
    lab.turn()
    assert ends.client.log == ["pause", "resume"]
    assert len(ends.server.octets) == 13


def test_a_slow_wire_is_slow_for_what_waits_before_it_as_well(lab: Lab) -> None:
    ends = Ends(lab, 10)
    ends.to_server.slow(100)
    ends.near.write(bytes(100))
    lab.advance(0.5)
    assert 40 <= len(ends.server.octets) <= 60
    lab.advance(0.6)
    assert len(ends.server.octets) == 100


def test_what_was_slow_arrives_at_once_when_that_is_over(lab: Lab) -> None:
    ends = Ends(lab, 10)
    ends.to_server.slow(0.001)  # an octet in a quarter of an hour
    ends.near.write(b"hello")
    lab.turn()
    assert ends.server.octets == b"h"
    ends.to_server.resume()
    lab.turn()
    assert ends.server.octets == b"hello"


def test_it_may_be_cut_while_something_arrives(lab: Lab) -> None:
    ends = Ends(lab, 100)
    ends.server.on_octets = ends.to_server.cut
    ends.near.write(b"the last")
    lab.turn()
    assert ends.server.octets == b"the last"
    for end in ends.client, ends.server:
        assert [type(error) for error in end.lost_by] == [ConnectionResetError]
