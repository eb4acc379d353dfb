"""APP-AUTO-EXEC-AUDIT-…-UI: who did what, in words, and the way to what it was about."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route, expect

from specs.app.automations.execution.test_audit import REVEAL, RUNS
from specs.harness.browser import EXECUTIONS, HISTORY, PHONE, Visitor, session
from specs.harness.driver import Runwatch, run_events, unique
from specs.harness.looking import looks, wait

AUDIT = "/admin/automations/audit"
CREATE = "mutation C($name: String!) { createToken(input: {name: $name, role: VIEWER}) { secret } }"


def narrow(page: Page, field: str, value: str) -> None:
    """Add a filter by keyboard."""
    page.keyboard.press("f")
    page.keyboard.type(field)
    page.keyboard.press("Enter")
    page.keyboard.type(value)
    page.keyboard.press("Enter")


def test_audit_001_ui_who_did_what(shared: Runwatch, visitor: Visitor) -> None:
    """The audit MUST say in words who did what, narrowed by its address; others MUST be told that it is not theirs."""
    engine = unique("audited")
    shared.report(*run_events(engine, "one", 0))
    (run,) = shared.ask(RUNS, e=[engine])["data"]["executions"]["nodes"]
    shared.ask(REVEAL, id=run["id"])
    shared.ask(CREATE, name=engine)
    page = visitor.open(HISTORY)
    page.get_by_role("link", name="Audit").click()
    rows = page.get_by_role("table").get_by_role("row")
    about = rows.filter(has_text=run["id"]).first
    expect(about).to_contain_text(re.compile("ago.*revealed the trigger data of"))
    expect(about.get_by_role("link", name=run["id"])).to_have_attribute("href", f"{EXECUTIONS}/{run['id']}")
    about.get_by_role("button", name=f"Copy {run['id']}").click()
    wait(page, "(id) => navigator.clipboard.readText().then((text) => text === id)", run["id"])
    about.get_by_role("button", name=f"All about {run['id']}").click()
    expect(rows).to_have_count(2)
    narrow(page, "what", "created a token")
    expect(page.get_by_role("heading", name="Nothing in the audit log matches.")).to_be_visible()
    asked = parse_qs(urlsplit(page.url).query)
    assert asked == {"subject": [run["id"]], "action": ["createToken"]}
    page.go_back()
    expect(rows).to_have_count(2)
    page.reload()
    expect(rows).to_have_count(2)
    page.get_by_role("button", name=f"Remove filter: About {run['id']}").press("Enter")
    narrow(page, "what", "created a token")
    expect(rows.nth(1)).to_contain_text("created a token")
    looks(page)
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()
    rows.nth(1).get_by_text("Show", exact=True).click()
    expect(rows.nth(1).get_by_role("tree")).to_be_visible()


def test_audit_003_ui_of_several_people(shared: Runwatch, visitor: Visitor) -> None:
    """The audit MUST be narrowed to several people and deeds, by keyboard alone; a chip MUST take one away again."""
    names = [unique("anna"), unique("bob")]
    for name in names:
        session(shared.url, shared.ask(CREATE, name=name)["data"]["createToken"]["secret"])
    page = visitor.open(AUDIT)
    rows = page.get_by_role("table").get_by_role("row")
    rows.nth(1).wait_for()
    for name in names:
        narrow(page, "who", name)
        expect(rows.filter(has_text=name)).to_have_count(1)
    narrow(page, "what", "signed in")
    expect(rows).to_have_count(3)
    narrow(page, "who", "somebody who was never here")
    assert parse_qs(urlsplit(page.url).query)["actor"] == [*names, "somebody who was never here"]
    gone = page.get_by_role("button", name=f"Remove filter: Who: {names[0]}")
    gone.focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(2)
    expect(page.get_by_role("button", name=f"Remove filter: Who: {names[1]}")).to_be_focused()
    page.get_by_role("button", name="Clear all").press("Enter")
    expect(page.locator("#add-filter")).to_be_focused()
    expect(rows.nth(3)).to_be_visible()
    page.set_viewport_size(PHONE)
    page.get_by_role("button", name="Filters").click()
    looks(page)


def test_audit_001_ui_viewers_are_told(shared: Runwatch, visitor: Visitor) -> None:
    """Others MUST be told that it is not for them, and find no way there."""
    viewer = Visitor(visitor.browser, shared.url, session(shared.url, shared.token("viewer")))
    page = viewer.open(AUDIT)
    expect(page.get_by_role("heading", name="Only administrators see the audit log.")).to_be_visible()
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)
    looks(page)
    viewer.close()


def test_audit_002_ui_a_part_that_fails(shared: Runwatch, visitor: Visitor) -> None:
    """A part that fails MUST be said where it would be, and parameters that mean nothing."""

    def fail(route: Route) -> None:
        if "query AuditLog" in (route.request.post_data or ""):
            error = {"message": "too slow", "path": ["auditLog"], "extensions": {"code": "LIMIT_EXCEEDED"}}
            body = {"data": {"auditLog": None}, "errors": [error]}
            route.fulfill(status=200, content_type="application/json", body=json.dumps(body))
        else:
            route.continue_()

    page = visitor.blank()
    page.route("**/graphql", fail)
    page.goto(f"{shared.url}{AUDIT}?colour=red")
    expect(page.get_by_role("alert")).to_contain_text("too slow")
    expect(page.get_by_text("parameters that mean nothing here")).to_contain_text("colour=red")
    page.unroute("**/graphql")
    page.get_by_role("alert").get_by_role("button", name="Try again").click()
    page.get_by_role("table").wait_for()
