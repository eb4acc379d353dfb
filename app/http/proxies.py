"""Reverse proxies: whom to believe when they say for whom a request is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from app.delivery.addresses import Address, Network, effective

_SCHEMES = {"http": {"http": "http", "https": "https"}, "websocket": {"http": "ws", "https": "wss"}}


class Proxies:
    """ASGI: X-Forwarded-For, -Proto and -Host of the `trusted` count; those of everybody else do not."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = trusted

    # By its being a coroutine function servers tell what ASGI this is; those within need not be.
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if self._trusted and scope["type"] != "lifespan":
            peer = _address((scope.get("client") or ("", 0))[0])
            if peer is not None and self._trusts(peer):
                scope = self._forwarded(scope)
        await self._app(scope, receive, send)

    def _trusts(self, address: Address) -> bool:
        return any(effective(address) in network for network in self._trusted)

    def _forwarded(self, scope: Scope) -> Scope:
        forwarded = dict(scope)
        client = self._client(_values(scope, b"x-forwarded-for"))
        if client is not None:
            forwarded["client"] = (str(client), 0)
        # The last one is from the proxy that we know.
        scheme = _SCHEMES[scope["type"]].get(_last(scope, b"x-forwarded-proto").lower())
        if scheme is not None:
            forwarded["scheme"] = scheme
        if host := _last(scope, b"x-forwarded-host"):
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            forwarded["headers"] = [*others, (b"host", host.encode("latin-1"))]
        return forwarded

    def _client(self, chain: Iterable[str]) -> Address | None:
        """The last address that is not a trusted proxy: what stands before it, anybody can have written."""
        client = None
        for each in reversed(list(chain)):
            address = _address(each)
            if address is None:
                break
            client = address
            if not self._trusts(address):
                break
        return client


def _values(scope: Scope, name: bytes) -> list[str]:
    joined = b",".join(value for key, value in scope["headers"] if key == name).decode("latin-1")
    return [part.strip() for part in joined.split(",") if part.strip()]


def _last(scope: Scope, name: bytes) -> str:
    values = _values(scope, name)
    return values[-1] if values else ""


def _address(text: str) -> Address | None:
    """With or without a port: `1.2.3.4:80`, `[::1]:80`, `::1`."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    with suppress(ValueError):
        return ip_address(text)
    return None
