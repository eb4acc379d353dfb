"""APP-AUTO-EXEC-COMPARE-…-UI: what is different about a run, on its page and beside the list."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Route, expect

from specs.app.automations.execution.test_compare import RUNS, run
from specs.harness.browser import EXECUTIONS, HISTORY, Visitor
from specs.harness.driver import Runwatch, unique
from specs.harness.looking import looks


def ids_of(runwatch: Runwatch, engine: str) -> dict[str, str]:
    """The ids of an engine's runs, by their external ids."""
    found = runwatch.ask(RUNS, e=[engine])["data"]["executions"]["nodes"]
    return {each["externalId"]: each["id"] for each in found}


def test_compare_001_ui_what_differs_from_the_last_success(shared: Runwatch, visitor: Visitor) -> None:
    """One click or key MUST show what differs; the other run MUST be in the address, and nothing sealed shown."""
    engine, secret = unique("odd"), unique("hunter")
    shared.report(
        *run(engine, "first", 0, {"token": f"{secret}-1", "file": "a"}, ["read", "store"]),
        *run(engine, "good", 60, {"token": f"{secret}-1", "file": "b", "price": 1.10}, ["read", "store"]),
        *run(engine, "bad", 120, {"token": f"{secret}-2", "file": "b", "price": 1.5}, ["read", "check"], "FAILED"),
    )
    ids = ids_of(shared, engine)
    page = visitor.open(f"{EXECUTIONS}/{ids['bad']}")
    page.get_by_role("button", name="Compare", exact=True).click()
    part = page.get_by_role("region", name="Compared with another run")
    expect(part.get_by_role("link")).to_have_attribute("href", re.compile(ids["good"]))
    changes = part.get_by_role("table", name="Trigger data").get_by_role("row")
    expect(changes).to_have_text(["WhereThenNow", "/tokendiffers; its value is sealed", "/price1.11.5"])
    steps = part.get_by_role("table", name="Steps").get_by_role("row")
    expect(steps.nth(1)).to_contain_text(re.compile("Whole run.*Success.*Failed"))
    expect(steps.filter(has_text="check")).to_contain_text("not there")
    expect(steps.filter(has_text="store")).to_contain_text("not there")
    expect(part).to_contain_text("1 other step as before")
    assert secret not in page.content()
    assert parse_qs(urlsplit(page.url).query)["with"] == ["success"]
    looks(page)
    page.get_by_role("button", name="With the run before").click()
    page.wait_for_url(f"**with={ids['good']}*")
    page.reload()
    expect(changes).to_have_count(3)
    page.go_back()
    page.keyboard.press("d")
    expect(part).to_have_count(0)

    page.goto(f"{shared.url}{HISTORY}?engine={engine}&run={ids['bad']}")
    sheet = page.get_by_role("dialog", name="Run")
    sheet.get_by_role("button", name="Compare", exact=True).click()
    expect(sheet.get_by_role("region", name="Compared with another run").get_by_role("table")).to_have_count(2)


def test_compare_002_ui_every_state(shared: Runwatch, visitor: Visitor) -> None:
    """Nothing to compare with, no difference, and a comparison that fails MUST each be said."""
    engine = unique("same")
    shared.report(
        *run(engine, "first", 0, {"file": "a"}, ["read"]),
        *run(engine, "second", 60, {"file": "a"}, ["read"]),
    )
    ids = ids_of(shared, engine)
    page = visitor.open(f"{EXECUTIONS}/{ids['first']}?with=success")
    expect(page.get_by_text("No run of this workflow succeeded before this one.")).to_be_visible()
    page.goto(f"{shared.url}{EXECUTIONS}/{ids['second']}?with=success")
    expect(page.get_by_text("Nothing differs but the time.")).to_be_visible()
    page.goto(f"{shared.url}{EXECUTIONS}/{ids['second']}?with=execution_{'0' * 32}")
    expect(page.get_by_role("alert")).to_contain_text("no such execution")
    looks(page)
    page.get_by_role("button", name="With the last success").click()
    expect(page.get_by_text("Nothing differs but the time.")).to_be_visible()

    def fail(route: Route) -> None:
        if "query Compare" in (route.request.post_data or ""):
            route.fulfill(status=500, content_type="application/json", body=json.dumps({}))
        else:
            route.continue_()

    page.route("**/graphql", fail)
    page.reload()
    expect(page.get_by_role("alert")).to_be_visible()
    page.unroute("**/graphql")
    page.get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Nothing differs but the time.")).to_be_visible()
