"""Scalars, and the conversions between the API's units and the tables'."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, NewType, TypeGuard, TypeVar

import msgspec
import orjson
import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from app import clock, ids
from app.errors import BadInput, NotFound

DateTime = NewType("DateTime", int)
Json = NewType("Json", str)
T = TypeVar("T")

_AWARE = Annotated[datetime, msgspec.Meta(tz=True)]


def _parse_date_time(value: object) -> int:
    try:
        if isinstance(value, str):
            # Beyond the year 9999 of UTC there are moments that cannot be shown.
            return clock.to_us(msgspec.convert(value, _AWARE).astimezone(UTC))
    except (msgspec.ValidationError, OverflowError):
        pass
    raise GraphQLError("DateTime must be an RFC 3339 string with a time zone, such as 2026-01-31T12:00:00Z")


def _serialize_json(text: str) -> orjson.Fragment:
    """The stored text itself: numbers keep their digits because nobody parses them."""
    return orjson.Fragment(text.encode())


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description=(
            "RFC 3339 time in UTC with microseconds, for example 2026-01-31T12:00:00.000000Z. Input may"
            " have any time zone."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=clock.to_rfc3339,
        parse_value=_parse_date_time,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value. Numbers keep the digits that the engine sent.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_serialize_json,
        parse_value=lambda value: orjson.dumps(value).decode(),
    ),
}


def milliseconds(us: int | None) -> float | None:
    """A duration in microseconds, as in the tables, in the API's milliseconds."""
    return None if us is None else us / 1000


def queue_ms_of(started_at: int | None, queued_at: int) -> float | None:
    """How long a run waited; None until it starts, and where clocks disagree so much that it would be below 0."""
    return None if started_at is None or started_at < queued_at else milliseconds(started_at - queued_at)


def microseconds(name: str, ms: float | None, *, up: bool) -> int | None:
    """A bound in milliseconds as microseconds, rounded so that it keeps its meaning; BadInput if out of range."""
    if ms is None:
        return None
    if not abs(ms) < 1e15:
        raise BadInput(f"{name}: out of range")
    return (math.ceil if up else math.floor)(ms * 1000)


def local_id(name: str, kind: str, global_id: str) -> str:
    """The local id of a global id in a filter, `name`; BadInput for an id of another kind, or a malformed one."""
    found = ids.from_global(kind, global_id)
    if found is None:
        raise BadInput(f"{name}: not {'an' if kind[0] in 'aeiou' else 'a'} {kind} id: {global_id[:80]!r}")
    return found


def local_or_none(name: str, kind: str, global_id: str | None) -> str | None:
    """The same; None for none."""
    return None if global_id is None else local_id(name, kind, global_id)


def verb_id(name: str, kind: str, global_id: str) -> str:
    """The local id of a verb's object, the argument `name`; NotFound for an id of another kind, or a malformed one."""
    found = ids.from_global(kind, global_id)
    if found is None:
        raise NotFound(f"{name}: no such {kind}: {global_id[:80]!r}")
    return found


def is_given(value: T | None) -> TypeGuard[T]:
    """Whether an optional field of an input was given a value."""
    return value is not None and value is not strawberry.UNSET
