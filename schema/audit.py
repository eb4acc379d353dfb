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


@strawberry.type(description="One act that only administrators may do.")
class AuditEntry(Node):
    """One act."""

    at: DateTime = strawberry.field(description="When.")
    actor: str = strawberry.field(description="The name of who did it.")
    action: str = strawberry.field(description="What: the name of the mutation.")
    subject: strawberry.ID | None = strawberry.field(description="Of what it was done; null for several.")
    detail: Json | None = strawberry.field(description="What else there is to say; null when there is nothing.")

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


@strawberry.type(description="An entry in a list.")
class AuditEntryEdge:
    """An entry in a list."""

    cursor: str = strawberry.field(description="Its place in this list; opaque.")
    node: AuditEntry = strawberry.field(description="The entry.")


@strawberry.type(description="A page of the audit, the newest first.")
class AuditEntryConnection:
    """A page of the audit."""

    page: strawberry.Private[Page[audit.AuditEntry]]
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    updates_cursor: str = strawberry.field(description="A place in the changes of executions, read before the page.")

    @classmethod
    def of(cls, page: Page[audit.AuditEntry], updates_cursor: str) -> AuditEntryConnection:
        """From a resolver's page."""
        return cls(page=page, page_info=PageInfo(page=page), updates_cursor=updates_cursor)

    @strawberry.field(description="The entries with their cursors.")
    def edges(self) -> list[AuditEntryEdge]:
        """With cursors."""
        return [AuditEntryEdge(cursor=self.page.cursor(item), node=AuditEntry.of(item)) for item in self.page.items]

    @strawberry.field(description="The entries.")
    def nodes(self) -> list[AuditEntry]:
        """Without cursors."""
        return [AuditEntry.of(item) for item in self.page.items]

    @strawberry.field(description="How many there are on all pages; counted only when asked for.")
    async def total_count(self, info: Info) -> Count:
        """One more statement."""
        return Count.of(await resolvers.count_entries(info.context))
