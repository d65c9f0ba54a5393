"""Peers that take their time, in every state: each ends by itself, in the time that it has."""

from __future__ import annotations

import contextlib
import resource
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .attack import Peer, client_frame, request, upgraded
from .target import Server, check_log, check_raw

TEXT, CLOSE = 1, 8

Begin = Callable[[Server], Peer]


def saying(port: str, octets: bytes) -> Begin:
    """Say this, and nothing more."""

    def begin(server: Server) -> Peer:
        peer = Peer(server.connect(port))
        peer.send(octets)
        return peer

    return begin


def behind_the_handshake(octets: bytes) -> Begin:
    def begin(server: Server) -> Peer:
        peer = upgraded(server, "hasty")
        peer.send(octets)
        return peer

    return begin


def half_of_it(port: str, octets: bytes) -> Begin:
    """Say this, end one half of TCP, and read nothing."""

    def begin(server: Server) -> Peer:
        peer = upgraded(server, port, small=True)
        peer.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            peer.sock.send(octets)
        peer.sock.shutdown(socket.SHUT_WR)
        time.sleep(1.5)
        return peer

    return begin


def tls_and_then_nothing(server: Server) -> Peer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return Peer(context.wrap_socket(server.connect("tls")))


def half_of_tls(server: Server) -> Peer:
    """The first record of a TLS handshake, and nothing more."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    return saying("tls", outgoing.read())(server)


def octet_by_octet(server: Server) -> Peer:
    """Each octet in time, but not all of them."""
    peer = Peer(server.connect("hasty"))
    for octet in request()[:20]:
        if not peer.send(bytes([octet])):
            break
        time.sleep(0.06)
    return peer


STATES: dict[str, Begin] = {
    "nothing": saying("hasty", b""),
    "half a line": saying("hasty", b"GET / HT"),
    "half a head": saying("hasty", request()[:-2]),
    "a head octet by octet": octet_by_octet,
    "a request that nobody decides on": saying("hasty", request(line=b"GET /never HTTP/1.1")),
    "nothing to TLS": saying("tls", b""),
    "half of TLS": half_of_tls,
    "TLS, and then nothing": tls_and_then_nothing,
    "a violation": behind_the_handshake(client_frame(3)),
    "a violation, and half a frame": behind_the_handshake(client_frame(3) + b"\x82"),
    "a close frame": behind_the_handshake(client_frame(CLOSE, b"\x03\xe8")),
    "half a connection": half_of_it("hasty", b""),
    "half a connection that waits for answers": half_of_it(
        "hasty", client_frame(TEXT, b"x" * 1000) * 500
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_a_peer_that_does_no_more(server: Server, name: str) -> None:
    files = server.files()
    begin = time.monotonic()
    peer = STATES[name](server)
    with peer.sock:
        assert peer.read(4), "the server waits for ever"
        assert time.monotonic() - begin < 4
        deadline = time.monotonic() + 2
        while server.files() > files and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.files() <= files
    server.clean_log()


def test_a_server_that_closes_does_not_wait_for_a_handshake_of_tls(
    server: Server, certificate: Path
) -> None:
    """Clients in their TLS handshake cannot hold it up."""
    own = Server(server.loop, str(certificate))
    with contextlib.ExitStack() as stack:
        for port in ("tls", "hasty", "handler"):
            for _ in range(5):
                stack.enter_context(own.connect(port))
        time.sleep(0.1)
        begin = time.monotonic()
        log = own.end()
        assert time.monotonic() - begin < 5
    assert log == ""


UNENDING: dict[str, bytes] = {
    "a message that is not all there": client_frame(2, bytes(1000), length=2**20),
    "pings": client_frame(9) * 50_000,
    "large messages": client_frame(2, bytes(60_000)) * 30,
    "small messages": client_frame(TEXT) * 100_000,
    "a violation": client_frame(3),
    "a close": client_frame(CLOSE, b"\x03\xe8"),
}


def test_a_server_that_closes_in_the_midst_of_it_all(server: Server, certificate: Path) -> None:
    """Whatever its peers are at, it ends, and says nothing of them but who was at fault."""
    own = Server(server.loop, str(certificate))
    with contextlib.ExitStack() as stack:
        for port in ("handler", "hasty", "contract", "tasks", "iterator"):
            for octets in (b"", request()[:40], request(line=b"GET /never HTTP/1.1")):
                stack.enter_context(saying(port, octets)(own).sock)
            for octets in UNENDING.values():
                peer = upgraded(own, port, small=True)
                stack.enter_context(peer.sock).setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    peer.sock.send(octets)
        for in_tls in (half_of_tls, tls_and_then_nothing):
            stack.enter_context(in_tls(own).sock)
        begin = time.monotonic()
        log = own.end()
        assert time.monotonic() - begin < 8
    check_log(log)
    assert (
        log.count("\n") <= 10
    )  # one for each violation, and for each request that nobody decided on


def test_no_more_descriptors(server: Server, certificate: Path) -> None:
    """Where the system has none left, clients are sent away, and the log says so in one line."""
    own = Server(server.loop, str(certificate))
    before = own.files()
    most = before + 20
    resource.prlimit(own.process.pid, resource.RLIMIT_NOFILE, (most, most))
    cpu = own.cpu()
    peers = [own.connect("handler") for _ in range(200)]
    for peer in peers[100:]:
        assert Peer(peer).read(2), "it neither serves it nor sends it away"
    assert own.cpu() - cpu < 1
    for peer in peers:
        peer.close()
    while own.files() > before:
        time.sleep(0.01)
    again = upgraded(own, "handler")
    again.send(client_frame(TEXT, b"x") + client_frame(CLOSE))
    assert again.read()
    assert again.got.startswith(b"\x81\x01x")
    again.sock.close()
    text = own.log()
    check_raw(text)
    assert text.count("\n") <= 1, text
    own.end()
