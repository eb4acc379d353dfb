"""The audit log, narrowed: each filter alone and all together, paged from either end."""

from __future__ import annotations

import pytest

from app import audit, clock
from app.audit import AuditEntry, AuditFilter
from app.db import Database
from app.errors import BadInput, LimitExceeded
from app.ids import new_id
from app.paging import PageRequest
from tests.factories import NOON, insert


async def fill(database: Database) -> None:
    """Sixty entries, a second apart, of three actors and four actions, about two runs or nothing."""
    rows = [
        {
            "id": new_id(NOON + n),
            "at": NOON + n * clock.SECOND,
            "actor": f"actor {n % 3}",
            "action": f"action{n % 4}",
            "subject": [None, "execution_1", "execution_2"][n % 3],
            "detail": None,
        }
        for n in range(60)
    ]
    await insert(database, "audit_entries", rows)


def matches(entry: AuditEntry, where: AuditFilter) -> bool:
    return (
        (where.actors is None or entry.actor in where.actors)
        and (where.actions is None or entry.action in where.actions)
        and (where.subject is None or entry.subject == where.subject)
        and (where.start is None or entry.at >= where.start)
        and (where.end is None or entry.at < where.end)
    )


@pytest.mark.parametrize(
    "where",
    [
        audit.EVERYTHING,
        AuditFilter(actors=("actor 1",)),
        AuditFilter(actors=()),
        AuditFilter(actions=("action0", "action3", "no such")),
        AuditFilter(subject="execution_2"),
        AuditFilter(start=NOON + 10 * clock.SECOND, end=NOON + 20 * clock.SECOND),
        AuditFilter(end=NOON),
        AuditFilter(("actor 1",), ("action1", "action2"), NOON + 5 * clock.SECOND, None, "execution_1"),
    ],
)
async def test_what_matches_pages_from_either_end(database: Database, where: AuditFilter) -> None:
    await fill(database)
    every = (await audit.list_page(database, PageRequest(first=100))).items
    expected = [entry for entry in every if matches(entry, where)]
    assert len(every) == 60
    for backward in (False, True):
        seen: list[AuditEntry] = []
        cursor: str | None = None
        while True:
            request = PageRequest(last=7, before=cursor) if backward else PageRequest(first=7, after=cursor)
            page = await audit.list_page(database, request, where)
            seen = [*page.items, *seen] if backward else [*seen, *page.items]
            cursor = page.start_cursor if backward else page.end_cursor
            if not await (page.has_previous_page() if backward else page.has_next_page()):
                break
        assert seen == expected
    assert (await audit.count(database, where)).value == len(expected)


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(BadInput, match=r"filter\.from: must be before filter\.to"):
        AuditFilter(start=2, end=2)
    with pytest.raises(BadInput, match=r"filter\.actor: contains a NUL"):
        AuditFilter(actors=("a\0",))
    with pytest.raises(BadInput, match=r"filter\.subject"):
        AuditFilter(subject="\ud800")
    with pytest.raises(LimitExceeded, match=r"filter\.action: at most 500 values, not 501"):
        AuditFilter(actions=("a",) * 501)
