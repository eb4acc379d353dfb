"""What specs of the page arrange, and how they compare it with the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page

from specs.harness.browser import HISTORY
from specs.harness.driver import START, Runwatch, run_events
from specs.harness.looking import wait

LISTED = """query Listed($filter: ExecutionFilter) {
  executions(first: 100, filter: $filter) { nodes { id status workflowName } }
}"""
SHOWN = """() => [...document.querySelectorAll('[role=row][data-id]')]
  .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
  .map((row) => `${row.dataset.id} ${['PENDING', 'SUCCESS', 'FAILURE', 'CANCELLED'].find(
    (status) => row.classList.contains(status))}`)"""


def of(workflow: str, **more: str) -> str:
    """The address of a workflow's list."""
    return f"{HISTORY}?{urlencode({'workflow': workflow, **more})}"


def ready(page: Page) -> Page:
    """Once its rows are there and it follows."""
    page.locator("[role=row][data-id]").first.wait_for()
    page.get_by_role("status").get_by_text("Live").wait_for()
    return page


def seconds_from_start(moment: datetime) -> float:
    """A moment as the events of specs carry it."""
    return (moment - START) / timedelta(seconds=1)


def now() -> float:
    """This moment as the events of specs carry it."""
    return seconds_from_start(datetime.now(UTC))


def report(runwatch: Runwatch, workflow: str, *subjects: str, state: str | None = "SUCCEEDED", at: float = 0) -> None:
    """Report a run for each subject, a second apart."""
    error = {"type": "Row", "message": f"{workflow} is bad"} if state == "FAILED" else None
    for start in range(0, len(subjects), 100):
        events: list[dict[str, Any]] = []
        for number, subject in enumerate(subjects[start : start + 100], start):
            events += run_events(workflow, subject, at + number, workflow=workflow, state=state, error=error)
        runwatch.report(*events)


def listed(runwatch: Runwatch, **where: Any) -> list[Mapping[str, Any]]:
    """The newest runs that match a filter, as the API lists them."""
    found: list[Mapping[str, Any]] = runwatch.ask(LISTED, filter=where)["data"]["executions"]["nodes"]
    return found


def is_as_the_api(page: Page, runwatch: Runwatch, workflow: str) -> None:
    """The page shows what the API lists: the same runs of a workflow, in its order, each with its status."""
    expected = [f"{run['id']} {run['status']}" for run in listed(runwatch, workflowName=[workflow])]
    wait(page, f"(expected) => String(({SHOWN})()) === String(expected)", expected)
