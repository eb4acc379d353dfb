"""What a list says of a run without its payload: the family of retries it belongs to, and a label of its trigger data.

Not one transaction: adding columns locks the table, and filling them takes as long as there are retries.
"""

from tortoise import migrations
from tortoise.migrations.operations import RunSQL
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

from app.db.ddl import AddColumn, Sql

BATCH = 1_000


class FillRoots(RunSQL):
    """Give the retries that there are their originals, a batch at a time, those above first."""

    def __init__(self) -> None:
        super().__init__("")

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        """Walk the retries in the order of what they retry, which is mostly that of time, until none is left."""
        if state_editor is None:
            return
        client = state_editor.client

        async def run(sql: str) -> tuple[int, list[tuple[str, ...]]]:
            count, found = await client.execute_query(sql)
            return count, [tuple(str(value).replace("-", "") for value in dict(row).values()) for row in found]

        filled = True
        while filled:
            filled, parent, last = False, "0" * 32, "0" * 32
            while batch := (await run(_BATCH.format(parent=parent, last=last)))[1]:
                ids, parents = (", ".join(f"'{id_}'" for id_ in column) for column in zip(*batch, strict=True))
                while (await run(_FILL.format(ids=ids)))[0]:  # once more for retries of retries within the batch
                    filled = True
                await run(_MARK.format(ids=parents))
                last, parent = batch[-1]


# (retry_of, id) is in the order of an index, up to the retries of one execution.
_BATCH = f"""
SELECT id, retry_of FROM executions
WHERE retry_of IS NOT NULL AND retry_of >= '{{parent}}' AND (retry_of, id) > ('{{parent}}', '{{last}}')
ORDER BY retry_of, id LIMIT {BATCH}
"""
_FILL = """
UPDATE executions SET root_id = found.root
FROM (
  SELECT child.id, CASE WHEN above.retry_of IS NULL THEN child.retry_of ELSE above.root_id END AS root
  FROM executions child LEFT JOIN executions above ON above.id = child.retry_of
  WHERE child.id IN ({ids}) AND child.root_id IS NULL AND (above.retry_of IS NULL OR above.root_id IS NOT NULL)
) found
WHERE executions.id = found.id
"""
_MARK = "UPDATE executions SET root_id = id WHERE id IN ({ids}) AND root_id IS NULL AND retry_of IS NULL"

OPERATIONS = [
    # The original of a retry, however deep, and of an original with retries itself; null for the many runs without.
    # Only ingestion and retries write it (app/executions/lineage.py). It stays when the original is deleted.
    AddColumn("root_id", "{id}"),
    Sql("CREATE INDEX IF NOT EXISTS executions_root ON executions (root_id, queued_at, id) WHERE root_id IS NOT NULL"),
    FillRoots(),
    # Made with the row; '': nothing tells the run apart; null: of a row that is older than labels.
    AddColumn("trigger_label", "{text}"),
    # How far the service has come that labels older rows (app/ingestion/labelling.py): all from this id on are done. No
    # row: all of them.
    Sql("CREATE TABLE IF NOT EXISTS labelling (id {small} PRIMARY KEY CHECK (id = 1), before {id} NOT NULL) {table}"),
    Sql(
        """
        INSERT INTO labelling (id, before)
        SELECT 1, 'ffffffffffffffffffffffffffffffff' WHERE EXISTS (SELECT 1 FROM executions)
        ON CONFLICT (id) DO NOTHING
        """
    ),
]


class Migration(migrations.Migration):
    """Families of retries, and labels of trigger data."""

    dependencies = [("app", "0010_external_ids")]
    initial = False
    atomic = False
    operations = [*OPERATIONS]
