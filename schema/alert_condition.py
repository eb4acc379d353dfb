"""Conditions of alert rules, as they are given and shown: exactly one field says which it is."""

from __future__ import annotations

import strawberry

from app import ids
from app.alerts.conditions import (
    AnyCondition,
    EngineSilent,
    FailureRate,
    FailuresInARow,
    NewErrorGroup,
    NoRun,
    RegressedErrorGroup,
    SlowRun,
)
from app.errors import BadInput
from schema.scalars import is_given, verb_id

PERCENT = "Share of the finished runs that failed, in percent, 0.1 to 100. Cancelled runs do not count."
WINDOW = "Length of the window, by finishedAt, in minutes: 1 to 10,080."
LEAST = "Number of finished runs below which it does not hold, 1 to 10,000."
NO_RUN = "Minutes without a run queued, 1 to 129,600. Null: three times Workflow.usualGapMs."
SILENT = "Minutes without an event, 1 to 129,600."

IN_A_ROW = "Number of failures since the last success, by finishedAt, 1 to 10,000. Fires again after a success."
RATE = "Too large a share of the runs of a window failed. Fires again when the share was lower for a whole window."
SLOW = (
    "Factor, 1.1 to 100: a run takes longer than so many times the p95 of the workflow's newest 500 successes of seven"
    " days, at least 20, whether it has finished or not. Fires again after an hour without one."
)
NEW = "True: a run fails with an error of which no run has failed before. Fires once for each error group."
REGRESSED = (
    "True: a run fails with an error whose group somebody had resolved before it was queued. Fires once, and again"
    " after the group was resolved again."
)
ABSENT = "No run of the workflow was queued for too long. Fires again after a run."
SILENCE = "No event of an engine came for too long. Fires again after an event."


@strawberry.type(name="FailureRate", description=RATE)
class FailureRateType:
    """A share of failures."""

    percent: float = strawberry.field(description=PERCENT)
    window_minutes: int = strawberry.field(description=WINDOW)
    minimum_runs: int = strawberry.field(description=LEAST)


@strawberry.type(name="NoRun", description=ABSENT)
class NoRunType:
    """No run."""

    minutes: int | None = strawberry.field(description=NO_RUN)


@strawberry.type(name="EngineSilence", description=SILENCE)
class EngineSilenceType:
    """No event."""

    minutes: int = strawberry.field(description=SILENT)
    engine_id: strawberry.ID | None = strawberry.field(description="The engine. Null: each engine by itself.")


@strawberry.type(description="What a rule is about. Exactly one field is not null.")
class AlertCondition:
    """One of the conditions."""

    failures_in_a_row: int | None = strawberry.field(default=None, description=IN_A_ROW)
    failure_rate: FailureRateType | None = strawberry.field(default=None, description=RATE)
    slow_run: float | None = strawberry.field(default=None, description=SLOW)
    new_error_group: bool | None = strawberry.field(default=None, description=NEW)
    regressed_error_group: bool | None = strawberry.field(default=None, description=REGRESSED)
    no_run: NoRunType | None = strawberry.field(default=None, description=ABSENT)
    engine_silence: EngineSilenceType | None = strawberry.field(default=None, description=SILENCE)

    @classmethod
    def of(cls, condition: AnyCondition) -> AlertCondition:
        """From app's condition."""
        match condition:
            case FailuresInARow(count):
                return cls(failures_in_a_row=count)
            case FailureRate(percent, minutes, minimum_runs):
                rate = FailureRateType(percent=percent, window_minutes=minutes, minimum_runs=minimum_runs)
                return cls(failure_rate=rate)
            case SlowRun(factor):
                return cls(slow_run=factor)
            case NewErrorGroup():
                return cls(new_error_group=True)
            case RegressedErrorGroup():
                return cls(regressed_error_group=True)
            case NoRun(minutes):
                return cls(no_run=NoRunType(minutes=minutes))
            case EngineSilent(minutes, engine_id):
                engine = None if engine_id is None else strawberry.ID(ids.to_global("engine", engine_id))
                return cls(engine_silence=EngineSilenceType(minutes=minutes, engine_id=engine))


@strawberry.input(description=RATE)
class FailureRateInput:
    """A share of failures."""

    percent: float = strawberry.field(description=PERCENT)
    window_minutes: int = strawberry.field(description=WINDOW)
    minimum_runs: int = strawberry.field(default=10, description=f"{LEAST} Defaults to 10.")


@strawberry.input(description=ABSENT)
class NoRunInput:
    """No run."""

    minutes: int | None = strawberry.field(default=None, description=NO_RUN)


@strawberry.input(description=SILENCE)
class EngineSilenceInput:
    """No event."""

    minutes: int = strawberry.field(description=SILENT)
    engine_id: strawberry.ID | None = strawberry.field(
        default=None, description="The engine. Null: each engine by itself. The rule's workflowId must be null."
    )


@strawberry.input(one_of=True, description="What a rule is about. Pass exactly one field.")
class AlertConditionInput:
    """One of the conditions."""

    failures_in_a_row: int | None = strawberry.field(default=strawberry.UNSET, description=IN_A_ROW)
    failure_rate: FailureRateInput | None = strawberry.field(default=strawberry.UNSET, description=RATE)
    slow_run: float | None = strawberry.field(default=strawberry.UNSET, description=SLOW)
    new_error_group: bool | None = strawberry.field(default=strawberry.UNSET, description=NEW)
    regressed_error_group: bool | None = strawberry.field(default=strawberry.UNSET, description=REGRESSED)
    no_run: NoRunInput | None = strawberry.field(default=strawberry.UNSET, description=ABSENT)
    engine_silence: EngineSilenceInput | None = strawberry.field(default=strawberry.UNSET, description=SILENCE)

    def condition(self) -> AnyCondition:
        """As app's value, whose ranges app checks; BadInput for a false one, NotFound for an unknown engine."""
        if is_given(self.failures_in_a_row):
            return FailuresInARow(self.failures_in_a_row)
        if is_given(rate := self.failure_rate):
            return FailureRate(rate.percent, rate.window_minutes, rate.minimum_runs)
        if is_given(self.slow_run):
            return SlowRun(self.slow_run)
        if is_given(self.no_run):
            return NoRun(self.no_run.minutes)
        if is_given(silence := self.engine_silence):
            engine = (
                None
                if silence.engine_id is None
                else verb_id("condition.engineSilence.engineId", "engine", silence.engine_id)
            )
            return EngineSilent(silence.minutes, engine)
        if self.new_error_group:
            return NewErrorGroup()
        if self.regressed_error_group:
            return RegressedErrorGroup()
        raise BadInput("condition: newErrorGroup and regressedErrorGroup must be true")
