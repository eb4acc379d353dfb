"""What events say of executions: sorted as they come, merged into facts when somebody needs them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from app.db import Transaction
from app.events import Claims, Event
from app.ingestion.execution_rows import Key
from app.ingestion.merging import UNKNOWN_WORKFLOW, ExecutionFacts
from app.ingestion.registry import WorkflowKey
from app.ingestion.retry_links import CLAIMS
from app.turns import pieces

# Events that are looked at, or merged, in one go: 0.1 ms.
PIECE = 64


class Arrivals:
    """What some events say of executions.

    Which executions, and which names, is known before any facts are: so the database can look for some executions and
    insert them while the facts of others are merged.
    """

    def __init__(self, received_at: int) -> None:
        self.retried: set[str] = set()  # ids of executions that any of them claims to retry
        self._received_at = received_at
        self._events: dict[Key, list[Event]] = {}
        self._of_engines: dict[str, dict[str, list[Event]]] = {}  # the same lists by engine's id and external id
        self._facts: dict[Key, ExecutionFacts] = {}
        self._workflows: dict[Key, str | set[str]] = {}  # by the executions that claim to be of them

    @classmethod
    async def of_events(
        cls, transaction: Transaction, events: Iterable[Event], engines: Mapping[str, str], received_at: int
    ) -> Arrivals:
        """What events say, whose engines are given with their ids."""
        arrivals = cls(received_at)
        for piece in pieces(events, PIECE):
            arrivals._add(piece, engines)
            await transaction.pause()
        return arrivals

    @classmethod
    def of_facts(cls, facts: Mapping[Key, ExecutionFacts]) -> Arrivals:
        """What is merged already."""
        arrivals = cls(0)
        arrivals._events = {key: [] for key in facts}
        arrivals._facts = dict(facts)
        arrivals._workflows = {key: fact.workflow for key, fact in facts.items()}
        arrivals.retried = {fact.retry_of for fact in facts.values() if fact.retry_of is not None}
        return arrivals

    @property
    def keys(self) -> Collection[Key]:
        """The executions."""
        return self._events.keys()

    def workflows(self, new: Iterable[Key]) -> set[WorkflowKey]:
        """The workflows that executions claim to be of, and those of the `new` ones that claim none."""
        found = {(key[0], UNKNOWN_WORKFLOW) for key in new if key not in self._workflows}
        for (engine_id, _), names in self._workflows.items():
            if isinstance(names, str):
                found.add((engine_id, names))
            else:
                found.update((engine_id, name) for name in names)
        return found

    async def merge(self, transaction: Transaction, keys: Iterable[Key]) -> dict[Key, ExecutionFacts]:
        """The facts of some executions. Asked for once: they are the caller's."""
        found, merged = {}, 0
        for key in keys:
            events = self._events[key]
            facts = self._facts.get(key) or ExecutionFacts(events[0].time, self._received_at)
            for event in events:
                facts.add(event)
                merged += 1
                if merged % PIECE == 0:  # there may be thousands of one execution
                    await transaction.pause()
            found[key] = facts
        return found

    def _add(self, events: Iterable[Event], engines: Mapping[str, str]) -> None:
        source: str | None = None
        engine_id, of_engine = "", dict[str, list[Event]]()
        for event in events:
            if event.source != source:  # mostly all are of one
                source = event.source
                engine_id = engines[source]
                of_engine = self._of_engines.setdefault(engine_id, {})
            subject = event.subject
            known = of_engine.get(subject)
            if known is None:
                known = of_engine[subject] = self._events[engine_id, subject] = []
            known.append(event)
            if type(event.body) in CLAIMS:
                self._note_claims((engine_id, subject), event.body)  # type: ignore[arg-type]  # that is what CLAIMS are

    def _note_claims(self, key: Key, claims: Claims) -> None:
        if claims.retry_of is not None:
            self.retried.add(claims.retry_of)
        if claims.workflow is not None:
            known = self._workflows.setdefault(key, claims.workflow)
            if known != claims.workflow:
                self._workflows[key] = {claims.workflow} | (known if isinstance(known, set) else {known})
