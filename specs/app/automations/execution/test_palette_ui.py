"""APP-AUTO-EXEC-PALETTE-…-UI (AUTO-EXEC-ADMIN-004): everything by typing its name."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Locator, Page, Route, expect

from specs.harness.browser import EXECUTIONS, HISTORY, METRICS, Visitor
from specs.harness.driver import Runwatch, run_events, unique
from specs.harness.looking import looks, wait

SAVE = "mutation S($input: SavedViewInput!) { saveView(input: $input) { view { id } } }"
DELETE = "mutation D($id: ID!) { deleteView(id: $id) }"


def opened(page: Page) -> Locator:
    """The field of the palette, which a key has opened."""
    page.keyboard.press("Control+k")
    field = page.get_by_role("dialog", name="Commands").get_by_role("combobox")
    expect(field).to_be_focused()
    return field


def test_palette_001_ui_leads_to_pages_workflows_and_runs(shared: Runwatch, visitor: Visitor) -> None:
    """Pages, workflows and saved views MUST be found by name, and a run by its whole id, from every page."""
    name = unique("palette")
    shared.report(*run_events(name, f"{name}-7", 0, workflow=name))
    saved = shared.ask(
        SAVE, input={"name": f"{name} failed", "page": "history", "query": f"status=FAILURE&workflow={name}"}
    )
    page = visitor.open(METRICS)
    page.locator("main h1").wait_for()
    page.get_by_role("group", name="Views").get_by_role("link", name=name).wait_for()
    field = opened(page)
    looks(page)
    page.keyboard.type("hist")
    expect(page.get_by_role("option").first).to_contain_text("Go to History")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{HISTORY}")

    opened(page).fill("tokens")
    page.get_by_role("option", name="Go to Tokens").click()
    page.wait_for_url("**/tokens")

    field = opened(page)
    field.fill(name)
    page.get_by_role("option", name=f"Runs of {name}").click()
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 1")
    assert parse_qs(urlsplit(page.url).query) == {"workflow": [name]}

    opened(page).fill(f"view {name}")
    page.get_by_role("option", name=f"View {name} failed").click()
    page.wait_for_url(f"**{HISTORY}?status=FAILURE&workflow={name}")
    shared.ask(DELETE, id=saved["data"]["saveView"]["view"]["id"])
    opened(page).fill(name)
    page.get_by_role("option", name=f"Workflow {name}").click()
    page.get_by_role("heading", level=1, name=name).wait_for()

    field = opened(page)
    field.fill(f"{name}-7")
    page.get_by_role("option", name="Open the run").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{EXECUTIONS}/execution_*")
    opened(page).fill("nothing has this name")
    expect(page.get_by_role("option")).to_have_text("Nothing matches.")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_palette_002_ui_does_what_a_key_does_where_the_focus_was(shared: Runwatch, visitor: Visitor) -> None:
    """An action MUST be offered where its key works, with that key, and act on the row that had the focus."""
    name = unique("acting")
    for number in range(3):
        shared.report(*run_events(name, f"{name}-{number}", number * 10, workflow=name))
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': name})}")
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 3")
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = page.evaluate("document.activeElement.dataset.id")
    opened(page).fill("copy the id")
    option = page.get_by_role("option", name="Copy the id of the run")
    expect(option.locator(".numbers")).to_have_text("y")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    wait(page, f"navigator.clipboard.readText().then((text) => text === '{focused}')")
    assert page.evaluate("document.activeElement.dataset.id") == focused

    page.get_by_role("searchbox").focus()  # a field has the focus: the palette comes all the same
    field = opened(page)
    field.fill("pause")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text("Paused")).to_be_visible()
    opened(page)
    expect(page.get_by_role("option").first).to_contain_text("Copy the id")  # what was used comes first


def test_palette_003_ui_takes_what_is_typed_before_it_is_loaded(shared: Runwatch, visitor: Visitor) -> None:
    """What is typed before the palette is loaded MUST go into its field and do nothing to the page; one that could not
    be loaded MUST say so, and come the next time."""
    name = unique("typed ahead")
    shared.report(*run_events(name, f"{name}-1", 0, workflow=name, state="FAILED"))
    page = visitor.open_new("")
    held: list[Route] = []
    page.route("**/assets/palette-*", lambda route: held.append(route))
    page.goto(f"{shared.url}{HISTORY}?{urlencode({'workflow': name})}")
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 1")
    page.keyboard.press("j")
    focused = page.evaluate("document.activeElement.dataset.id")
    page.keyboard.press("Control+k")
    page.keyboard.type("xpm")
    field = page.get_by_role("dialog", name="Commands").locator("input")
    expect(field).to_have_value("xpm")
    for route in held:
        route.abort()
    expect(page.get_by_role("region", name="Messages")).to_contain_text("A part of this page could not be loaded")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("document.activeElement.dataset.id") == focused
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(page.get_by_role("row", selected=True)).to_have_count(0)
    expect(page.get_by_role("status").get_by_text("Paused")).to_have_count(0)

    held.clear()
    page.keyboard.press("Control+k")
    page.keyboard.type("toke")
    wait(page, "document.querySelector('dialog.palette input').value === 'toke'")
    for route in held:
        route.continue_()
    page.unroute("**/assets/palette-*")
    expect(page.get_by_role("dialog", name="Commands").get_by_role("combobox")).to_be_focused()
    page.keyboard.type("ns")
    expect(page.get_by_role("combobox")).to_have_value("tokens")
    expect(page.get_by_role("option").first).to_contain_text("Go to Tokens")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tokens")
