"""How a compression is agreed on and used, shown with one that only turns the bits around."""

from __future__ import annotations

import random
import zlib
from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async.compress import (
    PERMESSAGE_COMPRESSION_EXTENSION,
    PerMessageDeflate,
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
)
from wsproto_async.errors import PayloadExceededError, ProtocolError

from .support import (
    CLOSE,
    TEXT,
    Client,
    Frame,
    Lab,
    Server,
    Side,
    client_factory,
    close_payload,
    connect,
    head_of,
    open_server,
    request,
    response,
    server_factory,
)

NAME = "x-turned"


def turned(data: bytes) -> bytes:
    return bytes(octet ^ 0xFF for octet in data)


class Part:
    """Offer, response and both kinds of acceptance in one."""

    EXTENSION_NAME = NAME

    def __init__(self, params: Any = None) -> None:
        self.params = params

    @classmethod
    def parse(cls, params: Any) -> Part:
        if "bad" in params:
            raise ValueError("bad parameter")
        return cls(params)

    def get_extension_string(self) -> str:
        return f"{NAME}; agreed"


class Codec:
    @classmethod
    def create_from_offer_accept(cls, is_server: bool, accept: Part) -> Codec:
        assert is_server
        return cls()

    @classmethod
    def create_from_response_accept(cls, is_server: bool, accept: Part) -> Codec:
        assert not is_server
        return cls()

    def start_compress_message(self) -> None:
        """Nothing to do."""

    start_decompress_message = end_decompress_message = start_compress_message

    def compress_message_data(self, data: bytes) -> bytes:
        return turned(data)

    def end_compress_message(self) -> bytes:
        return b""

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        return turned(data)


@pytest.fixture(autouse=True)
def extension(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = dict.fromkeys(("Offer", "OfferAccept", "Response", "ResponseAccept"), Part)
    monkeypatch.setitem(PERMESSAGE_COMPRESSION_EXTENSION, NAME, {**classes, "PMCE": Codec})


OFFERED = {"Sec-WebSocket-Extensions": f"x-other, {NAME}; one, {NAME}; two"}
AGREED = {"Sec-WebSocket-Extensions": f"{NAME}; agreed"}


def take_it(_: Any) -> Part:
    return Part()


def compressed_server(lab: Lab, protocol: Any = Server) -> Side[Any]:
    return open_server(lab, protocol, headers=OFFERED, perMessageCompressionAccept=take_it)


# --- negotiation ----------------------------------------------------------------------------------


@covers("CONFIG_ATTRS_SERVER.perMessageCompressionAccept")
def test_a_server_is_asked_once_with_all_offers(lab: Lab) -> None:
    asked: list[Any] = []

    def accept(offers: list[Part]) -> Part:
        asked.append([offer.params for offer in offers])
        return offers[1]

    side = connect(lab, server_factory(lab, perMessageCompressionAccept=accept))
    side.feed(request("/", OFFERED))
    assert head_of(side.sent())[1]["sec-websocket-extensions"] == f"{NAME}; agreed"
    assert asked == [[{"one": [True]}, {"two": [True]}]]
    assert [type(each) for each in side.protocol.websocket_extensions_in_use] == [Codec]


@covers("CONFIG_ATTRS_SERVER.perMessageCompressionAccept")
@pytest.mark.parametrize(
    ("headers", "accept"),
    [(OFFERED, None), (OFFERED, lambda offers: None), ({}, take_it)],
)
def test_a_server_declines(lab: Lab, headers: Any, accept: Any) -> None:
    side = connect(lab, server_factory(lab, perMessageCompressionAccept=accept))
    side.feed(request("/", headers))
    line, fields = head_of(side.sent())
    assert line.startswith("HTTP/1.1 101 ")
    assert "sec-websocket-extensions" not in fields
    assert side.protocol.websocket_extensions_in_use == []


@covers("CONFIG_ATTRS_SERVER.perMessageCompressionAccept")
@pytest.mark.parametrize(
    ("offer", "accept", "status"),
    [
        (f"{NAME}; bad", take_it, 400),
        (f'{NAME}; "', take_it, 400),
        (NAME, lambda offers: 1 / 0, 500),
        (NAME, lambda offers: "nonsense", 500),
    ],
)
def test_a_bad_offer_and_a_bad_answer(lab: Lab, offer: str, accept: Any, status: int) -> None:
    side = connect(lab, server_factory(lab, perMessageCompressionAccept=accept))
    side.feed(request("/", {"Sec-WebSocket-Extensions": offer}))
    assert head_of(side.sent())[0].startswith(f"HTTP/1.1 {status} ")


@pytest.mark.parametrize(
    "bad",
    [
        "server_max_window_bits=08",
        "server_max_window_bits=7",
        "server_max_window_bits",
        "server_max_window_bits=9; server_max_window_bits=9",
        "client_no_context_takeover=1",
        "x_unknown",
    ],
)
def test_a_server_declines_offers_that_are_not_right(lab: Lab, bad: str) -> None:
    """As RFC 7692, section 7.1, says: what is right beside them is looked at all the same."""
    name = PerMessageDeflate.EXTENSION_NAME
    asked: list[Any] = []

    def accept(offers: list[Any]) -> PerMessageDeflateOfferAccept:
        asked.append([type(offer) for offer in offers])
        return PerMessageDeflateOfferAccept(offers[-1])

    factory = server_factory(lab, perMessageCompressionAccept=accept)
    both = connect(lab, factory)
    offers = f"{name}; {bad}, {NAME}; one, {name}; server_max_window_bits=9"
    both.feed(request("/", {"Sec-WebSocket-Extensions": offers}))
    fields = head_of(both.sent())[1]
    assert fields["sec-websocket-extensions"] == f"{name}; server_max_window_bits=9"
    alone = connect(lab, factory)
    alone.feed(request("/", {"Sec-WebSocket-Extensions": f"{name}; {bad}"}))
    line, fields = head_of(alone.sent())
    assert line.startswith("HTTP/1.1 101 ")
    assert "sec-websocket-extensions" not in fields
    assert asked == [[Part, PerMessageDeflateOffer]]


@covers("CONFIG_ATTRS_CLIENT.perMessageCompressionAccept", "perMessageCompressionOffers")
def test_a_client_is_asked_with_the_response(lab: Lab) -> None:
    class Told(Client):
        def onConnect(self, response: Any) -> None:
            self.note("extensions", [type(each) for each in response.extensions], str(response))

    asked: list[Any] = []

    def accept(answer: Part) -> Part:
        asked.append(answer.params)
        return answer

    factory = client_factory(
        lab, Told, perMessageCompressionOffers=[Part()], perMessageCompressionAccept=accept
    )
    side = connect(lab, factory)
    assert head_of(side.sent())[1]["sec-websocket-extensions"] == f"{NAME}; agreed"
    side.feed(response(side.protocol.websocket_key, AGREED))
    assert asked == [{"agreed": [True]}]
    [(kinds, text)] = side.protocol.noted("extensions")
    assert kinds == [Codec]
    assert "extensions" in text
    side.protocol.sendMessage(b"abc")
    assert side.frames() == [Frame(TEXT, turned(b"abc"), rsv=4)]


@covers("CONFIG_ATTRS_CLIENT.perMessageCompressionAccept")
@pytest.mark.parametrize(
    ("answer", "options", "contains"),
    [
        (NAME, {"perMessageCompressionOffers": [Part()]}, "declined"),
        (NAME, {"perMessageCompressionAccept": take_it}, "not offered"),
        (f"{NAME}; bad", "both", "bad parameter"),
        (f"{NAME}, {NAME}", "both", "more than one"),
        ("x-other", "both", "x-other"),
    ],
)
def test_what_a_client_does_not_agree_to(
    lab: Lab, answer: str, options: Any, contains: str
) -> None:
    if options == "both":
        options = {
            "perMessageCompressionOffers": [Part()],
            "perMessageCompressionAccept": take_it,
        }
    side = connect(lab, client_factory(lab, **options))
    side.feed(response(side.protocol.websocket_key, {"Sec-WebSocket-Extensions": answer}))
    assert side.transport.aborted
    assert contains in str(side.closed()[2])


# --- use ------------------------------------------------------------------------------------------


@covers("sendMessage")
def test_messages_are_compressed_unless_told_otherwise(lab: Lab) -> None:
    side = compressed_server(lab)
    side.protocol.sendMessage(b"abc")
    side.protocol.sendMessage(b"abc", fragmentSize=2)
    side.protocol.sendMessage(b"abc", doNotCompress=True)
    side.protocol.sendPing(b"abc")
    [whole, first, second, plain, ping] = side.frames()
    assert whole == Frame(TEXT, turned(b"abc"), rsv=4)
    assert (first.rsv, first.fin, second.rsv, second.fin) == (4, False, 0, True)
    assert first.payload + second.payload == turned(b"abc")
    assert plain == Frame(TEXT, b"abc")
    assert (ping.payload, ping.rsv) == (b"abc", 0)


@covers("prepareMessage", "sendPreparedMessage")
def test_prepared_messages_are_compressed_unless_told_otherwise(lab: Lab) -> None:
    side = compressed_server(lab)
    prepare = side.protocol.factory.prepareMessage
    side.protocol.sendPreparedMessage(prepare(b"abc"))
    side.protocol.sendPreparedMessage(prepare(b"abc", doNotCompress=True))
    assert side.frames() == [Frame(TEXT, turned(b"abc"), rsv=4), Frame(TEXT, b"abc")]


@covers("sendMessage", "sendPreparedMessage", "maxMessagePayloadSize")
@pytest.mark.parametrize("prepared", [False, True])
def test_a_message_that_compressing_makes_too_large_goes_as_it_is(lab: Lab, prepared: bool) -> None:
    """A peer could have it made so, and the server that sends it back would be to blame."""
    side = open_server(
        lab,
        headers={"Sec-WebSocket-Extensions": "permessage-deflate"},
        perMessageCompressionAccept=lambda offers: PerMessageDeflateOfferAccept(offers[0]),
        maxMessagePayloadSize=1000,
    )

    def send(payload: bytes) -> None:
        if prepared:
            message = side.protocol.factory.prepareMessage(payload)
            side.protocol.sendPreparedMessage(message)
        else:
            side.protocol.sendMessage(payload)

    noise = random.Random(1).randbytes(1000)
    for payload in (b"news" * 50, noise, noise[:500]):
        send(payload)
    before, as_it_is, behind = side.frames()
    assert as_it_is == Frame(TEXT, noise)
    inflater = zlib.decompressobj(-15)
    assert (before.rsv, behind.rsv) == (4, 4)
    assert inflater.decompress(before.payload + b"\0\0\xff\xff") == b"news" * 50
    # This must not refer to what was compressed, but not sent so.
    assert inflater.decompress(behind.payload + b"\0\0\xff\xff") == noise[:500]
    assert not side.protocol.wasMaxMessagePayloadSizeExceeded
    with pytest.raises(PayloadExceededError):
        send(random.Random(2).randbytes(1001))
    assert side.protocol.wasMaxMessagePayloadSizeExceeded


@covers("maxMessagePayloadSize")
def test_a_codec_that_cannot_forget_has_its_message_refused(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it compresses next may refer to the message, so that cannot go as it is."""
    side = compressed_server(lab)
    side.protocol.maxMessagePayloadSize = 5
    monkeypatch.setattr(Codec, "end_compress_message", lambda codec: b"...")
    with pytest.raises(PayloadExceededError):
        side.protocol.sendMessage(b"abc")
    assert side.sent() == b""


@covers("beginMessage", "sendMessageFrame", "endMessage")
def test_messages_in_pieces_are_compressed_frame_by_frame(lab: Lab) -> None:
    side = compressed_server(lab)
    for plain in (False, True):
        side.protocol.beginMessage(doNotCompress=plain)
        side.protocol.sendMessageFrame(b"ab")
        side.protocol.sendMessageFrame(b"c")
        side.protocol.endMessage()
    assert side.frames() == [
        Frame(TEXT, turned(b"ab"), fin=False, rsv=4),
        Frame(0, turned(b"c"), fin=False),
        Frame(0, b""),
        Frame(TEXT, b"ab", fin=False),
        Frame(0, b"c", fin=False),
        Frame(0, b""),
    ]


@covers("onMessageFrameBegin", "onMessageFrameData")
def test_what_arrives_is_inflated(lab: Lab) -> None:
    class Streaming(Server):
        def onMessageFrameData(self, payload: bytes) -> None:
            self.note("data", payload)
            super().onMessageFrameData(payload)

    for protocol in (Server, Streaming):
        side = compressed_server(lab, protocol)
        side.feed_frame(TEXT, turned(b"ab"), rsv=4, fin=False)
        side.feed_frame(0, turned(b"c"))
        side.feed_frame(TEXT, b"plain")
        assert side.protocol.noted("message") == [(b"abc", False), (b"plain", False)]
    assert side.protocol.noted("data") == [(b"ab",), (b"c",), (b"plain",)]


@covers("_protocol_violation")
@pytest.mark.parametrize(
    "octets",
    [[(TEXT, 4, False), (0, 4, True)], [(9, 4, True)], [(TEXT, 6, True)], [(TEXT, 2, True)]],
)
def test_the_bit_where_it_must_not_be(lab: Lab, octets: Any) -> None:
    side = compressed_server(lab)
    side.protocol.failByDrop = False
    for opcode, rsv, fin in octets:
        side.feed_frame(opcode, b"", rsv=rsv, fin=fin)
    [close] = side.frames()
    assert (close.opcode, close.payload[:2]) == (CLOSE, (1002).to_bytes(2, "big"))


def test_a_codec_may_say_with_which_code_it_fails(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise ProtocolError("I do not like it", 1010)

    monkeypatch.setattr(Codec, "decompress_message_data", refuse)
    side = compressed_server(lab)
    side.protocol.failByDrop = False
    side.feed_frame(TEXT, turned(b"ab"), rsv=4)
    [close] = side.frames()
    assert (close.opcode, close.payload) == (CLOSE, close_payload(1010, "I do not like it"))
    assert side.protocol.noted("message") == []


def test_the_levels_of_the_counters(lab: Lab) -> None:
    side = compressed_server(lab)
    side.protocol.sendMessage(b"abc")
    side.feed_frame(TEXT, turned(b"ab"), rsv=4)
    stats = side.protocol.trafficStats
    assert (stats.outgoingOctetsAppLevel, stats.outgoingOctetsWebSocketLevel) == (3, 3)
    assert (stats.incomingOctetsAppLevel, stats.incomingOctetsWebSocketLevel) == (2, 2)
