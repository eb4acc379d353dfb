"""The verbs, as a table of contents. The fields stand in modules with the names of their resolvers' modules."""

from __future__ import annotations

from strawberry.tools import create_type

from schema.mutation import (
    alerts,
    engines,
    error_groups,
    executions,
    resolutions,
    retries,
    saved_views,
    sessions,
    tokens,
)

Mutation = create_type(
    "Mutation",
    [
        engines.connect_engine,
        tokens.create_token,
        alerts.delete_alert_rule,
        saved_views.delete_view,
        engines.disconnect_engine,
        sessions.end_sessions,
        error_groups.merge_error_groups,
        alerts.renew_alert_secret,
        resolutions.resolve_executions,
        retries.retry_execution,
        retries.retry_executions,
        executions.reveal_trigger,
        tokens.revoke_token,
        engines.rotate_engine_secret,
        alerts.save_alert_rule,
        saved_views.save_view,
        error_groups.set_error_group_state,
        error_groups.split_error_group,
        alerts.test_alert_rule,
        engines.test_engine,
        error_groups.unmerge_error_group,
        resolutions.unresolve_executions,
        error_groups.unsplit_error_group,
    ],
    description="Everything that changes something.",
)
