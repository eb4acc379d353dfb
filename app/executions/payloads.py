"""The large parts of executions, read only when a client selects them, never for a list as such."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from app.db import Database


@dataclass(frozen=True, slots=True)
class Payload:
    """What is stored apart from the row; sizes are in bytes. Trigger data is the JSON as sent, secrets masked."""

    execution_id: str
    trigger_data: str | None
    trigger_data_bytes: int
    redacted_paths: list[str]  # JSON Pointers to the masked values of the trigger data
    stack_trace: str | None
    stack_trace_bytes: int | None


_COLUMNS = ", ".join(Payload.__dataclass_fields__)


async def by_ids(database: Database, execution_ids: Iterable[str]) -> dict[str, Payload]:
    """The payloads of executions, by execution id. Leaves out executions without any."""
    condition = database.any_of("execution_id", 1, "id")
    sql = f"SELECT {_COLUMNS} FROM execution_payloads WHERE {condition}"
    return {row[0]: _payload(*row) for row in await database.fetch(sql, database.array(execution_ids))}


def _payload(
    execution_id: str, data: str | None, size: int, paths: str | None, stack_trace: str | None, stack_size: int | None
) -> Payload:
    redacted = [] if paths is None else orjson.loads(paths)
    return Payload(execution_id, data, size, redacted, stack_trace, stack_size)
