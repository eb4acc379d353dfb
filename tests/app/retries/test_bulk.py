"""Bulk retries retry what a dry run showed, in chunks that commit by themselves."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from app import clock
from app.changes.commits import Announcements, Committed
from app.db import Database
from app.engines.connections import connect_webhook
from app.errors import BadInput, Conflict, LimitExceeded, NotFound
from app.executions import lineage
from app.executions.filters import ExecutionFilter
from app.ingestion import Ingestion
from app.lifecycle import State, Status
from app.retention import bulk_retries as expiry
from app.retention.pruning import prune
from app.retries import Asked, Retries, bulk, bulk_store
from app.retries.blockers import RetryBlocker
from app.retries.bulk import BulkOutcome, BulkRequest, BulkRetries
from tests.app.reports import events, report, select
from tests.sealing import SEALER

FAILURES = ExecutionFilter(statuses=(Status.FAILURE,), workflow_names=("w",))


@pytest.fixture
async def connected(database: Database) -> Database:
    """A database that knows how to reach the engine of the reports."""
    await connect_webhook(database, SEALER, "engine", "http://127.0.0.1:9/", replace=False)
    return database


async def fail(database: Database, *subjects: str, workflow: str = "w", state: str = "FAILED") -> dict[str, str]:
    for number, subject in enumerate(subjects):
        reports = [
            report("execution.queued", at=number, workflow=workflow, trigger={"kind": "k", "data": {"of": subject}}),
            report("execution.finished", at=50, state=state),
        ]
        await Ingestion(database, SEALER).record(events(reports, subject))
    return {row["external_id"]: row["id"] for row in await select(database, "executions", "retry_of IS NULL")}


async def run(database: Database, **given: Any) -> BulkOutcome:
    return await BulkRetries(Retries(database, SEALER)).run(BulkRequest("ada", **given))


async def test_a_dry_run_does_nothing_and_its_snapshot_is_what_is_retried(connected: Database) -> None:
    ids = await fail(connected, "a", "b", "c")
    await fail(connected, "other", workflow="v")
    seen = await run(connected, where=FAILURES)
    assert (seen.stored.matched, seen.eligible, seen.retried, seen.skipped, seen.dry_run) == (3, 3, [], [], True)
    assert len(await select(connected, "executions", "1 = 1")) == 4
    await fail(connected, "new")
    done = await run(connected, snapshot=seen.stored.id, dry_run=False)
    assert {retry.retry_of for retry in done.retried} == {ids["a"], ids["b"], ids["c"]}
    assert (done.stored.matched, done.eligible, done.skipped, done.unprocessed) == (3, 3, [], [])
    for retry in done.retried:
        payloads = await select(connected, "execution_payloads", "execution_id = $1", retry.id)
        originals = await select(connected, "execution_payloads", "execution_id = $1", retry.retry_of)
        assert payloads[0]["trigger_data"] == originals[0]["trigger_data"]
    again = await run(connected, snapshot=seen.stored.id, dry_run=False)
    assert {(retry.id, retry.created) for retry in again.retried} == {(retry.id, False) for retry in done.retried}
    assert len(await select(connected, "outbox", "1 = 1")) == 3


async def test_skipped_ones_have_their_reasons(connected: Database) -> None:
    ids = await fail(connected, "a", "b")
    ids |= await fail(connected, "fine", state="SUCCEEDED")
    await Retries(connected, SEALER).request(Asked(ids["b"], "ada"))
    chosen = (ids["a"], ids["b"], ids["fine"])
    seen = await run(connected, ids=chosen)
    assert dict(seen.skipped) == {
        ids["b"]: [RetryBlocker.RETRY_IN_PROGRESS],
        ids["fine"]: [RetryBlocker.NOT_FAILED],
    }
    assert seen.eligible == 1
    done = await run(connected, ids=chosen, dry_run=False)
    assert {retry.retry_of: retry.created for retry in done.retried} == {ids["a"]: True, ids["b"]: False}
    assert dict(done.skipped) == {ids["fine"]: [RetryBlocker.NOT_FAILED]}


async def test_a_limit_takes_the_newest(connected: Database) -> None:
    ids = await fail(connected, *(f"run-{number:03}" for number in range(7)))
    done = await run(connected, where=FAILURES, limit=3, dry_run=False)
    assert done.stored.matched == 7
    assert {retry.retry_of for retry in done.retried} == {ids[f"run-{number:03}"] for number in (4, 5, 6)}


async def test_executions_beyond_the_time_limit_are_left(connected: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await fail(connected, *(f"run-{number}" for number in range(5)))
    monkeypatch.setattr(bulk, "CHUNK", 2)
    clock = iter([0.0, 1.0, 1.0, 1000.0])
    monkeypatch.setattr(bulk, "monotonic", lambda: next(clock))
    done = await run(connected, where=FAILURES, dry_run=False)
    assert (len(done.retried), len(done.unprocessed)) == (4, 1)
    assert {retry.retry_of for retry in done.retried} | set(done.unprocessed) == set(ids.values())
    monkeypatch.undo()
    rest = await run(connected, ids=tuple(done.unprocessed), dry_run=False)
    assert [retry.retry_of for retry in rest.retried] == done.unprocessed


async def test_broken_off_bulk_retry_says_what_was_committed(
    connected: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fail(connected, *(f"run-{number}" for number in range(5)))
    monkeypatch.setattr(bulk, "CHUNK", 2)
    lock, calls = lineage.lock_with_ancestors, []

    async def broken(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise OSError("the disk is full")
        return await lock(*args)

    monkeypatch.setattr(lineage, "lock_with_ancestors", broken)
    done = await BulkRetries(Retries(connected, SEALER)).run(BulkRequest("ada", where=FAILURES, dry_run=False))
    assert (len(done.retried), len(done.unprocessed)) == (2, 3)
    assert len(await select(connected, "outbox", "1 = 1")) == 2


async def test_ancestors_are_announced_in_the_order_of_their_ids(connected: Database) -> None:
    """Those of all retries at once, behind these; each is named once."""
    roots = await fail(connected, *(f"root-{number}" for number in range(6)))
    heard: list[Committed] = []
    bulk_retries = BulkRetries(Retries(connected, SEALER, Announcements([heard.append])))
    first = await bulk_retries.run(BulkRequest("ada", ids=tuple(sorted(roots.values(), reverse=True)), dry_run=False))
    made = [retry.id for retry in first.retried]
    assert heard[0].changed == [*made, *sorted(roots.values())]
    for retry in first.retried:
        (row,) = await select(connected, "executions", "id = $1", retry.id)
        failed = report("execution.finished", at=60, state="FAILED")
        await Ingestion(connected, SEALER).record(events([failed], row["external_id"]))
    second = await bulk_retries.run(BulkRequest("ada", ids=tuple(made), dry_run=False))
    assert heard[1].changed == [*(retry.id for retry in second.retried), *sorted([*roots.values(), *made])]


async def test_the_audit_has_the_filter(connected: Database) -> None:
    ids = await fail(connected, "a")
    done = await run(connected, where=FAILURES, dry_run=False)
    (entry,) = await select(connected, "audit_entries", "1 = 1")
    assert (entry["actor"], entry["action"]) == ("ada", "retryExecutions")
    assert json.loads(entry["detail"]) == {
        "filter": {"statuses": ["FAILURE"], "workflow_names": ["w"]},
        "snapshot": None,
        "bulkRetry": f"bulkRetry_{done.stored.id}",
        "retries": {f"execution_{ids['a']}": f"execution_{done.retried[0].id}"},
    }


async def test_the_audit_of_a_snapshot_has_the_filter_of_its_dry_run(connected: Database) -> None:
    await fail(connected, "a")
    seen = await run(connected, where=FAILURES)
    await run(connected, snapshot=seen.stored.id, dry_run=False)
    (entry,) = await select(connected, "audit_entries", "1 = 1")
    detail = json.loads(entry["detail"])
    assert detail["filter"] == {"statuses": ["FAILURE"], "workflow_names": ["w"]}
    assert detail["snapshot"] == f"snapshot_{seen.stored.id}"


async def test_bad_requests_change_nothing(connected: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await fail(connected, "a")
    for given in (
        {},
        {"where": FAILURES, "ids": ()},
        {"where": FAILURES, "limit": 0},
        {"where": FAILURES, "limit": 1001},
        {"where": FAILURES, "batch": 0, "dry_run": False},
        {"where": FAILURES, "batch": 1001, "dry_run": False},
        {"where": FAILURES, "batch": 1},
    ):
        with pytest.raises(BadInput):
            BulkRequest("ada", **given)  # type: ignore[arg-type]
    with pytest.raises(LimitExceeded):
        BulkRequest("ada", ids=("a" * 32,) * 3, limit=2)
    with pytest.raises(BadInput):
        BulkRequest("ada", snapshot="a" * 32)
    for unknown in ("0" * 32, "nonsense"):
        with pytest.raises(NotFound):
            await run(connected, ids=(ids["a"], unknown), dry_run=False)
        with pytest.raises(NotFound):
            await run(connected, snapshot=unknown, dry_run=False)
    seen = await run(connected, where=FAILURES)
    monkeypatch.setattr(bulk_store, "SNAPSHOT_LIFETIME", -1)
    with pytest.raises(Conflict):
        await run(connected, snapshot=seen.stored.id, dry_run=False)
    assert await select(connected, "outbox", "1 = 1") == []


async def test_bulk_retries_that_are_over_go_away_with_the_next(
    connected: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run after 10 minutes, a bulk retry 30 days after its start."""
    await fail(connected, "a")
    now = clock.now_us()
    dry, started = {}, {}
    for age in (expiry.LIFETIME, expiry.LIFETIME + 1, expiry.SNAPSHOT_LIFETIME + 1, 0):
        monkeypatch.setattr(clock, "now_us", lambda age=age: now - age)
        started[age] = (await run(connected, where=FAILURES, dry_run=False)).stored.id
    for age in (expiry.SNAPSHOT_LIFETIME, expiry.SNAPSHOT_LIFETIME + 1):
        monkeypatch.setattr(clock, "now_us", lambda age=age: now - age)
        dry[age] = (await run(connected, where=FAILURES)).stored.id
    monkeypatch.setattr(clock, "now_us", lambda: now)
    last = (await run(connected, where=FAILURES)).stored.id
    (oldest, over, *kept), (good, old) = started.values(), dry.values()
    assert set(await bulk.outcomes(connected, [*started.values(), *dry.values()])) == {oldest, *kept, good}
    rows = await select(connected, "bulk_retries", "1 = 1")
    assert {row["id"] for row in rows} == {oldest, *kept, good, last}
    chosen = await select(connected, "bulk_retry_executions", "1 = 1")
    assert {row["bulk_retry_id"] for row in chosen} == {row["id"] for row in rows}
    monkeypatch.setattr(clock, "now_us", lambda: now + 1)
    with pytest.raises(Conflict, match="expired"):
        await run(connected, snapshot=good, dry_run=False)
    for gone in (old, over):
        with pytest.raises(NotFound):
            await run(connected, snapshot=gone, dry_run=False)
    assert set(await bulk.outcomes(connected, [oldest, good, last])) == {last}


async def test_snapshot_that_was_started_goes_on_after_its_ten_minutes(
    connected: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await fail(connected, "a", "b", "c")
    seen = await run(connected, where=FAILURES)
    first = await run(connected, snapshot=seen.stored.id, dry_run=False, batch=2)
    assert (len(first.retried), len(first.unprocessed), first.created) == (2, 1, 2)
    now = clock.now_us()
    monkeypatch.setattr(clock, "now_us", lambda: now + expiry.SNAPSHOT_LIFETIME + clock.HOUR)
    rest = await run(connected, snapshot=seen.stored.id, dry_run=False)
    assert {retry.retry_of for retry in rest.retried} == set(ids.values())
    assert [retry.created for retry in rest.retried] == [False, False, True]
    assert (rest.created, rest.unprocessed) == (3, [])
    assert len(await select(connected, "executions", "bulk_retry_id = $1", seen.stored.id)) == 3


async def test_execution_has_its_turn_once_whatever_became_of_its_retry(connected: Database) -> None:
    """Even of one whose retry lost contact, which a new request would retry."""
    ids = await fail(connected, "a", "b")
    seen = await run(connected, where=FAILURES)
    done = await run(connected, snapshot=seen.stored.id, dry_run=False)
    silent = [(retry.id, int(State.CONTACT_LOST), int(Status.PENDING)) for retry in done.retried]
    await connected.transaction(lambda tx: tx.update("executions", ("id", "state", "status"), silent, key=("id",)))
    again = await run(connected, snapshot=seen.stored.id, dry_run=False)
    assert [(retry.id, retry.created) for retry in again.retried] == [(retry.id, False) for retry in done.retried]
    assert len(await select(connected, "executions", "retry_of IS NOT NULL")) == 2
    fresh = await run(connected, ids=tuple(ids.values()), dry_run=False)
    assert [retry.created for retry in fresh.retried] == [True, True]


async def test_two_tabs_that_go_on_at_once_settle_each_execution_once(
    connected: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await fail(connected, *(f"run-{number}" for number in range(9)))
    monkeypatch.setattr(bulk, "CHUNK", 2)
    seen = await run(connected, where=FAILURES)
    tabs = [run(connected, snapshot=seen.stored.id, dry_run=False) for _ in range(3)]
    ends = await asyncio.gather(*tabs)
    assert sum(retry.created for end in ends for retry in end.retried) == 9
    (end,) = (await bulk.outcomes(connected, [seen.stored.id])).values()
    assert {retry.retry_of for retry in end.retried if retry.created} == set(ids.values())
    assert len(await select(connected, "outbox", "1 = 1")) == 9


async def test_sums_by_reason_and_workflow(connected: Database) -> None:
    ids = await fail(connected, "a", "b")
    ids |= await fail(connected, "c", workflow="v")
    ids |= await fail(connected, "fine", "good", workflow="v", state="SUCCEEDED")
    chosen = (*ids.values(),)
    seen = await run(connected, ids=chosen)
    assert (seen.looked_at, seen.eligible, seen.workflows) == (5, 3, [("w", 2), ("v", 1)])
    assert seen.blockers == [(RetryBlocker.NOT_FAILED, 2)]
    await Retries(connected, SEALER).request(Asked(ids["b"], "ada"))
    half = await run(connected, snapshot=seen.stored.id, dry_run=False, batch=2)
    assert (half.eligible, half.workflows, half.created) == (5, [("v", 3), ("w", 2)], 1)
    done = await run(connected, snapshot=seen.stored.id, dry_run=False)
    assert (done.eligible, done.workflows, done.created) == (3, [("w", 2), ("v", 1)], 2)
    assert done.blockers == [(RetryBlocker.NOT_FAILED, 2)]


async def test_execution_that_was_deleted_before_its_turn_is_not_left_over(connected: Database) -> None:
    ids = await fail(connected, "a", "b")
    seen = await run(connected, where=FAILURES)
    await prune(connected, 10**17)
    done = await run(connected, snapshot=seen.stored.id, dry_run=False)
    assert (done.looked_at, done.retried, done.skipped, done.unprocessed, done.eligible) == (len(ids), [], [], [], 0)
    (again,) = (await bulk.outcomes(connected, [seen.stored.id])).values()
    assert not again.dry_run
