"""Marks: that somebody resolved or muted an error group. What state the group is in follows from its mark.

A mark stands for one group. What is merged into a group keeps its own, which counts again once it is taken out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from app import audit, clock, ids
from app.db import Database, Transaction
from app.db.locks import Lock
from app.db.rows import RowsOf
from app.error_groups import ErrorGroup, by_ids
from app.errors import BadInput, NotFound
from app.paging.keyset import Params


class Kind(IntEnum):
    """What somebody said of a group."""

    RESOLVED = 1
    MUTED = 2


class GroupState(StrEnum):
    """How a group stands."""

    OPEN = "OPEN"
    REGRESSED = "REGRESSED"  # it was resolved, and a failure was queued later
    RESOLVED = "RESOLVED"
    MUTED = "MUTED"


@dataclass(frozen=True, slots=True)
class Mark:
    """What somebody said of a group, and when; times in µs since the epoch. `until`: of MUTED only; None: for good."""

    group_id: str
    kind: Kind
    at: int
    until: int | None
    actor: str


_MARKS = RowsOf(Mark)


@dataclass(frozen=True, slots=True)
class Marking:
    """A state to give a group: RESOLVED or MUTED, None to take its mark away; BadInput for others.

    `until` (µs since the epoch) bounds MUTED.
    """

    state: GroupState | None
    until: int | None = None

    def __post_init__(self) -> None:
        if self.state in (GroupState.OPEN, GroupState.REGRESSED):
            raise BadInput(f"state: {self.state} follows from what happens; pass RESOLVED, MUTED, or null to reopen")
        if self.until is not None and self.state is not GroupState.MUTED:
            raise BadInput("mutedUntil: only with the state MUTED")
        if self.until is not None and self.until <= clock.now_us():
            raise BadInput("mutedUntil: must be in the future")


async def mark(database: Database, actor: str, id_: str, marking: Marking) -> ErrorGroup:
    """Resolve a group, mute it, or reopen it. Raises NotFound for one without any execution."""

    async def work(transaction: Transaction) -> ErrorGroup:
        await transaction.lock(Lock.GROUPS)
        group = (await by_ids(transaction, [id_])).get(id_)
        if group is None:
            raise NotFound(f"id: no such errorGroup: {ids.to_global('errorGroup', id_)!r}")
        if marking.state is None:
            gone = await transaction.fetch("DELETE FROM error_group_marks WHERE group_id = $1 RETURNING 1", group.id)
            if not gone:
                return group
        else:
            row = (group.id, int(Kind[marking.state]), clock.now_us(), marking.until, actor)
            await transaction.upsert("error_group_marks", _MARKS.names, [row], key=("group_id",))
        detail = {"state": marking.state, "mutedUntil": _shown(marking.until)}
        await audit.note(transaction, actor, "setErrorGroupState", ids.to_global("errorGroup", group.id), detail)
        return group

    return await database.transaction(work)


def _shown(at: int | None) -> str | None:
    return None if at is None else clock.to_rfc3339(at)


async def of_groups(database: Database, group_ids: Iterable[str]) -> dict[str, Mark]:
    """The marks of groups, by the id of the group. Leaves out groups without."""
    rows = await database.fetch(
        f"SELECT {_MARKS.columns} FROM error_group_marks WHERE {database.any_of('group_id', 1, 'id')}",
        database.array(group_ids),
    )
    return {each.group_id: each for each in _MARKS.read_all(rows)}


def state_of(mark: Mark | None, last_seen: int, now: int) -> GroupState:
    """How a group stands whose newest failure was queued at `last_seen`; `condition` says the same in SQL."""
    if mark is None:
        return GroupState.OPEN
    if mark.kind is Kind.MUTED:
        return GroupState.MUTED if mark.until is None or mark.until > now else GroupState.OPEN
    return GroupState.REGRESSED if last_seen > mark.at else GroupState.RESOLVED


def condition(states: Sequence[GroupState], params: Params, alias: str, last_seen: str) -> str:
    """The condition that a group, whose mark is the outer-joined row `alias`, is in one of some states."""
    if not states:
        return "FALSE"
    over = f"coalesce({alias}.until <= {params.bind(clock.now_us())}, FALSE)"
    state = (
        f"CASE {alias}.kind WHEN {int(Kind.RESOLVED)}"
        f" THEN CASE WHEN {last_seen} > {alias}.at THEN '{GroupState.REGRESSED}' ELSE '{GroupState.RESOLVED}' END"
        f" WHEN {int(Kind.MUTED)} THEN CASE WHEN {over} THEN '{GroupState.OPEN}' ELSE '{GroupState.MUTED}' END"
        f" ELSE '{GroupState.OPEN}' END"
    )
    wanted = ", ".join(f"'{each}'" for each in dict.fromkeys(states))
    return f"{state} IN ({wanted})"
