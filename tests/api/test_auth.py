"""Basic and Bearer authentication, over sockets."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Callable
from typing import Any

import pytest

from wsproto_async import (
    ConnectionRequest,
    HandshakeError,
    OptionError,
    ServerOptions,
    WebSocket,
    WebSocketServerFactory,
    WebSocketServerProtocol,
    basic_auth,
    bearer_auth,
    connect,
)
from wsproto_async.api import auth as auth_module

from .support import Certificates, port_of, serving

USERS = {"ann": "secret", "Jörg": "pass:wörd", "empty": ""}
TOKENS = {"abc.def-_~+/=": "Ann", "x" * 20: {"name": "Bob"}}


async def introduce(ws: WebSocket) -> None:
    await ws.send(repr(ws.user))


async def greeting(url: str, **arguments: Any) -> str:
    async with connect(url, **arguments) as ws:
        return str(await ws.recv())


async def status(url: str, **arguments: Any) -> int:
    with pytest.raises(HandshakeError) as caught:
        await connect(url, **arguments)
    return caught.value.status


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def later(function: Callable[..., Any]) -> Callable[..., Any]:
    async def answer(*arguments: str) -> Any:
        await asyncio.sleep(0)
        return function(*arguments)

    return answer


def header(value: str) -> dict[str, str]:
    return {"Authorization": value}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# --- Basic --------------------------------------------------------------------------------------


async def test_passwords() -> None:
    async with serving(introduce, process_request=basic_auth(USERS)) as (_, url):
        for user, password in USERS.items():
            assert await greeting(url, auth=(user, password)) == repr(user)
        assert await greeting(url, headers=header(f"bAsIc  {encoded('ann:secret')}")) == "'ann'"
        for user, password in [("ann", "Secret"), ("ann", ""), ("Ann", "secret"), ("", "")]:
            assert await status(url, auth=(user, password)) == 401


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic ",
        f"Bearer {encoded('ann:secret')}",
        f"Basic {encoded('ann')}",
        f"Basic {encoded('ann:secret')}!",
        f"Basic {encoded('ann:secret')}, Basic {encoded('ann:secret')}",
        "Basic " + base64.b64encode(b"ann:\xff").decode(),
        "Basic Ã¼",
    ],
)
async def test_what_is_no_password(value: str) -> None:
    async with serving(introduce, process_request=basic_auth(USERS, realm="chat")) as (_, url):
        with pytest.raises(HandshakeError) as caught:
            await connect(url, headers=header(value))
        assert caught.value.status == 401
        challenge = ("www-authenticate", 'Basic realm="chat", charset="UTF-8"')
        assert challenge in caught.value.headers


@pytest.mark.parametrize("kind", [plain, later])
@pytest.mark.parametrize(
    ("answer", "user"),
    [(True, "'ann'"), (False, None), (None, None), (17, "17"), ("", "''"), (0, "0")],
)
async def test_a_function_decides(kind: Any, answer: Any, user: str | None) -> None:
    def check(name: str, password: str) -> Any:
        asked.append((name, password))
        return answer

    asked: list[tuple[str, str]] = []
    async with serving(introduce, process_request=basic_auth(kind(check))) as (_, url):
        if user is None:
            assert await status(url, auth=("ann", "x:y")) == 401
        else:
            assert await greeting(url, auth=("ann", "x:y")) == user
        assert await status(url) == 401
    assert asked == [("ann", "x:y")]


@pytest.mark.parametrize("kind", [plain, later])
async def test_a_function_that_raises_is_a_500(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    def check(name: str, password: str) -> Any:
        raise ZeroDivisionError

    async with serving(introduce, process_request=basic_auth(kind(check))) as (_, url):
        assert await status(url, auth=("ann", "geheim")) == 500
    assert "ZeroDivisionError" in caplog.text
    assert "geheim" not in caplog.text


async def test_an_unknown_user_is_as_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def digest(text: str) -> bytes:
        work.append("digest")
        return real_digest(text)

    def compare(one: bytes, other: bytes) -> bool:
        work.append("compare")
        assert len(one) == len(other)
        return bool(real_compare(one, other))

    work: list[str] = []
    real_digest, real_compare = auth_module._digest, hmac.compare_digest
    check = basic_auth(USERS)
    monkeypatch.setattr(auth_module, "_digest", digest)
    monkeypatch.setattr(hmac, "compare_digest", compare)
    async with serving(introduce, process_request=check) as (_, url):
        assert await status(url, auth=("ann", "wrong")) == 401
        known, work = work, []
        assert await status(url, auth=("nobody", "wrong")) == 401
    assert known == work == ["digest", "compare"]


# --- Bearer -------------------------------------------------------------------------------------


async def test_tokens() -> None:
    async with serving(introduce, process_request=bearer_auth(TOKENS)) as (_, url):
        assert await greeting(url, auth="abc.def-_~+/=") == "'Ann'"
        assert await greeting(url, auth="x" * 20) == "{'name': 'Bob'}"
        assert await greeting(url, headers=header("bearer  abc.def-_~+/=")) == "'Ann'"
        for headers in ({}, header("Bearer"), header("Bearer y"), header("Basic eDp5")):
            assert await status(url, headers=headers) == 401
        with pytest.raises(HandshakeError) as caught:
            await connect(url, headers=header("Bearer a b"))
        assert ("www-authenticate", 'Bearer realm="WebSocket"') in caught.value.headers


@pytest.mark.parametrize("kind", [plain, later])
async def test_a_function_knows_tokens(kind: Any) -> None:
    check = bearer_auth(kind(TOKENS.get))
    async with serving(introduce, process_request=check) as (_, url):
        assert await greeting(url, auth="abc.def-_~+/=") == "'Ann'"
        assert await status(url, auth="other") == 401


@pytest.mark.parametrize(
    ("spoken", "offered", "agreed"),
    [
        (None, ["bearer", "x" * 20], "bearer"),
        (["chat"], ["bearer", "x" * 20], "bearer"),
        (["chat"], ["bearer", "x" * 20, "chat"], "chat"),
        (["chat"], ["chat", "bearer", "x" * 20], "chat"),
    ],
)
async def test_a_token_behind_a_subprotocol(
    spoken: Any, offered: list[str], agreed: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def look(ws: WebSocket) -> None:
        assert ws.request is not None
        seen.append(ws)
        await ws.send(f"{ws.request} {ws.request.headers} {ws.request.protocols}")

    caplog.set_level("DEBUG")
    seen: list[WebSocket] = []
    check = bearer_auth(TOKENS)
    async with (
        serving(look, process_request=check, subprotocols=spoken) as (_, url),
        connect(url, subprotocols=offered) as ws,
    ):
        assert ws.subprotocol == agreed
        assert "xxxx" not in str(await ws.recv())
        assert seen[0].user == {"name": "Bob"}
    assert "xxxx" not in caplog.text


async def test_a_bad_token_behind_a_subprotocol(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with serving(introduce, process_request=bearer_auth(TOKENS)) as (_, url):
        for offered in (["bearer"], ["bearer", "geheim"], ["chat", "bearer"], ["chat"]):
            assert await status(url, subprotocols=offered) == 401
        # The header comes first: it cannot be set by a page.
        assert await status(url, auth="y", subprotocols=["bearer", "x" * 20]) == 401
    assert "geheim" not in caplog.text


@pytest.mark.parametrize(
    ("allowed", "origin", "is_in"),
    [
        (["*"], None, True),
        (["*"], "http://127.0.0.1:{port}", True),
        (["*"], "http://evil.example", False),
        (["*"], "http://127.0.0.1:1", False),
        (["http://good.example"], "http://good.example", True),
        (["same-origin"], "http://127.0.0.1:{port}", True),
    ],
)
async def test_a_token_in_a_cookie(allowed: list[str], origin: str | None, is_in: bool) -> None:
    options = ServerOptions(allowed_origins=allowed)
    check = bearer_auth(TOKENS, cookie="session")
    headers = {"Cookie": "a=b; session=" + "x" * 20}
    async with serving(introduce, process_request=check, options=options) as (server, url):
        port = server.sockets[0].getsockname()[1]
        arguments = {"headers": headers, "origin": origin and origin.format(port=port)}
        if is_in:
            assert await greeting(url, **arguments) == "{'name': 'Bob'}"
        else:
            assert await status(url, **arguments) == 401
        assert await status(url) == 401


async def test_a_cookie_with_a_bad_origin_and_plain_http() -> None:
    """The handshake, which would judge the origin, does not come to that."""
    check = bearer_auth(TOKENS, cookie="session")
    async with serving(introduce, process_request=check) as (server, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        lines = ["GET / HTTP/1.1", "Host: localhost", "Cookie: session=" + "x" * 20]
        writer.write("\r\n".join([*lines, "Origin: no origin", "", ""]).encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
        writer.close()
        await writer.wait_closed()


async def test_cookies_and_tls(certificates: Certificates) -> None:
    check = bearer_auth(TOKENS, cookie="session")
    headers = {"Cookie": "session=" + "x" * 20}
    async with serving(introduce, process_request=check, ssl=certificates.server) as (_, url):
        arguments: dict[str, Any] = {"headers": headers, "ssl": certificates.client}
        https = url.replace("wss:", "https:").rstrip("/")
        assert await greeting(url, origin=https, **arguments)
        assert await status(url, origin=https.replace("https:", "http:"), **arguments) == 401
        assert await status(url, origin="null", **arguments) in (400, 401)


# --- both worlds --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [plain, later])
async def test_with_callbacks(kind: Any) -> None:
    auth = bearer_auth(kind(TOKENS.get), realm="callbacks")

    class Members(WebSocketServerProtocol):
        user: Any

        async def onConnect(self, request: ConnectionRequest) -> str | None:
            assert await auth.authenticate(self, request) is self.user
            return "chat" if "chat" in request.protocols else None

        def onOpen(self) -> None:
            self.sendMessage(repr(self.user).encode())

    factory = WebSocketServerFactory()
    factory.protocol = Members
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        assert await greeting(url, auth="abc.def-_~+/=") == "'Ann'"
        async with connect(url, subprotocols=["bearer", "x" * 20]) as ws:
            assert ws.subprotocol == "bearer"
        async with connect(url, subprotocols=["bearer", "x" * 20, "chat"]) as ws:
            assert ws.subprotocol == "chat"
        with pytest.raises(HandshakeError) as caught:
            await connect(url, auth="y")
        assert caught.value.status == 401
        assert ("www-authenticate", 'Bearer realm="callbacks"') in caught.value.headers
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: basic_auth({"a:b": "c"}), "colon"),
        (lambda: basic_auth({"a": b"c"}), "str"),  # type: ignore[dict-item]
        (lambda: basic_auth(["a"]), "users"),  # type: ignore[arg-type]
        (lambda: basic_auth({}, realm='a"b'), "realm"),
        (lambda: basic_auth({}, realm="a\r\nb"), "realm"),
        (lambda: basic_auth({}, realm="ä"), "realm"),
        (lambda: bearer_auth({"a b": "c"}), "token"),
        (lambda: bearer_auth({"": "c"}), "token"),
        (lambda: bearer_auth("token"), "tokens"),  # type: ignore[arg-type]
        (lambda: bearer_auth({}, cookie=1), "cookie"),  # type: ignore[arg-type]
    ],
)
def test_bad_arguments(make: Callable[[], object], what: str) -> None:
    with pytest.raises(OptionError, match=what):
        make()
