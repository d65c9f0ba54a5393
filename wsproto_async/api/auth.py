"""Who may connect: Basic and Bearer authentication on a server (RFC 7617 and RFC 6750).

Both are for ``process_request=`` of ``serve``, and for ``onConnect`` of a protocol class::

    serve(handler, ..., process_request=basic_auth({"ann": "secret"}))

    async def onConnect(self, request):
        self.user = await self.factory.auth.authenticate(self, request)
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any

from ..core.handshake.fields import BEARER, parse_port, split_host
from ..core.handshake.origin import parse_origin, same_origin
from ..errors import HandshakeError, OptionError, OptionTypeError, check_type
from ..types import ConnectionDeny, ConnectionRequest
from .credentials import TOKEN
from .websocket import WebSocket

__all__ = ["Authentication", "basic_auth", "bearer_auth"]

CheckUser = Callable[[str, str], Any]
CheckToken = Callable[[str], Any]

_KEY = secrets.token_bytes(32)


def _digest(text: str) -> bytes:
    """Of fixed length and not to be guessed, so that comparing tells nothing of the text."""
    return hmac.digest(_KEY, text.encode(), "sha256")


def basic_auth(
    users: Mapping[str, str] | CheckUser, *, realm: str = "WebSocket"
) -> BasicAuthentication:
    """Let in who knows a password.

    Args:
        users: passwords by user; or a function, plain or coroutine, that gets user and password
            and returns whether they are right. It may return the ``ws.user`` instead of True,
            and None instead of False. It should take as long for a user that it does not know.
        realm: what the password is for, as browsers show it.

    Returns:
        A function for ``process_request``. Whoever is let in has a name, ``ws.user``; all others
        get a 401.

    Raises:
        OptionError: the realm cannot be sent.
        OptionTypeError: an argument has a wrong type.
    """
    return BasicAuthentication(users, realm)


def bearer_auth(
    tokens: Mapping[str, Any] | CheckToken,
    *,
    realm: str = "WebSocket",
    cookie: str | None = None,
) -> BearerAuthentication:
    """Let in who has a token.

    It comes in the header ``Authorization: Bearer TOKEN``; from a page in a browser, which cannot
    set headers, behind a subprotocol: ``new WebSocket(url, ["bearer", TOKEN])``; or in a cookie.
    The client is answered with the subprotocol ``bearer`` unless another one is chosen, since
    browsers insist on an answer. The token is taken out of the request's subprotocols.

    Args:
        tokens: users by token; or a function, plain or coroutine, that gets a token and returns
            the user, who is the ``ws.user`` then, or None or False.
        realm: what the token is for.
        cookie: the name of a cookie that may have the token, too. A browser sends cookies
            whichever page connects: so that counts only where the option ``allowed_origins`` has
            been set, or for pages of the same origin.

    Returns:
        A function for ``process_request``. Who is not let in gets a 401.

    Raises:
        OptionError: the realm cannot be sent.
        OptionTypeError: an argument has a wrong type.
    """
    return BearerAuthentication(tokens, realm, cookie)


class Authentication(ABC):
    """What ``basic_auth`` and ``bearer_auth`` return."""

    def __init__(self, source: object, realm: str) -> None:
        check_type("realm", realm, str)
        if not realm.isascii() or not realm.isprintable() or re.search(r'["\\]', realm):
            raise OptionError("realm must be visible ASCII, without quotes and backslashes")
        if not callable(source):
            check_type("users or tokens", source, Mapping)
        self.realm = realm

    def __call__(self, ws: WebSocket, request: ConnectionRequest) -> Awaitable[None] | None:
        """For ``process_request``."""
        found = self.find(ws.protocol, request)
        if isawaitable(found):
            return self._settle_later(ws.protocol, found)
        self._settle(ws.protocol, found)
        return None

    async def authenticate(self, protocol: Any, request: ConnectionRequest) -> Any:
        """For ``onConnect``: who is it?

        Args:
            protocol: the protocol object; its attribute ``user`` is set.
            request: what ``onConnect`` was given.

        Returns:
            The user, never None.

        Raises:
            ConnectionDeny: 401, to be let through.
        """
        found = self.find(protocol, request)
        self._settle(protocol, await found if isawaitable(found) else found)
        return protocol.user

    async def _settle_later(self, protocol: Any, found: Awaitable[Any]) -> None:
        self._settle(protocol, await found)

    def _settle(self, protocol: Any, user: Any) -> None:
        if user is None or user is False:
            raise self.refusal()
        protocol.user = user

    @abstractmethod
    def find(self, protocol: Any, request: ConnectionRequest) -> Any:
        """The user, or None or False; or something to be awaited for that."""

    @abstractmethod
    def refusal(self) -> ConnectionDeny:
        """What to answer who is not let in (RFC 9110, section 11.6.1)."""


class BasicAuthentication(Authentication):
    """What ``basic_auth`` returns."""

    def __init__(self, users: Mapping[str, str] | CheckUser, realm: str) -> None:
        super().__init__(users, realm)
        self._check: CheckUser = users if callable(users) else self._look_up
        self._digests: dict[str, bytes] = {}
        for user, password in users.items() if isinstance(users, Mapping) else ():
            if not isinstance(user, str) or not isinstance(password, str):
                raise OptionTypeError("users must be str, and so must be their passwords")
            if ":" in user:
                raise OptionError(f"user {user!r} must not have a colon (RFC 7617, section 2)")
            self._digests[user] = _digest(password)

    def find(self, protocol: Any, request: ConnectionRequest) -> Any:
        """Who is it?"""
        pair = self._pair(request.headers.get("authorization", ""))
        if pair is None:
            return None
        user, found = pair[0], self._check(*pair)
        return self._name_later(user, found) if isawaitable(found) else self._name(user, found)

    async def _name_later(self, user: str, found: Awaitable[Any]) -> Any:
        return self._name(user, await found)

    def _name(self, user: str, found: Any) -> Any:
        return user if found is True else found

    def _pair(self, header: str) -> tuple[str, str] | None:
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, password = (
                base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
            )
        except (binascii.Error, ValueError):
            return None
        return (user, password) if colon else None

    def _look_up(self, user: str, password: str) -> bool:
        # The same work whether there is such a user or not.
        right = hmac.compare_digest(_digest(password), self._digests.get(user, _KEY))
        return right and user in self._digests

    def refusal(self) -> ConnectionDeny:
        """What to answer who is not let in."""
        challenge = f'Basic realm="{self.realm}", charset="UTF-8"'
        return ConnectionDeny(401, headers={"WWW-Authenticate": challenge})


class BearerAuthentication(Authentication):
    """What ``bearer_auth`` returns."""

    def __init__(
        self, tokens: Mapping[str, Any] | CheckToken, realm: str, cookie: str | None
    ) -> None:
        super().__init__(tokens, realm)
        check_type("cookie", cookie, str, type(None))
        self.cookie = cookie
        self._check: CheckToken = tokens if callable(tokens) else self._look_up
        self._users: dict[bytes, Any] = {}
        for token, user in tokens.items() if isinstance(tokens, Mapping) else ():
            if not isinstance(token, str) or not TOKEN.fullmatch(token):
                raise OptionError("a token has letters, digits, and -._~+/, then perhaps =")
            self._users[_digest(token)] = user

    def find(self, protocol: Any, request: ConnectionRequest) -> Any:
        """Who is it?"""
        token = self._from_subprotocols(protocol, request)
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == BEARER:
            token = shown.strip()
        elif token is None and self.cookie is not None and _may_use_cookies(protocol, request):
            token = request.cookies.get(self.cookie)
        return None if token is None or not TOKEN.fullmatch(token) else self._check(token)

    def _from_subprotocols(self, protocol: Any, request: ConnectionRequest) -> str | None:
        """The token there; it is taken out of the request, so that nobody sees it in a log."""
        offered = request.protocols
        where = offered.index(BEARER) + 1 if BEARER in offered else len(offered)
        if where == len(offered):
            return None
        token = offered.pop(where)
        request.headers["sec-websocket-protocol"] = ", ".join(offered)
        protocol.implied_subprotocol = BEARER
        return token

    def _look_up(self, token: str) -> Any:
        # How long this takes depends on digests, of which nobody else can know the key.
        return self._users.get(_digest(token))

    def refusal(self) -> ConnectionDeny:
        """What to answer who is not let in."""
        return ConnectionDeny(401, headers={"WWW-Authenticate": f'Bearer realm="{self.realm}"'})


def _may_use_cookies(protocol: Any, request: ConnectionRequest) -> bool:
    """Whether cookies are shown by somebody who may: not by any page on the web."""
    if not request.origin or protocol.allowedOrigins != ["*"]:
        return True
    try:
        origin = parse_origin(request.origin)
    except HandshakeError:
        return False
    host, port = split_host(request.headers["host"])
    is_secure = protocol.transport.get_extra_info("ssl_object") is not None
    return origin != "null" and same_origin(
        origin, host, None if port is None else parse_port(port), is_secure
    )
