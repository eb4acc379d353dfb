"""APP-AUTO-EXEC-AUDIT-…-UI: who did what, in words, and the way to what it was about."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Route, expect

from specs.app.automations.execution.test_audit import REVEAL, RUNS
from specs.harness.browser import EXECUTIONS, HISTORY, Visitor, session
from specs.harness.driver import Runwatch, run_events, unique
from specs.harness.looking import looks

AUDIT = "/admin/automations/audit"


def test_audit_001_ui_who_did_what(shared: Runwatch, visitor: Visitor) -> None:
    """The audit MUST say in words who did what, narrowed by its address; others MUST be told that it is not theirs."""
    engine = unique("audited")
    shared.report(*run_events(engine, "one", 0))
    (run,) = shared.ask(RUNS, e=[engine])["data"]["executions"]["nodes"]
    shared.ask(REVEAL, id=run["id"])
    shared.ask("mutation M($n: String!) { createToken(input: {name: $n, role: VIEWER}) { secret } }", n=engine)
    page = visitor.open(HISTORY)
    page.get_by_role("link", name="Audit").click()
    rows = page.get_by_role("table").get_by_role("row")
    about = rows.filter(has_text=run["id"]).first
    expect(about).to_contain_text(re.compile("ago.*revealed the trigger data of"))
    expect(about.get_by_role("link", name=run["id"])).to_have_attribute("href", f"{EXECUTIONS}/{run['id']}")
    about.get_by_role("button", name=f"Copy {run['id']}").click()
    assert page.evaluate("navigator.clipboard.readText()") == run["id"]
    about.get_by_role("button", name=f"All about {run['id']}").click()
    expect(rows).to_have_count(2)
    page.get_by_role("combobox", name="Action").select_option("createToken")
    expect(page.get_by_role("heading", name="Nothing in the audit log matches.")).to_be_visible()
    asked = parse_qs(urlsplit(page.url).query)
    assert asked == {"subject": [run["id"]], "action": ["createToken"]}
    page.go_back()
    expect(rows).to_have_count(2)
    page.reload()
    expect(rows).to_have_count(2)
    page.get_by_role("button", name=f"No longer only {run['id']}").click()
    page.get_by_role("combobox", name="Action").select_option("createToken")
    expect(rows.nth(1)).to_contain_text("created a token")
    rows.nth(1).get_by_text("Show", exact=True).click()
    expect(rows.nth(1).get_by_role("tree")).to_be_visible()
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
