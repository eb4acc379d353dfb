"""GraphQL over HTTP: whatever comes in, the answer is coded."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from graphql import DocumentNode
from graphql.language.parser import MAX_NESTING_DEPTH

from app import engines
from app.auth.roles import Role
from app.db import Database
from app.graphql import documents
from app.graphql.document import MAX_TOKENS, parse_bounded
from tests.app.client import client_of, code_in

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
QUERY = "{ viewer { name } }"
DEEP = 10_000

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(database) as opened:
        yield opened


async def post(client: httpx.AsyncClient, body: object, accept: str = GRAPHQL_JSON) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/graphql", content=content, headers={"content-type": JSON, "accept": accept})


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", JSON),
        ("text/html", JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (GRAPHQL_JSON.upper(), GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON};q=0.9", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0.1, {JSON};q=0.9", JSON),
        (f"{GRAPHQL_JSON};q=0", JSON),
        (f"{GRAPHQL_JSON};q=x", JSON),
    ],
)
async def test_the_media_type_follows_accept(client: httpx.AsyncClient, accept: str, media_type: str) -> None:
    answer = await post(client, {"query": QUERY}, accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {"data": {"viewer": {"name": "viewer"}}}
    refused = await post(client, {"query": "{ nothing }"}, accept)
    assert refused.status_code == (400 if media_type == GRAPHQL_JSON else 200)
    assert code_in(refused) == "BAD_USER_INPUT"
    assert "data" not in refused.json()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"123",
        b'"{ viewer { name } }"',
        b"[]",
        b'[{"query": "{ viewer { name } }"}]',
        b"\xff\xfe{}",
        b'{"query": "\xc3"}',
        b"9" * 5000,
        b'{"query": "{ viewer { name } }", "variables": {"a": ' + b"9" * 5000 + b"}}",
        b"[" * DEEP + b"]" * DEEP,
        b'{"query": "{ viewer { name } }", "variables": {"a": ' + b"[" * DEEP + b"]" * DEEP + b"}}",
        b'{"query": "{ viewer { name } }", "variables": {"a": "\\ud800"}}',
        b'{"query": "{ viewer { name } }", "variables": {"a": NaN}}',
        b"{}",
        b'{"query": null}',
        b'{"query": " "}',
        b'{"query": 1}',
        b'{"query": "{ viewer { name } }", "variables": []}',
        b'{"query": "{ viewer { name } }", "variables": "{}"}',
        b'{"query": "{ viewer { name } }", "operationName": 1}',
        b'{"query": "{ viewer { name } }", "operationName": 0}',
        b'{"query": "{ viewer { name } }", "operationName": false}',
        b'{"query": "{ viewer { name } }", "extensions": 1}',
    ],
    ids=lambda body: body[:30].decode(errors="replace"),
)
async def test_a_body_that_is_no_request(client: httpx.AsyncClient, body: bytes) -> None:
    for accept in (JSON, GRAPHQL_JSON):
        answer = await post(client, body, accept)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith(accept)
        assert code_in(answer) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "# nothing",
        "fragment F on Viewer { name }",
        "query A { viewer { name } } query B { viewer { name } }",
        "query A { viewer { name } } mutation B { viewer { name } }",
        "mutation { viewer { name } }",
        "subscription { viewer { name } }",
        "type Query { a: Int }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{a" * DEEP + "}" * DEEP,
        "{ node(id: " + "[" * DEEP + "]" * DEEP + ") { id } }",
        "{ executions(filter: " + "{a: " * DEEP + "1" + "}" * DEEP + ") { nodes { id } } }",
        "query ($a: " + "[" * DEEP + "Int" + "]" * DEEP + ") { viewer { name } }",
        "{" + "viewer { name } " * MAX_TOKENS + "}",
        "{ executions(first: -" + "9" * DEEP + ") { nodes { id } } }",
        "query ($a: Int = " + "9" * DEEP + ") { executions(first: $a) { nodes { id } } }",
        '{ workflows(search: "\\ud800") { nodes { id } } }',
        "{ viewer { name } } \0",
    ],
    ids=lambda document: document[:40],
)
async def test_a_document_that_cannot_be_executed(client: httpx.AsyncClient, document: str) -> None:
    answer = await post(client, {"query": document})
    assert answer.status_code == 400
    assert code_in(answer) == "BAD_USER_INPUT"
    assert "data" not in answer.json()


@pytest.mark.slow
async def test_an_answer_is_not_much_longer_than_its_question(client: httpx.AsyncClient) -> None:
    fields = " ".join(f"{'x' * 1_000}{number}: 1" for number in range(200))
    answer = await post(client, {"query": f"{{ executions(filter: {{{fields}}}) {{ nodes {{ id }} }} }}"})
    assert answer.json()["errors"][0]["message"].startswith("Expected value of type 'ExecutionFilter'")
    assert len(answer.content) < len(fields)


def chain(length: int) -> str:
    """Fragments of two levels each."""
    links = "".join(f" fragment F{n} on Execution {{ retryOf {{ ...F{n + 1} }} }}" for n in range(length))
    return f"{{ executions {{ nodes {{ ...F0 }} }} }}{links} fragment F{length} on Execution {{ id }}"


LEVELS = f"may have {MAX_NESTING_DEPTH} levels at most"


@pytest.mark.parametrize(
    ("document", "variables", "errors", "message"),
    [
        (chain(MAX_NESTING_DEPTH // 2), {}, 1, LEVELS),
        ("{a" * 201 + "}" * 201, {}, 1, LEVELS),
        ("{" + "a " * 101 + "}", {}, 101, "The document has more than 100 errors"),
        ("query ($a: ExecutionFilter) { executions(filter: $a) { nodes { id } } }", {"a": {"status": [1] * 51}}, 51,
         "The variables have more than 50 errors"),
    ],
    ids=["fragments", "fields", "errors", "variables"],
)  # fmt: skip
async def test_bound_at_which_validation_stops_is_named(
    client: httpx.AsyncClient, document: str, variables: dict[str, object], errors: int, message: str
) -> None:
    found = (await post(client, {"query": document, "variables": variables})).json()["errors"]
    assert len(found) == errors
    assert message in found[-1]["message"]
    assert not any("aborted" in each["message"] for each in found)
    assert {each["extensions"]["code"] for each in found} == {"BAD_USER_INPUT"}


async def test_fragments_may_nest_up_to_the_bound(client: httpx.AsyncClient) -> None:
    answer = await post(client, {"query": chain(MAX_NESTING_DEPTH // 2 - 2)})
    assert answer.json() == {"data": {"executions": {"nodes": []}}}


async def test_the_operation_that_is_named_runs(client: httpx.AsyncClient) -> None:
    document = "query A { viewer { name } } query B { viewer { role } }"
    answer = await post(client, {"query": document, "operationName": "B"})
    assert answer.json() == {"data": {"viewer": {"role": "VIEWER"}}}
    for name in ("C", "\0"):
        refused = await post(client, {"query": document, "operationName": name})
        assert (refused.status_code, code_in(refused)) == (400, "BAD_USER_INPUT")


async def test_get(client: httpx.AsyncClient) -> None:
    query = "query Q($id: ID!) { node(id: $id) { id } }"
    params = {"query": query, "variables": '{"id": "x"}', "operationName": "Q", "extensions": "{}"}
    answer = await client.get("/graphql", params=params)
    assert (answer.status_code, answer.json()) == (200, {"data": {"node": None}})
    for name in ("variables", "extensions"):
        for text in ("1", "[]", '"{}"', "false", "0", "{"):
            refused = await client.get("/graphql", params={**params, name: text})
            assert (refused.status_code, code_in(refused)) == (400, "BAD_USER_INPUT"), (name, text)
    wrongs = [{"query": QUERY, name: text} for name in ("variables", "extensions") for text in ("{", "[1]", "1")]
    for wrong in ({}, *wrongs):
        answer = await client.get("/graphql", params=wrong)
        assert (answer.status_code, code_in(answer)) == (400, "BAD_USER_INPUT")
    changes = await client.get("/graphql", params={"query": "mutation { a }"})
    assert (changes.status_code, changes.headers["allow"], code_in(changes)) == (405, "POST", "BAD_USER_INPUT")
    assert (await client.put("/graphql")).status_code == 405
    assert (await client.head("/graphql", params=params)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_safe_methods_execute_no_mutation(database: Database, method: str) -> None:
    query = (
        'mutation { saveAlertRule(input: {consecutiveFailures: 1, webhookUrl: "https://8.8.8.8/"}) { rule { id } } }'
    )
    async with client_of(database, Role.ADMIN) as client:
        in_url = await client.request(method, "/graphql", params={"query": query})
        in_body = await client.request(method, "/graphql", json={"query": query})
        assert (in_url.status_code, in_body.status_code) == (405, 400)
        answer = await post(client, {"query": "{ alertRules { id } }"})
    assert answer.json() == {"data": {"alertRules": []}}


async def test_a_body_above_the_limit(database: Database) -> None:
    async with client_of(database, max_graphql_body_bytes=1024) as client:
        answer = await post(client, {"query": QUERY, "variables": {"a": "x" * 1024}})
        assert (answer.status_code, code_in(answer)) == (413, "LIMIT_EXCEEDED")


@pytest.mark.parametrize("content_type", ["text/plain", "application/graphql", "multipart/form-data", ""])
async def test_another_content_type(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post("/graphql", content=b"{}", headers={"content-type": content_type})
    assert (answer.status_code, code_in(answer)) == (415, "BAD_USER_INPUT")


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_unexpected_failures_are_masked(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    async def fail(*_: object) -> list[engines.Engine]:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(engines, "list_engines", fail)
    answer = await post(client, {"query": "{ engines { name } }"}, accept)
    # It was executed, and says where in the data it failed: that is a 200 with both media types.
    assert (answer.status_code, answer.json()["data"]) == (200, {"engines": None})
    (error,) = answer.json()["errors"]
    assert error["extensions"].keys() == {"code", "errorId"}
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["path"] == ["engines"]
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_failures_before_execution_are_masked(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("app.graphql.document.parse", fail)
    answer = await post(client, {"query": "{ neverSeen: __typename }"}, accept)
    assert (answer.status_code, code_in(answer)) == (500, "INTERNAL")
    assert "hunter2" not in answer.text


async def test_nul_in_texts(client: httpx.AsyncClient) -> None:
    query = "query ($a: String!) { workflows(search: $a) { nodes { id } } }"
    for answer in (
        await post(client, {"query": query, "variables": {"a": "\0"}}),
        await post(client, {"query": '{ executions(filter: {engine: ["\\u0000"]}) { nodes { id } } }'}),
    ):
        assert answer.status_code == 200
        assert "errors" not in answer.json() or code_in(answer) == "BAD_USER_INPUT"
    unknown = await post(client, {"query": '{ node(id: "execution_\\u0000") { id } }'})
    assert unknown.json() == {"data": {"node": None}}


async def test_introspection(client: httpx.AsyncClient) -> None:
    answer = await post(client, {"query": "{ __schema { queryType { name } } }"})
    assert answer.json()["data"]["__schema"]["queryType"]["name"] == "Query"


async def test_every_answer_has_a_request_id(client: httpx.AsyncClient) -> None:
    given = await client.get("/graphql", headers={"x-request-id": "from-a-proxy.1"})
    assert given.headers["x-request-id"] == "from-a-proxy.1"
    forged = await client.get("/graphql", headers={"x-request-id": "a b\tc"})
    assert forged.headers["x-request-id"] not in ("", "a b\tc")


async def test_query_by_get_has_a_tag_of_its_bytes(client: httpx.AsyncClient) -> None:
    first = await client.get("/graphql", params={"query": QUERY})
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "authorization, cookie, accept, accept-encoding"
    again = await client.get("/graphql", params={"query": QUERY}, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert all(again.headers[each] == first.headers[each] for each in ("etag", "vary", "cache-control"))
    other = await client.get(
        "/graphql", params={"query": "{ viewer { role } }"}, headers={"if-none-match": first.headers["etag"]}
    )
    assert (other.status_code, other.json()) == (200, {"data": {"viewer": {"role": "VIEWER"}}})


async def test_only_whole_answers_to_get_are_kept_by_clients(client: httpx.AsyncClient) -> None:
    posted = await post(client, {"query": QUERY})
    refused = await client.get("/graphql", params={"query": "{ nothing }"})
    partly = await client.get("/graphql", params={"query": "{ viewer { name } auditLog { nodes { id } } }"})
    assert partly.json()["errors"]
    assert partly.json()["data"]["viewer"]
    for answer in (posted, refused, partly):
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


LARGE = "{ viewer { " + " ".join(f"a{number}: name" for number in range(100)) + " } }"


async def test_large_answer_is_compressed_for_those_who_ask(client: httpx.AsyncClient) -> None:
    """With one tag for both codings: it is weak."""
    tags = set()
    for coding in ("gzip", "identity", "gzip;q=0"):
        answer = await client.get("/graphql", params={"query": LARGE}, headers={"accept-encoding": coding})
        assert answer.headers.get("content-encoding") == ("gzip" if coding == "gzip" else None)
        assert (int(answer.headers["content-length"]) < 1024) is (coding == "gzip")
        assert len(answer.json()["data"]["viewer"]) == 100
        tags.add(answer.headers["etag"])
    assert len(tags) == 1
    posted = await post(client, {"query": LARGE})
    assert posted.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in posted.headers["vary"]
    small = await post(client, {"query": QUERY})
    assert "content-encoding" not in small.headers


async def test_what_a_mutation_reveals_is_never_compressed(database: Database) -> None:
    async with client_of(database, Role.ADMIN) as admin:
        fields = " ".join(f"a{number}: name" for number in range(200))
        text = f'mutation {{ createToken(input: {{name: "n", role: VIEWER}}) {{ secret token {{ {fields} }} }} }}'
        answer = await post(admin, {"query": text})
        assert answer.json()["data"]["createToken"]["secret"].startswith("rw_")
        assert len(answer.content) > 1024
        assert "content-encoding" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("selected", ["viewer { name }", "nothing", "viewer { name"])
@pytest.mark.parametrize("kind", ["query", "mutation"])
async def test_long_document_is_parsed_once_though_none_is_kept(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, kind: str, selected: str
) -> None:
    parsed = list[str]()

    def parse(text: str) -> DocumentNode:
        parsed.append(text)
        return parse_bounded(text)

    monkeypatch.setattr(documents, "parse_bounded", parse)
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", 0)
    text = f"{kind} {{ {selected} }}" + " " * documents.MAX_CHARACTERS_IN_LOOP
    await post(client, {"query": text})
    assert parsed == [text]
