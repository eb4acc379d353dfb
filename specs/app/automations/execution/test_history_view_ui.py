"""APP-AUTO-EXEC-HISTORY-…-UI (AUTO-EXEC-ADMIN-001): how the list looks, and what stays where it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Page, Route, expect

from specs.engines.retries import listed
from specs.harness.browser import HISTORY, Visitor
from specs.harness.driver import Runwatch, event, run_events, unique
from specs.harness.looking import rows, violations, wait
from specs.pages import now


def headers(page: Page) -> list[str]:
    """The columns, from left to right."""
    found: list[str] = page.get_by_role("columnheader").evaluate_all(
        "(all) => all.map((each) => each.textContent.replace(/[↑↓]/, '').trim())"
    )
    return [text for text in found if text not in ("", "Actions")]


def reported(runwatch: Runwatch, workflow: str, number: int, *, first: int = 0) -> None:
    """Report runs of a workflow, each longer than the one before."""
    for start in range(first, first + number, 100):
        events = []
        for each in range(start, min(start + 100, first + number)):
            events += run_events(workflow, f"run-{each}", each * 10, workflow=workflow, duration=1 + each / 100)
        runwatch.report(*events)


def opened(visitor: Visitor, workflow: str, **more: str) -> Page:
    """The list of a workflow, once it follows."""
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': workflow, **more})}")
    page.locator("[role=row][data-id]").first.wait_for()
    page.get_by_role("status").get_by_text("Live").wait_for()
    return page


def test_history_018_ui_columns_are_this_browser_s_own(shared: Runwatch, visitor: Visitor) -> None:
    """Columns, their order and the density MUST be kept in the browser; a link MUST carry columns only if asked to."""
    name = unique("columns")
    reported(shared, name, 3)
    page = opened(visitor, name)
    usual = ["Status", "Workflow", "What happened", "Trigger", "Queued", "Duration"]
    assert headers(page) == usual
    tall = page.locator("[role=row][data-id]").first.bounding_box()
    page.get_by_role("button", name="Display").click()
    display = page.get_by_role("dialog", name="Display")
    display.get_by_role("checkbox", name="Engine").check()
    display.get_by_role("checkbox", name="Trigger").uncheck()
    for _ in range(5):
        display.get_by_role("button", name="Move Engine to the left").click()
    display.get_by_role("button", name="Compact").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    mine = ["Engine", "Status", "Workflow", "What happened", "Queued", "Duration"]
    assert headers(page) == mine
    low = page.locator("[role=row][data-id]").first.bounding_box()
    assert tall is not None
    assert low is not None
    assert low["height"] < tall["height"]
    assert "columns=" not in page.url
    page.reload()
    page.locator("[role=row][data-id]").first.wait_for()
    assert headers(page) == mine
    expect(page.locator("[data-cell=engine]").first).to_have_text(name)

    for link, expected in (("with its columns", mine), ("with its relative time", usual)):
        page.evaluate("navigator.clipboard.writeText('')")  # what was copied before begins alike
        page.get_by_role("button", name="Copy link").click()
        page.get_by_role("menuitem", name=link).click()
        wait(page, "navigator.clipboard.readText().then((text) => text.startsWith(location.origin))")
        address = urlsplit(page.evaluate("navigator.clipboard.readText()"))
        elsewhere = visitor.open(address._replace(scheme="", netloc="").geturl())
        elsewhere.locator("[role=row][data-id]").first.wait_for()
        assert headers(elsewhere) == expected
        assert parse_qs(address.query).get("workflow") == [name]


def test_history_019_ui_another_order_moves_nothing_by_itself(shared: Runwatch, visitor: Visitor) -> None:
    """Under another order nothing MUST move before "Sort again", which says as of when it was sorted."""
    name = unique("order")
    reported(shared, name, 5)
    shared.report(*run_events(name, "open", 900, workflow=name, state=None))
    page = opened(visitor, name, sort="-duration")
    before = rows(page)
    shared.report(event(name, "open", "execution.finished", 999, {"state": "SUCCEEDED"}))
    reported(shared, name, 2, first=7)
    again = page.get_by_role("button", name=re.compile(r"Sorted as of \d\d:\d\d:\d\d · 2 new runs Sort again"))
    expect(again).to_be_visible()
    expect(page.locator("[role=row].PENDING")).to_have_count(0)
    assert rows(page) == before
    again.click()
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 8")
    assert rows(page)[0] == before[-1], "the longest is not the first"
    expect(page.locator(".pill")).to_have_count(0)


def test_history_020_ui_what_is_loaded_stays(shared: Runwatch, visitor: Visitor) -> None:
    """Newcomers MUST show above what is loaded, which MUST stay, as the open run; Back MUST find it again."""
    name = unique("loaded")
    reported(shared, name, 400)
    page = opened(visitor, name)
    scroll = """(to) => {
      const grid = document.querySelector('[role=grid]')
      grid.scrollTo(0, to ?? grid.scrollHeight)
      return document.querySelector('.table-foot').textContent
    }"""
    wait(page, f"({scroll})().includes('All 400 runs')")
    reported(shared, name, 3, first=400)
    expect(page.get_by_role("button", name="3 new runs")).to_be_visible()
    asked: list[str] = []
    visitor.listen = lambda request: asked.append(request.post_data or "") if "/graphql" in request.url else None
    page.keyboard.press(".")
    expect(page.get_by_text("All 403 runs that match")).to_be_visible()
    assert len([each for each in asked if "query Executions" in each]) == 1, "it has loaded all of it again"

    page.keyboard.press("Enter")
    page.wait_for_url("**run=execution_*")
    there = page.url
    reported(shared, name, 1, first=403)
    page.locator(".pill").click()
    expect(page.get_by_text("All 404 runs that match")).to_be_visible()
    wait(page, "document.activeElement.matches('[aria-rowindex=\"2\"]')")
    assert page.url == there, "another run is open"
    page.keyboard.press("Escape")

    before = rows(page)
    page.evaluate(scroll, 6_000)
    # Rows are drawn after the scroll; the one that has the focus stays.
    wait(page, "(before) => before.filter((id) => document.getElementById(`row-${id}`)).length <= 1", before)
    shown = rows(page)
    page.get_by_role("button", name=re.compile("^Success")).click()
    wait(page, "location.search.includes('status')")
    page.go_back()
    wait(page, "(ids) => ids.every((id) => document.getElementById(`row-${id}`))", shown[3:8])
    expect(page.get_by_text("All 404 runs that match")).to_be_visible()


def test_history_022_ui_a_tab_that_nobody_looks_at_is_marked(shared: Runwatch, visitor: Visitor) -> None:
    """The icon of a tab that nobody looks at MUST be marked when a run of its view fails, until somebody looks."""
    name = unique("icon")
    shared.report(*run_events(name, "old", 0, workflow=name, state="FAILED", error={"message": "old"}))
    page = opened(visitor, name)
    marked = "document.querySelector('link[rel=icon]').href.includes('failed')"
    looks_away = """(hidden) => {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }"""
    page.evaluate(looks_away, True)
    assert not page.evaluate(marked), "what he has seen is new"
    shared.report(*run_events(name, "new", now(), workflow=name, state="FAILED", error={"message": "new"}))
    wait(page, marked)
    assert page.evaluate("fetch(document.querySelector('link[rel=icon]').href).then(({ ok }) => ok)")
    page.evaluate(looks_away, False)
    wait(page, f"!{marked}")


def test_history_023_ui_a_silent_run_says_since_when(shared: Runwatch, visitor: Visitor) -> None:
    """A run that has lost contact MUST say when Runwatch last heard of it, in the list and on its own page."""
    name = unique("silent")
    shared.report(*run_events(name, "one", 0, workflow=name, state=None))

    def fell_silent(route: Route) -> None:
        answer = route.fetch()
        silent = answer.text().replace('"RUNNING"', '"CONTACT_LOST"')
        old = (datetime.now(UTC) - timedelta(minutes=14, seconds=20)).isoformat()
        route.fulfill(response=answer, body=re.sub(r'"lastHeardAt":"[^"]*"', f'"lastHeardAt":"{old}"', silent))

    page = visitor.blank()
    page.route("**/graphql", fell_silent)
    page.goto(f"{shared.url}{HISTORY}?{urlencode({'workflow': name})}")
    row = page.locator("[role=row][data-id]")
    expect(row).to_contain_text(re.compile(r"Contact lost.*Last heard 14 min ago", re.DOTALL))
    row.click()
    expect(page.get_by_role("dialog", name="Run")).to_contain_text("last heard 14 min ago")
    page.unroute_all(behavior="wait")  # an answer that is on its way must not outlive the page


def test_history_024_ui_a_run_that_has_not_begun_says_when_it_will(shared: Runwatch, visitor: Visitor) -> None:
    """A queued run MUST say when it is due, or how long it has been queued, and one that waits when it goes on."""
    name, began = unique("due"), datetime.now(UTC)
    due = (began + timedelta(hours=2, minutes=5)).isoformat()

    def told(run: str, type_: str, ago: int, **data: Any) -> dict[str, Any]:
        time = (began - timedelta(seconds=ago)).isoformat()
        return event(name, run, f"execution.{type_}", ago, {"workflow": name, **data}, time=time)

    shared.report(
        told("queued", "queued", 3_700),
        told("due", "queued", 60, dueAt=due),
        told("waiting", "queued", 30),
        told("waiting", "started", 29),
        told("waiting", "waiting", 28, dueAt=due),
        told("waiting on", "queued", 20),
        told("waiting on", "started", 19),
        told("waiting on", "waiting", 18),
    )
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': name})}")
    expect(page.locator("[role=row][data-id]")).to_have_count(4)
    ids = {run: found["id"] for run, found in listed(shared, engine=[name]).items()}
    shown = {run: page.locator(f"[role=row][data-id={id_}]") for run, id_ in ids.items()}
    for run, words in (
        ("waiting on", r"Waiting"),
        ("waiting", r"Waiting.*Due in 2 h"),
        ("due", r"Queued.*Due in 2 h"),
        ("queued", r"Queued.*Queued for 1 h (1|2) min"),
    ):
        expect(shown[run]).to_contain_text(re.compile(words, re.DOTALL))
    expect(shown["waiting on"]).not_to_contain_text("Due")
    assert violations(page) == []
    shown["due"].click()
    head = page.get_by_role("dialog", name="Run").locator(".head")
    expect(head).to_contain_text("Due in 2 h")
    shared.report(told("due", "started", 0))
    expect(shown["due"]).not_to_contain_text("Due")  # it has begun
    expect(head).not_to_contain_text("Due")


def test_history_025_ui_a_wall_shows_new_runs_by_itself(shared: Runwatch, visitor: Visitor) -> None:
    """Where a view follows, new runs MUST show by themselves while nobody works with the list, and wait else."""
    name = unique("wall")
    shared.report(*run_events(name, f"{name}-0", 0, workflow=name))
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': name})}")
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 1")
    page.get_by_role("button", name="Display").click()
    page.get_by_label("Show new runs by themselves").check()
    assert parse_qs(urlsplit(page.url).query) == {"workflow": [name], "follow": ["1"]}
    page.keyboard.press("Escape")
    page.get_by_role("status").get_by_text("Live").wait_for()
    shared.report(*run_events(name, f"{name}-1", 10, workflow=name))
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 2")

    page.get_by_role("grid").hover()
    shared.report(*run_events(name, f"{name}-2", 20, workflow=name))
    expect(page.get_by_role("button", name="1 new run")).to_be_visible()
    page.reload()  # the address has it
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 3")
    page.mouse.move(0, 0)
    page.get_by_role("status").get_by_text("Live").wait_for()
    shared.report(*run_events(name, f"{name}-3", 30, workflow=name))
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 4")


def test_history_018_ui_odd_names_stay_in_their_place(shared: Runwatch, visitor: Visitor) -> None:
    """A name MUST take one line, and MUST NOT turn round the text beside it, whatever characters it has."""
    engine = unique("odd")
    error = {"type": "\u202eError", "message": "left to right"}
    shared.report(*run_events(engine, "run", 0, workflow="two\nlines\tof a name", state="FAILED", error=error))
    page = visitor.open(f"{HISTORY}?{urlencode({'engine': engine})}")
    row = page.locator("[role=row][data-id]")
    link = row.get_by_role("link", name="two lines of a name").bounding_box()
    assert link is not None
    assert link["height"] < 25
    first, last = row.evaluate(
        """(row) => {
            const texts = document.createTreeWalker(row, NodeFilter.SHOW_TEXT)
            while (texts.nextNode().data !== 'left to right');
            return [0, 12].map((at) => {
                const range = document.createRange()
                range.setStart(texts.currentNode, at)
                range.setEnd(texts.currentNode, at + 1)
                return range.getBoundingClientRect().left
            })
        }"""
    )
    assert first < last
