"""The log lines of an execution, and what has arrived since. log_pages.py and log_counts.py read them by time.

Each line has a sequence, its number in order of arrival within its execution: from 1 without gaps, assigned under the
lock of the execution's row, so that it rises in the order of commits. A reader who has seen 7 misses nothing below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec

from app.db import Database
from app.db.rows import Column, RowsOf
from app.errors import BadInput
from app.events import LogLevel
from app.events.sizes import MAX_ATTRIBUTES, MAX_LOG_LINE, MAX_STEPS, is_cut
from app.executions.searching import check_search
from app.ids import is_id
from app.paging import opaque
from app.paging.keyset import Params

_MAX_INT64 = 2**63 - 1


class LogEntry(msgspec.Struct, frozen=True):
    """One log line. `at` is in µs since the epoch, `message` as shown, sizes in bytes as sent."""

    execution_id: str
    sequence: int
    at: int
    level: LogLevel
    step_index: int | None  # None: of no step
    message: str
    message_bytes: int
    attributes: str | None  # JSON text; None: the engine sent none
    attributes_bytes: int | None

    @property
    def truncated(self) -> bool:
        """Whether message or attributes were too long to be kept whole."""
        return is_truncated(self.message_bytes, self.attributes_bytes)


def is_truncated(message_bytes: int, attributes_bytes: int | None) -> bool:
    """Whether a message or attributes of these sizes, as sent, were too long to be kept whole."""
    return is_cut(message_bytes, MAX_LOG_LINE) or is_cut(attributes_bytes, MAX_ATTRIBUTES)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines to read; all given fields must match. Raises BadInput or LimitExceeded for invalid values."""

    min_level: LogLevel | None = None
    step_index: int | None = None
    search: str | None = None  # a substring of the message, casefolded

    def __post_init__(self) -> None:
        if self.step_index is not None and self.step_index not in range(MAX_STEPS):
            raise BadInput(f"step: must be 0 to {MAX_STEPS - 1}")
        check_search(self.search)


EVERY_LINE = LogFilter()


@dataclass(frozen=True, slots=True)
class LogEnd:
    """A place in the log of an execution in order of arrival: after the line `sequence`, 0 before the first."""

    execution_id: Annotated[str, Column("e.id")]
    sequence: Annotated[int, Column("e.log_count")]


@dataclass(frozen=True, slots=True)
class LogPosition(LogEnd):
    """The same with the epoch of the revisions: a restored database may give a sequence to another line."""

    epoch: Annotated[str, Column("c.epoch")]

    @property
    def cursor(self) -> str:
        """Its opaque form."""
        return opaque.encode(f"{self.epoch}:{self.execution_id}:{self.sequence}")

    @classmethod
    def of(cls, execution_id: str, cursor: str) -> LogPosition:
        """The position in `cursor`; BadInput unless it is exactly a cursor of this execution's log."""
        match = _FORM.fullmatch(opaque.decode(cursor) or "")
        if match is None or match[2] != execution_id or int(match[3]) > _MAX_INT64:
            raise BadInput(
                "after: not a cursor of this execution's log; take the log's updatesCursor, or an update's cursor"
            )
        return cls(execution_id, int(match[3]), match[1])

    def at(self, sequence: int) -> LogPosition:
        """The position after another line of the same log."""
        return replace(self, sequence=sequence)


_FORM = re.compile(r"([0-9a-f]{1,64}):([0-9a-f]{32}):(0|[1-9][0-9]{0,18})")
ENTRIES = RowsOf(LogEntry, "x")
_POSITIONS = RowsOf(LogPosition)


async def position(database: Database, execution_id: str) -> LogPosition | None:
    """The position after all current lines of an execution; None for an unknown execution."""
    return (await positions(database, [execution_id])).get(execution_id)


async def positions(database: Database, execution_ids: Iterable[str]) -> dict[str, LogPosition]:
    """The positions after all current lines of executions, by id. Leaves out unknown ones."""
    known = [id_ for id_ in execution_ids if is_id(id_)]
    if not known:
        return {}
    condition, given = database.among("e.id", 1, "id", known)
    rows = await database.fetch(
        f"SELECT {_POSITIONS.columns} FROM executions e CROSS JOIN revision_counter c WHERE {condition} AND c.id = 1",
        given,
    )
    return {each.execution_id: each for each in _POSITIONS.read_all(rows)}


async def position_and_line(
    database: Database, execution_id: str, sequence: int
) -> tuple[LogPosition, int | None] | None:
    """As `position`, with the time of one line, None if there is none; one statement."""
    if not is_id(execution_id):
        return None
    params = Params(database.dialect)
    rows = await database.fetch(
        f"SELECT {_POSITIONS.columns}, x.at FROM executions e CROSS JOIN revision_counter c"
        f" LEFT JOIN log_entries x ON x.execution_id = e.id AND x.sequence = {params.bind(sequence)}"
        f" WHERE e.id = {params.bind(execution_id)} AND c.id = 1",
        *params.values,
    )
    if not rows:
        return None
    position, (at,) = _POSITIONS.split(rows[0])
    return position, at


async def appended(database: Database, after: LogPosition, upto: LogPosition) -> list[LogEntry]:
    """The lines between two positions of a log, by arrival.

    Both ends are given, without LIMIT: Postgres would sort the rest of a long log for its first lines.
    """
    params = Params(database.dialect)
    rows = await database.fetch(
        f"SELECT {ENTRIES.columns} FROM log_entries x WHERE x.execution_id = {params.bind(after.execution_id)}"
        f" AND x.sequence > {params.hide(after.sequence, 'bigint')}"
        f" AND x.sequence <= {params.hide(upto.sequence, 'bigint')} ORDER BY x.sequence",
        *params.values,
    )
    return ENTRIES.read_all(rows)
