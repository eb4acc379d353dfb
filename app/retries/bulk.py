"""Retries of many executions, chosen by a filter, by ids, or by a dry run.

A dry run stores the ids that it showed as a snapshot, so that somebody retries what they have seen, and not what the
filter matches later. Each chunk is a commit. What takes too long is left for another call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import orjson

from app import audit, clock, engines, executions, ids
from app.db import Row, Transaction
from app.errors import BadInput, Conflict, LimitExceeded, NotFound, RetryRefused
from app.executions import ExecutionOrder, lineage
from app.executions.filters import ExecutionFilter, described
from app.ids import is_id, new_id
from app.log import get_logger
from app.paging import MAX_PAGE_SIZE, PageRequest
from app.retries import Asked, Retries, Retry
from app.retries.blockers import RetryBlocker, blockers

log = get_logger(__name__)

MAX_LIMIT = 1_000
# Executions that one transaction locks, besides their ancestors.
CHUNK = 50
# Clients and proxies give up at 30 s at the earliest.
DEADLINE_SECONDS = 20.0
SNAPSHOT_LIFETIME = 10 * clock.MINUTE

Skipped = tuple[str, Sequence[RetryBlocker]]


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """Which executions to retry: exactly one of filter, ids and snapshot; otherwise BadInput or LimitExceeded."""

    actor: str
    where: ExecutionFilter | None = None
    ids: tuple[str, ...] | None = None
    snapshot: str | None = None
    limit: int = 100
    dry_run: bool = True

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.where, self.ids, self.snapshot)) != 1:
            raise BadInput("Pass exactly one of filter, ids and snapshot")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise BadInput(f"limit: must be 1 to {MAX_LIMIT}, not {self.limit}")
        if self.ids is not None and len(self.ids) > self.limit:
            raise LimitExceeded(f"ids: {len(self.ids)} ids exceed the limit of {self.limit}")
        if self.snapshot is not None and self.dry_run:
            raise BadInput("snapshot: comes from a dry run; pass dryRun: false with it")


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """The result, by execution id."""

    matched: int
    eligible: int
    retried: list[Retry]
    skipped: list[Skipped]
    unprocessed: list[str]
    dry_run: bool
    snapshot: str | None


class BulkRetries:
    """Retries of many executions at once."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._database = retries.database

    async def run(self, request: BulkRequest) -> BulkOutcome:
        """Look at the executions, and retry those that can be, unless it is a dry run.

        Raises NotFound for unknown ids and snapshots, Conflict for an expired snapshot.
        """
        matched, chosen = await self._choose(request)
        if not request.dry_run:
            return await self._retry(request, matched, chosen)
        skipped = await self._skipped(chosen)
        snapshot = await self._keep(request, chosen)
        return BulkOutcome(matched, len(chosen) - len(skipped), [], skipped, [], True, snapshot)

    async def _choose(self, request: BulkRequest) -> tuple[int, list[str]]:
        """How many match, and the ids of those to look at, newest first."""
        if request.snapshot is not None:
            kept = await self._kept(request.snapshot)
            return len(kept), kept
        if request.ids is not None:
            given = list(dict.fromkeys(request.ids))
            found = await executions.by_ids(self._database, given)
            if missing := [id_ for id_ in given if id_ not in found]:
                raise NotFound(f"ids: no such execution: {ids.to_global('execution', missing[0])!r}")
            return len(given), given
        assert request.where is not None
        chosen: list[str] = []
        after = None
        while len(chosen) < request.limit:
            size = min(request.limit - len(chosen), MAX_PAGE_SIZE)
            wanted = PageRequest(first=size, after=after)
            page = await executions.list_page(self._database, request.where, ExecutionOrder(), wanted)
            chosen += [execution.id for execution in page.items]
            after = page.end_cursor
            if not await page.has_next_page():
                return len(chosen), chosen
        counted = await executions.count(self._database, request.where)
        return max(counted.value, len(chosen)), chosen

    async def _skipped(self, chosen: Sequence[str]) -> list[Skipped]:
        """Those that cannot be retried now, with all reasons."""
        found = await executions.by_ids(self._database, chosen)
        of_engines = await engines.by_ids(self._database, {execution.engine_id for execution in found.values()})
        earlier = await lineage.retries_of(self._database, chosen)
        skipped = []
        for id_, execution in ((id_, found[id_]) for id_ in chosen if id_ in found):
            states = [retry.state for retry in earlier.get(id_, ())]
            if reasons := blockers(execution, of_engines[execution.engine_id], states):
                skipped.append((id_, reasons))
        return skipped

    async def _retry(self, request: BulkRequest, matched: int, chosen: list[str]) -> BulkOutcome:
        deadline = monotonic() + DEADLINE_SECONDS
        retried: list[Retry] = []
        skipped: list[Skipped] = []
        for start in range(0, len(chosen), CHUNK):
            chunk = chosen[start : start + CHUNK]
            try:
                if monotonic() > deadline:
                    raise TimeoutError
                done, refused = await self._database.transaction(lambda tx, ids=chunk: self._chunk(tx, request, ids))  # type: ignore[misc]
            except TimeoutError:
                break
            except Exception:
                if not start:
                    raise
                # Listeners must hear of what was committed.
                log.exception("bulk_retry_broken_off")
                break
            retried += done
            skipped += refused
        settled = {retry.retry_of for retry in retried} | {id_ for id_, _ in skipped}
        unprocessed = [id_ for id_ in chosen if id_ not in settled]
        eligible = len(retried) + len(unprocessed)
        return BulkOutcome(matched, eligible, retried, skipped, unprocessed, False, request.snapshot)

    async def _chunk(
        self, transaction: Transaction, request: BulkRequest, chunk: Sequence[str]
    ) -> tuple[list[Retry], list[Skipped]]:
        family = await lineage.lock_with_ancestors(transaction, chunk)
        retried: list[Retry] = []
        skipped: list[Skipped] = []
        for id_ in (id_ for id_ in chunk if id_ in family):
            try:
                retried.append(await self._retries.make(transaction, family, Asked(id_, request.actor)))
            except RetryRefused as refused:
                skipped.append((id_, refused.reasons))
        if made := [retry for retry in retried if retry.created]:
            above = {id_ for retry in made for id_ in lineage.line_in(family, retry.retry_of)}
            detail = {**await _chosen_by(transaction, request), "retries": _named(made)}
            await audit.note(transaction, request.actor, "retryExecutions", None, detail)
            await self._retries.announce(transaction, made, above)
        return retried, skipped

    async def _keep(self, request: BulkRequest, chosen: list[str]) -> str:
        now = clock.now_us()
        id_ = new_id(now)
        chosen_by = None if request.where is None else orjson.dumps(described(request.where)).decode()
        row = (id_, now, request.actor, chosen_by, orjson.dumps(chosen).decode())

        async def work(transaction: Transaction) -> None:
            await transaction.fetch("DELETE FROM retry_snapshots WHERE created_at < $1", now - SNAPSHOT_LIFETIME)
            await transaction.insert("retry_snapshots", ("id", "created_at", "actor", "filter", "execution_ids"), [row])

        await self._database.transaction(work)
        return id_

    async def _kept(self, snapshot: str) -> list[str]:
        rows: Sequence[Row] = ()
        if is_id(snapshot):
            sql = "SELECT execution_ids, created_at FROM retry_snapshots WHERE id = $1"
            rows = await self._database.fetch(sql, snapshot)
        if not rows:
            raise NotFound("snapshot: unknown or deleted; make a dry run")
        [(execution_ids, created_at)] = rows
        if clock.now_us() - created_at > SNAPSHOT_LIFETIME:
            raise Conflict("snapshot: expired; make a dry run again")
        kept: list[str] = orjson.loads(execution_ids)
        return kept


async def _chosen_by(transaction: Transaction, request: BulkRequest) -> dict[str, object]:
    """How the executions were chosen; for a snapshot, by the filter of its dry run."""
    if request.snapshot is None:
        return {"filter": None if request.where is None else described(request.where), "snapshot": None}
    rows = await transaction.fetch("SELECT filter FROM retry_snapshots WHERE id = $1", request.snapshot)
    kept = rows[0][0] if rows else None
    return {
        "filter": None if kept is None else orjson.loads(kept),
        "snapshot": ids.to_global("snapshot", request.snapshot),
    }


def _named(made: Sequence[Retry]) -> dict[str, str]:
    return {ids.to_global("execution", retry.retry_of): ids.to_global("execution", retry.id) for retry in made}
