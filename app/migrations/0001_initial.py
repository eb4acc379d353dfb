"""Engines, workflows, executions with their steps and logs, tokens, and the counter of revisions."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # Engines and who may speak for them.
    """
    CREATE TABLE engines (
      id {id} PRIMARY KEY,
      name {text} NOT NULL UNIQUE,
      kind {text} NOT NULL DEFAULT 'NONE',
      created_at {int} NOT NULL
    ) {table}
    """,
    """
    CREATE TABLE tokens (
      id {id} PRIMARY KEY,
      prefix {text} NOT NULL,
      secret_sha256 {text} NOT NULL UNIQUE,
      name {text} NOT NULL,
      role {text} NOT NULL,
      engine_id {id} REFERENCES engines (id),
      created_at {int} NOT NULL,
      expires_at {int},
      last_used_at {int},
      revoked_at {int}
    ) {table}
    """,
    """
    CREATE TABLE workflows (
      id {id} PRIMARY KEY,
      engine_id {id} NOT NULL REFERENCES engines (id),
      name {text} NOT NULL,
      search_text {text} NOT NULL,
      UNIQUE (engine_id, name)
    ) {table}
    """,
    "CREATE INDEX workflows_name ON workflows (name, id)",
    # Executions: the row that lists read, with the merge keys (app/ingestion/merging.py). Heartbeats and log lines
    # update it without touching an indexed column; the free space in each page keeps those updates in place on
    # Postgres.
    """
    CREATE TABLE executions (
      id {id} PRIMARY KEY,
      engine_id {id} NOT NULL,
      external_id {text} NOT NULL,
      workflow_id {id} NOT NULL,
      workflow_name {text} NOT NULL,
      trigger_kind {text} NOT NULL,
      trigger_incomplete {bool} NOT NULL,
      state {small} NOT NULL,
      status {small} NOT NULL,
      queued_at {int} NOT NULL,
      started_at {int},
      finished_at {int},
      duration {int},
      updated_at {int} NOT NULL,
      retry_of {id},
      error_type {text},
      error_message {text},
      error_message_bytes {int},
      error_step {int},
      search_text {text} NOT NULL,
      state_key {text} NOT NULL,
      workflow_key {text},
      trigger_key {text},
      definition_key {text},
      retry_of_key {text},
      declared_queued_at {int},
      first_event_at {int} NOT NULL,
      received_at {int} NOT NULL,
      log_count {int} NOT NULL,
      UNIQUE (engine_id, external_id)
    ) {table_in_place}
    """,
    # One index an ordering; ties break by id. (state, ...) serves the status filter too: a status is a set of states.
    "CREATE INDEX executions_queued_at ON executions (queued_at, id)",
    "CREATE INDEX executions_started_at ON executions (started_at, id)",
    "CREATE INDEX executions_finished_at ON executions (finished_at, id)",
    "CREATE INDEX executions_duration ON executions (duration, id)",
    "CREATE INDEX executions_workflow_name ON executions (workflow_name, id)",
    "CREATE INDEX executions_status ON executions (status, id)",
    "CREATE INDEX executions_state_queued_at ON executions (state, queued_at, id)",
    "CREATE INDEX executions_workflow_queued_at ON executions (workflow_id, queued_at, id)",
    "CREATE INDEX executions_retry_of ON executions (retry_of) WHERE retry_of IS NOT NULL",
    """
    CREATE TABLE execution_payloads (
      execution_id {id} PRIMARY KEY,
      trigger_data {text},
      trigger_data_bytes {int} NOT NULL DEFAULT 0,
      definition {text},
      stack_trace {text},
      stack_trace_bytes {int}
    ) {table}
    """,
    # Rows below an execution have no foreign key: they are written under the lock of their execution only.
    """
    CREATE TABLE steps (
      execution_id {id} NOT NULL,
      step_index {int} NOT NULL,
      name {text} NOT NULL,
      kind {text},
      state {small} NOT NULL,
      started_at {int},
      finished_at {int},
      reported_duration {int},
      error_type {text},
      error_message {text},
      error_message_bytes {int},
      state_key {text} NOT NULL,
      name_key {text} NOT NULL,
      kind_key {text},
      input_key {text},
      PRIMARY KEY (execution_id, step_index)
    ) {table}
    """,
    """
    CREATE TABLE step_payloads (
      execution_id {id} NOT NULL,
      step_index {int} NOT NULL,
      input {text},
      input_bytes {int},
      output {text},
      output_bytes {int},
      stack_trace {text},
      stack_trace_bytes {int},
      PRIMARY KEY (execution_id, step_index)
    ) {table}
    """,
    # A log line is keyed by its event (16 bytes of a hash of the event's id) and numbered in order of arrival within
    # its execution: the number is given out under the execution's lock, so that it rises in order of commit.
    """
    CREATE TABLE log_entries (
      execution_id {id} NOT NULL,
      sequence {int} NOT NULL,
      event_key {id} NOT NULL,
      at {int} NOT NULL,
      level {small} NOT NULL,
      step_index {int},
      message {text} NOT NULL,
      message_bytes {int} NOT NULL,
      attributes {text},
      PRIMARY KEY (execution_id, sequence),
      UNIQUE (execution_id, event_key)
    ) {table}
    """,
    "CREATE INDEX log_entries_at ON log_entries (execution_id, at, sequence)",
    # Every change of an execution takes a revision, as the last statement of its transaction. A deleted execution
    # leaves its row here as the tombstone.
    """
    CREATE TABLE execution_revisions (
      execution_id {id} PRIMARY KEY,
      revision {int} NOT NULL UNIQUE,
      deleted {bool} NOT NULL
    ) {table_in_place}
    """,
    """
    CREATE TABLE revision_counter (
      id {small} PRIMARY KEY CHECK (id = 1),
      epoch {text} NOT NULL,
      revision {int} NOT NULL
    ) {table_in_place}
    """,
    "INSERT INTO revision_counter (id, epoch, revision) VALUES (1, {random}, 0)",
]


class Migration(migrations.Migration):
    """The first tables."""

    initial = True
    operations = [Sql(statement) for statement in OPERATIONS]
