"""Reads of the audit log."""

from __future__ import annotations

from app import audit
from app.audit import AuditEntry
from app.auth import Permission
from app.paging import PageRequest
from resolvers.context import Context
from resolvers.lists import CountedList, read_list


async def list_entries(context: Context, request: PageRequest) -> CountedList[AuditEntry]:
    """A page of entries, newest first."""
    context.require(Permission.READ_AUDIT)
    database = context.database
    return await read_list(context, request, lambda: audit.list_page(database, request), lambda: audit.count(database))


async def find_entry(context: Context, id_: str) -> AuditEntry | None:
    """One entry; None for an unknown id."""
    context.require(Permission.READ_AUDIT)
    return await context.loaders.audit_entries.load(id_)
