"""A server's side of the opening handshake: what is asked when, and answered once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from wsproto_async import ConnectionDeny, WebSocketProtocol, WebSocketServerProtocol
from wsproto_async.compress import PERMESSAGE_COMPRESSION_EXTENSION
from wsproto_async.options import ServerOptions
from wsproto_async.protocol.http import HTTPResponse
from wsproto_async.protocol.keeper import Keeper

from ..contract.support import (
    CLOSE,
    TEXT,
    Lab,
    MemoryTransport,
    Server,
    Side,
    answer_to,
    connect,
    frame,
    head_of,
    request,
    server_factory,
)

HTTPS = {"Origin": "https://localhost:9000"}
HTTP = {"Origin": "http://localhost:9000"}
MAX_EARLY = 64 * 1024


class Noting(Server):
    """Notes what goes wrong, too."""

    def onError(self, error: BaseException, hook: str) -> None:
        self.note("error", error, hook)

    def _say(self, level: str, text: str, error: BaseException | None = None) -> None:
        self.note("said", level, text, error)


class Waiting(Noting):
    """Decides when the test says so."""

    def onConnect(self, request: Any) -> Any:
        self.answer = self._loop.create_future()
        return self.answer


def status_of(side: Side[Any]) -> int:
    return int(head_of(side.sent())[0].split()[1])


# --- the request arrives ----------------------------------------------------------------------


def test_nothing_is_no_request(lab: Lab) -> None:
    side = connect(lab, server_factory(lab))
    octets = request()
    side.protocol.consumeData()
    side.feed(octets[:20])
    side.protocol.consumeData()
    side.feed(octets[20:])
    assert status_of(side) == 101


def test_what_comes_with_the_request_comes_behind_it(lab: Lab) -> None:
    side = answer_to(lab, request() + frame(TEXT, b"1", mask=b"abcd"), Waiting)
    assert side.protocol.data == frame(TEXT, b"1", mask=b"abcd")
    side.protocol.consumeData()
    side.protocol.answer.set_result(None)
    lab.turn()
    assert side.protocol.notes[-2:] == [("open",), ("message", b"1", False)]


@pytest.mark.parametrize("octets", [MAX_EARLY, MAX_EARLY + 1])
def test_how_much_may_come_before_the_answer(lab: Lab, octets: int) -> None:
    side = answer_to(lab, request(), Waiting)
    side.protocol.consumeData()  # nothing has come
    side.feed(bytes(octets))
    if octets == MAX_EARLY:
        assert side.sent() == b""
        side.lose()
    else:
        assert status_of(side) == 400


@pytest.mark.parametrize("most", [1, 2])
def test_so_many_connections_and_no_more(lab: Lab, most: int) -> None:
    factory = server_factory(lab, maxConnections=most)
    sides = [connect(lab, factory) for _ in range(most)]
    for side in sides:
        side.feed(request())
        assert status_of(side) == 101
    another = connect(lab, factory)
    another.feed(request())
    assert status_of(another) == 503


def test_a_connection_that_is_lost_twice_is_counted_once(lab: Lab) -> None:
    factory = server_factory(lab)
    side = connect(lab, factory)
    connect(lab, factory)
    side.protocol._connectionLost(None)
    side.protocol._connectionLost(None)
    assert factory.getConnectionCount() == 1


# --- what the options let in ------------------------------------------------------------------


@pytest.mark.parametrize("headers", [HTTP, HTTPS])
@pytest.mark.parametrize("tls", [False, True])
def test_pages_of_the_server_itself(lab: Lab, tls: bool, headers: dict[str, str]) -> None:
    """Without TLS there may be a proxy that speaks it."""
    factory = server_factory(lab, allowedOrigins=["same-origin"])
    transport = MemoryTransport(lab, **({"ssl_object": object()} if tls else {}))
    side = connect(lab, factory, transport)
    side.feed(request("/", headers))
    assert status_of(side) == (400 if tls and headers is HTTP else 101)


def test_only_where_that_is_wanted(lab: Lab) -> None:
    side = answer_to(lab, request("/", HTTP), allowedOrigins=["http://another.example"])
    assert status_of(side) == 400


def test_servers_with_the_same_options_differ_in_the_rest(lab: Lab) -> None:
    class Hearing(Server):
        def onHttpRequest(self, request: Any) -> Any:
            return HTTPResponse(200)

    options = ServerOptions(allowed_origins=["same-origin"], web_status=False)
    plain = request("/", {"Upgrade": None})

    def served(octets: bytes, protocol: Any = Server, port: int | None = None, **tls: Any) -> int:
        factory = server_factory(lab, protocol)
        factory.options = options
        factory.externalPort = port
        side = connect(lab, factory, MemoryTransport(lab, **tls))
        side.feed(octets)
        return status_of(side)

    for _ in range(2):
        assert served(request("/", HTTP)) == 101
        assert served(request("/", HTTP), port=80) == 400
        assert served(request("/", HTTP), ssl_object=object()) == 400
        assert served(plain) == 426
        assert served(plain, Hearing) == 200


def test_servers_with_other_options_differ(lab: Lab) -> None:
    for _ in range(2):
        assert status_of(answer_to(lab, request(), versions=[13])) == 101
        assert status_of(answer_to(lab, request(), versions=[8])) == 400


def test_what_is_let_in_is_found_out_once(lab: Lab) -> None:
    factory = server_factory(lab)
    one, two = connect(lab, factory).protocol, connect(lab, factory).protocol
    assert one._policy() is two._policy()


# --- the answer -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "result", [["a", {}], ("a", {}, 1), ("a", "X: 1"), 1, (1, {}), ("a", {"X": "1"}, None)]
)
def test_an_answer_of_on_connect_that_is_none_is_explained(lab: Lab, result: Any) -> None:
    class Wrong(Noting):
        def onConnect(self, request: Any) -> Any:
            return result

    side = answer_to(lab, request("/", {"Sec-WebSocket-Protocol": "a"}), Wrong)
    assert status_of(side) == 500
    said = [error for level, _, error in side.protocol.noted("said") if level == "warn"]
    assert [str(error).partition(" must")[0] for error in said] == ["onConnect()"]
    assert side.protocol.noted("error") == []


@pytest.mark.parametrize(
    "result",
    [ConnectionDeny(403), ZeroDivisionError(), "not offered", (None, {"X": "a\r\nb"}), 1],
)
def test_a_refusal_is_all_that_happens(lab: Lab, result: Any) -> None:
    class Refusing(Noting):
        def onConnect(self, request: Any) -> Any:
            if isinstance(result, Exception):
                raise result
            return result

    side = answer_to(lab, request(), Refusing)
    assert status_of(side) == (403 if isinstance(result, ConnectionDeny) else 500)
    assert side.protocol.noted("error") == []
    assert lab.complaints == []


@pytest.mark.parametrize("given", [None, "b"])
def test_a_subprotocol_that_nobody_has_to_choose(lab: Lab, given: str | None) -> None:
    class Implying(Server):
        implied_subprotocol = "a"

        def onConnect(self, request: Any) -> str | None:
            return given

    side = answer_to(lab, request("/", {"Sec-WebSocket-Protocol": "a, b"}), Implying)
    assert head_of(side.sent())[1]["sec-websocket-protocol"] == (given or "a")
    assert side.protocol.websocket_protocol_in_use == (given or "a")


def test_nothing_is_answered_before_it_was_asked_or_twice(lab: Lab) -> None:
    side = connect(lab, server_factory(lab))
    side.protocol.succeedHandshake(None)
    assert side.sent() == b""
    side.feed(request())
    assert status_of(side) == 101
    side.protocol.succeedHandshake(None)
    assert side.sent() == b""
    assert side.protocol.noted("open") == [()]


def test_a_plain_request_is_not_answered_with_a_connection(lab: Lab) -> None:
    class Hearing(Server):
        def onHttpRequest(self, request: Any) -> Any:
            self.answer = self._loop.create_future()
            return self.answer

    side = answer_to(lab, request("/", {"Upgrade": None}), Hearing)
    side.protocol.succeedHandshake(None)
    assert side.sent() == b""
    side.protocol.answer.set_result(HTTPResponse(204))
    lab.turn()
    assert status_of(side) == 204


def test_who_has_gone_is_not_let_in(lab: Lab) -> None:
    side = answer_to(lab, request(), Waiting)
    side.lose()
    side.protocol.answer.set_result(None)
    lab.turn()
    assert side.protocol.state == WebSocketProtocol.STATE_CLOSED
    assert side.transport.writes == []
    assert side.protocol.noted("error") == []


def test_an_offer_that_is_declined_is_told(lab: Lab) -> None:
    offer = "permessage-deflate; client_max_window_bits=99"
    side = answer_to(lab, request("/", {"Sec-WebSocket-Extensions": offer}), Noting)
    assert status_of(side) == 101
    [(level, text, _)] = side.protocol.noted("said")
    assert level == "debug"
    assert "declined" in text


def test_an_offer_that_cannot_be_read_is_a_bad_request(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Offer:
        @staticmethod
        def parse(params: object) -> None:
            raise ValueError("not an offer")

    monkeypatch.setitem(PERMESSAGE_COMPRESSION_EXTENSION, "permessage-own", {"Offer": Offer})
    side = answer_to(lab, request("/", {"Sec-WebSocket-Extensions": "permessage-own"}), Noting)
    assert head_of(side.sent())[0] == "HTTP/1.1 400 not an offer"
    assert side.protocol.noted("error") == []


# --- addresses --------------------------------------------------------------------------------


def asking(factory: Any, *octets: bytes, **extra: Any) -> Side[Any]:
    side = connect(factory.loop, factory, MemoryTransport(factory.loop, **extra))
    side.feed(*octets)
    return side


def test_one_connection_of_an_address(lab: Lab) -> None:
    factory = server_factory(lab, maxConnectionsPerIp=1)
    first = asking(factory, request())
    assert status_of(first) == 101
    refused = asking(factory, request())
    assert status_of(refused) == 429
    assert status_of(asking(factory, request(), peername=("192.0.2.2", 1))) == 101
    for _ in range(2):  # that has no address
        assert status_of(asking(factory, request(), peername="/a/socket")) == 101
    first.lose()
    refused.lose()
    assert status_of(asking(factory, request())) == 101


def test_who_is_refused_and_does_not_ask_is_dropped(lab: Lab) -> None:
    factory = server_factory(lab, maxConnectionsPerIp=1, openHandshakeTimeout=60)
    first, second = asking(factory), asking(factory)
    lab.advance(1.1)
    assert (first.transport.aborted, second.transport.aborted) == (False, True)
    assert "too many connections" in str(second.closed()[2])
    first.lose()


def test_behind_a_proxy_it_is_the_clients_address_that_counts(lab: Lab) -> None:
    factory = server_factory(lab, maxConnectionsPerIp=1, trustXForwardedFor=1)

    def from_(address: str | None) -> int:
        return status_of(asking(factory, request("/", {"X-Forwarded-For": address})))

    assert [from_("192.0.2.8"), from_("192.0.2.9"), from_("192.0.2.9")] == [101, 101, 429]
    assert [from_(None), from_(None)] == [101, 429]  # past the proxy: it is what TCP says
    assert factory.admission is not None
    assert factory.admission.connections == {"192.0.2.8": 1, "192.0.2.9": 1, "192.0.2.1": 1}


def test_without_a_limit_nobody_counts(lab: Lab) -> None:
    factory = server_factory(lab)
    assert status_of(asking(factory, request())) == 101
    assert factory.__dict__.get("admission") is None


# --- who keeps the connections ----------------------------------------------------------------


class Keeping(Keeper):
    """Keeps them in a list."""

    def __init__(self) -> None:
        self.closing = False
        self.kept: list[WebSocketServerProtocol] = []
        self.told = 0

    def is_closing(self) -> bool:
        return self.closing

    def add(self, link: WebSocketServerProtocol) -> None:
        self.kept.append(link)

    def discard(self, link: WebSocketServerProtocol) -> None:
        self.kept.remove(link)

    def notify(self) -> None:
        self.told += 1


def test_a_connection_is_kept_until_it_has_ended(lab: Lab) -> None:
    factory: Any = server_factory(lab)
    keeper = factory.running = Keeping()
    side = asking(factory, request())
    assert keeper.kept == [side.protocol]
    assert keeper.told == 0
    side.lose()
    assert keeper.kept == []
    assert keeper.told == 1


def test_none_begins_while_the_server_closes(lab: Lab) -> None:
    factory: Any = server_factory(lab)
    keeper = factory.running = Keeping()
    keeper.closing = True
    side = connect(lab, factory)
    assert side.transport.aborted
    assert keeper.kept == []
    lab.turn()
    assert factory.getConnectionCount() == 0


def test_a_request_that_waits_is_refused_when_the_server_closes(lab: Lab) -> None:
    side = answer_to(lab, request(), Waiting)
    side.protocol._go_away(1001, "bye", None)
    assert status_of(side) == 503
    assert side.transport.closed


def test_before_a_request_there_is_nobody_to_answer_when_the_server_closes(lab: Lab) -> None:
    side = connect(lab, server_factory(lab))
    assert side.protocol.websocket_version == 0
    side.protocol._go_away(1001, "bye", None)
    assert side.sent() == b""
    assert side.transport.aborted


def test_an_open_connection_is_closed_when_the_server_closes(lab: Lab) -> None:
    side = answer_to(lab, request())
    side.sent()
    side.protocol._go_away(1001, "bye", None)
    assert side.sent() == frame(CLOSE, b"\x03\xe9bye")
    assert not side.transport.is_closing()


def test_one_that_cannot_be_closed_is_dropped_when_the_server_closes(lab: Lab) -> None:
    error = ValueError("not today")

    class Raising(Noting):
        def _begin_close(self, *args: Any, **kwargs: Any) -> None:
            raise error

    side = answer_to(lab, request(), Raising)
    side.protocol._go_away(1001, "bye", None)
    assert side.protocol.noted("said") == [("error", "the connection cannot be closed", error)]
    assert side.transport.aborted


def test_no_task_is_that_of_a_callback_connection(lab: Lab) -> None:
    side = answer_to(lab, request())
    assert side.protocol._is_handled_by(None) is False


def test_an_attribute_of_the_factory_that_means_something_else(lab: Lab) -> None:
    factory: Any = server_factory(lab)
    factory.running = True
    side = asking(factory, request())
    assert status_of(side) == 101
    side.lose()
    assert factory.getConnectionCount() == 0


# --- the access log ---------------------------------------------------------------------------


def test_a_line_with_time_and_status(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "wsproto_async.access")
    factory = server_factory(lab, Waiting, accessLog=True)
    for answer, status in ((None, 101), (ConnectionDeny(403), 403)):
        side = asking(factory, request())
        lab.advance(2)
        if answer is None:
            side.protocol.answer.set_result(answer)
        else:
            side.protocol.answer.set_exception(answer)
        lab.turn()
        side.protocol._write_preopen(b"HTTP/1.1 500 behind the answer")
        side.lose()
        assert re.search(rf'"GET /" {status} (1006|-) 2\.000 ', caplog.messages[-1])
    assert len(caplog.messages) == 2


def test_no_line_unless_it_is_wanted(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "wsproto_async.access")
    side = answer_to(lab, request())
    side.lose()
    assert caplog.messages == []
    assert "_status" not in side.protocol.__dict__  # most connections need not carry it
