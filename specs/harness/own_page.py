"""A page of ours, as the server sees it: its cookie, its second secret, and where it says that it comes from."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Origin, Subprotocol

SECRET = "x-runwatch-session"
OWN: Mapping[str, str] = {"sec-fetch-site": "same-origin"}
VIEWER = "{ viewer { name role } }"


class OwnPage:
    """A page's requests. `cookie` is what the browser sends, `secret` what the page keeps beside it."""

    def __init__(self, url: str, headers: Mapping[str, str] = OWN) -> None:
        self.url = url
        self.headers = dict(headers)
        self.cookie = ""
        self.secret: str | None = None

    def sign_in(self, **credential: str) -> httpx.Response:
        """POST /session; keeps what it gives."""
        answer = self.send("POST", "/session", json=credential)
        if answer.status_code == 204:
            self.keep(answer)
        return answer

    def signed_in(self, **credential: str) -> OwnPage:
        """The same page, which must get in."""
        answer = self.sign_in(**credential)
        assert answer.status_code == 204, answer.text
        return self

    def keep(self, answer: httpx.Response) -> None:
        """Store the cookie and the second secret of an answer."""
        cookie = cookie_of(answer)
        self.cookie, self.secret = f"{cookie.key}={cookie.value}", answer.headers.get(SECRET)

    def ask(self, document: str = VIEWER, **more: Any) -> httpx.Response:
        """POST /graphql as the page does."""
        return self.send("POST", "/graphql", json={"query": document}, **more)

    def send(self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        """A request with cookie and secret; `headers` replace ours, and leave out those that are ""."""
        ours = {**self.headers, "cookie": self.cookie, SECRET: self.secret or "", **(headers or {})}
        sent = {name: value for name, value in ours.items() if value}
        return httpx.request(method, f"{self.url}{path}", headers=sent, timeout=30, **more)

    @asynccontextmanager
    async def socket(
        self, payload: Mapping[str, Any] | None = None, origin: str | None = None, **headers: str
    ) -> AsyncIterator[ClientConnection]:
        """A socket whose connection_init was sent."""
        sent = {name: value for name, value in {**self.headers, "cookie": self.cookie, **headers}.items() if value}
        async with websockets.connect(
            self.url.replace("http", "ws", 1) + "/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            additional_headers=sent,
            origin=None if origin is None else Origin(origin),
            proxy=None,
            close_timeout=2,
        ) as connection:
            given = ({"session": self.secret} if self.secret else {}) if payload is None else dict(payload)
            await connection.send(json.dumps({"type": "connection_init", "payload": given}))
            yield connection


def cookie_of(answer: httpx.Response) -> Morsel[str]:
    """The only cookie that an answer sets."""
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    return cookie


def is_signed_out(answer: httpx.Response) -> bool:
    """The request was anonymous, or its session is over."""
    return answer.status_code == 401 and answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def role_in(answer: httpx.Response) -> str:
    """Who a request was, by the answer."""
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["viewer"]["role"])
