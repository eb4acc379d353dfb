"""How lines of a log are read: whole, or as rows of the columns that an answer is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any

from app.db import Row
from app.executions.logs import ENTRIES
from app.paging.keyset import Position

# Whatever is asked for, a page needs them: to sort its lines, and to know for how many it has room.
_NEEDED = ("at", "sequence", "message", "attributes")


@dataclass(frozen=True, slots=True)
class LineForm:
    """The columns of a line, how rows of them are read, and what a page needs of each line."""

    names: tuple[str, ...]
    read_all: Callable[[Iterable[Row]], list[Any]]
    time_and_sequence: Callable[[Any], tuple[int, int]]
    message_and_attributes: Callable[[Any], tuple[str, str | None]]

    @property
    def columns(self) -> str:
        """The columns, to be selected of the table as `x`."""
        return ENTRIES.columns_of(self.names)

    def place(self, line: Any) -> Position:
        """Where a line is in its log."""
        return Position(*self.time_and_sequence(line))


WHOLE = LineForm(ENTRIES.names, ENTRIES.read_all, attrgetter(*_NEEDED[:2]), attrgetter(*_NEEDED[2:]))


def form_of(columns: tuple[str, ...] | None) -> LineForm:
    """Rows that begin with the columns, as the database has them; None: LogEntries."""
    if columns is None:
        return WHOLE
    names = columns + tuple(name for name in _NEEDED if name not in columns)
    at, sequence, message, attributes = map(names.index, _NEEDED)
    return LineForm(names, list, itemgetter(at, sequence), itemgetter(message, attributes))
