"""APP-AUTO-EXEC-METRICS-…-UI: figures on the page are those of the API, and each leads to its runs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page, Route, expect

from specs.app.automations.execution.test_page_budgets_ui import HIDE, SHOW, wait_for
from specs.harness.browser import METRICS, PHONE, Visitor
from specs.harness.driver import Runwatch, at, run_events, unique
from specs.harness.looking import looks, violations
from specs.pages import now, of, ready, report

HOUR, DAY = 3600, 86_400
ZONE = "Europe/Berlin"  # of the browser
POINTS = """query P($filter: MetricsFilter, $zone: String!) {
  metrics(filter: $filter, timeZone: $zone) { trend { start end total failed p50DurationMs p95DurationMs } }
}"""


def metrics(engine: str, **more: str) -> str:
    """The address of an engine's figures."""
    return f"{METRICS}?{urlencode({'engine': engine, **more})}"


def opened(visitor: Visitor, path: str) -> Page:
    """The page, once its figures are there."""
    page = visitor.open(path)
    page.locator(".card .figure").first.wait_for()
    page.locator(".by-workflow").wait_for()
    return page


def card(page: Page, title: str) -> Locator:
    """A card by its title."""
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=title, exact=True))


def query_of(link: Locator) -> dict[str, list[str]]:
    """What the address behind a link says."""
    return parse_qs(urlsplit(link.get_attribute("href") or "").query)


def moment(text: str) -> str:
    """A time of the API as the page's tables have it."""
    local = datetime.fromisoformat(text).astimezone(ZoneInfo(ZONE))
    year = "" if local.year == datetime.now(UTC).year else f" {local.year}"
    return f"{local.day} {local:%b}{year} {local:%H:%M}"


def reported(runwatch: Runwatch, engine: str, start: float, *, good: int, bad: int, duration: float) -> None:
    """Runs of two workflows, a minute apart: those that fail are of the second."""
    events: list[dict[str, Any]] = []
    for number in range(good + bad):
        failed = number >= good
        events += run_events(
            engine, f"{start}-{number}", start + number * 60, workflow=f"{engine} {'bad' if failed else 'good'}",
            state="FAILED" if failed else "SUCCEEDED", duration=duration,
            error={"type": "Row", "message": "row is bad"} if failed else None,
        )  # fmt: skip
    runwatch.report(*events)


def test_metrics_001_ui_figures_are_the_api_s(shared: Runwatch, visitor: Visitor) -> None:
    """Each figure MUST be the API's, with n and what it was before, – if unknown, and lead to its runs."""
    engine = unique("figures")
    reported(shared, engine, 0, good=20, bad=0, duration=1)
    reported(shared, engine, DAY, good=18, bad=6, duration=2)
    shared.report(*run_events(engine, "open", DAY + 2 * HOUR, workflow=f"{engine} good", state=None))
    page = opened(visitor, metrics(engine, **{"from": at(DAY), "to": at(2 * DAY)}))
    rate = card(page, "Success rate")
    expect(rate).to_contain_text("75 %")
    expect(rate).to_contain_text("n = 24")
    expect(rate).to_contain_text("▼ 25 points")
    expect(rate).to_contain_text("before: 100 % (n = 20)")
    for title in ("Average time", "p95"):
        expect(card(page, title)).to_contain_text(re.compile(rf"^{title}2 s▲ (99|100|101|102) %.*n = 24.*n = 20\)$"))
    expect(card(page, "Runs")).to_contain_text(re.compile(r"25▲ 25 %.*1 an hour.*before: 20"))
    expect(card(page, "Pending now")).to_contain_text(re.compile(r"1oldest \d+ d ago"))
    pending = query_of(card(page, "Pending now").get_by_role("link"))
    assert pending == {"status": ["PENDING"], "engine": [engine], "sort": ["queued"]}
    expect(card(page, "Unresolved")).to_contain_text(re.compile("6of 6 failed"))
    unresolved = query_of(card(page, "Unresolved").get_by_role("link"))
    assert unresolved == {"unresolved": ["1"], "engine": [engine], "from": [at(DAY)], "to": [at(2 * DAY)]}
    failed = rate.get_by_role("link", name="6 failed")
    assert query_of(failed) == {"status": ["FAILURE"], "engine": [engine], "from": [at(DAY)], "to": [at(2 * DAY)]}
    failed.click()
    expect(page.get_by_text("All 6 runs that match")).to_be_visible()
    page.go_back()

    page.goto(f"{shared.url}{metrics(engine, **{'from': at(30 * DAY), 'to': at(31 * DAY)})}")
    for title in ("Success rate", "Average time", "p95"):
        expect(card(page, title).get_by_role("link")).to_have_text("–")
        expect(card(page, title)).to_contain_text(re.compile("n = 0.*nothing before"))
    expect(card(page, "Runs").get_by_role("link")).to_have_text("0")


def test_metrics_002_ui_charts_tables_and_periods(shared: Runwatch, visitor: Visitor) -> None:
    """Charts MUST have one cursor and a table as the API has it; a drag, or a time of it, MUST become the period."""
    engine = unique("charts")
    summer = 180 * DAY + 22 * HOUR + 1800  # half past midnight of the next day in Berlin
    reported(shared, engine, summer, good=2, bad=1, duration=3)
    reported(shared, engine, summer + 3 * DAY, good=1, bad=2, duration=5)
    window = {"from": at(170 * DAY), "to": at(230 * DAY)}
    answer = shared.ask(POINTS, filter={"engine": [engine], **window}, zone=ZONE)
    trend = answer["data"]["metrics"]["trend"]
    some = [point for point in reversed(trend) if point["total"]]
    page = opened(visitor, metrics(engine, **window))
    failures = page.get_by_role("region", name="Failures over time")
    durations = page.get_by_role("region", name="Duration p50 / p95")
    expect(failures.get_by_role("img")).to_have_accessible_name(
        f"Failures over time. 3 failures; most from {moment(some[0]['start'])}: 2."
    )
    expect(durations.get_by_role("img")).to_have_accessible_name(re.compile("p50 from 3 s to 5 s, p95 from 3 s to 5 s"))
    box = failures.locator(".u-over").bounding_box()
    assert box is not None
    reads = re.compile(r"^\d+ \w{3} \d\d:\d\d: (0 failed of 0 runs|p50 –, p95 –)")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    for chart in (failures, durations):
        expect(chart.locator(".reads")).to_have_text(reads)

    failures.get_by_role("button", name="Failures over time: Show as table").click()
    table = page.get_by_role("dialog", name="Failures over time")
    expect(table.locator("tbody tr")).to_have_count(len(some))
    rows = table.locator("tbody tr").evaluate_all("(all) => all.map((row) => [...row.cells].map((c) => c.innerText))")
    assert rows == [[moment(each["start"]), str(each["failed"]), str(each["total"])] for each in some]
    assert all(row[0].endswith("00:00") for row in rows), "days are the zone's"
    found = query_of(table.get_by_role("link", name=re.compile("^Failed 2 ")))
    assert found == {
        "status": ["FAILURE"], "engine": [engine], "from": [some[0]["start"]], "to": [some[0]["end"]]
    }  # fmt: skip
    table.get_by_role("button", name=re.compile("make the time")).first.click()
    expect(table).to_have_count(0)
    period = parse_qs(urlsplit(page.url).query)
    assert (period["from"], period["to"]) == ([some[0]["start"]], [some[0]["end"]])
    expect(card(page, "Runs").get_by_role("link")).to_have_text("3")
    page.go_back()
    expect(card(page, "Runs").get_by_role("link")).to_have_text("6")

    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 3 / 4, box["y"] + 40, steps=4)
    page.mouse.up()
    page.wait_for_url(lambda url: window["from"] not in url and "from=" in url)
    period = parse_qs(urlsplit(page.url).query)
    assert period["from"][0] in {point["start"] for point in trend}, "whole buckets"
    assert period["to"][0] in {point["end"] for point in trend}
    length = datetime.fromisoformat(period["to"][0]) - datetime.fromisoformat(period["from"][0])
    assert timedelta(days=29) < length < timedelta(days=32)


def test_metrics_003_ui_errors_and_workflows(shared: Runwatch, visitor: Visitor) -> None:
    """What fails most and how each workflow does MUST be listed, by the filter of the address, with their runs."""
    engine = unique("lists")
    reported(shared, engine, 0, good=4, bad=3, duration=2)
    page = opened(visitor, metrics(engine, **{"from": at(0), "to": at(DAY)}))
    errors = page.get_by_role("region", name="Top errors")
    time = {"from": [at(0)], "to": [at(DAY)]}
    assert query_of(errors.get_by_role("link", name="All errors")) == {"engine": [engine], **time}
    error = errors.get_by_role("listitem").get_by_role("link")
    expect(error).to_have_accessible_name(re.compile("^Row row is bad 3 runs"))
    (group,) = query_of(error)["group"]
    assert group.startswith("errorGroup_")
    table = page.get_by_role("region", name="By workflow").get_by_role("table")
    first = table.get_by_role("row").nth(1)
    expect(first).to_have_text(re.compile(f"{engine} bad330 %2 s2 s"))
    expect(first.get_by_role("img")).to_have_accessible_name("3 of 3 runs failed, over time")
    behind = query_of(first.get_by_role("link", name=re.compile("its failed runs")))
    assert (behind["workflow"], behind["status"]) == ([f"{engine} bad"], ["FAILURE"])
    slowest = query_of(first.get_by_role("link", name=f"p95 2 s, few runs. {engine} bad: show its runs"))
    assert (slowest["workflow"], slowest["sort"]) == ([f"{engine} bad"], ["-duration"])
    table.get_by_role("button", name=f"Only {engine} good").click()
    expect(card(page, "Runs").get_by_role("link")).to_have_text("4")
    assert parse_qs(urlsplit(page.url).query)["workflow"] == [f"{engine} good"]
    page.get_by_role("button", name=re.compile(f"^Remove filter: Workflow: {engine} good")).click()
    expect(card(page, "Runs").get_by_role("link")).to_have_text("7")
    page.goto(f"{shared.url}{metrics(engine, workflow='no such', status='FAILURE', **{'from': at(0), 'to': at(DAY)})}")
    expect(card(page, "Runs").get_by_role("link")).to_have_text("0")
    expect(page.get_by_text("parameters that mean nothing here")).to_contain_text("status=FAILURE")
    page.goto(f"{shared.url}{metrics(engine, **{'from': at(DAY), 'to': at(0)})}")
    expect(page.get_by_role("alert")).to_contain_text("filter.from: must be before filter.to")
    expect(page.get_by_role("alert")).to_have_count(1)
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)


def test_metrics_006_ui_bars_and_orders(shared: Runwatch, visitor: Visitor) -> None:
    """A clicked bar MUST lead to its runs; workflows MUST be sorted as the address says, and scroll on a phone."""
    engine = unique("bars")
    reported(shared, engine, 0, good=5, bad=2, duration=2)
    window = {"from": at(0), "to": at(DAY)}
    page = opened(visitor, metrics(engine, **window))
    bars = page.get_by_role("region", name="Failures over time").locator(".u-over")
    box = bars.bounding_box()
    assert box is not None
    bars.click(position={"x": box["width"] / 48, "y": box["height"] / 2})  # of the first of 24 hours, its right half
    page.wait_for_url("**/history?**")
    found = parse_qs(urlsplit(page.url).query)
    hour = [datetime.fromisoformat(found.pop(edge)[0]) for edge in ("from", "to")]
    assert hour == [datetime.fromisoformat(at(edge)) for edge in (0, HOUR)]
    assert found == {"status": ["FAILURE"], "engine": [engine]}
    page.go_back()

    table = page.get_by_role("region", name="By workflow").get_by_role("table")
    first = table.get_by_role("row").nth(1)
    expect(first).to_contain_text(f"{engine} bad")
    expect(table.get_by_role("columnheader", name="Failed")).to_have_attribute("aria-sort", "descending")
    table.get_by_role("button", name="Runs").click()
    expect(first).to_contain_text(f"{engine} good")
    assert parse_qs(urlsplit(page.url).query)["sort"] == ["runs"]
    expect(table.get_by_role("columnheader", name="Runs")).to_have_attribute("aria-sort", "descending")
    table.get_by_role("button", name="Success rate").click()
    expect(first).to_contain_text(f"{engine} bad")
    expect(table.get_by_role("columnheader", name="Success rate")).to_have_attribute("aria-sort", "ascending")
    page.set_viewport_size(PHONE)
    scroller = page.locator(".by-workflow .scroller")
    scroller.evaluate("(it) => { it.scrollIntoView(); it.scrollTo(it.scrollWidth, 0) }")
    expect(first.get_by_role("img")).to_be_in_viewport()
    expect(first.get_by_role("button")).to_be_in_viewport()


def test_metrics_007_ui_cut_hours_are_said(shared: Runwatch, visitor: Visitor) -> None:
    """Where a zone's hours begin within hours of UTC, the page MUST say what that does to deleted runs."""
    engine = unique("cut")
    report(shared, engine, "one", at=now() - 60)
    said = "Hours of this zone begin within hours of UTC."
    page = visitor.open_new(metrics(engine), timezone_id="Asia/Kolkata")
    expect(page.get_by_text(said)).to_be_visible()
    page.close()
    page = opened(visitor, metrics(engine))
    expect(page.get_by_text(said)).to_have_count(0)


def test_metrics_004_ui_every_state(shared: Runwatch, visitor: Visitor) -> None:
    """axe-core MUST find nothing, nothing overflow; a part that fails MUST say so; no other page MUST load charts."""
    name = unique("looks")
    asked: list[str] = []
    visitor.listen = lambda request: asked.append(request.url)
    report(shared, name, "bad", state="FAILED")
    report(shared, name, *(f"run-{number}" for number in range(30)), at=HOUR)
    page = ready(visitor.open(of(name)))
    assert not [url for url in asked if "/plot-" in url]
    page.get_by_role("link", name="Metrics").click()
    page.locator(".card .figure").first.wait_for()
    page.goto(f"{shared.url}{metrics(name, **{'from': at(-DAY), 'to': at(DAY)})}")
    page.locator(".u-over").nth(1).wait_for()
    page.locator(".by-workflow").wait_for()
    assert [url for url in asked if "/plot-" in url]
    looks(page)
    page.get_by_role("button", name="Duration p50 / p95: Show as table").click()
    page.get_by_role("dialog").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")

    def break_workflows(route: Route) -> None:
        if "WorkflowFigures" in (route.request.post_data or ""):
            route.fulfill(status=500, body="{}")
        else:
            route.continue_()

    page.route("**/graphql", break_workflows)
    page.reload()
    page.get_by_role("alert").wait_for()
    expect(card(page, "Runs").get_by_role("link")).to_have_text("31")
    looks(page)
    page.unroute("**/graphql")
    page.get_by_role("button", name="Try again").click()
    page.locator(".by-workflow").wait_for()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_metrics_005_ui_figures_stay_current(shared: Runwatch, visitor: Visitor) -> None:
    """Figures MUST be asked for again each 15 s while somebody looks, and at once after, never while nobody does."""
    engine = unique("current")
    report(shared, engine, "one", at=now() - 60)
    page = visitor.open_new("")
    page.clock.install()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(json.loads(request.post_data or "{}").get("query", "")[:13]))
    page.goto(f"{shared.url}{metrics(engine)}")
    runs = card(page, "Runs").get_by_role("link")
    expect(runs).to_have_text("1")
    page.locator(".by-workflow").wait_for()
    report(shared, engine, "two", at=now() - 30)
    page.clock.run_for(16_000)
    expect(runs).to_have_text("2")
    page.evaluate(HIDE)
    report(shared, engine, "three", at=now() - 20)
    before = asked.count("query Figures")
    page.clock.run_for(120_000)
    assert asked.count("query Figures") == before
    page.evaluate(SHOW)
    page.clock.run_for(1_000)
    wait_for(page, lambda: asked.count("query Figures") > before)
    expect(runs).to_have_text("3")
