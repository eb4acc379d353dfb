"""APP-AUTO-EXEC-SIGNIN-…-UI: somebody signs in to the page, and again when the session has ended."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from specs.harness.browser import HISTORY, Visitor, rows, session, violations, wait
from specs.harness.driver import Runwatch, run_events, unique

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


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_sign_in_005_ui_it_is_accessible(shared: Runwatch, visitor: Visitor, look: str) -> None:
    """axe-core MUST find nothing in the page that signs in."""
    scheme = "dark" if look == "dark" else "light"
    page = visitor.open(SIGN_IN, signed_in=False, phone=look == "phone", color_scheme=scheme)
    page.get_by_label("Token").wait_for()
    assert violations(page) == []
