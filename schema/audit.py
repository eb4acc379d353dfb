"""The audit: who did what."""

from __future__ import annotations

import strawberry

from app import audit, ids
from app.paging import Page
from resolvers import audit as resolvers
from schema.context import Info
from schema.node import Node
from schema.paging import Count, PageInfo
from schema.scalars import DateTime, Json


@strawberry.type(description="One action that only administrators may take.")
class AuditEntry(Node):
    """One act."""

    at: DateTime = strawberry.field(description="When it happened.")
    actor: str = strawberry.field(description="Name of the viewer who did it.")
    action: str = strawberry.field(description="Name of the mutation.")
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
class AuditEntryEdge:
    """An audit entry in a list."""

    cursor: str = strawberry.field(description="Cursor of this row. Opaque.")
    node: AuditEntry = strawberry.field(description="The audit entry.")


@strawberry.type(description="A page of the audit log, newest first.")
class AuditEntryConnection:
    """A page of the audit."""

    page: strawberry.Private[Page[audit.AuditEntry]]
    page_info: PageInfo = strawberry.field(description="Position of this page in the list.")
    updates_cursor: str = strawberry.field(description="Cursor for `executionUpdated(after:)`, read before the page.")

    @classmethod
    def of(cls, page: Page[audit.AuditEntry], updates_cursor: str) -> AuditEntryConnection:
        """From a resolver's page."""
        return cls(page=page, page_info=PageInfo(page=page), updates_cursor=updates_cursor)

    @strawberry.field(description="The audit entries with their cursors.")
    def edges(self) -> list[AuditEntryEdge]:
        """With cursors."""
        return [AuditEntryEdge(cursor=self.page.cursor(item), node=AuditEntry.of(item)) for item in self.page.items]

    @strawberry.field(description="The audit entries.")
    def nodes(self) -> list[AuditEntry]:
        """Without cursors."""
        return [AuditEntry.of(item) for item in self.page.items]

    @strawberry.field(description="Number of rows on all pages. Counted only if selected.")
    async def total_count(self, info: Info) -> Count:
        """One more statement."""
        return Count.of(await resolvers.count_entries(info.context))
