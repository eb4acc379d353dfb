"""A server that takes trusted documents only: the page's own, and those that the operator lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Request, expect

from specs.harness.browser import Visitor, session
from specs.harness.driver import Runwatch, Server, run_events
from specs.pages import of, ready, report
from specs.test_sockets import said, socket

LISTED = 'query Listed { executions(filter: {engine: ["billing"]}) { nodes { externalId } } }'
DOCUMENTS = "/admin/automations/documents.json"


@pytest.fixture(scope="module")
def runwatch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runwatch]:
    """The server."""
    folder = tmp_path_factory.mktemp("trusted")
    (folder / "list").mkdir()
    (folder / "list" / "listed.graphql").write_text(f"{LISTED}\n")
    server = Server(folder, f"sqlite:///{folder}/runwatch.db")
    server.environment |= {
        "RUNWATCH_GRAPHQL_DOCUMENTS": "trusted",
        "RUNWATCH_TRUSTED_DOCUMENTS": str(folder / "list"),
    }
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    runwatch.admin = runwatch.token("admin")
    yield runwatch
    runwatch.close()
    server.stop()


def codes(answer: httpx.Response) -> set[str]:
    """The codes of its errors."""
    return {each["extensions"]["code"] for each in answer.json().get("errors", ())}


def by_hash(text: str) -> dict[str, Any]:
    """A request that sends the hash alone."""
    hash_ = sha256(text.encode()).hexdigest()
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_}}}


def test_trusted_001_documents_of_the_page(runwatch: Runwatch) -> None:
    """Every document of the page MUST be taken, by its text and by its hash."""
    listed = httpx.get(runwatch.url + DOCUMENTS).json()["operations"]
    assert len(listed) >= 29
    for each in listed:
        for request in ({"query": each["body"]}, by_hash(each["body"])):
            found = codes(runwatch.post(request))
            # Without variables, and subscriptions by HTTP, they are refused for that, later.
            assert not found & {"DOCUMENT_NOT_TRUSTED", "PERSISTED_QUERY_NOT_FOUND"}, each["name"]
            if "$" not in each["body"].partition("{")[0] and each["type"] == "query":
                assert not found, each["name"]


def test_trusted_002_documents_of_the_operator(runwatch: Runwatch) -> None:
    """A listed document MUST be taken, by its text and by its hash, and executed."""
    runwatch.report(*run_events("billing", "r", 0))
    for request in ({"query": LISTED}, by_hash(LISTED)):
        nodes = runwatch.post(request).json()["data"]["executions"]["nodes"]
        assert nodes == [{"externalId": "r"}]


@pytest.mark.parametrize(
    "text",
    [
        "{ viewer { name } }",
        LISTED + " ",
        'mutation { createToken(input: {name: "n", role: ADMIN}) { secret } }',
        "{ __schema { types { name } } }",
        "{",
    ],
)
def test_trusted_003_other_documents(runwatch: Runwatch, text: str) -> None:
    """Any other document MUST be refused with DOCUMENT_NOT_TRUSTED, and not be registered."""
    for request in ({"query": text}, {"query": text, **by_hash(text)}):
        answer = runwatch.post(request)
        assert (answer.status_code, codes(answer)) == (403, {"DOCUMENT_NOT_TRUSTED"})
    assert codes(runwatch.post(by_hash(text))) == {"PERSISTED_QUERY_NOT_FOUND"}


def test_trusted_004_graphiql_is_off(runwatch: Runwatch) -> None:
    """GraphiQL MUST say that it is off."""
    answer = httpx.get(runwatch.url + "/graphiql")
    assert answer.status_code == 403
    assert "GraphiQL is off" in answer.text


async def test_trusted_005_sockets_take_them_alone(runwatch: Runwatch) -> None:
    """On a WebSocket a listed document MUST be executed by text and by hash, and another one be refused by its code."""
    async with socket(runwatch, runwatch.admin) as connection:
        for payload, expected in (
            ({"query": LISTED}, "next"),
            (by_hash(LISTED), "next"),
            ({"query": "{ viewer { name } }"}, "DOCUMENT_NOT_TRUSTED"),
            (by_hash("{ viewer { name } }"), "PERSISTED_QUERY_NOT_FOUND"),
        ):
            await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            message = await said(connection)
            if message["type"] == "next":
                assert "errors" not in message["payload"]
                assert (await said(connection))["type"] == "complete"
            is_refused = message["type"] == "error"
            assert (message["payload"][0]["extensions"]["code"] if is_refused else message["type"]) == expected


def test_trusted_006_ui_the_page_works(runwatch: Runwatch, browser: Browser) -> None:
    """The page MUST list runs, follow them, open one, and send no document but those of its list."""
    report(runwatch, "by-trusted", "failed", state="FAILED")
    report(runwatch, "by-trusted", "runs", state=None, at=1)
    sent: set[str] = set()

    def hear(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/graphql"):
            sent.add(json.loads(request.post_data or "")["query"])

    visitor = Visitor(browser, runwatch.url, session(runwatch.url, runwatch.admin))
    visitor.listen = hear
    page = ready(visitor.open(of("by-trusted")))
    expect(page.locator("[role=row].PENDING")).to_have_count(1)
    report(runwatch, "by-trusted", "runs", at=1)
    expect(page.locator("[role=row].SUCCESS")).to_have_count(1)
    page.locator("[role=row].FAILURE").click()
    expect(page.get_by_text("by-trusted is bad").last).to_be_visible()
    visitor.close()
    listed = {each["body"] for each in httpx.get(runwatch.url + DOCUMENTS).json()["operations"]}
    assert len(sent) >= 3
    assert sent <= listed
