"""The large parts of executions, read only when a client selects them, never for a list as such."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
import orjson

from app.db import Reader
from app.db.rows import Column, RowsOf


def _paths(stored: str | None) -> list[str]:
    return [] if stored is None else orjson.loads(stored)


class Payload(msgspec.Struct, frozen=True):
    """What is stored apart from the row; sizes are in bytes. Trigger data is the JSON as sent, secrets masked."""

    execution_id: str
    trigger_data: str | None
    trigger_data_bytes: int
    redacted_paths: Annotated[list[str], Column(read=_paths)]  # JSON Pointers to the masked values of the trigger data
    stack_trace: str | None
    stack_trace_bytes: int | None
    has_message: Annotated[bool, Column("trigger_message IS NOT NULL", read=bool)]


_PAYLOADS = RowsOf(Payload)


async def by_ids(reader: Reader, execution_ids: Iterable[str]) -> dict[str, Payload]:
    """The payloads of executions, by execution id. Leaves out executions without any."""
    condition, given = reader.among("execution_id", 1, "id", execution_ids)
    rows = await reader.fetch(f"SELECT {_PAYLOADS.columns} FROM execution_payloads WHERE {condition}", given)
    return {each.execution_id: each for each in _PAYLOADS.read_all(rows)}
