"""Reads of the audit."""

from __future__ import annotations

from app import audit
from app.audit import AuditEntry
from app.auth import Permission
from app.changes import revisions
from app.paging import Count, Page, PageRequest
from resolvers.context import Context


async def list_entries(context: Context, request: PageRequest) -> tuple[Page[AuditEntry], str]:
    """A page of entries, the newest first, and the place in the changes before it was read."""
    context.require(Permission.READ_AUDIT)
    context.budget.take_list(request.size)
    epoch, revision = await revisions.revision_of(context.database)
    return await audit.list_page(context.database, request), revisions.updates_cursor(epoch, revision)


async def count_entries(context: Context) -> Count:
    """How many entries there are."""
    context.require(Permission.READ_AUDIT)
    return await audit.count(context.database)


async def find_entry(context: Context, id_: str) -> AuditEntry | None:
    """One entry, or None for an unknown id."""
    context.require(Permission.READ_AUDIT)
    return await context.loaders.audit_entries.load(id_)
