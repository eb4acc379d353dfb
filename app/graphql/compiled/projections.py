"""What a schema may say of a field beside its resolver: how its value is made of a row, without the object around it.

A projection stands for the resolver: both must give the same value. Where a schema offers one, as `metadata` of the
field, a plan makes no objects of the rows of a list; where a `Source` reads them, it reads only the columns that are
needed. A row has its columns as attributes, or, from a Source, in the order that it was asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

# Where a field has its projection in its metadata, and an info its columns in what is kept.
PROJECTION = "projection"
COLUMNS = "columns"


@dataclass(frozen=True, slots=True)
class Made:
    """A value made of columns; without `make`, that of the only one."""

    columns: tuple[str, ...]
    make: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class OfRow:
    """A value that `Rows.shared` makes of the row, such as its cursor."""


@dataclass(frozen=True, slots=True)
class Part:
    """An object of the same row. `of` makes it, where fields without a projection are selected of it; as in Rows.

    Null unless `exists` is true of the columns.
    """

    of: Callable[[Any], Any] | None = None
    columns: tuple[str, ...] = ()
    exists: Callable[..., bool] | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """An object of another row, by the key in a column: the rows of one level are loaded together, each key once.

    `load` has the context and the keys; it gives rows with attributes. `inline` has columns of the other row that a
    Source can read with its own, by the names that they have there. The key has a row always, then.
    """

    column: str
    load: Callable[[Any, Iterable[Any]], Awaitable[Mapping[Any, Any]]]
    inline: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of objects of rows: `rows` of the object, or a coroutine of the object and the info.

    `of` makes an object of a row; without it, the resolver does all where a field without a projection is selected.
    """

    rows: Callable[..., Any]
    of: Callable[[Any], Any] | None = None
    shared: Callable[[Any], Callable[[Any], Any]] | None = None


class Table(Protocol):
    """Where a Source reads."""

    def select(self, columns: frozenset[str]) -> tuple[str, ...]:
        """The columns to read, at least these, in the order of their values in a row."""
        ...

    def convert(self, column: str) -> Callable[[Any], Any] | None:
        """What makes the column's value of the row's; None: it is one."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A field whose object has lists of rows. Its resolver reads no more than `selected_columns` of its info."""

    table: Table


def selected_columns(info: Any) -> tuple[str, ...] | None:
    """The columns that a Source is to read, for an info of Strawberry's; None: whole rows."""
    kept: Mapping[Any, Any] = getattr(info._raw_info, "kept", {})
    return kept.get(COLUMNS)
