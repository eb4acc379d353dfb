"""What differs between two runs of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from app.executions import comparing
from app.executions.comparing import Kind
from schema import execution  # the module: the two types name each other
from schema.scalars import Json
from schema.step import Step

if TYPE_CHECKING:
    from schema.execution import Execution

strawberry.enum(Kind, name="ValueChangeKind", description="What became of something, from the other run to this one.")


@strawberry.type(description="A place at which the trigger data of two runs differ.")
class ValueChange:
    """One difference."""

    path: str = strawberry.field(description="JSON Pointer (RFC 6901). Empty: the data as a whole.")
    kind: Kind = strawberry.field(description="What became of the value.")
    before: Json | None = strawberry.field(
        description=(
            "Value of the other run, secrets masked as •••. Null if there is none. An object with `truncated`, `bytes`"
            " and `start` replaces a value of more than 4 KiB."
        )
    )
    after: Json | None = strawberry.field(description="Value of this run, likewise.")
    sealed: bool = strawberry.field(
        description="Whether a secret differs: `before` and `after` have its mask, which may be the same."
    )

    @classmethod
    def of(cls, change: comparing.ValueChange) -> ValueChange:
        """From app's change."""
        before, after = (None if text is None else Json(text) for text in (change.before, change.after))
        return cls(path=change.path, kind=change.kind, before=before, after=after, sealed=change.sealed)


@strawberry.type(description="A step of one run or of both, which have it by its name.")
class StepComparison:
    """One step."""

    name: str = strawberry.field(description="Name of the step.")
    kind: Kind | None = strawberry.field(
        description="ADDED or REMOVED: only one run has it. CHANGED: its state differs. Null: it does not."
    )
    before: Step | None = strawberry.field(description="Step of the other run.")
    after: Step | None = strawberry.field(description="Step of this run.")

    @classmethod
    def of(cls, step: comparing.StepComparison) -> StepComparison:
        """From app's comparison."""
        before, after = (None if each is None else Step.of(each) for each in (step.before, step.after))
        return cls(name=step.name, kind=step.kind, before=before, after=after)


@strawberry.type(description="What differs between a run and another one of its workflow.")
class ExecutionComparison:
    """What differs."""

    with_: Annotated[Execution, strawberry.lazy("schema.execution")] = strawberry.field(
        name="with", description="The other run."
    )
    trigger_changes: list[ValueChange] = strawberry.field(
        description=(
            "Where the trigger data differ, at most 200. Secrets are compared too, and not shown. Numbers differ if"
            " their digits do."
        )
    )
    steps: list[StepComparison] = strawberry.field(
        description="Steps of both, in this run's order, then those that it does not have."
    )
    truncated: bool = strawberry.field(
        description="Whether there are more changes, or trigger data of one of them are incomplete."
    )
    sealed_compared: bool = strawberry.field(
        description="Whether secrets were compared. false: no key opens those of one of the runs."
    )

    @classmethod
    def of(cls, comparison: comparing.Comparison) -> ExecutionComparison:
        """From app's comparison."""
        return cls(
            with_=execution.Execution.of(comparison.other),
            trigger_changes=[ValueChange.of(each) for each in comparison.changes],
            steps=[StepComparison.of(each) for each in comparison.steps],
            truncated=comparison.truncated,
            sealed_compared=comparison.sealed_compared,
        )
