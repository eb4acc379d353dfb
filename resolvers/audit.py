"""Reads of the audit log."""

from __future__ import annotations

from app import audit
from app.audit import AuditEntry, AuditFilter
from app.auth import Permission
from app.paging import PageRequest
from resolvers.arguments import Argument
from resolvers.context import Context
from resolvers.lists import CountedList, read_list


async def list_entries(
    context: Context, where: Argument[AuditFilter], request: Argument[PageRequest]
) -> CountedList[AuditEntry]:
    """A page of the entries that match, newest first."""
    context.require(Permission.READ_AUDIT)
    database, filter_, given = context.database, where(), request()
    return await read_list(
        context,
        given,
        lambda: audit.list_page(database, given, filter_),
        lambda: audit.count(database, filter_),
    )
