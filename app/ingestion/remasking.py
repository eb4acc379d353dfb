"""Removes late secrets from the texts that an execution has stored already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from app.db import Row, Transaction
from app.events.sizes import MAX_LOG_LINE, MAX_MESSAGE, MAX_STACK_TRACE, is_cut
from app.ingestion.labels import label_of_text
from app.ingestion.masking import beside, mask_attributes
from app.paging.search import folded
from app.secrets.masking import Masker

# Log lines in memory at a time; an execution may have a hundred thousand.
MAX_BATCH_LINES = 2_000


async def remask(transaction: Transaction, execution_id: str, log_count: int, masker: Masker) -> bool:
    """Mask secrets in all texts of a locked execution; returns whether more than log lines changed."""

    def stack_trace(row: Row) -> tuple[Any, ...]:
        return (masker.text(row[-2], cut=is_cut(row[-1], MAX_STACK_TRACE)), row[-1])

    def error(row: Row) -> tuple[Any, ...]:
        type_, message, size = row[-3:]
        shown = None if message is None else masker.text(message, cut=is_cut(size, MAX_MESSAGE))
        return (None if type_ is None else masker.text(type_, cut=True), shown, size)

    traces = ("stack_trace", "stack_trace_bytes")
    errors = ("error_type", "error_message", "error_message_bytes")
    changed = [
        await _rewrite(transaction, execution_id, table, key, columns, mask)
        for table, key, columns, mask in (
            ("execution_payloads", (), traces, stack_trace),
            ("step_payloads", ("step_index",), traces, stack_trace),
            ("steps", ("step_index",), errors, error),
        )
    ]
    await _remask_lines(transaction, execution_id, log_count, masker)
    return any(changed)


async def label_again(transaction: Transaction, execution_id: str, masker: Masker) -> str:
    """The label of a locked execution's stored trigger data, without the secrets that are known now."""
    rows = await transaction.fetch(
        "SELECT trigger_data, trigger_data_bytes FROM execution_payloads WHERE execution_id = $1", execution_id
    )
    return "".join(label_of_text(data, size, masker) for data, size in rows if data is not None)


async def _rewrite(
    transaction: Transaction,
    execution_id: str,
    table: str,
    key: Sequence[str],
    columns: Sequence[str],
    mask: Callable[[Row], tuple[Any, ...]],
) -> bool:
    names = ("execution_id", *key, *columns)
    given = " OR ".join(f"{name} IS NOT NULL" for name in columns[:-1])
    rows = await transaction.fetch(
        f"SELECT {', '.join(names)} FROM {table} WHERE execution_id = $1 AND ({given})", execution_id
    )
    kept = len(key) + 1
    changed = []
    for row in rows:
        texts = await beside(sum(len(text) for text in row[kept:] if isinstance(text, str)), partial(mask, row))
        if (masked := (*row[:kept], *texts)) != tuple(row):
            changed.append(masked)
        await transaction.pause()
    await transaction.update(table, names, changed, key=names[:kept])
    return bool(changed)


async def _remask_lines(transaction: Transaction, execution_id: str, log_count: int, masker: Masker) -> None:
    columns = ("execution_id", "sequence", "message", "folded", "attributes")
    for after in range(0, log_count, MAX_BATCH_LINES):
        # Both ends instead of ORDER BY and LIMIT, for which Postgres may read and sort the whole log each time.
        rows = await transaction.fetch(
            "SELECT sequence, message, message_bytes, attributes, attributes_bytes FROM log_entries"
            " WHERE execution_id = $1 AND sequence > $2 AND sequence <= $3",
            execution_id,
            after,
            after + MAX_BATCH_LINES,
        )
        changed = []
        for sequence, message, size, attributes, attributes_size in rows:
            mask = partial(masker.text, message, cut=is_cut(size, MAX_LOG_LINE))
            shown, shown_attributes = await beside(len(message), mask), None
            if attributes is not None:
                mask = partial(mask_attributes, masker, attributes, attributes_size)
                shown_attributes = await beside(len(attributes), mask)
            if (shown, shown_attributes) != (message, attributes):
                changed.append((execution_id, sequence, shown, folded(shown), shown_attributes))
            await transaction.pause()
        await transaction.update("log_entries", columns, changed, key=columns[:2])
