"""Attacks on memory, time, and descriptors.

The server is watched from outside meanwhile, and by another client. Where that one had to wait too
long the attack is repeated, since the machine may have been busy with something else. With
``make hostile`` each attack meets a server of its own, and the other client may wait 0.3 s; else we
leave room for machines that do many things at once.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .attack import Peer, client_frame, request, upgraded
from .target import STRICT, Server, check_log
from .test_compression import DEFLATE, bomb, message

MIB = 1024 * 1024
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
WAIT = 0.3 if STRICT else 2.0
ATTEMPTS = 4

Attack = Callable[[Server, contextlib.ExitStack], None]
ATTACKS: dict[str, tuple[Attack, int, float]] = {}
"""By name: what is done, the octets that it may cost, and the seconds of CPU."""


def attack(memory: int = 32 * MIB, cpu: float = 3.0) -> Callable[[Attack], Attack]:
    """Put a function among the attacks; its docstring says what the attacker hopes for."""

    def add(function: Attack) -> Attack:
        ATTACKS[function.__name__.replace("_", " ")] = (function, memory, cpu)
        return function

    return add


def push(peer: Peer, octets: bytes, seconds: float = 2.0) -> None:
    """Send as long as the server takes anything."""
    peer.sock.settimeout(0.3)
    deadline = time.monotonic() + seconds
    view = memoryview(octets)
    while view and time.monotonic() < deadline:
        try:
            view = view[peer.sock.send(view) :]
        except OSError:
            return


def flood(
    server: Server, stack: contextlib.ExitStack, port: str, octets: bytes, small: bool = False
) -> Peer:
    """A connection that sends as much of it as it can, and reads nothing."""
    peer = upgraded(server, port, small=small)
    stack.enter_context(peer.sock)
    push(peer, octets)
    return peer


# --- before the handshake ------------------------------------------------------------------------


@attack(8 * MIB)
def silent_connections(server: Server, stack: contextlib.ExitStack) -> None:
    """Say nothing, two hundred times."""
    for _ in range(200):
        stack.enter_context(server.connect("handler"))


@attack(16 * MIB)
def heads_that_do_not_end(server: Server, stack: contextlib.ExitStack) -> None:
    """Send 16,000 octets of a head, two hundred times."""
    for _ in range(200):
        peer = Peer(stack.enter_context(server.connect("handler")))
        peer.send(request()[:-2] + b"X: " + b"x" * 15_800)


@attack(8 * MIB)
def an_endless_head(server: Server, stack: contextlib.ExitStack) -> None:
    """Send 64 MiB of a header."""
    peer = Peer(stack.enter_context(server.connect("handler")))
    assert not peer.send(request()[:-2] + b"X: " + b"x" * 64 * MIB)
    peer.read()
    assert peer.got.startswith(b"HTTP/1.1 431 ")


@attack(8 * MIB)
def an_endless_line(server: Server, stack: contextlib.ExitStack) -> None:
    """Send 64 MiB of a path."""
    peer = Peer(stack.enter_context(server.connect("handler")))
    assert not peer.send(b"GET /" + b"x" * 64 * MIB)
    peer.read()
    assert peer.got.startswith(b"HTTP/1.1 431 ")


@attack(8 * MIB)
def a_head_octet_by_octet(server: Server, stack: contextlib.ExitStack) -> None:
    """Have 10,000 octets looked at again with each that comes."""
    peer = Peer(stack.enter_context(server.connect("handler")))
    peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    octets = request(b"X: " + b"x" * 10_000)
    for at in range(len(octets)):
        peer.send(octets[at : at + 1])
    assert peer.read_head().startswith(b"HTTP/1.1 101 ")


@attack(8 * MIB)
def requests_one_behind_the_other(server: Server, stack: contextlib.ExitStack) -> None:
    """Send a hundred thousand requests at once; the second is no frame."""
    peer = Peer(stack.enter_context(server.connect("handler")))
    push(peer, request() * 100_000)
    peer.read()
    assert peer.got.count(b"HTTP/1.1") == 1


@attack(8 * MIB)
def data_before_the_answer(server: Server, stack: contextlib.ExitStack) -> None:
    """Send 64 MiB while the application decides."""
    peer = Peer(stack.enter_context(server.connect("hasty")))
    push(peer, request(line=b"GET /never HTTP/1.1") + client_frame(BINARY, bytes(MIB)) * 64)
    peer.read()
    assert peer.got.startswith(b"HTTP/1.1 400 ")


@attack(16 * MIB, 6)
def connections_that_come_and_go(server: Server, stack: contextlib.ExitStack) -> None:
    """A handshake and a RST, five hundred times."""
    for _ in range(500):
        upgraded(server, "handler").reset()


@attack(8 * MIB)
def connections_that_only_come(server: Server, stack: contextlib.ExitStack) -> None:
    """A connection and a RST, a thousand times."""
    for _ in range(1000):
        Peer(server.connect("handler")).reset()


@attack(8 * MIB, 5)
def refusals(server: Server, stack: contextlib.ExitStack) -> None:
    """Be refused, five hundred times."""
    for _ in range(500):
        peer = Peer(server.connect("handler"))
        peer.send(request(Host=None))
        peer.read()
        peer.sock.close()


@attack(24 * MIB)
def silent_connections_to_tls(server: Server, stack: contextlib.ExitStack) -> None:
    """Say nothing to TLS, fifty times, until the server has had enough.

    asyncio sets 256 KiB aside for each.
    """
    peers = [Peer(stack.enter_context(server.connect("tls"))) for _ in range(50)]
    for peer in peers:
        assert peer.read(3)


@attack(8 * MIB, 5)
def pings_through_tls(server: Server, stack: contextlib.ExitStack) -> None:
    """Have a million pongs wait behind TLS."""
    peer = over_tls(server)
    stack.enter_context(peer.sock)
    push(peer, client_frame(PING, b"x" * 20) * 1_000_000)


@attack(8 * MIB, 6)
def bombs_through_tls(server: Server, stack: contextlib.ExitStack) -> None:
    """300 messages of 1 KiB that are 1 MiB, through TLS."""
    peer = over_tls(server, DEFLATE)
    stack.enter_context(peer.sock)
    push(peer, message(bomb(MIB)) * 300)


def over_tls(server: Server, *fields: bytes) -> Peer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    peer = Peer(context.wrap_socket(server.connect("secure", small=True)))
    peer.send(request(*fields))
    assert peer.read_head().startswith(b"HTTP/1.1 101 ")
    return peer


@attack(32 * MIB, 5)
def noise_to_tls(server: Server, stack: contextlib.ExitStack) -> None:
    """Speak something else to TLS, a hundred times."""
    for number in range(100):
        peer = Peer(server.connect("tls"))
        peer.send([request(), bytes(100), b"\x16\x03\x01\xff\xff" + b"x" * 1000][number % 3])
        peer.reset()


# --- frames --------------------------------------------------------------------------------------


@attack(8 * MIB, 5)
def pings_whose_answers_nobody_reads(server: Server, stack: contextlib.ExitStack) -> None:
    """Have a million pongs wait."""
    flood(server, stack, "handler", client_frame(PING, b"x" * 20) * 1_000_000, small=True)


@attack(8 * MIB, 5)
def large_pings_whose_answers_nobody_reads(server: Server, stack: contextlib.ExitStack) -> None:
    """The same, with 125 octets each."""
    flood(server, stack, "contract", client_frame(PING, b"x" * 125) * 200_000, small=True)


@attack(8 * MIB, 5)
def pings_in_a_message(server: Server, stack: contextlib.ExitStack) -> None:
    """The same, between the parts of a message."""
    octets = client_frame(PING) + client_frame(0, fin=False)
    flood(server, stack, "handler", client_frame(TEXT, fin=False) + octets * 300_000, small=True)


@attack(8 * MIB, 5)
def pongs(server: Server, stack: contextlib.ExitStack) -> None:
    """A million pongs that nobody asked for."""
    flood(server, stack, "handler", client_frame(PONG, b"x") * 1_000_000)


@attack(8 * MIB, 6)
def empty_parts(server: Server, stack: contextlib.ExitStack) -> None:
    """A message of 300,000 parts without anything in them."""
    octets = client_frame(TEXT, fin=False) + client_frame(0, fin=False) * 300_000
    flood(server, stack, "handler", octets)


@attack(8 * MIB, 6)
def parts_of_one_octet(server: Server, stack: contextlib.ExitStack) -> None:
    """A message of 300,000 parts of one octet."""
    octets = client_frame(TEXT, b"x", fin=False) + client_frame(0, b"x", fin=False) * 300_000
    flood(server, stack, "handler", octets)


@attack(8 * MIB, 6)
def empty_messages(server: Server, stack: contextlib.ExitStack) -> None:
    """Half a million messages without anything in them, echoed to nobody."""
    flood(server, stack, "handler", client_frame(TEXT) * 500_000, small=True)


@attack(8 * MIB, 6)
def empty_messages_to_callbacks(server: Server, stack: contextlib.ExitStack) -> None:
    """The same, to ``onMessage``."""
    flood(server, stack, "contract", client_frame(TEXT) * 500_000, small=True)


@attack(8 * MIB, 6)
def empty_messages_to_slow_coroutines(server: Server, stack: contextlib.ExitStack) -> None:
    """The same, to hooks that take their time."""
    flood(server, stack, "tasks", client_frame(TEXT) * 500_000, small=True)


@attack(8 * MIB, 6)
def large_messages_to_slow_coroutines(server: Server, stack: contextlib.ExitStack) -> None:
    """Have 64 hooks hold a message of 1 MiB each."""
    flood(server, stack, "tasks", client_frame(BINARY, bytes(MIB)) * 100, small=True)


@attack(8 * MIB)
def lengths_that_are_only_said(server: Server, stack: contextlib.ExitStack) -> None:
    """Announce a frame of 1 MiB, two hundred times, and send none of it."""
    for _ in range(200):
        peer = upgraded(server, "handler")
        stack.enter_context(peer.sock)
        peer.send(client_frame(BINARY, length=MIB) + b"x")


@attack(8 * MIB)
def lengths_without_a_limit(server: Server, stack: contextlib.ExitStack) -> None:
    """Announce a frame of 2^62 octets where there is no limit, and send 64 KiB of it."""
    for _ in range(20):
        peer = upgraded(server, "contract")
        stack.enter_context(peer.sock)
        peer.send(client_frame(BINARY, length=2**62) + bytes(65536))


@attack(32 * MIB)
def messages_that_do_not_end(server: Server, stack: contextlib.ExitStack) -> None:
    """Have 500 KiB of a message kept, forty times."""
    for _ in range(40):
        peer = upgraded(server, "handler")
        stack.enter_context(peer.sock)
        peer.send(client_frame(BINARY, bytes(500 * 1024), fin=False))


@attack(32 * MIB, 8)
def fifty_who_do_not_read(server: Server, stack: contextlib.ExitStack) -> None:
    """Have echoes of 1000 octets wait, on fifty connections."""
    many_who_do_not_read(server, stack, "handler", client_frame(BINARY, bytes(1000)))


@attack(32 * MIB, 8)
def fifty_who_do_not_read_callbacks(server: Server, stack: contextlib.ExitStack) -> None:
    """The same, from ``onMessage``."""
    many_who_do_not_read(server, stack, "contract", client_frame(BINARY, bytes(1000)))


@attack(32 * MIB, 8)
def fifty_who_do_not_read_large_messages(server: Server, stack: contextlib.ExitStack) -> None:
    """The same, with 64 KiB."""
    many_who_do_not_read(server, stack, "handler", client_frame(BINARY, bytes(65536)))


@attack(32 * MIB, 8)
def fifty_who_do_not_read_large_messages_of_callbacks(
    server: Server, stack: contextlib.ExitStack
) -> None:
    """The same, from ``onMessage``."""
    many_who_do_not_read(server, stack, "contract", client_frame(BINARY, bytes(65536)))


def many_who_do_not_read(
    server: Server, stack: contextlib.ExitStack, port: str, octets: bytes
) -> None:
    peers = [upgraded(server, port, small=True) for _ in range(50)]
    for peer in peers:
        stack.enter_context(peer.sock)
        peer.sock.setblocking(False)
    for _ in range(8):
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.sock.send(octets * max(1, 500_000 // len(octets)))
        time.sleep(0.02)


@attack(8 * MIB)
def closes(server: Server, stack: contextlib.ExitStack) -> None:
    """A million close frames."""
    flood(server, stack, "handler", client_frame(CLOSE, b"\x03\xe8bye") * 1_000_000)


@attack(8 * MIB)
def violations(server: Server, stack: contextlib.ExitStack) -> None:
    """A million violations, and never an end."""
    flood(server, stack, "handler", client_frame(3, b"x") * 1_000_000)


@attack(8 * MIB)
def data_behind_a_violation(server: Server, stack: contextlib.ExitStack) -> None:
    """100 MiB behind the failure."""
    flood(server, stack, "handler", client_frame(3) + client_frame(BINARY, bytes(MIB)) * 100)


@attack(16 * MIB)
def resets_in_the_middle(server: Server, stack: contextlib.ExitStack) -> None:
    """A RST in the middle of a frame, three hundred times."""
    for _ in range(300):
        peer = upgraded(server, "handler")
        peer.send(client_frame(BINARY, bytes(10_000))[:5000])
        peer.reset()


@attack(16 * MIB)
def halves_that_do_not_read(server: Server, stack: contextlib.ExitStack) -> None:
    """Have echoes wait, and end one half of TCP, twenty times."""
    for _ in range(20):
        peer = upgraded(server, "contract", small=True)
        stack.enter_context(peer.sock)
        peer.sock.setblocking(False)
        with contextlib.suppress(OSError):
            peer.sock.send(client_frame(BINARY, bytes(1000)) * 300)
        peer.sock.shutdown(socket.SHUT_WR)


# --- compression ---------------------------------------------------------------------------------


@attack(8 * MIB, 6)
def a_queue_of_bombs(server: Server, stack: contextlib.ExitStack) -> None:
    """300 messages of 1 KiB that are 1 MiB, to somebody who echoes them to nobody."""
    peer = upgraded(server, "handler", [DEFLATE], small=True)
    stack.enter_context(peer.sock)
    push(peer, message(bomb(MIB)) * 300)


@attack(8 * MIB, 8)
def bombs_for_callbacks(server: Server, stack: contextlib.ExitStack) -> None:
    """The same, to ``onMessage``."""
    peer = upgraded(server, "contract", [DEFLATE], small=True)
    stack.enter_context(peer.sock)
    push(peer, message(bomb(MIB)) * 300)


@attack(8 * MIB, 8)
def bombs_for_slow_coroutines(server: Server, stack: contextlib.ExitStack) -> None:
    """The same, to hooks that take their time."""
    peer = upgraded(server, "tasks", [DEFLATE], small=True)
    stack.enter_context(peer.sock)
    push(peer, message(bomb(MIB)) * 300)


@attack(8 * MIB, 8)
def a_queue_of_small_bombs(server: Server, stack: contextlib.ExitStack) -> None:
    """Ten thousand messages that are 16 KiB."""
    peer = upgraded(server, "handler", [DEFLATE], small=True)
    stack.enter_context(peer.sock)
    push(peer, message(bomb(16 * 1024)) * 10_000)


@attack(32 * MIB, 12)
def bombs_on_ten_connections(server: Server, stack: contextlib.ExitStack) -> None:
    """Fifty bombs each, on ten connections at once."""
    peers = [upgraded(server, "handler", [DEFLATE], small=True) for _ in range(10)]
    for peer in peers:
        stack.enter_context(peer.sock)
    for peer in peers:
        push(peer, message(bomb(MIB)) * 50, 0.2)


def at_once(
    server: Server, stack: contextlib.ExitStack, port: str, octets: bytes, many: int = 40
) -> None:
    """So many connections that all send as much of it as they can, for a while."""
    peers = [upgraded(server, port, [DEFLATE], small=True) for _ in range(many)]
    left = {peer: memoryview(octets) for peer in peers}
    for peer in peers:
        stack.enter_context(peer.sock)
        peer.sock.setblocking(False)
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        for peer, rest in left.items():
            with contextlib.suppress(OSError):
                left[peer] = rest[peer.sock.send(rest) :]
        time.sleep(0.005)


@attack(32 * MIB, 12)
def bombs_on_forty_connections(server: Server, stack: contextlib.ExitStack) -> None:
    """Bombs, to ``onMessage``, on so many connections that each needs but one to hold up others."""
    at_once(server, stack, "contract", message(bomb(MIB)) * 50)


@attack(32 * MIB, 12)
def small_bombs_on_forty_connections(server: Server, stack: contextlib.ExitStack) -> None:
    """The same, with bombs of 16 KiB."""
    at_once(server, stack, "handler", message(bomb(16 * 1024)) * 3000)


@attack(16 * MIB, 12)
def last_blocks_on_forty_connections(server: Server, stack: contextlib.ExitStack) -> None:
    """Streams that end at every second octet."""
    at_once(server, stack, "handler", message(b"\x03\x00" * 20_000))


@attack(16 * MIB, 12)
def tiny_messages_on_forty_connections(server: Server, stack: contextlib.ExitStack) -> None:
    """As many messages without anything in them as each of them can send."""
    at_once(server, stack, "contract", client_frame(TEXT) * 20_000)


@attack(16 * MIB, 12)
def pings_on_forty_connections(server: Server, stack: contextlib.ExitStack) -> None:
    """As many pings as each of them can send."""
    at_once(server, stack, "handler", client_frame(PING) * 20_000)


@attack(16 * MIB, 12)
def empty_parts_on_forty_connections(server: Server, stack: contextlib.ExitStack) -> None:
    """A message for each of them that never ends, and has nothing in it."""
    octets = client_frame(TEXT, fin=False) + client_frame(0, fin=False) * 10_000
    at_once(server, stack, "iterator", octets)


@attack(32 * MIB, 8)
def large_messages_that_end_at_once(server: Server, stack: contextlib.ExitStack) -> None:
    """Have twenty echoes of 512 KiB compressed in one turn, that do not get any smaller by it."""
    peers = [upgraded(server, "handler", [DEFLATE], small=True) for _ in range(20)]
    noise = client_frame(BINARY, os.urandom(512 * 1024), fin=False)
    for peer in peers:
        stack.enter_context(peer.sock)
        push(peer, noise)
    for peer in peers:
        peer.send(client_frame(0))


@attack(8 * MIB, 6)
def last_blocks(server: Server, stack: contextlib.ExitStack) -> None:
    """A stream that ends at every second octet."""
    peer = upgraded(server, "handler", [DEFLATE])
    stack.enter_context(peer.sock)
    push(peer, message(b"\x03\x00" * 60_000) * 20)


@pytest.fixture
def fresh(server: Server, certificate: Path) -> Iterator[Server]:
    """With ``make hostile`` a server that has no memory left from others."""
    if not STRICT:
        yield server
        return
    own = Server(server.loop, str(certificate))
    try:
        yield own
    finally:
        check_log(own.end())


@pytest.mark.parametrize("name", ATTACKS)
def test_it_costs_little(fresh: Server, name: str) -> None:
    function, memory, cpu = ATTACKS[name]
    for attempt in range(ATTEMPTS):
        with fresh.watched() as harm:
            with contextlib.ExitStack() as stack:
                function(fresh, stack)
                time.sleep(0.05)  # what it set in motion goes on
            done = harm()
        print(f"{name}: {done.memory / MIB:.1f} MiB, {done.cpu:.2f} s, wait {done.wait:.3f} s")
        if done.wait < WAIT and done.memory < memory and done.cpu < cpu:
            break
        assert attempt < ATTEMPTS - 1, done
    assert done.files <= 0, done
    fresh.clean_log()
