"""APP-AUTO-EXEC-HISTORY-…-UI (AUTO-EXEC-ADMIN-001): an administrator narrows the list to what matters."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Page, expect

from specs.harness.browser import HISTORY, Visitor
from specs.harness.driver import Runwatch, event, run_events, unique
from specs.harness.looking import rows, violations, wait
from specs.pages import seconds_from_start


def a_list(runwatch: Runwatch) -> tuple[str, dict[str, str]]:
    """A search that finds four runs of two workflows, and their ids by external id."""
    name = unique("narrow")
    mail, orders = f"{name} mail", f"{name} orders"
    broken = {"type": "Row", "message": "row 7 is bad"}
    step = {"index": 0, "name": "check", "state": "FAILED", "error": broken}
    runwatch.report(
        *run_events(name, "sent", 0, workflow=mail, kind="inbox"),
        *run_events(name, "stored", 10, workflow=orders),
        *run_events(name, "late", 20, workflow=orders, state="TIMED_OUT", error={"message": "gave up"}),
        *run_events(name, "broken", 30, workflow=orders, state=None),
        event(name, "broken", "step.finished", 32, {"step": step}),
        event(name, "broken", "execution.finished", 33, {"state": "FAILED", "error": broken}),
    )
    return name, {run["externalId"]: run["id"] for run in found(runwatch, search=name)}


def found(runwatch: Runwatch, **where: Any) -> list[dict[str, Any]]:
    """What the API finds."""
    document = "query L($f: ExecutionFilter) { executions(first: 50, filter: $f) { nodes { id externalId } } }"
    nodes: list[dict[str, Any]] = runwatch.ask(document, f=where)["data"]["executions"]["nodes"]
    return nodes


def shows(page: Page, ids: list[str]) -> None:
    """Until the list has these rows, from top to bottom."""
    wait(
        page,
        "(ids) => [...document.querySelectorAll('.grid:not(.stale) [role=row][data-id]')].sort((a, b) =>"
        " a.getBoundingClientRect().top - b.getBoundingClientRect().top).map((row) => row.dataset.id).join() === ids",
        ",".join(ids),
    )


def chosen(page: Page) -> dict[str, list[str]]:
    """The filters in the URL, without the search that keeps other specs' runs away."""
    return {name: values for name, values in parse_qs(urlsplit(page.url).query).items() if name not in ("q", "run")}


def test_history_011_ui_a_filter_in_two_typed_steps(shared: Runwatch, visitor: Visitor) -> None:
    """Filter MUST offer what matches, with counts; two typed steps MUST add one, "not" or Alt with Enter exclude."""
    name, ids = a_list(shared)
    page = visitor.open(f"{HISTORY}?{urlencode({'q': name})}")
    shows(page, [ids[each] for each in ("broken", "late", "stored", "sent")])

    page.keyboard.press("f")
    page.keyboard.type("work")
    page.keyboard.press("Enter")
    options = page.get_by_role("option")
    expect(options).to_have_text([re.compile(rf"{name} orders\s*3"), re.compile(rf"{name} mail\s*1")])
    assert violations(page) == []
    page.keyboard.type("ord")
    page.keyboard.press("Enter")
    shows(page, [ids[each] for each in ("broken", "late", "stored")])
    expect(page.locator("#add-filter")).to_be_focused()

    page.keyboard.press("f")
    page.keyboard.type("sta")
    page.keyboard.press("Enter")
    expect(options).to_have_count(3)  # nothing is offered that matches nothing
    page.keyboard.type("timed")
    page.keyboard.press("Enter")
    shows(page, [ids["late"]])
    assert chosen(page) == {"workflow": [f"{name} orders"], "state": ["TIMED_OUT"]}, "one filter took another away"

    page.get_by_role("button", name="Remove filter: State: Timed out").click()
    page.get_by_role("button", name=f"Remove filter: Workflow: {name} orders").click()
    for typed, key in ((f"not {name} mail", "Enter"), (f"{name} orders", "Alt+Enter")):
        page.keyboard.press("f")
        page.keyboard.type("workflow")
        page.keyboard.press("Enter")
        page.keyboard.type(typed)
        page.keyboard.press(key)
        expect(page.locator("#add-filter")).to_be_focused()
    assert chosen(page) == {"notWorkflow": [f"{name} mail", f"{name} orders"]}


def test_history_012_ui_what_a_row_says_narrows(shared: Runwatch, visitor: Visitor) -> None:
    """Alt and a click MUST add a value, with Shift exclude it; the menu of a row MUST do so too, also by its error."""
    name, ids = a_list(shared)
    page = visitor.open(f"{HISTORY}?{urlencode({'q': name})}")
    row = page.locator(f"#row-{ids['broken']}")
    row.locator("[data-cell=step]").click(modifiers=["Alt"])
    shows(page, [ids["broken"]])
    row.locator("[data-cell=trigger]").click(modifiers=["Alt"])
    row.get_by_role("link").click(modifiers=["Alt"])
    wait(page, "location.search.includes('workflow=')")
    assert chosen(page) == {"workflow": [f"{name} orders"], "trigger": ["schedule"], "step": ["check"]}
    page.get_by_role("button", name="Clear all").click()

    page.goto(f"{shared.url}{HISTORY}?{urlencode({'q': name})}")
    page.locator(f"#row-{ids['sent']} [data-cell=trigger]").click(modifiers=["Alt", "Shift"])
    shows(page, [ids[each] for each in ("broken", "late", "stored")])
    page.locator(f"#row-{ids['late']}").hover()
    page.locator(f"#row-{ids['late']}").get_by_role("button", name="Menu of").click()
    assert violations(page) == []
    page.get_by_role("menuitem", name="This error group").click()
    shows(page, [ids["late"]])
    expect(page.get_by_role("button", name="Remove filter: Error group: gave up")).to_be_visible()
    elsewhere = visitor.open(urlsplit(page.url)._replace(scheme="", netloc="").geturl())
    expect(elsewhere.get_by_role("button", name="Remove filter: Error group: gave up")).to_be_visible()

    page.locator(f"#row-{ids['late']}").focus()
    page.keyboard.press("m")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No run matches.")).to_be_visible()
    assert chosen(page)["notWorkflow"] == [f"{name} orders"]


def test_history_013_ui_it_says_which_filter_hides_everything(shared: Runwatch, visitor: Visitor) -> None:
    """When nothing matches, the page MUST say how many runs there are without each filter that hides them."""
    name, ids = a_list(shared)
    page = visitor.open(f"{HISTORY}?{urlencode({'q': name, 'workflow': f'{name} mail', 'status': 'FAILURE'})}")
    without = page.get_by_role("button", name="Without")
    expect(without).to_have_text([re.compile(r"Status: Failed”\s*1 run$"), re.compile(rf"{name} mail”\s*2 runs$")])
    assert violations(page) == []
    without.first.click()
    shows(page, [ids["sent"]])


def test_history_014_ui_a_whole_id_opens_its_run(shared: Runwatch, visitor: Visitor) -> None:
    """Enter after an id, an address or an external id MUST open that run, and search for nothing."""
    name = unique("id")
    shared.report(*run_events(name, f"{name}-a", 0, workflow=name), *run_events(name, f"{name}-b", 5, workflow=name))
    ids = {run["externalId"]: run["id"] for run in found(shared, workflowName=[name])}
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': name})}")
    field = page.get_by_role("searchbox", name="Search workflow")
    id_ = ids[f"{name}-a"]
    for typed in (id_, f"{shared.url}/admin/automations/executions/{id_}", f"{name}-a"):
        field.fill(typed)
        field.press("Enter")
        expect(page.get_by_role("dialog", name="Run")).to_be_visible()
        wait(page, "(id) => location.search.endsWith(`run=${id}`) && !location.search.includes('q=')", id_)
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    field.fill(f"{name}-")
    field.press("Enter")
    shows(page, [ids[f"{name}-b"], id_])
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_history_015_ui_a_phone_filters_from_the_bottom(shared: Runwatch, visitor: Visitor) -> None:
    """On a phone filters MUST be in a sheet that says how many runs it will show; all can be hit by a thumb."""
    name, ids = a_list(shared)
    page = visitor.open_new(f"{HISTORY}?{urlencode({'q': name})}", phone=True)
    shows(page, [ids[each] for each in ("broken", "late", "stored", "sent")])
    small = """[...document.querySelectorAll('button, a[href], label, [role=row][data-id]')].filter((each) => {
      const { width, height, bottom } = each.getBoundingClientRect()
      return bottom > 0 && width > 1 && (width < 44 || height < 44) && !each.matches('.link, .workflow a, .heads *')
    }).map((each) => each.outerHTML)"""
    assert page.evaluate(small) == []
    # What the columns have on a wide window: an order, and the menu of a row.
    page.get_by_role("button", name="Display").click()
    page.get_by_label("Sort by").select_option("Duration")
    page.get_by_role("button", name="Descending").click()
    page.keyboard.press("Escape")
    wait(page, "location.search.includes('sort=duration')")
    page.get_by_role("columnheader", name="Duration").get_by_role("button").click()
    wait(page, "location.search.includes('sort=-duration')")
    page.locator(f"#row-{ids['sent']}").get_by_role("button", name="Menu of").click()
    assert page.evaluate(small) == []
    page.get_by_role("menuitem", name="Open beside the list").click()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Filters").click()
    sheet = page.get_by_role("dialog", name="Filters")
    sheet.get_by_role("button", name="Unresolved").click()
    expect(sheet.get_by_role("button", name="Show 2 runs")).to_be_visible()
    sheet.locator("#add-filter").click()
    page.get_by_role("combobox").fill("failed")
    page.keyboard.press("Enter")
    page.get_by_role("option", name="check").click()
    expect(sheet.get_by_role("button", name="Show 1 run", exact=True)).to_be_visible()
    assert violations(page) == []
    assert page.evaluate(small) == []
    sheet.get_by_role("button", name="Show 1 run").click()
    shows(page, [ids["broken"]])
    assert rows(page) == [ids["broken"]]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it overflows"


def test_history_021_ui_times_are_typed_as_one_says_them(shared: Runwatch, visitor: Visitor) -> None:
    """Times of a clock, days, ranges and spans MUST be taken as typed, in the page's zone, and say what they mean."""
    name = unique("typed")
    noon = datetime.now(UTC).replace(hour=11, minute=0, second=0, microsecond=0) - timedelta(days=2)
    at = {"early": noon - timedelta(minutes=90), "noon": noon, "late": noon + timedelta(minutes=90)}
    for each, moment in at.items():
        shared.report(*run_events(name, each, seconds_from_start(moment), workflow=name))
    ids = {run["externalId"]: run["id"] for run in found(shared, workflowName=[name])}
    page = visitor.open_new(f"{HISTORY}?{urlencode({'q': name})}", timezone_id="Asia/Kolkata")
    time = page.get_by_role("button", name="Time: ")

    def typed(text: str) -> None:
        time.click()
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        expect(time).to_be_focused()

    day = f"{noon:%Y-%m-%d}"  # 16:30 in India
    typed(f"{day} 16:00 - 17:00")
    shows(page, [ids["noon"]])
    assert chosen(page) == {"from": [f"{day}T10:30:00.000Z"], "to": [f"{day}T11:30:00.000Z"]}
    expect(time).to_have_text(re.compile(r"^\s*\d+ \w+ (\d+ )?16:00 – 17:00$"))
    time.click()
    page.keyboard.type(f"{day}T11:00:00Z")
    page.get_by_role("option", name="Since").click()
    expect(page.get_by_role("button", name="Remove filter: From")).to_be_visible()
    shows(page, [ids["noon"]])  # its end is where it was
    typed("72h")
    shows(page, [ids[each] for each in ("late", "noon", "early")])
    assert chosen(page) == {"range": ["72h"]}, "a relative time has become another"
    page.keyboard.press("f")
    page.keyboard.type("queued")
    page.keyboard.press("Enter")
    page.keyboard.type("yesterday")
    expect(page.get_by_role("option")).to_have_text([re.compile(r"00:00 – \d+ \w+ (\d+ )?00:00$")])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No run matches.")).to_be_visible()
    typed("")  # any time
    shows(page, [ids[each] for each in ("late", "noon", "early")])
    assert chosen(page) == {}
