"""Documents by hash, answers that clients keep, and GraphQL over HTTP as its audits have it."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256

import httpx
import pytest

from specs.clients import Node
from specs.conftest import before_any_statement
from specs.harness.driver import Runwatch, run_events, unique
from specs.test_sockets import said, socket


def extension(text: str) -> dict[str, object]:
    """What stands for a text."""
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256(text.encode()).hexdigest()}}


@before_any_statement
def test_document_001_audits_of_graphql_over_http(runwatch: Runwatch, node: Node) -> None:
    """Every audit of the npm package graphql-http MUST pass, those of a SHOULD or MAY too."""
    process = node.start("audits.mjs", f"{runwatch.url}/graphql", runwatch.admin)
    output, _ = process.communicate(timeout=60)
    results = [json.loads(line) for line in output.splitlines()]
    assert [each for each in results if each["status"] != "ok"] == []
    assert len(results) == 61


@before_any_statement
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_document_002_apollo_asks_by_hash(runwatch: Runwatch, node: Node, method: str) -> None:
    """Apollo's client MUST get its data by hash: at first after one more request, with the text, then at once."""
    query = f"query {unique('Q').replace('-', '_')} {{ viewer {{ role }} }}"
    process = node.start("persisted.mjs", f"{runwatch.url}/graphql", runwatch.admin, method, query)
    output, _ = process.communicate(timeout=60)
    data = {"viewer": {"role": "ADMIN", "__typename": "Viewer"}}
    lines = [json.loads(line) for line in output.splitlines()]
    assert lines == [[method, False], ["POST", True], data, [method, False], data], output


@before_any_statement
async def test_document_003_sockets_take_hashes(runwatch: Runwatch) -> None:
    """A hash that HTTP registered MUST stand for its text on a WebSocket, and an unknown one be refused by its code."""
    text = f"{{ {unique('a').replace('-', '_')}: viewer {{ role }} }}"
    async with socket(runwatch, runwatch.admin) as connection:
        message = {"id": "1", "type": "subscribe", "payload": {"extensions": extension(text)}}
        await connection.send(json.dumps(message))
        refused = await said(connection)
        assert refused["type"] == "error"
        assert refused["payload"] == [
            {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}
        ]
        posted = runwatch.post({"query": text, "extensions": extension(text)})
        await connection.send(json.dumps(message))
        assert (await said(connection))["payload"] == posted.json()
        assert (await said(connection))["type"] == "complete"


def test_document_004_clients_keep_answers(runwatch: Runwatch) -> None:
    """GET MUST answer 304 until what it would answer changes, and compress large answers for those who ask."""
    engine = unique("kept")
    runwatch.report(*[each for n in range(40) for each in run_events(engine, f"run {n}", n)])
    query = f'{{ executions(filter: {{engine: ["{engine}"]}}) {{ nodes {{ id externalId state queuedAt }} }} }}'
    headers = {"authorization": f"Bearer {runwatch.admin}", "accept-encoding": "gzip"}
    with httpx.Client(base_url=runwatch.url, headers=headers) as client:
        with client.stream("GET", "/graphql", params={"query": query}) as first:
            raw = b"".join(first.iter_raw())
        assert (first.headers["content-encoding"], int(first.headers["content-length"])) == ("gzip", len(raw))
        known = {"if-none-match": first.headers["etag"]}
        plain = client.get("/graphql", params={"query": query}, headers={"accept-encoding": "identity"})
        assert gzip.decompress(raw) == plain.content
        assert len(raw) * 3 < len(plain.content)
        for coding in ("gzip", "identity"):
            same = client.get("/graphql", params={"query": query}, headers={**known, "accept-encoding": coding})
            assert (same.status_code, same.content) == (304, b"")
        runwatch.report(*run_events(engine, "one more", 100))
        changed = client.get("/graphql", params={"query": query}, headers=known)
        assert (changed.status_code, len(changed.json()["data"]["executions"]["nodes"])) == (200, 41)
