"""APP-AUTO-EXEC-ACCESS-…-UI: whoever looks, however they look, sees the same: each state, each theme, each size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route, expect

from specs.harness.browser import EXECUTIONS, HISTORY, Visitor
from specs.harness.driver import Runwatch, event, unique
from specs.harness.looking import looks, overflows, rows, violations, wait
from specs.pages import listed, of, ready, report

SIGN_IN = "/admin/automations/sign-in"
# WCAG 1.4.12: what a reader may set without loss.
SPACING = """() => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important }`)
  document.adoptedStyleSheets = [sheet]
}"""
# The shape of each status: its icon's drawing and its word, without colour.
SHAPES = """() => Object.fromEntries([...document.querySelectorAll('[role=row][data-id] .status')].map((cell) =>
  [cell.textContent.trim(), [...cell.querySelectorAll('svg *')].map((part) => part.outerHTML).join()]))"""


def some_of_all(runwatch: Runwatch, name: str) -> None:
    """A run of each status."""
    for number, state in enumerate(("SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT", None)):
        report(runwatch, name, f"run-{number}", state=state, at=number * 10)


def test_access_001_ui_every_state_of_the_list(shared: Runwatch, visitor: Visitor) -> None:
    """axe-core MUST find nothing, and nothing overflow, in each state of the list: light, dark and on a phone."""
    name = unique("states")
    some_of_all(shared, name)
    page = ready(visitor.open(of(name)))
    looks(page)
    for button in ("Account", "Time zone", "Display"):
        page.get_by_role("button", name=re.compile(f"^{button}")).click()
        page.locator(":popover-open").first.wait_for()
        assert [button, *violations(page)] == [button]
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_role("combobox").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("[role=row].FAILURE").first.get_by_role("checkbox").click()
    looks(page)
    page.get_by_role("button", name="Retry…").click()
    page.get_by_role("dialog", name="Retry failed runs").get_by_role("button", name="Cancel").wait_for()
    looks(page)
    page.keyboard.press("Escape")
    page.keyboard.press("r")  # the first row is still running: the page says so
    page.locator(".toast").wait_for()
    assert violations(page) == []
    page.goto(f"{shared.url}{of(name, q='nothing at all')}")
    page.get_by_role("heading", name="No run matches.").wait_for()
    looks(page)


def test_access_002_ui_every_page(shared: Runwatch, visitor: Visitor) -> None:
    """axe-core MUST find nothing on the pages of nothing and where one signs in; on a run's: see DETAIL-006-UI."""
    page = visitor.open(f"{EXECUTIONS}/nonsense")
    page.get_by_role("heading", name="There is no run with this id.").first.wait_for()
    looks(page)
    page.goto(f"{shared.url}/admin/automations/nowhere")
    page.get_by_text("There is no page at this address.").wait_for()
    looks(page)
    page = visitor.open(SIGN_IN, signed_in=False)
    page.get_by_label("Token").wait_for()
    looks(page)


def test_access_003_ui_at_400_percent(shared: Runwatch, visitor: Visitor) -> None:
    """At 400 % of 1280 × 1024, and with wide text, nothing MUST overflow, and all of the page MUST be within reach."""
    name = unique("zoomed")
    some_of_all(shared, name)
    failed = listed(shared, workflowName=[name], status=["FAILURE"])[0]["id"]
    page = visitor.open(of(name))
    page.set_viewport_size({"width": 320, "height": 256})
    ready(page)
    for spaced in (False, True):
        if spaced:
            page.evaluate(SPACING)
        assert overflows(page) == []
        page.locator(f"#row-{failed} .happened").click()
        page.get_by_role("dialog", name="Run").get_by_role("heading", name="Trigger data").scroll_into_view_if_needed()
        assert overflows(page) == []
        page.get_by_role("dialog", name="Run").get_by_role("button", name=re.compile("Close|Back")).click()
        page.get_by_role("searchbox").click()
    for path, shown in ((f"{EXECUTIONS}/{failed}", "h1"), (SIGN_IN, "#token"), ("/graphiql", ".graphiql-query-editor")):
        page.goto(f"{shared.url}{path}")
        page.locator(shown).first.wait_for()
        page.evaluate(SPACING)
        assert overflows(page) == []


def test_access_004_ui_without_colour_or_motion(shared: Runwatch, visitor: Visitor) -> None:
    """Statuses MUST differ in word and shape; forced colours and contrast MUST be kept, and nothing MUST move."""
    name = unique("plain")
    some_of_all(shared, name)
    step = {"index": 0, "name": "check"}
    shared.report(event(name, "run-1", "step.started", 11, {"step": step}))
    shared.report(event(name, "run-1", "step.finished", 12, {"step": {**step, "state": "FAILED"}}))
    page = ready(visitor.open_new(of(name), forced_colors="active", contrast="more"))
    shapes: dict[str, str] = page.evaluate(SHAPES)
    assert set(shapes) == {"Success", "Failed", "Cancelled", "Timed out", "Running"}
    assert len({shapes[word] for word in ("Success", "Failed", "Cancelled", "Running")}) == 4
    assert violations(page) == []
    # A drawing in forced colours is in the text's, not in the background's.
    drawn = "getComputedStyle(document.querySelector('[role=row] .status svg')).color"
    assert page.evaluate(f"{drawn} === getComputedStyle(document.body).color")
    page.keyboard.press("j")
    wait(page, "getComputedStyle(document.activeElement).outlineStyle !== 'none'")
    page.get_by_role("button", name=re.compile("^Failed")).press("Enter")
    plain = "getComputedStyle(document.querySelector('#add-filter')).backgroundColor"
    page.locator("[aria-pressed=true]").wait_for()
    wait(page, f"getComputedStyle(document.querySelector('[aria-pressed=true]')).backgroundColor !== {plain}")
    page.locator("[role=row].FAILURE").get_by_text("check").click()
    page.get_by_role("dialog", name="Run").get_by_role("heading", name="Trigger data").wait_for()
    # A background says what a bar is, and forced colours take those away.
    page.locator(".steps .bar.FAILURE").wait_for()
    wait(page, "getComputedStyle(document.querySelector('.steps .bar.FAILURE')).backgroundImage !== 'none'")
    assert page.evaluate("document.getAnimations().length") == 0


def test_access_005_ui_figures_say_what_they_are_of(shared: Runwatch, visitor: Visitor) -> None:
    """A figure MUST say whether counting stopped, and the histogram its window, its runs, and all of it as a table."""
    name = unique("figures")
    report(shared, name, *(f"run-{number}" for number in range(60)))
    page = visitor.blank()

    def stopped(route: Route) -> None:
        answer = route.fetch()
        body = answer.text().replace('"EXACT"', '"AT_LEAST"')
        route.fulfill(response=answer, body=body)

    page.route("**/graphql", stopped)
    page.goto(f"{shared.url}{of(name)}")
    ready(page)
    expect(page.get_by_role("button", name=re.compile("^Success"))).to_contain_text("60+")
    expect(page.locator(".table-foot")).to_contain_text("of 60+")
    figure = page.locator(".histogram figcaption")
    expect(figure).to_contain_text("60+ runs")
    assert re.search(r"^\d+ \w+ 2025 .*60\+ runs.*\d+ \w+ \d\d:\d\d( \w+)?$", figure.inner_text().replace("\n", " "))
    figure.get_by_role("button", name="show as table").press("Enter")
    table = page.get_by_role("dialog", name="Runs over time").get_by_role("table")
    expect(table.locator("tbody tr")).to_have_text([re.compile(r"\d\d:\d\d6000600$")])
    looks(page)
    table.get_by_role("button", name="show the runs until").press("Enter")
    wait(page, "location.search.includes('from=') && location.search.includes('to=')")
    expect(page.get_by_role("dialog")).to_have_count(0)


def views(page: Page, shared: Runwatch, visitor: Visitor) -> None:
    """The view elsewhere, by its address alone: the same rows, the same address."""
    shown = rows(page)
    parts = urlsplit(page.url)
    other = Visitor(visitor.browser, visitor.url, visitor.state)
    elsewhere = other.open(f"{parts.path}?{parts.query}")
    wait(
        elsewhere,
        "(ids) => String([...document.querySelectorAll('[role=row][data-id]')].map((row) => row.dataset.id).sort())"
        " === String([...ids].sort())",
        shown,
    )
    assert rows(elsewhere) == shown, parts.query
    assert json.dumps(parse_qs(urlsplit(elsewhere.url).query)) == json.dumps(parse_qs(parts.query))
    other.close()


def test_access_006_ui_each_control_is_in_the_address(shared: Runwatch, visitor: Visitor) -> None:
    """What each control of the list has set MUST show the same elsewhere, by the address alone."""
    name = unique("address")
    some_of_all(shared, name)
    page = ready(visitor.open(of(name)))
    controls: list[Callable[[], object]] = [
        lambda: page.get_by_role("button", name=re.compile("^Failed")).click(),
        lambda: page.get_by_role("button", name=re.compile("^Success")).click(modifiers=["Control"]),
        lambda: page.get_by_role("button", name=re.compile("^Unresolved")).click(),
        lambda: page.get_by_role("columnheader", name="Duration").get_by_role("button").click(),
        lambda: page.get_by_role("searchbox").fill(name[:6]),
        lambda: page.locator("[role=row][data-id] .happened").first.click(),
    ]
    for number, control in enumerate(controls):
        before = page.url
        control()
        wait(page, "(before) => location.href !== before", before)
        page.locator("[aria-busy=false][role=grid]").wait_for()
        if number % 2 or number == len(controls) - 1:  # two at a time: another browser each costs half a second
            views(page, shared, visitor)
    assert set(parse_qs(urlsplit(page.url).query)) == {"status", "workflow", "unresolved", "q", "sort", "run"}
    for _ in range(3):
        page.go_back()
    wait(page, "!new URLSearchParams(location.search).has('run')")
    assert HISTORY in page.url
