"""AUTO-EXEC-ADMIN-003: an administrator reads what a run wrote, to see why it failed."""

from __future__ import annotations

from typing import Any

import pytest

from specs.app.automations.execution.test_bad_input import refused, works
from specs.harness.driver import Runwatch, event, run_events, unique

LOGS = """
query Logs(
  $id: ID!, $first: Int, $after: String, $last: Int, $before: String, $level: LogLevel, $step: ID, $search: String
) {
  executionLogs(
    executionId: $id, first: $first, after: $after, last: $last, before: $before,
    minLevel: $level, stepId: $step, search: $search
  ) {
    nodes { id at level message step { name } attributes truncated }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    updatesCursor
    execution { externalId }
  }
}
"""
RUN = "query Run($e: [String!]) { executions(filter: {engine: $e}) { nodes { id status steps { id name } } } }"


def written(
    engine: str, subject: str, message: str, seconds: float, level: str = "INFO", id_: str | None = None, **data: Any
) -> dict[str, Any]:
    """A log line; its id is its message unless it says otherwise."""
    data |= {"level": level, "message": message}
    return event(engine, subject, "log.written", seconds, data, id=id_ or f"{subject}/{message}")


def step_events(engine: str, subject: str, index: int, name: str, seconds: float) -> list[dict[str, Any]]:
    """A step that began, and failed a second later."""
    began = {"index": index, "name": name}
    ended = began | {"state": "FAILED", "error": {"message": "no"}}
    return [
        event(engine, subject, "step.started", seconds, {"step": began}, id=f"{subject}/{index}/started"),
        event(engine, subject, "step.finished", seconds + 1, {"step": ended}, id=f"{subject}/{index}/finished"),
    ]


async def run_of(runwatch: Runwatch, engine: str) -> Any:
    """The one run of an engine."""
    (run,) = (await runwatch.query(RUN, {"e": [engine]}))["executions"]["nodes"]
    return run


async def log(runwatch: Runwatch, id_: str, **arguments: Any) -> Any:
    """One page of a log."""
    return (await runwatch.query(LOGS, {"id": id_, **arguments}))["executionLogs"]


async def messages(runwatch: Runwatch, id_: str, **arguments: Any) -> list[str]:
    """The messages of one page of a log."""
    return [node["message"] for node in (await log(runwatch, id_, **arguments))["nodes"]]


async def walk(runwatch: Runwatch, id_: str, size: int, **filters: Any) -> tuple[list[str], list[str]]:
    """All messages of a log, by pages from the oldest on, and by pages from the newest back."""
    forward: list[str] = []
    after = None
    while True:
        found = await log(runwatch, id_, first=size, after=after, **filters)
        assert found["pageInfo"]["hasPreviousPage"] is (after is not None)
        forward += [node["message"] for node in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    backward: list[str] = []
    before = None
    while True:
        found = await log(runwatch, id_, last=size, before=before, **filters)
        assert found["pageInfo"]["hasNextPage"] is (before is not None)
        backward = [node["message"] for node in found["nodes"]] + backward
        before = found["pageInfo"]["startCursor"]
        if not found["pageInfo"]["hasPreviousPage"]:
            break
    return forward, backward


async def test_logs_001_a_failed_runs_log_in_order_of_time(runwatch: Runwatch) -> None:
    """The log of a failed run MUST page in order of time, from either end, with everything reported of a line."""
    engine = unique("logs")
    runwatch.report(*run_events(engine, "r", 0, state="FAILED", duration=100))
    runwatch.report(*step_events(engine, "r", 0, "extract", 2))
    numbers = list(range(25))
    lines = [written(engine, "r", f"line {number}", 10 + number) for number in numbers]
    runwatch.report(*lines[::2])
    attributes = {"rows": 12345678901234567890, "rate": 1.10, "of": ["a", None]}
    runwatch.report(*lines[1::2], written(engine, "r", "no such table", 9.25, "ERROR", step=0, attributes=attributes))
    run = await run_of(runwatch, engine)
    assert run["status"] == "FAILURE"
    expected = ["no such table", *(f"line {number}" for number in numbers)]
    for size in (4, 13, 100):
        assert await walk(runwatch, run["id"], size) == (expected, expected)

    found = await log(runwatch, run["id"], first=1)
    (node,) = found["nodes"]
    assert node == {
        "id": node["id"],
        "at": "2026-01-01T00:00:09.250000Z",
        "level": "ERROR",
        "message": "no such table",
        "step": {"name": "extract"},
        "attributes": attributes,
        "truncated": False,
    }
    assert found["execution"] == {"externalId": "r"}
    assert found["updatesCursor"]
    assert len({node["id"] for node in (await log(runwatch, run["id"]))["nodes"]}) == 26
    document = "query L($id: ID!) { execution(id: $id) { logs(last: 2) { nodes { message } } } }"
    nested = (await runwatch.query(document, {"id": run["id"]}))["execution"]["logs"]["nodes"]
    assert [node["message"] for node in nested] == expected[-2:]


async def test_logs_002_filtered_by_level_step_and_text(runwatch: Runwatch) -> None:
    """minLevel MUST match its level and worse, a step its own lines, a search the lines that contain it in any case."""
    engine = unique("logs")
    runwatch.report(
        *run_events(engine, "r", 0, state="FAILED"),
        *step_events(engine, "r", 0, "extract", 1),
        *step_events(engine, "r", 1, "load", 3),
        written(engine, "r", "begin", 1, "TRACE"),
        written(engine, "r", "Straße 100% read", 2, "DEBUG", step=0),
        written(engine, "r", "read_only table", 3, "INFO", step=0),
        written(engine, "r", "slow", 4, "WARNING", step=1),
        written(engine, "r", "ΤΈΛΟΣ 🚀", 5, "ERROR", step=1),
        written(engine, "r", "gave up", 6, "FATAL"),
    )
    run = await run_of(runwatch, engine)
    steps = {step["name"]: step["id"] for step in run["steps"]}
    every = ["begin", "Straße 100% read", "read_only table", "slow", "ΤΈΛΟΣ 🚀", "gave up"]
    for number, level in enumerate(("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL")):
        assert await messages(runwatch, run["id"], level=level) == every[number:]
        assert await walk(runwatch, run["id"], 2, level=level) == (every[number:], every[number:])
    assert await messages(runwatch, run["id"], level=None, step=None, search=None) == every
    assert await messages(runwatch, run["id"], search="") == every
    assert await messages(runwatch, run["id"], step=steps["extract"]) == every[1:3]
    assert await messages(runwatch, run["id"], step=steps["load"]) == every[3:5]
    for search, expected in {
        "READ": every[1:3],
        "STRASSE": every[1:2],
        "straße": every[1:2],
        "τέλοσ": every[4:5],
        "🚀": every[4:5],
        "0%": every[1:2],
        "%": every[1:2],
        "d_o": every[2:3],
        "nowhere": [],
    }.items():
        assert await messages(runwatch, run["id"], search=search) == expected, search
    assert await messages(runwatch, run["id"], level="INFO", step=steps["extract"], search="read") == every[2:3]
    assert await messages(runwatch, run["id"], level="ERROR", step=steps["extract"]) == []
    assert await walk(runwatch, run["id"], 1, level="WARNING", step=steps["load"]) == (every[3:5], every[3:5])


async def test_logs_003_late_and_repeated_lines(runwatch: Runwatch) -> None:
    """Late lines MUST appear where they belong, ties as they arrived; repeated lines MUST add nothing."""
    engine = unique("logs")
    runwatch.report(*run_events(engine, "r", 0))
    runwatch.report(written(engine, "r", "c", 20), written(engine, "r", "e", 30))
    runwatch.report(*(written(engine, "r", f"tied {number}", 25) for number in (3, 1)))
    runwatch.report(written(engine, "r", "a", 10), written(engine, "r", "tied 2", 25))
    expected = ["a", "c", "tied 3", "tied 1", "tied 2", "e"]
    id_ = (await run_of(runwatch, engine))["id"]
    assert await messages(runwatch, id_) == expected
    first = await log(runwatch, id_)

    repeated = written(engine, "r", "changed", 1, id_="r/a")
    runwatch.report(written(engine, "r", "c", 20), written(engine, "r", "tied 1", 25), repeated)
    again = await log(runwatch, id_)
    assert again == first
    assert await walk(runwatch, id_, 2) == (expected, expected)

    # A page that ends among lines of one moment continues after it, even when more lines of that moment have arrived.
    page = await log(runwatch, id_, first=3)
    runwatch.report(written(engine, "r", "tied 0", 25), written(engine, "r", "b", 15))
    assert await messages(runwatch, id_, after=page["pageInfo"]["endCursor"]) == ["tied 1", "tied 2", "tied 0", "e"]
    assert await messages(runwatch, id_) == ["a", "b", "c", "tied 3", "tied 1", "tied 2", "tied 0", "e"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"level": "LOUD"},
        {"level": "info"},
        {"step": "nonsense"},
        {"step": ""},
        {"search": "a\0b"},
        {"after": "garbage"},
        {"before": ""},
        {"first": 0},
        {"first": 1001},
        {"first": 1, "last": 1},
        {"last": -1},
    ],
    ids=str,
)
async def test_logs_004_bad_input(runwatch: Runwatch, arguments: dict[str, Any]) -> None:
    """Invalid arguments MUST be refused as BAD_USER_INPUT."""
    engine = unique("logs")
    runwatch.report(*run_events(engine, "r", 0), written(engine, "r", "x", 1))
    id_ = (await run_of(runwatch, engine))["id"]
    refused(runwatch.post({"query": LOGS, "variables": {"id": id_, **arguments}}))
    works(runwatch)


async def test_logs_004_what_belongs_to_another_run(runwatch: Runwatch) -> None:
    """A step or a cursor of another run's log MUST be refused; an unknown run MUST have no log."""
    engine, other = unique("logs"), unique("logs")
    for each in (engine, other):
        runwatch.report(*run_events(each, "r", 0), *step_events(each, "r", 0, "extract", 1))
        runwatch.report(written(each, "r", "x", 1, step=0), written(each, "r", "y", 2, step=0))
    run, foreign = await run_of(runwatch, engine), await run_of(runwatch, other)
    theirs = await log(runwatch, foreign["id"], first=1)
    for arguments in (
        {"step": foreign["steps"][0]["id"]},
        {"step": run["id"]},
        {"after": theirs["pageInfo"]["endCursor"]},
        {"last": 1, "before": theirs["pageInfo"]["endCursor"]},
        {"after": theirs["updatesCursor"]},
    ):
        refused(runwatch.post({"query": LOGS, "variables": {"id": run["id"], **arguments}}))
    for unknown in ("execution_" + "0" * 32, "nonsense", "", run["steps"][0]["id"]):
        assert await log(runwatch, unknown) is None
    works(runwatch)


async def test_logs_004_long_lines_are_cut_and_the_run_is_kept(runwatch: Runwatch) -> None:
    """Lines above 64 KiB MUST be cut and marked; the run and its other lines MUST stay as sent."""
    engine = unique("logs")
    runwatch.report(*run_events(engine, "r", 0, state="FAILED"))
    long, wide = "ä" * 40_000, {"text": "x" * 70_000}
    runwatch.report(
        written(engine, "r", long, 1, id_="long"),
        written(engine, "r", "wide", 2, attributes=wide),
        written(engine, "r", "z" * 65_536, 3, id_="just"),
        written(engine, "r", "short", 4, attributes={"a": 1}),
    )
    run = await run_of(runwatch, engine)
    assert run["status"] == "FAILURE"
    cut, replaced, just, short = (await log(runwatch, run["id"]))["nodes"]
    assert (cut["message"], cut["truncated"]) == ("ä" * 32_768, True)
    assert (replaced["attributes"]["truncated"], replaced["truncated"]) == (True, True)
    assert replaced["attributes"]["bytes"] > 70_000
    assert (just["message"], just["truncated"]) == ("z" * 65_536, False)
    assert (short["message"], short["attributes"], short["truncated"]) == ("short", {"a": 1}, False)
