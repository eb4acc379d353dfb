"""The two dialects of SQL. Where they differ in a word, a method here hides it.

Outside app/db/ a module tests for a dialect only where the whole statement differs, and says why
(tests/app/db/test_dialect.py lists those modules).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal

import orjson

# What `any_of` compares.
Kind = Literal["id", "int", "text", "small"]

_ARRAYS: dict[Kind, str] = {"id": "uuid", "int": "bigint", "text": "text", "small": "smallint"}


class Dialect(StrEnum):
    """The SQL of one database."""

    POSTGRES = "postgres"
    SQLITE = "sqlite"

    @property
    def writes_alone(self) -> bool:
        """Whether no other transaction can begin while one is open: its rows need no locks."""
        return self is Dialect.SQLITE

    @property
    def for_update(self) -> str:
        """The end of a SELECT that locks its rows until the transaction ends. Order it, so that none deadlock."""
        return "" if self.writes_alone else "FOR UPDATE"

    @property
    def for_update_skip_locked(self) -> str:
        """As `for_update`, but without the rows that other transactions have locked."""
        return "" if self.writes_alone else "FOR UPDATE SKIP LOCKED"

    @property
    def for_key_share(self) -> str:
        """The end of a SELECT whose rows nobody may delete until the transaction ends."""
        return "" if self.writes_alone else "FOR KEY SHARE"

    @property
    def row_number(self) -> str:
        """The column by which a database finds a row of a table without an id, until somebody changes the row."""
        return "rowid" if self is Dialect.SQLITE else "ctid"

    def any_of(self, column: str, parameter: int, kind: Kind) -> str:
        """A condition: `column` is one of the list in parameter number `parameter` (made by `array`).

        The list is one parameter, so that the statement's text does not depend on its length.
        """
        if self is Dialect.SQLITE:
            return f"{column} IN (SELECT value FROM json_each(${parameter}))"
        return f"{column} = ANY(${parameter}::{_ARRAYS[kind]}[])"

    def array(self, values: Iterable[Any]) -> Any:
        """A list as a parameter for `any_of`; one JSON text on SQLite."""
        return orjson.dumps(list(values)).decode() if self is Dialect.SQLITE else list(values)

    def among(self, column: str, parameter: int, kind: Kind, values: Iterable[Any]) -> tuple[str, Any]:
        """The condition that a column with an index is one of some values, and its parameter.

        Most often it is one: Postgres plans a list anew each time, because it takes unknown ones to have ten values,
        and SQLite reads it as a table.
        """
        given = list(values)
        if len(given) == 1:
            return f"{column} = ${parameter}", given[0]
        return self.any_of(column, parameter, kind), self.array(given)

    def cast(self, expression: str, type_: str) -> str:
        """The expression, with its type where Postgres cannot infer it; SQLite needs none."""
        return expression if self is Dialect.SQLITE else f"{expression}::{type_}"

    def hidden(self, parameter: int, type_: str) -> str:
        """A parameter whose value Postgres does not see when it plans: it assumes that a third of the rows match."""
        return f"${parameter}" if self is Dialect.SQLITE else f"(SELECT ${parameter}::{type_})"

    def occurs(self, term: str, text: str) -> str:
        """The condition that `term` occurs in `text`; both are expressions."""
        # Not LIKE: SQLite's folds ASCII once more, and that of Postgres took 0.8 to 1.2 times as long, by the term.
        return f"{'instr' if self is Dialect.SQLITE else 'strpos'}({text}, {term}) > 0"
