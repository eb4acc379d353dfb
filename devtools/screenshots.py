"""The pictures in docs/screenshots: the page with the sample runs and the example engine, as ./dev run shows it."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from devtools.environment import ROOT
from specs.harness.browser import EXECUTIONS, HISTORY, METRICS, Visitor, chromium, missing, session
from specs.harness.driver import Runwatch, Server
from specs.harness.own_page import OwnPage
from specs.harness.waiting import soon

FOLDER = ROOT / "docs" / "screenshots"
SIGN_IN = "/admin/automations/sign-in"
WORKFLOWS = "/admin/automations/workflows"
AUDIT = "/admin/automations/audit"
ERRORS = "/admin/automations/errors"
ALERTS = "/admin/automations/alerts"
ENGINES = "/admin/automations/engines"
SESSIONS = "/admin/automations/sessions"
TOKENS = "/admin/automations/tokens"
ABOUT = "/admin/automations/about"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"phone": True, "device_scale_factor": 2},
}
# The example engine fails this one until somebody mends its input; a few runs make a list worth looking at.
WORKFLOW, RUNS = "import orders", 3
# This one writes a line for each link that it checks.
WRITES = "check links"
# One that fires soon, and one that is off and so tells nobody of its made-up channel.
RULES: list[dict[str, Any]] = [
    {"condition": {"failuresInARow": 2}, "channels": {"page": True}, "notifyRecovery": True},
    {
        "condition": {"failureRate": {"percent": 20, "windowMinutes": 60}},
        "channels": {"page": True, "slack": {"url": "https://hooks.slack.com/services/made/up"}},
        "quietHours": {"from": "22:00", "to": "07:00", "timeZone": "Europe/Berlin"},
        "enabled": False,
    },
]
SAVE = "mutation($input: AlertRuleInput!) { saveAlertRule(input: $input) { rule { id } } }"
CREATE = "mutation($input: TokenInput!) { made: createToken(input: $input) { secret } }"
FIRED = "{ alerts(first: 1) { nodes { id } } }"
NEWEST = "query($filter: ExecutionFilter) { executions(first: 3, filter: $filter) { nodes { id } } }"


# Browsers that others have signed in with.
BROWSERS = {
    "anna": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "wall display": "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML) Chrome/141.0.0.0 Safari/537.36",
}


def main() -> int:
    """Take all of them."""
    if why := missing():
        print(why, file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        with _serving("--dev") as server:
            token = (server.folder / "data" / "dev-token").read_text().strip()
            runwatch = Runwatch(server.url, token)
            for rule in RULES:
                runwatch.ask(SAVE, input=rule)
            failed = soon(
                lambda: nodes[-1:] if len(nodes := _newest(runwatch, WORKFLOW, "FAILURE")) == RUNS else [], 180
            )
            writes = soon(lambda: _newest(runwatch, WRITES, "SUCCESS"), 180)
            soon(lambda: runwatch.ask(FIRED)["data"]["alerts"]["nodes"], 180)
            _sign_in_others(runwatch)
            runwatch.close()
            for look, options in LOOKS.items():
                _full(_visitor(browser, server, token), look, options, failed[0], writes[0])
        with _serving() as server:
            runwatch = Runwatch(server.url, "", server.environment)
            token = runwatch.cli("token", "create", "--role", "admin", "--name", "anna").split()[-1]
            runwatch.close()
            for look, options in LOOKS.items():
                _empty(_visitor(browser, server, token), look, options)
    return 0


@contextmanager
def _serving(*options: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), "", *options, installed=True)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _sign_in_others(runwatch: Runwatch) -> None:
    for name, user_agent in BROWSERS.items():
        page = OwnPage(runwatch.url)
        page.headers["user-agent"] = user_agent
        page.signed_in(token=runwatch.ask(CREATE, input={"name": name, "role": "VIEWER"})["data"]["made"]["secret"])


def _visitor(browser: Browser, server: Server, token: str) -> Visitor:
    return Visitor(browser, server.url, session(server.url, token))


def _full(visitor: Visitor, look: str, options: dict[str, Any], failed: str, writes: str) -> None:
    """What somebody sees who has runs."""
    page = visitor.open_new(HISTORY, **options)
    page.locator("[role=row][data-id]").first.wait_for()
    _take(page, f"{look}-history")
    page.locator(".page-head").get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("dialog", name="Export runs").wait_for()
    _take(page, f"{look}-export", live=False)
    page.goto(f"{visitor.url}{HISTORY}?run={failed}")
    page.get_by_role("dialog", name="Run").locator(".log-line").first.wait_for()
    _take(page, f"{look}-sheet")
    page.goto(f"{visitor.url}{EXECUTIONS}/{failed}")
    page.locator(".log-line").first.wait_for()
    _take(page, f"{look}-execution")
    page.goto(f"{visitor.url}{EXECUTIONS}/{writes}")
    page.locator(".log-line").nth(8).wait_for()
    page.get_by_role("heading", name=re.compile("^Log")).first.evaluate("(title) => title.scrollIntoView()")
    _take(page, f"{look}-log")
    page.goto(f"{visitor.url}{ERRORS}?range=7d")
    page.get_by_role("table").wait_for()
    _take(page, f"{look}-errors", live=False)
    page.locator("tbody tr", has_text="not both numbers").get_by_role("link").first.click()
    page.get_by_role("region", name="Newest runs").wait_for()
    _take(page, f"{look}-error", live=False)
    page.goto(f"{visitor.url}{METRICS}?range=7d")
    page.locator(".u-over").nth(1).wait_for()
    page.locator(".by-workflow").wait_for()
    _take(page, f"{look}-metrics", live=False)
    page.goto(f"{visitor.url}{WORKFLOWS}?range=7d")
    page.get_by_role("table").wait_for()
    _take(page, f"{look}-workflows", live=False)
    page.get_by_role("link", name=WORKFLOW, exact=True).click()
    page.locator(".u-over").nth(1).wait_for()
    _take(page, f"{look}-workflow", live=False)
    page.goto(f"{visitor.url}{AUDIT}")
    page.get_by_role("table").wait_for()
    _take(page, f"{look}-audit", live=False)
    page.goto(f"{visitor.url}{ALERTS}")
    page.get_by_role("region", name="What fired").get_by_role("table").wait_for()
    _take(page, f"{look}-alerts", live=False)
    page.get_by_role("button", name="New rule").click()
    page.get_by_role("status", name="Preview").get_by_text("would have fired").wait_for()
    _take(page, f"{look}-alert-rule", live=False)
    _administrators(page, visitor.url, look)
    page.goto(f"{visitor.url}/graphiql")
    page.locator(".graphiql-query-editor .view-line").first.wait_for()
    page.get_by_role("button", name=re.compile("^Execute query")).click()
    page.locator(".result-window").get_by_text('"totalCount"').wait_for()
    _take(page, f"{look}-graphiql", live=False)
    visitor.close()


def _administrators(page: Page, url: str, look: str) -> None:
    """What they have for themselves."""
    for path in (ENGINES, SESSIONS, TOKENS):
        page.goto(f"{url}{path}")
        page.get_by_role("table").wait_for()
        _take(page, f"{look}-{path.rpartition('/')[2]}", live=False)
    page.goto(f"{url}{ABOUT}")
    page.get_by_role("region", name="Server").get_by_text("It can do its work.").wait_for()
    _take(page, f"{look}-about", live=False)
    page.goto(f"{url}{ENGINES}")
    page.get_by_role("button", name="Connect an engine").click()
    page.get_by_role("dialog").get_by_label("Engine", exact=True).fill("billing")
    _take(page, f"{look}-connect", live=False)


def _empty(visitor: Visitor, look: str, options: dict[str, Any]) -> None:
    """What somebody sees first."""
    page = visitor.open_new(HISTORY, **options)
    page.get_by_role("heading", name="No runs yet").wait_for()
    _take(page, f"{look}-empty")
    page = visitor.open_new(SIGN_IN, signed_in=False, **options)
    page.get_by_label("Token").wait_for()
    _take(page, f"{look}-sign-in", live=False)
    visitor.close()


def _newest(runwatch: Runwatch, workflow: str, status: str) -> list[str]:
    answer = runwatch.ask(NEWEST, filter={"workflowName": [workflow], "status": [status]})
    return [run["id"] for run in answer["data"]["executions"]["nodes"]]


def _take(page: Page, name: str, *, live: bool = True) -> None:
    if live:
        page.get_by_role("status").get_by_text("Live").wait_for()
    page.wait_for_timeout(500)  # for what comes after the rows: counts, the histogram
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
