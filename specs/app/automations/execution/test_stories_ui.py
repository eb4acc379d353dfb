"""Whole stories on the page, by keyboard alone: the mouse is not touched once."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect

from specs.app.automations.execution.test_execution_ui import LAST_LINE, failed_run
from specs.engines.driver import WebhookEngine
from specs.engines.retries import listed
from specs.harness.browser import HISTORY, Visitor
from specs.harness.driver import Runwatch, event, run_events, unique
from specs.harness.looking import wait

RESOLVED = "query R($name: [String!]) { executions(filter: {workflowName: $name}) { nodes { resolved } } }"


def list_of(visitor: Visitor, workflow: str) -> Page:
    """The list of a workflow, once it follows."""
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': workflow})}")
    page.locator("[role=row][data-id]").first.wait_for()
    page.get_by_role("status").get_by_text("Live").wait_for()
    return page


def tab_to(page: Page, role: str, name: str, within: Locator | None = None) -> None:
    """Tab until a control, which may still be on its way, has the focus."""
    wanted = (within or page).get_by_role(role, name=name)  # type: ignore[arg-type]
    wanted.first.wait_for()
    for _ in range(80):
        if wanted.first.evaluate("(each) => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {name}")


def test_story_002_ui_where_a_run_stands(shared: Runwatch, visitor: Visitor) -> None:
    """AUTO-EXEC-ADMIN-002: find the run that is at work, see its step and its log grow, and be told of its end."""
    name = unique("story")
    shared.report(*run_events(name, "done", 0, workflow=name))
    shared.report(*run_events(name, "one", 60, workflow=name, state=None))
    shared.report(event(name, "one", "step.started", 62, {"step": {"index": 0, "name": "fetch"}}))
    page = list_of(visitor, name)
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("[role=row].PENDING")).to_be_focused()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="Run")
    expect(sheet.locator(".facts")).to_contain_text("Running")
    expect(sheet.get_by_role("row").filter(has_text="fetch")).to_contain_text("…")
    shared.report(event(name, "one", "log.written", 63, {"level": "INFO", "message": "page 1", "step": 0}))
    expect(sheet.get_by_role("log")).to_contain_text("page 1")
    finished = {"step": {"index": 0, "name": "fetch", "state": "FAILED"}}
    error = {"message": "it broke", "step": 0}
    shared.report(
        event(name, "one", "step.finished", 64, finished),
        event(name, "one", "execution.finished", 65, {"state": "FAILED", "error": error}),
    )
    expect(sheet.locator(".facts")).to_contain_text("Failed in fetch")
    expect(page.locator("[aria-live=polite]").filter(has_text=f"{name}: Failed in fetch")).to_have_count(1)
    expect(sheet.get_by_text("Following")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)


def test_story_003_ui_why_a_run_failed(shared: Runwatch, visitor: Visitor) -> None:
    """AUTO-EXEC-ADMIN-003: from a failed run to its failing step, its error line, what is around, and a link to it."""
    name = unique("story")
    id_ = failed_run(shared, name, lines=400)
    page = list_of(visitor, name)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="Run")
    sheet.get_by_text(LAST_LINE).wait_for()
    page.keyboard.press("e")
    expect(sheet.get_by_role("button", name="check")).to_be_focused()
    expect(sheet.get_by_role("tree", name="Output")).to_contain_text("rows: 5")
    page.keyboard.press("e")
    expect(sheet.locator(".log-line[aria-current]")).to_contain_text(LAST_LINE)

    tab_to(page, "radio", "All: 400")
    page.keyboard.press("ArrowRight")
    expect(sheet.get_by_role("heading", name="Log")).to_have_text("Log · 1")
    page.keyboard.press("ArrowLeft")
    expect(sheet.get_by_role("heading", name="Log")).to_have_text("Log · 400")
    tab_to(page, "searchbox", "Find in the log")
    page.keyboard.type("row 7 ")
    expect(sheet.get_by_text("1 of 1", exact=True)).to_be_visible()
    expect(sheet.locator(".log-line.pointed")).to_contain_text("row 7 is fine")
    tab_to(page, "log", "Log")
    page.keyboard.press("End")
    expect(sheet.get_by_text(LAST_LINE)).to_be_in_viewport()
    # As fast as they come: a key is that of the line where the one before has led.
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait(page, "(id) => navigator.clipboard.readText().then((text) => text.includes(`${id}?line=log_`))", id_)

    page.keyboard.press("o")
    page.wait_for_url(f"**/executions/{id_}")
    page.get_by_text(LAST_LINE).wait_for()
    page.keyboard.press("y")
    wait(page, "(id) => navigator.clipboard.readText().then((text) => text === id)", id_)
    assert len(listed(shared, engine=[name])) == 1


def test_story_005_ui_from_a_failure_to_its_end(shared: Runwatch, visitor: Visitor, tmp_path: Path) -> None:
    """AUTO-EXEC-ADMIN-005: a failed run is retried, its error resolved, and who will be told of the next is settled."""
    name = unique("story")
    with WebhookEngine(shared, tmp_path) as engine:
        engine.run(name, '{"run": "cat input"}')
        page = list_of(visitor, name)
        press = page.keyboard.press
        press("k")
        press("Enter")
        sheet = page.get_by_role("dialog", name="Run")
        expect(sheet.locator(".facts")).to_contain_text("Failed")
        press("r")
        expect(sheet).to_contain_text("Attempt 2 of 2")
        expect(sheet.locator(".facts")).to_contain_text("Failed")
    press("Escape")

    press("g")
    press("e")
    page.get_by_role("heading", level=1, name="Errors").wait_for()
    press("/")
    page.keyboard.type(name)
    expect(page.locator("tbody tr")).to_have_count(1)
    tab_to(page, "link", "cat")
    press("Enter")
    tab_to(page, "button", "More actions")
    press("Enter")
    expect(page.get_by_role("menuitem", name="Resolve by hand…")).to_be_focused()
    press("Enter")
    dialog = page.get_by_role("dialog", name="Resolve by hand")
    tab_to(page, "textbox", "How was it mended?")
    page.keyboard.type("The file came by mail.")
    tab_to(page, "button", "Resolve", dialog)
    press("Enter")
    expect(dialog.get_by_role("status")).to_contain_text("Resolved")
    press("Escape")
    assert {run["resolved"] for run in shared.ask(RESOLVED, name=[name])["data"]["executions"]["nodes"]} == {True}

    press("Control+k")
    expect(page.get_by_role("combobox", name="Do or go to…")).to_be_focused()
    page.keyboard.type(name)
    page.get_by_role("option", name=f"Workflow {name}").wait_for()
    press("Enter")
    page.get_by_role("heading", level=1, name=name).wait_for()
    tab_to(page, "button", "Add a rule")
    press("Enter")
    page.get_by_role("button", name=f"Workflow: {name}").wait_for()
    tab_to(page, "button", "Save", page.get_by_role("dialog"))
    press("Enter")
    rules = page.get_by_role("region", name="Alert rules")
    expect(rules.get_by_role("listitem")).to_contain_text(f"When {name} fails 3 times in a row")
    press("g")
    press("a")
    page.get_by_role("heading", level=1, name="Alerts").wait_for()
    tab_to(page, "button", "Delete: fails 3 times in a row")
    press("Enter")
    tab_to(page, "button", "Delete", page.get_by_role("dialog"))
    press("Enter")
    expect(page.get_by_role("region", name="Rules").get_by_text(name)).to_have_count(0)
