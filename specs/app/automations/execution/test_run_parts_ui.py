"""APP-AUTO-EXEC-DETAIL-…-UI (AUTO-EXEC-ADMIN-003): what the parts of a run's page show, and what one does with them."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page, expect

from specs.engines.retries import audited, listed
from specs.harness.browser import EXECUTIONS, Visitor, session
from specs.harness.driver import Runwatch, event, run_events, unique
from specs.harness.looking import has_few_nodes, violations, wait

TRACE = """Traceback (most recent call last):
  File "/app/lib/python3.11/site-packages/conveyor/worker.py", line 212, in run_step
    step.call()
  File "/app/shop/orders.py", line 83, in _order
    raise BrokenRow(number)
orders.BrokenRow: line 5"""


def step(name: str, index: int, began: float, ended: float | None, **more: Any) -> list[dict[str, Any]]:
    """The events of a step."""
    data = {"index": index, "name": f"step {index}"}
    input_ = {"input": more.pop("input")} if "input" in more else {}
    events = [event(name, "one", "step.started", began, {"step": data | input_}, id=f"{index}/started")]
    if ended is not None:
        finished = {"step": {"state": "SUCCEEDED"} | data | more}
        events.append(event(name, "one", "step.finished", ended, finished, id=f"{index}/finished"))
    return events


def reported(runwatch: Runwatch, name: str, *events: dict[str, Any]) -> str:
    """The id of the run of an engine, after these events."""
    runwatch.report(*events)
    id_: str = listed(runwatch, engine=[name])["one"]["id"]
    return id_


def run_of(runwatch: Runwatch, visitor: Visitor, name: str, *events: dict[str, Any], **more: Any) -> Page:
    """The page of a run."""
    id_ = reported(runwatch, name, *run_events(name, "one", 0, workflow=name, **more), *events)
    page = visitor.open(f"{EXECUTIONS}/{id_}")
    page.get_by_role("article").wait_for()
    return page


def copied(page: Page) -> str:
    """What is on the clipboard."""
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_detail_007_ui_steps_are_a_table_on_the_scale_of_the_run(shared: Runwatch, visitor: Visitor) -> None:
    """Steps MUST be a table with state, start and duration; waiting, long gaps and steps not reached MUST be said."""
    name = unique("steps")
    steps = [*step(name, 0, 1, 2, output={"rows": 5}), *step(name, 1, 7, 9, state="FAILED", error={"message": "odd"})]
    log = event(name, "one", "log.written", 8, {"level": "ERROR", "message": "row 7 is odd", "step": 1})
    queued = event(
        name,
        "one",
        "execution.queued",
        0,
        {"workflow": name, "definition": ["step 0", "step 1", "step 2"]},
        id="queued",
    )
    error = {"message": "it broke", "step": 1}
    page = run_of(shared, visitor, name, queued, *steps, log, state="FAILED", error=error, duration=9)
    table = page.get_by_role("table", name="Steps")
    rows = table.get_by_role("row")
    expect(rows).to_have_count(5)  # the head, three steps, and what the second had to say: its error is its own
    words = [" ".join(row.get_by_role("cell").all_inner_texts()) for row in (rows.nth(1), rows.nth(2), rows.nth(4))]
    assert all(part in words[0] for part in ("Success", "step 0", "starts +0 ms", "1 s")), words
    assert all(part in words[1] for part in ("Failed", "step 1", "starts +6 s", "5 s", "2 s")), words  # 5 s: the gap
    assert "not reached" in words[2], words
    expect(table).to_contain_text("waited 1 s")
    expect(rows.nth(3)).to_contain_text("odd")
    expect(rows.nth(3)).to_contain_text("row 7 is odd")
    table.get_by_role("button", name="step 0").click()
    expect(table.get_by_role("tree", name="Output")).to_contain_text("rows: 5")
    rows.nth(4).get_by_role("button", name="Show in the log").click()
    expect(page.get_by_role("combobox", name="Step")).to_have_value("1")
    assert violations(page) == []


def test_detail_008_ui_many_steps_are_few_nodes(shared: Runwatch, visitor: Visitor) -> None:
    """1,000 steps MUST take at most 1,500 nodes, begin where the run broke, and be narrowed to those that failed."""
    name = unique("many")
    many = 1_000
    steps = [
        each
        for index in range(many)
        for each in step(
            name,
            index,
            1 + index,
            2 + index,
            **({"state": "FAILED", "error": {"message": "x"}} if index in (3, 700) else {}),
        )
    ]
    error = {"message": "it broke", "step": 700}
    page = run_of(shared, visitor, name, *steps, state="FAILED", error=error, duration=1_000)
    row = page.get_by_role("row").filter(has_text="step 700")
    expect(row).to_be_in_viewport()
    has_few_nodes(page, 1_500)
    page.get_by_role("button", name="Failed 2").click()
    expect(page.get_by_role("table", name="Steps · 2").locator("[id^=step-step]")).to_have_count(2)
    page.get_by_role("button", name="Failed 2").click()
    page.get_by_role("button", name="Slowest first").click()
    expect(page.get_by_role("table", name="Steps · 1,000")).to_be_visible()
    page.keyboard.press("e")
    expect(page.get_by_role("button", name="step 3", exact=True)).to_be_focused()
    page.keyboard.press("e")
    expect(page.get_by_role("button", name="step 700", exact=True)).to_be_focused()


def test_detail_009_ui_frames_are_shown_in_three_ways(shared: Runwatch, visitor: Visitor) -> None:
    """Own frames, all, or raw MUST be chosen once for all runs; what is copied MUST be the raw trace."""
    name = unique("frames")
    error = {"type": "BrokenRow", "message": "line 5", "stackTrace": TRACE}
    page = run_of(shared, visitor, name, state="FAILED", error=error)
    trace = page.locator(".trace")
    expect(trace).to_contain_text("orders.py:83")
    expect(trace).to_contain_text("1 frame of a library")
    expect(trace).not_to_contain_text("worker.py")
    trace.get_by_role("button", name="All").click()
    expect(trace).to_contain_text("conveyor/worker.py:212")
    trace.get_by_role("button", name="Raw").click()
    expect(trace.locator("pre")).to_have_text(TRACE)
    page.reload()
    expect(trace.locator("pre")).to_have_text(TRACE)
    trace.get_by_role("button", name="Own frames").click()
    trace.get_by_role("button", name="Copy Stack trace").click()
    wait(page, "navigator.clipboard.readText().then((text) => text.startsWith('Traceback'))")
    assert copied(page) == TRACE


def data_of(name: str, text: str) -> bytes:
    """The events of a run with trigger data as a text, numbers and all."""
    events = run_events(name, "one", 0, workflow=name)
    events[0]["data"]["trigger"]["data"] = "@"
    return json.dumps(events).replace('"@"', text).encode()


def test_detail_010_ui_data_is_a_tree_with_numbers_as_sent(shared: Runwatch, visitor: Visitor) -> None:
    """Trigger data MUST be a tree that keys move in, with numbers as sent, with find, value and path."""
    name = unique("data")
    text = '{"big": 123456789012345678901234567890, "price": 1.10, "lines": [{"sku": "A-1", "note": "one\\ntwo"}]}'
    assert shared.post_events(data_of(name, text)).json()["rejected"] == []
    page = visitor.open(f"{EXECUTIONS}/{listed(shared, engine=[name])['one']['id']}")
    tree = page.get_by_role("tree", name="schedule")
    expect(tree).to_contain_text("big: 123456789012345678901234567890")
    expect(tree).to_contain_text("price: 1.10")
    expect(tree).not_to_contain_text("sku")
    root = tree.get_by_role("treeitem").first
    root.focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(tree.get_by_role("treeitem").filter(has_text="sku")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait(page, "navigator.clipboard.readText().then((text) => text === 'A-1')")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait(page, "navigator.clipboard.readText().then((text) => text === 'lines[0].sku')")
    page.get_by_role("button", name="{ } raw").click()
    expect(page.locator(".json pre")).to_contain_text('"price": 1.10')

    name = unique("large")
    large = json.dumps({"orders": [{"id": number, "who": "x" * 60} for number in range(1_000)], "source": "erp"})
    assert shared.post_events(data_of(name, large)).json()["rejected"] == []
    page = visitor.open(f"{EXECUTIONS}/{listed(shared, engine=[name])['one']['id']}")
    expect(page.get_by_text("KiB, folded")).to_be_visible()
    expect(page.get_by_role("treeitem")).to_have_count(3)
    page.get_by_role("searchbox", name="Find", exact=True).fill("erp")
    expect(page.locator(".json-row.found")).to_contain_text('source: "erp"')


def test_detail_011_ui_sealed_values_are_revealed_until_one_leaves(shared: Runwatch, visitor: Visitor) -> None:
    """An administrator MUST be asked once before sealed values are shown, which is audited, and ends with the page."""
    name = unique("sealed")
    assert shared.post_events(data_of(name, '{"api_token": "s3cr3t-word", "file": "a.csv"}')).json()["rejected"] == []
    id_ = listed(shared, engine=[name])["one"]["id"]
    page = visitor.open(f"{EXECUTIONS}/{id_}")
    expect(page.get_by_role("tree")).to_contain_text("••• sealed")
    before = len(audited(shared, id_))
    page.get_by_role("button", name="Reveal 1 sealed").click()
    dialog = page.get_by_role("dialog", name="Reveal sealed values?")
    expect(dialog).to_contain_text("audit log")
    assert len(audited(shared, id_)) == before, "it has only asked"
    dialog.get_by_role("button", name="Reveal").click()
    expect(page.get_by_role("tree")).to_contain_text("s3cr3t-word")
    assert len(audited(shared, id_)) == before + 1
    stored = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href])")
    assert "s3cr3t" not in stored
    expect(page.get_by_role("button", name="Copy Revealed: do not share")).to_have_text("Copy, with sealed values")
    page.reload()
    expect(page.get_by_role("tree")).to_contain_text("••• sealed")

    viewer = Visitor(visitor.browser, shared.url, session(shared.url, shared.token("viewer")))
    other = viewer.open(f"{EXECUTIONS}/{id_}")
    expect(other.get_by_role("tree")).to_contain_text("••• sealed")
    reveal = other.get_by_role("button", name="Reveal 1 sealed")
    expect(reveal).to_have_attribute("aria-disabled", "true")
    reveal.press("Enter")
    expect(other.locator(".toast")).to_contain_text("Viewers cannot reveal sealed values.")
    expect(other.get_by_role("dialog")).to_have_count(0)
    viewer.close()


def test_detail_012_ui_attempts_and_neighbours_are_links(shared: Runwatch, visitor: Visitor) -> None:
    """The line of retries MUST be links, the present one marked; [ and ] MUST lead along the runs of the workflow."""
    name = unique("attempts")
    error = {"message": "it broke"}
    ids: list[str] = []
    for number in range(3):
        events = run_events(name, f"try {number}", number * 10, workflow=name, state="FAILED", error=error)
        if ids:
            events[0]["data"]["retryOf"] = ids[-1]
        shared.report(*events)
        ids.append(listed(shared, engine=[name])[f"try {number}"]["id"])
    page = visitor.open(f"{EXECUTIONS}/{ids[1]}?level=ERROR")
    expect(page.locator(".facts")).to_contain_text("Attempt 2 of 3")
    attempts = page.locator(".attempts li")
    expect(attempts).to_have_count(3)
    expect(page.locator(".attempts li[aria-current]")).to_contain_text("Attempt 2")
    page.get_by_role("link", name="Attempt 3").click()
    page.wait_for_url(f"**{ids[2]}?level=ERROR")
    expect(page.locator(".facts")).to_contain_text("Attempt 3 of 3")
    page.keyboard.press("[")
    page.wait_for_url(f"**{ids[1]}?level=ERROR")
    expect(page.locator(".facts")).to_contain_text("Attempt 2 of 3")
    page.keyboard.press("]")
    page.wait_for_url(f"**{ids[2]}?level=ERROR")
    expect(page.get_by_role("link", name=f"Previous run of {name}")).to_be_visible()
    expect(page.get_by_role("link", name=f"Next run of {name}")).to_have_count(0)
    page.keyboard.press("y")
    wait(page, "(id) => navigator.clipboard.readText().then((text) => text === id)", ids[2])
    page.keyboard.press("Shift+Y")
    wait(
        page,
        "(id) => navigator.clipboard.readText().then((text) => text.startsWith('curl') && text.includes(id))",
        ids[2],
    )
    assert "$TOKEN" in copied(page)
    page.get_by_role("button", name="Copy the exact time, queued, in UTC").click()
    wait(page, "navigator.clipboard.readText().then((text) => /^2026-01-01T00:00:20.*Z$/.test(text))")
    page.get_by_role("button", name="More").click()
    page.locator(".toast").evaluate("(toast) => (toast.dataset.old = '')")
    page.get_by_role("menuitem", name="Copy for chat").click()
    expect(page.locator(".toast:not([data-old])")).to_have_text("Copied")
    wait(page, "(id) => navigator.clipboard.readText().then((text) => text.endsWith(id))", ids[2])
    chat = "navigator.clipboard.read().then(([item]) => item.getType('text/html')).then((html) => html.text())"
    assert f'/{ids[2]}">{name}</a> – it broke' in page.evaluate(chat)


def test_detail_014_ui_a_kept_message_and_odd_times_are_told(shared: Runwatch, visitor: Visitor) -> None:
    """A message kept for a retry MUST be told with its trigger, and a step that ends before its start MUST say so."""
    name = unique("kept")
    trigger = {"kind": "celery", "data": {"args": {"colour": "red"}}, "message": "1.bWVzc2FnZQ.c2lnbmVk"}
    queued = event(name, "one", "execution.queued", 0, {"workflow": name, "trigger": trigger}, id="with a message")
    page = run_of(shared, visitor, name, queued, *step(name, 0, 5, 3), *step(name, 1, 5, 7))
    part = page.get_by_role("region", name="Trigger data")
    expect(part).to_contain_text("kept as its engine signed it, encrypted")
    assert "bWVzc2FnZQ" not in page.content()
    rows = page.get_by_role("table", name="Steps").get_by_role("row")
    odd = "It finished before it started, by clocks that disagree"
    expect(rows.nth(1).get_by_role("cell").last).to_have_text(f"– ({odd})")
    expect(rows.nth(2).get_by_role("cell").last).to_have_text("2 s")
    assert violations(page) == []
    without = run_of(shared, visitor, unique("plain"))
    expect(without.get_by_role("region", name="Trigger data")).not_to_contain_text("signed")
