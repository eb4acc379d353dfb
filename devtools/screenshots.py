"""The pictures in docs/screenshots: the page with the sample runs and the example engine, as ./dev run shows it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from devtools.environment import ROOT
from specs.harness.browser import EXECUTIONS, HISTORY, Visitor, chromium, missing, session
from specs.harness.driver import Runwatch, Server
from specs.harness.waiting import soon

FOLDER = ROOT / "docs" / "screenshots"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"phone": True, "device_scale_factor": 2},
}
# The example engine fails this one until somebody mends its input; a few runs make a list worth looking at.
WORKFLOW, RUNS = "import orders", 3
FAILED = f"""{{
  executions(first: {RUNS}, filter: {{workflowName: {json.dumps(WORKFLOW)}, status: FAILURE}}) {{ nodes {{ id }} }}
}}"""


def main() -> int:
    """Take all of them."""
    if why := missing():
        print(why, file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), "", "--dev", installed=True)
        server.start()
        try:
            _take_all(server)
        finally:
            server.stop()
    return 0


def _take_all(server: Server) -> None:
    token = (server.folder / "data" / "dev-token").read_text().strip()
    runwatch = Runwatch(server.url, token)
    failed = soon(lambda: nodes[-1:] if len(nodes := _failed(runwatch)) == RUNS else [], 120)
    with chromium() as browser:
        visitor = Visitor(browser, server.url, session(server.url, token))
        for look, options in LOOKS.items():
            page = visitor.open(HISTORY, **options)
            page.locator("[role=row][data-id]").first.wait_for()
            _take(page, f"{look}-history")
            page.goto(f"{server.url}{EXECUTIONS}/{failed[0]['id']}")
            page.locator(".lines .line").first.wait_for()
            _take(page, f"{look}-execution")
        visitor.close()
    runwatch.close()


def _failed(runwatch: Runwatch) -> list[dict[str, str]]:
    found: list[dict[str, str]] = runwatch.ask(FAILED)["data"]["executions"]["nodes"]
    return found


def _take(page: Page, name: str) -> None:
    page.get_by_role("status").get_by_text("Live").wait_for()
    page.wait_for_timeout(500)  # for what comes after the rows: counts, the histogram
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
