"""How events become one execution in any order: facts that merge. Pure.

Each fact keeps the key of the report that it comes from. Merging keeps, fact by fact, the greatest key (states), the
least key (identity) or the least time (start). So it is commutative, associative and idempotent: events may come late,
twice and in any order, in one batch or in many, and the stored execution is the same.

Facts read from the tables come without their payloads. A payload is only ever replaced together with its key, so
`rewritten` names those that the tables do not have yet.
"""

from __future__ import annotations

import msgspec

from app.events import (
    Claims,
    Event,
    Failure,
    Finish,
    Heartbeat,
    LogLine,
    Queued,
    Started,
    StepFinish,
    StepStart,
    TriggerData,
    Waiting,
)
from app.ingestion.merge_keys import WITH_MESSAGE, finish_time, least, precedes
from app.ingestion.step_facts import StepFacts, finished_step, started_step
from app.lifecycle import (
    IMPLIED_RUNNING,
    RANK_ACTIVE,
    RANK_FINISHED,
    RANK_QUEUED,
    State,
    identity_key,
    state_key,
    state_of_key,
)

UNKNOWN_WORKFLOW = "(unknown)"
UNKNOWN_TRIGGER = "unknown"


class ExecutionFacts(msgspec.Struct):
    """What is known of one execution.

    `secrets` are the texts that its events sealed, in the clear: of every event, whether or not it wins a merge.
    """

    first_event_at: int
    received_at: int
    declared_queued_at: int | None = None
    started_at: int | None = None
    started_sent: int | None = None  # the same by the engine's clock, which may be ahead
    finished_by: int | None = None  # the receipt of its end, if its time was ahead of that
    state_key: str = ""  # before the first event
    error: Failure | None = None
    due_at: int | None = None  # of the same report as the state: when it is to begin or continue
    workflow: str = UNKNOWN_WORKFLOW
    workflow_key: str | None = None
    trigger_kind: str = UNKNOWN_TRIGGER
    trigger_data: TriggerData | None = None
    trigger_incomplete: bool = False
    trigger_label: str | None = ""  # None: of a row that is older than labels (app/ingestion/labelling.py)
    trigger_key: str | None = None
    definition: tuple[str, ...] | None = None
    definition_key: str | None = None
    retry_of: str | None = None
    retry_of_key: str | None = None
    time_marks: int = 0
    steps: dict[int, StepFacts] = {}
    logs: dict[str, LogLine] = {}
    secrets: set[str] = set()
    has_secrets: bool = False
    awaiting_dispatch: bool = False
    # Derived from the rest (app/ingestion/failures.py).
    failed_step: int | None = None
    failed_step_name: str | None = None
    error_group_id: str | None = None
    rewritten: set[str] = set()

    @property
    def queued_at(self) -> int:
        """The least time at which it was reported as queued, else the least time of all its events."""
        return self.first_event_at if self.declared_queued_at is None else self.declared_queued_at

    @property
    def finished_at(self) -> int | None:
        """When it finished, in microseconds since the epoch, as it is shown."""
        return least(self.finished_by, finish_time(self.state_key))

    @property
    def duration(self) -> int | None:
        """finished_at - started_at, where both are known and clocks do not disagree so much that it is below 0."""
        finished_at, started_at = self.finished_at, self.started_at
        if self.finished_by is not None and self.started_sent != started_at:
            # Both by one clock, which was ahead: their receipts are those of a batch, perhaps of the same one.
            finished_at, started_at = finish_time(self.state_key), self.started_sent
        if finished_at is None or started_at is None or finished_at < started_at:
            return None
        return finished_at - started_at

    @property
    def state(self) -> State:
        """The state reported with the greatest key."""
        return state_of_key(self.state_key)

    def visible(self) -> tuple[object, ...]:
        """What readers of the API can see, payloads and steps apart."""
        return (
            self.state,
            self.finished_at and self.state_key,
            self.queued_at,
            self.started_at,
            self.workflow,
            self.trigger_kind,
            self.trigger_incomplete,
            self.retry_of,
            self.due_at,
            self.time_marks,
        )

    def merge_keys(self) -> tuple[object, ...]:
        """What decides the next merge. It must be stored, whether or not readers see a difference."""
        return (
            self.state_key,
            self.workflow_key,
            self.trigger_key,
            self.definition_key,
            self.retry_of_key,
            self.time_marks,
            self.declared_queued_at,
            self.first_event_at,
            self.has_secrets,
            self.awaiting_dispatch,
        )

    def add(self, event: Event) -> None:
        """Merge one event of this execution."""
        shown = event.time if event.bound is None else event.bound
        if shown < self.first_event_at:
            self.first_event_at = shown
        if event.secrets:
            self.secrets |= event.secrets
        if event.marks:
            self.time_marks |= event.marks
        # By the exact type: isinstance of a msgspec.Struct takes the way through abc, five times as long.
        body = event.body
        if type(body) is LogLine:
            self.logs.setdefault(body.key, body)
            self._imply_running()
        elif type(body) is StepStart:
            self._add_step(started_step(event, body))
            self._imply_running()
        elif type(body) is StepFinish:
            known = self.steps.get(body.index)
            if known is None or not known.finish(event, body):
                self._add_step(finished_step(event, body))
            self._imply_running()
        elif type(body) is Finish:
            key = state_key(RANK_FINISHED, event.time, body.state, event.id)
            self._report(key, body.error, finished_by=event.bound)
        else:
            self._add_claims(event, body)

    def merge(self, other: ExecutionFacts) -> None:
        """Merge what `other` knows better, except steps, log lines and secrets."""
        self.first_event_at = min(self.first_event_at, other.first_event_at)
        self.received_at = max(self.received_at, other.received_at)
        self.declared_queued_at = least(self.declared_queued_at, other.declared_queued_at)
        self.started_at = least(self.started_at, other.started_at)
        self.started_sent = least(self.started_sent, other.started_sent)
        if other.state_key == IMPLIED_RUNNING:
            self._imply_running()
        else:
            self._report(other.state_key, other.error, other.due_at, other.finished_by)
        if precedes(other.workflow_key, self.workflow_key):
            self.workflow, self.workflow_key = other.workflow, other.workflow_key
        if precedes(other.trigger_key, self.trigger_key):
            self.trigger_kind, self.trigger_data = other.trigger_kind, other.trigger_data
            self.trigger_incomplete, self.trigger_key = other.trigger_incomplete, other.trigger_key
            self.trigger_label = other.trigger_label
            self.rewritten.add("trigger")
        if precedes(other.definition_key, self.definition_key):
            self.definition, self.definition_key = other.definition, other.definition_key
            self.rewritten.add("definition")
        if precedes(other.retry_of_key, self.retry_of_key):
            self.retry_of, self.retry_of_key = other.retry_of, other.retry_of_key
        self.time_marks |= other.time_marks

    def _imply_running(self) -> None:
        if self.state_key < IMPLIED_RUNNING:
            self.state_key, self.due_at = IMPLIED_RUNNING, None

    def _report(
        self, key: str, error: Failure | None = None, due_at: int | None = None, finished_by: int | None = None
    ) -> None:
        if key > self.state_key:
            self.state_key, self.error, self.due_at, self.finished_by = key, error, due_at, finished_by
            self.rewritten.add("outcome")

    def _add_step(self, step: StepFacts) -> None:
        known = self.steps.setdefault(step.index, step)
        if known is not step:
            known.merge(step)

    def _add_claims(self, event: Event, claims: Queued | Started | Waiting | Heartbeat) -> None:
        time, kind = event.time, type(claims)
        shown = time if event.bound is None else event.bound
        if kind is Queued:
            self.declared_queued_at = least(self.declared_queued_at, shown)
            self._report(state_key(RANK_QUEUED, time, State.QUEUED, event.id), due_at=claims.due_at)
        elif kind is Started:
            self.started_at = least(self.started_at, shown)
            self.started_sent = least(self.started_sent, time)
            self._report(state_key(RANK_ACTIVE, time, State.RUNNING, event.id))
        elif kind is Waiting:
            self._report(state_key(RANK_ACTIVE, time, State.WAITING, event.id), due_at=claims.due_at)
        else:
            self._imply_running()
        # Most events claim nothing.
        if claims.workflow or claims.trigger_kind or claims.definition is not None or claims.retry_of:
            self._claim(claims, identity_key(kind is Queued, time, event.id))

    def _claim(self, claims: Claims, key: str) -> None:
        if claims.workflow is not None and precedes(key, self.workflow_key):
            self.workflow, self.workflow_key = claims.workflow, key
        if claims.trigger_kind is not None:
            self._claim_trigger(claims.trigger_kind, claims.trigger_data, key)
        if claims.definition is not None and precedes(key, self.definition_key):
            self.definition, self.definition_key = claims.definition, key
            self.rewritten.add("definition")
        if claims.retry_of is not None and precedes(key, self.retry_of_key):
            self.retry_of, self.retry_of_key = claims.retry_of, key

    def _claim_trigger(self, kind: str, data: TriggerData | None, key: str) -> None:
        if data is not None and data.message is not None:
            key = WITH_MESSAGE + key
        if precedes(key, self.trigger_key):
            self.trigger_kind, self.trigger_data, self.trigger_key = kind, data, key
            self.trigger_incomplete = data is not None and data.incomplete
            self.rewritten.add("trigger")
