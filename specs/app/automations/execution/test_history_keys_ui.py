"""APP-AUTO-EXEC-HISTORY-…-UI (AUTO-EXEC-ADMIN-001, -003, -004): an administrator without a mouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from specs.engines.driver import WebhookEngine
from specs.harness.browser import EXECUTIONS, HISTORY, METRICS, Visitor
from specs.harness.driver import Runwatch, run_events, unique
from specs.harness.looking import rows, wait

FOCUSED = "document.activeElement.dataset.id ?? null"
# Presses a key and says at once, before another one or a frame can come, which row or button has the focus.
AT_ONCE = f"""async (key) => {{
  document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{ key, bubbles: true, cancelable: true }}))
  await null
  return ({FOCUSED}) ?? document.activeElement.id
}}"""
NEEDS_INPUT = '{"run": "cat input"}'


@pytest.fixture
def engine(shared: Runwatch, tmp_path: Path) -> Iterator[WebhookEngine]:
    """A connected engine."""
    with WebhookEngine(shared, tmp_path) as engine:
        yield engine


def failed_list(shared: Runwatch, visitor: Visitor, number: int) -> tuple[str, Page]:
    """A workflow with so many failed runs, and its list, once it follows."""
    name = unique("keys")
    for each in range(number):
        error = {"message": f"row {each} is bad"}
        shared.report(*run_events(name, f"{name}-{each}", each * 10, workflow=name, state="FAILED", error=error))
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': name})}")
    wait(page, f"document.querySelectorAll('[role=row][data-id]').length === {number}")
    page.get_by_role("status").get_by_text("Live").wait_for()
    return name, page


def test_history_016_ui_a_key_has_led_where_the_next_one_acts(shared: Runwatch, visitor: Visitor) -> None:
    """However fast keys come, each MUST act on the row to which the one before has moved."""
    _, page = failed_list(shared, visitor, 4)
    ids = rows(page)
    assert [page.evaluate(AT_ONCE, key) for key in "jjkj"] == [ids[1], ids[2], ids[1], ids[2]]
    # What has closed gives the focus back as fast.
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Run")).to_be_focused()
    assert page.evaluate(AT_ONCE, "Escape") == ids[2]
    page.keyboard.press("f")
    expect(page.get_by_role("combobox")).to_be_focused()
    assert page.evaluate(AT_ONCE, "Escape") == "add-filter"


def test_history_016_ui_a_menu_takes_the_next_key(shared: Runwatch, visitor: Visitor) -> None:
    """However fast keys come, each MUST act in the menu that the key or click before has opened."""
    _, page = failed_list(shared, visitor, 1)
    page.locator("[role=row][data-id]").focus()
    page.evaluate(AT_ONCE, "m")
    # React renders in a microtask where a script sends the event; with a person's key it is before the next one.
    assert page.evaluate("Promise.resolve().then(() => document.activeElement.textContent)") == "Open beside the list"
    page.keyboard.press("Escape")
    account = page.get_by_role("button", name="Account")
    focused = "(each) => { each.click(); return document.activeElement.role }"
    assert str(account.evaluate(focused)).startswith("menuitem")


def test_history_016_ui_each_key_of_the_list_of_keys(shared: Runwatch, visitor: Visitor) -> None:
    """Every key that the list of keys names MUST do what it says there; the list MUST name no other."""
    name, page = failed_list(shared, visitor, 4)
    press, ids = page.keyboard.press, rows(page)
    pressed: set[str] = set()

    def key(*keys: str) -> None:
        pressed.add(" ".join(keys))
        for each in keys:
            press(each)

    def copied() -> str:
        return str(page.evaluate("navigator.clipboard.readText()"))

    key("j")
    wait(page, f"(id) => ({FOCUSED}) === id", ids[1])
    key("k")
    wait(page, f"(id) => ({FOCUSED}) === id", ids[0])
    exact = page.locator(f"[data-id={ids[0]}] time").first.get_attribute("datetime")
    expect(page.get_by_role("tooltip")).to_contain_text(str(exact))
    key("x")
    expect(page.get_by_text("1 selected")).to_be_visible()
    key("Shift+ArrowDown")
    press("Shift+ArrowDown")
    expect(page.get_by_text("3 selected")).to_be_visible()
    wait(page, f"(id) => ({FOCUSED}) === id", ids[2])
    key("Shift+ArrowUp")
    wait(page, f"(id) => ({FOCUSED}) === id", ids[1])
    key("Control+a")
    expect(page.get_by_text("4 selected")).to_be_visible()
    key("y")
    wait(page, "(id) => navigator.clipboard.readText().then((text) => text === id)", ids[1])
    key("Y")
    wait(page, "navigator.clipboard.readText().then((text) => text.startsWith('curl '))")
    assert ids[1] in copied()
    assert "$TOKEN" in copied()
    key("c")
    wait(page, "navigator.clipboard.readText().then((text) => text === location.href)")
    key("m")
    expect(page.get_by_role("menuitem", name="Copy external id")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    wait(page, f"(id) => ({FOCUSED}) === id", ids[1])
    key("R")
    expect(page.get_by_role("dialog", name="Retry failed runs")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    key("r")  # its engine cannot be reached: the page says so, and does nothing
    expect(page.locator("[aria-live=polite]")).to_contain_text("Its engine cannot be reached.")
    key("Enter")
    expect(page.get_by_role("dialog", name="Run")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["run"] == [ids[1]]
    press("j")
    wait(page, "(id) => new URLSearchParams(location.search).get('run') === id", ids[2])
    key("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    wait(page, f"(id) => ({FOCUSED}) === id", ids[2])
    press("Escape")
    expect(page.get_by_text("selected")).to_have_count(0)
    key("/")
    page.keyboard.type("jx?")  # in a field keys are letters
    assert page.get_by_role("searchbox").input_value() == "jx?"
    press("Escape")
    press("Escape")
    key("f")
    expect(page.get_by_role("combobox")).to_be_focused()
    press("Escape")
    expect(page.get_by_role("combobox")).to_have_count(0)
    key("p")
    expect(page.get_by_role("button", name="Paused")).to_be_visible()
    shared.report(*run_events(name, f"{name}-new", 100, workflow=name))
    expect(page.get_by_role("button", name="Paused · ")).to_be_visible()
    press("p")
    expect(page.get_by_role("button", name="1 new run")).to_be_visible()
    key(".")
    wait(page, "document.querySelectorAll('[role=row][data-id]').length === 5")
    key("Control+k")
    expect(page.get_by_role("dialog", name="Commands").get_by_role("combobox")).to_be_focused()
    press("Escape")
    key("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_be_visible()
    named = keys.locator("dt").evaluate_all(
        "(all) => all.map((each) => [...each.children].map((cap) => cap.textContent))"
    )
    press("Escape")
    page.locator(f"#row-{ids[3]}").focus()
    key("o")
    page.wait_for_url(f"**{EXECUTIONS}/{ids[3]}")
    page.get_by_role("heading", level=1).wait_for()
    key("g", "m")
    page.wait_for_url(f"**{METRICS}")
    key("g", "h")
    page.wait_for_url(f"**{HISTORY}")
    for last, path in (("e", "errors"), ("w", "workflows"), ("a", "alerts"), ("n", "engines"), ("u", "audit")):
        key("g", last)
        page.wait_for_url(f"**/{path}")
    signs = {"⇧": "Shift", "↓": "ArrowDown", "↑": "ArrowUp", "⏎": "Enter", "Esc": "Escape", "Ctrl": "Control"}
    spelled = {"+".join(signs.get(cap, cap) for cap in caps) for caps in named}
    assert {each.removeprefix("Shift+") if len(each) == 7 else each for each in spelled} == {
        each.replace(" ", "+") for each in pressed
    }


def test_history_017_ui_from_the_list_to_a_retry_by_keyboard(
    shared: Runwatch, visitor: Visitor, engine: WebhookEngine
) -> None:
    """By keyboard alone an administrator MUST find a failed run in the list, see why it failed, and retry it."""
    name = unique("story")
    engine.run(name, NEEDS_INPUT)
    shared.report(*run_events(unique("other"), "one", 0, workflow=unique("other")))
    page = visitor.open()
    page.locator("[role=row][data-id]").first.wait_for()
    press = page.keyboard.press
    # 001: narrow the list to the workflow, and to what failed.
    press("f")
    page.keyboard.type("work")
    press("Enter")
    page.keyboard.type(name)
    press("Enter")
    expect(page.locator("#add-filter")).to_be_focused()
    press("Tab")
    expect(page.get_by_role("button", name="Failed")).to_be_focused()
    press("Space")
    wait(page, "document.querySelectorAll('.grid:not(.stale) [role=row][data-id]').length === 1")
    press("Escape")
    # 003: open it, and see why it failed.
    press("k")
    wait(page, f"({FOCUSED}) !== null")
    press("Enter")
    sheet = page.get_by_role("dialog", name="Run")
    expect(sheet).to_contain_text("Failed")
    expect(sheet).to_contain_text("input")
    # 004: mend it, retry it, and see that it succeeds.
    (engine.folder / "input").write_text("there")
    press("r")
    expect(sheet).to_contain_text("Attempt 2 of 2")
    expect(sheet).to_contain_text("Success")
    press("Escape")
    expect(sheet).to_have_count(0)
    expect(page.locator("[role=row][data-id]")).to_have_count(2)
    expect(page.locator("[role=row].FAILURE")).to_contain_text("Resolved")
    assert len(engine.deliveries()) == 1
