"""Redirects: followed, counted, refused, and what does not go along."""

from __future__ import annotations

import asyncio
import itertools
import socket
from pathlib import Path
from typing import Any

import pytest

from wsproto_async import (
    ClientOptions,
    ConnectError,
    ConnectionRequest,
    HandshakeError,
    HTTPResponse,
    WebSocket,
    connect,
    serve,
)
from wsproto_async.api.redirects import is_same_origin, redirect_url
from wsproto_async.util import parse_url

from .support import Certificates, echo, port_of, serving


class Requests:
    """What a server was asked for, and where it sends whom."""

    def __init__(self, **places: str) -> None:
        self.places = {f"/{name}": place for name, place in places.items()}
        self.seen: list[ConnectionRequest] = []
        self.status = 302

    def __call__(self, ws: WebSocket, request: ConnectionRequest) -> HTTPResponse | None:
        self.seen.append(request)
        place = self.places.get(request.path)
        return None if place is None else HTTPResponse(self.status, {"Location": place})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(status: int) -> None:
    requests = Requests(a="/b?c=d", b="e")
    requests.status = status
    async with (
        serving(process_request=requests) as (_, url),
        connect(url + "a", headers={"X-Token": "t"}, auth=("ann", "secret")) as ws,
    ):
        await ws.send("x")
        assert await ws.recv() == "x"
    assert [request.path for request in requests.seen] == ["/a", "/b", "/e"]
    assert requests.seen[1].params == {"c": ["d"]}
    # It is one origin: all of them get everything.
    assert {request.headers["authorization"] for request in requests.seen} == {
        "Basic YW5uOnNlY3JldA=="
    }
    assert {request.headers["x-token"] for request in requests.seen} == {"t"}


async def test_nothing_secret_goes_to_another_origin() -> None:
    theirs, ours = Requests(), Requests()
    async with (
        serving(process_request=theirs) as (_, other_url),
        serving(process_request=ours) as (_, url),
    ):
        ours.places["/"] = other_url.replace("ws:", "http:") + "there"
        headers = {"Cookie": "a=1", "X-Token": "t", "Host": "name.example"}
        async with connect(
            url,
            auth="token",
            headers=headers,
            origin="http://page.example",
            useragent="me",
            subprotocols=["chat", "bearer", "token"],
        ):
            pass
    (first,), (second,) = ours.seen, theirs.seen
    assert first.headers["authorization"] == "Bearer token"
    assert first.headers["cookie"] == "a=1"
    assert second.path == "/there"
    assert second.headers["origin"] == "http://page.example"
    assert second.headers["user-agent"] == "me"
    assert second.protocols == ["chat"]
    assert second.host == "127.0.0.1"
    assert not {"authorization", "cookie", "x-token"} & second.headers.keys()
    assert "token" not in str(second)


async def test_nothing_secret_comes_back_from_there() -> None:
    theirs, ours = Requests(), Requests()
    async with (
        serving(process_request=theirs) as (_, other_url),
        serving(process_request=ours) as (_, url),
    ):
        ours.places["/"] = other_url
        theirs.places["/"] = url + "home"
        async with connect(url, auth="token"):
            pass
    assert [request.headers.get("authorization") for request in ours.seen] == ["Bearer token", None]


async def test_a_user_in_a_location_is_passed_over() -> None:
    requests = Requests()
    async with serving(process_request=requests) as (_, url):
        requests.places["/"] = url.replace("//", "//eve:secret@") + "there"
        async with connect(url):
            pass
    assert "authorization" not in requests.seen[1].headers


@pytest.mark.parametrize("most", [0, 1, 3])
async def test_there_may_be_so_many(most: int) -> None:
    def circle(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse:
        return HTTPResponse(307, {"Location": f"/{next(numbers)}"})

    numbers = itertools.count(1)
    async with serving(process_request=circle) as (_, url):
        what = f"more than max_redirects={most}" if most else "redirects to '/1'"
        with pytest.raises(HandshakeError, match=what) as caught:
            await connect(url, max_redirects=most)
        assert caught.value.status == 307
    assert next(numbers) == most + 2


async def test_from_plain_to_tls_and_never_back(certificates: Certificates) -> None:
    secure, plain = Requests(), Requests()
    async with (
        serving(process_request=secure, ssl=certificates.server) as (server, secure_url),
        serving(process_request=plain) as (_, plain_url),
    ):
        secure.places["/"] = plain_url
        with pytest.raises(HandshakeError, match="not encrypted"):
            await connect(secure_url, ssl=certificates.client)
        assert not plain.seen
        # The system does not know this authority: it is verified, although nobody said how.
        plain.places["/"] = f"https://localhost:{port_of(server)}/"
        with pytest.raises(ConnectError, match="certificate verification failed"):
            await connect(plain_url)


async def test_a_redirect_within_tls_keeps_the_context(certificates: Certificates) -> None:
    requests = Requests(a="/b")
    async with (
        serving(process_request=requests, ssl=certificates.server) as (_, url),
        connect(url + "a", ssl=certificates.client) as ws,
    ):
        await ws.send("x")
        assert await ws.recv() == "x"


@pytest.mark.parametrize("location", ["/there", "ws://elsewhere.example/"])
async def test_a_place_of_ones_own(location: str, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    requests = Requests(a=location)
    async with serve(echo, path=path, process_request=requests):
        if location == "/there":
            async with connect("ws://name.example/a", path=path) as ws:
                await ws.send("x")
                assert await ws.recv() == "x"
        else:
            with pytest.raises(ConnectError, match="path="):
                await connect("ws://name.example/a", path=path)


async def test_a_socket_can_be_used_once() -> None:
    requests = Requests(a="/b")
    async with serving(process_request=requests) as (server, _):
        sock = socket.create_connection(("127.0.0.1", port_of(server)))
        sock.setblocking(False)
        with pytest.raises(ConnectError, match="sock="):
            await connect("ws://name.example/a", sock=sock)


async def test_a_name_that_no_host_can_have() -> None:
    """A server can send us anywhere: that is a connection that fails, and is told in short."""
    name = "a." * 5000 + "a"
    async with serving(process_request=Requests(a=f"ws://{name}/")) as (_, url):
        with pytest.raises(ConnectError, match="cannot connect to") as caught:
            await connect(url + "a")
    assert len(str(caught.value)) < 300


async def test_all_of_it_has_one_timeout() -> None:
    # A circle that is longer than the time there is.
    async def slow(ws: WebSocket, request: ConnectionRequest) -> HTTPResponse:
        await asyncio.sleep(0.02)
        return HTTPResponse(307, {"Location": "/"})

    async with serving(process_request=slow) as (_, url):
        with pytest.raises(ConnectError, match=r"open_handshake_timeout=0\.1 s"):
            await connect(
                url, max_redirects=1000, options=ClientOptions(open_handshake_timeout=0.1)
            )


# --- without a network --------------------------------------------------------------------------


def answer(status: int, *locations: str) -> HandshakeError:
    return HandshakeError("no", status, [("location", location) for location in locations])


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("ws://h/a/b?q", "c", "ws://h/a/c"),
        ("ws://h/a/b?q", "?r", "ws://h/a/b?r"),
        ("ws://h/a", "/b#part", "ws://h/b"),
        ("ws://h/a", "//other/b", "ws://other/b"),
        ("ws://h/a", "https://h/b", "wss://h/b"),
        ("ws://h/a", "HTTP://h/b", "ws://h/b"),
        ("ws://h/a", "wss://h:8443", "wss://h:8443"),
        ("wss://h/a", "../b", "wss://h/b"),
        ("wss://h/a", "https://eve:secret@h/b@c", "wss://h/b@c"),
        ("ws://h/", "/Gr\u00c3\u00bc\u00c3\u009fe?\u00c3\u00bc", "ws://h/Grüße?ü"),
        ("ws://h/", "http://b\u00c3\u00bccher.example/", "ws://bücher.example/"),
        ("ws://h/", "/Gr\u00fc\u00dfe", "ws://h/Grüße"),
    ],
)
def test_where_it_leads(url: str, location: str, target: str) -> None:
    assert redirect_url(answer(302, location), url) == target


@pytest.mark.parametrize(
    "error", [answer(200, "/"), answer(304, "/"), answer(300, "/"), answer(302)]
)
def test_what_is_no_redirect(error: HandshakeError) -> None:
    assert redirect_url(error, "ws://h/") is None


@pytest.mark.parametrize(
    ("url", "locations", "why"),
    [
        ("wss://h/", ["ws://h/"], "not encrypted"),
        ("wss://h/", ["http://h/"], "not encrypted"),
        ("ws://h/", ["ws://unix:/run/docker.sock"], "Unix"),
        ("ws://unix:/run/a.sock", ["/run/b.sock"], "Unix"),
        ("ws://h/", ["ftp://h/"], "not a URL of a WebSocket"),
        ("ws://h/", ["javascript:alert(1)"], "not a URL of a WebSocket"),
        ("ws://h/", ["ws://h:99999/"], "not a URL of a WebSocket"),
        ("ws://h/", ["ws://[::1/"], "not a URL of a WebSocket"),
        ("ws://h/", ["/a b"], "not a URL of a WebSocket"),
        ("ws://h/", ["http://"], "not a URL of a WebSocket"),
        ("ws://h/", ["ws://\xe4..b/"], "not a URL of a WebSocket"),
        ("ws://h/", ["ws://..../"], "not a URL of a WebSocket"),
        ("ws://h/", [f"ws://{'a' * 64}/"], "not a URL of a WebSocket"),
        ("ws://h/", ["/a", "/b"], "elsewhere, too"),
    ],
)
def test_what_is_refused(url: str, locations: list[str], why: str) -> None:
    with pytest.raises(HandshakeError, match=why) as caught:
        redirect_url(answer(302, *locations), url)
    assert caught.value.status == 302


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("ws://H:80/b", True),
        ("ws://h:81/", False),
        ("ws://other/", False),
        ("wss://h/", False),
        ("wss://h:80/", False),
    ],
)
def test_same_origin(other: str, same: bool) -> None:
    assert is_same_origin(parse_url("ws://h/a"), parse_url(other)) is same


@pytest.mark.parametrize("value", [-1, 1.5, True, None])
def test_bad_numbers(value: Any) -> None:
    with pytest.raises(ValueError, match="max_redirects"):
        connect("ws://h/", max_redirects=value)
