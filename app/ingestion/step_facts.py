"""What is known of one step of an execution: facts that merge as those of the execution do (merging.py). Pure."""

from __future__ import annotations

import msgspec

from app.events import (
    Event,
    Failure,
    Json,
    StepFinish,
    StepStart,
)
from app.ingestion.merge_keys import OF_OTHERS, finish_time, least, precedes
from app.lifecycle import (
    RANK_ACTIVE,
    RANK_FINISHED,
    State,
    identity_key,
    state_key,
    state_of_key,
)


class StepFacts(msgspec.Struct):
    """What is known of one step of an execution."""

    index: int
    name: str
    name_key: str
    state_key: str
    kind: str | None = None
    kind_key: str | None = None
    started_at: int | None = None
    finished_by: int | None = None  # the receipt of its end, if its time was ahead of that
    reported_duration: int | None = None
    error: Failure | None = None
    output: Json | None = None
    input: Json | None = None
    input_key: str | None = None
    rewritten: set[str] = set()

    @property
    def state(self) -> State:
        """The state reported with the greatest key."""
        return state_of_key(self.state_key)

    @property
    def finished_at(self) -> int | None:
        """When it finished, in microseconds since the epoch, as it is shown."""
        return least(self.finished_by, finish_time(self.state_key))

    def merge(self, other: StepFacts) -> None:
        """Merge what `other` knows better."""
        if other.name_key < self.name_key:
            self.name, self.name_key = other.name, other.name_key
        if precedes(other.kind_key, self.kind_key):
            self.kind, self.kind_key = other.kind, other.kind_key
        if precedes(other.input_key, self.input_key):
            self.input, self.input_key = other.input, other.input_key
            self.rewritten.add("input")
        self.started_at = least(self.started_at, other.started_at)
        if other.state_key > self.state_key:
            self.state_key, self.error, self.output = other.state_key, other.error, other.output
            self.reported_duration, self.finished_by = other.reported_duration, other.finished_by
            self.rewritten.add("outcome")

    def finish(self, event: Event, body: StepFinish) -> bool:
        """Merge the end of a step whose start is known, as most are; False if it may name the step."""
        if self.name_key >= OF_OTHERS or (body.kind is not None and (self.kind_key or OF_OTHERS) >= OF_OTHERS):
            return False
        key = state_key(RANK_FINISHED, event.time, body.state, event.id)
        if key > self.state_key:
            self.state_key, self.error, self.output = key, body.error, body.output
            self.reported_duration, self.finished_by = body.duration, event.bound
            self.rewritten.add("outcome")
        return True

    def visible(self) -> tuple[object, ...]:
        """What readers of the API can see, payloads apart."""
        return self.name, self.kind, self.started_at, self.finished_at and self.state_key, self.input_key

    def merge_keys(self) -> tuple[object, ...]:
        """What decides the next merge. It must be stored, whether or not readers see a difference."""
        return self.state_key, self.name_key, self.kind_key, self.input_key


def started_step(event: Event, body: StepStart) -> StepFacts:
    key = identity_key(True, event.time, event.id)
    step = _reported_step(body, key, state_key(RANK_ACTIVE, event.time, State.RUNNING, event.id))
    step.started_at = event.time if event.bound is None else event.bound
    if body.input is not None:
        step.input, step.input_key = body.input, key
        step.rewritten.add("input")
    return step


def finished_step(event: Event, body: StepFinish) -> StepFacts:
    key = identity_key(False, event.time, event.id)
    step = _reported_step(body, key, state_key(RANK_FINISHED, event.time, body.state, event.id))
    step.error, step.output, step.reported_duration = body.error, body.output, body.duration
    step.finished_by = event.bound
    return step


def _reported_step(body: StepStart | StepFinish, key: str, report: str) -> StepFacts:
    kind_key = None if body.kind is None else key
    return StepFacts(body.index, body.name, key, report, body.kind, kind_key, rewritten={"outcome"})
