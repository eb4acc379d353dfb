"""APP-AUTO-EXEC-RETRY-…-UI (AUTO-EXEC-ADMIN-004): an administrator retries failed runs from the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from specs.engines.driver import WebhookEngine
from specs.engines.retries import listed, of_subject
from specs.harness.browser import EXECUTIONS, HISTORY, Visitor, session
from specs.harness.driver import Runwatch, run_events, unique
from specs.harness.looking import violations, wait

ERROR = {"type": "Failed", "message": "no"}
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


def report_failed(runwatch: Runwatch, engine: WebhookEngine, workflow: str, count: int) -> None:
    """Runs of an engine that failed; it can run them again."""
    for number in range(count):
        subject, trigger = f"{workflow}-{number}", {"kind": "test", "data": {"run": "true"}}
        queued, *rest = run_events(engine.name, subject, number * 9, workflow=workflow, state="FAILED", error=ERROR)
        runwatch.report({**queued, "data": {"workflow": workflow, "trigger": trigger}}, *rest)


def result_of(page: Page) -> Locator:
    """What the page says of the bulk retry that its address names."""
    return page.get_by_role("region", name="Bulk retry")


def lose_batches(route: Route) -> None:
    """The server does what it was asked; its answer does not arrive."""
    if '"batch":' in (route.request.post_data or ""):
        route.fetch()
        route.abort()
    else:
        route.continue_()


def wait_until(page: Page, met: Callable[[], bool]) -> None:
    """Until something that a handler of Playwright's does has happened."""
    for _ in range(600):
        if met():
            return
        page.wait_for_timeout(25)
    raise AssertionError("never")


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
    # Whose answer comes second is told that somebody was before, and offered the run as any other's.
    wait(one, "document.querySelectorAll('[role=row][data-id], .pill').length === 2")
    one.evaluate("document.querySelector('.pill')?.click()")  # unless its own answer has shown it meanwhile
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
    way = page.locator(".toast").get_by_role("link", name="How engines take retries")
    expect(way).to_have_attribute("href", re.compile(r"/events-guide\.html#retries$"))
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
    expect(dialog).to_contain_text(f"By workflow: {name} 2")
    assert violations(page) == []
    dialog.get_by_role("button", name="Retry 2").click()
    page.wait_for_url(f"**{HISTORY}?retry=bulkRetry_*")
    expect(result_of(page)).to_contain_text("2 runs retried.")
    expect(page.locator("[role=row][data-id]")).to_have_count(2)
    expect(page.locator("[role=row][data-id]").first).to_contain_text("↻ 2")
    assert violations(page) == []
    runs = listed(shared, engine=[engine.name]).values()
    assert {run["retryOf"]["id"] for run in runs if run["retryOf"]} == {*failed[:2]}
    expect(page.get_by_text(re.compile(r"\d selected"))).to_have_count(0)


def test_retry_005_ui_a_bulk_retry_stops_and_goes_on_in_another_tab(
    shared: Runwatch, visitor: Visitor, engine: WebhookEngine
) -> None:
    """It MUST stop after a batch and go on in any tab; a lost answer MUST lose and repeat nothing."""
    name = unique("batches")
    report_failed(shared, engine, name, 4)
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': name})}")
    page.locator("[role=row].FAILURE").first.wait_for()
    held: list[Route] = []

    def hold(route: Route) -> None:
        """The next batch, of one run, waits for us."""
        if '"batch":' in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/graphql", hold)
    page.keyboard.press("Shift+R")
    dialog = page.get_by_role("dialog", name="Retry failed runs")
    dialog.get_by_role("button", name="Retry 4").click()
    result = result_of(page)
    expect(result).to_contain_text("0 of 4")
    result.get_by_role("button", name="Stop after this batch").click()
    wait_until(page, lambda: bool(held))
    held[0].continue_(post_data=(held[0].request.post_data or "").replace('"batch":100', '"batch":1'))
    expect(result).to_contain_text("1 run retried. 3 runs left over.")
    expect(page.locator("[role=row][data-id]")).to_have_count(1)
    assert len(held) == 1, "nothing was asked after the stop"

    viewer = Visitor(visitor.browser, shared.url, session(shared.url, shared.token("viewer")))
    seen = result_of(viewer.open(urlsplit(page.url).path + "?" + urlsplit(page.url).query))
    expect(seen).to_contain_text("1 run retried. 3 runs left over.")
    expect(seen.get_by_role("button", name="Go on")).to_have_count(0)
    viewer.close()

    other = visitor.tab(page.context, urlsplit(page.url).path + "?" + urlsplit(page.url).query)
    other.route("**/graphql", lose_batches)
    again = result_of(other)
    again.get_by_role("button", name="Go on with 3").click()
    expect(again).to_contain_text("4 runs retried.")
    expect(again.get_by_role("alert")).to_contain_text("does not answer")
    expect(other.locator("[role=row][data-id]")).to_have_count(4)
    page.reload()
    expect(result_of(page)).to_contain_text("4 runs retried.")
    expect(result_of(page).get_by_role("button", name="Go on")).to_have_count(0)
    originals = [run for run in listed(shared, engine=[engine.name]).values() if run["attempt"] == 1]
    assert [len(run["retries"]) for run in originals] == [1] * 4


def test_retry_006_ui_more_than_fifty_are_typed(shared: Runwatch, visitor: Visitor, engine: WebhookEngine) -> None:
    """Above 50 runs the number MUST be typed; what is left out MUST be named by reason, and in a list."""
    name = unique("typed")
    report_failed(shared, engine, name, 51)
    shared.report(*run_events(engine.name, f"{name}-fine", 900, workflow=name))
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': name})}")
    page.locator("[role=row].FAILURE").first.wait_for()
    page.keyboard.press("Shift+R")
    dialog = page.get_by_role("dialog", name="Retry failed runs")
    expect(dialog).to_contain_text("Looked at 52 runs.")
    expect(dialog).to_contain_text(
        re.compile(rf"By workflow:\s+{name}\s*51.*By engine:\s+{engine.name} \(webhook\)\s*51")
    )
    dialog.get_by_text("1 run will not:").click()
    expect(dialog.locator(".skipped li")).to_have_text(re.compile(f"^{name}.*did not fail$"))
    button = dialog.get_by_role("button", name="Retry 51")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.click(force=True)
    expect(dialog).to_be_visible()
    dialog.get_by_label("Type 51 to confirm").fill("51")
    expect(button).to_have_attribute("aria-disabled", "false")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert len(listed(shared, engine=[engine.name], status=["PENDING"])) == 0


def test_retry_007_ui_a_lost_answer_is_the_same_retry(
    shared: Runwatch, visitor: Visitor, engine: WebhookEngine
) -> None:
    """When the answer is lost behind the server, the page MUST ask again, make no second run, and go to the first."""
    name = unique("lost")
    failed = failed_run(shared, engine, name)
    (engine.folder / "input").write_text("there")
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': name, 'run': failed})}")
    button = page.get_by_role("dialog", name="Run").get_by_role("button", name="Retry")
    button.wait_for()
    taken: list[int] = []

    def lose(route: Route) -> None:
        if "RetryOne" not in (route.request.post_data or "") or len(taken) == 2:
            route.fallback()
            return
        taken.append(route.fetch().status)  # the server has done it, and nobody hears of it
        route.abort()

    page.route("**/graphql", lose)
    button.click()
    expect(page.locator(".facts")).to_contain_text("Attempt 2 of 2")
    assert taken == [200, 200]
    runs = listed(shared, engine=[engine.name])
    assert len(runs) == 2
    retry = next(run["id"] for run in runs.values() if run["retryOf"])
    assert f"run={retry}" in page.url, "the sheet is the new run's"
    expect(page.locator(".facts")).to_contain_text("Success")
    assert len(engine.deliveries()) == 1
    expect(page.locator(".attempts li")).to_have_count(2)


def test_retry_008_ui_a_press_that_may_not_says_which_attempt(
    shared: Runwatch, visitor: Visitor, engine: WebhookEngine
) -> None:
    """Pressed where a later attempt exists, the button MUST say which, with a way to it, and make no run."""
    name = unique("later")
    failed = failed_run(shared, engine, name)
    page = visitor.open(f"{EXECUTIONS}/{failed}")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".facts")).to_contain_text("Attempt 2 of 2")
    expect(page.locator(".facts")).to_contain_text("Failed")
    page.get_by_role("link", name="Attempt 1").click()
    expect(page.locator(".facts")).to_contain_text("Attempt 1 of 2")
    button = page.get_by_role("button", name="Retry")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.click(force=True)  # it is aria-disabled, and says why
    toast = page.locator(".toast").filter(has_text="Retry attempt 2 instead.")
    toast.get_by_role("link", name="See").click()
    expect(page.locator(".facts")).to_contain_text("Attempt 2 of 2")
    assert len(listed(shared, engine=[engine.name])) == 2
