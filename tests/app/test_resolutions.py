"""Failures resolved by hand: they and what they retry count as resolved, nothing else changes, and it is undone."""

from __future__ import annotations

from typing import Any

import pytest

from app import audit, executions, resolutions
from app.alerts import streaks
from app.changes.commits import Announcements, Committed
from app.db import Database
from app.engines.connections import connect_webhook
from app.errors import BadInput, LimitExceeded, NotFound
from app.executions.filters import ExecutionFilter
from app.ids import new_id
from app.ingestion import Ingestion
from app.lifecycle import State
from app.paging import PageRequest
from app.resolutions import Chosen, Mended, Settled
from app.retention.pruning import prune
from app.retries import Asked, Retries
from tests.app.reports import NOON, events, newest_revision, report, select
from tests.factories import execution_row, insert_executions
from tests.sealing import SEALER

A, B, C, D, E = (digit * 32 for digit in "abcde")
ADA = "ada"


async def fill(database: Database) -> None:
    """A ← B ← C, all failed; D failed, E succeeded."""
    line = {A: None, B: A, C: B, D: None, E: None}
    rows = [
        execution_row(
            id=id_,
            external_id=id_,
            queued_at=NOON + number,
            finished_at=NOON + 10 + number,
            retry_of=parent,
            state=State.SUCCEEDED if id_ == E else State.FAILED,
        )
        for number, (id_, parent) in enumerate(line.items())
    ]
    await insert_executions(database, *rows)


async def resolve(database: Database, *given: str, heard: list[Committed] | None = None, **more: Any) -> Settled:
    chosen: dict[str, Any] = {"ids": given} if given else {}
    announcements = Announcements([] if heard is None else [heard.append])
    return await resolutions.resolve(database, announcements, Mended(ADA, "by hand", **chosen, **more))


async def take_back(database: Database, *given: str, **more: Any) -> Settled:
    chosen: dict[str, Any] = {"ids": given} if given else {}
    return await resolutions.take_back(database, Announcements(), ADA, Chosen(**chosen, **more))


async def unresolved(database: Database) -> set[str]:
    """As the filter says; the rows must say the same."""
    where = ExecutionFilter(unresolved=True)
    page = await executions.list_page(database, where, executions.ExecutionOrder(), PageRequest())
    found = {each.id for each in page.items}
    every = await executions.by_ids(database, (A, B, C, D, E))
    assert {id_ for id_, each in every.items() if each.unresolved} == found
    others = await executions.count(database, ExecutionFilter(unresolved=False))
    assert others.value == len(every) - len(found)
    return found


async def test_a_resolution_counts_for_the_run_and_what_it_retries(database: Database) -> None:
    await fill(database)
    heard: list[Committed] = []
    settled = await resolve(database, B, E, B, heard=heard)
    assert settled == Settled([B], 1)
    assert await unresolved(database) == {C, D}
    assert [each.changed for each in heard] == [[A, B]]
    found = await resolutions.by_ids(database, (A, B, C))
    assert [(each.execution_id, each.actor, each.note) for each in found.values()] == [(B, ADA, "by hand")]
    # Whether they are resolved does not make them successes.
    assert {each.retry_succeeded for each in (await executions.by_ids(database, (A, B))).values()} == {False}


async def test_undoing_it_brings_back_what_was(database: Database) -> None:
    await fill(database)
    before = await executions.by_ids(database, (A, B, C, D, E))
    await resolve(database, B, D)
    assert await take_back(database, D, A, B, E) == Settled([D, B], 2)
    assert await executions.by_ids(database, (A, B, C, D, E)) == before
    assert await resolutions.by_ids(database, (A, B, D)) == {}
    # Of an ancestor that was resolved by itself nothing is taken back.
    await resolve(database, C)
    await take_back(database, C)
    await resolve(database, A, C)
    await take_back(database, C)
    assert await unresolved(database) == {B, C, D}


async def test_doing_it_again_changes_nothing(database: Database) -> None:
    await fill(database)
    await resolve(database, B)
    revision = await newest_revision(database)
    assert await resolve(database, A, B) == Settled([], 2)
    assert await take_back(database, D) == Settled([], 1)
    assert await newest_revision(database) == revision
    page = await audit.list_page(database, PageRequest())
    assert [each.action for each in page.items] == ["resolveExecutions"]


async def test_it_is_audited(database: Database) -> None:
    await fill(database)
    await resolve(database, B)
    await resolve(database, where=ExecutionFilter(ids=(C, D)))
    await take_back(database, B)
    entries = (await audit.list_page(database, PageRequest())).items
    assert [(each.actor, each.action) for each in entries] == [
        (ADA, "unresolveExecutions"),
        (ADA, "resolveExecutions"),
        (ADA, "resolveExecutions"),
    ]
    assert entries[0].subject == entries[2].subject == f"execution_{B}"
    assert entries[1].subject is None
    assert entries[1].detail is not None
    assert '"note":"by hand"' in entries[1].detail
    assert f'"filter":{{"ids":["{C}","{D}"]}}' in entries[1].detail


async def test_a_filter_resolves_what_is_unresolved_of_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database)
    assert await resolve(database, where=ExecutionFilter(unresolved=False)) == Settled([], 0)
    monkeypatch.setattr(resolutions, "MAX_EXECUTIONS", 2)
    assert await resolve(database, where=ExecutionFilter()) == Settled([D, C], 0, more=True)
    assert await unresolved(database) == set()  # C retries B, and that A
    assert await resolve(database, where=ExecutionFilter()) == Settled([], 0)


async def test_a_filter_takes_back_what_was_resolved_by_hand(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database)
    await resolve(database, A, C, D)
    assert await take_back(database, where=ExecutionFilter(unresolved=True)) == Settled([], 0)
    assert await take_back(database, where=ExecutionFilter(ids=(B, D, E))) == Settled([D], 0)
    monkeypatch.setattr(resolutions, "MAX_PAGE_SIZE", 1)
    monkeypatch.setattr(resolutions, "MAX_EXECUTIONS", 1)
    assert await take_back(database, where=ExecutionFilter()) == Settled([C], 0, more=True)
    assert await take_back(database, where=ExecutionFilter()) == Settled([A], 0)
    assert await unresolved(database) == {A, B, C, D}
    (entry, *_) = (await audit.list_page(database, PageRequest())).items
    assert entry.detail is not None
    assert '"filter":{}' in entry.detail


async def test_bad_input_changes_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database)
    unknown = new_id(NOON)
    with pytest.raises(NotFound, match=f"ids: no such execution: 'execution_{unknown}'"):
        await resolve(database, D, unknown)
    await resolve(database, B)
    with pytest.raises(NotFound, match=f"ids: no such execution: 'execution_{unknown}'"):
        await take_back(database, B, unknown)
    assert await unresolved(database) == {C, D}
    with pytest.raises(BadInput, match="exactly one of filter and ids"):
        Mended(ADA, "n")
    with pytest.raises(BadInput, match="exactly one of filter and ids"):
        Mended(ADA, "n", where=ExecutionFilter(), ids=(A,))
    for note in ("", " \n", "\u200b\n\u2060", "n" * 1001, "a\0b", "a\rb", "\ud800"):
        with pytest.raises(BadInput, match="note: must"):
            Mended(ADA, note, ids=(A,))
    Mended(ADA, "two\nlines, and ü, a space\u00a0: and 👩‍🔧", ids=(A,))
    monkeypatch.setattr(resolutions, "MAX_EXECUTIONS", 1)
    with pytest.raises(LimitExceeded, match="ids: at most 1 executions, not 2"):
        await resolve(database, A, B)
    with pytest.raises(LimitExceeded, match="ids: at most 1 executions, not 2"):
        await take_back(database, A, B)


async def failed(database: Database, subject: str, at: int = 0) -> str:
    reports = [
        report("execution.queued", at=at, workflow="w", trigger={"kind": "k", "data": {}}),
        report("execution.finished", at=at + 1, state="FAILED"),
    ]
    await Ingestion(database, SEALER).record(events(reports, subject))
    row = (await select(database, "executions", "external_id = $1", subject))[0]
    return str(row["id"])


async def test_it_ends_no_streak_and_leaves_a_retry_possible(database: Database) -> None:
    ids = [await failed(database, f"{n}", n) for n in range(3)]
    await connect_webhook(database, SEALER, "engine", "http://127.0.0.1:9/", replace=False)
    await resolve(database, *ids)
    workflow = (await executions.by_ids(database, ids))[ids[0]].workflow_id
    assert await streaks.lengths(database, [workflow]) == {workflow: 3}
    retry = await Retries(database, SEALER).request(Asked(ids[2], ADA))
    assert retry.created
    # That the retry is there, or fails, takes nothing back.
    assert not (await executions.by_ids(database, ids))[ids[2]].unresolved


async def test_a_link_that_comes_late_resolves_what_it_leads_to(database: Database) -> None:
    first, second = await failed(database, "first"), await failed(database, "second", 5)
    await resolve(database, second)
    claim = report("execution.queued", at=5, id_="late", workflow="w", retryOf=f"execution_{first}")
    await Ingestion(database, SEALER).record(events([claim], "second"))
    assert not (await executions.by_ids(database, [first]))[first].unresolved


async def test_it_goes_with_its_execution(database: Database) -> None:
    await fill(database)
    await resolve(database, D)
    await prune(database, NOON + 100)
    assert await select(database, "resolutions", "1 = 1") == []
