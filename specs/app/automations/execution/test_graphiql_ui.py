"""APP-AUTO-EXEC-GRAPHIQL-…-UI: somebody tries the API in a browser, without a network and under a strict policy."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import httpx
from playwright.sync_api import Page, expect

from specs.engines.retries import listed
from specs.harness.browser import HISTORY, METRICS, Visitor, session
from specs.harness.driver import Runwatch, at, run_events, unique
from specs.harness.looking import looks, violations, wait


def graphiql(visitor: Visitor, query: str, **variables: str) -> Page:
    """GraphiQL with a query from a link, in its editor."""
    fragment = urlencode({"query": query, **({"variables": str(variables).replace("'", '"')} if variables else {})})
    page = visitor.open(f"/graphiql#{fragment}")
    page.get_by_role("button", name=re.compile("Execute query")).wait_for()
    page.locator(".graphiql-query-editor .view-line").first.wait_for()
    assert "#" not in page.url, "the fragment may hold what nobody else should see"
    return page


def run(page: Page) -> None:
    """Press the button."""
    page.get_by_role("button", name=re.compile("Execute query")).click()


def test_graphiql_001_ui_a_query_runs(shared: Runwatch, visitor: Visitor) -> None:
    """A query MUST run and show its answer; nothing may be refused by the policy, nor asked of another origin."""
    name = unique("asked")
    shared.report(*run_events(name, "one", 0, workflow=name))
    asked: set[str] = set()
    visitor.listen = lambda request: asked.add(request.url.partition("/admin")[0].partition("/graphiql")[0])
    page = graphiql(visitor, f'{{ executions(filter: {{workflowName: ["{name}"]}}) {{ nodes {{ externalId }} }} }}')
    run(page)
    expect(page.locator(".result-window")).to_contain_text('"externalId": "one"')
    # Completion and its documentation, for which the editor makes elements of its own.
    page.locator(".graphiql-query-editor .view-line").first.click()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+Space")
    expect(page.locator(".suggest-widget")).to_be_visible()
    assert page.evaluate("refused") == []
    assert {url for url in asked if not url.startswith((shared.url, "blob:", "data:"))} == set()


def test_graphiql_002_ui_a_subscription_delivers(shared: Runwatch, visitor: Visitor) -> None:
    """A subscription MUST deliver what happens after it began."""
    name = unique("heard")
    shared.report(*run_events(name, "one", 0, workflow=name, state=None))
    page = graphiql(
        visitor,
        f'subscription {{ executionUpdated(filter: {{workflowName: ["{name}"]}}) {{ execution {{ state }} }} }}',
    )
    run(page)
    expect(page.get_by_role("button", name=re.compile("Stop"))).to_be_visible()
    shown = page.locator(".result-window").get_by_text('"SUCCEEDED"')
    for number in range(100):  # the first ones may be finished before the operation has begun
        shared.report(*run_events(name, f"other-{number}", number, workflow=name))
        page.wait_for_timeout(100)
        if shown.count():
            return
    raise AssertionError("nothing was delivered")


def test_graphiql_003_ui_a_mutation_of_a_link_is_read_before_it_runs(shared: Runwatch, visitor: Visitor) -> None:
    """A link MUST NOT run anything by itself, nor bring headers; with a mutation the page MUST warn."""
    name = unique("linked")
    shared.report(*run_events(name, "one", 0, workflow=name, state="FAILED"))
    id_ = listed(shared, engine=[name])["one"]["id"]
    page = graphiql(visitor, f'mutation {{ retryExecution(input: {{executionId: "{id_}"}}) {{ created }} }}')
    warning = page.get_by_role("alert").filter(has_text="came with a link and changes data")
    expect(warning).to_be_visible()
    assert len(listed(shared, engine=[name])) == 1
    page.get_by_role("button", name="I have read it").click()
    expect(warning).to_have_count(0)

    query = {"query": "query { viewer { name } }", "headers": '{"authorization": "Bearer other"}'}
    page.goto(f"{shared.url}/graphiql?{urlencode({'query': '{ engines { id } }'})}#{urlencode(query)}")
    sent: list[dict[str, str]] = []
    visitor.listen = lambda request: sent.append(request.headers) if request.method == "POST" else None
    run(page)
    expect(page.locator(".result-window")).to_contain_text('"name": "admin-')
    assert [headers.get("authorization") for headers in sent] == [None] * len(sent)
    assert page.url == f"{shared.url}/graphiql"


def test_graphiql_004_ui_two_loads_differ_in_their_nonce(shared: Runwatch) -> None:
    """Each load MUST have a nonce of its own, named by its policy, and MUST NOT be stored."""
    loads = [httpx.get(f"{shared.url}/graphiql") for _ in range(2)]
    nonces = [re.search(r"'nonce-([^']+)'", load.headers["content-security-policy"]) for load in loads]
    assert all(nonce is not None and nonce[1] in load.text for nonce, load in zip(nonces, loads, strict=True))
    assert nonces[0] != nonces[1]
    assert loads[0].text != loads[1].text
    assert {load.headers["cache-control"] for load in loads} == {"no-store"}
    assert "unsafe" not in loads[0].headers["content-security-policy"]


def test_graphiql_005_ui_the_query_of_the_list_opens_there(shared: Runwatch, visitor: Visitor) -> None:
    """ "Open in GraphiQL" of the list, of a run and of figures, MUST fill in the very query of the page, which runs."""
    name = unique("opened")
    shared.report(*run_events(name, "one", 0, workflow=name))
    page = visitor.open(f"{HISTORY}?{urlencode({'workflow': name})}")
    page.locator("[role=row][data-id]").wait_for()
    page.get_by_role("link", name="Open in GraphiQL").click()
    page.locator(".graphiql-query-editor .view-line").first.wait_for()
    run(page)
    expect(page.locator(".result-window")).to_contain_text(name)

    page.goto(f"{shared.url}{HISTORY}?{urlencode({'workflow': name})}")
    page.locator("[role=row][data-id]").click()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Open in GraphiQL").click()
    expect(page.locator(".graphiql-query-editor")).to_contain_text("ExecutionDetail")
    run(page)
    expect(page.locator(".result-window")).to_contain_text('"redactedPaths": []')
    expect(page.locator(".result-window")).not_to_contain_text("errors")

    page.goto(f"{shared.url}{METRICS}?{urlencode({'engine': name, 'from': at(-60), 'to': at(60)})}")
    page.get_by_role("link", name="Open in GraphiQL").click()
    expect(page.locator(".graphiql-query-editor")).to_contain_text("Figures")
    run(page)
    expect(page.locator(".result-window")).to_contain_text('"total": 1,')


def test_graphiql_006_ui_it_is_the_page_s(shared: Runwatch, visitor: Visitor) -> None:
    """It MUST have the page's theme and colours, examples that open, no fault for axe-core, and words when offline."""
    page = graphiql(visitor, "query Mine { viewer { name } }", a="1")
    page.get_by_role("button", name="Copy as cURL").click()
    wait(page, "navigator.clipboard.readText().then((text) => text.includes('query Mine') && text.includes('$TOKEN'))")
    page.get_by_role("button", name="Show Documentation Explorer").click()
    page.get_by_role("link", name="Query", exact=True).first.wait_for()
    run(page)
    expect(page.locator(".result-window")).to_contain_text("admin-")
    looks(page)

    surface = "(selector) => getComputedStyle(document.querySelector(selector)).backgroundColor"
    assert page.evaluate(surface, ".graphiql-container") == page.evaluate(surface, "html")
    other = visitor.tab(page.context, HISTORY)
    other.get_by_role("button", name=re.compile("^Account")).click()
    other.get_by_role("menuitemradio", name="Dark").click()
    wait(page, "document.body.classList.contains('graphiql-dark')")
    assert page.evaluate(surface, ".graphiql-container") == page.evaluate(surface, "html") != "rgb(255, 255, 255)"
    other.close()

    page.get_by_role("button", name="Examples").click()
    page.get_by_role("menuitem", name="Figures of a day").click()
    expect(page.locator(".graphiql-tab-active")).to_contain_text("Figures")
    expect(page.locator(".graphiql-tab")).to_have_count(2)
    page.context.set_offline(True)
    run(page)
    expect(page.locator(".result-window")).to_contain_text("The server does not answer.")


def test_graphiql_007_ui_a_sign_out_leaves_nothing(shared: Runwatch, visitor: Visitor) -> None:
    """Who signs out in one tab MUST leave no query behind; the others MUST ask for a sign-in, and go on."""
    own = Visitor(visitor.browser, shared.url, session(shared.url, shared.admin))
    page = graphiql(own, "query Secret { viewer { name } }")
    wait(page, "Object.values(localStorage).some((value) => value.includes('Secret'))")
    history = own.tab(page.context, HISTORY)
    history.get_by_role("button", name=re.compile("^Account")).click()
    history.get_by_role("menuitem", name="Sign out").click()
    history.get_by_role("dialog", name="Your session has ended").wait_for()
    wait(history, "!Object.values(localStorage).some((value) => value.includes('Secret'))")
    history.close()
    dialog = page.get_by_role("dialog", name="Your session has ended")
    dialog.get_by_label("Token").fill(shared.admin)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    run(page)
    expect(page.locator(".result-window")).to_contain_text("admin-")
    own.close()


def test_guide_003_ui_the_guide_is_linked_and_served(shared: Runwatch, visitor: Visitor) -> None:
    """The page MUST lead to the guide to the API, served by itself, which axe-core finds no fault with."""
    page = visitor.open(HISTORY)
    page.get_by_role("button", name=re.compile("^Account")).click()
    page.get_by_role("menuitem", name="API guide").click()
    expect(page.get_by_role("heading", level=1, name="Writing a client")).to_be_visible()
    assert page.url.startswith(shared.url)
    expect(page.get_by_role("main")).to_contain_text("const UPDATES = `")
    looks(page)
    page.get_by_role("link", name="events", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Reporting events")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="GraphiQL").click()
    expect(page.get_by_role("link", name="API guide")).to_have_attribute("href", re.compile("/api-guide.html$"))
