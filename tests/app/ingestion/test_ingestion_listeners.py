"""After the commit, once: what listeners of Ingestion hear."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from app.changes import revisions
from app.changes.commits import Announcements, Committed
from app.db import Database, Transaction, TransientError
from app.errors import BadInput
from app.ingestion import Ingestion
from tests.app.reports import events, line, newest_revision, report, row_of, select
from tests.sealing import SEALER


async def test_listeners_hear_once_after_the_commit(database: Database) -> None:
    heard: list[Committed] = []
    ingestion = Ingestion(database, SEALER, Announcements([heard.append]))
    await ingestion.record([*events([report("execution.started")], "a"), *events([line("x")], "b")])
    (first,) = heard
    ids = {(await row_of(database, subject))["id"]: subject for subject in ("a", "b")}
    assert first.revision == 2
    assert set(first.changed) == set(ids)
    assert [ids[id_] for id_ in first.logged] == ["b"]
    stamps = await select(database, "execution_revisions", "1 = 1 ORDER BY revision")
    assert [stamp["execution_id"] for stamp in stamps] == first.changed

    await ingestion.record(events([line("y", at=1)], "a"))
    assert [ids[id_] for id_ in heard[1].logged] == ["a"]
    assert heard[1].changed == []
    assert heard[1].revision is None
    await ingestion.record([])
    assert len(heard) == 2


async def test_listeners_hear_nothing_of_a_rollback(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Committed] = []

    async def fail(*_: object, **__: object) -> int:
        raise BadInput("no")

    monkeypatch.setattr(revisions, "take", fail)
    with pytest.raises(BadInput, match="no"):
        await Ingestion(database, SEALER, Announcements([heard.append])).record(
            events([report("execution.queued", workflow="w")])
        )
    assert heard == []
    for table in ("executions", "workflows", "engines"):
        assert await select(database, table, "1 = 1") == []


async def test_listeners_hear_once_of_a_second_attempt(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Committed] = []
    take = revisions.take
    attempts: list[int] = []

    async def fail_once(transaction: Transaction, ids: list[str], **kinds: Any) -> int:
        revision = await take(transaction, ids, **kinds)
        attempts.append(revision)
        if len(attempts) == 1:
            raise TransientError("a deadlock, say")
        return revision

    monkeypatch.setattr(revisions, "take", fail_once)
    await Ingestion(database, SEALER, Announcements([heard.append])).record(events([report("execution.queued")]))
    assert attempts == [1, 1]
    assert [one.revision for one in heard] == [1]


async def test_one_that_fails_takes_nothing_with_it(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Committed] = []

    def fail(_: Committed) -> None:
        raise RuntimeError("a listener's own trouble")

    with caplog.at_level(logging.CRITICAL):
        assert (
            await Ingestion(database, SEALER, Announcements([fail, heard.append])).record(
                events([report("execution.queued")])
            )
            == []
        )
    assert len(heard) == 1
    assert await newest_revision(database) == 1


async def test_a_second_process_knows_what_the_first_registered(database: Database) -> None:
    for number in range(2):
        await Ingestion(database, SEALER).record(events([report("execution.queued", workflow="w")], f"run-{number}"))
    assert len(await select(database, "workflows", "1 = 1")) == 1
    assert len(await select(database, "engines", "1 = 1")) == 1
