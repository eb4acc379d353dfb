"""Asks for retries, and waits for their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specs.harness.driver import Runwatch
from specs.harness.waiting import soon

FIELDS = """
    id externalId workflowName state status attempt resolved requestedBy queuedAt startedAt finishedAt updatedAt
    trigger { kind data dataBytes redactedPaths incomplete hasMessage } error { type message stackTrace }
    retryOf { id } rootExecution { id } retries { id } retryability { canRetry reasons }
    dispatch { attempts acceptedAt nextAttemptAt lastError }
"""
ONE = f"query One($id: ID!) {{ execution(id: $id) {{ {FIELDS} }} }}"
LIST = f"query List($filter: ExecutionFilter) {{ executions(first: 100, filter: $filter) {{ nodes {{ {FIELDS} }} }} }}"
RETRY = f"""
mutation Retry($id: ID!, $key: String) {{
  retryExecution(input: {{executionId: $id, idempotencyKey: $key}}) {{
    created execution {{ {FIELDS} }} retryOf {{ {FIELDS} }}
  }}
}}
"""
BULK_FIELDS = """
    id matched lookedAt eligible dryRun snapshot unprocessed asOf startedAt requestedBy filter
    retriedCount createdCount skippedCount unprocessedCount
    skippedBy { reason count } byWorkflow { name count { value kind } } byEngine { count engine { name kind } }
    retried { created execution { id attempt } retryOf { id externalId } }
    skipped { execution { externalId } reasons }
"""
BULK = f"mutation Bulk($input: RetryExecutionsInput!) {{ retryExecutions(input: $input) {{ {BULK_FIELDS} }} }}"
BULK_ONE = f"query BulkOne($id: ID!) {{ bulkRetry(id: $id) {{ {BULK_FIELDS} }} }}"
AUDIT = "{ auditLog(first: 100) { nodes { actor action subject detail } totalCount { value } } }"


def one(runwatch: Runwatch, id_: str) -> Any:
    """An execution by its id."""
    return runwatch.ask(ONE, id=id_)["data"]["execution"]


def listed(runwatch: Runwatch, **where: Any) -> Any:
    """The executions that match a filter, by external id."""
    nodes = runwatch.ask(LIST, filter=where)["data"]["executions"]["nodes"]
    return {node["externalId"]: node for node in nodes}


def retry(runwatch: Runwatch, id_: str, key: str | None = None) -> Any:
    """Ask for a retry that must be given: its payload."""
    answer = runwatch.ask(RETRY, id=id_, key=key)
    assert "errors" not in answer, answer
    return answer["data"]["retryExecution"]


def bulk(runwatch: Runwatch, **given: Any) -> Any:
    """Ask for many, which must be given."""
    answer = runwatch.ask(BULK, input=given)
    assert "errors" not in answer, answer
    return answer["data"]["retryExecutions"]


def bulk_retry(runwatch: Runwatch, id_: str, token: str | None = None) -> Any:
    """A bulk retry by its id."""
    answer = runwatch.ask(BULK_ONE, token, id=id_)
    assert "errors" not in answer, answer
    return answer["data"]["bulkRetry"]


def refused(answer: Any) -> tuple[str, list[str] | None]:
    """The code of the only error of an answer that has no data, and its reasons, if it has any."""
    (error,) = answer["errors"]
    assert answer.get("data") is None, answer
    return error["extensions"]["code"], error["extensions"].get("reasons")


def audited(runwatch: Runwatch, subject: str | None) -> list[Any]:
    """The audit entries about an execution, newest first; None: about several at once."""
    return [node for node in runwatch.ask(AUDIT)["data"]["auditLog"]["nodes"] if node["subject"] == subject]


def count_audited(runwatch: Runwatch) -> int:
    """How many entries the audit has."""
    count: int = runwatch.ask(AUDIT)["data"]["auditLog"]["totalCount"]["value"]
    return count


def wait_for(runwatch: Runwatch, id_: str, met: Callable[[Any], bool]) -> Any:
    """An execution, once it is as wanted."""
    found: Any = None

    def look() -> bool:
        nonlocal found
        found = one(runwatch, id_)
        return met(found)

    soon(look, why=lambda: found)
    return found


def finished(runwatch: Runwatch, id_: str) -> Any:
    """An execution, once it has finished."""
    return wait_for(runwatch, id_, lambda execution: execution["status"] != "PENDING")


def of_subject(runwatch: Runwatch, engine: str, external_id: str) -> Any:
    """An execution by its engine's id for it, once it has finished."""
    return finished(runwatch, listed(runwatch, engine=[engine])[external_id]["id"])
