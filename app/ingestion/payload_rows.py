"""Maps the large parts of executions to table rows. Only this package, the one writer, uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
import orjson
from msgspec.structs import astuple

from app.db import Transaction
from app.ingestion.columns import text_columns
from app.ingestion.merging import ExecutionFacts
from app.turns import pieces

TRIGGER = ("trigger_data", "trigger_data_bytes", "trigger_sealed", "redacted_paths", "trigger_message")
DEFINITION = ("definition",)
STACK_TRACE = ("stack_trace", "stack_trace_bytes")
KEY = ("execution_id",)
# Rows that are made in one go: a fifth of a millisecond.
PIECE = 128


class PayloadRow(msgspec.Struct, gc=False):
    """The columns of execution_payloads."""

    execution_id: str
    trigger_data: str | None = None
    trigger_data_bytes: int = 0
    trigger_sealed: str | None = None
    redacted_paths: str | None = None
    definition: str | None = None
    stack_trace: str | None = None
    stack_trace_bytes: int | None = None
    trigger_message: str | None = None


PAYLOAD = PayloadRow.__struct_fields__


def rows_of(facts: Iterable[tuple[str, ExecutionFacts]]) -> list[tuple[Any, ...]]:
    """The rows of new executions, each given with its id. An execution without any payload has none."""
    return [
        astuple(_row(id_, fact))
        for id_, fact in facts
        if fact.trigger_data is not None
        or fact.definition is not None
        or (fact.error is not None and fact.error.stack_trace is not None)
    ]


async def update(transaction: Transaction, written: Sequence[tuple[str, ExecutionFacts]]) -> None:
    """Write the payloads that a merge replaced."""
    rows: list[tuple[set[str], PayloadRow]] = []
    for piece in pieces(written, PIECE):
        rows += [(facts.rewritten, _row(id_, facts)) for id_, facts in piece]
        await transaction.pause()
    for part, names in (("trigger", TRIGGER), ("definition", DEFINITION)):
        await _write(transaction.upsert, names, [row for rewritten, row in rows if part in rewritten])
    # Most outcomes come without a stack trace: they need no row, and only remove an older one.
    outcomes = [row for rewritten, row in rows if "outcome" in rewritten]
    await _write(transaction.upsert, STACK_TRACE, [row for row in outcomes if row.stack_trace is not None])
    await _write(transaction.update, STACK_TRACE, [row for row in outcomes if row.stack_trace is None])


async def _write(write: Callable[..., Awaitable[None]], names: Sequence[str], rows: Sequence[PayloadRow]) -> None:
    columns = (*KEY, *names)
    await write("execution_payloads", columns, [*map(attrgetter(*columns), rows)], key=KEY)


def _row(execution_id: str, facts: ExecutionFacts) -> PayloadRow:
    row = PayloadRow(execution_id)
    if (data := facts.trigger_data) is not None:
        row.trigger_data, row.trigger_data_bytes, row.trigger_sealed = data.text, data.size, data.sealed
        row.trigger_message = data.message
        row.redacted_paths = orjson.dumps(data.redacted_paths).decode() if data.redacted_paths else None
    if facts.definition is not None:
        row.definition = orjson.dumps(facts.definition).decode()
    if facts.error is not None:
        row.stack_trace, row.stack_trace_bytes = text_columns(facts.error.stack_trace)
    return row
