"""Bulk retries: what one would do, has done, and has left."""

from __future__ import annotations

from typing import Annotated

import strawberry

from app import ids
from app.paging import Count as Counted
from app.retries import bulk
from resolvers import retries as resolvers
from schema.context import Info
from schema.engine import Engine
from schema.node import Node
from schema.paging import Count, NameCount, size_of
from schema.retry import LazyExecution, RetryExecutionPayload, found_execution
from schema.retryability import RetryBlocker
from schema.scalars import DateTime, Json


@strawberry.type(description="An execution that cannot be retried.")
class SkippedRetry:
    """An execution that cannot be retried."""

    execution_id: strawberry.Private[str]
    reasons: list[RetryBlocker] = strawberry.field(description="Every reason that prevents a retry.")

    @strawberry.field(description="The execution.")
    async def execution(self, info: Info) -> LazyExecution:
        """Batched."""
        return await found_execution(info, self.execution_id)


@strawberry.type(description="A reason with a number of executions.")
class BlockerCount:
    """A reason with a number of executions."""

    reason: RetryBlocker = strawberry.field(description="The reason.")
    count: int = strawberry.field(description="Number of executions that it prevents from being retried.")


@strawberry.type(description="An engine with a number of executions.")
class EngineCount:
    """An engine and how many executions it has."""

    engine: Engine = strawberry.field(description="The engine.")
    count: int = strawberry.field(description="Number of eligible executions that are its own.")


@strawberry.type(
    description=(
        "A bulk retry, or a dry run of one. Kept for 30 days from its start, a dry run for 10 minutes. What is there of"
        " it is what all requests with its snapshot have done; a dry run says what it would do now."
    )
)
class BulkRetry(Node):
    """A bulk retry."""

    outcome: strawberry.Private[bulk.BulkOutcome]
    matched: int = strawberry.field(description="Number of executions that match. Counting stops at 10,000.")
    looked_at: int = strawberry.field(description="Number of executions looked at, at most `limit` of the request.")
    eligible: int = strawberry.field(
        description="Number of executions looked at that can be retried, or were; with those that are unprocessed."
    )
    retried_count: int = strawberry.field(description="Number of entries of `retried`, deleted executions included.")
    created_count: int = strawberry.field(
        description="Number of retries that it created; ExecutionFilter.bulkRetryId lists them."
    )
    skipped_count: int = strawberry.field(description="Number of entries of `skipped`, deleted executions included.")
    unprocessed_count: int = strawberry.field(description="Number of entries of `unprocessed`.")
    unprocessed: list[strawberry.ID] = strawberry.field(
        description=(
            "Executions that the time limit of 15 s, or `batch`, left over. Ask again with the same snapshot. Empty on"
            " a dry run."
        )
    )
    dry_run: bool = strawberry.field(description="Whether this was a dry run, which retries nothing.")
    snapshot: strawberry.ID | None = strawberry.field(
        description=(
            "Pass it with dryRun: false to retry exactly what this dry run looked at, within 10 minutes, or to go on"
            " with what is unprocessed. Never null."
        )
    )
    as_of: DateTime = strawberry.field(description="When the executions were chosen.")
    started_at: DateTime | None = strawberry.field(description="When the retrying began. Null for a dry run.")
    requested_by: str = strawberry.field(description="Name of the viewer who asked for it first.")
    filter: Json | None = strawberry.field(
        description="The filter that chose the executions, as the audit log has it. Null if ids did."
    )

    @classmethod
    def of(cls, outcome: bulk.BulkOutcome) -> BulkRetry:
        """From app's outcome."""
        stored = outcome.stored
        return cls(
            id=strawberry.ID(ids.to_global("bulkRetry", stored.id)),
            outcome=outcome,
            matched=stored.matched,
            looked_at=outcome.looked_at,
            eligible=outcome.eligible,
            retried_count=len(outcome.retried),
            created_count=outcome.created,
            skipped_count=len(outcome.skipped),
            unprocessed_count=len(outcome.unprocessed),
            unprocessed=[strawberry.ID(ids.to_global("execution", id_)) for id_ in outcome.unprocessed],
            dry_run=outcome.dry_run,
            snapshot=strawberry.ID(ids.to_global("snapshot", stored.id)),
            as_of=DateTime(stored.created_at),
            started_at=None if stored.started_at is None else DateTime(stored.started_at),
            requested_by=stored.actor,
            filter=None if stored.filter is None else Json(stored.filter),
        )

    @strawberry.field(
        description=(
            "The retries that it created or found in progress. Empty on a dry run. Leaves out those of which an"
            " execution was deleted."
        )
    )
    async def retried(self, info: Info) -> list[RetryExecutionPayload]:
        """Batched."""
        given = self.outcome.retried
        there = await resolvers.existing(info.context, [id_ for retry in given for id_ in (retry.id, retry.retry_of)])
        return [RetryExecutionPayload.of(retry) for retry in given if {retry.id, retry.retry_of} <= there]

    @strawberry.field(description="Executions that cannot be retried. Leaves out deleted ones.")
    async def skipped(self, info: Info) -> list[SkippedRetry]:
        """Batched."""
        given = self.outcome.skipped
        there = await resolvers.existing(info.context, [id_ for id_, _ in given])
        return [SkippedRetry(execution_id=id_, reasons=list(reasons)) for id_, reasons in given if id_ in there]

    @strawberry.field(
        description="Number of skipped executions by reason, most first. One that has several reasons counts for each."
    )
    def skipped_by(self) -> list[BlockerCount]:
        """Without the executions."""
        return [BlockerCount(reason=reason, count=count) for reason, count in self.outcome.blockers]

    @strawberry.field(
        description="Number of eligible executions by workflow name, most first. BAD_USER_INPUT unless `first` fits."
    )
    def by_workflow(
        self,
        first: Annotated[
            int, strawberry.argument(description="Maximum number of names, 1 to 100. Defaults to 10.")
        ] = 10,
    ) -> list[NameCount]:
        """Without the executions."""
        found = self.outcome.workflows[: size_of(first)]
        return [NameCount(name=name, count=Count.of(Counted(count, exact=True))) for name, count in found]

    @strawberry.field(description="Number of eligible executions by engine, most first. Leaves out deleted executions.")
    async def by_engine(self, info: Info) -> list[EngineCount]:
        """Batched."""
        found = await resolvers.engines_of(info.context, self.outcome.eligible_ids)
        return [EngineCount(engine=Engine.of(engine), count=count) for engine, count in found]
