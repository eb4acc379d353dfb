"""Whose page sent a request, and what its browser calls the cookie."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.types import Scope

from app.http.origins import cookie_name, cookies, header, is_own_page, is_secure, origin_of

PUBLIC = "https://runwatch.example"


def scope(scheme: str = "http", **headers: Any) -> Scope:
    sent = []
    for name, values in headers.items():
        for value in [values] if isinstance(values, str) else values:
            sent.append((name.replace("_", "-").encode(), value.encode("latin-1")))
    return {"type": "http", "scheme": scheme, "headers": sent}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Runwatch.Example/path?x#y", "https://runwatch.example"),
        ("https://runwatch.example:443", "https://runwatch.example"),
        ("http://runwatch.example:443", "http://runwatch.example:443"),
        ("http://[::1]:80/", "http://[::1]"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        *((odd, None) for odd in ("", "null", "file:///x", "http://", "https://a@b.example", "http://a:b", "http://[")),
        *((odd, None) for odd in ("http://a:99999", "chrome-extension://abc", "runwatch.example")),
    ],
)
def test_origins(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "same-origin", "origin": "https://evil.example"}, True),  # a proxy that replaces the host
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "cross-site", "origin": "http://host:8000"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"sec_fetch_site": ["same-origin", "same-origin"]}, False),
        ({"sec_fetch_site": ["cross-site", "same-origin"], "origin": "http://host:8000"}, False),
        ({"origin": "http://host:8000"}, True),
        ({"origin": "HTTP://HOST:8000"}, True),
        ({"origin": "https://host:8000"}, False),
        ({"origin": "http://host"}, False),
        ({"origin": "http://host:8001"}, False),
        ({"origin": ["http://host:8000", "http://host:8000"]}, False),
        ({"origin": PUBLIC}, True),
        ({"origin": "http://runwatch.example"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_whose_page_it_is(headers: dict[str, Any], own: bool) -> None:
    assert is_own_page(scope(host="host:8000", **headers), PUBLIC) is own


def test_nobodys_page() -> None:
    assert not is_own_page(scope(origin="http://host"), "")
    assert not is_own_page(scope(origin="http://host", host=["host", "host"]), "")
    assert not is_own_page(scope(host=""), "")


@pytest.mark.parametrize(
    ("scheme", "host", "public", "secure"),
    [
        ("https", "anything", "", True),
        ("wss", "anything", "", True),
        ("http", "runwatch.example", PUBLIC, True),
        ("http", "RUNWATCH.example:443", PUBLIC, True),
        ("http", "runwatch.example:8000", PUBLIC, False),
        ("http", "runwatch.example", "http://runwatch.example", False),
        ("ws", "127.0.0.1:8000", PUBLIC, False),
        ("http", "runwatch.example", "", False),
        ("http", "", "", False),
    ],
)
def test_who_speaks_https(scheme: str, host: str, public: str, secure: bool) -> None:
    assert is_secure(scope(scheme, host=host), public) is secure


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:8000", "runwatch-8000"),
        ("localhost", "runwatch-80"),
        ("[::1]:8000", "runwatch-8000"),
        ("[::1]", "runwatch-80"),
        ("", "runwatch-80"),
        ("x:²", "runwatch-80"),
    ],
)
def test_names_of_cookies(host: str, name: str) -> None:
    assert cookie_name(scope(host=host), secure=False) == name
    assert cookie_name(scope(host=host), secure=True) == "__Host-runwatch"


def test_cookies_of_one_name() -> None:
    sent = scope(cookie=["a=1; b=2;a=3", "  a=4=5 ;ab=6; a", "=7"])
    assert cookies(sent, "a") == ["1", "3", "4=5", ""]
    assert cookies(sent, "c") == []


def test_only_headers() -> None:
    assert header(scope(a="1"), b"a") == "1"
    assert header(scope(a=["1", "2"]), b"a") is None
    assert header(scope(), b"a") is None
