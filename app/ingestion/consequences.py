"""What an execution means elsewhere: what it counts as in figures, and whether alert rules look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.alerts.checks import Failing
from app.ingestion.execution_rows import Key
from app.ingestion.merging import ExecutionFacts
from app.ingestion.registry import WorkflowKey
from app.lifecycle import Status
from app.metrics import deltas
from app.metrics.deltas import Delta, Figure, figure


def figure_of(facts: ExecutionFacts, workflow_id: str) -> Figure | None:
    """What an execution counts as; None while it is pending."""
    status = int(facts.state.status)
    return figure(facts.queued_at, workflow_id, facts.trigger_kind, status, facts.duration, facts.error_group_id)


def failing(facts: ExecutionFacts, workflow_id: str, execution_id: str) -> Failing | None:
    """What streaks see of an execution; None unless it has failed."""
    if facts.state.status is not Status.FAILURE or facts.finished_at is None:
        return None
    return Failing(workflow_id, facts.finished_at, execution_id)


@dataclass(slots=True)
class Write:
    """What a transaction has changed so far."""

    changed: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    deltas: list[Delta] = field(default_factory=list)  # for figures
    failed: set[Failing] = field(default_factory=set)  # for alerts
    parts: set[tuple[str, str]] = field(default_factory=set)  # of error groups that were split
    linked: set[str] = field(default_factory=set)  # executions that now retry another one
    moved: set[str] = field(default_factory=set)  # executions that changed retries retry

    def note_failure(self, before: Failing | None, after: Failing | None) -> None:
        """Record that an execution has failed, or now failed at another time or in another workflow."""
        if after is not None and after != before:
            self.failed.add(after)

    def note_fresh(
        self, facts: Mapping[Key, ExecutionFacts], ids: Mapping[Key, str], workflow_ids: Mapping[WorkflowKey, str]
    ) -> None:
        """Record what follows from new executions."""
        for key, fact in facts.items():
            id_, workflow_id = ids[key], workflow_ids[key[0], fact.workflow]
            self.changed.append(id_)
            if fact.logs:
                self.logged.append(id_)
            if fact.retry_of is not None:
                self.moved.add(fact.retry_of)
                self.linked.add(id_)
            if fact.state.finished:  # what is pending counts nowhere
                self.finished.add(id_)
                self.deltas += deltas.change(None, figure_of(fact, workflow_id))
                self.note_failure(None, failing(fact, workflow_id, id_))
