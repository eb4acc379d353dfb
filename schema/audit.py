"""The audit: who did what."""

from __future__ import annotations

import strawberry

from app import audit, ids
from schema.node import Node
from schema.paging import Connection, Count, Edge, counted, edges, nodes
from schema.scalars import DateTime, Json


@strawberry.type(description="One action that only administrators may take.")
class AuditEntry(Node):
    """One act."""

    at: DateTime = strawberry.field(description="When it happened.")
    actor: str = strawberry.field(description="Name of the viewer who did it.")
    action: str = strawberry.field(description="Name of the mutation, or signIn, signOut or signInLink.")
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
