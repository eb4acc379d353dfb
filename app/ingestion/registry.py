"""Engines and workflows by name: registered when an event first names them, cached by each process."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from time import monotonic
from typing import TypeVar

from app import clock
from app.db import Transaction
from app.engines import ensure_engines
from app.ids import new_id
from app.paging.search import searchable

# Some engines invent workflow names (one per customer, one per day). The cache must not grow with them.
MAX_REMEMBERED = 50_000
# Retention deletes workflows that nobody used for longer (app/retention/others.py).
REMEMBERED_SECONDS = 3600.0

# A workflow, by its engine's id and its name.
WorkflowKey = tuple[str, str]

K = TypeVar("K")


class Registry:
    """Looks up ids by name, and registers new names in the transaction that needs them."""

    def __init__(self) -> None:
        self._engines: dict[str, str] = {}
        self._workflows: dict[WorkflowKey, str] = {}
        self._workflows_since = monotonic()
        self._claiming: set[str] = set()

    async def engine_ids(self, transaction: Transaction, names: set[str]) -> dict[str, str]:
        """The id of each engine."""
        if missing := names - self._engines.keys():
            engines = await ensure_engines(transaction, missing)
            registered = {name: engine.id for name, engine in engines.items()}
            transaction.after_commit(lambda: self._engines.update(registered))
            return {name: registered.get(name) or self._engines[name] for name in names}
        return {name: self._engines[name] for name in names}

    async def note_claims(self, transaction: Transaction, engine_ids: Iterable[str]) -> None:
        """Record engines that have said that they run a retry once; written when first heard."""
        for id_ in sorted(set(engine_ids) - self._claiming):  # in one order, so that nobody waits for each other
            sql = "UPDATE engines SET claims_retries = TRUE WHERE id = $1 AND NOT claims_retries"
            await transaction.fetch(sql, id_)
            transaction.after_commit(partial(self._claiming.add, id_))

    async def workflow_ids(self, transaction: Transaction, keys: Iterable[WorkflowKey]) -> dict[WorkflowKey, str]:
        """The id of each workflow."""
        wanted = set(keys)
        if monotonic() > self._workflows_since + REMEMBERED_SECONDS:
            self._workflows.clear()
            self._workflows_since = monotonic()
        # Taken now: another transaction's commit may make this process forget while we wait.
        known = {key: id_ for key in wanted if (id_ := self._workflows.get(key)) is not None}
        if missing := sorted(wanted - known.keys()):
            registered = await self._register_workflows(transaction, missing)
            transaction.after_commit(lambda: _remember(self._workflows, registered))
            known.update(registered)
        return known

    async def _register_workflows(self, transaction: Transaction, keys: list[WorkflowKey]) -> dict[WorkflowKey, str]:
        now = clock.now_us()
        rows = [(new_id(now), engine_id, name, searchable(name)) for engine_id, name in keys]
        await transaction.insert_missing(
            "workflows", ("id", "engine_id", "name", "search_text"), rows, key=("engine_id", "name"), returning="id"
        )
        # Until a run of them is committed, retention must not delete them.
        found, held = dict[WorkflowKey, str](), transaction.dialect.for_key_share
        for engine_id in sorted({engine_id for engine_id, _ in keys}):
            condition, names = transaction.among(
                "name", 2, "text", [name for owner, name in keys if owner == engine_id]
            )
            sql = f"SELECT name, id FROM workflows WHERE engine_id = $1 AND {condition} {held}"
            for name, workflow_id in await transaction.fetch(sql, engine_id, names):
                found[engine_id, name] = workflow_id
        return found


def _remember(known: dict[K, str], registered: dict[K, str]) -> None:
    if len(known) + len(registered) > MAX_REMEMBERED:
        known.clear()
    known.update(registered)
