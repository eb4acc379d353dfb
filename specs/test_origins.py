"""Which hosts the server is, whom it believes, and which pages of others may use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from specs.conftest import database_of
from specs.harness.driver import Runwatch, Server, unique
from specs.harness.own_page import SECRET, OwnPage, cookie_of, is_signed_out
from specs.test_sockets import code_of, said

PUBLIC = "https://runwatch.example"
TOOLS = "https://tools.example"
QUERY = {"query": "{ viewer { role } }"}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def behind_a_proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runwatch]:
    """A server behind a proxy with TLS, which is a program of this machine: these specs."""
    folder = tmp_path_factory.mktemp("proxied")
    with database_of(request, folder) as url:
        server = Server(folder, url)
        server.environment |= {
            "RUNWATCH_PUBLIC_URL": PUBLIC,
            "RUNWATCH_ALLOWED_HOSTS": "other.example",
            "RUNWATCH_ALLOWED_ORIGINS": f"{TOOLS}, http://localhost:3000",
            "RUNWATCH_TRUSTED_PROXIES": "127.0.0.1",
            "RUNWATCH_MAX_FAILED_SIGN_INS_PER_MINUTE": "12",
        }
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        yield runwatch
        runwatch.close()
        server.kill()


def get(runwatch: Runwatch, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{runwatch.url}{path}", headers=headers, timeout=30)


def known(runwatch: Runwatch, host: str) -> bool:
    """Whether a request to that host is answered."""
    answer = get(runwatch, "/", host=host)
    assert answer.status_code in (200, 421)
    return answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "localhost.evil.example"]
)
async def test_session_010_a_rebound_name_reaches_nothing(runwatch: Runwatch, host: str) -> None:
    """A page whose name was made to lead here MUST get a 421 at every door, and no socket."""
    bearer = {"host": host, "authorization": f"Bearer {runwatch.admin}"}
    for path in ("/", "/graphql?query={viewer{name}}", "/api/events", "/admin/automations/history", "/nothing"):
        answer = get(runwatch, path, **bearer)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (421, "BAD_USER_INPUT")
    assert httpx.post(f"{runwatch.url}/session", headers=bearer, json={"token": runwatch.admin}).status_code == 421
    assert get(runwatch, "/health", **bearer).status_code == 200
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect(f"{runwatch.url.replace('http', 'ws')}/graphql", additional_headers=bearer):
            pass
    # The client sends two then, its own first: refused as well.
    assert refused.value.response.status_code in (421, 400)


def test_session_010_known_hosts_are_answered(runwatch: Runwatch, behind_a_proxy: Runwatch) -> None:
    """Addresses, names without a dot, the public URL's host and allowed hosts MUST be answered."""
    for host in ("127.0.0.1", "localhost", "localhost:1", "[::1]:8000", "192.0.2.7:80", "runwatch", "LOCALHOST"):
        assert known(runwatch, host), host
        assert known(behind_a_proxy, host), host
    for host in ("runwatch.example", "other.example", "OTHER.example:8443", "other.example."):
        assert known(behind_a_proxy, host), host
        assert not known(runwatch, host), host


def test_session_017_pages_stay_on_the_host_that_was_printed(runwatch: Runwatch, behind_a_proxy: Runwatch) -> None:
    """A page under another name of this machine MUST lead to the printed one: a session belongs to a name."""
    html, port = {"accept": "text/html"}, runwatch.url.rpartition(":")[2]
    for path in ("/admin/automations/history?status=FAILURE", "/graphiql", "/admin", "/"):
        for host in (f"localhost:{port}", f"[::1]:{port}", "LOCALHOST"):
            answer = get(runwatch, path, host=host, **html)
            assert answer.status_code == 303, (path, host)
            there = f"http://127.0.0.1{'' if ':' not in host else ':' + port}"
            assert answer.headers["location"].rstrip("/") == f"{there}{path}".rstrip("/")
        assert "http://" not in get(runwatch, path, **html).headers.get("location", "")
        for host in ("192.0.2.7", "runwatch"):
            assert "127.0.0.1" not in get(runwatch, path, host=host, **html).headers.get("location", "")
    for path in ("/graphql?query={viewer{name}}", "/api/events", "/health", "/"):
        assert get(runwatch, path, host="localhost").status_code != 303, "a program's request stays where it is"
    assert "127.0.0.1" not in get(behind_a_proxy, "/admin", host="localhost", **html).headers["location"]


@pytest.mark.parametrize("path", ["/runwatch", "/tools/runwatch/"])
def test_session_018_a_public_url_with_a_path_is_refused(tmp_path: Path, path: str) -> None:
    """RUNWATCH_PUBLIC_URL with a path MUST refuse the start and say why: page, cookie and links are at the root."""
    server = Server(tmp_path, "")
    server.environment["RUNWATCH_PUBLIC_URL"] = f"https://example.com{path}"
    with pytest.raises(RuntimeError, match="must not have a path"):
        server.start()
    server.kill()


def test_session_011_over_https_the_cookie_is_bound_to_the_host(behind_a_proxy: Runwatch) -> None:
    """Over https, as the public URL or a trusted proxy says, the cookie MUST be __Host- and Secure, alone."""
    for headers in (
        {"host": "runwatch.example"},
        {"host": "other.example", "x-forwarded-proto": "https"},
        {"x-forwarded-host": "other.example", "x-forwarded-proto": "https"},
    ):
        browser = OwnPage(behind_a_proxy.url, {"sec-fetch-site": "same-origin", **headers})
        answer = browser.sign_in(token=behind_a_proxy.admin)
        cookie = cookie_of(answer)
        assert (cookie.key, cookie["secure"], cookie["path"], cookie["domain"]) == ("__Host-runwatch", True, "/", "")
        assert SECRET not in answer.headers
        assert browser.ask().status_code == 200
        # An older browser, whose Origin must be that of the host that it sees.
        host = headers.get("x-forwarded-host", headers.get("host"))
        for origin, status in ((f"https://{host}", 200), (f"http://{host}", 401), (TOOLS, 401)):
            assert browser.ask(headers={"sec-fetch-site": "", "origin": origin}).status_code == status, origin


def test_session_012_nobody_is_believed_who_is_no_proxy(runwatch: Runwatch) -> None:
    """X-Forwarded-* of anybody but RUNWATCH_TRUSTED_PROXIES MUST NOT count."""
    forwarded = {"x-forwarded-proto": "https", "x-forwarded-host": "evil.example", "x-forwarded-for": "192.0.2.1"}
    browser = OwnPage(runwatch.url, {"sec-fetch-site": "same-origin", **forwarded})
    answer = browser.sign_in(token=runwatch.admin)
    assert cookie_of(answer).key.startswith("runwatch-")
    assert SECRET in answer.headers
    own = {"sec-fetch-site": "", "origin": "https://evil.example"}
    assert is_signed_out(browser.ask(headers=own))


def test_session_012_failures_are_those_of_the_address_behind_the_proxy(behind_a_proxy: Runwatch) -> None:
    """Behind a trusted proxy, one address's failures MUST NOT count for another's; what it made up does not help it."""

    def fail(forwarded_for: str) -> int:
        headers = {"sec-fetch-site": "same-origin", "x-forwarded-for": forwarded_for}
        return OwnPage(behind_a_proxy.url, headers).sign_in(token=unique("guess")).status_code

    guesses = [fail(f"198.51.100.{number}, 192.0.2.1") for number in range(12)]
    assert set(guesses) == {401}
    # A slow machine is forgiven one every five seconds.
    assert any(fail(f"198.51.100.{number}, 192.0.2.1") == 429 for number in range(100, 200))
    assert fail("192.0.2.2") == 401
    assert any(fail("192.0.2.1, 127.0.0.1") == 429 for _ in range(10))


def allowed(answer: httpx.Response) -> str | None:
    assert "access-control-allow-credentials" not in answer.headers
    origin: str | None = answer.headers.get("access-control-allow-origin")
    return origin


@pytest.mark.parametrize("origin", [TOOLS, "http://localhost:3000"])
def test_session_013_pages_of_listed_origins_use_the_api(behind_a_proxy: Runwatch, origin: str) -> None:
    """RUNWATCH_ALLOWED_ORIGINS MUST let pages read answers, preflights without a sign-in, never with credentials."""
    url, bearer = behind_a_proxy.url, {"authorization": f"Bearer {behind_a_proxy.admin}", "origin": origin}
    for path in ("/graphql", "/api/events"):
        preflight = httpx.options(
            f"{url}{path}",
            headers={
                "origin": origin,
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization,content-type",
            },
        )
        assert (preflight.status_code, allowed(preflight)) == (204, origin)
        assert "POST" in preflight.headers["access-control-allow-methods"]
        given = {each.strip() for each in preflight.headers["access-control-allow-headers"].split(",")}
        assert {"authorization", "content-type"} <= given
    answer = httpx.post(f"{url}/graphql", json=QUERY, headers=bearer)
    assert (answer.json(), allowed(answer)) == ({"data": {"viewer": {"role": "ADMIN"}}}, origin)
    assert "Origin" in answer.headers["vary"]
    refused = httpx.post(f"{url}/graphql", json=QUERY, headers={"origin": origin})
    assert (refused.status_code, allowed(refused)) == (401, origin), "the page sees why"


async def test_session_013_a_listed_origin_has_no_session(behind_a_proxy: Runwatch) -> None:
    """A cookie MUST NOT count for another origin, listed or not, over HTTP or a socket; /session is not for it."""
    browser = OwnPage(behind_a_proxy.url, {"host": "runwatch.example", "origin": PUBLIC})
    browser.signed_in(token=behind_a_proxy.admin)
    assert browser.ask().status_code == 200
    for foreign in ({"origin": TOOLS}, {"origin": TOOLS, "sec-fetch-site": "cross-site"}):
        assert is_signed_out(browser.ask(headers=foreign))
        answer = browser.send("POST", "/session", headers=foreign, json={"token": behind_a_proxy.admin})
        assert (answer.status_code, allowed(answer)) == (403, None)
    # The proxy names the host: a WebSocket client cannot.
    page = OwnPage(behind_a_proxy.url, {"x-forwarded-host": "runwatch.example"})
    page.cookie = browser.cookie
    for origin, expected in ((PUBLIC, 0), (TOOLS, 4401)):
        async with page.socket({}, origin) as connection:
            if expected:
                assert await code_of(connection) == expected
            else:
                assert await said(connection) == {"type": "connection_ack"}


def test_session_013_other_origins_read_nothing(runwatch: Runwatch, behind_a_proxy: Runwatch) -> None:
    """Without the setting, and for origins that it does not list, no answer MUST be readable."""
    preflight = {"access-control-request-method": "POST"}
    for server, origins in ((runwatch, (TOOLS,)), (behind_a_proxy, ("https://evil.example", "null", TOOLS + ".evil"))):
        for origin in origins:
            answer = httpx.options(f"{server.url}/graphql", headers={"origin": origin, **preflight})
            assert (answer.status_code, allowed(answer)) == (401, None)
            bearer = {"authorization": f"Bearer {server.admin}", "origin": origin}
            answer = httpx.post(f"{server.url}/graphql", json=QUERY, headers=bearer)
            assert (answer.status_code, allowed(answer)) == (200, None)


async def test_session_019_sockets_of_other_pages(behind_a_proxy: Runwatch) -> None:
    """A socket MUST open for programs, our own page and listed origins, by bearer; for any other page it MUST NOT."""
    payload = {"authorization": f"Bearer {behind_a_proxy.admin}"}
    page = OwnPage(behind_a_proxy.url, {"x-forwarded-host": "runwatch.example"})
    for origin in (None, PUBLIC, TOOLS, "http://localhost:3000"):
        async with page.socket(payload, origin) as connection:
            assert await said(connection) == {"type": "connection_ack"}, origin
    for origin in ("https://evil.example", "null", f"{TOOLS}.evil.example", "http://runwatch.example"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with page.socket(payload, origin):
                pass
        answer = refused.value.response
        assert (answer.status_code, answer.headers["x-content-type-options"]) == (403, "nosniff")
        assert json.loads(answer.body or b"")["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    # No page can send that header on a socket: it is a program.
    async with page.socket({}, "https://evil.example", **payload) as connection:
        assert await said(connection) == {"type": "connection_ack"}


def test_session_014_a_browser_is_led_to_the_page(runwatch: Runwatch) -> None:
    """GET / MUST lead a browser to the history, and list the doors to everybody else; old links lead to the run."""
    html: dict[str, Any] = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = get(runwatch, "/", **html)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/automations/history")
    assert "POST /graphql" in get(runwatch, "/").json()["doors"]
    id_ = "execution_" + "0" * 32
    answer = get(runwatch, f"/executions/{id_}", **html)
    assert (answer.status_code, answer.headers["location"]) == (308, f"/admin/automations/executions/{id_}")
    for path in ("/executions//evil.example", "/executions/%2F%2Fevil.example", "/executions/..%2F..%2Fx"):
        location = get(runwatch, path, **html).headers.get("location", "/admin/automations/executions/")
        assert location.startswith("/admin/automations/executions/"), location
