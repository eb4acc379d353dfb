"""APP-AUTO-EXEC-RETRY-…-UI (AUTO-EXEC-ADMIN-004): an administrator retries failed runs from the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from specs.engines.driver import WebhookEngine
from specs.engines.retries import listed, of_subject
from specs.harness.browser import EXECUTIONS, HISTORY, Visitor, session, wait
from specs.harness.driver import Runwatch, run_events, unique

NEEDS_INPUT = '{"run": "cat input"}'


@pytest.fixture
def engine(shared: Runwatch, tmp_path: Path) -> Iterator[WebhookEngine]:
    """A connected engine."""
    with WebhookEngine(shared, tmp_path) as engine:
        yield engine


def failed_run(runwatch: Runwatch, engine: WebhookEngine, workflow: str) -> str:
    """The id of a run that failed."""
    failed = of_subject(runwatch, engine.name, engine.run(workflow, NEEDS_INPUT))
    assert failed["state"] == "FAILED"
    id_: str = failed["id"]
    return id_


def opened(visitor: Visitor, workflow: str) -> Page:
    """The list of a workflow, once it follows."""
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': workflow})}")
    page.locator("[role=row].FAILURE").wait_for()
    page.get_by_role("status").get_by_text("Live").wait_for()
    return page


def test_retry_001_ui_a_double_click_makes_one_run(shared: Runwatch, visitor: Visitor, engine: WebhookEngine) -> None:
    """A double click MUST make one run, which MUST be at the top at once and show its end by itself."""
    name = unique("double")
    failed = failed_run(shared, engine, name)
    (engine.folder / "input").write_text("there")
    page = opened(visitor, name)
    page.locator(f"#row-{failed}").get_by_role("button", name="Retry").dblclick()
    expect(page.locator("[role=row][data-id]")).to_have_count(2)
    first = page.locator("[role=row][data-id]").first
    expect(first).to_contain_text("↻ 2")
    expect(first).to_contain_text("Success")
    expect(page.locator(f"#row-{failed}")).to_contain_text("Resolved")
    assert len(listed(shared, engine=[engine.name])) == 2
    assert len(engine.deliveries()) == 1


def test_retry_002_ui_two_tabs_make_one_run(shared: Runwatch, visitor: Visitor, engine: WebhookEngine) -> None:
    """The button pressed in two tabs MUST make one run, and both MUST show it."""
    name = unique("tabs")
    failed = failed_run(shared, engine, name)
    (engine.folder / "input").write_text("there")
    one = opened(visitor, name)
    other = visitor.tab(one.context, f"{EXECUTIONS}/{failed}")
    button = other.get_by_role("button", name="Retry")
    button.wait_for()
    # Neither waits for the other: both answers are under way at once.
    press = "document.querySelector('button.retry').click()"
    one.evaluate(f"setTimeout(() => {press}, 0)")
    other.evaluate(f"setTimeout(() => {press}, 0)")
    expect(one.locator("[role=row][data-id]").first).to_contain_text("Success")
    wait(one, "document.querySelectorAll('[role=row][data-id]').length === 2")
    runs = listed(shared, engine=[engine.name])
    assert len(runs) == 2
    assert len(engine.deliveries()) == 1


def test_retry_003_ui_a_button_that_may_not_says_why(shared: Runwatch, visitor: Visitor, engine: WebhookEngine) -> None:
    """Where a retry is not possible, the button MUST say every reason in words, to a viewer too, and do nothing."""
    stranger = unique("stranger")
    error = {"message": "no way back"}
    shared.report(*run_events(stranger, "one", 0, workflow=stranger, state="FAILED", error=error))
    id_ = listed(shared, engine=[stranger])["one"]["id"]
    page = visitor.open(f"{EXECUTIONS}/{id_}")
    button = page.get_by_role("button", name="Retry")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.focus()
    expect(page.get_by_text("Its engine cannot be reached.")).to_be_visible()
    page.keyboard.press("Enter")
    assert len(listed(shared, engine=[stranger])) == 1

    name = unique("viewed")
    failed = failed_run(shared, engine, name)
    viewer = Visitor(visitor.browser, shared.url, session(shared.url, shared.token("viewer")))
    page = viewer.open(f"{EXECUTIONS}/{failed}")
    page.get_by_role("button", name="Retry").focus()
    expect(page.get_by_text("Viewers cannot retry.")).to_be_visible()
    viewer.close()


def test_retry_004_ui_many_show_first_what_will_happen(
    shared: Runwatch, visitor: Visitor, engine: WebhookEngine
) -> None:
    """A bulk retry MUST say how many runs it would retry, and then retry just these."""
    name = unique("many")
    failed = [failed_run(shared, engine, name) for _ in range(3)]
    (engine.folder / "input").write_text("there")
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': name})}")
    for id_ in failed[:2]:
        page.locator(f"#row-{id_}").get_by_role("checkbox").click()
    page.get_by_role("button", name="Retry…").click()
    dialog = page.get_by_role("dialog", name="Retry failed runs")
    expect(dialog).to_contain_text("2 runs will be retried")
    assert len(listed(shared, engine=[engine.name])) == 3, "it has only looked"
    dialog.get_by_role("button", name="Retry 2").click()
    expect(dialog).to_contain_text("2 runs retried.")
    runs = listed(shared, engine=[engine.name]).values()
    assert {run["retryOf"]["id"] for run in runs if run["retryOf"]} == {*failed[:2]}
    expect(page.get_by_text(re.compile(r"\d selected"))).to_have_count(0)
