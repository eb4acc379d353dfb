"""What one client asks for does not keep the others from theirs: it is refused by a number, with what would fit."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from specs.conftest import before_any_statement
from specs.harness.counts import count
from specs.harness.driver import Runwatch, run_events, unique
from specs.harness.own_page import OWN, SECRET, OwnPage
from specs.test_sockets import said, socket, subscribe

CANARY = "{ executions(first: 1) { nodes { id } } }"


def aliases(number: int, selection: str) -> str:
    """A selection under as many names."""
    return " ".join(f"a{n}: {selection}" for n in range(number))


def nested(rows: str, selection: str) -> str:
    """Lists in a list."""
    return f"workflows(first: {rows}) {{ nodes {{ executions(first: {rows}) {{ nodes {{ {selection} }} }} }} }}"


READS = aliases(100, "retryability { canRetry }")
# Below one run.
ROWS = "workflow { executions(first: 100) { nodes { SELECTED } } }"
BELOW = ROWS.replace("SELECTED", ROWS).replace("SELECTED", READS)
FAILS = aliases(200, "logs(first: -1) { nodes { id } }")
TWICE = "fragment F on Execution { ...G ...H } fragment G on Execution { %s } fragment H on Execution { %s }"
DOUBLING = " ".join(
    f"fragment F{n} on Execution {{ a: workflow {{ executions {{ nodes {{ ...F{n + 1} }} }} }}"
    f" b: workflow {{ executions {{ nodes {{ ...F{n + 1} }} }} }} }}"
    for n in range(14)
)
# Document and variables.
ATTACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "reads under aliases in nested lists": (f"{{ {nested('100', READS)} }}", {}),
    "the same by variables": (f"query($n: Int!) {{ {nested('$n', READS)} }}", {"n": 100}),
    "the same by fragments": (f"{{ {nested('100', '...F')} }} {TWICE % (READS, READS.replace('a', 'b', 1))}", {}),
    "the same by inline fragments": (f"{{ {nested('100', f'... on Execution {{ ... {{ {READS} }} }}')} }}", {}),
    "lists of another kind": (
        f"{{ executions(first: 100) {{ nodes {{ logs(first: 1000) {{ nodes {{ {aliases(8, 'message')} }} }} }} }} }}",
        {},
    ),
    "values alone": (f"{{ {nested('100', aliases(60, 'id'))} }}", {}),
    "large values": (f"{{ executions(first: 100) {{ nodes {{ trigger {{ {aliases(400, 'data')} }} }} }} }}", {}),
    "fields that fail": (f"{{ executions(first: 100) {{ nodes {{ {FAILS} }} }} }}", {}),
    "introspection under aliases": (f"{{ {aliases(60, '__schema { types { name } }')} }}", {}),
    "introspection in a fragment": (
        "{ a: __schema { ...F } b: __schema { ...F } } fragment F on __Schema { types { name } }",
        {},
    ),
    "fragments that double": (
        f"{{ executions {{ nodes {{ ...F0 }} }} }} {DOUBLING} fragment F14 on Execution {{ id }}",
        {},
    ),
    "too many tokens": (f"{{ executions {{ nodes {{ {'id ' * 6_000} }} }} }}", {}),
    "values of variables": ("query($a: [ID!]) { executions(filter: {id: $a}) { nodes { id } } }", {"a": [""] * 50_000}),
}
# What is selected of one run in the event of a subscription and in the payload of a mutation, and fragments.
OF_A_RUN = {
    "lists in a list": (BELOW, ""),
    "the same by fragments": (ROWS.replace("SELECTED", "...F"), f"fragment F on Execution {{ {BELOW} }}"),
    "the same by inline fragments": (f"... on Execution {{ ... {{ {BELOW} }} }}", ""),
    "lists under aliases": (aliases(60, ROWS.replace("SELECTED", "logs(first: 1000) { nodes { id } }")), ""),
    "values alone": (ROWS.replace("SELECTED", ROWS).replace("SELECTED", aliases(60, "id")), ""),
}
# Each takes a process seconds of CPU in an event, which counts all of it, and next to nothing in a payload.
OF_AN_EVENT = dict([*OF_A_RUN.items()][: count("shapes of dear events", 2, len(OF_A_RUN))])
# Parsing and validating have limits of their own, whose errors have the code of what is malformed.
MALFORMED = {"fragments that double", "too many tokens"}


def check(name: str, error: Any) -> None:
    """It says which number was too much."""
    assert error["extensions"]["code"] == ("BAD_USER_INPUT" if name in MALFORMED else "LIMIT_EXCEEDED"), error
    assert any(character.isdigit() for character in error["message"]), error


@before_any_statement
def test_attack_001_what_costs_too_much_is_refused_before_it_runs(runwatch: Runwatch) -> None:
    """Each MUST be refused with a code and the limit, and without data, while others are answered."""
    viewer, canary = runwatch.token("viewer"), runwatch.token("viewer")
    for name, (document, variables) in ATTACKS.items():
        answer = runwatch.ask(document, token=viewer, **variables)
        assert "data" not in answer, name
        check(name, answer["errors"][0])
        assert "errors" not in runwatch.ask(CANARY, token=canary), name


@before_any_statement
async def test_attack_001_on_a_socket_it_is_the_operation_that_is_refused(runwatch: Runwatch) -> None:
    """On a WebSocket each MUST be an error of its operation, and the socket goes on."""
    async with socket(runwatch, runwatch.token("viewer")) as connection:
        for name, (document, variables) in ATTACKS.items():
            await subscribe(connection, name, document, **variables)
            message = await said(connection)
            assert (message["type"], message["id"]) == ("error", name)
            check(name, message["payload"][0])
        await subscribe(connection, "canary", CANARY)
        assert [(await said(connection))["type"] for _ in range(2)] == ["next", "complete"]


async def test_attack_002_an_event_that_costs_too_much_is_an_error_of_the_event(runwatch: Runwatch) -> None:
    """An event over its budget MUST be an error with the limit, and other subscribers MUST hear theirs."""
    engine = unique("dear")
    # From there on nothing is missed, however long a document takes to be prepared.
    start = runwatch.ask("{ executions(first: 1) { updatesCursor } }")["data"]["executions"]["updatesCursor"]
    where = f'(filter: {{engine: ["{engine}"]}}, after: "{start}")'
    async with socket(runwatch, runwatch.token("viewer")) as dear, socket(runwatch, runwatch.admin) as cheap:
        for name, (selected, fragment) in OF_AN_EVENT.items():
            text = f"subscription {{ executionUpdated{where} {{ execution {{ {selected} }} }} }} {fragment}"
            await subscribe(dear, name, text)
        await subscribe(cheap, "1", f"subscription {{ executionUpdated{where} {{ execution {{ id }} }} }}")
        await asyncio.to_thread(runwatch.report, *run_events(engine, "r", 0))
        left = {*OF_AN_EVENT}
        while left:
            message = await said(dear)
            assert (message["type"], message["payload"]["data"]) == ("next", None)
            check("", message["payload"]["errors"][0])
            left.discard(message["id"])
        heard = await said(cheap)
        assert heard["payload"]["data"]["executionUpdated"]["execution"]["id"]


def test_attack_003_a_mutation_that_asks_for_too_much_changes_nothing(runwatch: Runwatch) -> None:
    """A mutation that asks for too much MUST be refused before it changes anything."""
    engine = unique("failed")
    runwatch.report(*run_events(engine, "r", 0, state="FAILED", error={"type": "E", "message": "m"}))
    listed = "query($e: [String!]) { executions(filter: {engine: $e}) { nodes { id resolved } } }"
    (run,) = runwatch.ask(listed, e=[engine])["data"]["executions"]["nodes"]
    mutations = (
        f'retryExecution(input: {{executionId: "{run["id"]}"}}) {{ execution {{ %s }} }}',
        f'retryExecutions(input: {{ids: ["{run["id"]}"], dryRun: false}}) {{ retried {{ execution {{ %s }} }} }}',
    )
    for mutation in mutations:
        for selected, fragment in OF_A_RUN.values():
            check("", runwatch.ask(f"mutation {{ {mutation % selected} }} {fragment}")["errors"][0])
    assert runwatch.ask(listed, e=[engine])["data"]["executions"]["nodes"] == [run]


@before_any_statement
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_attack_005_an_answer_says_what_it_cost_if_asked(runwatch: Runwatch, method: str) -> None:
    """Asked by the header X-Runwatch-Cost, an answer MUST say what it cost, a refusal too; unasked none MUST."""
    parts = ("estimated", "counted", "limit", "errors", "bytes")
    reads, values = ATTACKS["reads under aliases in nested lists"][0], "{ viewer { role name } }"
    for document, estimated, counted in ((values, 3, 3), (reads, 4_000_000, 0)):
        for asked in ("1", "0", None):
            headers = {"authorization": f"Bearer {runwatch.admin}"} | (
                {} if asked is None else {"x-runwatch-cost": asked}
            )
            given: dict[str, Any] = {"json" if method == "POST" else "params": {"query": document}}
            answer = httpx.request(method, f"{runwatch.url}/graphql", headers=headers, timeout=30, **given).json()
            assert ("errors" in answer) is (document == reads)
            assert ("extensions" in answer) is (asked == "1"), answer
            if asked == "1":
                cost = answer["extensions"]["cost"]
                assert tuple(cost) == parts
                assert cost["estimated"] >= estimated
                assert cost["counted"] >= counted
                assert 0 < cost["bytes"] < len(str(answer))


async def test_rate_007_many_people_on_one_token_work_unhindered(runwatch: Runwatch) -> None:
    """Thirty sessions of one token with five queries each at a time, and six tabs with forty, MUST all be answered."""
    token = runwatch.token("viewer")
    limits = httpx.Limits(max_connections=60)
    async with httpx.AsyncClient(
        base_url=runwatch.url, headers=OWN, trust_env=False, timeout=60, limits=limits
    ) as client:

        async def sign_in() -> dict[str, str]:
            page = OwnPage(runwatch.url)
            page.keep(await client.post("/session", json={"token": token}))
            client.cookies.clear()
            return {"cookie": page.cookie, SECRET: page.secret or ""}

        people = [await sign_in() for _ in range(30)]

        async def ask(headers: dict[str, str]) -> int:
            return (await client.post("/graphql", json={"query": CANARY}, headers=headers)).status_code

        asked = [*people * 5, *[people[0]] * 40]
        assert set(await asyncio.gather(*(ask(each) for each in asked))) == {200}
