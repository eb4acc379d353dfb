"""The server itself."""

from __future__ import annotations

import strawberry

from app import clock
from app.retention.rules import Rules
from resolvers.about import About
from schema.scalars import DateTime


@strawberry.type(
    description="What is kept, as RUNWATCH_KEPT_… and RUNWATCH_RETENTION say. A field is null if it sets no bound."
)
class Retention:
    """What is kept for how long."""

    by_itself: bool = strawberry.field(
        description="Whether the server deletes the rest by itself. If not, `runwatch prune` does."
    )
    days: int | None = strawberry.field(description="Days that finished runs are kept.")
    failure_days: int | None = strawberry.field(description="Days that failed runs are kept. Null: as the others.")
    executions: float | None = strawberry.field(description="Number of runs that are kept, the newest.")
    bytes: float | None = strawberry.field(description="Size of the database above which the oldest runs go.")
    figure_days: int | None = strawberry.field(description="Days that figures of deleted runs are kept.")
    error_group_days: int | None = strawberry.field(description="Days that counts of deleted runs' groups are kept.")
    alert_days: int | None = strawberry.field(description="Days that alerts are kept.")
    audit_days: int | None = strawberry.field(description="Days that entries of the audit log are kept.")
    idle_workflow_days: int | None = strawberry.field(description="Days that workflows without runs are kept.")

    @classmethod
    def of(cls, rules: Rules, *, by_itself: bool) -> Retention:
        """From app's rules."""
        return cls(
            by_itself=by_itself,
            days=_whole(rules.days),
            failure_days=rules.failure_days,
            executions=rules.executions,
            bytes=rules.bytes,
            figure_days=rules.figure_days,
            error_group_days=rules.error_group_days,
            alert_days=rules.alert_days,
            audit_days=rules.audit_days,
            idle_workflow_days=rules.idle_workflow_days,
        )


@strawberry.type(description="The server that answers.")
class Server:
    """The server that answers."""

    version: str = strawberry.field(description="Version of Runwatch, for example 0.1.0.")
    build: str | None = strawberry.field(
        description=(
            "Hash of the page that it serves, as in the header X-Runwatch-Build: with another one, the page has to be"
            " loaded anew. Null if it serves none."
        )
    )
    kept_days: int | None = strawberry.field(
        description=(
            "Days after which finished runs are deleted, by `runwatch prune` or by the server itself, as"
            " RUNWATCH_KEPT_DAYS says; failed ones may be kept for longer. Null if no time is set."
        )
    )
    retention: Retention = strawberry.field(description="What it keeps, and for how long.")
    now: DateTime = strawberry.field(description="The server's clock.")

    @classmethod
    def of(cls, about: About) -> Server:
        """As it is now."""
        return cls(
            version=about.version,
            build=about.build() or None,
            kept_days=_whole(about.retention.days),
            retention=Retention.of(about.retention, by_itself=about.retains),
            now=DateTime(clock.now_us()),
        )


def _whole(days: float | None) -> int | None:
    """The settings' days are whole; those of `runwatch prune --older-than` need not be."""
    return None if days is None else int(days)
