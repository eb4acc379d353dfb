"""One list of listeners hears every commit that changes executions, whoever made it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import app
from app import clock
from app.changes.commits import Announcements, Committed
from app.db import Database
from app.delivery import outbox
from app.engines.connections import connect_webhook
from app.ingestion import Ingestion
from app.ingestion.contact import ContactSweep
from app.lifecycle import State
from app.retention.pruning import prune
from app.retries import Asked, Retries
from app.retries.bulk import BulkRequest, BulkRetries
from app.retries.delivery import ENGINES, RetryHandler
from tests.app.reports import events, newest_revision, report, row_of, select
from tests.sealing import SEALER

FAILED = [report("execution.queued"), report("execution.finished", at=1, state="FAILED")]


async def test_every_writer_tells_every_listener(database: Database) -> None:
    """Each commit is announced once, to all, with exactly the revisions that it took: no writer skips it."""
    first: list[Committed] = []
    second: list[Committed] = []
    announcements = Announcements([first.append, second.append])
    ingestion = Ingestion(database, SEALER, announcements)
    retries = Retries(database, SEALER, announcements)
    handler = RetryHandler(database, SEALER, ingestion, {}, announcements)
    await connect_webhook(database, SEALER, "engine", "http://127.0.0.1:9/", replace=False)
    told = 0

    async def heard(commits: int, *ids: str) -> None:
        nonlocal told
        assert first == second
        assert len(first) - told == commits
        assert {id_ for each in first[told:] for id_ in each.changed} == set(ids)
        told = len(first)
        assert sum(len(each.changed) for each in first) == first[-1].revision == await newest_revision(database)

    for subject in ("a", "b"):
        await ingestion.record(events(FAILED, subject))
    a, b = [(await row_of(database, subject))["id"] for subject in ("a", "b")]
    await heard(2, a, b)
    of_a = await retries.request(Asked(a, "ada"))
    await heard(1, of_a.id, a)
    (of_b,) = (await BulkRetries(retries).run(BulkRequest("ada", ids=(b,), dry_run=False))).retried
    await heard(1, of_b.id, b)
    items = {item.subject_id: item for item in await outbox.claim(database, ["retry"], 10, 10 * clock.MINUTE, ENGINES)}
    await handler.settle(items[of_a.id], None, False)
    await heard(1, of_a.id)
    await handler.settle(items[of_b.id], "no", True)
    await heard(1, of_b.id, b)
    running = f"UPDATE executions SET received_at = 0, state = {int(State.RUNNING)} WHERE state = {int(State.QUEUED)}"
    await database.transaction(lambda tx: tx.fetch(running))
    assert await ContactSweep(database, 1, announcements).sweep() == 1
    await heard(1, of_a.id, a)
    assert await prune(database, clock.now_us(), announcements=announcements) == 4
    await heard(1, a, b, of_a.id, of_b.id)
    assert await select(database, "executions", "1 = 1") == []


def test_revisions_are_taken_and_told_in_one_place() -> None:
    root = Path(app.__file__).parent
    users = {path.relative_to(root).as_posix() for path in root.rglob("*.py") if set(_named(path)) & {"take", "bury"}}
    assert users == {"changes/commits.py"}


def _named(path: Path) -> Iterator[str]:
    """What a module uses of app.changes.revisions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "revisions":
            yield node.attr
        if isinstance(node, ast.ImportFrom) and node.module == "app.changes.revisions":
            yield from (name.name for name in node.names)
