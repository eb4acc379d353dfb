"""AUTO-EXEC-ADMIN-002, live: pending runs move on the screen by themselves, and nothing is missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportClosed, TransportError, TransportQueryError
from gql.transport.websockets import WebsocketsTransport

from specs.conftest import EXTERNAL
from specs.harness.driver import Runwatch, Server, at, event, run_events, unique
from specs.harness.servers import PostgresServer, ValkeyServer

UPDATES = """
subscription Updates($filter: ExecutionFilter, $after: String) {
  executionUpdated(filter: $filter, after: $after) {
    cursor change executionId matches
    execution { externalId status state workflow { name } error { message } }
  }
}
"""
LIST = "query L($filter: ExecutionFilter) { executions(filter: $filter) { updatesCursor nodes { externalId } } }"


LOGS = "query L($filter: ExecutionFilter) { executions(filter: $filter) { nodes { id logs { updatesCursor } } } }"
LINES = """
subscription Lines($id: ID!, $after: String) {
  executionLogAppended(executionId: $id, after: $after) { cursor entries { message number } entry { message } }
}
"""


async def lines_together(one: Runwatch, two: Runwatch, engine: str) -> None:
    """Lines that one process commits reach the followers of another together, each once."""
    where = {"engine": [engine], "externalId": ["a"]}
    (run,) = (await two.query(LOGS, {"filter": where}))["executions"]["nodes"]
    expected = [f"line {number}" for number in range(30)]
    seen: list[str] = []
    async with updates(two, LINES, id=run["id"], after=run["logs"]["updatesCursor"]) as stream:
        for start in range(0, 30, 10):
            data = [{"level": "INFO", "message": message} for message in expected[start : start + 10]]
            one.report(*(event(engine, "a", "log.written", 50 + start + n, each) for n, each in enumerate(data)))
            (update,) = await take(stream, 1)
            seen += [entry["message"] for entry in update["entries"]]
            assert [entry["number"] for entry in update["entries"]] == list(range(start + 1, start + 11))
            assert update["entry"]["message"] == seen[-1]
    assert seen == expected


@asynccontextmanager
async def updates(
    runwatch: Runwatch, document: str = UPDATES, token: str | None = None, **variables: Any
) -> AsyncIterator[AsyncGenerator[dict[str, Any], None]]:
    """The updates of a subscription through gql."""
    transport = WebsocketsTransport(
        runwatch.url.replace("http", "ws") + "/graphql",
        subprotocols=["graphql-transport-ws"],
        init_payload={"authorization": f"Bearer {runwatch.admin if token is None else token}"},
    )
    request = gql(document)
    request.variable_values = variables
    async with Client(transport=transport, fetch_schema_from_transport=False) as session:

        async def each() -> AsyncGenerator[dict[str, Any], None]:
            async for result in session.subscribe(request):
                yield next(iter(result.values()))

        stream = each()
        try:
            yield stream
        finally:
            await stream.aclose()


async def take(stream: AsyncIterator[dict[str, Any]], count: int, names: str = "") -> list[dict[str, Any]]:
    """The next updates; with `names` those of runs with one of these external ids.

    Who comes back is told of others as well that may have left the filter: of retries in other specs.
    """
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            update = await anext(stream)
            if not names or update["execution"]["externalId"] in names:
                found.append(update)
    return found


def said(found: list[dict[str, Any]]) -> list[tuple[str, str, str, bool]]:
    return [
        (each["change"], each["execution"]["externalId"], each["execution"]["state"], each["matches"]) for each in found
    ]


async def cursor_of(runwatch: Runwatch, where: dict[str, Any]) -> str:
    found: str = (await runwatch.query(LIST, {"filter": where}))["executions"]["updatesCursor"]
    return found


async def test_live_001_a_pending_run_moves_to_its_end(runwatch: Runwatch) -> None:
    """A subscriber MUST see a run through running to success, another to failure, each change once and in order."""
    where = {"engine": [unique("live")]}
    engine = where["engine"][0]
    async with updates(runwatch, filter=where, after=await cursor_of(runwatch, where)) as stream:
        found = []
        for one in run_events(engine, "fine", 0):
            runwatch.report(one)
            found += await take(stream, 1)
        for one in run_events(engine, "bad", 10, state="FAILED", error={"message": "m"}):
            runwatch.report(one)
            found += await take(stream, 1)
    assert said(found) == [
        ("CREATED", "fine", "QUEUED", True),
        ("UPDATED", "fine", "RUNNING", True),
        ("FINISHED", "fine", "SUCCEEDED", True),
        ("CREATED", "bad", "QUEUED", True),
        ("UPDATED", "bad", "RUNNING", True),
        ("FINISHED", "bad", "FAILED", True),
    ]
    assert found[-1]["execution"]["error"] == {"message": "m"}
    assert found[-1]["execution"]["workflow"] == {"name": "nightly"}


async def test_live_001_a_shuffled_delivery_is_never_queued_again(runwatch: Runwatch) -> None:
    """A subscriber MUST NOT see a run QUEUED after it was RUNNING or WAITING, in whatever order its events arrive."""
    engine = unique("shuffled")
    where = {"engine": [engine]}
    told = [
        event(engine, "r", "step.started", 3, {"step": {"index": 0, "name": "first"}}),
        event(engine, "r", "execution.queued", 0, {"workflow": "nightly"}),
        event(engine, "r", "execution.waiting", 4),
        event(engine, "r", "execution.queued", 1, {"workflow": "nightly"}, id="again"),
        event(engine, "r", "execution.started", 2),
        event(engine, "r", "execution.finished", 9, {"state": "FAILED"}),
        event(engine, "r", "execution.finished", 10, {"state": "SUCCEEDED"}),
    ]
    async with updates(runwatch, filter=where, after=await cursor_of(runwatch, where)) as stream:
        found: list[dict[str, Any]] = []
        for one in told:
            runwatch.report(one)
        while not found or found[-1]["execution"]["state"] != "SUCCEEDED":
            found += await take(stream, 1)
    states = [each["execution"]["state"] for each in found]
    shown = [state for number, state in enumerate(states) if states[number - 1 : number] != [state]]
    order = ["RUNNING", "WAITING", "FAILED", "SUCCEEDED"]  # corrections of an end stay visible
    assert shown == [state for state in order if state in shown]


async def test_live_002_filters_hold_and_leaving_one_is_told(runwatch: Runwatch) -> None:
    """A subscriber MUST receive only executions that match its filter, and those that leave it."""
    engine = unique("live")
    pending = {"engine": [engine], "status": ["PENDING"]}
    async with updates(runwatch, filter=pending, after=await cursor_of(runwatch, pending)) as stream:
        runwatch.report(*run_events(unique("other"), "r", 0))
        runwatch.report(*run_events(engine, "done at once", 0))
        runwatch.report(*run_events(engine, "r", 0, state=None))
        found = await take(stream, 1)
        runwatch.report(event(engine, "r", "execution.finished", 9, {"state": "SUCCEEDED"}))
        found += await take(stream, 1)
    assert said(found) == [("CREATED", "r", "RUNNING", True), ("FINISHED", "r", "SUCCEEDED", False)]


async def test_live_003_who_comes_back_gets_what_was_missed(runwatch: Runwatch) -> None:
    """With its last cursor a subscriber MUST receive everything that changed meanwhile, once, and then what is new."""
    engine = unique("live")
    where = {"engine": [engine]}
    async with updates(runwatch, filter=where, after=await cursor_of(runwatch, where)) as stream:
        runwatch.report(*run_events(engine, "a", 0, state=None))
        (last,) = await take(stream, 1, "abc")
    runwatch.report(event(engine, "a", "execution.finished", 9, {"state": "FAILED"}), *run_events(engine, "b", 5))
    async with updates(runwatch, filter=where, after=last["cursor"]) as stream:
        found = await take(stream, 2, "abc")
        runwatch.report(*run_events(engine, "c", 5))
        found += await take(stream, 1, "abc")
    assert {each[:3] for each in said(found[:2])} == {("FINISHED", "a", "FAILED"), ("FINISHED", "b", "SUCCEEDED")}
    assert said(found[2:]) == [("FINISHED", "c", "SUCCEEDED", True)]


async def test_live_004_who_may_not_read_gets_nothing(runwatch: Runwatch) -> None:
    """Anonymous sockets MUST be closed and a RUNNER refused; invalid arguments MUST be BAD_USER_INPUT."""
    with pytest.raises((TransportClosed, TransportError)):
        async with updates(runwatch, token="nonsense") as stream:
            await take(stream, 1)
    runner = runwatch.token("runner", unique("live"))
    for given, code in (({"token": runner}, "FORBIDDEN"), ({"after": "garbage"}, "BAD_USER_INPUT")):
        with pytest.raises(TransportQueryError) as refused:
            async with updates(runwatch, **given) as stream:
                await take(stream, 1)
        assert refused.value.errors is not None
        assert refused.value.errors[0]["extensions"]["code"] == code
    answer = runwatch.ask("subscription { executionUpdated { cursor } }")
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_live_006_who_moves_in_or_out_of_a_family_is_told(runwatch: Runwatch) -> None:
    """When a late retryOf moves runs to another original, subscribers of either family MUST hear of each of them."""
    engine = unique("family")
    for number, name in enumerate(("one", "two", "retry", "again")):
        runwatch.report(*run_events(engine, name, number, state="FAILED"))
    document = "query I($f: ExecutionFilter) { executions(filter: $f) { nodes { id externalId } } }"
    nodes = (await runwatch.query(document, {"f": {"engine": [engine]}}))["executions"]["nodes"]
    ids = {node["externalId"]: node["id"] for node in nodes}

    def link(retry: str, retried: str, seconds: float) -> None:
        runwatch.report(event(engine, retry, "execution.heartbeat", seconds, {"retryOf": ids[retried]}))

    link("again", "retry", 100)
    first, second = ({"rootExecutionId": ids[name]} for name in ("one", "two"))
    async with (
        updates(runwatch, filter=first, after=await cursor_of(runwatch, first)) as into,
        updates(runwatch, filter=second, after=await cursor_of(runwatch, second)) as out,
    ):
        link("retry", "two", 100)
        await hears(out, {"two": True, "retry": True, "again": True})
        link("retry", "one", 50)  # an earlier claim, which wins
        await hears(into, {"one": True, "retry": True, "again": True})
        await hears(out, {"two": True, "retry": False, "again": False})


async def hears(stream: AsyncIterator[dict[str, Any]], expected: dict[str, bool]) -> None:
    """Until it says that each of these runs matches, or does not; of no other may it say that it matches."""
    missing = dict(expected)
    while missing:
        [(_, name, _, matches)] = said(await take(stream, 1))
        assert not matches or expected.get(name), name
        if missing.get(name) is matches:
            del missing[name]


FIGURES = """
subscription Figures($filter: MetricsFilter) {
  metricsChanged(filter: $filter) { total failed trend { total } byWorkflow { total workflow { name } } }
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("runwatch", ["external" if EXTERNAL else "sqlite"], indirect=True, scope="session")
async def test_live_007_figures_follow_what_happens(runwatch: Runwatch) -> None:
    """Figures MUST come at once, and again after a change, as a query has them then; never to a RUNNER."""
    engine = unique("figures")
    where = {"engine": [engine], "from": at(-60), "to": at(3600)}
    runwatch.report(*run_events(engine, "a", 0))
    async with updates(runwatch, FIGURES, filter=where) as one, updates(runwatch, FIGURES, filter=where) as other:
        for stream in (one, other):
            first = await take_figures(stream)
            assert (first["total"], first["failed"]) == (1, 0)
        runwatch.report(*run_events(engine, "b", 10, state="FAILED"))
        second, same = await asyncio.gather(take_figures(one), take_figures(other))
    assert second == same
    assert (second["total"], second["failed"]) == (2, 1)
    assert sum(point["total"] for point in second["trend"]) == 2
    assert [each["total"] for each in second["byWorkflow"]] == [2]
    with pytest.raises(TransportQueryError, match="permission"):
        async with updates(runwatch, FIGURES, token=runwatch.token("runner", engine)) as refused:
            await take_figures(refused)


async def take_figures(stream: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    """The next figures; they come at most every 15 s."""
    async with asyncio.timeout(60):
        return await anext(stream)


async def test_live_005_processes_tell_each_other(tmp_path: Path, postgres_server: PostgresServer) -> None:
    """What one process commits MUST reach the subscribers of another, even while Redis is down."""
    with postgres_server.database("live") as url, ValkeyServer(own=True) as valkey:
        servers = [Server(tmp_path / name, url) for name in ("one", "two")]
        for server in servers:
            server.environment["RUNWATCH_REDIS_URL"] = valkey.url
            server.environment["RUNWATCH_SECRET_KEY"] = "b25seSBmb3IgdGVzdHMsIDMyIGJ5dGVzIGxvbmcuLi4="
            server.start()
        one, two = (Runwatch(server.url, "", server.environment) for server in servers)
        one.admin = two.admin = one.token("admin")
        engine = unique("live")
        where = {"engine": [engine]}
        async with updates(two, filter=where, after=await cursor_of(two, where)) as stream:
            one.report(*run_events(engine, "a", 0))
            found = await take(stream, 1)
            valkey.kill()
            one.report(*run_events(engine, "b", 0))
            found += await take(stream, 1)
            valkey.start()
            one.report(*run_events(engine, "c", 0))
            found += await take(stream, 1)
        assert [each[1] for each in said(found)] == ["a", "b", "c"]
        await lines_together(one, two, engine)
        for runwatch, server in zip((one, two), servers, strict=True):
            runwatch.close()
            assert server.stop() == 0, server.log
