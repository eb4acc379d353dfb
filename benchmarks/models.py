"""The tables of app/migrations as Tortoise models, for the comparison with bulk_create only; the app has none of them.

Tortoise has no composite keys, so any one field is named the key: bulk_create only asks that there be one. Ids are
plain text to Tortoise; asyncpg encodes 32 hexadecimal digits as a uuid in C.
"""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


class Id(fields.Field[str], str):  # type: ignore[misc]  # as Tortoise's own fields are
    """An id: a uuid on Postgres, text on SQLite; without a validator, which a CharField has."""

    SQL_TYPE = "UUID"


def _text() -> Any:
    return fields.TextField(null=True)


def _int() -> Any:
    return fields.BigIntField(null=True)


class Execution(Model):
    """A row of executions."""

    id = Id(primary_key=True)
    engine_id = Id()
    external_id = _text()
    workflow_id = Id()
    workflow_name = _text()
    trigger_kind = _text()
    trigger_incomplete = fields.BooleanField()
    state = fields.SmallIntField()
    status = fields.SmallIntField()
    queued_at = _int()
    started_at = _int()
    finished_at = _int()
    duration = _int()
    updated_at = _int()
    retry_of = Id(null=True)
    error_type = _text()
    error_message = _text()
    error_message_bytes = _int()
    error_step = _int()
    search_text = _text()
    state_key = _text()
    workflow_key = _text()
    trigger_key = _text()
    definition_key = _text()
    retry_of_key = _text()
    declared_queued_at = _int()
    first_event_at = _int()
    received_at = _int()
    log_count = _int()

    class Meta:
        table = "executions"


class ExecutionPayload(Model):
    """A row of execution_payloads."""

    execution_id = Id(primary_key=True)
    trigger_data = _text()
    trigger_data_bytes = _int()
    definition = _text()
    stack_trace = _text()
    stack_trace_bytes = _int()

    class Meta:
        table = "execution_payloads"


class Step(Model):
    """A row of steps."""

    execution_id = Id(primary_key=True)
    step_index = _int()
    name = _text()
    kind = _text()
    state = fields.SmallIntField()
    started_at = _int()
    finished_at = _int()
    reported_duration = _int()
    error_type = _text()
    error_message = _text()
    error_message_bytes = _int()
    state_key = _text()
    name_key = _text()
    kind_key = _text()
    input_key = _text()

    class Meta:
        table = "steps"


class StepPayload(Model):
    """A row of step_payloads."""

    execution_id = Id(primary_key=True)
    step_index = _int()
    input = _text()
    input_bytes = _int()
    output = _text()
    output_bytes = _int()
    stack_trace = _text()
    stack_trace_bytes = _int()

    class Meta:
        table = "step_payloads"


class LogEntry(Model):
    """A row of log_entries."""

    execution_id = Id(primary_key=True)
    sequence = _int()
    event_key = Id()
    at = _int()
    level = fields.SmallIntField()
    step_index = _int()
    message = _text()
    message_bytes = _int()
    attributes = _text()

    class Meta:
        table = "log_entries"


class ExecutionRevision(Model):
    """A row of execution_revisions."""

    execution_id = Id(primary_key=True)
    revision = _int()
    deleted = fields.BooleanField()

    class Meta:
        table = "execution_revisions"


class RevisionCounter(Model):
    """The one row of revision_counter."""

    id = fields.SmallIntField(primary_key=True)
    epoch = _text()
    revision = fields.BigIntField()

    class Meta:
        table = "revision_counter"


BY_TABLE: dict[str, type[Model]] = {
    model._meta.db_table: model
    for model in (Execution, ExecutionPayload, Step, StepPayload, LogEntry, ExecutionRevision)
}
