"""APP-AUTO-EXEC-ALERT-…-UI: rules as sentences, made and tried on the page, and what fired with its delivery."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from specs.harness.browser import DESKTOP, PHONE, Visitor, session
from specs.harness.driver import Runwatch, event, unique
from specs.harness.looking import looks

ALERTS = "/admin/automations/alerts"
RULES = "{ alertRules { id } }"
DELETE = "mutation D($id: ID!) { deleteAlertRule(id: $id) }"
FOUND = "query F($search: String) { workflows(search: $search) { nodes { id } } }"
AUDIT = "{ auditLog(first: 2) { nodes { action } } }"
SAVE = "mutation S($input: AlertRuleInput!) { saveAlertRule(input: $input) { rule { id } } }"


@pytest.fixture(autouse=True)
def _without_rules(shared: Runwatch) -> Iterator[None]:
    """Before and after: rules about every workflow would fire for others' runs."""

    def clear() -> None:
        for rule in shared.ask(RULES)["data"]["alertRules"]:
            shared.ask(DELETE, id=rule["id"])

    clear()
    yield
    clear()


def lose_renewal(route: Route) -> None:
    """The server renews the secret; its answer does not arrive."""
    answer = route.fetch().json()
    assert answer["data"]["renewAlertSecret"]["signingSecret"]
    route.abort()


def fails(runwatch: Runwatch, workflow: str, times: int) -> None:
    """Runs of a workflow that have just failed."""
    for number in range(times):
        subject, at = unique("run"), datetime.now(UTC).isoformat()
        error = {"type": "KeyError", "message": f"no such key {number}"}
        runwatch.report(
            event("shop", subject, "execution.queued", 0, {"workflow": workflow}, time=at),
            event("shop", subject, "execution.finished", 1, {"state": "FAILED", "error": error}, time=at),
        )


def rules(page: Page) -> Locator:
    """The rules that there are."""
    return page.get_by_role("region", name="Rules").get_by_role("listitem")


def test_alert_001_ui_a_proposal_is_switched_on_by_a_click_and_what_fires_opens_its_run(
    shared: Runwatch, visitor: Visitor
) -> None:
    """Rules to begin with MUST be made from the history and be switched on by a click; an alert MUST open its run."""
    workflow = unique("import")
    fails(shared, workflow, 2)
    page = visitor.open(ALERTS)
    proposals = page.get_by_role("region", name="To begin with").get_by_role("listitem")
    in_a_row = proposals.filter(has_text="times in a row")
    expect(in_a_row).to_contain_text(re.compile(r"It would have fired \d+ × in the last 7 days.*n\s=\s\d+"))
    expect(rules(page)).to_have_count(0)
    looks(page)
    in_a_row.get_by_role("button", name="Switch on").click()
    expect(rules(page)).to_contain_text(["any workflow fails"])
    expect(in_a_row).to_have_count(0)
    fails(shared, workflow, 4)
    page.reload()
    row = page.get_by_role("row").filter(has_text=workflow)
    expect(row).to_contain_text(re.compile("failed . times in a row.*Open.*On this page", re.DOTALL))
    looks(page)
    row.get_by_role("link", name=workflow, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(workflow)


def test_alert_002_ui_a_rule_is_made_previewed_tested_changed_and_deleted(shared: Runwatch, visitor: Visitor) -> None:
    """An administrator MUST make, try, change and delete rules, see what they would have done, and never a secret."""
    workflow = unique("nightly")
    fails(shared, workflow, 3)
    page = visitor.open(ALERTS)
    page.get_by_role("button", name="New rule").press("Enter")
    dialog = page.get_by_role("dialog", name="New alert rule")
    dialog.get_by_role("button", name="Workflow: Every workflow").click()
    dialog.get_by_role("combobox", name="Name of a workflow").fill(workflow)
    page.keyboard.press("Enter")
    preview = dialog.get_by_role("status", name="Preview")
    expect(preview).to_contain_text("It would have fired 1 × in the last 7 days · n\u00a0=\u00a03 runs")
    expect(preview.locator(".mark")).to_have_count(1)
    count = dialog.get_by_role("spinbutton", name="Failures in a row")
    less = dialog.get_by_role("button", name="Less: Failures in a row")
    less.click(click_count=2)
    expect(count).to_have_value("1")
    expect(less).to_have_attribute("aria-disabled", "true")
    count.fill("")
    expect(preview).to_contain_text("would have fired 1 ×")
    count.fill("3")
    count.press("ArrowUp")
    expect(count).to_have_value("4")
    expect(preview).to_contain_text("would have fired 0 ×")
    dialog.get_by_label("Add a channel").select_option("Slack")
    dialog.get_by_label(re.compile("^Slack")).fill("https://hooks.invalid/services/T0123456789ABCDEF")
    dialog.get_by_label("Be quiet each day").check()
    looks(page)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    rule = rules(page)
    expect(rule).to_contain_text(f"When {workflow} fails 4 times in a row, tell Slack, this page, also when it is over")
    expect(rule).to_contain_text("quiet 22:00–07:00")
    rule.get_by_role("button", name="Send a test").click()
    expect(rule.get_by_role("status")).to_contain_text("Slack did not take it: The host was not found")
    rule.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Change alert rule")
    dialog.get_by_role("button", name="Remove Slack").click()
    dialog.get_by_label("When", exact=True).select_option("an engine is silent")
    dialog.get_by_label("Engine", exact=True).select_option("shop")
    dialog.get_by_role("button", name="Save").click()
    expect(rule).to_contain_text("When shop is silent for 30 minutes, tell this page")
    rule.get_by_role("button", name="Edit").click()
    dialog.get_by_label("When", exact=True).select_option("no run comes")
    dialog.get_by_role("button", name="Save").click()
    expect(rule).to_contain_text("has not run for three times as long as usual, tell this page")
    rule.get_by_role("button", name="Switch off").click()
    expect(rule).to_contain_text("Off")
    rule.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete this rule?").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No rule yet")).to_be_visible()
    assert "T0123456789ABCDEF" not in page.content()


def test_alert_003_ui_the_signing_secret_is_shown_once_and_a_refusal_stays_in_the_form(
    shared: Runwatch, visitor: Visitor
) -> None:
    """A secret MUST be shown when made and renewed, once though an answer is lost and the dialog closed."""
    page = visitor.open(ALERTS)
    page.get_by_role("button", name="New rule").click()
    dialog = page.get_by_role("dialog", name="New alert rule")
    dialog.get_by_label("Add a channel").select_option("webhook")
    url = dialog.get_by_label(re.compile("^webhook"))
    url.fill("http://10.0.0.1/")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("webhookUrl: private address")
    url.fill("https://hooks.invalid/")
    dialog.get_by_role("button", name="Save").click()
    secret = page.get_by_role("dialog", name="Signing secret")
    expect(secret.locator("code")).to_have_text(re.compile("^whsec_"))
    first = secret.locator("code").inner_text()
    looks(page)
    secret.get_by_role("button", name="Done").click()
    expect(rules(page)).to_contain_text("tell hooks.invalid")
    assert "whsec_" not in page.content()
    rules(page).get_by_role("button", name="Renew secret").click()
    renewing = page.get_by_role("dialog", name="Renew the signing secret?")
    page.route("**/graphql", lose_renewal, times=1)
    renewing.get_by_role("button", name="Renew secret").click()
    expect(renewing.get_by_role("alert")).to_be_visible()
    renewing.get_by_role("button", name="Cancel").click()
    rules(page).get_by_role("button", name="Renew secret").click()
    renewing.get_by_role("button", name="Renew secret").click()
    expect(secret.locator("code")).to_have_text(re.compile("^whsec_"))
    assert secret.locator("code").inner_text() != first
    log = shared.ask(AUDIT)["data"]["auditLog"]["nodes"]
    assert [each["action"] for each in log] == ["renewAlertSecret", "saveAlertRule"], "once"
    secret.get_by_role("button", name="Done").click()
    assert "whsec_" not in page.content()


def test_alert_004_ui_viewers_see_and_change_nothing_and_a_part_that_fails_says_so(
    shared: Runwatch, visitor: Visitor
) -> None:
    """A viewer MUST see rules and alerts and no way to change them; a part that fails MUST say so in its place."""
    given = {"condition": {"newErrorGroup": True}, "channels": {"page": True}}
    assert "errors" not in shared.ask(SAVE, input=given)
    viewer = Visitor(visitor.browser, shared.url, session(shared.url, shared.token("viewer")))
    page = viewer.open(ALERTS)
    expect(rules(page)).to_contain_text("When any workflow fails with a new error, tell this page")
    expect(page.get_by_text("Administrators make and change rules.")).to_be_visible()
    for name in ("New rule", "Edit", "Send a test", "Delete", "Switch on"):
        expect(page.get_by_role("main").get_by_role("button", name=name)).to_have_count(0)
    looks(page)

    failing: list[Any] = [True]

    def answer(route: Route) -> None:
        if "query AlertRules" in (route.request.post_data or "") and failing:
            error = {"message": "too slow", "path": ["alertRules"], "extensions": {"code": "LIMIT_EXCEEDED"}}
            body = {"data": {"alertRules": None}, "errors": [error]}
            route.fulfill(status=200, content_type="application/json", body=json.dumps(body))
        else:
            route.continue_()

    page.route("**/graphql", answer)
    page.reload()
    expect(page.get_by_role("region", name="Rules").get_by_role("alert")).to_contain_text("too slow")
    expect(page.get_by_role("region", name="What fired")).to_be_visible()
    failing.clear()
    page.get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(rules(page)).to_have_count(1)
    viewer.close()


def test_alert_005_ui_a_rule_and_what_it_fired_lead_to_each_other(shared: Runwatch, visitor: Visitor) -> None:
    """An alert MUST lead to its rule, a rule to what it fired, by an address; the rail MUST say how many are open."""
    names = [unique("leads"), unique("leads")]
    for name in names:
        fails(shared, name, 1)
        (workflow,) = shared.ask(FOUND, search=name)["data"]["workflows"]["nodes"]
        given = {"consecutiveFailures": 2, "workflowId": workflow["id"], "channels": {"page": True}}
        assert "errors" not in shared.ask(SAVE, input=given)
        fails(shared, name, 2)
    page = visitor.open(ALERTS)
    fired = page.get_by_role("region", name="What fired")
    row = fired.get_by_role("row").filter(has_text=names[0])
    behind = parse_qs(urlsplit(row.get_by_role("link", name="Failed runs").get_attribute("href") or "").query)
    assert (behind["workflow"], behind["status"], len(behind["to"])) == ([names[0]], ["FAILURE"], 1)
    row.get_by_role("link", name="Its rule").click()
    page.wait_for_url(f"**{ALERTS}?rule=alertRule_*")
    expect(page.locator(".rules [aria-current]")).to_contain_text(names[0])
    expect(page.locator(".rules [aria-current]")).to_be_in_viewport()
    expect(fired.get_by_role("row")).to_have_count(2)
    expect(fired).not_to_contain_text(names[1])
    page.reload()
    expect(fired.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Alerts")).to_contain_text(
        "open alerts"
    )
    looks(page)
    page.set_viewport_size(PHONE)
    expect(page.get_by_role("button", name=re.compile(r"^More \d.* open alerts$"))).to_be_visible()
    page.set_viewport_size(DESKTOP)
    fired.get_by_role("link", name="Show what fired of all rules").click()
    expect(fired).to_contain_text(names[1])
    rules(page).filter(has_text=names[1]).get_by_role("link", name="What it fired").click()
    expect(fired).not_to_contain_text(names[0])
    page.goto(f"{shared.url}{ALERTS}?rule=alertRule_{'0' * 32}")
    expect(page.get_by_text("This rule was deleted")).to_be_visible()
