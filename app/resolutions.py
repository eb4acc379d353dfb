"""Resolutions: what somebody says of a failure that was mended outside Runwatch, and takes back.

The run stays what it was, so figures, streaks and retries do too (ADR 38). Only whether it is resolved changes, of the
run and of all that it retries.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from app import audit, clock, executions, ids
from app.changes.commits import Announcements
from app.db import Database, Transaction
from app.db.rows import RowsOf
from app.errors import BadInput, LimitExceeded, NotFound
from app.executions import ExecutionOrder, lineage
from app.executions.filters import ExecutionFilter, described
from app.paging import MAX_PAGE_SIZE, PageRequest
from app.paging.keyset import GREATEST_ID
from app.texts import has_controls, is_blank

# Executions that one request changes, in one transaction: 1,000 take 0.1 s.
MAX_EXECUTIONS = 1_000
MAX_NOTE_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Resolution:
    """That a failure was mended outside Runwatch. `at` is in µs since the epoch."""

    execution_id: str
    note: str
    at: int
    actor: str


_RESOLUTIONS = RowsOf(Resolution)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which executions: exactly one of filter and ids, of which there are not too many."""

    where: ExecutionFilter | None = None
    ids: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if (self.where is None) == (self.ids is None):
            raise BadInput("Pass exactly one of filter and ids")
        if self.ids is not None and len(self.ids) > MAX_EXECUTIONS:
            raise LimitExceeded(f"ids: at most {MAX_EXECUTIONS} executions, not {len(self.ids)}")


@dataclass(frozen=True, slots=True)
class Mended(Chosen):
    """Which failures were mended, and how."""

    actor: str
    note: str

    def __post_init__(self) -> None:
        Chosen.__post_init__(self)
        if not 1 <= len(self.note) <= MAX_NOTE_CHARACTERS:
            raise BadInput(f"note: must have 1 to {MAX_NOTE_CHARACTERS} characters, not {len(self.note)}")
        if is_blank(self.note):
            raise BadInput("note: must have a character that can be seen")
        if has_controls(self.note.replace("\n", "").replace("\t", "")):
            raise BadInput("note: must not contain control characters or half surrogate pairs")


@dataclass(frozen=True, slots=True)
class Settled:
    """What a request changed: ids, newest first where a filter chose them. `more`: a filter had more than fit."""

    changed: list[str]
    skipped: int
    more: bool = False


async def resolve(database: Database, announcements: Announcements, mended: Mended) -> Settled:
    """Resolve failures by hand; skips those that did not fail, or are resolved already.

    Of what a filter lets through, the newest. Raises NotFound for an unknown id, and changes nothing then.
    """
    chosen, more = await _ids_of(database, mended, _unresolved)

    async def work(transaction: Transaction) -> Settled:
        family = await lineage.lock_with_ancestors(transaction, chosen)
        if mended.ids is not None:
            _require(chosen, family)
        given = [id_ for id_ in chosen if id_ in family and family[id_].unresolved]
        now = clock.now_us()
        await transaction.insert(
            "resolutions", _RESOLUTIONS.names, [(id_, mended.note, now, mended.actor) for id_ in given]
        )
        act = _Act(mended.actor, "resolveExecutions", {"note": mended.note})
        await _settle(transaction, announcements, act, mended, given)
        return Settled(given, len(chosen) - len(given), more)

    return await database.transaction(work)


async def take_back(database: Database, announcements: Announcements, actor: str, given: Chosen) -> Settled:
    """Take resolutions back; skips executions without one.

    Of what a filter lets through, the newest. Raises NotFound for an unknown id, and changes nothing then.
    """
    chosen, more = await _ids_of(database, given, _resolved_by_hand)

    async def work(transaction: Transaction) -> Settled:
        family = await lineage.lock_with_ancestors(transaction, chosen)
        if given.ids is not None:
            _require(chosen, family)
        rows = await transaction.fetch(
            f"DELETE FROM resolutions WHERE {transaction.any_of('execution_id', 1, 'id')} RETURNING execution_id",
            transaction.array(chosen),
        )
        gone = {id_ for (id_,) in rows}
        taken = [id_ for id_ in chosen if id_ in gone]
        await _settle(transaction, announcements, _Act(actor, "unresolveExecutions", {}), given, taken)
        return Settled(taken, len(chosen) - len(taken), more)

    return await database.transaction(work)


async def by_ids(database: Database, execution_ids: Iterable[str]) -> dict[str, Resolution]:
    """The resolutions of executions, by execution id. Leaves out those without."""
    condition, given = database.among("execution_id", 1, "id", execution_ids)
    rows = await database.fetch(f"SELECT {_RESOLUTIONS.columns} FROM resolutions WHERE {condition}", given)
    return {each.execution_id: each for each in _RESOLUTIONS.read_all(rows)}


Found = Callable[[Database, ExecutionFilter], Awaitable[tuple[list[str], bool]]]


async def _ids_of(database: Database, chosen: Chosen, find: Found) -> tuple[list[str], bool]:
    """The executions that are meant, each once, and whether a filter has more."""
    if chosen.ids is not None:
        return list(dict.fromkeys(chosen.ids)), False
    assert chosen.where is not None
    return await find(database, chosen.where)


async def _resolved_by_hand(database: Database, where: ExecutionFilter) -> tuple[list[str], bool]:
    """The newest that match and have a resolution, as many as fit, and whether there are more.

    There are fewer resolutions than executions: each page of them is held against the filter.
    """
    found: list[str] = []
    newest = GREATEST_ID["uuid"]
    while True:
        rows = await database.fetch(
            "SELECT execution_id FROM resolutions WHERE execution_id < $1 ORDER BY execution_id DESC LIMIT $2",
            *(newest, MAX_PAGE_SIZE),
        )
        ids = [id_ for (id_,) in rows if where.ids is None or id_ in where.ids]
        wanted = replace(where, ids=tuple(ids))
        page = await executions.list_page(database, wanted, ExecutionOrder(), PageRequest(first=MAX_PAGE_SIZE))
        found += [each.id for each in page.items]
        if len(found) > MAX_EXECUTIONS:
            return found[:MAX_EXECUTIONS], True
        if len(rows) < MAX_PAGE_SIZE:
            return found, False
        newest = rows[-1][0]


async def _unresolved(database: Database, where: ExecutionFilter) -> tuple[list[str], bool]:
    """The newest unresolved ones that match, as many as fit, and whether there are more."""
    if where.unresolved is False:
        return [], False
    wanted = replace(where, unresolved=True)
    found: list[str] = []
    after = None
    while True:
        request = PageRequest(first=min(MAX_EXECUTIONS - len(found), MAX_PAGE_SIZE), after=after)
        page = await executions.list_page(database, wanted, ExecutionOrder(), request)
        found += [each.id for each in page.items]
        after = page.end_cursor
        more = await page.has_next_page()
        if not more or len(found) == MAX_EXECUTIONS:
            return found, more


def _require(chosen: Iterable[str], family: dict[str, executions.Execution]) -> None:
    for id_ in chosen:
        if id_ not in family:
            raise NotFound(f"ids: no such execution: {ids.to_global('execution', id_)!r}")


@dataclass(frozen=True, slots=True)
class _Act:
    actor: str
    action: str
    detail: dict[str, object]


async def _settle(
    transaction: Transaction, announcements: Announcements, act: _Act, chosen: Chosen, changed: list[str]
) -> None:
    """Bring families up to date, audit and announce; nothing if nothing changed."""
    if not changed:
        return
    told = await lineage.refresh_ancestors(transaction, changed)
    shown = [ids.to_global("execution", id_) for id_ in changed]
    subject = shown[0] if len(shown) == 1 else None
    filter_ = {} if chosen.where is None else {"filter": described(chosen.where)}
    await audit.note(transaction, act.actor, act.action, subject, {**act.detail, **filter_, "executions": shown})
    await announcements.announce(transaction, sorted(told))
