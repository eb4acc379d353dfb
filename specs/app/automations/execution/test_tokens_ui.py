"""APP-AUTO-EXEC-TOKEN-…-UI and SERVER-…-UI: who may sign in by a token, and which server answers."""

from __future__ import annotations

import json
import re

import httpx
from playwright.sync_api import Page, Route, expect

from specs.harness.browser import HISTORY, Visitor, session
from specs.harness.driver import Runwatch, unique
from specs.harness.looking import looks, violations

TOKENS = "/admin/automations/tokens"
ABOUT = "/admin/automations/about"


def test_token_001_ui_made_used_and_revoked(shared: Runwatch, visitor: Visitor) -> None:
    """An administrator MUST be able to make a token, whose secret is shown once, see its use, and revoke it."""
    name = unique("grafana")
    page = visitor.open(HISTORY)
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Tokens").click()
    page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label(re.compile("^Engine")).check()
    dialog.get_by_label("Engine", exact=True).fill(f"{name} engine")
    assert violations(page) == []
    dialog.get_by_label("Ends").select_option("30")
    dialog.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", name="The new token")).to_be_visible()
    secret = dialog.locator("code").inner_text()
    assert violations(page) == []
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/cloudevents-batch+json"}
    assert httpx.post(f"{shared.url}/api/events", content="[]", headers=headers).status_code == 202
    dialog.get_by_role("button", name="Done").click()
    assert secret not in page.content()
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text(re.compile(rf"Engine.*of {name} engine"))
    page.reload()
    expect(row).to_contain_text(re.compile("ago.*in (29|30) d"))
    looks(page)
    row.get_by_role("button", name=f"Revoke {name}").click()
    page.get_by_role("dialog", name=f"Revoke {name}?").get_by_role("button", name="Revoke", exact=True).click()
    expect(row).to_have_count(0)
    assert httpx.post(f"{shared.url}/api/events", content="[]", headers=headers).status_code == 401
    page.get_by_role("checkbox", name="Show revoked and expired ones").check()
    expect(row).to_contain_text("Revoked")


def test_token_001_ui_others_and_failures(shared: Runwatch, visitor: Visitor) -> None:
    """Others MUST be told that it is not for them; a part that fails MUST be said."""
    viewer = Visitor(visitor.browser, shared.url, session(shared.url, shared.token("viewer")))
    page = viewer.open(TOKENS)
    expect(page.get_by_role("heading", name="Only administrators see tokens.")).to_be_visible()
    page.get_by_role("button", name="Account").click()
    expect(page.get_by_role("menuitem", name="Tokens")).to_have_count(0)
    page.keyboard.press("Escape")
    looks(page)
    viewer.close()

    def fail(route: Route) -> None:
        if "query Tokens" in (route.request.post_data or ""):
            error = {"message": "too slow", "path": ["tokens"], "extensions": {"code": "LIMIT_EXCEEDED"}}
            body = {"data": {"tokens": None}, "errors": [error]}
            route.fulfill(status=200, content_type="application/json", body=json.dumps(body))
        else:
            route.continue_()

    page = visitor.blank()
    page.route("**/graphql", fail)
    page.goto(f"{shared.url}{TOKENS}")
    expect(page.get_by_role("alert")).to_contain_text("too slow")
    page.unroute("**/graphql")
    page.get_by_role("alert").get_by_role("button", name="Try again").click()
    page.get_by_role("table").wait_for()


def make(page: Page, name: str) -> None:
    """Fill in the dialog, and send it."""
    page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Make it").click()


def test_token_001_ui_a_lost_answer_makes_no_second_one(shared: Runwatch, visitor: Visitor) -> None:
    """Who asks again after a lost answer, in a dialog opened anew, MUST get the token that was made."""
    name = unique("lost")
    page = visitor.open(TOKENS)

    def lose(route: Route) -> None:
        if "mutation NewToken" in (route.request.post_data or ""):
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/graphql", lose)
    dialog = page.get_by_role("dialog")
    make(page, name)
    expect(dialog.get_by_role("alert")).to_be_visible()
    page.unroute("**/graphql")
    page.keyboard.press("Escape")
    make(page, name)
    expect(page.get_by_role("heading", name="The new token")).to_be_visible()
    secret = dialog.locator("code").inner_text()
    answer = httpx.post(f"{shared.url}/api/events", content="[]", headers={"authorization": f"Bearer {secret}"})
    assert answer.status_code == 403, "a viewer's"
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_role("row").filter(has_text=name)).to_have_count(1)


def keep_some(route: Route) -> None:
    """Answer as a server does that has every kind of bound."""
    if "query About" not in (route.request.post_data or ""):
        route.continue_()
        return
    answer = route.fetch().json()
    answer["data"]["server"]["retention"] |= {
        "byItself": True,
        "days": 30,
        "failureDays": 90,
        "executions": 1_000_000,
        "bytes": 2.5 * 2**30,
        "alertDays": 1,
        "auditDays": 400,
    }
    route.fulfill(status=200, content_type="application/json", body=json.dumps(answer))


def test_server_001_ui_version_retention_and_health(shared: Runwatch, visitor: Visitor) -> None:
    """The page MUST say the server's version, how long it keeps runs, and whether it can do its work."""
    server = shared.ask("{ server { version build } }")["data"]["server"]
    page = visitor.blank()
    page.goto(f"{shared.url}{HISTORY}")
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="About this server").click()
    facts = page.get_by_role("region", name="Server")
    expect(facts).to_contain_text(f"Version{server['version']}")
    expect(facts).to_contain_text(server["build"])
    expect(facts).to_contain_text("It can do its work.")
    expect(facts).to_contain_text("Administrator")
    expect(facts).to_contain_text("Keeps runsuntil somebody deletes them")
    expect(facts).to_contain_text("Deletesnothing by itself")
    looks(page)
    page.route("**/graphql", keep_some)
    page.reload()
    expect(facts).to_contain_text(
        "Keeps runsfor 30 days; failed ones for 90 days; the newest 1,000,000; while the database has at most 2.5 GiB"
    )
    expect(facts).to_contain_text("Andalerts for 1 day; the audit log for 400 daysDeletesby itself")
    page.unroute("**/graphql")
    refused = json.dumps({"status": "not ready", "reasons": ["the database takes no writes"]})
    page.route(
        "**/health/ready", lambda route: route.fulfill(status=503, content_type="application/json", body=refused)
    )
    page.goto(f"{shared.url}{ABOUT}")
    expect(facts).to_contain_text("It cannot do its work: the database takes no writes")
