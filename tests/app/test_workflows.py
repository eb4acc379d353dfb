"""Lists of workflows on both databases: by name in the order of code points, searched, counted."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import paging, workflows
from app.db import Database
from app.errors import BadInput, LimitExceeded
from app.paging import Count, PageRequest
from tests.databases import before_any_statement
from tests.factories import empty, insert, insert_engine, insert_workflow, record_statements

ENGINES = ("1" * 32, "2" * 32)
names = st.sampled_from(("a", "B", "ä", "ß", "SS", "z", "日報", "🚀", "nightly", "Nightly", "100%", "a_b", "(unknown)"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    given_names=st.lists(
        st.tuples(st.sampled_from(ENGINES), names, st.uuids()), max_size=20, unique_by=lambda t: t[:2]
    ),
    search=st.sampled_from((None, "", "NIGHT", "ss", "%", "_", "日", "nothing", "\\")),
    size=st.integers(1, 7),
)
async def test_pages_in_both_directions_are_the_sorted_list(
    database: Database, given_names: list[tuple[str, str, object]], search: str | None, size: int
) -> None:
    await empty(database, "workflows", "engines")
    await insert(database, "engines", [{"id": id_, "name": id_, "kind": "NONE", "created_at": 0} for id_ in ENGINES])
    rows = [
        {"id": id_.hex, "engine_id": engine, "name": name, "search_text": name.casefold()}  # type: ignore[attr-defined]
        for engine, name, id_ in given_names
    ]
    await insert(database, "workflows", rows)
    rows.sort(key=lambda row: (row["name"], row["id"]))
    expected = [row["id"] for row in rows if (search or "").casefold() in row["search_text"]]

    forward: list[str] = []
    more, cursor = True, None
    while more:
        page = await workflows.list_page(database, search, PageRequest(first=size, after=cursor))
        forward += [workflow.id for workflow in page.items]
        more, cursor = await page.has_next_page(), page.end_cursor
    backward: list[str] = []
    more, cursor = True, None
    while more:
        page = await workflows.list_page(database, search, PageRequest(last=size, before=cursor))
        backward = [workflow.id for workflow in page.items] + backward
        more, cursor = await page.has_previous_page(), page.start_cursor
    assert forward == backward == expected
    assert await workflows.count(database, search) == Count(len(expected), exact=True)


async def test_by_ids_leaves_out_what_is_not_there(database: Database) -> None:
    engine = await insert_engine(database, "one")
    id_ = await insert_workflow(database, engine, "nightly")
    found = await workflows.by_ids(database, [id_, "a" * 32, "no id"])
    assert found == {id_: workflows.Workflow(id_, engine, "nightly")}
    assert await workflows.by_ids(database, []) == {}


async def test_counting_stops_at_its_cap(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_COUNT", 2)
    engine = await insert_engine(database, "one")
    for name, expected in (("a", Count(1, True)), ("b", Count(2, True)), ("c", Count(2, False))):
        await insert_workflow(database, engine, name)
        assert await workflows.count(database, None) == expected


@before_any_statement
async def test_a_search_that_makes_no_sense_is_refused_before_any_statement(database: Database) -> None:
    statements = record_statements(database)
    for search, error in (("a\0", BadInput), ("\ud800", BadInput), ("x" * 1001, LimitExceeded)):
        with pytest.raises(error):
            await workflows.list_page(database, search, PageRequest())
        with pytest.raises(error):
            await workflows.count(database, search)
    with pytest.raises(BadInput):
        await workflows.list_page(database, None, PageRequest(after="garbage"))
    assert statements == []
