"""Reads of the audit."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from resolvers import audit as audit_resolvers
from schema.audit import AuditEntryConnection, AuditFilter
from schema.context import Info
from schema.paging import After, Before, First, Last, PageRequest


@strawberry.field(description="Audit log, newest first. ADMIN only.")
async def audit_log(
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[AuditFilter | None, strawberry.argument(description="Filter.")] = None,
) -> AuditEntryConnection | None:
    """A page of the audit."""
    where, request = partial(AuditFilter.where, filter), partial(PageRequest, first, after, last, before)
    return AuditEntryConnection.of(await audit_resolvers.list_entries(info.context, where, request))
