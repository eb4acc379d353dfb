"""People sign in with an OpenID Connect provider, and with nothing that only looks like it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from specs.conftest import database_of
from specs.harness.driver import Runwatch, Server
from specs.harness.own_page import OwnPage, is_signed_out
from specs.harness.provider import OpenIdProvider

SIGN_IN = "/admin/automations/sign-in"


@dataclass
class Behind:
    """A server whose people sign in with a provider."""

    runwatch: Runwatch
    provider: OpenIdProvider
    given: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """It and its server."""
    folder = tmp_path_factory.mktemp("provided")
    with database_of(request, folder) as url, OpenIdProvider() as provider:
        server = Server(folder, url)
        server.environment |= {**provider.settings(server.url), "RUNWATCH_OIDC_ADMINS": "admin, owner"}
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        yield Behind(runwatch, provider)
        runwatch.close()
        assert server.stop() == 0
        for secret in ("a-secret-of-this-client", "code=", "id_token"):
            assert secret not in server.log


@pytest.fixture
def behind(started: Behind) -> Iterator[Behind]:
    """The same, as it was at first."""
    provider = started.provider
    names = ("claims", "userinfo", "wrong", "denies", "session", "subject", "given")
    before = {name: getattr(provider, name) for name in names}
    yield started
    for name, value in before.items():
        setattr(provider, name, value)


class Browser(httpx.Client):
    """Follows one redirect at a time, and keeps cookies as browsers do."""

    def leave(self, runwatch: Runwatch, following: str = "") -> str:
        """Where the provider leads back to."""
        answer = self.get(f"{runwatch.url}/session/oidc", params={"next": following})
        assert answer.status_code == 303, answer.text
        assert answer.headers["cache-control"] == "no-store"
        answer = self.get(answer.headers["location"])
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def sign_in(self, runwatch: Runwatch, following: str = "") -> str:
        """Where our server leads to in the end."""
        return self.arrive(self.leave(runwatch, following))

    def arrive(self, where: str) -> str:
        """The same of one way back."""
        answer = self.get(where)
        assert answer.status_code == 303, answer.text
        return urljoin(where, answer.headers["location"])


def code_in(where: str) -> str:
    """The one-time code of an address."""
    assert urlsplit(where).path == SIGN_IN, where
    return parse_qs(urlsplit(where).fragment)["code"][0]


def refusal(where: str) -> str | None:
    """Why the page says that nobody was signed in."""
    parts = urlsplit(where)
    assert (parts.path, parts.fragment) == (SIGN_IN, "")
    return parse_qs(parts.query)["refused"][0]


def test_provider_001_a_way_there_and_back_signs_in(behind: Behind) -> None:
    """The code flow MUST sign in whom the provider names, with PKCE, state and nonce, and lead on to `next`."""
    runwatch, provider = behind.runwatch, behind.provider
    with Browser() as browser:
        where = browser.sign_in(runwatch, "/admin/automations/history?status=FAILURE")
        assert not browser.cookies  # what belonged to the way is gone
    assert parse_qs(urlsplit(where).query) == {"next": ["/admin/automations/history?status=FAILURE"]}
    page = OwnPage(runwatch.url).signed_in(code=code_in(where))
    assert page.ask().json()["data"]["viewer"] == {"name": "ada", "role": "ADMIN"}
    assert page.sign_in(code=code_in(where)).status_code == 401  # once
    asked = provider.asked[-1]
    assert asked["scope"] == "openid profile email"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    audit = runwatch.ask("{ auditLog(first: 1) { nodes { actor action } } }")["data"]["auditLog"]["nodes"]
    assert audit == [{"actor": "ada", "action": "signIn"}]


@pytest.mark.parametrize(
    ("claims", "userinfo", "viewer"),
    [
        ({"roles": "Owner", "preferred_username": "eve"}, {}, {"name": "eve", "role": "ADMIN"}),
        ({"roles": "Owner", "preferred_username": "\u200b"}, {}, {"name": "ada", "role": "ADMIN"}),
        ({"roles": ["users", "viewer"]}, {}, {"name": "ada", "role": "VIEWER"}),
        ({}, {"roles": ["ADMIN"], "preferred_username": "from userinfo"}, {"name": "from userinfo", "role": "ADMIN"}),
        ({"roles": ["viewer", "admin"]}, {"roles": ["nobody"]}, {"name": "ada", "role": "ADMIN"}),
        ({"roles": ["users"]}, {}, None),
        ({}, {"roles": ["admin"], "sub": "somebody else"}, None),
    ],
)
def test_provider_002_roles_come_from_a_claim(
    behind: Behind, claims: dict[str, Any], userinfo: dict[str, Any], viewer: dict[str, str] | None
) -> None:
    """A claim MUST give the role, of the ID token or the same subject's userinfo; without one, nobody gets in."""
    behind.provider.claims, behind.provider.userinfo = claims, userinfo
    with Browser() as browser:
        where = browser.sign_in(behind.runwatch)
    if viewer is None:
        assert refusal(where) == "role"
        return
    page = OwnPage(behind.runwatch.url).signed_in(code=code_in(where))
    assert page.ask().json()["data"]["viewer"] == viewer


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": "é"},
        {"aud": "another"},
        {"aud": ["runwatch", "another"], "azp": "another"},
        {"iss": "https://another.example"},
        {"exp": 1_000_000_000},
        {"exp": 10**400, "iat": 1.5},
        {"sub": None},
        {"preferred_username": "a\nb"},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_provider_003_a_wrong_token_signs_nobody_in(behind: Behind, wrong: dict[str, Any]) -> None:
    """An ID token of another sign-in, client, issuer or time MUST be refused."""
    behind.provider.wrong = wrong
    with Browser() as browser:
        assert refusal(browser.sign_in(behind.runwatch, "/x")) == "failed"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "unavailable"),
        (b"<html>", "unavailable"),
        (b"\xff", "unavailable"),
        (b"null", "unavailable"),
        (b"[]", "unavailable"),
        (b"5", "unavailable"),
        (b"[" * 100_000, "unavailable"),
        (b'{"id_token": "\\ud800.a.b"}', "unavailable"),
        (b"{}", "failed"),
        (b'{"id_token": 5}', "failed"),
        (b'{"error": {"a": [1]}, "error_description": 5}', "failed"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_provider_011_what_is_no_answer_is_said(behind: Behind, content: bytes, why: str) -> None:
    """What a provider, or a proxy before it, answers instead of tokens MUST be said by the page, and in the log."""
    for status in (200, 400):
        behind.provider.given = {"/token": (status, content)}
        with Browser() as browser:
            assert refusal(browser.sign_in(behind.runwatch, "/x")) == why
    if why == "unavailable":
        behind.provider.given, behind.provider.claims = {"/userinfo": (200, content)}, {}
        with Browser() as browser:
            assert refusal(browser.sign_in(behind.runwatch, "/x")) == why


def test_provider_010_a_page_to_show_is_whole_or_none(behind: Behind) -> None:
    """The longest saved view MUST be shown after the way back; what fits into no cookie leaves none of it."""
    with Browser() as browser:
        for following, kept in (("/" + "x" * 2_300, True), ("/" + "é" * 1_249, True), ("/" + "é" * 1_250, False)):
            back = browser.leave(behind.runwatch, following)
            assert all(len(each.name) + len(each.value or "") <= 4_096 for each in browser.cookies.jar)
            assert parse_qs(urlsplit(browser.arrive(back)).query).get("next") == ([following] if kept else None)


def test_provider_004_a_way_back_is_of_its_browser(behind: Behind) -> None:
    """A way back MUST count in the browser that left, once, unchanged: no link signs in as somebody else."""
    with Browser() as victim, Browser() as attacker:
        stolen = attacker.leave(behind.runwatch)
        assert refusal(victim.arrive(stolen)) == "expired"
        own = victim.leave(behind.runwatch)
        mixed = stolen.replace(parse_qs(urlsplit(stolen).query)["state"][0], parse_qs(urlsplit(own).query)["state"][0])
        assert refusal(victim.arrive(mixed)) == "failed"  # another's code has another verifier
        assert refusal(victim.arrive(own)) == "expired"  # that way is over
        tabs = [victim.leave(behind.runwatch) for _ in range(2)]
        for where in tabs:
            code_in(victim.arrive(where))
        forged = attacker.leave(behind.runwatch).replace("iss=", "iss=https%3A%2F%2Fother.example&was=")
        assert refusal(attacker.arrive(forged)) == "failed"


def test_provider_005_what_the_provider_refuses_is_said(behind: Behind) -> None:
    """A refusal of the provider, and one that is away, MUST lead back to the page, which says so."""
    behind.provider.denies = True
    with Browser() as browser:
        assert refusal(browser.sign_in(behind.runwatch)) == "denied"
        behind.provider.denies = False
        back = browser.leave(behind.runwatch)
        behind.provider.is_away = True
        try:
            assert refusal(browser.arrive(back)) == "unavailable"
        finally:
            behind.provider.is_away = False


def test_provider_006_sign_out_leads_to_the_provider(behind: Behind) -> None:
    """The page MUST learn of the provider without a sign-in, and be led to where a session there ends."""
    with Browser() as browser:
        code_in(browser.sign_in(behind.runwatch))  # the provider has said where that is
        told = browser.get(f"{behind.runwatch.url}/session").json()
        provider = {"label": "Example Accounts", "signIn": "/session/oidc", "signOut": "/session/oidc/end"}
        assert told == {"provider": provider}
        where = urlsplit(browser.get(f"{behind.runwatch.url}/session/oidc/end").headers["location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{behind.provider.issuer}/end"
    back = f"{behind.runwatch.url}{SIGN_IN}"
    assert parse_qs(where.query) == {"client_id": ["runwatch"], "post_logout_redirect_uri": [back]}


def logged_out(behind: Behind, **changes: Any) -> httpx.Response:
    """The answer to a logout token."""
    token = behind.provider.logout_token(**changes)
    return httpx.post(f"{behind.runwatch.url}/session/oidc/logout", data={"logout_token": token}, timeout=30)


def signed_in(behind: Behind, session: str, subject: str = "carl") -> OwnPage:
    """A page of somebody, and of the provider's session of a name."""
    behind.provider.session, behind.provider.subject = session, subject
    with Browser() as browser:
        return OwnPage(behind.runwatch.url).signed_in(code=code_in(browser.sign_in(behind.runwatch)))


def test_provider_008_a_logout_at_the_provider_ends_its_sessions(behind: Behind) -> None:
    """A logout token MUST end the provider's session that it names, or all of a person, at once; audited."""
    first, second, third = (signed_in(behind, each) for each in ("one", "two", "three"))
    other = signed_in(behind, "four", "bob")
    with Browser() as browser:
        behind.provider.session, behind.provider.subject = "one", "carl"
        waiting = code_in(browser.sign_in(behind.runwatch))
    answer = logged_out(behind, sub=None, sid="one")
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (200, b"", "no-store")
    assert [is_signed_out(each.ask()) for each in (first, second, third, other)] == [True, False, False, False]
    assert OwnPage(behind.runwatch.url).sign_in(code=waiting).status_code == 401
    assert logged_out(behind, sid="two", sub="bob").status_code == 200
    assert not is_signed_out(second.ask()), "somebody else's session"
    assert logged_out(behind, sid=None, sub="carl", iat=int(time.time()) - 100).status_code == 200
    assert not is_signed_out(second.ask()), "it began after that logout"
    assert logged_out(behind, sid="two").status_code == 200
    assert logged_out(behind, sid=None).status_code == 200
    assert logged_out(behind, sid=None).status_code == 200, "they have ended already"
    assert [is_signed_out(each.ask()) for each in (second, third, other)] == [True, True, False]
    log = behind.runwatch.ask("{ auditLog(first: 3) { nodes { actor action detail } } }")["data"]["auditLog"]["nodes"]
    assert log == [{"actor": "ada", "action": "signOut", "detail": {"provider": behind.provider.issuer}}] * 3


def test_provider_009_what_is_no_logout_token_ends_nothing(behind: Behind) -> None:
    """What another signed, of another client, time or kind MUST be refused with 400, and end nothing."""
    page = signed_in(behind, "stays")
    every: list[dict[str, Any]] = [
        {"aud": "another"},
        {"iss": "https://another.example"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": None},
        {"iat": -(10**20)},
        {"jti": None},
        {"events": None},
        {"events": {}},
        {"events": ["http://schemas.openid.net/event/backchannel-logout"]},
        {"nonce": "of an ID token"},
        {"sub": None, "sid": None},
        {"sub": None, "sid": "x" * 300},
    ]
    for wrong in every:
        answer = logged_out(behind, **wrong)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), wrong
    with OpenIdProvider() as other:
        forged = other.logout_token(iss=behind.provider.issuer)
    url = f"{behind.runwatch.url}/session/oidc/logout"
    for body in (b"", b"logout_token=", b"logout_token=a&logout_token=b", b"\xff", f"logout_token={forged}".encode()):
        assert httpx.post(url, content=body, timeout=30).status_code == 400, body
    assert httpx.post(url, content=b"logout_token=" + b"x" * 70_000, timeout=30).status_code == 400
    assert httpx.get(url).status_code == 405
    assert not is_signed_out(page.ask())


def test_provider_007_without_one_there_is_no_way(runwatch: Runwatch) -> None:
    """Without a provider in the settings, /session MUST say so, and nothing lead anywhere."""
    assert httpx.get(f"{runwatch.url}/session").json() == {"provider": None}
    assert httpx.get(f"{runwatch.url}/session/oidc").status_code == 404
