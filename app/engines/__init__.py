"""Engines run automations. One exists as soon as somebody names it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from app import clock
from app.db import Database, Reader, Transaction
from app.db.rows import Column, RowsOf
from app.errors import BadInput
from app.ids import new_id
from app.texts import has_controls, is_blank, natural_key

MAX_NAME_LENGTH = 100


class RetryObstacle(StrEnum):
    """Why retries cannot reach an engine."""

    NOT_CONNECTED = "NOT_CONNECTED"
    WORKERS_NOT_READY = "WORKERS_NOT_READY"


class EngineKind(StrEnum):
    """How retries reach an engine."""

    WEBHOOK = "WEBHOOK"
    CELERY = "CELERY"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine; `id` is 32 hexadecimal digits."""

    id: str
    name: str
    kind: EngineKind
    connected: Annotated[bool, Column("connection_sealed IS NOT NULL")] = False  # a webhook or broker is configured
    claims_retries: bool = False  # its Celery workers run a retry once, even when it is published twice

    last_seen_at: int | None = None  # when events of it came, to 10 s
    clock_skew: int | None = None  # by how much its clock was ahead when it last was, in µs
    clock_skew_at: int | None = None

    @property
    def can_retry(self) -> bool:
        """Whether retries reach the engine, and run once."""
        return self.retry_obstacle is None

    @property
    def retry_obstacle(self) -> RetryObstacle | None:
        """Why retries cannot reach it, or would not run once."""
        if not self.connected:
            return RetryObstacle.NOT_CONNECTED
        runs_once = self.kind is EngineKind.WEBHOOK or self.claims_retries
        return None if runs_once else RetryObstacle.WORKERS_NOT_READY

    @property
    def present_skew(self) -> int | None:
        """By how much its clock is ahead, in µs; None if it was not for an hour before it was last seen."""
        if self.clock_skew_at is None or (self.last_seen_at or 0) - self.clock_skew_at > clock.HOUR:
            return None
        return self.clock_skew


_ENGINES = RowsOf(Engine)


def check_name(name: str, what: str = "Engine name") -> str:
    """`name` itself if it is fit to be shown and compared; otherwise BadInput. `what` begins the message."""
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise BadInput(f"{what}: must have 1 to {MAX_NAME_LENGTH} characters, not {len(name)}")
    if has_controls(name):
        raise BadInput(f"{what}: must not contain control characters or line breaks")
    if is_blank(name):
        raise BadInput(f"{what}: must have a character that can be seen")
    if name != name.strip():
        raise BadInput(f"{what}: must not begin or end with a space")
    return name


async def list_engines(database: Database) -> list[Engine]:
    """All engines by name, as people sort."""
    found = _ENGINES.read_all(await database.fetch(f"SELECT {_ENGINES.columns} FROM engines"))
    return sorted(found, key=lambda each: (natural_key(each.name), each.name))


async def by_ids(reader: Reader, ids: Iterable[str]) -> dict[str, Engine]:
    """The engines with these ids (32 hexadecimal digits each), by id. Leaves out unknown ids."""
    condition, given = reader.among("id", 1, "id", ids)
    rows = await reader.fetch(f"SELECT {_ENGINES.columns} FROM engines WHERE {condition}", given)
    return {each.id: each for each in _ENGINES.read_all(rows)}


async def by_names(reader: Reader, names: Iterable[str]) -> dict[str, Engine]:
    """The engines with these names, by name. Leaves out unknown names."""
    condition, given = reader.among("name", 1, "text", names)
    rows = await reader.fetch(f"SELECT {_ENGINES.columns} FROM engines WHERE {condition}", given)
    return {each.name: each for each in _ENGINES.read_all(rows)}


async def ensure_engines(transaction: Transaction, names: Iterable[str]) -> dict[str, Engine]:
    """The engines with these names, by name; creates missing ones. BadInput for an invalid name.

    In the caller's transaction, so that no engine stays behind when that fails.
    """
    # In one order everywhere: two transactions that create the same two engines must not wait for each other.
    wanted = sorted({check_name(name) for name in names})
    found = await by_names(transaction, wanted) if wanted else {}
    missing = [name for name in wanted if name not in found]
    if missing:
        now = clock.now_us()
        rows = [(new_id(now), name, EngineKind.NONE.value, now) for name in missing]
        await transaction.insert_missing(
            "engines", ("id", "name", "kind", "created_at"), rows, key=("name",), returning="name"
        )
        # Read, not taken from `rows`: another transaction may have been quicker, and then its ids count.
        found |= await by_names(transaction, missing)
    return found


async def ensure_engine(transaction: Transaction, name: str) -> Engine:
    """The engine with this name; creates a missing one. BadInput for an invalid name."""
    return (await ensure_engines(transaction, [name]))[name]
