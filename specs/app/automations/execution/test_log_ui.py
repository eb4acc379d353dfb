"""APP-AUTO-EXEC-LOGS-…-UI (AUTO-EXEC-ADMIN-003): an administrator reads the log of a run, however long it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from specs.engines.retries import listed
from specs.harness.browser import EXECUTIONS, Visitor
from specs.harness.counts import count
from specs.harness.driver import Runwatch, event, run_events, unique
from specs.harness.looking import has_few_nodes, wait

LINES = count("lines of a long log", 20_000, 100_000)
NEEDLE_EVERY = 1_000
BATCH = 10_000


def log_line(name: str, number: int, message: str, level: str = "INFO", **more: Any) -> dict[str, Any]:
    """The event of a line, which is written a hundredth of a second after the one before."""
    data = {"level": level, "message": message, **more}
    return event(name, "one", "log.written", 2 + number / 100, data, id=f"log/{number}")


def written(runwatch: Runwatch, name: str, *lines: dict[str, Any], state: str | None = "FAILED") -> str:
    """The id of a run with a log."""
    error = {"message": "it broke"} if state == "FAILED" else None
    events = [*run_events(name, "one", 0, workflow=name, state=state, error=error, duration=1e6), *lines]
    for start in range(0, len(events), BATCH):
        runwatch.report(*events[start : start + BATCH])
    id_: str = listed(runwatch, engine=[name])["one"]["id"]
    return id_


@pytest.fixture(scope="module")
def long(shared: Runwatch) -> str:
    """The id of a run with a long log: an ERROR every 5,000 lines, and a word that only every 1,000th line has."""
    name = unique("long")
    lines = (
        log_line(
            name,
            number,
            f"row {number}{' has the needle' if number % NEEDLE_EVERY == 0 else ''}",
            "ERROR" if number % 5_000 == 0 else "INFO",
        )
        for number in range(1, LINES + 1)
    )
    return written(shared, name, *lines)


def shown(page: Page) -> list[int]:
    """The numbers of the lines that lie in the window of the log, from top to bottom."""
    found: list[int] = page.evaluate(
        """() => {
          const frame = document.querySelector('.log-lines')?.getBoundingClientRect()
          return [...document.querySelectorAll('.log-line[id]')]
            .filter((line) => line.getBoundingClientRect().top >= frame.top - 1
              && line.getBoundingClientRect().bottom <= frame.bottom + 1)
            .map((line) => Number(line.querySelector('.number').textContent))
        }"""
    )
    return found


def until_shown(page: Page, number: int) -> None:
    """Wait until a line lies in the window of the log."""
    for _ in range(600):
        if number in shown(page):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"line {number} is never shown, but {shown(page)}")


def first_shown(page: Page) -> int:
    """The number of the first line in the window of the log, once there is one: a place is drawn after the scroll."""
    for _ in range(600):
        if numbers := shown(page):
            return numbers[0]
        page.wait_for_timeout(25)
    raise AssertionError("no line is ever shown")


def test_logs_001_ui_a_long_log_costs_little(shared: Runwatch, visitor: Visitor, long: str) -> None:
    """Opening at the end, at a line, and finding MUST each take at most 3 requests for the log, and 1,500 nodes."""
    asked: list[str] = []

    def listen(request: Request) -> None:
        if request.url.endswith("/graphql") and "executionLogs" in (body := request.post_data or ""):
            asked.append(body)

    visitor.listen = listen
    page = visitor.open(f"{EXECUTIONS}/{long}")
    until_shown(page, LINES)
    expect(page.get_by_role("heading", name="Log")).to_have_text(f"Log · {LINES:,}")
    assert len(asked) <= 3
    has_few_nodes(page, 1_500)
    height = page.evaluate("document.querySelector('.log-lines').scrollHeight")
    assert height > LINES * 20, "the scrollbar is that of the whole log"

    for place in (0.5, 0.25):
        asked.clear()
        page.evaluate(
            "(at) => { const log = document.querySelector('.log-lines'); log.scrollTop = log.scrollHeight * at }", place
        )
        assert abs(first_shown(page) - LINES * place) < 50, "a line is where its number says"
        assert len(asked) <= 3
        has_few_nodes(page, 1_500)

    asked.clear()
    page.locator(".log-lines").press("End")
    until_shown(page, LINES)
    assert len(asked) <= 3

    middle = shared.ask(
        "query($id: ID!) { executionLogs(executionId: $id, first: 1, skip: 12344) { nodes { id number } } }", id=long
    )["data"]["executionLogs"]["nodes"][0]
    assert middle["number"] == 12_345
    asked.clear()
    page.goto(f"{shared.url}{EXECUTIONS}/{long}?line={middle['id']}")
    until_shown(page, 12_345)
    expect(page.locator(".log-line[aria-current]")).to_contain_text("row 12345")
    assert len(asked) <= 3
    has_few_nodes(page, 1_500)


def test_logs_002_ui_find_goes_from_place_to_place(visitor: Visitor, long: str) -> None:
    """Find MUST say n of m, go to and fro, keep the lines around, and leave them out when asked to."""
    page = visitor.open(f"{EXECUTIONS}/{long}")
    until_shown(page, LINES)
    asked: list[str] = []
    visitor.listen = lambda request: asked.append(request.post_data or "") if "/graphql" in request.url else None
    find = page.get_by_role("searchbox", name="Find in the log")
    find.fill("NEEDLE")
    many = LINES // NEEDLE_EVERY
    expect(page.get_by_text(f"{many} of {many}")).to_be_visible()
    assert len(asked) <= 3
    find.press("Shift+Enter")
    expect(page.get_by_text(f"{many - 1} of {many}")).to_be_visible()
    until_shown(page, LINES - NEEDLE_EVERY)
    assert LINES - NEEDLE_EVERY + 1 in shown(page), "the lines around stay"
    expect(page.locator(".log-line.pointed mark")).to_have_text("needle")
    find.press("Enter")
    find.press("Enter")
    expect(page.get_by_text(f"1 of {many}", exact=True)).to_be_visible()
    until_shown(page, NEEDLE_EVERY)
    page.get_by_label("Only matching lines").check()
    expect(page.get_by_role("heading", name="Log")).to_have_text(f"Log · {many}")
    until_shown(page, 2 * NEEDLE_EVERY)
    assert [number % NEEDLE_EVERY for number in shown(page)] == [0] * len(shown(page))
    assert {"q", "only"} <= parse_qs(urlsplit(page.url).query, keep_blank_values=True).keys()


def test_logs_003_ui_a_level_means_it_and_worse(visitor: Visitor, shared: Runwatch) -> None:
    """Each level MUST say how many lines it and the more severe ones have; choosing it MUST show these."""
    name = unique("levels")
    levels = ["INFO", "DEBUG", "WARNING", "INFO", "ERROR", "FATAL"]
    id_ = written(shared, name, *(log_line(name, at, f"line {at}", level) for at, level in enumerate(levels, 1)))
    page = visitor.open(f"{EXECUTIONS}/{id_}")
    levels_shown = page.get_by_role("radiogroup", name="Least level").get_by_role("radio")
    expect(levels_shown).to_have_count(5)
    words = levels_shown.evaluate_all("(all) => all.map((each) => each.getAttribute('aria-label'))")
    assert words == [
        "All: 6",
        "Info and more severe: 5",
        "Warning and more severe: 3",
        "Error and more severe: 2",
        "Fatal and more severe: 1",
    ]
    levels_shown.nth(3).check()
    expect(page.locator(".log-line[id]")).to_have_count(2)
    assert shown(page) == [5, 6], "numbers are those of the whole log"
    assert parse_qs(urlsplit(page.url).query) == {"level": ["ERROR"]}
    page.reload()
    expect(page.locator(".log-line[id]")).to_have_count(2)


def test_logs_004_ui_it_follows_its_end_until_somebody_scrolls(visitor: Visitor, shared: Runwatch) -> None:
    """At its end the log MUST follow what comes; scrolled away it MUST only count it, and go on when asked to."""
    name = unique("follow")
    before = [log_line(name, number, f"row {number}") for number in range(1, 101)]
    id_ = written(shared, name, *before, state=None)
    page = visitor.open(f"{EXECUTIONS}/{id_}")
    until_shown(page, 100)
    page.get_by_role("status").get_by_text("Live").wait_for()
    expect(page.get_by_text("Following")).to_be_visible()
    shared.report(*(log_line(name, number, f"row {number}") for number in range(101, 104)))
    until_shown(page, 103)
    page.locator(".log-lines").hover()
    scrolled = page.locator(".log-lines").evaluate("(log) => log.scrollTop")
    page.mouse.wheel(0, -900)
    wait(page, "(top) => document.querySelector('.log-lines').scrollTop === top", scrolled - 900)
    expect(page.get_by_text("Following")).to_have_count(0)
    top = first_shown(page)
    shared.report(*(log_line(name, number, f"row {number}") for number in range(104, 152)))
    pill = page.get_by_role("button", name="48 new lines")
    pill.wait_for()
    assert shown(page)[0] == top, "what is looked at stays where it is"
    pill.click()
    until_shown(page, 151)
    expect(page.get_by_text("Following")).to_be_visible()
    shared.report(log_line(name, 50.5, "late"))  # type: ignore[arg-type]
    expect(page.get_by_role("heading", name="Log")).to_have_text("Log · 152")
    until_shown(page, 152)


def test_logs_005_ui_a_line_has_a_link_and_a_span_is_copied(visitor: Visitor, shared: Runwatch) -> None:
    """A line's number MUST copy a link that opens at it; a span MUST be copied as text with its times."""
    name = unique("lines")
    lines = [
        log_line(name, number, f"row {number}", attributes={"price": 1.5, "n": number}) for number in range(1, 301)
    ]
    id_ = written(shared, name, *lines)
    page = visitor.open(f"{EXECUTIONS}/{id_}")
    until_shown(page, 300)
    page.get_by_role("link", name="Copy a link to line 298").click()
    wait(page, "navigator.clipboard.readText().then((text) => text.includes('?line=') && text === location.href)")
    link = page.evaluate("navigator.clipboard.readText()")
    assert parse_qs(urlsplit(link).query).keys() == {"line"}
    page.get_by_role("link", name="Copy a link to line 300").click(modifiers=["Shift"])
    expect(page.get_by_text("3 lines marked")).to_be_visible()
    page.get_by_role("button", name="Copy the marked lines").click()
    wait(page, "navigator.clipboard.readText().then((text) => text.split('\\n').length === 3)")
    copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert [line.split(" ", 2)[2] for line in copied] == [
        f'row {number} {{"price":1.5,"n":{number}}}' for number in (298, 299, 300)
    ]
    assert all(re.match(r"2026-01-01T00:00:0\d\.\d{6}Z INFO ", line) for line in copied)

    other = visitor.open(link.removeprefix(shared.url))
    until_shown(other, 298)
    expect(other.locator(".log-line[aria-current]")).to_contain_text("row 298")
    other.goto(f"{link.split('?')[0]}?line=log_{id_.split('_')[1]}_999")
    expect(other.get_by_text("The line of this link is no longer kept.")).to_be_visible()
    until_shown(other, 300)


def test_logs_006_ui_what_terminals_are_told_is_shown(visitor: Visitor, shared: Runwatch) -> None:
    """Terminal colours MUST be colours of the page, other control characters signs; attributes MUST fold open."""
    name = unique("ansi")
    message = "\x1b[31mred\x1b[0m \x1b]0;title\x07plain \x07 <b>not bold</b>"
    exact = '{"big": 123456789012345678901234567890, "price": 1.10}'
    line = log_line(name, 1, message)
    body = json.dumps([*run_events(name, "one", 0, workflow=name), line | {"data": line["data"] | {"attributes": "@"}}])
    answer = shared.post_events(body.replace('"@"', exact).encode())
    assert answer.json()["rejected"] == []
    page = visitor.open(f"{EXECUTIONS}/{listed(shared, engine=[name])['one']['id']}")
    text = page.locator(".log-line .text")
    expect(text).to_contain_text("red plain ␇ <b>not bold</b>")
    red, plain = (
        page.locator(selector).first.evaluate("(each) => getComputedStyle(each).color")
        for selector in (".ansi-31", ".log-line .text")
    )
    assert red != plain
    text.get_by_role("button", name="123456789012345678901234567890").click()
    tree = page.get_by_role("tree", name="Attributes")
    expect(tree).to_contain_text("price: 1.10")


def test_logs_007_ui_wrapping_and_clock_are_switched(visitor: Visitor, shared: Runwatch) -> None:
    """`w` MUST wrap long lines or not; times MUST be those since the start, or of the clock, and stay so."""
    name = unique("wrap")
    id_ = written(shared, name, log_line(name, 1, "word " * 400), log_line(name, 2, "short"))
    page = visitor.open(f"{EXECUTIONS}/{id_}")
    first = page.locator(".log-line").first
    expect(first).to_contain_text("+1.010 s")
    assert first.bounding_box()["height"] > 60  # type: ignore[index]
    page.keyboard.press("w")
    wait(page, "document.querySelector('.log-line').getBoundingClientRect().height < 30")
    page.get_by_role("button", name="View", exact=True).click()
    page.get_by_role("menuitemradio", name="Clock times").click()
    expect(first).to_contain_text("01:00:02.010")  # Berlin
    page.reload()
    expect(first).to_contain_text("01:00:02.010")
    assert first.bounding_box()["height"] < 30  # type: ignore[index]


def test_logs_008_ui_it_is_downloaded(visitor: Visitor, shared: Runwatch, tmp_path: Path) -> None:
    """All lines, or those of the view, MUST be downloaded as text or NDJSON."""
    name = unique("download")
    count_ = 1_200
    lines = (log_line(name, at, f"row {at}", "ERROR" if at % 100 == 0 else "INFO") for at in range(1, count_ + 1))
    id_ = written(shared, name, *lines)
    page = visitor.open(f"{EXECUTIONS}/{id_}?level=ERROR")
    until_shown(page, count_)

    def downloaded(item: str) -> list[str]:
        page.get_by_role("button", name="View", exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=item).click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        return file.read_text().splitlines()

    text = downloaded("All lines as text")
    assert [line.rsplit(" ", 1)[1] for line in text] == [str(number) for number in range(1, count_ + 1)]
    view = [json.loads(line) for line in downloaded("This view as NDJSON")]
    assert [line["message"] for line in view] == [f"row {number}" for number in range(100, count_ + 1, 100)]
    assert view[0].keys() == {"at", "level", "step", "message", "attributes"}
