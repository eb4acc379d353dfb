"""Lookups by global id, of every kind that has one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from app import ids
from app.auth import Permission
from app.retries.bulk import MAX_LIMIT
from resolvers.context import Context
from resolvers.loaders import Loaders

Find = Callable[[Loaders, str], Awaitable[Any]]

# By kind: who may look it up, and where.
_KINDS: dict[str, tuple[Permission, Find]] = {
    "alert": (Permission.READ, lambda loaders, id_: loaders.alerts.load(id_)),
    "alertRule": (Permission.READ, lambda loaders, id_: loaders.alert_rules.load(id_)),
    "auditEntry": (Permission.READ_AUDIT, lambda loaders, id_: loaders.audit_entries.load(id_)),
    "bulkRetry": (Permission.READ, lambda loaders, id_: loaders.bulk_retries.load(id_)),
    "engine": (Permission.READ, lambda loaders, id_: loaders.engines.load(id_)),
    "errorGroup": (Permission.READ, lambda loaders, id_: loaders.error_groups.load(id_)),
    "execution": (Permission.READ, lambda loaders, id_: loaders.executions.load(id_)),
    "step": (Permission.READ, lambda loaders, id_: loaders.steps.load(id_)),
    "token": (Permission.MANAGE_TOKENS, lambda loaders, id_: loaders.tokens.load(id_)),
    "workflow": (Permission.READ, lambda loaders, id_: loaders.workflows.load(id_)),
}


async def find_node(context: Context, kind: str, global_id: str) -> Any:
    """What a global id of this kind names, or None for an unknown id."""
    # The kind says what it takes; nothing else of the id is looked at before.
    permission, find = _KINDS.get(kind, (Permission.READ, None))
    context.require(permission)
    id_ = ids.from_global(kind, global_id)
    if kind == "bulkRetry":
        context.budget.take_list(MAX_LIMIT)  # all its executions are read at once
    return None if find is None or id_ is None else await find(context.loaders, id_)
