"""AUTO-EXEC-ADMIN-003: an administrator finds a line in a long log, sees what is around it, and follows what comes."""

from __future__ import annotations

import asyncio
from typing import Any

from gql import gql

from specs.app.automations.execution.test_bad_input import refused, works
from specs.app.automations.execution.test_logs import run_of, step_events, written
from specs.harness.driver import Runwatch, run_events, unique
from specs.test_sockets import session

LINES = """
query Lines(
  $id: ID!, $first: Int, $after: String, $last: Int, $before: String, $around: ID, $size: Int! = 200
  $level: LogLevel, $step: ID, $search: String
) {
  executionLogs(
    executionId: $id, first: $first, after: $after, last: $last, before: $before, around: $around, size: $size
    minLevel: $level, stepId: $step, search: $search
  ) {
    edges { cursor node { id number message } } pageInfo { hasPreviousPage hasNextPage startCursor endCursor }
  }
}
"""
FIGURES = """
query Figures($id: ID!, $level: LogLevel, $step: ID, $search: String, $find: String!, $after: String) {
  execution(id: $id) {
    logs(first: 1, minLevel: $level, stepId: $step, search: $search) {
      levels { level count { value kind } }
      matches(search: $find, after: $after) { id number cursor }
    }
  }
}
"""
FOLLOW = """
subscription Follow($id: ID!, $after: String, $together: Boolean!) {
  executionLogAppended(executionId: $id, after: $after) { cursor entry { ...Line } ...Together @include(if: $together) }
}
fragment Together on LogUpdate { entries { ...Line } }
fragment Line on LogEntry { id message number }
"""


async def page(runwatch: Runwatch, id_: str, **arguments: Any) -> Any:
    """One page of a log."""
    return (await runwatch.query(LINES, {"id": id_, **arguments}))["executionLogs"]


def said(found: Any) -> list[str]:
    """The messages of a page."""
    return [edge["node"]["message"] for edge in found["edges"]]


def numbers(found: Any) -> list[int]:
    """The numbers of a page's lines."""
    return [edge["node"]["number"] for edge in found["edges"]]


async def test_logs_005_lines_around_one(runwatch: Runwatch) -> None:
    """A page around a line MUST have the lines on both sides of it, numbered, and say whether there are more."""
    engine = unique("logs")
    runwatch.report(*run_events(engine, "r", 0), *step_events(engine, "r", 0, "extract", 1))
    lines = [written(engine, "r", f"line {n}", n, "ERROR" if n % 10 == 0 else "INFO", step=0) for n in range(1, 31)]
    runwatch.report(*lines[5:], *lines[:5])
    id_ = (await run_of(runwatch, engine))["id"]
    line_of = {edge["node"]["message"]: edge["node"]["id"] for edge in (await page(runwatch, id_))["edges"]}
    for middle, size, expected in ((12, 5, range(10, 15)), (2, 6, range(1, 5)), (30, 4, range(28, 31)), (7, 1, [7])):
        found = await page(runwatch, id_, around=line_of[f"line {middle}"], size=size)
        assert said(found) == [f"line {n}" for n in expected]
        assert numbers(found) == list(expected)
        info = found["pageInfo"]
        assert (info["hasPreviousPage"], info["hasNextPage"]) == (expected[0] > 1, expected[-1] < 30)
        # It goes on at both ends.
        more = await page(runwatch, id_, first=3, after=info["endCursor"])
        assert numbers(more) == list(range(expected[-1] + 1, min(expected[-1] + 4, 31)))
        more = await page(runwatch, id_, last=3, before=info["startCursor"])
        assert numbers(more) == list(range(max(expected[0] - 3, 1), expected[0]))
    assert numbers(await page(runwatch, id_, around=line_of["line 12"])) == list(range(1, 31))

    # Under a filter it has the lines that pass it; the line itself only marks the place. Numbers are those of the log.
    found = await page(runwatch, id_, around=line_of["line 12"], size=2, level="ERROR")
    assert numbers(found) == [10, 20]
    found = await page(runwatch, id_, around=line_of["line 20"], size=2, search="LINE 2")
    assert numbers(found) == [2, 20]
    document = "query Q($id: ID!, $a: ID) { execution(id: $id) { logs(around: $a, size: 3) { nodes { message } } } }"
    nested = (await runwatch.query(document, {"id": id_, "a": line_of["line 12"]}))["execution"]["logs"]["nodes"]
    assert [node["message"] for node in nested] == ["line 11", "line 12", "line 13"]


async def test_logs_005_a_place_that_cannot_be_meant(runwatch: Runwatch) -> None:
    """A line of another run, an unknown or malformed one, and pages asked for in two ways MUST be refused."""
    engine, other = unique("logs"), unique("logs")
    for each in (engine, other):
        runwatch.report(*run_events(each, "r", 0), written(each, "r", "x", 1))
    id_, foreign = [(await run_of(runwatch, each))["id"] for each in (engine, other)]
    (line,) = [edge["node"]["id"] for edge in (await page(runwatch, id_))["edges"]]
    (theirs,) = [edge["node"]["id"] for edge in (await page(runwatch, foreign))["edges"]]
    for arguments in (
        *({"around": wrong} for wrong in (theirs, id_, "nonsense", "", f"{line}x", line + "0" * 30, line[:-1] + "0")),
        *({"around": line, **both} for both in ({"first": 1}, {"last": 1}, {"after": "x"}, {"before": "x"})),
        *({"around": line, "size": size} for size in (0, -1, 1001)),
        *({"first": 1001}, {"last": 1001}, {"size": 0}),
    ):
        refused(runwatch.post({"query": LINES, "variables": {"id": id_, **arguments}}))
    refused(runwatch.post({"query": LINES, "variables": {"id": id_, "around": f"{line}2"}}), "NOT_FOUND")
    gone = "execution_" + "0" * 32
    assert await page(runwatch, gone, around=f"log_{'0' * 32}_1") is None
    for find in ("", "x" * 1001, "a\0b"):
        variables = {"id": id_, "find": find}
        refused(
            runwatch.post({"query": FIGURES, "variables": variables}),
            "LIMIT_EXCEEDED" if len(find) > 1000 else "BAD_USER_INPUT",
        )
    for after in ("nonsense", "", theirs):
        refused(runwatch.post({"query": FIGURES, "variables": {"id": id_, "find": "x", "after": after}}))
    works(runwatch)


async def test_logs_005_pages_end_at_a_thousand_lines_or_a_mebibyte(runwatch: Runwatch) -> None:
    """Pages of up to 1,000 lines MUST stay within 1 MiB, and lose no line between them."""
    engine = unique("logs")
    runwatch.report(*run_events(engine, "r", 0))
    runwatch.report(*(written(engine, "r", f"line {n}", n / 1000) for n in range(1_050)))
    runwatch.report(*(written(engine, "r", f"{n} {'long ' * 5_000}", 10 + n, id_=f"long/{n}") for n in range(60)))
    id_ = (await run_of(runwatch, engine))["id"]
    ids: dict[int, str] = {}
    for way, (size, cursor, at, more) in {
        "forward": ("first", "after", "endCursor", "hasNextPage"),
        "backward": ("last", "before", "startCursor", "hasPreviousPage"),
    }.items():
        seen: list[int] = []
        pages, place = 0, None
        while True:
            answer = await asyncio.to_thread(
                runwatch.post, {"query": LINES, "variables": {"id": id_, size: 1000, cursor: place}}
            )
            assert len(answer.content) <= 1024 * 1024
            found = answer.json()["data"]["executionLogs"]
            seen = seen + numbers(found) if way == "forward" else numbers(found) + seen
            ids |= {edge["node"]["number"]: edge["node"]["id"] for edge in found["edges"]}
            pages += 1
            if not found["pageInfo"][more]:
                break
            place = found["pageInfo"][at]
        assert seen == list(range(1, 1_111))
        assert pages == 3
    found = await page(runwatch, id_, around=ids[1_055], size=1000)
    assert 1_055 in numbers(found)
    assert numbers(found) == list(range(numbers(found)[0], numbers(found)[-1] + 1))
    assert (found["pageInfo"]["hasPreviousPage"], found["pageInfo"]["hasNextPage"]) == (True, True)
    assert sum(map(len, said(found))) <= 1024 * 1024


async def test_logs_006_levels_and_matches(runwatch: Runwatch) -> None:
    """Every level MUST be counted, and each match MUST have its place, whatever the list leaves out."""
    engine = unique("logs")
    runwatch.report(*run_events(engine, "r", 0), *step_events(engine, "r", 0, "extract", 1))
    levels = ["INFO", "DEBUG", "INFO", "ERROR"]
    lines = [written(engine, "r", f"line {n} {'ÄÖ' * (n % 2)}", n, levels[n % 4]) for n in range(1, 13)]
    runwatch.report(*lines[::2], written(engine, "r", "step", 6.5, "WARNING", step=0), *lines[1::2])
    run = await run_of(runwatch, engine)
    every = await page(runwatch, run["id"])
    id_of = {edge["node"]["number"]: (edge["node"]["id"], edge["cursor"]) for edge in every["edges"]}

    async def figures(find: str, **arguments: Any) -> tuple[dict[str, int], list[int]]:
        answer = await runwatch.query(FIGURES, {"id": run["id"], "find": find, **arguments})
        log = answer["execution"]["logs"]
        assert {each["count"]["kind"] for each in log["levels"]} == {"EXACT"}
        for match in log["matches"]:
            assert (match["id"], match["cursor"]) == id_of[match["number"]]
        counts = {each["level"]: each["count"]["value"] for each in log["levels"]}
        assert list(counts) == ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL"]
        return {level: count for level, count in counts.items() if count}, [match["number"] for match in log["matches"]]

    whole = {"DEBUG": 3, "INFO": 6, "WARNING": 1, "ERROR": 3}
    assert await figures("Line 1") == (whole, [1, 11, 12, 13])
    # The level of the list leaves lines out of the matches, not of the counts; its search the other way round.
    assert await figures("line", level="ERROR", search="äö") == ({"DEBUG": 3, "ERROR": 3}, [3, 8, 12])
    assert await figures("e", step=run["steps"][0]["id"]) == ({"WARNING": 1}, [7])
    assert await figures("LINE", after=id_of[11][1]) == (whole, [12, 13])
    assert await figures("nowhere") == (whole, [])


async def follow(runwatch: Runwatch, id_: str, after: str, number: int, *, together: bool) -> list[dict[str, Any]]:
    """The updates of a log until so many lines have come."""
    request = gql(FOLLOW)
    request.variable_values = {"id": id_, "after": after, "together": together}
    found: list[dict[str, Any]] = []
    async with session(runwatch) as opened, asyncio.timeout(30):
        stream = opened.subscribe(request)
        async for data in stream:
            found.append(data["executionLogAppended"])
            if sum(len(each.get("entries", [1])) for each in found) >= number:
                break
        await stream.aclose()
    return found


async def test_logs_007_lines_that_come_together(runwatch: Runwatch) -> None:
    """A follower who selects `entries` MUST get lines together, any other one by one; nobody MUST lose a line."""
    engine = unique("logs")
    runwatch.report(*run_events(engine, "r", 0, state=None), written(engine, "r", "before", 1))
    id_ = (await run_of(runwatch, engine))["id"]
    document = "query Q($id: ID!) { executionLogs(executionId: $id) { updatesCursor } }"
    start = (await runwatch.query(document, {"id": id_}))["executionLogs"]["updatesCursor"]
    expected = [f"line {n}" for n in range(1_100)]
    runwatch.report(*(written(engine, "r", line, 10 + n / 1000) for n, line in enumerate(expected)))

    single = await follow(runwatch, id_, start, 1_100, together=False)
    assert [each["entry"]["message"] for each in single] == expected
    found = await follow(runwatch, id_, start, 1_100, together=True)
    assert [len(each["entries"]) for each in found] == [500, 500, 100]
    assert [line["message"] for each in found for line in each["entries"]] == expected
    assert all(each["entry"] == each["entries"][-1] for each in found)
    assert [line["number"] for line in found[-1]["entries"]] == list(range(1_002, 1_102))
    # Each way goes on from the cursors of the other.
    assert found[-1]["cursor"] == single[-1]["cursor"]
    (rest,) = await follow(runwatch, id_, single[999]["cursor"], 100, together=True)
    assert [line["message"] for line in rest["entries"]] == expected[1_000:]

    # 512 KiB is as much as an update has: clients take messages of up to 1 MiB.
    runwatch.report(*(written(engine, "r", "long " * 10_000, 20 + n, id_=f"long/{n}") for n in range(50)))
    found = await follow(runwatch, id_, found[-1]["cursor"], 50, together=True)
    assert [len(each["entries"]) for each in found] == [10] * 5


SKIPPED = """
query Skipped($id: ID!, $first: Int, $skip: Int, $last: Int, $around: ID, $after: String, $level: LogLevel) {
  executionLogs(
    executionId: $id, first: $first, skip: $skip, last: $last, around: $around, size: 4, after: $after, minLevel: $level
  ) { offset nodes { id number message } }
}
"""


async def test_logs_008_any_place(runwatch: Runwatch) -> None:
    """A page MUST begin after as many lines as one says, and say how many are before it, filtered or not."""
    engine = unique("logs")
    runwatch.report(*run_events(engine, "r", 0))
    runwatch.report(*[written(engine, "r", f"line {n}", n, "ERROR" if n % 3 == 0 else "INFO") for n in range(1, 31)])
    id_ = (await run_of(runwatch, engine))["id"]

    async def place(**arguments: Any) -> tuple[int, list[int]]:
        found = (await runwatch.query(SKIPPED, {"id": id_, **arguments}))["executionLogs"]
        assert all(node["message"] == f"line {node['number']}" for node in found["nodes"])
        return found["offset"], [node["number"] for node in found["nodes"]]

    assert await place(skip=0, first=2) == (0, [1, 2])
    assert await place(skip=17, first=3) == (17, [18, 19, 20])
    assert await place(skip=28, first=3) == (28, [29, 30])
    assert await place(skip=30, first=3) == (30, [])
    assert await place(skip=3, first=2, level="ERROR") == (3, [12, 15])
    assert await place(last=3) == (27, [28, 29, 30])
    assert await place(last=2, level="ERROR") == (8, [27, 30])
    line = (await runwatch.query(SKIPPED, {"id": id_, "skip": 17, "first": 1}))["executionLogs"]["nodes"][0]["id"]
    assert await place(around=line) == (15, [16, 17, 18, 19])
    assert await place(around=line, level="ERROR") == (3, [12, 15, 18, 21])
    for arguments, message in (
        ({"skip": -1}, "skip: must be 0 or more, not -1"),
        ({"skip": 1, "first": 1001}, "first: must be 1 to 1000, not 1001"),
        ({"skip": 1, "last": 2}, "skip: with first alone"),
        ({"skip": 1, "around": line}, "skip: with first alone"),
    ):
        answer = runwatch.post({"query": SKIPPED, "variables": {"id": id_, **arguments}})
        refused(answer)
        assert message in answer.text
