"""APP-AUTO-EXEC-BUDGETS-…-UI: the page is light, and stays so. Counts and ratios of one run; no time of the clock."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from playwright.sync_api import CDPSession, Page, Route, WebSocket, expect

from specs.harness.browser import HISTORY, Visitor
from specs.harness.counts import count
from specs.harness.driver import Runwatch, event, unique
from specs.harness.looking import has_few_nodes, nodes, rows, wait
from specs.pages import is_as_the_api, now, of, ready, report

MEGA = 1_000_000
MAX_NODES, MAX_HEAP, MAX_GROWTH = 1_500, 40 * MEGA, 10 * MEGA
ROOTS = ("executions", "executionFacets", "executionHistogram")
# How the page shifts while it loads, and when its first row is there.
LOADING = """
window.shifted = 0
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifted += entry.value
}).observe({ type: 'layout-shift', buffered: true })
const look = new MutationObserver(() => {
  if (!document.querySelector('[role=row][data-id]')) return
  window.firstRowAt = performance.now()
  look.disconnect()
  // Before the first paint: who sees a row can use the keys.
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }))
})
look.observe(document, { childList: true, subtree: true })
"""
# Hides the page, and counts what it does while nobody looks; timers are the fake ones of Playwright's clock.
HIDE = """() => {
  window.away = { timers: 0, requests: 0 }
  for (const name of ['setTimeout', 'setInterval', 'requestAnimationFrame', 'fetch']) {
    const real = window[name].bind(window)
    window[name] = (...given) => (name === 'fetch' ? away.requests++ : away.timers++, real(...given))
  }
  Object.defineProperty(document, 'hidden', { value: true, configurable: true })
  Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
}"""
SHOW = """() => {
  delete document.hidden
  delete document.visibilityState
  document.dispatchEvent(new Event('visibilitychange'))
}"""


def heap(cdp: CDPSession) -> int:
    """Bytes of JavaScript's heap, without garbage."""
    cdp.send("HeapProfiler.collectGarbage")
    used: int = cdp.send("Runtime.getHeapUsage")["usedSize"]
    return used


def root_of(body: str | None) -> str:
    """The root field of a query that the page has sent."""
    found = re.search(r"\{(?:\\n|\s)*(\w+)", (body or "").partition("query ")[2])
    return found[1] if found else ""


def test_budgets_001_ui_the_first_row_comes_with_one_query(shared: Runwatch, visitor: Visitor) -> None:
    """The first row MUST need the page, 2 scripts, a sheet and one query and take keys; nothing MUST shift after it."""
    name = unique("first")
    report(shared, name, *(f"run-{number}" for number in range(60)))
    page = visitor.open_new("", script=LOADING)
    page.goto(f"{shared.url}{of(name)}")
    page.locator("[role=row][data-id]").first.wait_for()
    before: list[str] = page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.startTime < firstRowAt).map((one) => one.name)"
    )
    kinds = [url.rpartition("/")[2].rpartition(".")[2] for url in before]
    assert sorted(kind for kind in kinds if kind != "svg") == ["css", "graphql", "js", "js"], before
    expect(page.get_by_role("button", name=re.compile("^Success"))).to_contain_text("60")
    assert page.evaluate("document.activeElement.id") == f"row-{rows(page)[1]}"
    shifted = page.evaluate("shifted")
    assert shifted <= 0.02


def test_budgets_006_ui_the_first_query_waits_for_no_script(shared: Runwatch, visitor: Visitor) -> None:
    """The list MUST be asked for before the page's script is there, once, as the address says, and be followed."""
    name = unique("early")
    report(shared, name, "bad", state="FAILED", at=now() - 60)
    context = visitor.blank().context
    asked: list[Route] = []
    script: list[Route] = []
    context.route("**/graphql", lambda route: asked.append(route))
    context.route(re.compile(r"/assets/app-[^/]*\.js$"), lambda route: script.append(route))
    page = visitor.tab(context, "")
    page.goto(f"{shared.url}{of(name, range='1h', status='FAILURE', colour='red')}", wait_until="commit")
    wait_for(page, lambda: bool(asked and script))
    where = json.loads(asked[0].request.post_data or "")["variables"]["filter"]
    assert where.pop("queuedFrom")
    assert where == {"status": ["FAILURE"], "workflowName": [name]}
    script[0].continue_()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    expect(page.get_by_text("colour=red")).to_be_visible()
    # All else goes after it; what happens after its answer is not lost.
    assert [root_of(route.request.post_data) for route in asked] == ["executions"]
    answer = asked[0].fetch()
    report(shared, name, "worse", state="FAILED", at=now() - 30)
    asked[0].fulfill(response=answer)
    wait_for(page, lambda: len(asked) >= 4)
    context.unroute("**/graphql")
    for route in asked[1:]:
        route.continue_()
    expect(page.get_by_role("button", name=re.compile("1 new run"))).to_be_visible()
    assert [root_of(route.request.post_data) for route in asked].count("executions") == 1


def test_budgets_007_ui_an_early_query_that_fails_is_no_end(shared: Runwatch, visitor: Visitor) -> None:
    """A query that got no answer MUST be sent again; one that was refused not; none MUST be sent beside a code."""
    name = unique("failing")
    report(shared, name, "one")
    context = visitor.blank().context
    asked: list[str] = []

    def cut(route: Route) -> None:
        asked.append(root_of(route.request.post_data))
        if asked == ["executions"]:
            route.abort()
        else:
            route.continue_()

    context.route("**/graphql", cut)
    page = ready(visitor.tab(context, of(name)))
    expect(page.get_by_role("button", name=re.compile("^Success"))).to_contain_text("1")
    assert asked.count("executions") == 2

    nobody = visitor.open_new("", signed_in=False)
    refused: list[str] = []
    nobody.on("request", lambda request: refused.append(root_of(request.post_data)))
    nobody.goto(f"{shared.url}{of(name)}")
    expect(nobody.get_by_role("dialog", name="Sign in to Runwatch")).to_be_visible()
    assert refused.count("executions") == 1

    script: list[Route] = []
    context.route(re.compile(r"/assets/app-[^/]*\.js$"), lambda route: script.append(route))
    before = len(asked)
    page.goto("about:blank")
    page.goto(f"{shared.url}{HISTORY}#code=1", wait_until="commit")
    wait_for(page, lambda: bool(script))
    wait(page, "document.getElementById('root') !== null")  # behind the early script
    assert len(asked) == before
    script[0].continue_()
    page.locator("[role=row][data-id]").first.wait_for()
    assert asked[before:].count("executions") == 1


def test_budgets_002_ui_a_long_list_is_light(shared: Runwatch, visitor: Visitor) -> None:
    """With 10,000 rows loaded: at most 1,500 nodes, a heap of 40 MB, and all of it MUST come from the server itself."""
    many = count("rows of a long list", 1_000, 10_000)
    name = unique("light")
    asked: list[str] = []
    visitor.listen = lambda request: asked.append(request.url)
    report(shared, name, *(f"run-{number}" for number in range(many)))
    page = ready(visitor.open_new(of(name)))
    wait(
        page,
        """() => {
          const rows = document.querySelector('.rows')
          rows.scrollTo(0, rows.scrollHeight)
          return !document.querySelector('[role=grid]').getAttribute('aria-rowcount').startsWith('-')
        }""",
        patience=20,
    )
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(many + 1))
    expect(page.get_by_text(f"All {many:,} runs that match")).to_be_visible()
    first = asked[: next(at for at, url in enumerate(asked) if url.endswith("/graphql"))]
    assert len([url for url in first if "/assets/" in url and url.endswith(".js")]) <= 3, first
    assert all(url.startswith(shared.url.split("//")[1], 7) for url in asked if url.startswith("http")), asked
    used = heap(page.context.new_cdp_session(page))
    has_few_nodes(page, MAX_NODES)
    assert used <= MAX_HEAP


def test_budgets_003_ui_a_change_of_filter_gives_up_the_one_before(shared: Runwatch, visitor: Visitor) -> None:
    """A change of filter MUST ask list, facets and histogram once each, give up earlier ones, and show the newest."""
    name = unique("overtaken")
    report(shared, name, "good")
    report(shared, name, "bad", state="FAILED", at=10)
    page = visitor.blank()
    page.goto(f"{shared.url}{of(name)}")
    ready(page)
    # Counts and histogram may come after the rows: a change would give them up, too.
    expect(page.get_by_role("button", name=re.compile("^Success"))).to_contain_text("1")
    page.locator(".histogram .part").first.wait_for(state="attached")
    held: list[Route] = []
    page.route("**/graphql", lambda route: held.append(route))
    given_up: list[str] = []
    page.on("requestfailed", lambda request: given_up.append(root_of(request.post_data)))
    page.get_by_role("button", name=re.compile("^Success")).click()
    wait_for(page, lambda: len(held) >= 3)
    first = [root_of(route.request.post_data) for route in held]
    page.get_by_role("button", name=re.compile("^Failed")).click()
    # The browser tells of what was given up by itself, maybe after what is asked next.
    wait_for(page, lambda: len(held) >= 6 and len(given_up) >= 3)
    assert sorted(first) == sorted(ROOTS)
    assert sorted(given_up) == sorted(ROOTS)
    assert sorted(root_of(route.request.post_data) for route in held[3:]) == sorted(ROOTS)
    for route in held[3:]:
        route.continue_()
    page.unroute("**/graphql")
    expect(page.locator("[role=row][data-id]")).to_have_count(1)
    expect(page.locator("[role=row][data-id]")).to_have_class(re.compile("FAILURE"))


def wait_for(page: Page, met: Callable[[], bool]) -> None:
    """Until something in this process holds that the browser tells."""
    for _ in range(600):
        if met():
            return
        page.wait_for_timeout(25)
    raise AssertionError("it never came")


def test_budgets_004_ui_a_hidden_page_does_nothing(shared: Runwatch, visitor: Visitor) -> None:
    """A page that is hidden for a minute MUST ask nothing and set no timer, and MUST catch up when it is shown."""
    name = unique("hidden")
    report(shared, name, "one")
    report(shared, name, "open", state=None, at=10)
    page = visitor.open_new("")
    page.clock.install()
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    page.goto(f"{shared.url}{of(name)}")
    ready(page)
    expect(page.get_by_role("button", name=re.compile("^Success"))).to_contain_text("1")
    wait_for(page, lambda: len(sockets) > 0)  # it opens after all of that
    page.evaluate(HIDE)
    page.clock.fast_forward(61_000)
    page.clock.fast_forward(5_000)
    wait_for(page, lambda: len(sockets) > 0 and all(socket.is_closed() for socket in sockets))
    page.evaluate("Object.assign(away, { timers: 0, requests: 0 })")
    report(shared, name, "two", at=20)
    page.clock.run_for(600_000)
    assert page.evaluate("away") == {"timers": 0, "requests": 0}
    page.evaluate(SHOW)
    expect(page.get_by_role("button", name="1 new run")).to_be_visible()
    page.keyboard.press(".")
    is_as_the_api(page, shared, name)


def updates(runwatch: Runwatch, name: str, first: int, number: int) -> None:
    """So many runs of a workflow begin a step, in one report."""
    runwatch.report(
        *(
            event(
                name, f"run-{each % 100}", "step.started", 3 + each / 100, {"step": {"index": each // 100, "name": "x"}}
            )
            for each in range(first, first + number)
        )
    )


def test_budgets_005_ui_an_hour_of_updates_leaves_nothing(shared: Runwatch, visitor: Visitor) -> None:
    """After an hour of 10 updates a second the heap MUST be within 10 MB of the start, and the nodes as before."""
    batches = count("batches of 100 updates", 5, 360)
    name = unique("hour")
    report(shared, name, *(f"run-{number}" for number in range(100)), state=None)
    page = ready(visitor.open_new(of(name)))
    cdp = page.context.new_cdp_session(page)
    updates(shared, name, 0, 100)
    before, elements = heap(cdp), nodes(page)
    for batch in range(1, batches):
        updates(shared, name, batch * 100, 100)
        page.wait_for_timeout(1)  # the browser's turn
    shared.report(event(name, "run-99", "execution.finished", 9_000, {"state": "SUCCEEDED"}))
    expect(page.locator("[role=row].SUCCESS")).to_have_count(1, timeout=60_000)
    grown = heap(cdp) - before
    assert grown <= MAX_GROWTH
    has_few_nodes(page, elements + 50)
