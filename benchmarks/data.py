"""A million executions, made by the database itself: a loader in Python would take minutes where this takes one."""

from __future__ import annotations

import asyncpg

DAY = 86_400 * 1_000_000
DAYS = 30
WORKFLOWS = 50
START = 1_700_000_000 * 1_000_000  # µs since the epoch
SEED = 0.42

_TABLES = f"""
SELECT setseed({SEED});
INSERT INTO engines (id, name, kind, created_at)
  SELECT md5('engine' || n)::uuid, 'engine-' || n, 'NONE', {START} FROM generate_series(1, 4) n;
INSERT INTO workflows (id, engine_id, name, search_text)
  SELECT md5('workflow' || n)::uuid, md5('engine' || 1 + n % 4)::uuid, 'workflow-' || lpad(n::text, 3, '0'),
         'workflow-' || lpad(n::text, 3, '0')
  FROM generate_series(1, {WORKFLOWS}) n;
"""

# Workflow n has a share falling with n: the first has 24 %, the last 0.4 %. Rows come in order of time, some late.
# One run in 1,000 is pending: the newest, and a few old ones that were lost. One in 10,000 crashed, one in 100,000 was
# skipped: the rare states.
_EXECUTIONS = f"""
INSERT INTO executions (id, engine_id, external_id, workflow_id, workflow_name, trigger_kind, trigger_incomplete, state,
  status, queued_at, started_at, finished_at, duration, updated_at, retry_of, error_type, error_message,
  error_message_bytes, error_step, failed_step, failed_step_name, error_group_id, search_text, state_key, workflow_key,
  trigger_key, first_event_at, received_at, log_count)
SELECT id, md5('engine' || 1 + workflow % 4)::uuid, 'run-' || n, md5('workflow' || workflow)::uuid, name,
  (ARRAY['schedule', 'webhook', 'manual', 'api'])[1 + (n % 7) / 2], false, state,
  CASE WHEN state < 4 THEN 0 WHEN state = 4 THEN 1 WHEN state < 8 THEN 2 ELSE 3 END,
  queued_at, started_at,
  CASE WHEN state >= 4 THEN coalesce(started_at, queued_at) + duration END,
  CASE WHEN state >= 4 AND started_at IS NOT NULL THEN duration END,
  queued_at + 60000000, NULL,
  CASE WHEN state IN (5, 6, 7) THEN 'ToolError' END, CASE WHEN state IN (5, 6, 7) THEN message END,
  CASE WHEN state IN (5, 6, 7) THEN length(message) END, NULL,
  CASE WHEN state IN (5, 6, 7) THEN n % 11 END, CASE WHEN state IN (5, 6, 7) THEN 'step-' || n % 11 END,
  CASE WHEN state IN (5, 6, 7) THEN md5('group' || n % 5)::uuid END,
  name || chr(31) || 'run-' || n || chr(31) || CASE WHEN state IN (5, 6, 7) THEN lower(message) ELSE '' END,
  '1' || n, '1' || n, '1' || n, queued_at, queued_at, 3
FROM (
  SELECT n, workflow, state, queued_at, duration, 'workflow-' || lpad(workflow::text, 3, '0') AS name,
    'Tool exited with code ' || n % 5 || ' on node ' || n % 97 AS message,
    CASE WHEN state = 0 OR state = 9 OR (state = 8 AND n % 3 = 0) THEN NULL
         ELSE queued_at + (random() * 20000000)::bigint END AS started_at,
    (lpad(to_hex(queued_at / 1000), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
     || substr(md5(n::text), 4, 15))::uuid AS id
  FROM (
    SELECT n, least({WORKFLOWS}, 1 + floor({WORKFLOWS} * power(random(), 2.2)))::int AS workflow,
      CASE WHEN n > $1 - $1 * 9 / 10000 THEN n % 4
           WHEN n % 10000 = 5678 THEN 3
           WHEN n % 100000 = 77777 THEN 9
           WHEN n % 10000 = 4321 THEN 7
           WHEN n % 100 < 6 THEN 5
           WHEN n % 100 < 7 THEN 6
           WHEN n % 100 < 10 THEN 8
           ELSE 4 END AS state,
      {START} + ({DAYS * DAY} / $1) * n - (random() * 5000000)::bigint AS queued_at,
      (exp(random() * 9) * 1000000)::bigint AS duration
    FROM generate_series(1, $1::bigint) n
  ) drawn
) made
"""


async def fill(connection: asyncpg.Connection, executions: int) -> None:
    """Fill a migrated, empty database, then vacuum and analyse it as a running one has been."""
    await connection.execute(_TABLES)
    await connection.execute(_EXECUTIONS, executions)
    await connection.execute("VACUUM (ANALYZE)")
