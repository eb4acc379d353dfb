"""APP-AUTO-EXEC-EXPORT-…-UI: the list, or what is selected of it, as a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from playwright.sync_api import Route, expect

from specs.harness.browser import Visitor
from specs.harness.driver import Runwatch, unique
from specs.harness.looking import violations
from specs.pages import of, ready, report


def test_export_001_ui_the_list_and_a_selection(shared: Runwatch, visitor: Visitor, tmp_path: Path) -> None:
    """The list as it is filtered, and what is selected, MUST be saved as files; a refusal MUST be said."""
    name = unique("export")
    report(shared, name, *(f"run-{number}" for number in range(5)))
    report(shared, name, "bad", state="FAILED", at=60)
    page = ready(visitor.open(of(name)))

    def saved(form: str) -> str:
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=form).click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        return file.read_text()

    page.locator(".page-head").get_by_role("button", name="Export", exact=True).click()
    assert violations(page) == []
    rows = list(csv.DictReader(saved("CSV").splitlines()))
    assert [row["externalId"] for row in rows] == ["bad", *(f"run-{number}" for number in range(4, -1, -1))]
    assert (rows[0]["workflow"], rows[0]["status"]) == (name, "FAILURE")

    page.locator("[role=row][data-id]").nth(1).get_by_role("checkbox").check()
    page.locator("[role=row][data-id]").nth(2).get_by_role("checkbox").check()
    bar = page.get_by_role("group", name="Selected runs")
    bar.get_by_role("button", name="Export", exact=True).click()
    lines = [json.loads(line) for line in saved("NDJSON").splitlines()]
    assert [line["externalId"] for line in lines] == ["run-4", "run-3"]

    def refuse(route: Route) -> None:
        error = {"message": "Try again in 5 s", "extensions": {"code": "RATE_LIMITED"}}
        route.fulfill(status=429, content_type="application/json", body=json.dumps({"errors": [error]}))

    page.route("**/api/export/*", refuse)
    bar.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("menuitem", name="CSV").click()
    expect(page.locator(".toast", has_text="The export failed: Try again in 5 s")).to_be_visible()
