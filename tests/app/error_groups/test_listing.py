"""Lists of error groups: their orders, states and texts, beside a model in Python."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app import clock, resolutions
from app.changes.commits import NO_LISTENERS
from app.db import Database
from app.error_groups import listing, marks, merging
from app.error_groups.listing import GroupFilter, GroupOrder
from app.error_groups.marks import GroupState, Marking
from app.error_groups.trends import Buckets
from app.errors import BadInput, LimitExceeded
from app.lifecycle import State
from app.metrics import deltas
from app.metrics.filters import MetricsFilter
from app.metrics.folding import fold
from app.metrics.windows import Bucket
from app.paging import PageRequest
from app.resolutions import Mended
from tests.factories import execution_row, insert_engine, insert_executions, insert_workflow, record_statements

A, B, C, D = (digit * 32 for digit in "abcd")
START = 1_780_012_800_000_000 - 1_780_012_800_000_000 % clock.DAY  # a midnight of UTC
WHERE = MetricsFilter.of(start=START, end=START + 2 * clock.DAY)
# Group, hours after the start, workflow, type, message.
RUNS = (
    (A, 1, "orders", "ValueError", "no user 1"),
    (A, 2, "orders", "ValueError", "no user 2"),
    (A, 30, "mails", "ValueError", "no user 3"),
    (B, -50, "mails", "ÜberFehler", "disk full"),
    (B, 3, "mails", "ÜberFehler", "disk full"),
    (B, 47, "mails", "ÜberFehler", "disk full"),
    (C, 10, "orders", None, "Grüße an STRASSE"),
    (D, -1, "orders", None, "before the window"),
)


async def fill(database: Database, *, rolled: bool = False) -> dict[str, str]:
    """The runs; returns the ids of the workflows by name."""
    engine = await insert_engine(database, "engine")
    workflows = {name: await insert_workflow(database, engine, name) for name in ("orders", "mails")}
    rows = [
        execution_row(
            id=f"{number + 1:032x}",
            engine_id=engine,
            workflow_id=workflows[workflow],
            workflow_name=workflow,
            queued_at=START + hours * clock.HOUR,
            state=State.FAILED,
            error_group_id=group,
            error_type=type_,
            error_message=message,
        )
        for number, (group, hours, workflow, type_, message) in enumerate(RUNS)
    ]
    await insert_executions(database, *rows)
    given = [
        deltas.figure(row["queued_at"], row["workflow_id"], row["trigger_kind"], 2, None, row["error_group_id"])
        for row in rows
    ]
    await database.transaction(
        lambda tx: deltas.append(tx, [delta for each in given for delta in deltas.change(None, each)])
    )
    if rolled:
        await fold(database)
    return workflows


async def ids(database: Database, order: GroupOrder = GroupOrder.COUNT, **given: Any) -> str:
    """The groups that a list has, by their letters, page by page; forwards, backwards, and as many as are counted."""
    where = GroupFilter(**{"window": WHERE, **given})
    seen, after = "", None
    while True:
        page = await listing.list_page(database, where, PageRequest(first=1, after=after), order)
        seen += "".join(each.group.id[0] for each in page.items)
        after = page.end_cursor
        if not await page.has_next_page():
            break
    every = await listing.list_page(database, where, PageRequest(last=100), order)
    assert "".join(each.group.id[0] for each in every.items) == seen
    assert (await listing.count(database, where)).value == len(seen)
    return seen


async def resolve(database: Database, *numbers: int) -> None:
    mended = Mended("ada", "n", ids=tuple(f"{number:032x}" for number in numbers))
    await resolutions.resolve(database, NO_LISTENERS, mended)


async def test_each_order_has_the_greatest_first(database: Database) -> None:
    await fill(database)
    assert await ids(database) == "abc"
    assert await ids(database, GroupOrder.LAST_SEEN) == "bac"
    assert await ids(database, GroupOrder.FIRST_SEEN) == "cab"
    await resolve(database, 1, 2, 3)
    assert await ids(database, GroupOrder.UNRESOLVED) == "bca"
    # The times of a merged group are those of all that is in it; B had a failure before the window.
    await merging.merge(database, "ada", [B], into=C)
    assert await ids(database, GroupOrder.LAST_SEEN) == "ca"
    assert await ids(database, GroupOrder.FIRST_SEEN) == "ac"
    assert await ids(database, GroupOrder.UNRESOLVED) == "ca"


async def test_a_cursor_of_another_order_is_refused(database: Database) -> None:
    await fill(database)
    page = await listing.list_page(database, GroupFilter(WHERE), PageRequest(first=1))
    with pytest.raises(BadInput, match="Invalid cursor"):
        await listing.list_page(database, GroupFilter(WHERE), PageRequest(after=page.end_cursor), GroupOrder.LAST_SEEN)


async def test_a_text_is_found_in_the_type_and_the_newest_run(database: Database) -> None:
    workflows = await fill(database)
    found: dict[str, str] = {
        "valueerr": "a",
        "NO USER 3": "a",
        "no user 1": "",  # not the newest
        "mails": "ab",
        "orders": "c",
        "strasse": "c",
        "full": "b",
        "nothing": "",
        "100% of _": "",
        "u": "abc",
    }
    for text, letters in found.items():
        assert await ids(database, search=text) == letters, text
    of_mails = MetricsFilter.of(workflow_ids=(workflows["mails"],), start=WHERE.start, end=WHERE.end)
    assert await ids(database, search="full", window=of_mails) == "b"
    await merging.merge(database, "ada", [B], into=C)
    assert await ids(database, search="full") == "c"
    with pytest.raises(BadInput, match="search: contains a NUL"):
        GroupFilter(WHERE, search="a\0")
    with pytest.raises(LimitExceeded, match="search: at most"):
        GroupFilter(WHERE, search="a" * 1001)


async def test_states_choose_groups_and_agree_with_what_each_says(database: Database) -> None:
    await fill(database)
    now = clock.now_us()
    assert await ids(database, states=(GroupState.OPEN,)) == "abc"
    await marks.mark(database, "ada", A, Marking(GroupState.RESOLVED))
    await marks.mark(database, "ada", B, Marking(GroupState.MUTED, now + clock.HOUR))
    assert await by_state(database) == {"RESOLVED": "a", "MUTED": "b", "OPEN": "c", "REGRESSED": ""}
    assert await ids(database, states=(GroupState.MUTED, GroupState.RESOLVED)) == "ab"
    assert await ids(database, states=()) == ""
    # A failure that was queued after the mark, and one that was queued before.
    later = execution_row(id="e" * 32, queued_at=now + clock.HOUR, state=State.FAILED, error_group_id=A)
    earlier = execution_row(id="f" * 32, queued_at=START + 5, state=State.FAILED, error_group_id=B)
    await insert_executions(database, later, earlier)
    assert await by_state(database) == {"RESOLVED": "", "MUTED": "b", "OPEN": "c", "REGRESSED": "a"}


async def by_state(database: Database) -> dict[str, str]:
    found = {state.value: await ids(database, states=(state,)) for state in GroupState}
    page = await listing.list_page(database, GroupFilter(WHERE), PageRequest())
    given = await marks.of_groups(database, [A, B, C])
    for each in page.items:
        state = marks.state_of(given.get(each.group.id), each.group.latest.queued_at, clock.now_us())
        assert each.group.id[0] in found[state.value]
    return found


@pytest.mark.parametrize("rolled", [False, True])
async def test_unresolved_and_trends_are_those_of_the_window(database: Database, rolled: bool) -> None:
    workflows = await fill(database, rolled=rolled)
    await resolve(database, 1)
    await merging.merge(database, "ada", [C], into=B)
    only = MetricsFilter.of(workflow_ids=(workflows["orders"],), start=WHERE.start, end=WHERE.end)
    for window in (WHERE, only, MetricsFilter.of(start=START + clock.HOUR + 1, end=START + 31 * clock.HOUR + 7)):
        for bucket in (None, Bucket.HOUR, Bucket.DAY):
            # Kolkata's hours begin in the middle of those of UTC.
            for zone in (None, ZoneInfo("Asia/Kolkata"), ZoneInfo("America/New_York")):
                buckets = Buckets.of(window, bucket, zone)
                page = await listing.list_page(
                    database, GroupFilter(window), PageRequest(), unresolved=True, trend=buckets
                )
                assert page.items
                for each in page.items:
                    expected = runs_of(each.group.id, only=window is only)
                    inside = [run for run in expected if window.start <= run[0] < window.end]
                    assert each.failures == len(inside)
                    assert each.unresolved.value == len([run for run in inside if run[1] != 1])
                    assert list(each.trend) == counted(buckets, [at for at, _ in inside])


def runs_of(group: str, *, only: bool) -> list[tuple[int, int]]:
    """When a group's runs were queued, and their numbers; of the workflow "orders" `only`."""
    return [
        (START + hours * clock.HOUR, number)
        for number, (of, hours, workflow, *_) in enumerate(RUNS, 1)
        if (B if of == C else of) == group and (workflow == "orders" or not only)
    ]


def counted(buckets: Buckets, times: list[int]) -> list[int]:
    edges = [*buckets.begins, buckets.window.end]
    return [sum(low <= at < high for at in times) for low, high in pairwise(edges)]


async def test_all_trends_of_a_page_are_one_read(database: Database) -> None:
    await fill(database)
    buckets = Buckets.of(WHERE, None, None)

    async def statements(read: Callable[[], Any]) -> int:
        seen = record_statements(database)
        await read()
        return len(seen)

    where = GroupFilter(WHERE)
    without = await statements(lambda: listing.list_page(database, where, PageRequest()))
    assert await statements(lambda: listing.list_page(database, where, PageRequest(), trend=buckets)) == without + 1
    some = MetricsFilter.of(workflow_ids=("f" * 32,), start=WHERE.start, end=WHERE.end)
    page = await listing.list_page(database, GroupFilter(some), PageRequest(), trend=Buckets.of(some, None, None))
    assert page.items == []
    assert (await listing.count(database, GroupFilter(MetricsFilter.of(engines=("nobody",))))).value == 0


async def test_counting_the_unresolved_stops(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database)
    monkeypatch.setattr(listing, "MAX_COUNT", 1)
    monkeypatch.setattr("app.paging.MAX_COUNT", 1)
    page = await listing.list_page(database, GroupFilter(WHERE), PageRequest(), unresolved=True)
    assert [(each.unresolved.value, each.unresolved.exact) for each in page.items] == [
        (1, False),
        (1, False),
        (1, True),
    ]
