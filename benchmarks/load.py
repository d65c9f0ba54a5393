"""The load: plain Python on sockets and epoll, one thread.

It is not fast, and need not be: what is measured is what the *other* process uses for a message.
Frames are made beforehand (:mod:`.frames`), and what comes back is looked at octet by octet for the
first message of a connection, and counted after that.
"""

from __future__ import annotations

import itertools
import re
import select
import socket
import ssl
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from .frames import CLOSE, Traffic, accept_for, payload_length, upgrade_request
from .process import Window

__all__ = ["Link", "LoadError", "accept_client", "check", "connect", "echo", "fanout", "open_links"]

PATIENCE: Final = 10.0
"""Seconds without any event after which something is wrong."""

NOTHING: Final = memoryview(b"")
BUFFER: Final = memoryview(bytearray(1024 * 1024))
"""Where everything is received; it is looked at before anything else is received."""


class LoadError(Exception):
    """The other end did not do what was expected."""


class Link:
    """A connection, seen from the load generator.

    Attributes:
        unsent: octets that the socket did not take yet.
        watched: whether the poll object waits for the socket to take more.
        octets: received in all.
        messages: of these, complete.
    """

    def __init__(self, sock: socket.socket, traffic: Traffic, depth: int = 1) -> None:
        self.sock = sock
        self.traffic = traffic
        self.unsent = NOTHING
        self.watched = False
        self.octets = self.messages = 0
        self._pending = 0
        self._size = len(traffic.sent[0])
        self._echo = len(traffic.echo or b"")
        self._burst = memoryview(traffic.sent[0] * depth)

    def post(self, count: int) -> None:
        """Send so many messages, ``depth`` at most."""
        self._send(self._burst[: count * self._size])

    def flush(self) -> None:
        unsent, self.unsent = self.unsent, NOTHING
        self._send(unsent)

    def _send(self, data: memoryview) -> None:
        if self.unsent:
            data = memoryview(b"".join((self.unsent, data)))
        self.unsent = data[self._write(data) :]

    def receive(self) -> int:
        """Read once. Returns how many messages are complete by that."""
        size = self._read()
        self.octets += size
        count, self._pending = divmod(self._pending + size, self._echo)
        self.messages += count
        return count

    def watch(self, poll: select.epoll) -> None:
        """Let epoll say when the socket takes more, if there is more."""
        self.watched = bool(self.unsent)
        both = select.EPOLLIN | select.EPOLLOUT
        poll.modify(self.sock, both if self.watched else select.EPOLLIN)

    def _read(self) -> int:
        try:
            size = self.sock.recv_into(BUFFER)
        except BlockingIOError:
            return 0
        if not size:
            raise LoadError("the connection was closed")
        return size

    def _write(self, data: memoryview) -> int:
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0

    def check(self) -> None:
        """Send one message, the link being in blocking mode, and compare what comes back."""
        self.sock.sendall(self.traffic.sent[0])
        received = b""
        expected = self.traffic.echo or b""
        while len(received) < len(expected):
            received += BUFFER[: self._read()]
        if received != expected:
            raise LoadError("the echo is another message")


class TLSLink(Link):
    """Over TLS: octets may wait above the socket, where epoll does not see them."""

    def __init__(self, sock: ssl.SSLSocket, traffic: Traffic, depth: int = 1) -> None:
        super().__init__(sock, traffic, depth)
        self._pending_in_tls = sock.pending

    def _read(self) -> int:
        try:
            size = super()._read()
            while self._pending_in_tls():
                size += super()._read()
        except ssl.SSLWantReadError:
            return 0
        return size

    def _write(self, data: memoryview) -> int:
        try:
            return super()._write(data)
        except ssl.SSLWantWriteError:
            return 0


class MaskedLink(Link):
    """The echo comes from a client: its mask is not known, and its length is."""

    def check(self) -> None:
        self.sock.sendall(self.traffic.sent[0])
        wanted = self._echo
        while wanted > 0:
            wanted -= self._read()
        if wanted:
            raise LoadError("the echo is too long")


class DeflateLink(Link):
    """Messages are different, and so are the lengths of their echoes."""

    def __init__(self, sock: socket.socket, traffic: Traffic) -> None:
        super().__init__(sock, traffic)
        self._messages = itertools.cycle(traffic.sent)
        self._data = bytearray()

    def post(self, count: int) -> None:
        for octets in itertools.islice(self._messages, count):
            self._send(memoryview(octets))

    def receive(self) -> int:
        count = len(self._frames())
        self.messages += count
        return count

    def _frames(self) -> list[bytes]:
        """Read once. Returns the payloads of the frames that are complete by that."""
        size = self._read()
        self.octets += size
        self._data += BUFFER[:size]
        payloads = []
        while lengths := payload_length(self._data):
            begin, end = lengths[0], sum(lengths)
            if len(self._data) < end:
                break
            payloads.append(bytes(self._data[begin:end]))
            del self._data[:end]
        return payloads

    def check(self) -> None:
        self.post(1)
        while not (payloads := self._frames()):
            pass
        inflated = zlib.decompressobj(wbits=-15).decompress(payloads[0] + b"\0\0\xff\xff")
        if inflated != self.traffic.payloads[0]:
            raise LoadError("the echo is another message")


# --- opening ------------------------------------------------------------------------------------


def upgrade(sock: socket.socket, port: int, deflate: bool) -> None:
    sock.sendall(upgrade_request(port, deflate))
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += (more := sock.recv(4096))
        if not more:
            raise LoadError("the connection was closed instead of upgraded")
    check_response(answer, deflate)


def check_response(answer: bytes, deflate: bool = False) -> None:
    if not answer.startswith(b"HTTP/1.1 101 ") or accept_for().encode() not in answer:
        raise LoadError(f"not upgraded: {answer[:60]!r}")
    if deflate and b"permessage-deflate" not in answer.lower():
        raise LoadError("permessage-deflate was not accepted")


@contextmanager
def open_links(
    port: int,
    traffic: Traffic,
    *,
    count: int = 1,
    depth: int = 1,
    raw: bool = False,
    trust: ssl.SSLContext | None = None,
) -> Iterator[list[Link]]:
    """Connections to a server, hands shaken; closed at the end.

    Args:
        port: the server's.
        traffic: what will be sent.
        count: how many connections.
        depth: how many messages one ever sends at once.
        raw: without any handshake, for servers that know nothing of WebSocket.
        trust: to connect by TLS.
    """
    with ExitStack() as stack:
        links: list[Link] = []
        for _ in range(count):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link: Link
            if trust is not None:
                secure = trust.wrap_socket(sock, server_hostname="localhost")
                link = TLSLink(stack.enter_context(secure), traffic, depth)
            elif traffic.echo is None:
                link = DeflateLink(sock, traffic)
            else:
                link = Link(sock, traffic, depth)
            if not raw:
                upgrade(link.sock, port, deflate=traffic.echo is None)
            links.append(link)
        yield links


# --- the kinds of load --------------------------------------------------------------------------


def check(links: Sequence[Link]) -> None:
    """One message to and fro on each, compared; they do not block after that."""
    for link in links:
        link.sock.settimeout(PATIENCE)
        link.check()
        link.sock.setblocking(False)


def echo(links: Sequence[Link], depth: int, window: Window) -> None:
    """Keep ``depth`` messages on their way on each link, until the window is over.

    Nothing is on its way any more when this returns.
    """
    with select.epoll() as poll:
        by_number = {link.sock.fileno(): link for link in links}
        for number, link in by_number.items():
            poll.register(number, select.EPOLLIN)
            link.post(depth)
            link.watch(poll)
        posting, on_their_way = True, depth * len(links)
        while on_their_way:
            posting = posting and not window.is_over()
            for number, event in wait(poll):
                link = by_number[number]
                if event & select.EPOLLOUT:
                    link.flush()
                if event & ~select.EPOLLOUT and (count := link.receive()):
                    if posting:
                        window.messages += count
                        link.post(count)
                    else:
                        on_their_way -= count
                if bool(link.unsent) != link.watched:
                    link.watch(poll)


def fanout(links: Sequence[Link], window: Window) -> None:
    """Send a message on the first link when all links have got the one before.

    What counts is each message that arrives.
    """
    with select.epoll() as poll:
        by_number = {link.sock.fileno(): link for link in links}
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        while not window.is_over():
            links[0].post(1)
            missing = len(links)
            while missing:
                missing -= sum(by_number[number].receive() for number, _ in wait(poll))
            window.messages += len(links)


def connect(port: int, count: int, window: Window) -> None:
    """Open, upgrade and close connections, so many at the same time.

    What counts is each that has come to its end: a close frame from the server, and then TCP's end.
    """
    sources = itertools.cycle(range(1, 65))
    with select.epoll() as poll:
        visits: dict[int, Visit] = {}

        def start() -> None:
            visit = Visit(port, next(sources))
            visits[visit.sock.fileno()] = visit
            poll.register(visit.sock, select.EPOLLOUT)

        try:
            for _ in range(count):
                start()
            while not window.is_over():
                for number, _ in wait(poll):
                    if visits[number].go_on(poll):
                        visits.pop(number).sock.close()
                        window.messages += 1
                        start()
        finally:
            for visit in visits.values():
                visit.sock.close()


class Visit:
    """A connection that is opened to be closed."""

    def __init__(self, port: int, source: int) -> None:
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.bind((f"127.0.0.{source}", 0))
        self.sock.connect_ex(("127.0.0.1", port))
        self._port = port
        self._received: bytes | None = None
        self._upgraded = False

    def go_on(self, poll: select.epoll) -> bool:
        """The socket is ready. Returns whether all is done."""
        if self._received is None:
            self.sock.send(upgrade_request(self._port))
            self._received = b""
            poll.modify(self.sock, select.EPOLLIN)
            return False
        more = self.sock.recv(4096)
        self._received += more
        if not more:
            if not (self._upgraded and self._received.startswith(b"\x88")):
                raise LoadError(f"closed without a close frame, behind {self._received[:60]!r}")
            return True
        if not self._upgraded and b"\r\n\r\n" in self._received:
            check_response(self._received)
            self._upgraded = True
            self._received = self._received.partition(b"\r\n\r\n")[2]
            self.sock.send(CLOSE)
        return False


def wait(poll: select.epoll) -> list[tuple[int, int]]:
    events = poll.poll(PATIENCE)
    if not events:
        raise LoadError(f"nothing came back for {PATIENCE:g} s")
    return events


# --- with a client at the other end -------------------------------------------------------------


def accept_client(listener: socket.socket, traffic: Traffic, *, raw: bool = False) -> Link:
    """The link to the client that connects next, hands shaken."""
    listener.settimeout(PATIENCE)
    sock, _ = listener.accept()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(PATIENCE)
    if raw:
        return Link(sock, traffic)
    request = b""
    while b"\r\n\r\n" not in request:
        request += (more := sock.recv(4096))
        if not more:
            raise LoadError("the client hung up")
    key = re.search(rb"\r\nsec-websocket-key: *(\S+)", request, re.IGNORECASE)
    if key is None:
        raise LoadError("the client's request has no key")
    fields = (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_for(key[1].decode())}",
    )
    sock.sendall(("\r\n".join(fields) + "\r\n\r\n").encode())
    return MaskedLink(sock, traffic)
