"""APP-AUTO-EXEC-WORKFLOWS-…-UI: how each workflow does, what it did last, and the way from each figure to its runs."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Locator, Page, Route, expect

from specs.harness.browser import EXECUTIONS, HISTORY, PHONE, Visitor
from specs.harness.driver import Runwatch, run_events, unique
from specs.harness.looking import looks, violations
from specs.pages import now

WORKFLOWS = "/admin/automations/workflows"
MINUTE = 60


def reported(runwatch: Runwatch, engine: str) -> None:
    """Of one engine: a workflow that fails since three runs, one that is overdue, and one that ran long ago."""
    events: list[dict[str, Any]] = []
    end = now()
    for number in range(25):
        failed = number >= 22
        events += run_events(
            engine, f"a{number:02}", end - (25 - number) * MINUTE, workflow=f"{engine} failing",
            state="FAILED" if failed else "SUCCEEDED", duration=number + 1,
        )  # fmt: skip
    for number in range(6):
        events += run_events(engine, f"b{number}", end - 7200 - number * 10 * MINUTE, workflow=f"{engine} late")
    events += run_events(engine, "c", 0, workflow=f"{engine} idle", state="CANCELLED")
    runwatch.report(*events)


def opened(visitor: Visitor, engine: str, **more: str) -> Page:
    """The list of an engine's workflows."""
    page = visitor.open(f"{WORKFLOWS}?{urlencode({'engine': engine, **more})}")
    page.get_by_role("table").wait_for()
    return page


def row(page: Page, name: str) -> Locator:
    """A workflow's row."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def query_of(link: Locator) -> dict[str, list[str]]:
    """What the address behind a link says."""
    return parse_qs(urlsplit(link.get_attribute("href") or "").query)


def test_workflows_001_ui_each_says_how_it_does(shared: Runwatch, visitor: Visitor) -> None:
    """The list MUST show each workflow's last run, its newest 20, figures and failures in a row, with their runs."""
    engine = unique("flows")
    reported(shared, engine)
    page = opened(visitor, engine)
    names = page.locator("tbody th > a").all_inner_texts()
    assert names[0] == f"{engine} failing"
    assert sorted(names) == [f"{engine} {name}" for name in ("failing", "idle", "late")]
    failing, late, idle = (row(page, f"{engine} {name}") for name in ("failing", "late", "idle"))
    expect(failing).to_contain_text(re.compile(r"Failed.*1 min ago"))
    bars = failing.get_by_role("list").get_by_role("link")
    expect(bars).to_have_count(20)
    expect(bars.last).to_have_accessible_name(re.compile(r"^Failed, 25 s, 1 min ago$"))
    expect(bars.first).to_have_accessible_name(re.compile(r"^Success, 6 s,"))
    heights = bars.locator("span").evaluate_all("(all) => all.map((bar) => bar.getBoundingClientRect().height)")
    assert heights == sorted(heights)
    assert heights[0] < heights[-1]
    expect(late).to_contain_text("Overdue")
    expect(late).to_contain_text("a run was expected within 30 min")
    for other in (failing, idle):
        expect(other).not_to_contain_text("Overdue")
    expect(idle).to_contain_text("Cancelled")

    expect(failing.get_by_role("link", name="Success rate 88 %")).to_be_visible()
    failed = query_of(failing.get_by_role("link", name="Failed 3."))
    assert failed == {"status": ["FAILURE"], "workflow": [f"{engine} failing"], "engine": [engine], "range": ["24h"]}
    in_a_row = query_of(failing.get_by_role("link", name="3 failures in a row"))
    assert in_a_row == {"status": ["FAILURE"], "workflow": [f"{engine} failing"], "engine": [engine]}

    page.keyboard.press("j")
    expect(failing.get_by_role("link").first).to_be_focused()
    height = "(row) => row.getBoundingClientRect().height"
    comfortable = failing.evaluate(height)
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitemradio", name="Compact").click()
    assert failing.evaluate(height) < comfortable

    bars.last.focus()
    page.keyboard.press("ArrowLeft")
    expect(bars.nth(18)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{EXECUTIONS}/*")
    page.go_back()
    page.get_by_role("link", name="Failed 3.").click()
    page.wait_for_url(f"**{HISTORY}?*")
    expect(page.get_by_text("All 3 runs that match")).to_be_visible()


def test_workflows_002_ui_order_search_and_page(shared: Runwatch, visitor: Visitor) -> None:
    """Order, search and time MUST be in the address; a page of a workflow MUST show it larger, with its figures."""
    engine = unique("found")
    reported(shared, engine)
    page = opened(visitor, engine)
    page.get_by_role("button", name="Runs", exact=True).click()
    expect(page.get_by_role("columnheader", name="Runs", exact=True)).to_have_attribute("aria-sort", "descending")
    page.keyboard.press("/")
    page.keyboard.type("LATE")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.wait_for_url("**q=LATE*")
    assert parse_qs(urlsplit(page.url).query) == {"engine": [engine], "sort": ["runs"], "q": ["LATE"]}
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_have_value("LATE")
    page.get_by_role("link", name=f"{engine} late", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{engine} late")
    facts = page.get_by_role("region", name="Facts")
    expect(facts).to_contain_text(re.compile(r"Next run\s*Expected within 30 min of the last one\s*Overdue"))
    expect(facts).to_contain_text("None: the last finished run did not fail.")
    expect(facts.get_by_role("list").get_by_role("link")).to_have_count(6)
    page.locator(".u-over").nth(1).wait_for()
    expect(page.get_by_role("listitem").filter(has_text="n = 6")).to_have_count(3)
    looks(page)
    assert query_of(page.get_by_role("link", name="Its runs")) == {"workflow": [f"{engine} late"], "engine": [engine]}


def test_workflows_004_ui_its_runs_triggers_and_rules(shared: Runwatch, visitor: Visitor) -> None:
    """A workflow's page MUST show its runs as they come, what sets it off, and the rules that name it."""
    engine = unique("one")
    name = f"{engine} failing"
    reported(shared, engine)
    page = opened(visitor, engine, range="7d")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("button", name="Time: Last 7 days")).to_be_visible()
    crumbs = page.get_by_role("navigation", name="Where this workflow is")
    assert query_of(crumbs.get_by_role("link")) == {"range": ["7d"]}
    by_schedule = page.get_by_role("region", name="Facts").get_by_role("link", name="schedule 25")
    assert query_of(by_schedule) == {"workflow": [name], "engine": [engine], "trigger": ["schedule"]}
    runs = page.get_by_role("region", name="Runs", exact=True)
    expect(runs.locator("[role=row][data-id]").first).to_contain_text("Failed")
    expect(runs.get_by_role("grid")).to_have_attribute("aria-rowcount", "26")
    page.get_by_role("status").get_by_text("Live").wait_for()
    shared.report(*run_events(engine, "new", now(), workflow=name))
    runs.get_by_role("button", name="1 new run").click()
    expect(runs.locator("[role=row][data-id]").first).to_be_focused()
    expect(runs.locator("[role=row][data-id]").first).to_contain_text("Success")

    rules = page.get_by_role("region", name="Alert rules")
    expect(rules).to_contain_text("No rule names this workflow.")
    rules.get_by_role("button", name="Add a rule").click()
    dialog = page.get_by_role("dialog", name="New alert rule")
    expect(dialog.get_by_role("button", name=f"Workflow: {name}")).to_be_visible()
    dialog.get_by_role("button", name="Save").click()
    expect(rules.get_by_role("listitem")).to_contain_text(f"When {name} fails 3 times in a row, tell this page")
    looks(page)
    rules.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete this rule?").get_by_role("button", name="Delete").click()
    expect(rules.get_by_role("listitem")).to_have_count(0)
    runs.get_by_role("button", name="Duration").click()
    page.wait_for_url(f"**{HISTORY}?*sort=-duration")


def test_workflows_003_ui_every_state(shared: Runwatch, visitor: Visitor) -> None:
    """Nothing found, an unknown workflow, and a part that fails MUST be said; axe-core MUST find nothing."""
    engine = unique("states")
    reported(shared, engine)
    page = opened(visitor, engine)
    looks(page)
    page.set_viewport_size(PHONE)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Engines").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Success rate", exact=True).click()
    page.wait_for_url("**sort=rate*")
    page.get_by_role("button", name="Filters").click()
    sheet = page.get_by_role("dialog", name="Filters")
    sheet.locator("#add-filter").wait_for()
    assert violations(page, colours=False) == []
    sheet.get_by_role("button", name=f"Remove filter: Engine: {engine}").click()
    expect(sheet.get_by_role("list", name="Active filters")).to_have_count(0)
    sheet.get_by_role("button", name=re.compile("^Show [0-9,]+ workflows$")).click()
    expect(sheet).to_have_count(0)
    page.goto(f"{shared.url}{WORKFLOWS}?q={unique('nobody')}&colour=red")
    expect(page.get_by_role("heading", name="No workflow matches.")).to_be_visible()
    expect(page.get_by_text("parameters that mean nothing here")).to_contain_text("colour=red")
    page.get_by_role("button", name="Clear search and filters").click()
    page.get_by_role("table").wait_for()
    page.goto(f"{shared.url}{WORKFLOWS}/workflow_{'0' * 32}")
    expect(page.get_by_role("heading", name="There is no such workflow.")).to_be_visible()

    def fail(route: Route) -> None:
        if "query WorkflowList" in (route.request.post_data or ""):
            error = {"message": "too slow", "path": ["workflowMetrics"], "extensions": {"code": "LIMIT_EXCEEDED"}}
            body = {"data": {"workflowMetrics": None}, "errors": [error]}
            route.fulfill(status=200, content_type="application/json", body=json.dumps(body))
        else:
            route.continue_()

    page.route("**/graphql", fail)
    page.goto(f"{shared.url}{WORKFLOWS}?engine={engine}")
    expect(page.get_by_role("alert")).to_contain_text("too slow")
    page.unroute("**/graphql")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("table").wait_for()
    expect(page.get_by_role("alert")).to_have_count(0)
