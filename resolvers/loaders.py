"""Batches: one statement reads what many fields of one request ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from app import audit, engines, error_groups, executions, resolutions, workflows
from app.alerts import history, rules, streaks
from app.auth import tokens
from app.db import Database
from app.delivery import outbox
from app.engines import issues
from app.error_groups import marks, merging, samples
from app.executions import gaps, lineage, payloads, steps
from app.retries import bulk

V = TypeVar("V")
Read = Callable[[Database, Iterable[str]], Awaitable[dict[str, V]]]


class Loader(Generic[V]):
    """Batches the ids that fields ask for in one turn of the event loop; reads each id once in its lifetime.

    Not Strawberry's DataLoader (0.341): it hands one future to every field that waits for a key, so cancelling one
    field (a sibling failed) cancels the others, and it keeps the exception of a failed read for its lifetime. A reader
    here returns a dict, so that a missing row is None without padding.
    """

    def __init__(self, read: Read[V], database: Database) -> None:
        self._read = read
        self._database = database
        self._found: dict[str, V | None] = {}
        self._asking: dict[str, list[asyncio.Future[V | None]]] = {}  # by the ids that are read, or will be
        self._waiting: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()  # the event loop itself holds tasks weakly

    def load(self, id_: str) -> Awaitable[V | None]:
        """The value of an id, or None if there is none."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[V | None] = loop.create_future()
        if id_ in self._found:
            future.set_result(self._found[id_])
        elif (asking := self._asking.get(id_)) is not None:
            asking.append(future)
        else:
            self._asking[id_] = [future]
            self._waiting.append(id_)
            if len(self._waiting) == 1:
                task = loop.create_task(self._fill())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return future

    async def load_all(self, ids: Iterable[str]) -> dict[str, V | None]:
        """The values of several ids, by id."""
        futures = {id_: self.load(id_) for id_ in ids}
        return {id_: await future for id_, future in futures.items()}

    async def _fill(self) -> None:
        # A turn later than the first was asked for, when the executor has asked for every field of this depth.
        ids, self._waiting = self._waiting, []
        try:
            found = await self._read(self._database, ids)
        except Exception as error:
            for id_ in ids:
                for future in self._asking.pop(id_):
                    if not future.done():
                        future.set_exception(error)
                        future.exception()  # marks it as retrieved: perhaps nobody waits any more
            return
        for id_ in ids:
            value = self._found[id_] = found.get(id_)
            for future in self._asking.pop(id_):
                if not future.done():
                    future.set_result(value)


class _Of(Generic[V]):
    """An attribute of Loaders: made when a field first asks for it, since operations need one or two of them."""

    def __init__(self, read: Read[V]) -> None:
        self._read = read

    def __set_name__(self, owner: type[Loaders], name: str) -> None:
        self._name = name

    def __get__(self, loaders: Loaders, owner: type[Loaders]) -> Loader[V]:
        loader = loaders.__dict__[self._name] = Loader(self._read, loaders.database)
        return loader


class Loaders:
    """The loaders of one operation. They remember, so they must not outlive it."""

    engine_clients = _Of(issues.clients_of)
    engine_issue_counts = _Of(issues.counts_of)
    refused_ends = _Of(issues.refused_ends)
    attempts = _Of(lineage.attempts_of)
    latest_executions = _Of(executions.latest_of_workflows)
    recent_executions = _Of(executions.recent_of_workflows)
    longest_pauses = _Of(gaps.longest_pauses)
    step_payloads = _Of(steps.payloads_by_keys)
    all_steps = _Of(steps.of_executions)
    progress = _Of(steps.progress_of)
    resolutions = _Of(resolutions.by_ids)
    retries = _Of(lineage.retries_of)
    roots = _Of(lineage.roots_of)
    dispatches = _Of(outbox.of_subjects)
    alerts = _Of(history.by_ids)
    alert_deliveries = _Of(history.deliveries)
    alert_last_fired = _Of(history.last_fired)
    alert_rules = _Of(rules.by_ids)
    consecutive_failures = _Of(streaks.lengths)
    bulk_retries = _Of(bulk.outcomes)
    audit_entries = _Of(audit.by_ids)
    error_group_sightings = _Of(error_groups.sightings)
    error_group_marks = _Of(marks.of_groups)
    error_group_merges = _Of(merging.of_groups)
    error_group_workflows = _Of(samples.workflows_of)
    error_group_members = _Of(error_groups.by_fingerprints)
    # Named as what they read with, and so after the others.
    engines = _Of(engines.by_ids)
    workflows = _Of(workflows.by_ids)
    executions = _Of(executions.by_ids)
    payloads = _Of(payloads.by_ids)
    steps = _Of(steps.by_keys)
    tokens = _Of(tokens.by_ids)
    error_groups = _Of(error_groups.by_ids)

    def __init__(self, database: Database) -> None:
        self.database = database
