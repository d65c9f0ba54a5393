"""What TCP and TLS can do to a connection in each of its states: octet by octet, halves, a RST."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from collections.abc import Callable

import pytest

from .attack import Peer, ask, client_frame, request, upgraded
from .target import Server

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
BYE = client_frame(CLOSE, b"\x03\xe8")

UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
UNVERIFIED.check_hostname, UNVERIFIED.verify_mode = False, ssl.CERT_NONE


def over_tls(server: Server, port: str) -> Peer:
    """A connection through TLS whose opening handshake is done."""
    peer = Peer(UNVERIFIED.wrap_socket(server.connect(port)))
    peer.send(request())
    assert peer.read_head().startswith(b"HTTP/1.1 101 ")
    return peer


def hello() -> bytes:
    """The first record of a TLS handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        UNVERIFIED.wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


# --- at each point of a conversation --------------------------------------------------------------

CONVERSATION = (
    b"",
    request()[:30],
    request(),
    client_frame(TEXT, b"hello")[:3],
    client_frame(TEXT, b"hello")[:9],
    client_frame(TEXT, b"hello"),
    client_frame(TEXT, b"hello", fin=False),
    client_frame(PING, b"x"),
    client_frame(BINARY, bytes(100_000))[:50_000],
    BYE[:3],
    BYE,
)
"""What has been said when it ends; frames come behind a request."""


def ended_behind(server: Server, port: str, said: bytes) -> Peer:
    is_frames = said and not request().startswith(said)
    peer = upgraded(server, port) if is_frames else Peer(server.connect(port))
    peer.send(said)
    return peer


@pytest.mark.parametrize("port", ["handler", "contract", "iterator", "tasks"])
@pytest.mark.parametrize("how", ["half", "reset", "both halves", "reset behind a while"])
def test_an_end_at_each_point(server: Server, port: str, how: str) -> None:
    files = server.files()
    for said in CONVERSATION:
        peer = ended_behind(server, port, said)
        if how == "reset behind a while":
            time.sleep(0.01)
        if how.startswith("reset"):
            peer.reset()
            continue
        with peer.sock:
            peer.sock.shutdown(socket.SHUT_WR if how == "half" else socket.SHUT_RDWR)
            assert peer.read(2), said
    deadline = time.monotonic() + 20  # a slow machine, or one of the timeouts
    while server.files() > files and time.monotonic() < deadline:
        time.sleep(0.005)
    assert server.files() <= files
    assert server.log() == ""


@pytest.mark.parametrize("port", ["handler", "contract", "iterator", "tls"])
def test_all_of_it_octet_by_octet(server: Server, port: str) -> None:
    sock = server.connect(port)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer = Peer(UNVERIFIED.wrap_socket(sock) if port == "tls" else sock)
    with peer.sock:
        for octet in request() + client_frame(TEXT, b"hello") + client_frame(PING, b"x") + BYE:
            peer.send(bytes([octet]))
        assert peer.read(2)
    behind = bytes(peer.got).partition(b"\r\n\r\n")[2]
    assert b"\x81\x05hello" in behind
    assert b"\x8a\x01x" in behind
    assert behind.endswith(b"\x88\x02\x03\xe8")
    server.clean_log()


def test_urgent_data(server: Server) -> None:
    """It is none of the stream's octets."""
    peer = upgraded(server, "handler")
    with peer.sock:
        peer.sock.send(b"x", socket.MSG_OOB)
        peer.send(client_frame(TEXT, b"a") + BYE)
        assert peer.read(2)
    assert peer.got == b"\x81\x01a\x88\x02\x03\xe8"
    server.clean_log()


# --- peers that keep on saying something ----------------------------------------------------------

Drip = Callable[[Server], tuple[Peer, bytes]]


def failed(server: Server) -> Peer:
    peer = upgraded(server, "hasty")
    peer.send(client_frame(3))
    return peer


DRIPS: dict[str, Drip] = {
    "a TLS handshake": lambda server: (Peer(server.connect("tls")), hello()[:100]),
    "a request through TLS": lambda server: (
        Peer(UNVERIFIED.wrap_socket(server.connect("tls"))),
        request()[:100],
    ),
    "a request that does not end": lambda server: (Peer(server.connect("hasty")), b"G" * 100),
    "halves of frames behind a failure": lambda server: (failed(server), b"\x82" * 100),
    "pings behind a failure": lambda server: (failed(server), client_frame(PING) * 100),
    "messages behind a failure": lambda server: (failed(server), client_frame(TEXT, b"x") * 100),
    "data behind a close": lambda server: (upgraded(server, "hasty"), BYE + b"x" * 100),
}


@pytest.mark.parametrize("name", DRIPS)
def test_a_drip_that_would_go_on_for_ever(server: Server, name: str) -> None:
    """No deadline begins anew with an octet that comes."""
    begin = time.monotonic()
    peer, octets = DRIPS[name](server)
    size = max(len(octets) // 100, 8 if name == "data behind a close" else 1)
    with peer.sock:
        for at in range(0, len(octets), size):
            if not peer.send(octets[at : at + size]) or time.monotonic() - begin > 4:
                break
            time.sleep(0.02)
        assert peer.read(2)
    assert time.monotonic() - begin < 2.5
    server.clean_log()


# --- TLS ------------------------------------------------------------------------------------------


def test_a_record_that_is_none(server: Server) -> None:
    peer = over_tls(server, "secure")
    with peer.sock:
        os.write(peer.sock.fileno(), b"\x17\x03\x03\x00\x20" + b"x" * 32)
        assert peer.read(2)
    assert server.log() == ""


def test_half_of_a_record(server: Server) -> None:
    peer = over_tls(server, "secure")
    with peer.sock, socket.socket(fileno=os.dup(peer.sock.fileno())) as below:
        below.send(b"\x17\x03\x03\x40\x00" + b"x" * 1000)
        below.shutdown(socket.SHUT_WR)
        assert peer.read(2)
    assert server.log() == ""


def test_an_end_of_tls_alone(server: Server) -> None:
    """``close_notify``, and TCP stays: the server ends it."""
    peer = over_tls(server, "secure")
    peer.sock.settimeout(10)
    assert isinstance(peer.sock, ssl.SSLSocket)
    with peer.sock.unwrap() as below:
        assert below.recv(1) == b""
    assert server.log() == ""


@pytest.mark.parametrize("steps", [1, 2])
def test_tls_handshakes_that_are_reset(server: Server, steps: int) -> None:
    files = server.files()
    for _ in range(20):
        peer = Peer(server.connect("secure"))
        peer.send(hello())
        if steps == 2:
            peer.sock.recv(100)
        peer.reset()
    deadline = time.monotonic() + 20  # a slow machine, or one of the timeouts
    while server.files() > files and time.monotonic() < deadline:
        time.sleep(0.005)
    assert server.files() <= files
    assert server.log() == ""


# --- closing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["handler", "contract", "hasty"])
def test_a_close_of_somebody_who_does_not_read(server: Server, port: str) -> None:
    """Its own echoes stand in the way of the server's answer."""
    files = server.files()
    peer = upgraded(server, port, small=True)
    with peer.sock:
        peer.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            peer.sock.send(client_frame(BINARY, bytes(50_000)) * 4 + BYE)
        deadline = time.monotonic() + 8
        while server.files() > files and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.files() <= files
    server.clean_log()


def test_every_code_that_must_not_be_sent(server: Server) -> None:
    for code in (*range(1000), 1004, 1005, 1006, *range(1016, 3000, 97), *range(5000, 65536, 3001)):
        if code % 37 and code < 990:
            continue
        frame = client_frame(CLOSE, code.to_bytes(2, "big"))
        answer = ask(server, "handler", [request() + frame])
        assert (answer.code, answer.ended) == (1002, True), code
    server.clean_log()
