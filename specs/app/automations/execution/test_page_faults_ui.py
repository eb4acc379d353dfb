"""APP-AUTO-EXEC-FAULTS-…-UI: what breaks between the page and the server costs nobody a run, and is said in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from specs.harness.browser import EXECUTIONS, HISTORY, Visitor, session
from specs.harness.driver import Runwatch, Server, event, unique
from specs.harness.looking import looks
from specs.harness.servers import ValkeyServer
from specs.pages import is_as_the_api, listed, now, of, ready, report, seconds_from_start

HOUR_MS = 3_600_000
Alone = Callable[[], tuple[Server, Runwatch, Visitor]]
PRESS_ALL = """() => {
  for (const each of document.querySelectorAll('button')) if (each.innerText === 'Try again') each.click()
}"""


def catches_up(page: Page, runwatch: Runwatch, name: str) -> None:
    """Two runs came while the page heard nothing: it says so, and then equals the API."""
    expect(page.get_by_role("button", name="2 new runs")).to_be_visible(timeout=40_000)
    expect(page.locator("[role=row].PENDING")).to_have_count(0)
    page.keyboard.press(".")
    is_as_the_api(page, runwatch, name)
    assert page.evaluate("window.same"), "the page was loaded again"


def opened(visitor: Visitor, runwatch: Runwatch, name: str) -> Page:
    """The list of a workflow with a run that is open yet."""
    report(runwatch, name, "one", "two")
    report(runwatch, name, "open", state=None, at=10)
    page = ready(visitor.open(of(name)))
    page.evaluate("window.same = true")
    return page


def meanwhile(runwatch: Runwatch, name: str) -> None:
    """What happens while the page hears nothing: a run ends, and two come."""
    runwatch.report(event(name, "open", "execution.finished", 20, {"state": "FAILED", "error": {"message": "no"}}))
    report(runwatch, name, "three", "four", at=30)


def test_faults_001_ui_a_sleeping_laptop_catches_up(shared: Runwatch, visitor: Visitor) -> None:
    """After a sleep, in which its socket died without a word or not, the page MUST equal the API, without a reload."""
    name = unique("asleep")
    page = opened(visitor, shared, name)
    cdp = page.context.new_cdp_session(page)
    cdp.send("Page.setWebLifecycleState", {"state": "frozen"})
    meanwhile(shared, name)
    cdp.send("Page.setWebLifecycleState", {"state": "active"})
    catches_up(page, shared, name)

    asleep: list[bool] = []
    page = visitor.open_new("")
    page.clock.install()

    def between(socket: WebSocketRoute) -> None:
        server, silent = socket.connect_to_server(), len(asleep)
        socket.on_message(lambda message: server.send(message) if len(asleep) == silent else None)
        server.on_message(lambda message: socket.send(message) if len(asleep) == silent else None)

    page.route_web_socket(re.compile("/graphql$"), between)
    other = unique("dead")
    report(shared, other, "one")
    report(shared, other, "open", state=None, at=10)
    page.goto(f"{shared.url}{of(other)}")
    ready(page).evaluate("window.same = true")
    asleep.append(True)
    meanwhile(shared, other)
    page.clock.fast_forward(13_000)  # it asks whether anybody is there
    page.clock.fast_forward(6_000)  # nobody is
    catches_up(page, shared, other)


def test_faults_002_ui_a_restart_of_redis_costs_nothing(visitor: Visitor, tmp_path: Path) -> None:
    """Runs that another process takes in while Redis restarts MUST be shown, without a reload."""
    with ValkeyServer(own=True) as redis:
        servers = [Server(tmp_path / "shared", "") for _ in range(2)]
        for server in servers:
            server.environment["RUNWATCH_REDIS_URL"] = redis.url
            server.start()
        here, there = (Runwatch(server.url, "", server.environment) for server in servers)
        here.admin = there.admin = here.token("admin")
        own = Visitor(visitor.browser, here.url, session(here.url, here.admin))
        try:
            page = opened(own, here, "redis")
            redis.restart()
            meanwhile(there, "redis")
            catches_up(page, here, "redis")
            expect(page.get_by_role("status").get_by_text("Live")).to_be_visible()
        finally:
            own.close()
            for each in (here, there):
                each.close()
            for server in servers:
                server.kill()


def test_faults_003_ui_the_network_comes_back(shared: Runwatch, visitor: Visitor) -> None:
    """What came while the browser was offline MUST be shown once it is online; a request meanwhile MUST say so."""
    name = unique("offline")
    page = opened(visitor, shared, name)
    page.context.set_offline(True)
    meanwhile(shared, name)
    page.get_by_role("searchbox").fill("one")
    expect(page.get_by_role("alert").filter(has_text="This computer is offline.").first).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("[role=row][data-id]")).to_have_count(1)  # nobody has to press Try again
    expect(page.locator("#content").get_by_role("alert")).to_have_count(0)
    page.get_by_role("searchbox").fill("")
    catches_up(page, shared, name)


def test_faults_004_ui_a_failed_request_is_told_in_its_place(shared: Runwatch, visitor: Visitor) -> None:
    """A request that fails MUST show message, code, request id and Try again where its data would be."""
    name = unique("failing")
    report(shared, name, "one", state="FAILED")
    id_ = listed(shared, workflowName=[name])[0]["id"]

    def refuse(route: Route) -> None:
        error = {"message": "Something went wrong on our side", "extensions": {"code": "INTERNAL"}}
        route.fulfill(status=503, headers={"x-request-id": "req-4711"}, body=json.dumps({"errors": [error]}))

    page = visitor.blank()
    for path, shown in ((of(name), "[role=row][data-id]"), (f"{EXECUTIONS}/{id_}", "h1")):
        page.route("**/graphql", refuse)
        page.goto(f"{shared.url}{path}")
        box = page.locator("#content").get_by_role("alert").first
        for said in ("Something went wrong on our side", "INTERNAL", "req-4711"):
            expect(box).to_contain_text(said)
        box.get_by_role("button", name="Copy the request id").click()
        expect(box.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == "req-4711"
        looks(page)
        page.unroute("**/graphql")
        # By script: a button goes as soon as its part is there, which may be between looking and pressing.
        page.evaluate(PRESS_ALL)
        expect(page.locator(shown).filter(has_text=name).first).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="req-4711")).to_have_count(0)
    page.goto(f"{shared.url}{of(name)}")
    ready(page).route("**/graphql", refuse)
    page.keyboard.press("f")
    page.keyboard.type("eng")
    page.keyboard.press("Enter")
    option = page.get_by_role("option")
    expect(option).to_contain_text("Not loaded: Something went wrong on our side")
    page.unroute("**/graphql")
    page.keyboard.press("Enter")
    expect(option).to_contain_text(name)


def test_faults_005_ui_a_wrong_clock_changes_no_time(shared: Runwatch, visitor: Visitor) -> None:
    """With a clock an hour off, the page MUST say so, and count relative times and ranges by the server's."""
    name = unique("clock")
    report(shared, name, "one", at=now())
    script = f"const real = Date.now; Date.now = () => real() - {HOUR_MS}"
    page = ready(visitor.open_new(of(name), script=script))
    expect(page.get_by_text(re.compile("clock is 1 h behind"))).to_be_visible()
    expect(page.locator("[role=row][data-id] time").first).to_have_text(re.compile(r"^\d+ (s|min) ago$"))
    # By this clock, what is half an hour old would lie half an hour ahead.
    page = ready(visitor.open_new(of(name, range="30m"), script=script.replace("-", "+")))
    expect(page.get_by_role("button", name=re.compile("^Success"))).to_contain_text("1")


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Australia/Lord_Howe"])
def test_faults_006_ui_zones_with_half_hours(shared: Runwatch, visitor: Visitor, zone: str) -> None:
    """An absolute time MUST be that of the zone, on both sides of a change by half an hour; any zone MUST be had."""
    name = unique("zone")
    # Lord Howe leaves summer time at 15:00 UTC of 4 April 2026, from +11 to +10:30; Kolkata is always +5:30.
    moments = [datetime(2026, 4, 4, 14, 59, tzinfo=UTC), datetime(2026, 4, 4, 15, 1, tzinfo=UTC)]
    for number, moment in enumerate(moments):
        report(shared, name, f"run-{number}", at=seconds_from_start(moment))
    page = ready(visitor.open_new(of(name), timezone_id=zone))
    for moment in moments:
        local = moment.astimezone(ZoneInfo(zone))
        shown = f"{local.day} {local:%b %Y, %H:%M:%S}"
        page.locator(f"time[datetime^='{moment:%Y-%m-%dT%H:%M}']").first.hover()
        expect(page.get_by_role("tooltip").filter(has_text=f"{moment:%Y-%m-%dT%H:%M:%S}")).to_contain_text(shown)
    page.get_by_role("button", name=re.compile("^Time zone")).click()
    page.get_by_role("menuitem", name="Another zone").click()
    page.get_by_role("combobox").fill("lord how")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Time zone: Lord Howe")).to_be_visible()


def test_faults_007_ui_tabs_agree(shared: Runwatch, visitor: Visitor) -> None:
    """What is chosen in one tab, of theme and density, MUST hold in the others at once."""
    one = visitor.open(HISTORY)
    other = visitor.tab(one.context, f"{EXECUTIONS}/nonsense")
    one.bring_to_front()  # a tab behind another draws seldom, and a click waits for that
    one.get_by_role("button", name=re.compile("^Account")).click()
    one.get_by_role("menuitemradio", name="Dark").click()
    expect(other.locator("html")).to_have_attribute("data-theme", "dark")
    one.get_by_role("button", name=re.compile("^Account")).click()
    one.get_by_role("menuitemradio", name="Compact").click()
    expect(other.locator("html")).to_have_attribute("data-density", "compact")


def test_faults_008_ui_a_gap_is_said_and_filled(shared: Runwatch, visitor: Visitor) -> None:
    """Where the server cannot say what has changed, the page MUST ask again in place, and say so."""
    name = unique("gap")
    report(shared, name, "one", "two")
    report(shared, name, "open", state=None, at=10)
    page = visitor.blank()
    sockets: list[WebSocketRoute] = []
    followed: list[str] = []
    deaf: list[bool] = []

    def between(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        sockets.append(socket)

        def asks(message: str | bytes) -> None:
            told = json.loads(message)
            if told["type"] == "subscribe" and "executionUpdated" in told["payload"]["query"]:
                followed.append(told["id"])
            server.send(message)

        socket.on_message(asks)
        server.on_message(lambda message: None if deaf and '"next"' in str(message) else socket.send(message))

    page.route_web_socket(re.compile("/graphql$"), between)
    page.goto(f"{shared.url}{of(name)}")
    ready(page).evaluate("window.same = true")
    deaf.append(True)
    meanwhile(shared, name)
    gap = {"cursor": "", "change": "RESYNC", "executionId": None, "matches": False, "execution": None}
    message = {"id": followed[-1], "type": "next", "payload": {"data": {"executionUpdated": gap}}}
    sockets[-1].send(json.dumps(message))
    status = page.get_by_role("status")
    expect(status.get_by_text("Refreshed")).to_be_visible()
    catches_up(page, shared, name)
    expect(status.get_by_text("Live")).to_be_visible()


def test_faults_009_ui_a_view_that_cannot_be_loaded(shared: Runwatch, visitor: Visitor) -> None:
    """A link MUST leave the page loaded, so that Back finds its list; a view that cannot be loaded MUST say so."""
    name = unique("unloaded")
    page = opened(visitor, shared, name)
    page.route("**/assets/**", lambda route: route.abort())
    page.get_by_role("link", name="Alerts").click()
    expect(page.get_by_role("alert")).to_contain_text("A part of this page could not be loaded")
    looks(page)
    page.go_back()
    expect(page.locator("[role=row][data-id]")).to_have_count(3)
    page.unroute("**/assets/**")
    page.get_by_role("link", name="Engines").click()
    page.get_by_role("heading", level=1, name="Engines").wait_for()
    page.get_by_role("link", name="Engines").click()
    page.go_back()
    expect(page.locator("[role=row][data-id]")).to_have_count(3)
    page.go_forward()
    page.get_by_role("heading", level=1, name="Engines").wait_for()
    assert page.evaluate("window.same"), "the page was loaded again"
    assert page.title() == "Engines · Runwatch"


def test_faults_010_ui_a_search_leads_nobody_back(shared: Runwatch, visitor: Visitor) -> None:
    """Who follows a link right after the last key of a search MUST come where it leads, however long its view takes."""
    page = visitor.open_new("")
    page.clock.install()
    page.goto(f"{shared.url}/admin/automations/errors")
    page.get_by_role("heading", level=1, name="Errors").wait_for()
    held: list[Route] = []
    page.route("**/assets/**", lambda route: held.append(route))
    page.get_by_role("searchbox").fill("no order")
    page.get_by_role("link", name="Alerts").click()
    page.clock.fast_forward(1_000)
    assert held, "its view was here already"
    page.unroute("**/assets/**")  # those that are held go on
    page.get_by_role("heading", level=1, name="Alerts").wait_for()
    assert page.url == f"{shared.url}/admin/automations/alerts"


def test_faults_011_ui_what_was_asked_of_a_dead_server_comes_with_the_next(alone: Alone) -> None:
    """What was asked while no server answered MUST come by itself once one does, on each view, and the page say so."""
    server, runwatch, visitor = alone()
    report(runwatch, "orders", "one", state="FAILED")
    report(runwatch, "orders", "two")
    history = ready(visitor.open(of("orders")))
    errors = visitor.open("/admin/automations/errors?range=30d")
    errors.get_by_role("heading", name="Errors").wait_for()
    expect(errors.get_by_role("status").get_by_text("Reconnecting")).to_have_count(0)
    server.kill()
    history.get_by_role("button", name="Failed").first.click()
    errors.get_by_role("button", name="Resolved").click()
    for page in (history, errors):
        page.evaluate("window.same = true")
        expect(page.locator("#content").get_by_role("alert").first).to_contain_text("The server does not answer.")
        expect(page.get_by_role("status").get_by_text("Reconnecting")).to_be_visible()
    server.start()
    expect(history.locator("[role=row][data-id]")).to_have_count(1, timeout=40_000)
    expect(errors.get_by_role("heading", name="No error group matches.")).to_be_visible(timeout=40_000)
    for page in (history, errors):
        expect(page.locator("#content").get_by_role("alert")).to_have_count(0)
        expect(page.get_by_text("Reconnecting")).to_have_count(0)
        assert page.evaluate("window.same"), "the page was loaded again"


def test_faults_012_ui_a_dialog_that_cannot_be_loaded(shared: Runwatch, visitor: Visitor) -> None:
    """A dialog that cannot be loaded MUST be told of, leave the page as it is, and come the next time."""
    name = unique("dialogs")
    report(shared, name, "one", "two", state="FAILED")
    page = visitor.open_new("")
    parts = "**/assets/{sheet,export-dialog,resolve-dialog,bulk-retry}-*.js"
    page.route(parts, lambda route: route.abort())
    page.goto(f"{shared.url}{of(name)}")
    rows = page.locator("[role=row][data-id]")
    expect(rows).to_have_count(2)
    rows.first.get_by_role("checkbox").check()
    bar = page.get_by_role("group", name="Selected runs")
    asks = [bar.get_by_role("button", name=text, exact=True).click for text in ("Export", "Resolve by hand…", "Retry…")]
    asks.append(rows.last.click)
    dialog = page.get_by_role("dialog")
    for ask in asks:
        with page.expect_request(parts):
            ask()
        expect(page.get_by_role("region", name="Messages")).to_contain_text("A part of this page could not be loaded")
        expect(dialog).to_have_count(0)
        expect(rows).to_have_count(2)
        expect(rows.first.get_by_role("checkbox")).to_be_checked()
    page.unroute(parts)
    for ask in asks:
        ask()
        expect(dialog).to_have_count(1)
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
