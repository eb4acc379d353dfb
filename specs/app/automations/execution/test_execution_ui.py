"""APP-AUTO-EXEC-DETAIL-…-UI (AUTO-EXEC-ADMIN-003): an administrator opens a failed run, and sees why."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from specs.engines.retries import listed
from specs.harness.browser import DESKTOP, EXECUTIONS, HISTORY, Visitor
from specs.harness.driver import Runwatch, Server, event, run_events, unique
from specs.harness.looking import in_view, looks, overflows, violations

Alone = Callable[[], tuple[Server, Runwatch, Visitor]]
MESSAGE = "line 5, order A-1004: quantity 'twelve' is not a number"
LAST_LINE = "line 5 cannot be read"
TRACE = """Traceback (most recent call last):
  File "/app/automations.py", line 59, in import_orders
    orders = [_order(row) for row in rows]
  File "/app/automations.py", line 83, in _order
    raise BrokenRow(message)
automations.BrokenRow: line 5"""

# What a thumb could miss.
SMALL = """[...document.querySelectorAll(`.sheet-bar :is(a, button), .crumbs a, .tools button, .part > header button,
  .views button, .facts-part button, .log-level`)].filter((each) => {
    const { width, height } = each.getBoundingClientRect()
    return width > 1 && (width < 44 || height < 44)
  }).map((each) => each.outerHTML)"""


def failed_run(
    runwatch: Runwatch, name: str, *, lines: int = 40, message: str = MESSAGE, trace: str = TRACE, unreached: int = 0
) -> str:
    """The id of a run that failed in its second step, and wrote a log."""
    events = run_events(name, "one", 0, workflow=name, state=None)
    for index, (step, state, error) in enumerate(
        [("read", "SUCCEEDED", None), ("check", "FAILED", {"type": "BrokenRow", "message": MESSAGE})]
    ):
        began: dict[str, Any] = {"index": index, "name": step}
        ended = began | {"state": state, "output": {"rows": 5, "exact": 1}} | ({"error": error} if error else {})
        events.append(event(name, "one", "step.started", 2 + index, {"step": began}, id=f"{index}/started"))
        events.append(event(name, "one", "step.finished", 2.5 + index, {"step": ended}, id=f"{index}/finished"))
    for line in range(lines):
        last = line == lines - 1
        data = {"level": "ERROR" if last else "INFO", "message": LAST_LINE if last else f"row {line} is fine"}
        events.append(event(name, "one", "log.written", 2 + line / 100, data, id=f"log/{line}"))
    if unreached:
        names = ["read", "check", *(f"later {number}" for number in range(unreached))]
        events[0]["data"]["definition"] = names
    error = {"type": "BrokenRow", "message": message, "stackTrace": trace}
    events.append(event(name, "one", "execution.finished", 4, {"state": "FAILED", "error": error}))
    runwatch.report(*events)
    id_: str = listed(runwatch, engine=[name])["one"]["id"]
    return id_


def sheet_of(visitor: Visitor, name: str, **options: Any) -> Page:
    """The list of a workflow, with its failed run beside it by one click."""
    where = f"{HISTORY}?{urlencode({'workflow': name})}"
    page = visitor.open_new(where, **options) if options else visitor.open(where)
    page.locator("[role=row].FAILURE").click()
    page.get_by_role("dialog", name="Run").get_by_text(LAST_LINE).wait_for()
    return page


def test_detail_001_ui_one_click_shows_why_without_scrolling(shared: Runwatch, visitor: Visitor) -> None:
    """At 1280 × 800 one click MUST show message, failed step and the last line of the log, with nothing scrolled."""
    name = unique("why")
    failed_run(shared, name)
    page = sheet_of(visitor, name)
    assert page.viewport_size == {"width": 1280, "height": 800}
    sheet = page.get_by_role("dialog", name="Run")
    expect(sheet.get_by_text("Failed in check")).to_be_visible()
    expect(sheet.locator(".facts")).to_contain_text("3 s")
    assert page.locator("dialog.sheet").evaluate("(sheet) => sheet.scrollTop") == 0
    for text in ("Failed in check", MESSAGE, LAST_LINE):
        assert in_view(page, text), text
    expect(sheet.get_by_text("in _order")).to_have_count(1)


LONG = {
    "message": "\n".join([MESSAGE, *(f"and row {number} as well, which is told at length" for number in range(60))]),
    "trace": TRACE.replace(
        "  File", "".join(f'  File "/app/m{n}.py", line {n}, in f{n}\n    g()\n' for n in range(80)) + "  File", 1
    ),
    "unreached": 300,
}


@pytest.mark.parametrize("as_page", [False, True])
def test_detail_013_ui_however_much_there_is(shared: Runwatch, visitor: Visitor, as_page: bool) -> None:
    """A long message, a long trace and many steps MUST NOT push failed step and last lines out of the window.

    On paper all of it MUST be there, and nothing of the frame.
    """
    name = unique("much")
    id_ = failed_run(shared, name, **LONG)  # type: ignore[arg-type]
    page = visitor.open(f"{EXECUTIONS}/{id_}" if as_page else f"{HISTORY}?{urlencode({'workflow': name, 'run': id_})}")
    page.get_by_text(LAST_LINE).wait_for()
    for text in ("Failed in check", MESSAGE, "m79.py", LAST_LINE):
        assert in_view(page, text), text
    expect(page.locator(".step").get_by_role("button", name="check")).to_be_in_viewport()
    page.get_by_role("button", name="Show the whole message").click()
    expect(page.get_by_text("and row 59 as well")).to_be_visible()
    page.get_by_role("button", name="more frames").click()
    expect(page.get_by_text("/app/m0.py:0")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    bottom, height = page.evaluate(
        """() => [...document.querySelectorAll('.part')].reduce(
          ([bottom, height], part) => [Math.max(bottom, part.getBoundingClientRect().bottom), height],
          [0, document.documentElement.scrollHeight])"""
    )
    assert DESKTOP["height"] < bottom <= height, "a part is cut off"
    page.emulate_media(media="screen")


def test_detail_002_ui_a_run_has_an_address(shared: Runwatch, visitor: Visitor) -> None:
    """The address of a run MUST show the same as the sheet, title and data included."""
    name = unique("address")
    id_ = failed_run(shared, name)
    page = visitor.open(f"{EXECUTIONS}/{id_}")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(name))
    expect(page).to_have_title(f"✕ {name} · Runwatch")
    expect(page.get_by_text(LAST_LINE)).to_be_visible()
    expect(page.get_by_text('"one"')).to_be_visible()
    page.get_by_role("navigation", name="Where this run belongs").get_by_role("link", name=name).click()
    page.wait_for_url(f"**{HISTORY}?{urlencode({'workflow': name})}")
    page.locator("[role=row].FAILURE").wait_for()


@pytest.mark.parametrize("id_", ["execution_" + "0" * 32, "nonsense"])
def test_detail_003_ui_an_unknown_run_has_a_page(shared: Runwatch, visitor: Visitor, id_: str) -> None:
    """An id that nothing has MUST be named on a page of its own, with a way to go on."""
    page = visitor.open(f"{EXECUTIONS}/{id_}")
    expect(page.get_by_role("heading", name="There is no run with this id.")).to_be_visible()
    assert violations(page) == []
    expect(page.locator(".rail .live").filter(has_not_text="Live"), "an icon says what no word does").to_have_count(0)
    page.get_by_role("link", name="Search for this id").click()
    page.wait_for_url(f"**{HISTORY}?q={id_}")


def test_detail_004_ui_a_run_that_is_deleted_meanwhile_says_so(alone: Alone) -> None:
    """A run that is pruned while it is looked at MUST be marked in the list, and its page MUST say so."""
    _, runwatch, visitor = alone()
    id_ = failed_run(runwatch, "pruned")
    page = visitor.open(f"{EXECUTIONS}/{id_}")
    page.get_by_text(LAST_LINE).wait_for()
    beside = visitor.tab(page.context, HISTORY)
    beside.locator("[role=row].FAILURE").wait_for()
    beside.get_by_role("status").get_by_text("Live").wait_for()
    runwatch.cli("prune", "--older-than", "1")
    expect(beside.locator("[role=row].gone")).to_contain_text("Deleted", timeout=15_000)
    expect(page.get_by_role("heading", name="This run is no longer kept.")).to_be_visible(timeout=15_000)


def test_detail_005_ui_it_follows_its_run(shared: Runwatch, visitor: Visitor) -> None:
    """What a run does while it is looked at MUST show: lines of its log, its steps, and its end."""
    name = unique("follows")
    shared.report(*run_events(name, "one", 0, workflow=name, state=None))
    page = visitor.open(f"{EXECUTIONS}/{listed(shared, engine=[name])['one']['id']}")
    expect(page.get_by_text("The run has written no log.")).to_be_visible()
    page.get_by_role("status").get_by_text("Live").wait_for()
    line = {"level": "INFO", "message": "fetched 3 pages"}
    shared.report(
        event(name, "one", "log.written", 2, line),
        event(name, "one", "step.started", 2, {"step": {"index": 0, "name": "fetch"}}),
    )
    expect(page.get_by_text("fetched 3 pages")).to_be_visible()
    expect(page.locator(".steps")).to_contain_text("fetch")
    shared.report(event(name, "one", "execution.finished", 9, {"state": "SUCCEEDED"}))
    expect(page.locator(".facts")).to_contain_text("Success")
    expect(page.locator(".facts")).to_contain_text("8 s")


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_detail_006_ui_it_is_accessible(shared: Runwatch, visitor: Visitor, phone: bool) -> None:
    """axe-core MUST find nothing in a run's page and sheet: light, dark and on a phone, where its parts MUST fold."""
    name = unique("accessible")
    id_ = failed_run(shared, name)
    page = sheet_of(visitor, name, **{"phone": True} if phone else {})
    for path in ("", f"{shared.url}{EXECUTIONS}/{id_}"):
        if path:
            page.goto(path)
            page.get_by_text(LAST_LINE).wait_for()
        looks(page, phone=False)
        assert overflows(page) == []
        # Lines of logs and of data are dense: their copy buttons and links are smaller.
        assert not phone or page.evaluate(SMALL) == []
    if phone:  # its parts fold
        title = page.get_by_role("button", name=re.compile("^Steps"))
        title.click()
        expect(page.locator(".steps")).to_be_hidden()
        title.click()
        expect(page.locator(".steps")).to_be_visible()
