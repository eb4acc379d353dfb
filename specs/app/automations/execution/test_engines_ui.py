"""APP-AUTO-EXEC-ENGINES-…-UI: what Runwatch rejected or corrected of an engine's events, and why it cannot retry."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Request, Route, expect

from specs.harness.browser import EXECUTIONS, HISTORY, Visitor, session
from specs.harness.driver import Runwatch, event, unique
from specs.harness.looking import looks
from specs.harness.waiting import soon

ENGINES = "/admin/automations/engines"
AUDITED = "{ auditLog(first: 3) { nodes { action } } }"
COUNTED = "{ engines { name issueCount } }"
RUN = 'query R($e: [String!]) { executions(filter: {engine: $e, externalId: ["open"]}) { nodes { id } } }'


def noted(runwatch: Runwatch, engine: str, issues: int) -> None:
    """Notes are written beside the answer, within a second."""

    def counted() -> dict[str, int]:
        return {each["name"]: each["issueCount"] for each in runwatch.ask(COUNTED)["data"]["engines"]}

    soon(lambda: counted().get(engine) == issues, why=counted)


def test_engines_001_ui_rejected_events_are_shown_for_their_engine(shared: Runwatch, visitor: Visitor) -> None:
    """An engine's page MUST show its rejected and corrected events: when, which, why, how many. A run MUST link it."""
    engine = f"{unique('odd')}/west & east"
    shared.report(event(engine, "open", "execution.started", 0, {"workflow": "w"}))
    ahead = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    bad = [
        {**event(engine, "open", "execution.finished", 1, {"state": "SUCCEEDED"}), "time": "gestern"},
        event(engine, "other", "execution.odd", 1),
        event(engine, "other", "execution.odd", 2),
        {**event(engine, "other", "execution.started", 3), "time": ahead},
    ]
    assert len(shared.post_events(bad).json()["rejected"]) == 3
    noted(shared, engine, 3)
    [run] = shared.ask(RUN, e=[engine])["data"]["executions"]["nodes"]

    page = visitor.open(f"{EXECUTIONS}/{run['id']}")
    page.get_by_role("link", name="about this engine").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(engine)
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(4)
    odd = rows.filter(has_text="execution.odd")
    expect(odd).to_contain_text(re.compile(r"Rejected.*type.*2.*ago.*first"))
    expect(rows.filter(has_text="Clock ahead")).to_contain_text("times are shown as their receipt")
    expect(page.get_by_text(re.compile(r"^(1 h 59 min.*|2 h) ahead"))).to_be_visible()
    expect(page.get_by_text("no webhook or broker is configured")).to_be_visible()
    expect(page.get_by_text(re.compile("python-httpx"))).to_be_visible()
    refused = rows.filter(has_text="not a time in RFC 3339")
    expect(refused).to_contain_text("execution.finished")
    looks(page)
    refused.get_by_role("link").click()
    expect(page.get_by_text("Its end was refused").or_(page.locator("[role=row][data-id]"))).to_have_count(1)

    page.goto(f"{shared.url}{HISTORY}")
    page.get_by_role("heading", level=1).wait_for()  # before it is shown, nothing hears keys
    page.keyboard.press("g")
    page.keyboard.press("n")
    listed = page.get_by_role("row").filter(has_text=engine)
    expect(listed).to_contain_text("Not connected")
    expect(listed.get_by_role("cell").first).to_have_text("3")
    looks(page)
    listed.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Rejected and corrected events")).to_be_visible()


def test_engines_002_ui_none_and_failing_parts_are_said(shared: Runwatch, visitor: Visitor) -> None:
    """No engine, an unknown one, no issue, and a part that fails MUST each be said where it would be."""
    engine = unique("good")
    shared.report(event(engine, "one", "execution.started", 0, {"workflow": "w"}))
    page = visitor.open(f"{ENGINES}/{engine}")
    expect(page.get_by_text("Nothing of its events was rejected or corrected.")).to_be_visible()
    expect(page.get_by_role("link", name="Its runs")).to_have_attribute("href", f"{HISTORY}?engine={engine}")
    page.goto(f"{shared.url}{ENGINES}/nobody")
    expect(page.get_by_role("heading", name="No engine has this name.")).to_be_visible()

    empty: list[Any] = []

    def answer(route: Route) -> None:
        asked = route.request.post_data or ""
        if "engineIssues" in asked and not empty:
            error = {"message": "too slow", "path": ["engineIssues"], "extensions": {"code": "LIMIT_EXCEEDED"}}
            body = {"data": {"engineIssues": None}, "errors": [error]}
        elif "query Engines" in asked and empty:
            body = {"data": {"engines": []}}
        else:
            route.continue_()
            return
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    page.route("**/graphql", answer)
    page.goto(f"{shared.url}{ENGINES}/{engine}")
    expect(page.get_by_role("alert")).to_contain_text("too slow")
    expect(page.get_by_text("no webhook or broker is configured")).to_be_visible()
    looks(page)
    empty.append(True)
    page.get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.goto(f"{shared.url}{ENGINES}")
    expect(page.get_by_role("heading", name="No engine has reported anything yet.")).to_be_visible()
    looks(page)


def test_engines_003_ui_days_of_the_histogram_are_those_of_the_zone(shared: Runwatch, visitor: Visitor) -> None:
    """Figures over time MUST be divided by the clock of the page's zone, also after another one is chosen."""
    asked: list[str] = []

    def listen(request: Request) -> None:
        body = request.post_data or ""
        if "query Histogram" in body:
            asked.append(json.loads(body)["variables"]["zone"])

    visitor.listen = listen
    page = visitor.open_new(HISTORY, timezone_id="Australia/Adelaide")
    page.get_by_role("figure", name="Runs over time").wait_for()
    assert set(asked) == {"Australia/Adelaide"}
    asked.clear()
    page.evaluate("""localStorage.setItem('runwatch.settings', JSON.stringify({ zone: 'America/New_York' }))""")
    with page.expect_request(lambda request: "query Histogram" in (request.post_data or "")):
        page.reload()
    assert set(asked) == {"America/New_York"}


def test_engines_004_ui_an_administrator_connects_an_engine(shared: Runwatch, visitor: Visitor) -> None:
    """An administrator MUST connect an engine, copy its secret once, renew it, test it, and disconnect it."""
    engine = unique("billing")
    page = visitor.open(ENGINES)
    page.get_by_role("button", name="Connect an engine").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Engine").fill(engine)
    dialog.get_by_label("URL of the webhook").fill("http://127.0.0.1:9/retries")
    dialog.get_by_role("button", name="Connect", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("private address")
    looks(page)
    dialog.get_by_label("URL of the webhook").fill("https://billing.invalid/retries")
    dialog.get_by_role("button", name="Connect", exact=True).dblclick()
    made = page.get_by_role("dialog", name=f"{engine} is connected")
    secret = made.locator(".secret code").inner_text()
    assert secret.startswith("whsec_")
    expect(made.get_by_role("region", name="Environment of the engine")).to_contain_text(
        f"RUNWATCH_WEBHOOK_SECRET={secret}"
    )
    looks(page)
    made.get_by_role("button", name="Done").click()
    assert secret not in page.content()
    page.get_by_role("link", name=engine).click()
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_text("It cannot be reached: The host was not found: billing.invalid")).to_be_visible()
    page.get_by_role("button", name="Renew its secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Renew it", exact=True).dblclick()
    renewed = page.get_by_role("dialog", name=f"The new secret of {engine}").locator(".secret code").inner_text()
    assert renewed not in ("", secret)
    page.get_by_role("button", name="Done").click()
    looks(page)
    actions = [each["action"] for each in shared.ask(AUDITED)["data"]["auditLog"]["nodes"]]
    assert actions[:3] == ["rotateEngineSecret", "testEngine", "connectEngine"]
    page.get_by_role("button", name="Connect it elsewhere").click()
    expect(page.get_by_role("dialog")).to_contain_text("its present secret signs nothing more")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Disconnect it").click()
    dialog = page.get_by_role("dialog", name=f"Disconnect {engine}?")
    expect(dialog).to_contain_text("its tokens stay")
    looks(page)
    dialog.get_by_role("button", name="Disconnect it", exact=True).click()
    expect(page.get_by_text("Disconnected. 0 retries cancelled.").first).to_be_visible()
    expect(page.get_by_text("no webhook or broker is configured")).to_be_visible()
    expect(page.get_by_role("button", name="Disconnect it")).to_have_count(0)
    viewer = Visitor(visitor.browser, shared.url, session(shared.url, shared.token("viewer")))
    page = viewer.open(f"{ENGINES}/{engine}")
    expect(page.get_by_role("link", name="Its runs")).to_be_visible()
    expect(page.get_by_role("button", name="Connect it")).to_have_count(0)
    viewer.close()
