"""APP-AUTO-EXEC-BADINPUT-…-UI: what fails is shown where it would be, and takes nothing with it."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, Route, expect

from specs.harness.browser import HISTORY, Visitor
from specs.harness.driver import Runwatch, run_events, unique
from specs.harness.looking import rows, violations, wait

HISTOGRAM, FACETS, LIST = "executionHistogram", "executionFacets", "executions"
RUN, LOG = "execution", "executionLogs"


def failing(page: Page, root: str) -> None:
    """Let one part of the page fail."""

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        if root not in (body.get("data") or {}):
            return route.fulfill(response=response)
        error = {"message": f"{root} takes too long", "path": [root], "extensions": {"code": "LIMIT_EXCEEDED"}}
        return route.fulfill(response=response, body=json.dumps({"data": {root: None}, "errors": [error]}))

    page.unroute("**/graphql")
    page.route("**/graphql", answer)


def test_badinput_001_ui_a_part_that_fails_takes_no_other_with_it(shared: Runwatch, visitor: Visitor) -> None:
    """The page MUST show the error of a part that fails where the part would be, and the rest as usual."""
    name = unique("parts")
    shared.report(*run_events(name, "a", 0, workflow=name))
    page = visitor.open(f"{HISTORY}?workflow={name}")
    figure, alert = page.get_by_role("figure", name="Runs over time"), page.get_by_role("alert")
    success = page.get_by_role("button", name=re.compile("^Success"))
    expect(figure).to_be_visible()
    expect(success).to_have_text(re.compile(r"Success\s*1"))

    failing(page, HISTOGRAM)
    page.reload()
    expect(alert).to_contain_text("executionHistogram takes too long")
    expect(alert).to_contain_text("LIMIT_EXCEEDED")
    expect(figure).to_have_count(0)
    expect(success).to_have_text(re.compile(r"Success\s*1"))
    assert len(rows(page)) == 1
    assert violations(page) == []

    failing(page, FACETS)
    alert.get_by_role("button", name="Try again").click()
    expect(figure).to_be_visible()
    expect(alert).to_have_count(0)
    expect(success).to_have_text(re.compile(r"Success\s*\?"))
    expect(success.locator("output")).to_have_attribute("title", re.compile("takes too long"))
    assert len(rows(page)) == 1
    assert violations(page) == []

    failing(page, LIST)
    page.reload()
    expect(alert).to_contain_text("executions takes too long")
    expect(figure).to_be_visible()
    expect(success).to_have_text(re.compile(r"Success\s*1"))
    assert rows(page) == []
    assert violations(page) == []
    page.unroute("**/graphql")
    alert.get_by_role("button", name="Try again").click()
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 1")
    expect(alert).to_have_count(0)

    page.get_by_role("row").filter(has_text=name).click()
    sheet = page.get_by_role("dialog", name="Run")
    log, steps = sheet.get_by_role("heading", name="Log"), sheet.get_by_role("heading", name="Steps")
    expect(log).to_be_visible()
    failing(page, LOG)
    page.reload()
    expect(sheet.get_by_role("alert")).to_contain_text("executionLogs takes too long")
    expect(steps).to_be_visible()
    assert len(rows(page)) == 1
    failing(page, RUN)
    page.reload()
    expect(sheet.get_by_role("alert")).to_contain_text("execution takes too long")
    assert len(rows(page)) == 1

    page.unroute("**/graphql")
    page.reload()
    expect(success).to_have_text(re.compile(r"Success\s*1"))
