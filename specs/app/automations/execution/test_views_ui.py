"""APP-AUTO-EXEC-VIEW-…-UI: views under a name, in the rail."""

from __future__ import annotations

from playwright.sync_api import expect

from specs.harness.browser import METRICS, PHONE, Visitor, session
from specs.harness.driver import Runwatch, unique
from specs.harness.looking import looks, violations
from specs.pages import of, ready, report


def test_view_001_ui_saved_opened_and_deleted(shared: Runwatch, visitor: Visitor) -> None:
    """A saved view MUST be in the rail, open by click and key, on a phone too, be saved over, renamed and deleted."""
    name = unique("view")
    report(shared, name, "one")
    viewer = Visitor(visitor.browser, shared.url, session(shared.url, shared.token("viewer")))
    page = ready(viewer.open(of(name, status="SUCCESS")))
    page.get_by_role("button", name="Save this view").click()
    dialog = page.get_by_role("dialog", name="Saved views")
    expect(dialog.get_by_role("checkbox")).to_have_count(0)
    assert violations(page) == []
    dialog.get_by_role("textbox", name="Name").fill(name)
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_have_count(0)
    view = page.get_by_role("group", name="Views").get_by_role("link", name=name)
    expect(view).to_have_attribute("aria-current", "page")
    looks(page)
    page.goto(f"{shared.url}{METRICS}")
    page.get_by_role("heading", level=1, name="Metrics").wait_for()
    expect(view).to_be_visible()
    page.keyboard.press("1")
    page.wait_for_url(f"**{of(name, status='SUCCESS').split('?')[0]}?*")
    ready(page)
    page.goto(f"{shared.url}{METRICS}")
    view.click()
    ready(page)
    page.goto(f"{shared.url}{of(name, status='FAILURE')}")
    page.get_by_role("button", name="Save this view").click()
    dialog.get_by_role("textbox", name="Name").fill(name)
    dialog.get_by_role("button", name="Save over it").click()
    expect(view).to_have_attribute("aria-current", "page")
    expect(view).to_have_count(1)
    page.get_by_role("button", name="Save this view").click()
    dialog.get_by_role("button", name=f"Rename the view {name}").click()
    dialog.get_by_role("textbox", name="Name").fill(f"{name} of today")
    dialog.get_by_role("button", name="Rename", exact=True).click()
    expect(view).to_have_text(f"{name} of today")
    page.set_viewport_size(PHONE)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name=name).wait_for()
    assert violations(page) == []
    page.get_by_role("menuitem", name="Views…").click()
    dialog.get_by_role("button", name=f"Delete the view {name} of today").click()
    expect(dialog).to_contain_text("No view is saved yet.")
    viewer.close()


def test_view_001_ui_many_leave_the_account_in_the_window(shared: Runwatch, visitor: Visitor) -> None:
    """However many views there are, the rail's pages and the account MUST stay in the window, and the last in reach."""
    token = shared.token("viewer")
    for number in range(25):
        view = {"name": f"view {number:02}", "page": "history", "query": f"search={number}", "shared": False}
        saved = shared.ask(
            "mutation($view: SavedViewInput!) { saveView(input: $view) { __typename } }", token, view=view
        )
        assert "errors" not in saved
    viewer = Visitor(visitor.browser, shared.url, session(shared.url, token))
    page = viewer.open()
    account = page.get_by_role("button", name="Account:")
    last = page.get_by_role("group", name="Views").get_by_role("link", name="view 24")
    for width in (1440, 1000):
        page.set_viewport_size({"width": width, "height": 600})
        expect(account).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("link", name="History", exact=True)).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1440, "height": 600})
    expect(last).not_to_be_in_viewport()
    last.focus()
    expect(last).to_be_in_viewport(ratio=1)
    expect(account).to_be_in_viewport(ratio=1)
    assert violations(page) == []
    viewer.close()


def test_view_001_ui_administrators_share(shared: Runwatch, visitor: Visitor) -> None:
    """Only administrators MUST be able to share a view, which others then see."""
    name = unique("shared")
    report(shared, name, "one")
    page = ready(visitor.open(of(name)))
    page.get_by_role("button", name="Save this view").click()
    dialog = page.get_by_role("dialog", name="Saved views")
    dialog.get_by_role("textbox", name="Name").fill(name)
    dialog.get_by_role("checkbox", name="Everybody sees it").check()
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_have_count(0)
    viewer = Visitor(visitor.browser, shared.url, session(shared.url, shared.token("viewer")))
    other = viewer.open()
    expect(other.get_by_role("group", name="Views").get_by_role("link", name=f"{name} shared")).to_be_visible()
    other.get_by_role("button", name="Save this view").click()
    expect(other.get_by_role("dialog")).not_to_contain_text(name)
    viewer.close()
    page.get_by_role("button", name="Save this view").click()
    dialog.get_by_role("button", name=f"Delete the view {name}").click()
    expect(page.get_by_role("link", name=f"{name} shared")).to_have_count(0)
