"""Batches: one statement reads what many fields of one request ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from app import audit, engines, error_groups, executions, workflows
from app.alerts import history, rules, streaks
from app.auth import tokens
from app.db import Database
from app.delivery import outbox
from app.engines import issues
from app.error_groups import merging
from app.executions import lineage, payloads, steps
from app.retries import bulk

V = TypeVar("V")


class Loader(Generic[V]):
    """Batches the ids that fields ask for in one turn of the event loop; reads each id once in its lifetime.

    Not Strawberry's DataLoader (0.341): it hands one future to every field that waits for a key, so cancelling one
    field cancels the others, and it keeps the exception of a failed read for its lifetime. Shielding costs some 2 µs a
    load. A reader here returns a dict, so that a missing row is None without padding.
    """

    def __init__(self, read: Callable[[Database, Iterable[str]], Awaitable[dict[str, V]]], database: Database) -> None:
        self._read = read
        self._database = database
        self._futures: dict[str, asyncio.Future[V | None]] = {}
        self._waiting: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()  # the event loop itself holds tasks weakly

    def load(self, id_: str) -> Awaitable[V | None]:
        """The value of an id, or None if there is none."""
        # Shielded: cancelling one field (a sibling failed) must not cancel the others that wait for this id.
        return asyncio.shield(self._future(id_))

    async def load_all(self, ids: Iterable[str]) -> dict[str, V | None]:
        """The values of several ids, by id."""
        futures = {id_: self._future(id_) for id_ in ids}
        # All of them are there at once, as a rule.
        return {
            id_: future.result() if future.done() else await asyncio.shield(future) for id_, future in futures.items()
        }

    def _future(self, id_: str) -> asyncio.Future[V | None]:
        future = self._futures.get(id_)
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._futures[id_] = loop.create_future()
            self._waiting.append(id_)
            if len(self._waiting) == 1:
                # One turn later, when the executor has asked for every field of this depth.
                loop.call_soon(self._start)
        return future

    def _start(self) -> None:
        ids, self._waiting = self._waiting, []
        task = asyncio.create_task(self._fill(ids))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fill(self, ids: list[str]) -> None:
        try:
            found = await self._read(self._database, ids)
        except Exception as error:
            for id_ in ids:
                future = self._futures.pop(id_)
                future.set_exception(error)
                future.exception()  # marks it as retrieved: perhaps nobody waits any more
            return
        for id_ in ids:
            self._futures[id_].set_result(found.get(id_))


class Loaders:
    """The loaders of one operation. They remember, so they must not outlive it."""

    def __init__(self, database: Database) -> None:
        self.engines = Loader(engines.by_ids, database)
        self.engine_clients = Loader(issues.clients_of, database)
        self.refused_ends = Loader(issues.refused_ends, database)
        self.workflows = Loader(workflows.by_ids, database)
        self.executions = Loader(executions.by_ids, database)
        self.attempts = Loader(lineage.attempts_of, database)
        self.payloads = Loader(payloads.by_ids, database)
        self.latest_executions = Loader(executions.latest_of_workflows, database)
        self.steps = Loader(steps.by_keys, database)
        self.step_payloads = Loader(steps.payloads_by_keys, database)
        self.all_steps = Loader(steps.of_executions, database)
        self.progress = Loader(steps.progress_of, database)
        self.retries = Loader(lineage.retries_of, database)
        self.roots = Loader(lineage.roots_of, database)
        self.dispatches = Loader(outbox.of_subjects, database)
        self.alerts = Loader(history.by_ids, database)
        self.alert_deliveries = Loader(history.deliveries, database)
        self.alert_rules = Loader(rules.by_ids, database)
        self.consecutive_failures = Loader(streaks.lengths, database)
        self.tokens = Loader(tokens.by_ids, database)
        self.bulk_retries = Loader(bulk.outcomes, database)
        self.audit_entries = Loader(audit.by_ids, database)
        self.error_groups = Loader(error_groups.by_ids, database)
        self.error_group_sightings = Loader(error_groups.sightings, database)
        self.error_group_merges = Loader(merging.of_groups, database)
        self.error_group_members = Loader(error_groups.by_fingerprints, database)
