"""APP-AUTO-EXEC-ERRORS-006-UI: what one does about a group of errors, in its row of the list."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import expect

from specs.app.automations.execution.test_errors_ui import ERRORS, MINUTE, fail, menu_of, opened, reported, row
from specs.harness.browser import Visitor
from specs.harness.driver import Runwatch, unique
from specs.harness.looking import looks, wait


def test_errors_006_ui_the_menu_of_a_row(shared: Runwatch, visitor: Visitor) -> None:
    """The list MUST have what one does about a group in its row, by key and pointer, and keep the focus with it."""
    engine = unique("rows")
    reported(shared, engine)
    page = opened(visitor, engine, state="open")
    press = page.keyboard.press
    often, full = row(page, "no order"), row(page, "is full")
    press("j")
    expect(often.get_by_role("link").first).to_be_focused()
    press("ArrowDown")
    press("k")
    press("m")
    items = page.get_by_role("menu", name="Menu of no order <num>").get_by_role("menuitem")
    mutes = ["For an hour", "For a day", "For a week", "Until…", "Until somebody reopens it"]
    expect(items).to_have_text(["See its runs", "Copy link", "Retry unresolved…", "Mark resolved", *mutes])
    looks(page)
    press("m")  # the first letter of "Mark resolved", by which the row leaves the list
    press("Enter")
    expect(often).to_have_count(0)
    expect(full.get_by_role("link").first).to_be_focused()
    press("m")
    press("r")
    press("Enter")
    expect(page.get_by_role("dialog", name="Retry failed runs")).to_contain_text("Looked at 1 run.")
    press("Escape")
    expect(full.get_by_role("link").first).to_be_focused()
    press("m")
    press("f")
    press("Enter")
    expect(page.get_by_role("heading", name="No error group matches.")).to_be_visible()
    press("c")
    wait(page, "navigator.clipboard.readText().then((text) => text === location.href)")
    press("f")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.goto(f"{shared.url}{ERRORS}?{urlencode({'engine': engine})}")
    expect(often).to_contain_text("Resolved")
    expect(full).to_contain_text("Muted")
    menu_of(page, "is full").get_by_role("menuitem", name="Reopen", exact=True).click()
    expect(full).not_to_contain_text("Muted")
    menu_of(page, "no order").get_by_role("menuitem", name="See its runs").click()
    page.wait_for_url("**/history?**")
    query = parse_qs(urlsplit(page.url).query)
    assert (query["engine"], query["range"], len(query["group"])) == ([engine], ["24h"], 1)


def test_errors_006_ui_rows_keep_their_places_under_a_menu(shared: Runwatch, visitor: Visitor) -> None:
    """While a menu is open, no row MUST move; once it is closed, the list MUST be as the API has it."""
    engine = unique("places")
    reported(shared, engine)
    page = visitor.open_new("")
    page.clock.install()
    page.goto(f"{shared.url}{ERRORS}?{urlencode({'engine': engine})}")
    menu = menu_of(page, "is full")
    for number in range(3):
        fail(shared, engine, f"more-{number}", number * MINUTE, f"disk of {engine} is full")
    asked_at = page.locator(".as-of").inner_text()
    page.clock.run_for(16_000)
    expect(page.locator(".as-of")).not_to_have_text(asked_at)
    expect(page.get_by_role("row").nth(1)).to_contain_text("no order")
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("row").nth(1)).to_contain_text(re.compile("is full.*4", re.DOTALL))
