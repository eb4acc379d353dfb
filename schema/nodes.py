"""Finds what a global id names."""

from __future__ import annotations

from typing import Any

from resolvers import nodes as node_resolvers
from schema.alert import Alert
from schema.alert_rule import AlertRule
from schema.audit import AuditEntry
from schema.bulk_retry import BulkRetry
from schema.context import Info
from schema.engine import Engine
from schema.error_group import ErrorGroup
from schema.execution import Execution
from schema.step import Step
from schema.token import Token
from schema.workflow import Workflow

_TYPES: dict[str, Any] = {
    "alert": Alert,
    "alertRule": AlertRule,
    "auditEntry": AuditEntry,
    "bulkRetry": BulkRetry,
    "engine": Engine,
    "errorGroup": ErrorGroup,
    "execution": Execution,
    "step": Step,
    "token": Token,
    "workflow": Workflow,
}


async def find(info: Info, kind: str, global_id: str) -> Any:
    """The object that a global id of this kind names; None if there is none."""
    found = await node_resolvers.find_node(info.context, kind, global_id)
    return None if found is None else _TYPES[kind].of(found)
