"""Log lines of versions that searched a terminal's escapes are folded anew in the background."""

from __future__ import annotations

from typing import Any

import pytest

from app.db import Database
from app.executions import log_pages, logs
from app.executions.logs import LogFilter
from app.ingestion import Ingestion
from app.ingestion.log_indexing import LogIndexing
from app.paging import PageRequest
from tests.app.reports import events, line, newest_revision, row_of, select
from tests.sealing import SEALER

MESSAGES = (
    "\x1b[31mFailed\x1b[0m to open",
    "plain",
    "\x9b1mGröße\x9b0m of it",
    "\x1b]8;;http://x\x07LINK\x1b]8;;\x07 Ä",
    "Plain Ü",
    "x" * 5_000 + "\x1b[1mEnd",
)


async def folded(database: Database) -> list[tuple[str, str | None]]:
    rows = await select(database, "log_entries", "1 = 1 ORDER BY execution_id, sequence")
    return [(row["message"], row["folded"]) for row in rows]


async def age(database: Database) -> None:
    """As if all lines came from a version that kept escapes in what search looks in."""

    async def work(transaction: Any) -> None:
        for id_, sequence, message in await transaction.fetch(
            "SELECT execution_id, sequence, message FROM log_entries"
        ):
            before = None if message.isascii() else message.casefold()
            await transaction.fetch(
                "UPDATE log_entries SET folded = $1 WHERE execution_id = $2 AND sequence = $3", before, id_, sequence
            )
        await transaction.fetch("INSERT INTO log_indexing (id, before, sequence) VALUES (1, $1, 0)", "f" * 32)

    await database.transaction(work)


async def found(database: Database, search: str) -> int:
    at = await logs.position(database, (await row_of(database, "one"))["id"])
    assert at is not None
    return len((await log_pages.list_page(database, LogFilter(search=search), at, PageRequest(first=50))).items)


@pytest.mark.parametrize(("limit", "steps"), [("max_rows", 12), ("max_bytes", 8)])
async def test_it_makes_what_ingestion_makes_wherever_it_was_killed(
    database: Database, monkeypatch: pytest.MonkeyPatch, limit: str, steps: int
) -> None:
    for subject in ("one", "two"):
        lines = [line(text, at=number) for number, text in enumerate(MESSAGES)]
        assert await Ingestion(database, SEALER).record(events(lines, subject)) == []
    made = await folded(database)
    await age(database)
    assert await folded(database) != made
    assert (await found(database, "failed to"), await found(database, "31m")) == (0, 1)
    before = await newest_revision(database)
    monkeypatch.setattr(LogIndexing, limit, 1 if limit == "max_rows" else 20)
    done = 0
    while await database.fetch("SELECT 1 FROM log_indexing"):
        await LogIndexing(database).go_on()  # each in a process of its own
        done += 1
        assert done < 20
    assert done == steps + 1
    assert await folded(database) == made
    assert (await found(database, "failed to"), await found(database, "31m")) == (1, 0)
    assert await newest_revision(database) == before, "nothing has happened to the runs"


async def test_lines_without_escapes_are_not_written(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await Ingestion(database, SEALER).record(events([line("plain"), line("Größe", at=1)], "one"))
    made = await folded(database)
    await age(database)
    written: list[object] = []
    monkeypatch.setattr("app.ingestion.log_indexing.execution_rows.lock_with", lambda *given: written.append(given))
    while await database.fetch("SELECT 1 FROM log_indexing"):
        await LogIndexing(database).go_on()
    assert (written, await folded(database)) == ([], made)
