"Manage engines and how retries reach them."

from __future__ import annotations

import strawberry

from app import engines, ids
from app.engines import EngineKind, RetryObstacle, issues
from app.engines.issues import IssueKind
from resolvers import engines as resolvers
from schema.context import Info
from schema.node import ID, Node
from schema.paging import Connection, Count, Edge, counted, edges, nodes
from schema.projections import column, global_id, in_milliseconds
from schema.scalars import DateTime, milliseconds

strawberry.enum(
    EngineKind,
    name="EngineKind",
    description=(
        "How retries reach an engine. WEBHOOK: a signed POST. CELERY: the broker of its workers. NONE: not at all."
    ),
)


strawberry.enum(
    RetryObstacle,
    name="RetryObstacle",
    description=(
        "Why retries cannot reach an engine. NOT_CONNECTED: no webhook or broker is configured. WORKERS_NOT_READY: none"
        " of its Celery workers has said that it runs a retry once; they need runwatch-client with its hook."
    ),
)
strawberry.enum(
    IssueKind,
    name="EngineIssueKind",
    description=(
        "What became of events. REJECTED: they are not stored. CLOCK_AHEAD: their times were ahead of the server's"
        " clock, and are shown as their receipt. ASSUMED_UTC: their times had no zone and were taken as UTC."
    ),
)


@strawberry.type(description="A client that sends events of an engine.")
class EngineClient:
    """A client of an engine."""

    name: str = strawberry.field(description="Its User-Agent: name and version, at most 300 characters.")
    last_seen_at: DateTime = strawberry.field(description="When it last sent events, to 10 s.")


@strawberry.type(description="Events of an engine that were rejected or corrected for one reason.")
class EngineIssue:
    """Events that something was wrong with."""

    kind: IssueKind = strawberry.field(description="What became of the events.")
    reason: str = strawberry.field(description="What is wrong with them, at most 300 characters.")
    events: int = strawberry.field(description="How many there were; at most 2,147,483,647.")
    first_at: DateTime = strawberry.field(description="When the first one came.")
    last_at: DateTime = strawberry.field(description="When the newest one came.")
    event_id: str | None = strawberry.field(description="`id` of the newest one. Null where it could not be read.")
    event_type: str | None = strawberry.field(description="`type` of the newest one. Null where it could not be read.")
    external_id: str | None = strawberry.field(
        description="Run of the newest one: its `subject`. Null where it could not be read."
    )

    @classmethod
    def of(cls, issue: issues.Issue) -> EngineIssue:
        """From app's issue."""
        return cls(
            kind=issue.kind,
            reason=issue.reason,
            events=min(issue.events, 2**31 - 1),
            first_at=DateTime(issue.first_at),
            last_at=DateTime(issue.last_at),
            event_id=issue.event_id,
            event_type=issue.event_type,
            external_id=issue.external_id,
        )


@strawberry.type(description="An engine issue in a list.")
class EngineIssueEdge(Edge[issues.Issue, EngineIssue]):
    """An engine issue in a list."""

    node: EngineIssue = strawberry.field(description="The issue.")


@strawberry.type(description="A page of engine issues, those seen last first.")
class EngineIssueConnection(Connection[issues.Issue]):
    """A page of issues."""

    edges: list[EngineIssueEdge] = edges(EngineIssueEdge, EngineIssue.of, "The issues with their cursors.")
    nodes: list[EngineIssue] = nodes(EngineIssue.of, "The issues.")
    total_count: Count = counted()


@strawberry.type(description="An engine runs automations and reports their runs.")
class Engine(Node):
    """What runs automations."""

    local_id: strawberry.Private[str]
    id: strawberry.ID = strawberry.field(description=ID, metadata=global_id("engine"))
    name: str = strawberry.field(description="Name of the engine: the `source` of its events.", metadata=column("name"))
    kind: EngineKind = strawberry.field(description="How retries reach the engine.", metadata=column("kind"))
    can_retry: bool = strawberry.field(
        metadata=column("can_retry"),
        description=(
            "Whether retries can reach the engine. For CELERY, also whether its workers have said that"
            " they run a retry once."
        ),
    )

    retry_obstacle: RetryObstacle | None = strawberry.field(
        description="Why retries cannot reach the engine. Null if they can.", metadata=column("retry_obstacle")
    )
    last_seen_at: DateTime | None = strawberry.field(
        description=(
            "When events of the engine last came, by Runwatch's clock, to 10 s. Null if none did. Imports do not count."
        ),
        metadata=column("last_seen_at"),
    )
    clock_skew_ms: float | None = strawberry.field(
        description=(
            "By how much the engine's clock was ahead of Runwatch's when it last was, in milliseconds. Null if it was"
            " not, by more than a second, for an hour before lastSeenAt."
        ),
        metadata=in_milliseconds("present_skew"),
    )

    @classmethod
    def of(cls, engine: engines.Engine) -> Engine:
        """From app's engine."""
        return cls(
            local_id=engine.id,
            id=strawberry.ID(ids.to_global("engine", engine.id)),
            name=engine.name,
            kind=engine.kind,
            can_retry=engine.can_retry,
            retry_obstacle=engine.retry_obstacle,
            last_seen_at=None if engine.last_seen_at is None else DateTime(engine.last_seen_at),
            clock_skew_ms=milliseconds(engine.present_skew),
        )

    @strawberry.field(description="Clients that send its events, at most 20, those seen last first.")
    async def clients(self, info: Info) -> list[EngineClient]:
        """Batched."""
        found = await resolvers.clients_of(info.context, self.local_id)
        return [EngineClient(name=each.name, last_seen_at=DateTime(each.last_seen_at)) for each in found]

    @strawberry.field(description="Number of its engineIssues: at most 200, of which those seen last are kept.")
    async def issue_count(self, info: Info) -> int:
        """Batched."""
        return await resolvers.issue_count(info.context, self.local_id)
