"""APP-AUTO-EXEC-SIGNIN-…-UI: somebody signs in to the page, and again when the session has ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from specs.harness.browser import HISTORY, Visitor, session
from specs.harness.driver import Runwatch, Server, run_events, unique
from specs.harness.looking import looks, rows, violations, wait
from specs.harness.outage import outage
from specs.harness.provider import OpenIdProvider
from specs.harness.servers import PostgresServer

SIGN_IN = "/admin/automations/sign-in"


def test_sign_in_001_ui_a_link_works_once(shared: Runwatch, visitor: Visitor) -> None:
    """A link with a code MUST sign in once; the code MUST leave the address before it is used."""
    name = unique("linked")
    shared.cli("token", "create", "--role", "viewer", "--name", name)
    link = shared.cli("sign-in-link", "--token", name)
    parts = urlsplit(link)
    where = f"{parts.path}#{parts.fragment}"
    assert (parts.path, parts.fragment.partition("=")[0]) == (SIGN_IN, "code")
    page = visitor.open(where, signed_in=False)
    page.wait_for_url(f"**{HISTORY}")
    expect(page.get_by_role("button", name=f"Account: {name}")).to_be_visible()
    again = visitor.open(where, signed_in=False)
    expect(again.get_by_role("alert")).to_contain_text("used already")
    assert again.url.endswith(SIGN_IN)


def test_sign_in_002_ui_a_token_signs_in_and_leads_back(shared: Runwatch, visitor: Visitor) -> None:
    """A token MUST sign in and lead to `next`, if that is of this page; a wrong one MUST be refused in words."""
    page = visitor.open(f"{SIGN_IN}?{urlencode({'next': HISTORY + '?status=FAILURE'})}", signed_in=False)
    page.get_by_label("Token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Unknown or expired token.")
    page.get_by_label("Token").fill(shared.token("runner", unique("engine")))
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("for an engine")
    page.get_by_label("Token").fill(shared.admin)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{HISTORY}?status=FAILURE")


@pytest.mark.parametrize(
    "foreign", ["https://elsewhere.example/", "//elsewhere.example/admin/automations/", "/api/events"]
)
def test_sign_in_003_ui_no_link_leads_elsewhere(shared: Runwatch, visitor: Visitor, foreign: str) -> None:
    """A `next` that is not of this page MUST be ignored."""
    page = visitor.open(f"{SIGN_IN}?{urlencode({'next': foreign})}", signed_in=False)
    page.get_by_label("Token").fill(shared.admin)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{shared.url}{HISTORY}")


def test_sign_in_004_ui_an_ended_session_loses_nothing(shared: Runwatch, visitor: Visitor) -> None:
    """When a session ends, a dialog MUST ask for a sign-in over the page, which then goes on where it was."""
    name, token = unique("ended"), unique("token")
    secret = shared.cli("token", "create", "--role", "viewer", "--name", token).split()[-1]
    shared.report(*run_events(name, "one", 0, workflow=name))
    short = Visitor(visitor.browser, shared.url, session(shared.url, secret))
    page = short.open(f"{HISTORY}?{urlencode({'workflow': name})}")
    page.locator("[role=row][data-id]").wait_for()
    page.get_by_role("status").get_by_text("Live").wait_for()
    page.evaluate("window.same = true")
    before = rows(page)
    shared.cli("token", "revoke", token)
    dialog = page.get_by_role("dialog", name="Your session has ended")
    expect(dialog).to_be_visible(timeout=15_000)
    assert rows(page) == before
    assert violations(page) == []
    dialog.get_by_label("Token").fill(shared.admin)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    shared.report(*run_events(name, "two", 60, workflow=name))
    expect(page.get_by_role("button", name="1 new run")).to_be_visible(timeout=15_000)
    page.keyboard.press(".")
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 2")
    assert page.evaluate("window.same")
    short.close()


def link_of(runwatch: Runwatch, name: str) -> str:
    """Path and fragment of a new link for a token."""
    parts = urlsplit(runwatch.cli("sign-in-link", "--token", name))
    return f"{parts.path}#{parts.fragment}"


def account(page: Page, name: str) -> Locator:
    """The button of the account, once it has a name."""
    return page.get_by_role("button", name=f"Account: {name}")


def test_sign_in_006_ui_a_link_replaces_nobody_unasked(shared: Runwatch, visitor: Visitor) -> None:
    """Somebody who is signed in MUST be asked before a link makes him another; a spent one MUST change nothing."""
    mine, other = unique("mine"), unique("other")
    secret = shared.cli("token", "create", "--role", "viewer", "--name", mine)
    shared.cli("token", "create", "--role", "viewer", "--name", other)
    signed_in = Visitor(visitor.browser, shared.url, session(shared.url, secret))
    where = link_of(shared, other)
    page = signed_in.open(where)
    expect(page.get_by_role("heading")).to_have_text(f"Sign in as {other} instead of {mine}?")
    assert "code" not in page.url
    assert violations(page) == []
    page.get_by_role("button", name=f"Stay signed in as {mine}").click()
    page.wait_for_url(f"**{HISTORY}")
    expect(account(page, mine)).to_be_visible()

    page.goto(f"{shared.url}{where}")
    page.get_by_role("button", name=f"Sign in as {other}").click()
    page.wait_for_url(f"**{HISTORY}")
    expect(account(page, other)).to_be_visible()

    page.goto(f"{shared.url}{where}")  # spent
    page.wait_for_url(f"**{HISTORY}")
    expect(account(page, other)).to_be_visible()
    signed_in.close()


def test_sign_in_007_ui_the_end_is_announced_and_put_off(shared: Runwatch, visitor: Visitor) -> None:
    """Ten minutes before its end the page MUST say so, and renew the session in place; then it says nothing."""
    soon = datetime.now(UTC) + timedelta(minutes=9)
    renewed: list[str] = []

    def answer(route: Route) -> None:
        """The server's clock is not ours to move: a session that is about to end, until it is renewed."""
        if renewed or "SessionEnd" not in (route.request.post_data or ""):
            route.continue_()
        else:
            route.fulfill(json={"data": {"viewer": {"expiresAt": soon.isoformat()}}})

    context = visitor.open("/admin/automations/sign-in").context
    context.route("**/graphql", answer)
    page = visitor.tab(context, HISTORY)
    page.on("request", lambda request: renewed.append(request.method) if request.method == "PATCH" else None)
    notice = page.get_by_role("status").filter(has_text="Your sign-in ends at")
    expect(notice).to_contain_text(soon.astimezone(ZoneInfo("Europe/Berlin")).strftime("%H:%M"))
    assert violations(page) == []
    page.evaluate("window.same = true")
    notice.get_by_role("button", name="Stay signed in").click()
    expect(notice).to_have_count(0)
    assert renewed == ["PATCH"]
    assert page.evaluate("window.same")
    page.reload()
    page.get_by_role("status").get_by_text("Live").wait_for()
    expect(notice).to_have_count(0)


def test_sign_in_008_ui_the_database_away_signs_nobody_out(
    browser: Browser, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """With the database away the page MUST say Reconnecting and keep what it shows, never ask for a sign-in."""
    with outage(postgres_server, tmp_path) as (away, way):
        away.report(*run_events("engine", "one", 0, state="FAILED"))
        visitor = Visitor(browser, away.url, session(away.url, away.admin))
        page = visitor.open()
        page.locator("[role=row][data-id]").wait_for()
        status = page.get_by_role("status")
        status.get_by_text("Live").wait_for()
        before = rows(page)
        with way.cut():
            page.get_by_role("button", name="Failed").click()  # whatever asks
            status.get_by_text("Reconnecting").wait_for()
            expect(page.get_by_role("dialog")).to_have_count(0)
            page.go_back()
            assert rows(page) == before
            expect(page.get_by_role("dialog")).to_have_count(0)
            late = visitor.tab(page.context, HISTORY)
            late.get_by_role("status").get_by_text("Reconnecting").wait_for()
            expect(late.get_by_role("dialog")).to_have_count(0)
        late.locator("[role=row][data-id]").wait_for()
        late.get_by_role("status").get_by_text("Live").wait_for()
        expect(late.get_by_role("alert")).to_have_count(0)
        late.close()
        status.get_by_text("Live").wait_for()
        away.report(*run_events("engine", "two", 60))
        expect(page.get_by_role("button", name="1 new run")).to_be_visible()
        visitor.close()


def test_sign_in_009_ui_a_foreign_service_worker_goes(shared: Runwatch, visitor: Visitor) -> None:
    """A service worker that another project left on this origin MUST be unregistered; ours MUST NOT register one."""
    elsewhere = visitor.open_new("/health").context
    script, count = f"{shared.url}/sw.js", "navigator.serviceWorker.getRegistrations().then((all) => all.length)"
    elsewhere.route(script, lambda route: route.fulfill(body="", content_type="text/javascript"))
    page = elsewhere.pages[0]
    page.evaluate("navigator.serviceWorker.register('/sw.js').then(() => null)")
    assert page.evaluate(count) == 1
    page.goto(f"{shared.url}{HISTORY}")
    page.locator("main").wait_for()
    wait(page, f"{count}.then((left) => left === 0)")


def test_sign_in_010_ui_a_provider_signs_in(browser: Browser, tmp_path: Path) -> None:
    """A provider's people MUST get in by one click and back where they were; who does not is told why."""
    with OpenIdProvider() as provider:
        server = Server(tmp_path, "")
        server.environment |= provider.settings(server.url)
        server.start()
        visitor = Visitor(browser, server.url, None)
        page = visitor.open(f"{HISTORY}?status=FAILURE", signed_in=False)
        dialog = page.get_by_role("dialog", name="Sign in to Runwatch")
        dialog.get_by_role("link", name="Continue with Example Accounts").click()
        page.wait_for_url(f"**{HISTORY}?status=FAILURE")
        page.get_by_role("button", name="Account: ada").click()
        page.get_by_role("menuitem", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign out of Example Accounts too")).to_be_visible()
        assert violations(page) == []

        provider.claims = {"roles": ["somebody else's"]}
        page.goto(f"{server.url}{SIGN_IN}")
        page.get_by_role("link", name="Continue with Example Accounts").click()
        expect(page.get_by_role("alert").first).to_contain_text("gives you no role here")
        looks(page)
        page.get_by_role("link", name="Sign out of Example Accounts too").click()
        expect(page.get_by_role("heading", name="Signed out")).to_be_visible()
        visitor.close()
        assert server.stop() == 0
