"""Saved views: whose they are, and how many there can be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from app import saved_views
from app.db import Database
from app.errors import BadInput, Forbidden, LimitExceeded, NotFound
from app.saved_views import SavedView, ViewChange, delete, list_all, save
from tests.app.reports import select

VIEW = ViewChange(None, " mine ", "history", "status=FAILURE", False)


async def names(database: Database, owner: str) -> list[str]:
    return [view.name for view in await list_all(database, owner)]


async def test_a_view_is_its_owners_alone(database: Database) -> None:
    view = await save(database, "anna", VIEW, shares=False)
    assert view == SavedView(view.id, "anna", "mine", "history", "status=FAILURE", False)
    assert await names(database, "bob") == []
    for wrong in (replace(VIEW, id=view.id), replace(VIEW, id="0" * 32)):
        with pytest.raises(NotFound):
            await save(database, "bob", wrong, shares=True)
    with pytest.raises(NotFound):
        await delete(database, "bob", view.id, shares=True)
    changed = await save(database, "anna", replace(VIEW, id=view.id, name="other", query=""), shares=False)
    assert (changed.id, changed.name) == (view.id, "other")
    assert await names(database, "anna") == ["other"]
    await delete(database, "anna", view.id, shares=False)
    assert await names(database, "anna") == []
    assert await select(database, "audit_entries", "1 = 1") == []


async def test_shared_views_are_administrators_and_audited(database: Database) -> None:
    with pytest.raises(Forbidden):
        await save(database, "bob", replace(VIEW, shared=True), shares=False)
    shared = await save(database, "anna", replace(VIEW, name="all", shared=True), shares=True)
    await save(database, "bob", replace(VIEW, name="Zebra"), shares=False)
    await save(database, "bob", replace(VIEW, name="ant"), shares=False)
    assert await names(database, "bob") == ["ant", "Zebra", "all"]
    for change in (replace(VIEW, id=shared.id, shared=True), replace(VIEW, id=shared.id, shared=False)):
        with pytest.raises(Forbidden):
            await save(database, "bob", change, shares=False)
    with pytest.raises(Forbidden):
        await delete(database, "bob", shared.id, shares=False)
    kept = await save(database, "carl", replace(VIEW, id=shared.id, name="ours", shared=True), shares=True)
    assert kept.owner == "anna", "who changes it does not take it"
    await delete(database, "carl", shared.id, shares=True)
    actions = [
        (row["actor"], row["action"]) for row in await select(database, "audit_entries", "1 = 1 ORDER BY at, id")
    ]
    assert actions == [("anna", "saveView"), ("carl", "saveView"), ("carl", "deleteView")]


async def test_there_are_only_so_many(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 3)
    asked = [save(database, "anna", replace(VIEW, name=f"v{n}"), shares=True) for n in range(5)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, LimitExceeded) for each in done) == 2
    assert len(await list_all(database, "anna")) == 3
    await save(database, "bob", VIEW, shares=False)
    (first, *_) = await list_all(database, "anna")
    await save(database, "anna", replace(VIEW, id=first.id), shares=False)
    await save(database, "anna", replace(VIEW, shared=True), shares=True)


async def test_a_view_that_is_shared_no_longer_counts_for_its_owner(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever ends its sharing may have as many as there can be; it is not one of those."""
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 2)
    (first, second) = [await save(database, "anna", replace(VIEW, shared=True), shares=True) for _ in range(2)]
    for owner, times in (("anna", 1), ("bob", 2)):
        for _ in range(times):
            await save(database, owner, VIEW, shares=True)
    assert (await save(database, "bob", replace(VIEW, id=first.id), shares=True)).owner == "anna"
    with pytest.raises(LimitExceeded, match="At most 2 own views of the view's owner"):
        await save(database, "bob", replace(VIEW, id=second.id), shares=True)
    assert len(await list_all(database, "anna")) == 3, "two own ones, and what is still shared"


async def test_they_are_sorted_as_people_do(database: Database) -> None:
    for name in ("nightly 10", "Nightly 2", "nightly 02b", "éclair", "nightly 1", "eve"):
        await save(database, "anna", replace(VIEW, name=name), shares=False)
    assert await names(database, "anna") == ["éclair", "eve", "nightly 1", "Nightly 2", "nightly 02b", "nightly 10"]


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"name": " "}, BadInput, "name: must be 1 to 100 characters, not 0"),
        ({"name": "\ufeff\u200b"}, BadInput, "name: must have a character that can be seen"),
        ({"name": "x" * 101}, BadInput, "name"),
        ({"name": "a\0"}, BadInput, "name: contains a NUL"),
        ({"name": "a\nb"}, BadInput, "name: must not contain control characters or line breaks"),
        ({"name": "a\u2028b"}, BadInput, "name: must not contain control characters or line breaks"),
        ({"page": "../x"}, BadInput, "page: '../x' is not the name of a page"),
        ({"page": ""}, BadInput, "page"),
        ({"query": "x" * 2049}, LimitExceeded, "query: at most 2048 bytes, not 2049"),
        ({"query": "\ud800"}, BadInput, "query"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says.replace(".", r"\.")):
        replace(VIEW, **wrong)
