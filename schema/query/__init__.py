"""The reads, as a table of contents. The fields stand in modules with the names of their resolvers' modules."""

from __future__ import annotations

from strawberry.tools import create_type

from schema.query import (
    alerts,
    audit,
    engines,
    error_groups,
    executions,
    metrics,
    nodes,
    retries,
    saved_views,
    server,
    sessions,
    tokens,
    workflows,
)

Query = create_type(
    "Query",
    [
        alerts.alert_preview,
        alerts.alert_proposals,
        alerts.alert_rules,
        alerts.alerts,
        audit.audit_log,
        retries.bulk_retry,
        engines.engine_issues,
        engines.engines,
        error_groups.error_groups,
        executions.execution,
        executions.execution_facets,
        executions.execution_histogram,
        executions.execution_logs,
        executions.executions,
        metrics.metrics,
        nodes.node,
        saved_views.saved_views,
        server.server,
        sessions.sessions,
        tokens.tokens,
        metrics.trigger_kinds,
        sessions.viewer,
        workflows.workflow,
        metrics.workflow_metrics,
        workflows.workflows,
    ],
    description=(
        "Everything that reads. A field that fails is null and has an error; the others answer as usual. Only `viewer`"
        " cannot fail."
    ),
)
