"""Plain HTTP on the port of a WebSocket server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.table import covers
from wsproto_async import ConnectionDeny, ConnectionRequest, HTTPResponse
from wsproto_async.version import __version__

from .support import Lab, Server, Side, connect, head_of, request, server_factory, unclean


def plain(lab: Lab, resource: str = "/", protocol: Any = Server, **options: Any) -> Side[Any]:
    """A server's connection that was sent a request without an upgrade."""
    side = connect(lab, server_factory(lab, protocol, **options))
    side.feed(request(resource, {"Upgrade": None, "Connection": None}))
    return side


def page(side: Side[Any]) -> tuple[str, dict[str, str], str]:
    octets = side.sent()
    line, headers = head_of(octets)
    body = octets.partition(b"\r\n\r\n")[2]
    assert int(headers["content-length"]) == len(body)
    return line, headers, body.decode()


@covers("webStatus", "sendServerStatus")
def test_the_status_page(lab: Lab) -> None:
    side = plain(lab)
    line, headers, body = page(side)
    assert line == "HTTP/1.1 200 OK"
    assert headers["content-type"] == "text/html; charset=UTF-8"
    assert headers["server"] == f"wsproto_async/{__version__}"
    assert "WebSocket" in body
    assert __version__ in body
    assert "refresh" not in body
    assert side.transport.closed
    assert not side.transport.aborted
    assert side.closed() == unclean(None)


@covers("webStatus")
def test_no_status_page(lab: Lab) -> None:
    side = plain(lab, webStatus=False)
    line, headers = head_of(side.sent())
    assert line.startswith("HTTP/1.1 426 ")
    assert headers["upgrade"] == "websocket"
    assert side.closed()[:2] == (False, 1006)


@covers("webStatus", "sendRedirect")
def test_a_redirect(lab: Lab) -> None:
    side = plain(lab, "/?redirect=https%3A%2F%2Fexample.com%2Fa%20b&redirect=x")
    line, headers = head_of(side.sent())
    assert line.startswith("HTTP/1.1 303")
    assert headers["location"] == "https://example.com/a%20b"
    assert headers["server"] == f"wsproto_async/{__version__}"
    assert side.closed() == unclean(None)


@covers("webStatus", "sendServerStatus")
def test_a_redirect_by_the_page(lab: Lab) -> None:
    side = plain(lab, "/?redirect=http%3A%2F%2Fexample.com%2F%3Fa%3D1%26b%3D2&after=7")
    line, _, body = page(side)
    assert line == "HTTP/1.1 200 OK"
    refresh = "content=\"7;URL='http://example.com/?a=1&amp;b=2'\""
    assert f'<meta http-equiv="refresh" {refresh}>' in body


@covers("webStatus", "sendRedirect", "sendServerStatus")
@pytest.mark.parametrize(
    "resource",
    [
        "/?redirect=javascript:alert(1)",
        "/?redirect=javascript:alert(1)&after=1",
        "/?redirect=http://a%0d%0aX:%20y/",
        "/?redirect=data:text/html,x&after=1",
        "/?redirect=http://user@example.com/",
        "/?redirect=http://a/&after=x",
        "/?redirect=http://a/&after=-1",
        "/?redirect=http://a/&after=1e9",
    ],
)
def test_a_bad_redirect_is_refused(lab: Lab, resource: str) -> None:
    side = plain(lab, resource)
    octets = side.sent()
    line, headers = head_of(octets)
    assert line.startswith("HTTP/1.1 400 ")
    assert "location" not in headers
    assert octets.endswith(b"\r\n\r\n")


@covers("webStatus")
@pytest.mark.parametrize("text", ["'><script>alert(1)</script>", '"><b>', "http://a/'\"><b>"])
def test_nothing_is_reflected_unescaped(lab: Lab, text: str) -> None:
    quoted = text.replace("<", "%3C").replace(">", "%3E").replace('"', "%22").replace("'", "%27")
    for resource in (f"/?redirect={quoted}&after=1", f"/?redirect={quoted}", f"/{quoted}"):
        octets = plain(lab, resource).sent()
        assert b"<script" not in octets
        assert b"<b>" not in octets
        assert text.encode() not in octets


class ByHand(Server):
    """Answers by itself."""

    def processHandshake(self) -> None:
        self.answer()
        self.dropConnection()

    def answer(self) -> None:
        raise NotImplementedError


@covers("sendHtml")
def test_a_page_by_hand(lab: Lab) -> None:
    class Page(ByHand):
        def answer(self) -> None:
            self.sendHtml("<p>grün</p>")

    line, headers, body = page(plain(lab, protocol=Page))
    assert line == "HTTP/1.1 200 OK"
    assert headers["content-type"] == "text/html; charset=UTF-8"
    assert body == "<p>grün</p>"


@covers("sendRedirect")
def test_a_redirect_by_hand(lab: Lab) -> None:
    class Redirect(ByHand):
        def answer(self) -> None:
            with pytest.raises(ValueError, match="javascript"):
                self.sendRedirect("javascript:alert(1)")
            self.sendRedirect("/elsewhere?x=ü")

    line, headers = head_of(plain(lab, protocol=Redirect).sent())
    assert line.startswith("HTTP/1.1 303")
    assert headers["location"] == "/elsewhere?x=%C3%BC"


@covers("sendServerStatus")
def test_the_page_by_hand(lab: Lab) -> None:
    class Status(ByHand):
        def answer(self) -> None:
            self.sendServerStatus("https://example.com/", 3)

    body = page(plain(lab, protocol=Status))[2]
    assert "content=\"3;URL='https://example.com/'\"" in body


@covers("sendHttpErrorResponse")
@pytest.mark.parametrize(
    ("arguments", "line", "more"),
    [
        ((418, "I'm a teapot"), "HTTP/1.1 418 I'm a teapot", {}),
        ((401, "who?", [("WWW-Authenticate", "Basic")]), "HTTP/1.1 401 who?", {"Basic"}),
        ((400, "a\r\nb: c"), "HTTP/1.1 400 a b: c", {}),
        ((400, "x", [("Bad\r\nName", "x")]), "HTTP/1.1 500 Internal Server Error", {}),
        ((101, "x"), "HTTP/1.1 500 Internal Server Error", {}),
    ],
)
def test_an_error_by_hand(lab: Lab, arguments: Any, line: str, more: Any) -> None:
    class Error(ByHand):
        def answer(self) -> None:
            self.sendHttpErrorResponse(*arguments)

    octets = plain(lab, protocol=Error).sent()
    found, headers = head_of(octets)
    assert found == line
    assert set(more) <= set(headers.values())
    assert (headers["connection"], headers["content-length"]) == ("close", "0")
    assert octets.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("header", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_a_body_beside_an_upgrade_is_refused(lab: Lab, header: str) -> None:
    side = connect(lab, server_factory(lab))
    side.feed(request("/", {}, header) + b"hello")
    assert head_of(side.sent())[0].startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "octets",
    [
        request().replace(b"\r\n", b"\n"),
        request().replace(b"Upgrade:", b"Upgrade :", 1),
        request("/", {}, "X: a", " folded"),
        request("/", {}, "no colon"),
        request("/", {"X": "a\x00b"}),
    ],
)
def test_lines_end_in_crlf_and_nothing_else(lab: Lab, octets: bytes) -> None:
    side = connect(lab, server_factory(lab))
    side.feed(octets)
    assert head_of(side.sent())[0].startswith("HTTP/1.1 400 ")


def test_a_head_has_its_limits(lab: Lab) -> None:
    side = connect(lab, server_factory(lab, maxHandshakeSize=1000))
    side.feed(request("/", {"X": "x" * 1000}))
    assert head_of(side.sent())[0].startswith("HTTP/1.1 431 ")
    side = connect(lab, server_factory(lab, maxHandshakeHeaders=10))
    side.feed(request("/", {}, *(f"X-{i}: 1" for i in range(10))))
    assert head_of(side.sent())[0].startswith("HTTP/1.1 431 ")


def test_a_hook_may_leave_the_answer_to_its_base(lab: Lab) -> None:
    class Hears(Server):
        def onHttpRequest(self, request: ConnectionRequest) -> Any:
            self.note("request", request.path)
            return super().onHttpRequest(request)

    for web_status, status in (True, 200), (False, 426):
        side = plain(lab, "/x", Hears, webStatus=web_status)
        assert head_of(side.sent())[0].startswith(f"HTTP/1.1 {status} ")
        assert side.protocol.noted("request") == [("/x",)]


@pytest.mark.parametrize("how", ["answer", "refusal", "by hand"])
def test_nobody_is_answered_who_has_gone(lab: Lab, how: str) -> None:
    answer = lab.create_future()

    class Later(Server):
        async def onHttpRequest(self, request: ConnectionRequest) -> Any:
            return await answer

    side = plain(lab, protocol=Later)
    side.lose()
    if how == "by hand":
        side.protocol.failHandshake("too late", 503)
    if how == "refusal":
        answer.set_exception(ConnectionDeny(ConnectionDeny.FORBIDDEN))
    else:
        answer.set_result(HTTPResponse(200))
    assert side.sent() == b""
    assert side.closed()[:2] == (False, 1006)
    assert lab.complaints == []
