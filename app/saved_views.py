"""Saved views: addresses of the page under a name, of one viewer or shared by all.

A view belongs to whoever has its owner's name: a token that is made anew, for the same person, finds it again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app import audit, clock, ids
from app.db import Database, Transaction
from app.db.locks import Lock
from app.db.rows import RowsOf
from app.errors import BadInput, Forbidden, LimitExceeded, NotFound
from app.ids import new_id
from app.paging.search import check_text
from app.texts import has_controls, is_blank, natural_key

MAX_NAME = 100
MAX_QUERY_BYTES = 2 * 1024
# Of one owner, and as many shared ones: a list in the rail.
MAX_VIEWS = 100
_PAGE = re.compile(r"[a-z]{1,20}")


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view under a name. `query` is what stands behind ? in the page's address."""

    id: str
    owner: str
    name: str
    page: str
    query: str
    shared: bool


@dataclass(frozen=True, slots=True)
class ViewChange:
    """A view as it is to be; `id` None: a new one. Raises BadInput or LimitExceeded for invalid values."""

    id: str | None
    name: str
    page: str
    query: str
    shared: bool

    def __post_init__(self) -> None:
        check_text("name", self.name)
        if not 1 <= len(self.name.strip()) <= MAX_NAME:
            raise BadInput(f"name: must be 1 to {MAX_NAME} characters, not {len(self.name.strip())}")
        if has_controls(self.name.strip()):
            raise BadInput("name: must not contain control characters or line breaks")
        if is_blank(self.name):
            raise BadInput("name: must have a character that can be seen")
        if not _PAGE.fullmatch(self.page):
            raise BadInput(f"page: {self.page[:40]!r} is not the name of a page, such as history")
        check_text("query", self.query)
        if (size := len(self.query.encode())) > MAX_QUERY_BYTES:
            raise LimitExceeded(f"query: at most {MAX_QUERY_BYTES} bytes, not {size}")


_VIEWS = RowsOf(SavedView)


async def list_all(database: Database, owner: str) -> list[SavedView]:
    """The owner's views by name, as people sort, then those that others share."""
    rows = await database.fetch(f"SELECT {_VIEWS.columns} FROM saved_views WHERE owner = $1 OR shared", owner)
    found = _VIEWS.read_all(rows)
    return sorted(found, key=lambda each: (bool(each.shared), natural_key(each.name), each.id))


async def save(database: Database, owner: str, change: ViewChange, *, shares: bool) -> SavedView:
    """Create or change a view. `shares`: the viewer may share views, and change shared ones; each is then audited.

    Raises NotFound for a view of somebody else, Forbidden for sharing without the right, LimitExceeded for too many.
    """

    async def work(transaction: Transaction) -> SavedView:
        await transaction.lock(Lock.SAVED_VIEWS)
        before = None if change.id is None else await _find(transaction, owner, change.id)
        _check_shares(change.shared or (before is not None and before.shared), shares)
        kept = owner if before is None else before.owner
        await _check_room(transaction, change, before, owner=owner, kept=kept)
        id_ = new_id(clock.now_us()) if before is None else before.id
        saved = SavedView(id_, kept, change.name.strip(), change.page, change.query, change.shared)
        values = (saved.id, saved.owner, saved.name, saved.page, saved.query, saved.shared)
        if before is None:
            await transaction.insert("saved_views", _VIEWS.names, [values])
        else:
            await transaction.update("saved_views", _VIEWS.names, [values], key=("id",))
        if saved.shared or (before is not None and before.shared):
            await audit.note(transaction, owner, "saveView", ids.to_global("savedView", id_), {"name": saved.name})
        return saved

    return await database.transaction(work)


async def delete(database: Database, owner: str, id_: str, *, shares: bool) -> None:
    """Delete a view. Raises NotFound for a view of somebody else, Forbidden for a shared one without the right."""

    async def work(transaction: Transaction) -> None:
        view = await _find(transaction, owner, id_)
        _check_shares(view.shared, shares)
        await transaction.execute_many("DELETE FROM saved_views WHERE id = $1", [(id_,)])
        if view.shared:
            await audit.note(transaction, owner, "deleteView", ids.to_global("savedView", id_), {"name": view.name})

    await database.transaction(work)


async def _find(transaction: Transaction, owner: str, id_: str) -> SavedView:
    rows = await transaction.fetch(f"SELECT {_VIEWS.columns} FROM saved_views WHERE id = $1", id_)
    found = next((each for each in _VIEWS.read_all(rows) if each.shared or each.owner == owner), None)
    if found is None:
        raise NotFound("id: no such view")
    return found


def _check_shares(shared: bool, shares: bool) -> None:
    if shared and not shares:
        raise Forbidden("shared: only administrators share views, and change shared ones")


async def _check_room(
    transaction: Transaction, change: ViewChange, before: SavedView | None, *, owner: str, kept: str
) -> None:
    """Of whoever owns the view from then on: one that is shared no longer is its owner's, whoever has ended that."""
    if before is not None and before.shared == change.shared:
        return
    counted, given = ("shared", ()) if change.shared else ("owner = $1 AND NOT shared", (kept,))
    ((there,),) = await transaction.fetch(f"SELECT count(*) FROM saved_views WHERE {counted}", *given)
    if there >= MAX_VIEWS:
        whose = "shared views" if change.shared else "own views" if kept == owner else "own views of the view's owner"
        raise LimitExceeded(f"At most {MAX_VIEWS} {whose}; delete one first")
