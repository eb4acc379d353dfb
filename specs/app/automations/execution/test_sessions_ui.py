"""APP-AUTO-EXEC-SESSION-…-UI: who is signed in with a browser, and how a session of somebody else ends."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from specs.harness.browser import HISTORY, Visitor, session
from specs.harness.driver import Runwatch, unique
from specs.harness.looking import looks
from specs.harness.own_page import OwnPage, is_signed_out

SESSIONS = "/admin/automations/sessions"
FIREFOX = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def test_session_021_ui_an_administrator_ends_sessions(shared: Runwatch, visitor: Visitor) -> None:
    """An administrator MUST see who is signed in, from where and since when, and end one, or all of somebody."""
    name = f"{unique('leaves')} and has a name that is long"
    token = shared.cli("token", "create", "--role", "viewer", "--name", name)
    others = [OwnPage(shared.url) for _ in range(3)]
    for each in others:
        each.headers |= FIREFOX
        each.signed_in(token=token)
    page = visitor.open(HISTORY)
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Sessions").click()
    rows = page.get_by_role("row").filter(has_text=name)
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text(
        re.compile(rf"{name}.*Viewer.*Firefox 140 on Linux.*from 127\.0\.0\.1.*ago.*by token.*in 1[12] h", re.DOTALL)
    )
    rows.first.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("row")).to_have_count(4)
    assert page.url.endswith(f"{SESSIONS}?name={name.replace(' ', '+')}")
    looks(page)
    rows.first.get_by_role("button", name=f"End the session of {name}").click()
    dialog = page.get_by_role("dialog", name=f"End this session of {name}?")
    dialog.get_by_role("button", name="End", exact=True).click()
    expect(rows).to_have_count(2)
    assert sum(is_signed_out(each.ask()) for each in others) == 1
    page.get_by_role("button", name=f"End all of {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="End all", exact=True).click()
    expect(page.get_by_text("Nobody of this name is signed in.")).to_be_visible()
    assert all(is_signed_out(each.ask()) for each in others)
    looks(page)
    page.get_by_role("button", name="Show everybody’s").click()
    expect(page.get_by_role("row").filter(has_text="This browser")).to_have_count(1)


def test_session_020_ui_others_see_and_end_their_own(shared: Runwatch, visitor: Visitor) -> None:
    """A viewer MUST see the own sessions alone, end the others, and sign out of the present one."""
    token = shared.token("viewer")
    other = OwnPage(shared.url).signed_in(token=token)
    viewer = Visitor(visitor.browser, shared.url, session(shared.url, token))
    page = viewer.open(SESSIONS)
    expect(page.get_by_role("row")).to_have_count(3)
    looks(page)
    page.get_by_role("button", name="End my other sessions").click()
    page.get_by_role("dialog").get_by_role("button", name="End all", exact=True).click()
    expect(page.get_by_role("row")).to_have_count(2)
    assert is_signed_out(other.ask())
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("dialog", name="Your session has ended")).to_be_visible()
    viewer.close()
