"""The latest change of each recently changed execution, in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice

from app.changes import Changed


class RecentChanges:
    """At most `limit` executions. Everything that has changed after the revision `after` is here."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_execution: OrderedDict[str, Changed] = OrderedDict()  # in the order of revisions
        self.after = 0

    def begin(self, revision: int) -> None:
        """Forget all. What comes next follows a revision."""
        self._by_execution.clear()
        self.after = revision

    def add(self, changed: Changed) -> Changed | None:
        """Remember a change, the newest of all, and return the earlier one of its execution that it replaces."""
        earlier = self._by_execution.pop(changed.execution_id, None)
        self._by_execution[changed.execution_id] = changed
        if len(self._by_execution) > self._limit:
            self.after = self._by_execution.popitem(last=False)[1].revision
        return earlier

    def since(self, revision: int, limit: int) -> list[Changed]:
        """What has changed after a revision that is not before `after`, oldest first."""
        return list(islice(reversed(list(self._newer(revision))), limit))

    def count_since(self, revision: int) -> int:
        """How many executions have changed after such a revision."""
        return sum(1 for _ in self._newer(revision))

    def _newer(self, revision: int) -> Iterator[Changed]:
        for changed in reversed(self._by_execution.values()):
            if changed.revision <= revision:
                return
            yield changed
