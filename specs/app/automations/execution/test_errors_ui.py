"""APP-AUTO-EXEC-ERRORS-…-UI: what goes wrong, how it goes on, and what an administrator does about it."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Browser, Locator, Page, Route, expect

from specs.harness.browser import DESKTOP, EXECUTIONS, HISTORY, PHONE, Visitor, session
from specs.harness.driver import Runwatch, event, unique
from specs.harness.looking import looks
from specs.pages import now

ERRORS = "/admin/automations/errors"
MINUTE = 60
TRACE = 'Traceback (most recent call last):\n  File "/srv/orders.py", line 5, in load\n    raise Failed\nFailed: no'


def fail(
    runwatch: Runwatch,
    engine: str,
    subject: str,
    ago: float,
    message: str,
    workflow: str = "",
    trace: str | None = None,
) -> None:
    """A run that failed so many seconds ago."""
    at = now() - ago
    queued = {"workflow": workflow or engine, "trigger": {"kind": "k", "data": {}}}
    finish = {"state": "FAILED", "error": {"type": "Failed", "message": message, "stackTrace": trace}}
    runwatch.report(
        event(engine, subject, "execution.queued", at, queued),
        event(engine, subject, "execution.finished", at + 1, finish),
    )


def reported(runwatch: Runwatch, engine: str) -> None:
    """Two groups of an engine: one that is older than a day and happened often, one that is new."""
    fail(runwatch, engine, "a0", 3 * 86_400, f"no order 17 in {engine}", trace=TRACE)
    for number in range(3):
        fail(
            runwatch,
            engine,
            f"a{number + 1}",
            (10 + number) * MINUTE,
            f"no order {number % 2} in {engine}",
            trace=TRACE,
        )
    fail(runwatch, engine, "b", 5 * MINUTE, f"disk of {engine} is full", workflow=f"{engine} nightly")


def opened(visitor: Visitor, engine: str, **more: str) -> Page:
    """The list of an engine's groups."""
    page = visitor.open(f"{ERRORS}?{urlencode({'engine': engine, **more})}")
    page.get_by_role("table").wait_for()
    return page


def row(page: Page, words: str) -> Locator:
    """A group's row."""
    return page.locator("tbody tr").filter(has_text=words)


def headings(page: Page, width: int) -> list[int]:
    """How many headings to sort by are on each line, in a window of this width."""
    page.set_viewport_size({**PHONE, "width": width})
    tops = "[...document.querySelectorAll('thead .sort')].map((each) => each.getBoundingClientRect().top)"
    return list(Counter(page.evaluate(tops)).values())


def query_of(link: Locator) -> dict[str, list[str]]:
    """What the address behind a link says."""
    return parse_qs(urlsplit(link.get_attribute("href") or "").query)


def one(visitor: Visitor, engine: str, words: str) -> Page:
    """A group's page."""
    page = opened(visitor, engine)
    row(page, words).get_by_role("link").first.click()
    page.get_by_role("region", name="Facts").wait_for()
    return page


def menu_of(page: Page, words: str) -> Locator:
    """The menu of a group's row, opened by the pointer."""
    row(page, words).get_by_role("button").click()
    return page.get_by_role("menu", name=re.compile("^Menu of "))


def test_errors_001_ui_the_list_says_what_to_look_at(shared: Runwatch, visitor: Visitor) -> None:
    """Each group MUST show its trend, counts, marks and times, each number with its runs; the address is the state."""
    engine = unique("errors")
    reported(shared, engine)
    page = opened(visitor, engine)
    often, new = row(page, "no order <num>"), row(page, "is full")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").first).to_contain_text("no order <num>")
    expect(often.get_by_role("img")).to_have_accessible_name(
        re.compile(r"^3 failures over time, at most [23] at once$")
    )
    expect(often).to_contain_text("4 ever")
    expect(often).not_to_contain_text("New")
    expect(new).to_contain_text("New")
    expect(new).to_contain_text(f"{engine} nightly")
    unresolved = query_of(often.get_by_role("link", name=re.compile("^Unresolved 3")))
    assert unresolved["unresolved"] == ["1"]
    assert unresolved["range"] == ["24h"]
    assert len(unresolved["group"]) == 1
    page.get_by_role("button", name="Last seen").click()
    expect(page.locator("tbody tr").first).to_contain_text("is full")
    expect(page.get_by_role("columnheader", name="Last seen")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("button", name="Open", exact=True).click()
    page.keyboard.press("/")
    page.keyboard.type("NO ORDER")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.wait_for_url(re.compile("q=NO(\\+|%20)ORDER"))  # its first letters may come before
    query = parse_qs(urlsplit(page.url).query)
    assert query == {"engine": [engine], "sort": ["last"], "state": ["open"], "q": ["NO ORDER"]}
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("button", name="Open", exact=True)).to_have_attribute("aria-pressed", "true")
    rail = page.get_by_role("navigation", name="Main").get_by_role("link", name=re.compile("^Errors"))
    expect(rail).to_have_accessible_name(re.compile(r"^Errors \d[\d,]*\+? open error groups, seen in the last 24 h$"))


def test_errors_002_ui_a_group_and_what_one_does_about_it(shared: Runwatch, visitor: Visitor) -> None:
    """A group's page MUST show what its failures differ in; an administrator resolves, mutes and reopens it there."""
    engine = unique("group")
    reported(shared, engine)
    page = one(visitor, engine, "no order")
    facts = page.get_by_role("region", name="Facts")
    expect(facts).to_contain_text(re.compile(r"State\s*○\s*Open"))
    expect(facts).to_contain_text("4 · 3 in this time")
    expect(page.get_by_role("region", name="What varies")).to_contain_text(re.compile("<num>.*3 distinct values", re.S))
    expect(page.get_by_role("img", name=re.compile("^3 failures; most from"))).to_be_visible()
    expect(page.get_by_role("region", name="Stack trace of the newest run")).to_contain_text("orders.py:5")
    expect(page.get_by_role("region", name="Newest runs").get_by_role("listitem")).to_have_count(3)
    page.get_by_role("region", name="Newest runs").get_by_role("link").first.click()
    page.get_by_role("link", name=re.compile(r"^4 ×")).click()
    page.get_by_text("As a table").click()
    assert "from" in query_of(page.get_by_role("table").get_by_role("link").first)
    page.get_by_role("button", name="Mark resolved").click()
    expect(facts).to_contain_text("Resolved")
    fail(shared, engine, "again", -1, f"no order 99 in {engine}", trace=TRACE)
    page.reload()
    expect(facts).to_contain_text("Regressed")
    page.get_by_role("button", name="Mute").click()
    page.get_by_role("menuitem", name="For a day").click()
    expect(facts).to_contain_text("Muted")
    page.get_by_role("button", name="Mute").click()
    page.get_by_role("menuitem", name="Until…").click()
    page.get_by_role("dialog", name="Mute until a time").get_by_role("button", name="Mute").click()
    expect(facts).to_contain_text(re.compile("muted until .* 09:00"))
    page.get_by_role("button", name="Reopen").click()
    expect(facts).to_contain_text("Open")
    page.get_by_role("button", name="Retry unresolved…").click()
    expect(page.get_by_role("dialog", name="Retry failed runs")).to_be_visible()


def test_errors_003_ui_runs_are_resolved_by_hand(shared: Runwatch, visitor: Visitor) -> None:
    """Resolving by hand MUST ask for a note, say what it did, and be undone: on a run, a selection and a group."""
    engine = unique("by-hand")
    reported(shared, engine)
    page = visitor.open(f"{HISTORY}?{urlencode({'engine': engine, 'unresolved': '1'})}")
    page.locator("[role=row][data-id]").first.wait_for()
    page.keyboard.press("x")
    page.get_by_role("button", name="Resolve by hand…").click()
    dialog = page.get_by_role("dialog", name="Resolve by hand")
    note = dialog.get_by_label("How was it mended?")
    note.fill("Imported by hand.")
    dialog.get_by_role("button", name="Resolve", exact=True).click()
    expect(dialog.get_by_role("status")).to_have_text(re.compile("^Resolved 1 run."))
    dialog.get_by_role("button", name="Undo").click()
    expect(dialog.get_by_role("status")).to_have_text(re.compile("1 run is unresolved again"))
    dialog.get_by_role("button", name="Close").last.click()
    (run,) = shared.ask(
        "query R($f: ExecutionFilter) { executions(first: 1, filter: $f) { nodes { id } } }",
        f={"engine": [engine], "externalId": ["b"]},
    )["data"]["executions"]["nodes"]
    page.goto(f"{shared.url}{EXECUTIONS}/{run['id']}")
    page.get_by_role("button", name="Resolve by hand…").click()
    note.fill("The disk has room again.")
    looks(page)
    dialog.get_by_role("button", name="Resolve", exact=True).click()
    expect(dialog.get_by_role("status")).to_have_text(re.compile("^Resolved 1 run."))
    dialog.get_by_role("button", name="Close").last.click()
    expect(page.locator(".resolution")).to_contain_text(re.compile("Resolved by hand by .*: The disk has room again."))
    page.get_by_role("button", name="Take back").click()
    expect(page.locator(".resolution")).to_have_count(0)


def test_errors_004_ui_groups_are_merged_and_split_by_hand(shared: Runwatch, visitor: Visitor) -> None:
    """An administrator MUST merge a group into another one, take it out, and split it; a viewer sees none of it."""
    engine = unique("merging")
    reported(shared, engine)
    page = one(visitor, engine, "is full")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Merge into another group…").click()
    dialog = page.get_by_role("dialog", name="Merge into another group")
    dialog.get_by_role("searchbox").fill(f"in {engine}")
    dialog.get_by_role("radio", name=re.compile("no order.*merging")).check()
    dialog.get_by_role("button", name="Merge", exact=True).click()
    members = page.get_by_role("region", name="Merged into it")
    expect(members).to_contain_text("is full")
    members.get_by_role("button", name=re.compile("^Take out")).click()
    expect(members).to_have_count(0)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Split…").click()
    dialog = page.get_by_role("dialog", name="Split this group")
    dialog.get_by_role("checkbox", name="Message").check()
    dialog.get_by_role("button", name="Split", exact=True).click()
    expect(page.get_by_text("Split. Its parts appear within a minute.").first).to_be_visible()


def test_errors_005_ui_every_state(shared: Runwatch, visitor: Visitor, browser: Browser) -> None:
    """Nothing found, an unknown group, a part that fails, and a viewer MUST be told; axe-core MUST find nothing."""
    engine = unique("states")
    reported(shared, engine)
    page = opened(visitor, engine)
    looks(page)
    assert [headings(page, width) for width in (390, 320)] == [[4], [2, 2]], "none stands alone on its line"
    page.set_viewport_size(DESKTOP)
    row(page, "no order").get_by_role("link").first.click()
    page.get_by_role("region", name="Newest runs").wait_for()
    looks(page)
    page.goto(f"{shared.url}{ERRORS}?q={unique('nobody')}&colour=red")
    expect(page.get_by_role("heading", name="No error group matches.")).to_be_visible()
    expect(page.get_by_text("parameters that mean nothing here")).to_contain_text("colour=red")
    page.get_by_role("button", name="Resolved").click()
    expect(page.get_by_role("button", name="Resolved")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Clear search and filters").click()
    page.get_by_role("table").wait_for()
    page.goto(f"{shared.url}{ERRORS}/errorGroup_{'0' * 32}")
    # A trial: something else may lie over what is said to be visible.
    page.get_by_role("heading", level=1, name="There is no such error group.").click(trial=True)
    page.goto(f"{shared.url}{ERRORS}/no-id")
    page.get_by_role("heading", level=1, name="There is no such error group.").click(trial=True)
    expect(page.locator("#content").get_by_role("alert")).to_have_count(0)

    def refuse(route: Route) -> None:
        if "query ErrorGroups" in (route.request.post_data or ""):
            error = {"message": "too slow", "path": ["errorGroups"], "extensions": {"code": "LIMIT_EXCEEDED"}}
            body: dict[str, Any] = {"data": {"errorGroups": None}, "errors": [error]}
            route.fulfill(status=200, content_type="application/json", body=json.dumps(body))
        else:
            route.continue_()

    page.route("**/graphql", refuse)
    page.goto(f"{shared.url}{ERRORS}?engine={engine}")
    expect(page.get_by_role("alert")).to_contain_text("too slow")
    page.unroute("**/graphql")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("table").wait_for()
    expect(page.get_by_role("alert")).to_have_count(0)
    viewer = Visitor(browser, shared.url, session(shared.url, shared.token("viewer")))
    page = opened(viewer, engine)
    items = menu_of(page, "no order").get_by_role("menuitem")
    expect(items).to_have_text(["See its runs", "Copy link"])
    page.keyboard.press("Escape")
    expect(items).to_have_count(0)
    row(page, "no order").get_by_role("link").first.click()
    page.get_by_role("region", name="Newest runs").wait_for()
    expect(page.get_by_role("group", name="More actions")).to_have_count(0)
    viewer.close()
