"""APP-AUTO-EXEC-HISTORY-…-UI (AUTO-EXEC-ADMIN-001): an administrator keeps the list of runs open in a browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Page, expect

from specs.harness.browser import EXECUTIONS, HISTORY, Visitor
from specs.harness.counts import count
from specs.harness.driver import Runwatch, Server, event, run_events, unique
from specs.harness.looking import rows, violations, wait

# 100 a second, for 30 seconds; the ordinary run has the first of them.
SECONDS = count("seconds of 100 arrivals", 1, 30)
# Which cells of which rows are tinted: it lasts too short to be looked for.
TINTS = """
window.tinted = []
const animate = Element.prototype.animate
Element.prototype.animate = function (...given) {
  if (this.dataset.cell) tinted.push(`${this.closest('[data-id]').dataset.id} ${this.dataset.cell}`)
  return animate.apply(this, given)
}
"""
Alone = Callable[[], tuple[Server, Runwatch, Visitor]]


def listed(runwatch: Runwatch, **where: Any) -> list[Any]:
    """The newest runs that match a filter, as the API lists them."""
    document = (
        "query L($f: ExecutionFilter) { executions(first: 100, filter: $f)"
        " { nodes { id externalId status state workflowName } } }"
    )
    found: list[Any] = runwatch.ask(document, f=where)["data"]["executions"]["nodes"]
    return found


def report(runwatch: Runwatch, workflow: str, number: int, *, first: int = 0, fails: int = 3) -> None:
    """Report runs of a workflow, of which each so many-th failed."""
    for start in range(first, first + number, 100):
        events = []
        for each in range(start, min(start + 100, first + number)):
            failed = each % fails == 0
            events += run_events(
                workflow,
                f"run-{each}",
                each * 10,
                workflow=workflow,
                state="FAILED" if failed else "SUCCEEDED",
                error={"type": "Row", "message": f"row {each} is bad"} if failed else None,
            )
        runwatch.report(*events)


def of(workflow: str, **more: str) -> str:
    """The address of a workflow's list."""
    return f"{HISTORY}?{urlencode({'workflow': workflow, **more})}"


def ready(page: Page) -> Page:
    """Once its rows are there and it follows."""
    page.locator("[role=row][data-id]").first.wait_for()
    page.get_by_role("status").get_by_text("Live").wait_for()
    return page


def test_history_001_ui_it_shows_runs_as_the_api_lists_them(shared: Runwatch, visitor: Visitor) -> None:
    """The page MUST show what the API lists, newest first, with status, workflow, what happened, trigger and times."""
    name = unique("orders")
    report(shared, name, 6)
    page = ready(visitor.open(of(name)))
    expected = listed(shared, workflowName=[name])
    assert rows(page) == [run["id"] for run in expected]
    first, second = (page.locator(f"#row-{run['id']}") for run in expected[1:3])
    assert first.inner_text().split("\n")[:2] == ["Success", name]
    assert "subject=run-" in first.inner_text(), "a row without the label of its trigger data"
    assert re.search(rf"Failed\s+{name}\s+row 3 is bad\s+schedule\s+\d+ d ago\s+2 s", second.inner_text())
    assert second.locator("time").get_attribute("datetime").startswith("2026-01-01T00:00:30")  # type: ignore[union-attr]
    expect(page.get_by_text("All 6 runs that match")).to_be_visible()


def test_history_002_ui_each_view_is_a_link(shared: Runwatch, visitor: Visitor) -> None:
    """What is chosen MUST be in the URL, which MUST show the same elsewhere; Back MUST undo it."""
    name = unique("links")
    report(shared, name, 9)
    page = ready(visitor.open(of(name)))
    before = rows(page)
    page.get_by_role("button", name=re.compile("^Failed")).click()
    wait(
        page,
        "document.querySelectorAll('[role=row].FAILURE').length === 3 && !document.querySelector('[role=row].SUCCESS')",
    )
    page.get_by_role("columnheader", name="Duration").get_by_role("button").click()
    page.get_by_role("searchbox").fill("row 6")
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 1")
    query = parse_qs(urlsplit(page.url).query)
    assert query == {"status": ["FAILURE"], "workflow": [name], "q": ["row 6"], "sort": ["-duration"]}
    shown = rows(page)

    elsewhere = visitor.open(urlsplit(page.url)._replace(scheme="", netloc="").geturl())
    ready(elsewhere)
    assert rows(elsewhere) == shown
    assert elsewhere.get_by_role("searchbox").input_value() == "row 6"
    expect(elsewhere.get_by_role("button", name=re.compile("^Failed"))).to_have_attribute("aria-pressed", "true")
    expect(elsewhere.locator("[aria-sort=descending]")).to_have_text(re.compile("Duration"))

    for _ in range(2):
        page.go_back()
    wait(page, "(ids) => [...document.querySelectorAll('[role=row][data-id]')].length === ids.length", before)
    assert rows(page) == before
    assert page.url.endswith(of(name).partition("?")[2])


def test_history_003_ui_rows_stay_where_they_are(shared: Runwatch, visitor: Visitor) -> None:
    """While runs arrive no row MUST move; they MUST wait behind a button that counts them, and come when asked."""
    name = unique("arrivals")
    report(shared, name, 30)
    page = ready(visitor.open(of(name)))
    page.evaluate(
        """() => {
          window.seen = new Set()
          const look = () => {
            const shown = [...document.querySelectorAll('[role=row][data-id]')]
              .map((row) => `${row.dataset.id} ${row.getBoundingClientRect().top}`).sort()
            seen.add(shown.slice(0, 10).join())
            requestAnimationFrame(look)
          }
          look()
        }"""
    )
    before = rows(page)
    began = time.monotonic()
    for start in range(30, 30 + SECONDS * 100, 10):
        report(shared, name, 10, first=start)
        # In the browser: while Python sleeps, nobody reads what it says.
        page.wait_for_timeout(max(1, 1000 * (began + (start - 20) / 100 - time.monotonic())))
    expect(page.get_by_role("button", name="99+ new runs")).to_be_visible()
    assert rows(page) == before
    assert page.evaluate("seen.size") == 1, "a row has moved"
    page.keyboard.press(".")
    expect(page.locator(".pill")).to_have_count(0)
    newest = listed(shared, workflowName=[name])[0]["id"]
    wait(page, "(id) => document.getElementById(`row-${id}`) !== null", newest)
    assert rows(page)[0] == newest


def test_history_004_ui_a_run_changes_in_its_place(shared: Runwatch, visitor: Visitor) -> None:
    """An update of a run that is shown MUST change its row, tint for a moment what changed in it, and no other row."""
    name = unique("in-place")
    shared.report(*run_events(name, "slow", 0, workflow=name, state=None))
    report(shared, name, 3, first=5)
    page = ready(visitor.open_new(of(name), reduced_motion="no-preference", script=TINTS))
    before = rows(page)
    slow = page.locator("[role=row].PENDING")
    expect(slow).to_have_text(re.compile(r"Running.*…", re.DOTALL))
    id_ = slow.get_attribute("data-id")
    error = {"message": "gave up"}
    shared.report(event(name, "slow", "execution.finished", 4, {"state": "FAILED", "error": error}))
    expect(page.locator(f"#row-{id_}")).to_have_text(re.compile(r"Failed.*gave up.*3 s", re.DOTALL))
    wait(page, "tinted.length > 0")
    assert page.evaluate("tinted") == [f"{id_} {cell}" for cell in ("status", "happened", "duration")]
    assert rows(page) == before


def test_history_005_ui_everything_by_keyboard(shared: Runwatch, visitor: Visitor) -> None:
    """j, k, Enter, o, Escape, /, x and ? MUST do what the list of keys says, and no key while a field has the focus."""
    name = unique("keys")
    report(shared, name, 5)
    page = ready(visitor.open(of(name)))
    ids = rows(page)
    focused = "document.activeElement.dataset.id ?? null"
    page.keyboard.press("j")
    wait(page, f"(id) => ({focused}) === id", ids[1])
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("k")
    wait(page, f"(id) => ({focused}) === id", ids[0])
    page.keyboard.press("x")
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Run")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["run"] == [ids[0]]
    page.keyboard.press("j")
    wait(page, "(id) => new URLSearchParams(location.search).get('run') === id", ids[1])
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    wait(page, f"(id) => ({focused}) === id", ids[1])
    page.keyboard.press("Escape")
    expect(page.get_by_text("1 selected")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("jx?")
    assert page.get_by_role("searchbox").input_value() == "jx?"
    page.keyboard.press("Escape")
    assert page.get_by_role("searchbox").input_value() == ""
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator(f"#row-{ids[2]}").focus()
    page.keyboard.press("o")
    page.wait_for_url(f"**{EXECUTIONS}/{ids[2]}")


def test_history_006_ui_parameters_that_mean_nothing_are_named(shared: Runwatch, visitor: Visitor) -> None:
    """Unknown and malformed parameters MUST be named on the page, and the others MUST hold."""
    name = unique("unknown")
    report(shared, name, 2)
    odd = {"status": "odd", "min": "long", "follow": "me", "retryOf": "me", "group": "us"}
    page = ready(visitor.open(of(name, colour="red", **odd)))
    expect(page.get_by_text("parameters that mean nothing here")).to_contain_text("colour=red")
    assert {run["workflowName"] for run in listed(shared, workflowName=[name])} == {name}
    assert len(rows(page)) == 2
    for parameter, value in odd.items():
        expect(page.locator(".notice")).to_contain_text(f"{parameter}={value}")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".notice")).to_have_count(0)
    assert parse_qs(urlsplit(page.url).query) == {"workflow": [name]}


def test_history_007_ui_nothing_is_missed_while_the_server_is_away(alone: Alone) -> None:
    """After a restart of the server the page MUST equal the API, without a reload, and say meanwhile that it waits."""
    server, runwatch, visitor = alone()
    name = "restarted"
    report(runwatch, name, 5)
    runwatch.report(*run_events(name, "open", 60, workflow=name, state=None))
    page = ready(visitor.open(of(name)))
    page.evaluate("window.same = true")
    server.kill()
    expect(page.get_by_role("status").get_by_text("Reconnecting")).to_be_visible()
    assert len(rows(page)) == 6
    server.start()
    runwatch.report(event(name, "open", "execution.finished", 70, {"state": "SUCCEEDED"}))
    report(runwatch, name, 2, first=8)
    expect(page.get_by_role("status").get_by_text("Live")).to_be_visible(timeout=40_000)
    expect(page.locator("[role=row].PENDING")).to_have_count(0)
    expect(page.get_by_role("button", name="2 new runs")).to_be_visible()
    page.keyboard.press(".")
    expect(page.locator(".pill")).to_have_count(0)
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 8")
    assert rows(page) == [run["id"] for run in listed(runwatch, workflowName=[name])]
    assert page.evaluate("window.same")


def test_history_009_ui_the_first_run_shows_by_itself(alone: Alone) -> None:
    """With no run at all the page MUST show what to send, to its own address, and then the run without a reload."""
    _, runwatch, visitor = alone()
    page = visitor.open()
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    assert f"curl {runwatch.url}/api/events" in page.locator("pre").inner_text()
    page.get_by_role("status").get_by_text("Live").wait_for()
    page.get_by_label("Your engine").fill("first")
    assert '"source": "first"' in page.locator("pre").inner_text()
    page.get_by_role("button", name="Make a token").click()
    secret = page.get_by_text("export TOKEN=").inner_text().partition("=")[2]
    assert violations(page) == []
    answer = runwatch.post_events(run_events("first", "one", 0, workflow="first"), token=secret)
    assert answer.json()["accepted"] == 3
    expect(page.get_by_role("heading", name="No runs yet")).to_have_count(0)
    page.locator("[role=row][data-id]").first.wait_for()
    expect(page.get_by_role("link", name="What to report next")).to_have_attribute(
        "href", re.compile("/events-guide.html$")
    )
    page.goto(f"{runwatch.url}{of('nothing')}")
    expect(page.get_by_role("heading", name="No run matches.")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Without “Workflow: nothing”").click()
    page.locator("[role=row][data-id]").first.wait_for()
