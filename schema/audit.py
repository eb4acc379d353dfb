"""The audit: who did what."""

from __future__ import annotations

import strawberry

from app import audit, ids
from schema.execution_input import filter_tuple
from schema.node import Node
from schema.paging import Connection, Count, Edge, counted, edges, nodes
from schema.scalars import DateTime, Json


@strawberry.type(description="One action that only administrators may take, a sign-in or an export.")
class AuditEntry(Node):
    """One act."""

    at: DateTime = strawberry.field(description="When it happened.")
    actor: str = strawberry.field(description="Name of the viewer who did it.")
    action: str = strawberry.field(
        description="Name of the mutation, or signIn, signOut, signInLink, exportExecutions or exportLog."
    )
    subject: strawberry.ID | None = strawberry.field(description="Global id of the object. Null for several objects.")
    detail: Json | None = strawberry.field(description="Further details of the action. Null if there are none.")

    @classmethod
    def of(cls, entry: audit.AuditEntry) -> AuditEntry:
        """From app's entry."""
        return cls(
            id=strawberry.ID(ids.to_global("auditEntry", entry.id)),
            at=DateTime(entry.at),
            actor=entry.actor,
            action=entry.action,
            subject=None if entry.subject is None else strawberry.ID(entry.subject),
            detail=None if entry.detail is None else Json(entry.detail),
        )


@strawberry.input(
    description=(
        "Filter for the audit log. All given fields must match. A list matches any of its values; [] matches nothing;"
        " null does not constrain."
    )
)
class AuditFilter:
    """Which entries."""

    actor: list[str] | None = strawberry.field(default=None, description="Entries of viewers with one of these names.")
    action: list[str] | None = strawberry.field(default=None, description="Entries with one of these actions.")
    from_: DateTime | None = strawberry.field(name="from", default=None, description="Entries at or after this time.")
    to: DateTime | None = strawberry.field(default=None, description="Entries before this time.")
    subject: strawberry.ID | None = strawberry.field(
        default=None, description="Entries about this object, by global id."
    )

    @staticmethod
    def where(given: AuditFilter | None) -> audit.AuditFilter:
        """As app's value; BadInput for invalid values."""
        if given is None:
            return audit.EVERYTHING
        return audit.AuditFilter(
            filter_tuple(given.actor), filter_tuple(given.action), given.from_, given.to, given.subject
        )


@strawberry.type(description="An audit entry in a list.")
class AuditEntryEdge(Edge[audit.AuditEntry, AuditEntry]):
    """An audit entry in a list."""

    node: AuditEntry = strawberry.field(description="The audit entry.")


@strawberry.type(description="A page of the audit log, newest first.")
class AuditEntryConnection(Connection[audit.AuditEntry]):
    """A page of the audit."""

    edges: list[AuditEntryEdge] = edges(AuditEntryEdge, AuditEntry.of, "The audit entries with their cursors.")
    nodes: list[AuditEntry] = nodes(AuditEntry.of, "The audit entries.")
    total_count: Count = counted()
