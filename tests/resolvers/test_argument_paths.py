"""A refused part of an argument is named by its path: the argument, or the field of a mutation's input, comes first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.auth import Role, Viewer
from app.db import Database
from schema import schema
from tests.contexts import context_of

ADMIN = Viewer("ada", Role.ADMIN)
RUNS = "query Q($given: ExecutionFilter) { executions(filter: $given) { nodes { id } } }"
FIGURES = "query Q($given: MetricsFilter) { metrics(filter: $given) { total } }"
TREND = "query Q($given: ExecutionFilter) { executionHistogram(filter: $given) { kind } }"
AUDIT = "query Q($given: AuditFilter) { auditLog(filter: $given) { nodes { id } } }"
ALERTS = "query Q($given: AlertFilter) { alerts(filter: $given) { nodes { id } } }"
PREVIEW = "query Q($given: AlertConditionInput!) { alertPreview(condition: $given) { count } }"
CONNECT = "mutation M($given: ConnectEngineInput!) { connectEngine(input: $given) { signingSecret } }"
RULE = "mutation M($given: AlertRuleInput!) { saveAlertRule(input: $given) { rule { id } } }"
RETRY = "mutation M($given: RetryExecutionInput!) { retryExecution(input: $given) { execution { id } } }"
MERGE = "mutation M($given: MergeErrorGroupsInput!) { mergeErrorGroups(input: $given) { group { id } } }"
ROTATE = "mutation M($given: RotateEngineSecretInput!) { rotateEngineSecret(input: $given) { signingSecret } }"
REVOKE = "mutation M($given: ID!) { revokeToken(id: $given) { token { id } } }"
DELETE = "mutation M($given: ID!) { deleteAlertRule(id: $given) }"
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
LONG = 1_001 * "x"
BACK = {"from": LATE, "to": EARLY}


@pytest.mark.parametrize(
    ("document", "given", "says"),
    [
        (RUNS, {"search": LONG}, "filter.search: at most 1000 characters, not 1001"),
        (RUNS, {"search": "a\0"}, "filter.search: contains a NUL character"),
        (RUNS, {"queuedFrom": LATE, "queuedTo": EARLY}, "filter.queuedFrom: greater than filter.queuedTo"),
        (RUNS, {"minDurationMs": 2, "maxDurationMs": 1}, "filter.minDurationMs: greater than filter.maxDurationMs"),
        (RUNS, {"maxDurationMs": 1e16}, "filter.maxDurationMs: out of range"),
        *((RUNS, {name: ["x"]}, f"filter.{name}: not a") for name in ("id", "workflowId", "errorGroupId")),
        *((RUNS, {name: "x"}, f"filter.{name}: not a") for name in ("retryOf", "rootExecutionId", "bulkRetryId")),
        (FIGURES, {"workflowId": ["x"]}, "filter.workflowId: not a workflow id: 'x'"),
        (FIGURES, BACK, "filter.from: must be before filter.to"),
        (TREND, {"queuedFrom": EARLY, "queuedTo": EARLY}, "filter.queuedFrom: must be before filter.queuedTo"),
        (AUDIT, BACK, "filter.from: must be before filter.to"),
        *((ALERTS, {f"{name}Id": "x"}, f"filter.{name}Id: not a") for name in ("rule", "workflow")),
        (PREVIEW, {"failuresInARow": 0}, "condition.failuresInARow: must be 1 to 10000, not 0"),
        (PREVIEW, {"slowRun": 1}, "condition.slowRun: must be 1.1 to 100, not 1"),
        (PREVIEW, {"noRun": {"minutes": 0}}, "condition.noRun.minutes: must be"),
        (PREVIEW, {"engineSilence": {"minutes": 0}}, "condition.engineSilence.minutes: must be"),
        (
            PREVIEW,
            {"failureRate": {"percent": 101, "windowMinutes": 5, "minimumRuns": 1}},
            "condition.failureRate.percent: must be 0.1 to 100, not 101",
        ),
        (CONNECT, {"name": "e", "wayBack": {"webhookUrl": "ftp://hooks.example"}}, "wayBack.webhookUrl: "),
        (
            CONNECT,
            {"name": "e", "wayBack": {"brokerUrl": "redis://" + 2_000 * "x"}},
            "wayBack.brokerUrl: at most 2000 characters",
        ),
        (CONNECT, {"name": "e", "wayBack": {"brokerUrl": "redis://10.0.0.1/0"}}, "wayBack.brokerUrl: private address"),
        (
            CONNECT,
            {"name": "e", "wayBack": {"brokerUrl": "http://broker.example"}},
            "wayBack.brokerUrl: the URL must begin with",
        ),
    ],
)
async def test_message_begins_with_the_path(
    database: Database, document: str, given: dict[str, Any], says: str
) -> None:
    result = await schema.execute(document, variable_values={"given": given}, context_value=context_of(database, ADMIN))
    assert [error.message.startswith(says) for error in result.errors or ()] == [True], result.errors


@pytest.mark.parametrize(
    ("document", "kind", "path", "given"),
    [
        (RETRY, "execution", "executionId", lambda id_: {"executionId": id_}),
        (ROTATE, "engine", "id", lambda id_: {"id": id_}),
        (MERGE, "errorGroup", "from", lambda id_: {"from": [id_], "into": id_}),
        (REVOKE, "token", "id", lambda id_: id_),
        (DELETE, "alertRule", "id", lambda id_: id_),
        (RULE, "alertRule", "id", lambda id_: {"id": id_, "consecutiveFailures": 1, "channels": {"page": True}}),
        (
            RULE,
            "workflow",
            "workflowId",
            lambda id_: {"workflowId": id_, "consecutiveFailures": 1, "channels": {"page": True}},
        ),
        (
            RULE,
            "engine",
            "condition.engineSilence.engineId",
            lambda id_: {
                "condition": {"engineSilence": {"minutes": 5, "engineId": id_}},
                "channels": {"page": True},
                "workflowId": None,
            },
        ),
    ],
)
async def test_unknown_ids_are_named_as_malformed_ones(
    database: Database, document: str, kind: str, path: str, given: Callable[[str], Any]
) -> None:
    for id_ in (f"{kind}_{'0' * 32}", "nonsense"):
        result = await schema.execute(
            document, variable_values={"given": given(id_)}, context_value=context_of(database, ADMIN)
        )
        assert [error.message for error in result.errors or ()] == [f"{path}: no such {kind}: {id_!r}"]
