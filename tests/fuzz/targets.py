"""The targets. Each takes an input, and returns, unless it has found something.

A target catches what is documented of the functions that it calls, and nothing else; what they
promise beyond that, it asserts.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from wsproto_async.compress import (
    PerMessageBrotli,
    PerMessageBzip2,
    PerMessageCompress,
    PerMessageDeflate,
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
    PerMessageSnappy,
    accept_deflate,
)
from wsproto_async.constants import State, is_receivable_close_code
from wsproto_async.core.extensions.header import parse_extensions, render_extension
from wsproto_async.core.extensions.zlibs import TAIL
from wsproto_async.core.handshake.answers import error_response, redirect_wish
from wsproto_async.core.handshake.client import judge_response
from wsproto_async.core.handshake.proxy import judge_connect
from wsproto_async.core.handshake.server import (
    ServerPolicy,
    Upgrade,
    accept_response,
    judge_request,
)
from wsproto_async.core.http1 import HeadReader, parse_request_head, parse_response_head
from wsproto_async.errors import (
    HandshakeError,
    OptionError,
    PayloadCorruptError,
    PayloadExceededError,
)

from ..builds import THIS, plain
from ..contract.support import (
    CLOSE,
    KEY,
    MASK,
    Client,
    Lab,
    Server,
    Side,
    accept_token,
    client_factory,
    connect,
    frame,
    server_factory,
)
from ..core.streams import Case, transcript, whole
from ..helpers import Recorder
from .choices import Choices

__all__ = ["TARGETS"]

# --- heads -----------------------------------------------------------------------------------


def head(data: bytes) -> None:
    """An HTTP head, of a request or a response: found, read, judged, and answered.

    Documented: HandshakeError, whose reason has nothing raw of the peer's.
    """
    choices = Choices(data)
    kind = choices.pick("request", "response", "proxy")
    limit, fields = choices.pick(16384, 64, 300), choices.pick(128, 3)
    sizes = choices.sizes()
    found = _find_head(choices.pieces([]), limit, kind != "request")
    assert found == _find_head(choices.pieces(sizes), limit, kind != "request")
    raw = found[0]
    if raw is None:
        return
    assert raw.endswith(b"\r\n\r\n")
    assert len(raw) <= limit
    try:
        if kind == "request":
            _judge_request(raw, fields)
        else:
            parsed = parse_response_head(raw, max_headers=fields)
            assert len(parsed.fields) <= fields
            if kind == "proxy":
                judge_connect(parsed)
            else:
                judge_response(parsed, key=KEY.encode(), protocols=["a", "b"])
    except HandshakeError as error:
        _check_refusal(error, kind != "request")


def _find_head(pieces: list[bytes], limit: int, is_client: bool) -> tuple[Any, ...]:
    """The head and what is behind it, or the status of the refusal."""
    reader = HeadReader(limit, is_client=is_client)
    for i, piece in enumerate(pieces):
        try:
            raw = reader.feed(piece)
        except HandshakeError as error:
            _check_refusal(error, is_client)
            return None, error.status
        if raw is not None:
            return raw, reader.rest + b"".join(pieces[i + 1 :])
    return None, None


def _judge_request(raw: bytes, fields: int) -> None:
    parsed = parse_request_head(raw, max_headers=fields)
    assert len(parsed.fields) <= fields
    for name, value in parsed.fields:
        assert name.isascii()
        assert not set("\r\n\0") & set(name + value)
    asked = judge_request(parsed, ServerPolicy())
    if isinstance(asked, Upgrade):
        answer = accept_response(asked, subprotocol=next(iter(asked.protocols), None))
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert answer.count(b"\r\n\r\n") == 1
    else:
        redirect_wish(asked.params)


def _check_refusal(error: HandshakeError, is_client: bool) -> None:
    assert error.reason.isascii(), error.reason
    assert error.reason.isprintable(), error.reason
    if not is_client:
        assert error.status in (400, 403, 405, 426, 431, 505), error.status
        answer = error_response(error.status, error.reason, error.headers)
        assert answer.count(b"\r\n\r\n") == 1


# --- extensions ------------------------------------------------------------------------------


def extensions(data: bytes) -> None:
    """Sec-WebSocket-Extensions, and what permessage-deflate makes of it on either side.

    Documented: HandshakeError; of ``render_extension`` OptionError.
    """
    text = data.decode("latin-1")
    try:
        parsed = parse_extensions(text)
    except HandshakeError as error:
        _check_refusal(error, False)
        return
    for name, params in parsed:
        try:
            written = render_extension(name, params)
        except OptionError:
            continue  # a value is not printable ASCII
        assert parse_extensions(written) == [(name, params)]
    for _, params in parsed:
        try:
            _negotiate(params)
        except HandshakeError as error:
            _check_refusal(error, False)


def _negotiate(params: Any) -> None:
    response = PerMessageDeflateResponse.parse(params)
    agreed = accept_deflate(response)
    assert agreed is not None
    PerMessageDeflate.create_from_response_accept(False, agreed)
    offer = PerMessageDeflateOffer.parse(params)
    accept = accept_deflate([offer])
    assert accept is not None
    PerMessageDeflate.create_from_offer_accept(True, accept)
    [(_, answered)] = parse_extensions(accept.get_extension_string())
    PerMessageDeflateResponse.parse(answered)
    [(_, offered)] = parse_extensions(offer.get_extension_string())
    again = PerMessageDeflateOffer.parse(offered)
    assert again.get_extension_string() == offer.get_extension_string()


# --- frames ----------------------------------------------------------------------------------


def _case(data: bytes) -> Case:
    choices = Choices(data)
    streaming = choices.flag()
    decode = not streaming and choices.flag()
    return {
        "is_server": choices.flag(),
        "fail_by_drop": choices.flag(),
        "echo_close": choices.flag(),
        "max_frame": choices.pick(0, 20, 300),
        "max_message": choices.pick(0, 50, 600, 70_000),
        "validate": decode or choices.flag(),
        "decode": decode,
        "streaming": streaming,
        "stream_control": streaming and choices.flag(),
        "compression": choices.flag(),
        "landing": choices.pick(None, 1, 30),
        "pause_every": choices.pick(0, 1, 3),
        "raise_every": choices.pick(0, 2, 3),
        "pieces": choices.pieces(choices.sizes()),
    }


def frames(data: bytes) -> None:
    """Frames on an open connection, on either side.

    Nothing is documented: violations go to the sink. However they are cut, the same happens;
    except that a compressed text can go wrong in two ways at once.
    """
    case = _case(data)
    if case["compression"]:
        transcript(case, _guide())
    else:
        assert transcript(case, _guide()) == transcript(whole(case), _guide())


def differential(data: bytes) -> None:
    """The same frames for this build, and for the package as plain Python: no difference."""
    case = _case(data)
    assert transcript(case) == transcript(case, plain())


def _guide() -> Any:
    """The build that can guide a fuzzer by its coverage, while it is one."""
    return plain() if GUIDED else THIS


GUIDED = False
"""Whether plain Python is to be run where either build would do."""


def close(data: bytes) -> None:
    """The payload of a close frame, on either side, in either state.

    Nothing is documented. What is answered is a close frame that may be sent.
    """
    choices = Choices(data)
    side = Recorder(choices.flag(), build=_guide())
    side.connection.fail_by_drop = choices.flag()
    side.connection.echo_close = choices.flag()
    if choices.flag():
        side.connection.close(1000, b"")
    payload = choices.rest()[:125]
    side.receive(frame(CLOSE, payload, mask=MASK if side.connection.is_server else None))
    codes = [int.from_bytes(each.payload[:2], "big") for each in side.sent() if each.payload]
    reasons = [each.payload[2:] for each in side.sent()]
    assert all(map(is_receivable_close_code, codes)), codes
    assert all(len(reason) <= 123 and reason.decode() is not None for reason in reasons)
    good = not payload or (
        len(payload) > 1 and is_receivable_close_code(payload[0] << 8 | payload[1])
    )
    if good and _is_utf8(payload[2:]):
        assert side.connection.was_clean
        assert side.connection.remote_close_reason in (None, payload[2:].decode())
    else:
        assert side.connection.failed_by_me


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


# --- inflating -------------------------------------------------------------------------------


def inflate(data: bytes) -> None:
    """Compressed messages for the codec of permessage-deflate.

    Documented: PayloadCorruptError and PayloadExceededError, and either where both are true.
    However a message is cut, the same comes of it, unless it refers back further than the window
    that was agreed, which zlib does not always notice; what comes is within the limit, and what
    zlib makes of it by itself.
    """
    choices = Choices(data)
    alone, bits = choices.flag(), choices.pick(15, 8, 9)
    limit = choices.pick(None, 0, 100, 5000)
    sizes = choices.sizes()
    codec, other = (PerMessageDeflate(True, False, alone, 0, bits, None) for _ in range(2))
    messages = choices.rest().split(b"|||")[:8]
    for number, message in enumerate(messages):
        outcome = _inflated(codec, [message], limit)
        cut = _inflated(other, Choices(message).pieces(sizes), limit)
        if outcome != cut and bits < 15:
            widest = PerMessageDeflate(True, False, alone, 0, 15, None)
            for earlier in messages[:number]:
                _inflated(widest, [earlier], limit)
            assert _inflated(widest, [message], limit) in (outcome, cut)
            assert None in (outcome, cut)
            return
        assert outcome == cut
        if outcome is None:
            return
        assert limit is None or len(outcome) <= limit
        if alone and message:
            _check_with_zlib(message, bits, outcome)


def codecs(data: bytes) -> None:
    """Compressed messages for the codecs of permessage-bzip2, -snappy and -brotli.

    Documented: PayloadCorruptError and PayloadExceededError. However a message is cut, the same
    comes of it, or one of the two; what comes is within the limit.
    """
    choices = Choices(data)
    kind: Any = choices.pick(PerMessageSnappy, PerMessageBrotli, PerMessageBzip2)
    limit = choices.pick(None, 0, 100, 5000)
    sizes = choices.sizes()
    codec, other = (kind(True, False, False) for _ in range(2))
    for message in choices.rest().split(b"|||")[:8]:
        outcome = _inflated(codec, [message], limit)
        cut = _inflated(other, Choices(message).pieces(sizes), limit)
        assert outcome == cut
        if outcome is None:
            return
        assert limit is None or len(outcome) <= limit


def _inflated(codec: PerMessageCompress, pieces: list[bytes], limit: int | None) -> bytes | None:
    """What a message inflates to, or None if it does not."""
    plain_text = b""
    codec.start_decompress_message()
    try:
        for piece in pieces:
            room = None if limit is None else limit - len(plain_text)
            plain_text += codec.decompress_message_data(piece, max_output_len=room)
        codec.end_decompress_message()
    except (PayloadCorruptError, PayloadExceededError):
        return None
    return plain_text


def _check_with_zlib(message: bytes, bits: int, outcome: bytes) -> None:
    """A message by itself, whose last block does not say that it is the last one."""
    inflater = zlib.decompressobj(wbits=-bits)
    octets = inflater.decompress(message + TAIL)
    if not inflater.eof:
        assert octets == outcome


# --- whole protocols -------------------------------------------------------------------------


@lru_cache
def _the_lab() -> Lab:
    return Lab()


class _Surprised:
    """Tells errors that became the end of the connection, since no hook here raises any."""

    def onError(self, error: BaseException, hook: str) -> None:
        self.note("error", error, hook)  # type: ignore[attr-defined]


class _Server(_Surprised, Server):
    pass


class _Client(_Surprised, Client):
    pass


@lru_cache
def _server_factory(**options: Any) -> Any:
    accept = accept_deflate
    return server_factory(_the_lab(), _Server, perMessageCompressionAccept=accept, **options)


@lru_cache
def _client_factory(**options: Any) -> Any:
    return client_factory(
        _the_lab(),
        _Client,
        perMessageCompressionOffers=[PerMessageDeflateOffer()],
        perMessageCompressionAccept=accept_deflate,
        **options,
    )


def server(data: bytes) -> None:
    """All that a client may send to a server, from the first octet on.

    Nothing is documented: whatever it is, nothing is raised, nothing complains to the loop, and
    ``onClose`` comes once.
    """
    choices = Choices(data)
    factory = _server_factory(
        webStatus=choices.flag(),
        failByDrop=choices.flag(),
        echoCloseCodeReason=choices.flag(),
        maxMessagePayloadSize=choices.pick(0, 1000),
    )
    _live(factory, choices)


def client(data: bytes) -> None:
    """All that a server may send to a client; ``@@`` stands for the answer to its key."""
    choices = Choices(data)
    factory = _client_factory(
        failByDrop=choices.flag(), maxMessagePayloadSize=choices.pick(0, 1000)
    )
    _live(factory, choices)


def _live(factory: Any, choices: Choices) -> None:
    lab = _the_lab()
    buffered, sizes = choices.flag(), choices.sizes()
    side: Side[Any] = connect(lab, factory)
    octets = choices.rest()
    if not side.protocol.is_server:
        octets = octets.replace(b"@@", accept_token(side.protocol.websocket_key).encode())
    for piece in Choices(octets).pieces(sizes):
        if side.transport.is_closing():
            break
        if buffered:
            side.put(piece)
        else:
            side.protocol.data_received(piece)
    side.lose()
    assert side.protocol.state == State.CLOSED
    side.closed()
    assert not side.protocol.noted("error")
    assert not lab.complaints, lab.complaints
    assert not any(each.startswith(b"HTTP/1.1 500") for each in side.transport.writes)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (head, extensions, frames, differential, close, inflate, codecs, server, client)
}
"""By name, which is that of their corpus, too."""
