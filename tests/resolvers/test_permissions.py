"""Every field for every role, with arguments that can be meant and with those that cannot."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLError

from app.auth.roles import Role, Viewer
from app.db import Database
from app.errors import Unauthenticated
from resolvers.context import Context
from schema import schema
from tests.contexts import context_of

UNKNOWN = "execution_" + "0" * 32
# How each root field is asked for; a field that is missing here fails the test.
FIELDS = {
    "alertPreview": "alertPreview(condition: {failuresInARow: 3}) { count }",
    "alertProposals": "alertProposals { preview { count } }",
    "alertRules": "alertRules { id }",
    "alerts": "alerts { nodes { id } totalCount { value } }",
    "auditLog": "auditLog { nodes { id } totalCount { value } }",
    "bulkRetry": f'bulkRetry(id: "bulkRetry_{"0" * 32}") {{ id }}',
    "engineIssues": f'engineIssues(engineId: "engine_{"0" * 32}") {{ nodes {{ kind }} totalCount {{ value }} }}',
    "engines": "engines { id }",
    "errorGroups": "errorGroups { nodes { id } totalCount { value } }",
    "execution": f'execution(id: "{UNKNOWN}") {{ id }}',
    "executionFacets": "executionFacets { total { value } unresolved { value } workflow { name } }",
    "executionHistogram": "executionHistogram { from points { total } }",
    "executionLogs": f'executionLogs(executionId: "{UNKNOWN}") {{ nodes {{ id }} }}',
    "executions": "executions { nodes { id } totalCount { value } }",
    "metrics": "metrics { total topErrors { count } byWorkflow { total } }",
    "node": f'node(id: "{UNKNOWN}") {{ id }}',
    "savedViews": "savedViews { id name page query shared owner }",
    "server": "server { version build keptDays retention { byItself days } now }",
    "sessions": "sessions { id name role isPresent }",
    "tokens": "tokens { id prefix name role }",
    "triggerKinds": "triggerKinds",
    "viewer": "viewer { name role expiresAt }",
    "workflow": f'workflow(id: "{UNKNOWN}") {{ id }}',
    "workflowMetrics": "workflowMetrics { nodes { total trend { total } previous { total } } totalCount { value } }",
    "workflows": "workflows { nodes { id } totalCount { value } }",
}
FOR_EVERYBODY = {"viewer"}
FOR_ADMINISTRATORS = {"auditLog", "tokens"}
# What only an administrator may do.
MUTATIONS = {
    "connectEngine": 'connectEngine(input: {name: "", wayBack: {webhookUrl: "https://e.example"}}) { signingSecret }',
    "createToken": 'createToken(input: {name: "", role: RUNNER, engine: "e"}) { secret }',
    "deleteAlertRule": f'deleteAlertRule(id: "{UNKNOWN}")',
    "disconnectEngine": f'disconnectEngine(id: "{UNKNOWN}") {{ cancelledRetries }}',
    "mergeErrorGroups": f'mergeErrorGroups(input: {{from: ["{UNKNOWN}"], into: "{UNKNOWN}"}}) {{ group {{ id }} }}',
    "renewAlertSecret": f'renewAlertSecret(id: "{UNKNOWN}") {{ signingSecret }}',
    "resolveExecutions": f'resolveExecutions(input: {{ids: ["{UNKNOWN}"], note: "n"}}) {{ more }}',
    "retryExecution": f'retryExecution(input: {{executionId: "{UNKNOWN}"}}) {{ created }}',
    "retryExecutions": f'retryExecutions(input: {{ids: ["{UNKNOWN}"]}}) {{ matched }}',
    "revealTrigger": f'revealTrigger(executionId: "{UNKNOWN}")',
    "revokeToken": f'revokeToken(id: "{UNKNOWN}") {{ token {{ id }} }}',
    "rotateEngineSecret": f'rotateEngineSecret(input: {{id: "{UNKNOWN}"}}) {{ signingSecret }}',
    "saveAlertRule": f'saveAlertRule(input: {{id: "{UNKNOWN}", consecutiveFailures: 3}}) {{ rule {{ id }} }}',
    "setErrorGroupState": f'setErrorGroupState(input: {{id: "{UNKNOWN}", state: MUTED}}) {{ group {{ id }} }}',
    "testAlertRule": f'testAlertRule(id: "{UNKNOWN}") {{ outcomes {{ error }} }}',
    "testEngine": f'testEngine(id: "{UNKNOWN}") {{ reached }}',
    "splitErrorGroup": f'splitErrorGroup(input: {{id: "{UNKNOWN}", by: [STEP]}}) {{ group {{ id }} }}',
    "unmergeErrorGroup": f'unmergeErrorGroup(id: "{UNKNOWN}") {{ group {{ id }} }}',
    "unresolveExecutions": f'unresolveExecutions(input: {{ids: ["{UNKNOWN}"]}}) {{ more }}',
    "unsplitErrorGroup": f'unsplitErrorGroup(id: "{UNKNOWN}") {{ group {{ id }} }}',
}
# What every reader may do for himself.
OWN = {
    "deleteView": f'deleteView(id: "{UNKNOWN}")',
    "endSessions": f'endSessions(input: {{id: "{UNKNOWN}"}}) {{ ended }}',
    "saveView": f'saveView(input: {{id: "{UNKNOWN}", name: "n", page: "history", query: ""}}) {{ view {{ id }} }}',
}
# What every reader may follow, and the answers to invalid requests.
SUBSCRIPTIONS = {
    "executionLogAppended": (f'executionLogAppended(executionId: "{UNKNOWN}") {{ cursor }}', "NOT_FOUND"),
    "executionUpdated": ('executionUpdated(after: "nonsense") { cursor }', "BAD_USER_INPUT"),
    "metricsChanged": ('metricsChanged(timeZone: "nowhere") { total }', "BAD_USER_INPUT"),
}


async def code_of(database: Database, operation: str, viewer: Viewer | None) -> str | None:
    context = context_of(database, viewer)
    if operation.startswith("subscription"):
        result = await first_of(operation, context)
    else:
        result = await schema.execute(operation, context_value=context)
    if not result.errors:
        return None
    (error,) = result.errors
    assert error.original_error is not None
    code: str = error.original_error.extensions["code"]
    return code


async def first_of(subscription: str, context: Context) -> Any:
    """The first result of a subscription."""
    results = await schema.subscribe(subscription, context_value=context)
    try:
        return await anext(results)
    except Unauthenticated as error:  # before it was a subscription
        return ExecutionResult(None, [GraphQLError(error.message, original_error=error)])
    finally:
        await results.aclose()


def test_every_root_field_is_here() -> None:
    graphql = schema._schema
    assert graphql.query_type is not None
    assert FIELDS.keys() == graphql.query_type.fields.keys()
    assert graphql.mutation_type is not None
    assert MUTATIONS.keys() | OWN.keys() == graphql.mutation_type.fields.keys()
    assert graphql.subscription_type is not None
    assert SUBSCRIPTIONS.keys() == graphql.subscription_type.fields.keys()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_roles_that_may_read(database: Database) -> None:
    found = {
        (field, role): await code_of(database, f"{{ {document} }}", Viewer("x", role))
        for field, document in FIELDS.items()
        for role in Role
    }
    for (field, role), code in found.items():
        if field in FOR_ADMINISTRATORS:
            allowed = {Role.ADMIN}
        else:
            allowed = set(Role) if field in FOR_EVERYBODY else {Role.ADMIN, Role.VIEWER}
        assert code == (None if role in allowed else "FORBIDDEN"), (field, role)
    assert {await code_of(database, f"{{ {document} }}", None) for document in FIELDS.values()} == {"UNAUTHENTICATED"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("document", MUTATIONS.values(), ids=MUTATIONS.keys())
async def test_roles_that_may_change(database: Database, document: str) -> None:
    found = {role: await code_of(database, f"mutation {{ {document} }}", Viewer("x", role)) for role in Role}
    code = "BAD_USER_INPUT" if document.startswith(("connectEngine", "createToken")) else "NOT_FOUND"
    assert found == {Role.ADMIN: code, Role.VIEWER: "FORBIDDEN", Role.RUNNER: "FORBIDDEN"}
    assert await code_of(database, f"mutation {{ {document} }}", None) == "UNAUTHENTICATED"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("document", OWN.values(), ids=OWN.keys())
async def test_roles_that_may_change_what_is_theirs(database: Database, document: str) -> None:
    found = {role: await code_of(database, f"mutation {{ {document} }}", Viewer("x", role)) for role in Role}
    assert found == {Role.ADMIN: "NOT_FOUND", Role.VIEWER: "NOT_FOUND", Role.RUNNER: "FORBIDDEN"}
    assert await code_of(database, f"mutation {{ {document} }}", None) == "UNAUTHENTICATED"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("document", "code"), SUBSCRIPTIONS.values(), ids=SUBSCRIPTIONS.keys())
async def test_roles_that_may_follow(database: Database, document: str, code: str) -> None:
    found = {role: await code_of(database, f"subscription {{ {document} }}", Viewer("x", role)) for role in Role}
    assert found == {Role.ADMIN: code, Role.VIEWER: code, Role.RUNNER: "FORBIDDEN"}
    assert await code_of(database, f"subscription {{ {document} }}", None) == "UNAUTHENTICATED"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("id_", [UNKNOWN, "nonsense", "execution_x", ""])
async def test_a_runner_does_not_learn_which_ids_exist(database: Database, id_: str) -> None:
    viewer = Viewer("runner", Role.RUNNER, "galaxy")
    for field in ("node", "execution", "workflow"):
        context = context_of(database, viewer)
        result = await schema.execute(f'{{ {field}(id: "{id_}") {{ id }} }}', context_value=context)
        assert result.errors is not None
        assert "READ" in result.errors[0].message


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("id_", ["auditEntry_" + "0" * 32, "auditEntry_x", "auditEntry_"])
async def test_node_of_an_audit_entry_is_for_administrators(database: Database, id_: str) -> None:
    document = f'{{ node(id: "{id_}") {{ id }} }}'
    found = {role: await code_of(database, document, Viewer("x", role)) for role in Role}
    assert found == {Role.ADMIN: None, Role.VIEWER: "FORBIDDEN", Role.RUNNER: "FORBIDDEN"}
