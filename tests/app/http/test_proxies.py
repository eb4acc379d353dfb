"""Whose X-Forwarded headers count, and what they say."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from app.http.proxies import Proxies
from app.settings import Settings

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"), ip_network("fd00::/8")]


async def forwarded(peer: str | None, type_: str = "http", **headers: Any) -> dict[str, Any]:
    """What the application sees of a request."""
    sent = [(b"host", b"inside")]
    for name, values in headers.items():
        for value in [values] if isinstance(values, str) else values:
            sent.append((f"x-forwarded-{name}".encode(), value.encode("latin-1")))
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def never(*_: Any) -> Any:
        pytest.fail("nothing is received or sent")

    scheme = "http" if type_ == "http" else "ws"
    client = None if peer is None else (peer, 1)
    scope: Scope = {"type": type_, "scheme": scheme, "client": client, "headers": sent}
    await Proxies(app, TRUSTED)(scope, never, never)
    [found] = seen
    hosts = [value.decode() for name, value in found["headers"] if name == b"host"]
    return {"client": found["client"] and found["client"][0], "scheme": found["scheme"], "hosts": hosts}


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("198.51.100.1, 192.0.2.1", "192.0.2.1"),
        ("198.51.100.1, 192.0.2.1, 10.1.2.3", "192.0.2.1"),
        (["198.51.100.1", "192.0.2.1, fd00::1"], "192.0.2.1"),
        ("10.1.2.3, 10.4.5.6", "10.1.2.3"),
        ("nonsense, 10.4.5.6", "10.4.5.6"),
        ("nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
        (" , ", "127.0.0.1"),
    ],
    ids=str,
)
async def test_for_whom_a_request_is(chain: Any, client: str) -> None:
    assert (await forwarded("127.0.0.1", **{"for": chain}))["client"] == client


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.255.0.1", "::ffff:10.0.0.1", "fd12::1"])
async def test_a_proxy_that_is_trusted(peer: str) -> None:
    seen = await forwarded(peer, **{"for": "192.0.2.1", "proto": "http, HTTPS", "host": "a.example, outside.example"})
    assert seen == {"client": "192.0.2.1", "scheme": "https", "hosts": ["outside.example"]}
    assert (await forwarded(peer, "websocket", proto="https"))["scheme"] == "wss"
    assert (await forwarded(peer, proto="gopher"))["scheme"] == "http"
    assert (await forwarded(peer))["hosts"] == ["inside"]


@pytest.mark.parametrize("peer", ["127.0.0.2", "192.0.2.1", "::1", "", "testclient", None])
async def test_anybody_else(peer: str | None) -> None:
    seen = await forwarded(peer, **{"for": "10.0.0.1", "proto": "https", "host": "outside.example"})
    assert seen == {"client": peer, "scheme": "http", "hosts": ["inside"]}


@pytest.mark.parametrize(
    "settings",
    [
        {"trusted_proxies": "proxy.example"},
        {"trusted_proxies": "*"},
        {"trusted_proxies": "10.0.0.1/8"},
        {"allowed_origins": "*"},
        {"allowed_origins": "tools.example"},
        {"allowed_origins": "https://tools.example/"},
        {"allowed_origins": "https://Tools.example"},
        {"allowed_origins": "https://a@tools.example"},
        {"allowed_origins": "https://tools.example, null"},
    ],
    ids=str,
)
def test_settings_that_mean_nothing(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, **settings)


def test_settings_are_lists() -> None:
    made = Settings.model_validate(
        {"trusted_proxies": "10.0.0.1, fd00::/8", "allowed_origins": "http://localhost:3000,"}
    )
    assert [str(each) for each in made.trusted_proxies] == ["10.0.0.1/32", "fd00::/8"]
    assert made.allowed_origins == ("http://localhost:3000",)
