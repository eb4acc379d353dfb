"""Projections of fields: how plans make values of rows, without the objects around them (app/graphql/compiled)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.executions import EXECUTIONS
from app.executions.logs import ENTRIES
from app.graphql.compiled.costs import WAITS
from app.graphql.compiled.projections import PROJECTION, Joined, Made, Source
from schema.scalars import milliseconds


def column(name: str) -> dict[Any, Any]:
    """The metadata of a field that is a column."""
    return {PROJECTION: Made((name,))}


def made(make: Callable[..., Any], *columns: str) -> dict[Any, Any]:
    """The metadata of a field that is made of columns."""
    return {PROJECTION: Made(columns, make)}


def global_id(kind: str, name: str = "id") -> dict[Any, Any]:
    """The metadata of a global id."""
    return made(f"{kind}_".__add__, name)


def in_milliseconds(name: str) -> dict[Any, Any]:
    """The metadata of a duration."""
    return made(milliseconds, name)


def joined(kind: str, load: Callable[..., Any]) -> dict[Any, Any]:
    """The metadata of a field with an object that executions read along: its id and its name."""
    inline = {name: f"{kind}.{name}" for name in ("id", "name")}
    return {PROJECTION: Joined(f"{kind}_id", load, inline)}


# Of connections whose resolvers read what their plan says.
READS_EXECUTIONS = {PROJECTION: Source(EXECUTIONS)}
READS_LOGS = {PROJECTION: Source(ENTRIES), WAITS: True}
