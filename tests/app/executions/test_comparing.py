"""What differs between two runs: trigger data to the digit, secrets without being shown, and steps by their names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app import executions
from app.db import Database
from app.errors import BadInput, NotFound
from app.executions import Execution
from app.executions.comparing import MAX_CHANGES, Comparison, Kind, compare
from app.ingestion import Ingestion
from app.secrets.redaction import DEFAULT_SEALED_KEYS, SealedKeys
from app.secrets.sealing import Sealer, new_key
from tests.app.reports import events, report, select
from tests.sealing import SEALER

ADDED, REMOVED, CHANGED = Kind


async def record(database: Database, *reports: dict[str, Any]) -> None:
    await Ingestion(database, SEALER).record(events(reports))


def run(subject: str, at: int, data: Any, *steps: str, state: str = "SUCCEEDED", workflow: str = "w") -> list[Any]:
    """A run with trigger data and named steps, of which the last has the state of the run; `at` is before noon."""
    at -= 1_000
    given = [
        report("execution.queued", subject, at, workflow=workflow, trigger={"kind": "k", "data": data}),
        report("execution.finished", subject, at + 9, state=state),
    ]
    for index, name in enumerate(steps):
        ended = state if index == len(steps) - 1 else "SUCCEEDED"
        step = {"index": index, "name": name, "state": ended}
        given.append(report("step.finished", subject, at + index, id_=f"{subject} {index}", step=step))
    return given


async def found(database: Database, subject: str) -> Execution:
    (row,) = await select(database, "executions", "external_id = $1", subject)
    return (await executions.by_ids(database, [row["id"]]))[row["id"]]


async def compared(database: Database, before: Any, after: Any) -> Comparison:
    """Two runs with these trigger data."""
    await record(database, *run("one", 0, before), *run("two", 60, after))
    comparison = await compare(database, SEALER, await found(database, "two"), None)
    assert comparison is not None
    return comparison


def shown(comparison: Comparison) -> list[tuple[str, Kind, str | None, str | None, bool]]:
    return [(each.path, each.kind, each.before, each.after, each.sealed) for each in comparison.changes]


async def test_only_what_differs_is_there_with_its_digits(database: Database) -> None:
    before = {"a": 1, "b/c~": [1, 2, {"x": None}], "gone": {"deep": [True]}, "same": {"deep": ["text"]}, "kind": "1"}
    after = {"a": 1.5, "b/c~": [1, 3], "same": {"deep": ["text"]}, "kind": 1, "new": False}
    comparison = await compared(database, before, after)
    assert shown(comparison) == [
        ("/a", CHANGED, "1", "1.5", False),
        ("/b~1c~0/1", CHANGED, "2", "3", False),
        ("/b~1c~0/2", REMOVED, '{"x":null}', None, False),
        ("/kind", CHANGED, '"1"', "1", False),
        ("/new", ADDED, None, "false", False),
        ("/gone", REMOVED, '{"deep":[true]}', None, False),
    ]
    assert (comparison.truncated, comparison.sealed_compared) == (False, True)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"a": 1}, {"a": 1}, []),
        ([1, {"a": 2}], [1, {"a": 2}], []),
        (1, True, [("", CHANGED, "1", "true", False)]),
        ({"a": []}, {"a": {}}, [("/a", CHANGED, "[]", "{}", False)]),
        (None, {"a": 1}, [("", CHANGED, "null", '{"a":1}', False)]),
    ],
)
async def test_any_json_is_compared(database: Database, before: Any, after: Any, changes: list[Any]) -> None:
    assert shown(await compared(database, before, after)) == changes


async def test_numbers_differ_by_their_digits(database: Database) -> None:
    great = 10**30
    assert shown(await compared(database, {"a": great, "b": 2}, {"a": great + 1, "b": 2})) == [
        ("/a", CHANGED, str(great), str(great + 1), False)
    ]


async def test_secrets_are_compared_and_not_shown(database: Database) -> None:
    before = {"token": "hunter2", "secret": {"a": 1}, "password": "same", "cookie": "gone", "plain": "a"}
    after = {"token": "hunter3", "secret": {"a": 2}, "password": "same", "plain": "b", "apiKey": "new"}
    comparison = await compared(database, before, after)
    mask = '"•••"'
    assert shown(comparison) == [
        ("/token", CHANGED, mask, mask, True),
        ("/secret", CHANGED, mask, mask, True),
        ("/plain", CHANGED, '"a"', '"b"', False),
        ("/apiKey", ADDED, None, mask, True),
        ("/cookie", REMOVED, mask, None, True),
    ]
    assert "hunter" not in str(comparison.changes)
    other_key = Sealer([new_key()], SealedKeys(DEFAULT_SEALED_KEYS.split(",")))
    unknown = await compare(database, other_key, await found(database, "two"), None)
    assert unknown is not None
    assert [path for path, *_ in shown(unknown)] == ["/plain", "/apiKey", "/cookie"]
    assert not unknown.sealed_compared


async def test_many_changes_and_long_values_are_cut(database: Database) -> None:
    long = "x" * 10_000
    comparison = await compared(database, {"long": "y"}, {"long": long} | {str(n): n for n in range(MAX_CHANGES)})
    assert len(comparison.changes) == MAX_CHANGES
    assert comparison.truncated
    cut = json.loads(comparison.changes[0].after or "")
    assert (cut["truncated"], cut["bytes"]) == (True, 10_002)
    assert f'"{long}"'.startswith(cut["start"])


async def test_steps_are_matched_by_name_and_place(database: Database) -> None:
    await record(
        database,
        *run("one", 0, {}, "read", "check", "try", "try", "old"),
        *run("two", 60, {}, "read", "new", "try", "check", state="FAILED"),
    )
    comparison = await compare(database, SEALER, await found(database, "two"), None)
    assert comparison is not None
    steps = [
        (each.name, each.kind, each.before and each.before.index, each.after and each.after.index)
        for each in comparison.steps
    ]
    assert steps == [
        ("read", None, 0, 0),
        ("new", ADDED, None, 1),
        ("try", None, 2, 2),
        ("check", CHANGED, 1, 3),
        ("try", REMOVED, 3, None),
        ("old", REMOVED, 4, None),
    ]


async def test_the_other_run_is_the_last_success_before_or_the_one_that_is_named(database: Database) -> None:
    await record(
        database,
        *run("first", 0, {"n": 1}),
        *run("good", 60, {"n": 2}),
        *run("bad", 120, {"n": 3}, state="FAILED"),
        *run("this", 180, {"n": 4}, state="FAILED"),
        *run("later", 240, {"n": 5}),
        *run("other", 30, {}, workflow="other"),
    )
    this, first, other = [await found(database, subject) for subject in ("this", "first", "other")]
    by_itself = await compare(database, SEALER, this, None)
    assert by_itself is not None
    assert by_itself.other.external_id == "good"
    named = await compare(database, SEALER, this, first.id)
    assert named is not None
    assert shown(named) == [("/n", CHANGED, "1", "4", False)]
    assert await compare(database, SEALER, first, None) is None, "none before it"
    with pytest.raises(NotFound, match="with: no such execution"):
        await compare(database, SEALER, this, "0" * 32)
    with pytest.raises(BadInput, match="with: a run of 'other'; give one of 'w'"):
        await compare(database, SEALER, this, other.id)
