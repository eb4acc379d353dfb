"""APP-AUTO-EXEC-EXPORT-…-UI: the list, or what is selected of it, as a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Route, expect

from specs.app.automations.execution.test_export import export
from specs.harness.browser import Visitor
from specs.harness.driver import Runwatch, unique
from specs.harness.looking import looks, wait
from specs.pages import of, ready, report


def test_export_001_ui_the_list_and_a_selection(shared: Runwatch, visitor: Visitor, tmp_path: Path) -> None:
    """The list as it is filtered, and what is selected, MUST be saved with the columns that are chosen."""
    name = unique("export")
    report(shared, name, *(f"run-{number}" for number in range(5)))
    report(shared, name, "bad", state="FAILED", at=60)
    page = ready(visitor.open(of(name)))
    dialog = page.get_by_role("dialog", name="Export runs")

    def saved() -> str:
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        return file.read_text()

    button = page.locator(".page-head").get_by_role("button", name="Export", exact=True)
    button.click()
    expect(dialog.get_by_role("radio", name="CSV")).to_be_focused()
    looks(page)
    rows = list(csv.DictReader(saved().splitlines()))
    assert [row["externalId"] for row in rows] == ["bad", *(f"run-{number}" for number in range(4, -1, -1))]
    assert (rows[0]["workflow"], rows[0]["status"]) == (name, "FAILURE")
    expect(button).to_be_focused()
    # All that the API has: the page knows each of its columns.
    header = export(shared, "executions", {"filter": {"workflowName": [name]}}).text.splitlines()[0]
    assert list(rows[0]) == header.split(",")

    page.locator("[role=row][data-id]").nth(1).get_by_role("checkbox").check()
    page.locator("[role=row][data-id]").nth(2).get_by_role("checkbox").check()
    bar = page.get_by_role("group", name="Selected runs")
    bar.get_by_role("button", name="Export", exact=True).click()
    expect(dialog).to_contain_text("2 selected runs, newest first.")
    dialog.get_by_role("radio", name="NDJSON").check()
    dialog.get_by_role("button", name="As in the list").click()
    dialog.get_by_role("checkbox", name="External id").check()
    forward = dialog.get_by_role("button", name="Move Workflow forward")
    for _ in range(5):  # from the fourth place to the first, where it stays, and so does the focus
        forward.press("Enter")
    expect(forward).to_be_focused()
    dialog.get_by_role("radio", name="NDJSON").focus()
    lines = [json.loads(line) for line in saved().splitlines()]
    assert [line["externalId"] for line in lines] == ["run-4", "run-3"]
    assert list(lines[0])[:3] == ["workflow", "id", "status"]
    assert "engine" not in lines[0]


def test_export_001_ui_a_choice_is_kept_and_a_refusal_said(shared: Runwatch, visitor: Visitor) -> None:
    """What was chosen MUST be chosen the next time, nothing MUST NOT be exported, and a refusal MUST be said."""
    name = unique("export")
    report(shared, name, "one")
    page = ready(visitor.open(of(name)))
    sent: list[Any] = []

    def refuse(route: Route) -> None:
        sent.append(route.request.post_data_json)
        error = {"message": "Try again in 5 s", "extensions": {"code": "RATE_LIMITED"}}
        route.fulfill(status=429, content_type="application/json", body=json.dumps({"errors": [error]}))

    page.route("**/api/export/*", refuse)
    button = page.locator(".page-head").get_by_role("button", name="Export", exact=True)
    dialog = page.get_by_role("dialog", name="Export runs")
    submit = dialog.get_by_role("button", name="Export", exact=True)
    button.click()
    submit.wait_for()
    dialog.get_by_role("checkbox").evaluate_all("(all) => all.forEach((each) => each.click())")
    expect(dialog.get_by_role("status")).to_have_text("Choose at least one column.")
    submit.press("Enter")
    dialog.get_by_role("checkbox", name="Queued").check()
    dialog.get_by_role("checkbox", name="Id", exact=True).check()
    dialog.get_by_role("radio", name="NDJSON").check()
    submit.click()
    expect(page.locator(".toast", has_text="The export failed: Try again in 5 s")).to_be_visible()
    page.reload()
    button.click()
    expect(dialog.get_by_role("radio", name="NDJSON")).to_be_checked()
    expect(dialog.get_by_role("checkbox", checked=True)).to_have_count(2)
    dialog.get_by_role("button", name="Move Queued forward").click()
    expect(dialog.get_by_role("listitem").first).to_contain_text("Queued")
    submit.click()
    expect(dialog).to_have_count(0)
    wait(page, "document.querySelectorAll('.toast').length === 1")
    assert [each["format"] for each in sent] == ["ndjson"] * 2
    assert [each["columns"] for each in sent] == [["id", "queuedAt"], ["queuedAt", "id"]]
