from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from wsproto_async.errors import OptionTypeError, WebSocketError
from wsproto_async.types import (
    ConnectingRequest,
    ConnectionAccept,
    ConnectionDeny,
    ConnectionRequest,
    ConnectionResponse,
    FrameHeader,
    IncomingMessage,
    Message,
    OutgoingMessage,
    Ping,
    TransportDetails,
)

REQUEST: dict[str, Any] = {
    "peer": "tcp4:127.0.0.1:5000",
    "headers": {"host": "h:9000"},
    "host": "h",
    "path": "/a",
    "params": {"x": ["1", "2"]},
    "version": 13,
    "origin": "",
    "protocols": ["chat"],
    "extensions": [("permessage-deflate", {"client_max_window_bits": [True]})],
}
RESPONSE: dict[str, Any] = {
    "peer": "tcp4:127.0.0.1:9000",
    "headers": {},
    "version": 18,
    "protocol": None,
    "extensions": [],
}


class Codec:
    def __init__(self, description: object) -> None:
        self.description = description

    def __json__(self) -> object:
        return self.description


class Opaque:
    def __repr__(self) -> str:
        return "<opaque>"


def test_request_shows_its_nine_fields_as_json() -> None:
    request = ConnectionRequest(*REQUEST.values())
    assert request.__json__() == REQUEST
    assert json.loads(str(request)) == {
        **REQUEST,
        "extensions": [["permessage-deflate", {"client_max_window_bits": [True]}]],
    }


def test_a_request_does_not_show_what_lets_in() -> None:
    headers = {"authorization": "geheim", "cookie": "a=geheim", "host": "h"}
    request = ConnectionRequest(**{**REQUEST, "headers": headers})
    assert json.loads(str(request))["headers"] == {
        "authorization": "***",
        "cookie": "***",
        "host": "h",
    }
    assert "geheim" not in f"{request} {request!s}"
    assert request.__json__()["headers"] is headers
    assert request.cookies == {"a": "geheim"}
    assert ConnectionRequest(**REQUEST).cookies == {}


def test_fields_are_assignable_and_no_others_are() -> None:
    request = ConnectionRequest(**REQUEST)
    request.peer = "tcp4:10.0.0.1:1"
    assert request.__json__()["peer"] == "tcp4:10.0.0.1:1"
    with pytest.raises(AttributeError):
        request.user = "x"  # type: ignore[attr-defined]


def test_a_subclass_may_have_more_attributes() -> None:
    class Request(ConnectionRequest):
        pass

    request = Request(**REQUEST)
    request.user = "x"  # type: ignore[attr-defined]
    assert json.loads(str(request)).keys() == REQUEST.keys()


@pytest.mark.parametrize("name", REQUEST)
def test_request_refuses_wrong_types(name: str) -> None:
    with pytest.raises(AssertionError, match=name) as caught:
        ConnectionRequest(**{**REQUEST, name: None})
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("name", ["peer", "headers", "version", "protocol", "extensions"])
def test_response_refuses_wrong_types(name: str) -> None:
    with pytest.raises(AssertionError, match=name):
        ConnectionResponse(**{**RESPONSE, name: b""})


def test_a_bool_is_no_int() -> None:
    with pytest.raises(OptionTypeError, match="version must be int, not bool"):
        ConnectionRequest(**{**REQUEST, "version": True})


@pytest.mark.parametrize(
    ("extension", "shown"),
    [
        (Codec({"extension": "x", "window": 15}), {"extension": "x", "window": 15}),
        (Codec([b"\xff", Codec(1)]), ["ff", 1]),
        (Opaque(), "<opaque>"),
        (Opaque, repr(Opaque)),
        (Codec, repr(Codec)),
        ({b"\x01": {1, 2}.__len__()}, {"01": 2}),
        (memoryview(b"ab"), "6162"),
        ({None: (1.5, "\ud800")}, {"None": [1.5, "\ud800"]}),
    ],
)
def test_str_of_a_response_is_json_whatever_is_in_it(extension: Any, shown: object) -> None:
    response = ConnectionResponse(**{**RESPONSE, "extensions": [extension]})
    assert json.loads(str(response)) == {**RESPONSE, "extensions": [shown]}
    assert response.__json__()["extensions"] == [extension]


def test_str_of_something_that_contains_itself() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert isinstance(json.loads(str(ConnectionResponse(**{**RESPONSE, "extensions": loop}))), str)


def test_connecting_request_has_defaults() -> None:
    assert ConnectingRequest().__json__() == {
        "host": "localhost",
        "port": 80,
        "resource": "/",
        "headers": {},
        "useragent": None,
        "origin": None,
        "protocols": [],
    }


def test_connecting_request_takes_everything() -> None:
    given = ("h", 1, "/r", {"a": "b"}, "ua", "o", ["p"])
    assert tuple(ConnectingRequest(*given).__json__().values()) == given


def test_defaults_are_not_shared() -> None:
    first, second = ConnectingRequest(), ConnectingRequest()
    assert first.headers is not second.headers
    assert TransportDetails().secure_channel_id is not TransportDetails().secure_channel_id


def test_transport_details_of_autobahn_21() -> None:
    details = TransportDetails("tcp4:h:1", True, {"tls-unique": b"\x00\xff"})
    assert details.__json__() == {
        "peer": "tcp4:h:1",
        "is_secure": True,
        "secure_channel_id": {"tls-unique": b"\x00\xff"},
    }
    assert json.loads(str(details))["secure_channel_id"] == {"tls-unique": "00ff"}


def test_transport_details_of_autobahn_26() -> None:
    details = TransportDetails(
        peer="p", channel_type="tls", channel_framing="websocket", own_pid=1, is_server=False
    )
    assert details.marshal() == {
        "peer": "p",
        "is_secure": None,
        "secure_channel_id": {},
        "channel_type": "tls",
        "channel_framing": "websocket",
        "channel_id": None,
        "peer_cert": None,
        "is_server": False,
        "own_pid": 1,
        "own_tid": None,
        "own_fd": None,
        "websocket_protocol": None,
        "websocket_extensions_in_use": None,
        "http_headers_received": None,
        "http_headers_sent": None,
        "http_cbtid": None,
    }
    assert json.loads(str(details)) == {
        "peer": "p",
        "is_secure": None,
        "secure_channel_id": {},
        "channel_type": "tls",
        "channel_framing": "websocket",
        "is_server": False,
        "own_pid": 1,
    }


@pytest.mark.parametrize(
    "headers", [None, {}, {"A": "1"}, {"Set-Cookie": ["a=1", "b=2"]}, {"X": ("1", "2")}]
)
def test_accept_takes_headers(headers: Any) -> None:
    accept = ConnectionAccept("chat", headers)
    assert (accept.subprotocol, accept.headers) == ("chat", headers)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((1,), "subprotocol must be str or None, not int"),
        ((None, []), "headers must be dict"),
        ((None, {1: "a"}), "a name in headers must be str"),
        ((None, {"A": 1}), r"headers\['A'\] must be str or list or tuple"),
        ((None, {"A": ["a", b"b"]}), r"an element of headers\['A'\] must be str, not bytes"),
    ],
)
def test_accept_refuses_wrong_types(arguments: tuple[Any, ...], what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        ConnectionAccept(*arguments)


def test_deny_constants() -> None:
    assert {name: value for name, value in vars(ConnectionDeny).items() if name.isupper()} == {
        "BAD_REQUEST": 400,
        "FORBIDDEN": 403,
        "NOT_FOUND": 404,
        "NOT_ACCEPTABLE": 406,
        "REQUEST_TIMEOUT": 408,
        "INTERNAL_SERVER_ERROR": 500,
        "NOT_IMPLEMENTED": 501,
        "SERVICE_UNAVAILABLE": 503,
    }


@pytest.mark.parametrize(
    ("deny", "fields", "text"),
    [
        (ConnectionDeny(404), (404, None, "Not Found"), "404 Not Found"),
        (ConnectionDeny(404, "gone"), (404, "gone", "gone"), "404 gone"),
        (ConnectionDeny(403, ""), (403, "", ""), "403 "),
        (ConnectionDeny(499), (499, None, "Denied"), "499 Denied"),
    ],
)
def test_deny(deny: ConnectionDeny, fields: tuple[object, ...], text: str) -> None:
    assert isinstance(deny, WebSocketError)
    assert (deny.code, deny.reason, deny.phrase) == fields
    assert str(deny) == text
    assert str(pickle.loads(pickle.dumps(deny))) == text


def test_deny_may_carry_headers() -> None:
    assert ConnectionDeny(404).headers is None
    deny = ConnectionDeny(401, headers={"WWW-Authenticate": ["Basic", "Bearer"]})
    assert pickle.loads(pickle.dumps(deny)).headers == {"WWW-Authenticate": ["Basic", "Bearer"]}


@pytest.mark.parametrize(
    "arguments",
    [
        ("404",),
        (True,),
        (404, 1),
        (99,),
        (1000,),
        (401, None, "X: y"),
        (401, None, {"X": b"y"}),
        (401, None, {"X": [1]}),
    ],
)
def test_deny_refuses(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(AssertionError, match=r"code|reason|headers"):
        ConnectionDeny(*arguments)


def test_messages() -> None:
    incoming, outgoing = IncomingMessage(b"a"), OutgoingMessage(b"b", True, True)
    assert (incoming.payload, incoming.is_binary) == (b"a", False)
    assert (outgoing.payload, outgoing.is_binary, outgoing.skip_compress) == (b"b", True, True)
    assert isinstance(incoming, Message)
    assert isinstance(outgoing, Message)
    assert not isinstance(Ping(), Message)
    assert Ping().payload is None
    assert Ping(bytes(125)).payload == bytes(125)


@pytest.mark.parametrize(
    "make",
    [
        lambda: IncomingMessage("text"),  # type: ignore[arg-type]
        lambda: IncomingMessage(b"", 1),  # type: ignore[arg-type]
        lambda: OutgoingMessage(bytearray()),  # type: ignore[arg-type]
        lambda: OutgoingMessage(b"", None),  # type: ignore[arg-type]
        lambda: OutgoingMessage(b"", False, 0),  # type: ignore[arg-type]
        lambda: Ping("text"),  # type: ignore[arg-type]
        lambda: Ping(bytes(126)),
    ],
)
def test_messages_refuse(make: Callable[[], object]) -> None:
    with pytest.raises(AssertionError, match=r"payload|is_binary|skip_compress"):
        make()


def test_frame_header() -> None:
    header = FrameHeader(1, True, 4, 5, b"mask")
    assert (header.opcode, header.fin, header.rsv, header.length, header.mask) == (
        *(1, True, 4, 5),
        b"mask",
    )
