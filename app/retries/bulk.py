"""Retries of many executions, chosen by a filter, by ids, or by a dry run.

A bulk retry is kept, with what became of each execution (app/retries/bulk_store.py). A dry run keeps what it showed, so
that somebody retries what they have seen, and not what the filter matches later. Each chunk is a commit. What takes too
long is left for another request, which goes on where the last commit was: no execution has its turn twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import msgspec
import orjson

from app import audit, clock, engines, executions, ids
from app.db import Database, Transaction
from app.errors import BadInput, Conflict, LimitExceeded, NotFound, RetryRefused, log_failure
from app.executions import ExecutionOrder, lineage
from app.executions.filters import ExecutionFilter, described
from app.ids import new_id
from app.log import get_logger
from app.paging import MAX_PAGE_SIZE, PageRequest
from app.retries import Asked, Retries, Retry, bulk_store
from app.retries.blockers import RetryBlocker, blockers
from app.retries.bulk_store import Chosen, StoredBulk

log = get_logger(__name__)

MAX_LIMIT = 1_000
# Executions that one transaction locks, besides their ancestors.
CHUNK = 50
# Clients and proxies give up at 30 s at the earliest, and the last chunk takes its time.
DEADLINE_SECONDS = 15.0

Skipped = tuple[str, Sequence[RetryBlocker]]


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """Which executions to retry: exactly one of filter, ids and snapshot; otherwise BadInput or LimitExceeded.

    `batch` bounds how many this request settles, None: as many as there is time for.
    """

    actor: str
    where: ExecutionFilter | None = None
    ids: tuple[str, ...] | None = None
    snapshot: str | None = None
    limit: int = 100
    dry_run: bool = True
    batch: int | None = None

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.where, self.ids, self.snapshot)) != 1:
            raise BadInput("Pass exactly one of filter, ids and snapshot")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise BadInput(f"limit: must be 1 to {MAX_LIMIT}, not {self.limit}")
        if self.ids is not None and len(self.ids) > self.limit:
            raise LimitExceeded(f"ids: {len(self.ids)} ids exceed the limit of {self.limit}")
        if self.snapshot is not None and self.dry_run:
            raise BadInput("snapshot: comes from a dry run; pass dryRun: false with it")
        if self.batch is not None and not 1 <= self.batch <= MAX_LIMIT:
            raise BadInput(f"batch: must be 1 to {MAX_LIMIT}, not {self.batch}")
        if self.batch is not None and self.dry_run:
            raise BadInput("batch: bounds what is retried; pass dryRun: false with it")


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """A bulk retry as far as it has come, by execution id."""

    stored: StoredBulk
    retried: list[Retry]
    created: int  # of the retried: those whose retry it made
    skipped: list[Skipped]
    unprocessed: list[str]  # empty for a dry run, which says only what it would do
    eligible_ids: list[str]
    workflows: list[tuple[str, int]]  # of the eligible, most first
    looked_at: int

    @property
    def eligible(self) -> int:
        """How many can be retried, or were."""
        return len(self.eligible_ids)

    @property
    def dry_run(self) -> bool:
        """Whether nothing was retried."""
        return self.stored.started_at is None

    @property
    def blockers(self) -> list[tuple[RetryBlocker, int]]:
        """How many are skipped for each reason, most first; some have several."""
        found = Counter(reason for _, reasons in self.skipped for reason in reasons)
        return sorted(found.items(), key=lambda each: (-each[1], list(RetryBlocker).index(each[0])))


class BulkRetries:
    """Retries of many executions at once."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._database = retries.database

    async def run(self, request: BulkRequest) -> BulkOutcome:
        """Look at the executions, and retry those that can be, unless it is a dry run.

        Raises NotFound for unknown ids and snapshots, Conflict for an expired snapshot. The outcome is that of all
        requests with the snapshot; its retries are `created` by this one.
        """
        id_ = request.snapshot or await self._keep(request)
        made: set[str] = set()
        if not request.dry_run:
            made = await self._retry(request, id_)
        outcome = (await outcomes(self._database, [id_])).get(id_)
        if outcome is None:  # over by now
            raise NotFound(UNKNOWN)
        return replace(outcome, retried=[replace(retry, created=retry.id in made) for retry in outcome.retried])

    async def _keep(self, request: BulkRequest) -> str:
        """Choose the executions, and keep them; the new bulk retry's id."""
        matched, chosen = await self._choose(request)
        now = clock.now_us()
        filter_ = None if request.where is None else orjson.dumps(described(request.where)).decode()
        started_at = None if request.dry_run else now
        stored = StoredBulk(new_id(now), now, started_at, request.actor, filter_, matched)
        await self._database.transaction(lambda tx: bulk_store.insert(tx, stored, chosen))
        return stored.id

    async def _choose(self, request: BulkRequest) -> tuple[int, list[Chosen]]:
        """How many match, and those to look at, newest first."""
        if request.ids is not None:
            given = list(dict.fromkeys(request.ids))
            found = await executions.by_ids(self._database, given)
            if missing := [id_ for id_ in given if id_ not in found]:
                raise NotFound(f"ids: no such execution: {ids.to_global('execution', missing[0])!r}")
            return len(given), [Chosen(place, id_, found[id_].workflow_name) for place, id_ in enumerate(given)]
        assert request.where is not None
        chosen: list[Chosen] = []
        after = None
        while len(chosen) < request.limit:
            size = min(request.limit - len(chosen), MAX_PAGE_SIZE)
            wanted = PageRequest(first=size, after=after)
            page = await executions.list_page(self._database, request.where, ExecutionOrder(), wanted)
            chosen += [Chosen(place, each.id, each.workflow_name) for place, each in enumerate(page.items, len(chosen))]
            after = page.end_cursor
            if not await page.has_next_page():
                return len(chosen), chosen
        counted = await executions.count(self._database, request.where)
        return max(counted.value, len(chosen)), chosen

    async def _retry(self, request: BulkRequest, id_: str) -> set[str]:
        """Settle what is left, as far as there is time; the ids of the retries that this made."""
        deadline = monotonic() + DEADLINE_SECONDS
        made: set[str] = set()
        settled, size = 0, MAX_LIMIT if request.batch is None else request.batch
        while settled < size:
            chunk = min(CHUNK, size - settled)
            try:
                if monotonic() > deadline:
                    raise TimeoutError
                done = await self._database.transaction(lambda tx, chunk=chunk: self._chunk(tx, request, id_, chunk))  # type: ignore[misc]
            except TimeoutError:
                break
            except Exception as error:
                if not settled:
                    raise
                # Listeners must hear of what was committed.
                log_failure(log, "bulk_retry_broken_off", error)
                break
            made |= {each.retry_id for each in done if each.created and each.retry_id is not None}
            settled += len(done)
            if len(done) < chunk:
                break
        return made

    async def _chunk(self, transaction: Transaction, request: BulkRequest, id_: str, size: int) -> list[Chosen]:
        """Settle the next executions; what became of them. Somebody else may have settled the ones before."""
        stored = await bulk_store.lock(transaction, id_)
        if stored is None:
            raise NotFound(UNKNOWN)
        if stored.expired(clock.now_us()):
            raise Conflict("snapshot: expired; make a dry run again")
        if stored.started_at is None:
            await bulk_store.start(transaction, stored, request.actor)
        chosen = await bulk_store.left_of(transaction, id_, size)
        family = await lineage.lock_with_ancestors(transaction, [each.execution_id for each in chosen])
        results: list[Chosen] = []
        made: list[Retry] = []
        for each in chosen:
            if each.execution_id not in family:
                results.append(each)
                continue
            try:
                retry = await self._retries.make(transaction, family, Asked(each.execution_id, request.actor, bulk=id_))
            except RetryRefused as refused:
                results.append(_with(each, reasons=tuple(refused.reasons)))
                continue
            results.append(_with(each, retry_id=retry.id, created=retry.created))
            if retry.created:
                made.append(retry)
        await bulk_store.settle(transaction, id_, results)
        if made:
            above = {id_ for retry in made for id_ in lineage.line_in(family, retry.retry_of)}
            await audit.note(transaction, request.actor, "retryExecutions", None, _detail(stored, request, made))
            await self._retries.announce(transaction, made, above)
        return results


UNKNOWN = "snapshot: unknown or deleted; make a dry run"


async def outcomes(database: Database, wanted: Iterable[str]) -> dict[str, BulkOutcome]:
    """Bulk retries with these ids as they are now, by id; of a dry run, what it would do now.

    Leaves out unknown ones, and those that are over.
    """
    found = await bulk_store.by_ids(database, wanted)
    chosen = await bulk_store.chosen_by(database, found) if found else {}
    looks = [each.execution_id for id_, of in chosen.items() if found[id_].started_at is None for each in of]
    blocked = await _blocked(database, looks) if looks else {}
    return {id_: _outcome(stored, chosen.get(id_, []), blocked) for id_, stored in found.items()}


def _outcome(stored: StoredBulk, chosen: Sequence[Chosen], blocked: dict[str, Sequence[RetryBlocker]]) -> BulkOutcome:
    if stored.started_at is None:
        reasons = {each.execution_id: blocked.get(each.execution_id) for each in chosen}
        skipped: list[Skipped] = [(id_, why) for id_, why in reasons.items() if why]
        eligible = [each for each in chosen if reasons[each.execution_id] == []]
        retried: list[Retry] = []
        unprocessed: list[str] = []
    else:
        skipped = [(each.execution_id, list(each.reasons)) for each in chosen if each.reasons]
        retried = [
            Retry(each.retry_id, each.execution_id, each.created) for each in chosen if each.retry_id is not None
        ]
        unprocessed = [each.execution_id for each in chosen if not each.settled]
        eligible = [each for each in chosen if each.retry_id is not None or not each.settled]
    workflows = Counter(each.workflow_name for each in eligible)
    by_count = sorted(workflows.items(), key=lambda each: (-each[1], each[0]))
    created = sum(retry.created for retry in retried)
    eligible_ids = [each.execution_id for each in eligible]
    return BulkOutcome(stored, retried, created, skipped, unprocessed, eligible_ids, by_count, len(chosen))


async def _blocked(database: Database, wanted: Sequence[str]) -> dict[str, Sequence[RetryBlocker]]:
    """Why each execution cannot be retried now, empty if it can; leaves out those that were deleted."""
    found = await executions.by_ids(database, wanted)
    of_engines = await engines.by_ids(database, {execution.engine_id for execution in found.values()})
    earlier = await lineage.retries_of(database, wanted)
    return {
        id_: blockers(execution, of_engines[execution.engine_id], [retry.state for retry in earlier.get(id_, ())])
        for id_, execution in found.items()
    }


def _detail(stored: StoredBulk, request: BulkRequest, made: Sequence[Retry]) -> dict[str, object]:
    """What the audit log says: how the executions were chosen, and which retries were made."""
    snapshot = request.snapshot
    return {
        "filter": None if stored.filter is None else orjson.loads(stored.filter),
        "snapshot": None if snapshot is None else ids.to_global("snapshot", snapshot),
        "bulkRetry": ids.to_global("bulkRetry", stored.id),
        "retries": _named(made),
    }


def _with(each: Chosen, **result: Any) -> Chosen:
    return msgspec.structs.replace(each, settled=True, **result)


def _named(made: Sequence[Retry]) -> dict[str, str]:
    return {ids.to_global("execution", retry.retry_of): ids.to_global("execution", retry.id) for retry in made}
