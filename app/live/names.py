"""What filters name and executions do not have: the names of engines, and what ids of error groups stand for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from app import engines
from app.changes import Changed
from app.db import Database
from app.executions import group_members


class Names:
    """What is known of them. Tests of filters look it up, so it stays the same objects."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.engines: dict[str, str] = {}  # names by id
        self.fingerprints: dict[str, Collection[str]] = {}  # of error groups, by the id that a filter has

    async def know_engines(self, batch: Sequence[Changed]) -> None:
        """Read the names of engines that have appeared."""
        if any(each.execution and each.execution.engine_id not in self.engines for each in batch):
            self.engines |= {engine.id: engine.name for engine in await engines.list_engines(self._database)}

    async def know_groups(self, ids: Collection[str]) -> None:
        """Read what ids stand for now: people merge and split groups, and versions regroup failures."""
        if ids:
            led = await group_members.lead(self._database, ids)
            self.fingerprints |= {id_: frozenset((id_, *led.fingerprints(id_))) for id_ in led.groups}

    def forget_groups(self, kept: Iterable[str]) -> None:
        """Forget what other ids stand for."""
        for id_ in self.fingerprints.keys() - set(kept):
            del self.fingerprints[id_]
