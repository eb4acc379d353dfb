"""Only our own page can use the session that somebody has signed in to."""

from __future__ import annotations

from typing import Any

import pytest
import websockets

from specs.harness.driver import Runwatch
from specs.harness.own_page import SECRET, OwnPage, is_signed_out, role_in
from specs.test_sockets import code_of, said

# What a page, a program or a person tries with a session that is somebody else's, and what is sent then.
THREATS: dict[str, tuple[str, str, dict[str, str], dict[str, Any]]] = {
    "page of another site": ("POST", "/graphql", {"sec-fetch-site": "cross-site"}, {}),
    "page of another port": ("POST", "/graphql", {"sec-fetch-site": "same-site"}, {}),
    "typed address": ("POST", "/graphql", {"sec-fetch-site": "none"}, {}),
    "older browser, another origin": ("POST", "/graphql", {"sec-fetch-site": "", "origin": "https://evil.example"}, {}),
    "older browser, sandboxed frame": ("POST", "/graphql", {"sec-fetch-site": "", "origin": "null"}, {}),
    "older browser, no origin": ("POST", "/graphql", {"sec-fetch-site": ""}, {}),
    "program without the second secret": ("POST", "/graphql", {SECRET: ""}, {}),
    "program with another secret": ("POST", "/graphql", {SECRET: "x" * 43}, {}),
    "form, text/plain": ("POST", "/graphql", {"content-type": "text/plain"}, {"content": b'{"query": "{a}"}'}),
    "form, url-encoded": (
        "POST",
        "/graphql",
        {"content-type": "application/x-www-form-urlencoded"},
        {"content": b"query={a}"},
    ),
    "link": ("GET", "/graphql?query={viewer{name}}", {}, {}),
    "events": ("POST", "/api/events", {"content-type": "application/json"}, {"content": b"[]"}),
    "unknown path below": ("POST", "/graphql/x", {}, {}),
    "bad bearer beside it": ("POST", "/graphql", {"authorization": "Bearer nonsense"}, {}),
    "empty bearer beside it": ("POST", "/graphql", {"authorization": "Bearer"}, {}),
    "two cookies of the name": ("POST", "/graphql", {"cookie": "twice"}, {}),
}


@pytest.mark.parametrize("threat", THREATS)
def test_session_006_nobody_elses_request_has_the_session(runwatch: Runwatch, threat: str) -> None:
    """A cookie MUST count only in a POST of JSON to /graphql, by our own page, alone, with the second secret."""
    method, path, headers, more = THREATS[threat]
    browser = OwnPage(runwatch.url).signed_in(token=runwatch.admin)
    if "cookie" in headers:
        headers = {"cookie": f"{browser.cookie}; {browser.cookie}"}
    body = {} if more or method == "GET" else {"json": {"query": "{ viewer { name role } }"}}
    assert is_signed_out(browser.send(method, path, headers=headers, **more, **body))
    # By the same browser, from our own page: so the table refuses for the reason that it names.
    assert role_in(browser.ask()) == "ADMIN"
    assert role_in(browser.ask(headers={"sec-fetch-site": "", "origin": runwatch.url})) == "ADMIN"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "", "origin": "https://evil.example"},
        {"sec-fetch-site": "", "origin": "null"},
    ],
    ids=str,
)
def test_session_006_nobody_else_signs_in_or_out(runwatch: Runwatch, headers: dict[str, str]) -> None:
    """A page of another origin MUST NOT sign anybody in (as somebody else) or out."""
    browser = OwnPage(runwatch.url).signed_in(token=runwatch.token("viewer"))
    for method in ("POST", "PATCH", "DELETE"):
        answer = browser.send(method, "/session", headers=headers, json={"token": runwatch.admin})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    form = browser.send("POST", "/session", headers={"content-type": "text/plain"}, content=b'{"token": "x"}')
    assert form.status_code == 415
    assert role_in(browser.ask()) == "VIEWER"


@pytest.mark.parametrize(
    "threat", ["another origin", "another site", "no proof", "no secret", "another secret", "bad bearer", "two cookies"]
)
async def test_session_006_nobody_elses_socket_has_the_session(runwatch: Runwatch, threat: str) -> None:
    """A socket MUST have the session only by our own page, with the second secret, and without a bearer."""
    browser = OwnPage(runwatch.url, {}).signed_in(token=runwatch.admin)
    origin: str | None = runwatch.url
    headers: dict[str, str] = {}
    payload: dict[str, Any] = {"session": browser.secret}
    async with browser.socket(payload, origin) as socket:
        assert await said(socket) == {"type": "connection_ack"}
    match threat:
        case "another origin":
            origin = "https://evil.example"
        case "another site":
            headers = {"sec-fetch-site": "cross-site"}
        case "no proof":
            origin = None
        case "no secret":
            payload = {}
        case "another secret":
            payload = {"session": "x" * 43}
        case "bad bearer":
            payload |= {"authorization": "Bearer nonsense"}
        case "two cookies":
            headers = {"cookie": f"{browser.cookie}; {browser.cookie}"}
    if threat.startswith("another ") and threat != "another secret":
        with pytest.raises(websockets.InvalidStatus, match="403"):
            async with browser.socket(payload, origin, **headers):
                pass
        return
    async with browser.socket(payload, origin, **headers) as socket:
        assert await code_of(socket) == 4401
