"""People sign in with a browser, once, and only their own page can use that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from specs.harness.driver import Runwatch, unique
from specs.harness.outage import outage
from specs.harness.own_page import OWN, SECRET, OwnPage, cookie_of, is_signed_out, role_in
from specs.harness.servers import PostgresServer
from specs.harness.waiting import soon
from specs.test_sockets import code_of, said, subscribe

REFUSED = "Unknown or expired token, code or session"
# Follows what no other test changes.
QUIET = 'subscription { executionUpdated(filter: {workflowName: ["nobody reports this"]}) { cursor } }'


def link_for(runwatch: Runwatch, token: str) -> str:
    """A link that signs in as the holder of a token."""
    return runwatch.cli("sign-in-link", "--token", token.rpartition("_")[0])


def code_for(runwatch: Runwatch, token: str) -> str:
    """The code in such a link."""
    return urlsplit(link_for(runwatch, token)).fragment.removeprefix("code=")


def is_refused(answer: httpx.Response) -> bool:
    """Whatever was wrong with a credential, the answer is the same."""
    return (answer.status_code, answer.json()["errors"][0]["message"]) == (401, REFUSED)


def test_session_001_a_token_becomes_a_cookie(runwatch: Runwatch) -> None:
    """Over plain http the cookie MUST carry the port, be out of scripts' reach, and need the second secret."""
    browser = OwnPage(runwatch.url)
    answer = browser.sign_in(token=runwatch.token("viewer"))
    cookie = cookie_of(answer)
    assert cookie.key == f"runwatch-{urlsplit(runwatch.url).port}"
    assert (cookie["httponly"], cookie["samesite"].lower(), cookie["path"]) == (True, "strict", "/")
    assert (cookie["secure"], cookie["domain"]) == ("", "")
    assert answer.headers["cache-control"] == "no-store"
    assert role_in(browser.ask()) == "VIEWER"
    for secret in ("", "x", cookie.value):
        assert is_signed_out(browser.ask(headers={SECRET: secret}))
    assert cookie.value not in runwatch.url
    admin = OwnPage(runwatch.url).sign_in(token=runwatch.admin)
    assert int(cookie_of(admin)["max-age"]) == 12 * 3600
    assert int(cookie["max-age"]) > 365 * 24 * 3600, "a VIEWER's session moves on, so the browser keeps its cookie"


def test_session_002_a_code_signs_in_once(runwatch: Runwatch) -> None:
    """A one-time code MUST be in the link's fragment, sign in as its token, and be spent then."""
    token = runwatch.token("viewer")
    link = urlsplit(link_for(runwatch, token))
    assert (link.path, link.query) == ("/admin/automations/sign-in", "")
    code = link.fragment.removeprefix("code=")
    browser = OwnPage(runwatch.url).signed_in(code=code)
    assert role_in(browser.ask()) == "VIEWER"
    for spent in (code, code[:-1], code.swapcase(), token):
        assert is_refused(OwnPage(runwatch.url).sign_in(code=spent))
    late = code_for(runwatch, token)
    runwatch.cli("token", "revoke", token.rpartition("_")[0])
    assert is_refused(OwnPage(runwatch.url).sign_in(code=late)), "the code of a token that was revoked since"
    assert is_signed_out(browser.ask())


def test_session_002_codes_are_for_people(runwatch: Runwatch) -> None:
    """A code for a RUNNER's token, or one that is not valid, MUST be refused, and so must its sign-in."""
    runner = runwatch.token("runner", unique("engine"))
    with pytest.raises(AssertionError, match="RUNNER is for an engine"):
        link_for(runwatch, runner)
    with pytest.raises(AssertionError, match="No token has this"):
        runwatch.cli("sign-in-link", "--token", "nobody's")
    answer = OwnPage(runwatch.url).sign_in(token=runner)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")


def test_session_003_a_sign_in_is_a_new_session(runwatch: Runwatch) -> None:
    """A sign-in MUST NOT take over an id that it was given, and MUST end the session that was presented."""
    token = runwatch.token("viewer")
    victim = OwnPage(runwatch.url)
    victim.cookie = f"runwatch-{urlsplit(runwatch.url).port}=planted"
    victim.signed_in(token=token)
    assert "planted" not in victim.cookie
    before = OwnPage(runwatch.url)
    before.cookie, before.secret = victim.cookie, victim.secret
    assert role_in(before.ask()) == "VIEWER"
    victim.signed_in(token=runwatch.admin)
    assert victim.cookie != before.cookie
    assert role_in(victim.ask()) == "ADMIN"
    assert is_signed_out(before.ask())
    # The same browser's failed attempt changes nothing.
    assert is_refused(victim.sign_in(token="nonsense"))
    assert role_in(victim.ask()) == "ADMIN"


def test_session_003_a_link_replaces_nobody_silently(runwatch: Runwatch) -> None:
    """A code of somebody else MUST be refused with both names, and stay good, until the page says `replace`."""
    names = {role: unique(role) for role in ("viewer", "admin")}
    secrets = {role: runwatch.cli("token", "create", "--role", role, "--name", name) for role, name in names.items()}
    browser = OwnPage(runwatch.url).signed_in(token=secrets["viewer"])
    code = code_for(runwatch, secrets["admin"])
    answer = browser.sign_in(code=code)
    told = answer.json()["errors"][0]["extensions"]
    assert (answer.status_code, told["code"]) == (409, "CONFLICT")
    assert (told["signedIn"], told["offered"]) == (names["viewer"], names["admin"])
    assert "set-cookie" not in answer.headers
    assert role_in(browser.ask()) == "VIEWER"
    # A code that is not good says nothing of the session, and takes nothing of it.
    assert is_refused(browser.sign_in(code="nonsense"))
    assert role_in(browser.ask()) == "VIEWER"
    own = code_for(runwatch, secrets["viewer"])
    assert browser.sign_in(code=own).status_code == 204, "of the same token there is nothing to ask"
    answer = browser.send("POST", "/session", json={"code": code, "replace": True})
    assert answer.status_code == 204
    browser.keep(answer)
    assert role_in(browser.ask()) == "ADMIN"
    # Without the second secret it is nobody's session: there is nobody to ask for.
    stranger = OwnPage(runwatch.url)
    stranger.cookie = browser.cookie
    assert stranger.sign_in(code=code_for(runwatch, secrets["viewer"])).status_code == 204


async def test_session_004_sign_out_ends_the_session_and_its_sockets(runwatch: Runwatch) -> None:
    """Sign-out MUST end the session at once, and close its sockets with 4403; other sessions go on."""
    token = runwatch.token("viewer")
    browser, other = OwnPage(runwatch.url).signed_in(token=token), OwnPage(runwatch.url).signed_in(token=token)
    async with browser.socket() as socket, other.socket() as left:
        for each in (socket, left):
            assert await said(each) == {"type": "connection_ack"}
            await subscribe(each, "1", QUIET)
        answer = browser.send("DELETE", "/session")
        assert answer.status_code == 204
        assert cookie_of(answer)["max-age"] == "0"
        assert answer.headers["clear-site-data"] == '"storage"'
        assert is_signed_out(browser.ask())
        assert await code_of(socket) == 4403
        await subscribe(left, "2", "{ viewer { role } }")
        assert (await said(left))["payload"]["data"] == {"viewer": {"role": "VIEWER"}}
    assert role_in(other.ask()) == "VIEWER"
    assert browser.send("PATCH", "/session").status_code == 401
    assert other.send("PATCH", "/session").status_code == 204
    assert other.send("PATCH", "/session", headers={SECRET: ""}).status_code == 401


def test_session_004_who_comes_and_goes_is_audited(runwatch: Runwatch) -> None:
    """Sign-in, sign-out and sign-in links MUST be in the audit log, under the token's name."""
    name = unique("someone")
    token = runwatch.cli("token", "create", "--role", "viewer", "--name", name)
    OwnPage(runwatch.url).signed_in(code=code_for(runwatch, token)).send("DELETE", "/session")
    answer = runwatch.ask("{ auditLog(first: 100) { nodes { actor action } } }")
    found = [each["action"] for each in answer["data"]["auditLog"]["nodes"] if each["actor"] == name]
    assert found == ["signOut", "signIn", "signInLink"]


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_session_015_a_session_ends_with_its_token(runwatch: Runwatch, role: str) -> None:
    """A session MUST last 12 hours or until the end of its token; renewing it MUST NOT lead beyond that."""
    secret = runwatch.cli("token", "create", "--role", role, "--name", unique("short"), "--days", "0.1")
    browser, wide = OwnPage(runwatch.url).signed_in(token=secret), OwnPage(runwatch.url)
    wide.signed_in(token=runwatch.token(role))

    def hours(page: OwnPage) -> float:
        ends = page.ask("{ viewer { expiresAt } }").json()["data"]["viewer"]["expiresAt"]
        return (datetime.fromisoformat(ends) - datetime.now(UTC)) / timedelta(hours=1)

    for _ in range(2):
        assert 2.3 < hours(browser) <= 2.4
        assert 11.9 < hours(wide) <= 12
        assert browser.send("PATCH", "/session").status_code == wide.send("PATCH", "/session").status_code == 204


async def test_session_016_with_the_database_away_a_session_waits(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    """With the database away, requests with a session MUST be 503, never 401, its socket MUST say to come back."""
    with outage(postgres_server, tmp_path) as (away, way):
        browser = OwnPage(away.url, {}).signed_in(token=away.admin)
        code = code_for(away, away.admin)
        headers = {"origin": away.url}
        async with browser.socket(origin=away.url) as socket:
            assert await said(socket) == {"type": "connection_ack"}
            with way.cut():
                answers = [
                    browser.ask(headers=headers),
                    *(browser.send(method, "/session", headers=headers) for method in ("PATCH", "DELETE")),
                    browser.send("POST", "/session", headers=headers, json={"token": away.admin}),
                    browser.send("POST", "/session", headers=headers, json={"code": code}),
                ]
                assert [answer.status_code for answer in answers] == [503] * 5
                assert all(answer.headers["retry-after"] == "1" for answer in answers)
                assert not any("set-cookie" in answer.headers for answer in answers)
                await subscribe(socket, "1", QUIET)
                assert await code_of(socket) == 1013
        soon(lambda: browser.ask(headers=headers).status_code == 200)
        assert role_in(browser.ask(headers=headers)) == "ADMIN"
        assert browser.send("POST", "/session", headers=headers, json={"code": code}).status_code == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"token": 1}', 400),
        (b'{"token": "x", "code": "y"}', 400),
        (b'{"password": "x"}', 400),
        (b'{"token": "\\ud800"}', 400),
        (b"\xff", 400),
        (b'{"code": "' + b"x" * 20_000 + b'"}', 413),
        (b'{"code": "\\u0000"}', 401),
        ('{"token": "ä"}'.encode(), 401),
    ],
)
def test_session_007_a_malformed_sign_in_says_so(runwatch: Runwatch, body: bytes, status: int) -> None:
    """A body that is no credential MUST be refused with a code, and never with an internal error."""
    headers = {**OWN, "content-type": "application/json"}
    answer = httpx.post(f"{runwatch.url}/session", content=body, headers=headers, timeout=30)
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["extensions"]["code"] != "INTERNAL"
    assert "set-cookie" not in answer.headers
