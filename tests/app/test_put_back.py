"""A clock that was hours ahead is put back: what it wrote down holds from now on, not until it is there again."""

from __future__ import annotations

from typing import Any

import pytest

from app import clock, presence
from app.auth.roles import Role
from app.auth.tokens import create_token
from app.db import Database
from app.engines import issues
from app.engines.notes import EngineNotes
from app.ids import new_id
from app.presence import Presence
from app.put_back import ENDS, PAST
from tests.app.reports import select
from tests.factories import insert, insert_engine, insert_workflow
from tests.sealing import SEALER

AHEAD = 6 * clock.HOUR


async def put(database: Database, table: str, **row: Any) -> None:
    await insert(database, table, [row])


async def fill(database: Database, at: int) -> None:
    """A row of each table, as of a time that is to come."""
    id_, engine = new_id(at), await insert_engine(database, "engine")
    workflow = await insert_workflow(database, engine, "nightly")
    row = {"id": id_, "name": "killed", "keys": "key", "seen_at": at}
    await put(database, "server_processes", **row)
    await put(database, "alert_rules", id=id_, condition="", enabled=True, created_at=at, updated_at=at, looked_at=at)
    about = {"workflow_id": workflow, "first_execution_id": id_, "last_execution_id": id_}
    await put(database, "alerts", id=id_, rule_id=id_, since=at, failures=1, fired_at=at, met_at=at, **about)
    held = at + 9 * clock.HOUR
    await put(database, "alert_notices", id=id_, rule_id=id_, kind="FIRED", created_at=at, held_until=held)
    await put(database, "engine_clients", engine_id=engine, name="client", last_seen_at=at)
    await put(database, "error_group_marks", group_id=id_, kind=1, at=at, actor="ada")
    turn = at + 10 * clock.MINUTE
    await put(database, "retention", id=1, rules="", announced_at=at, next_turn_at=turn, ended_at=at)
    ends = {f"{table}.{column}": at + longest for table, column, longest in ENDS}
    session = {"created_at": at, "last_seen_at": at, "expires_at": ends["sessions.expires_at"]}
    await put(database, "sessions", id_sha256="session", **session)
    await put(database, "sign_in_codes", code_sha256="code", expires_at=ends["sign_in_codes.expires_at"])
    await create_token(database, "token", Role.VIEWER)
    for sql in ("UPDATE engines SET last_seen_at = $1, clock_skew_at = $1", "UPDATE tokens SET last_used_at = $1"):
        await database.transaction(lambda tx, sql=sql: tx.fetch(sql, at))  # type: ignore[misc]


async def test_what_it_wrote_holds_from_now_on(database: Database) -> None:
    began = clock.now_us()
    await fill(database, began + AHEAD)
    process = Presence(database, SEALER)
    await process.start()
    await process.close()
    now = clock.now_us()
    for table, column, longest in (*((*each, 0) for each in PAST), *ENDS):
        found = [row[column] for row in await select(database, table, "1 = 1")]
        assert found
        assert all(began <= at - longest <= now for at in found), (table, column)
    (turn,) = await select(database, "retention", "1 = 1")
    assert began <= turn["next_turn_at"] - 10 * clock.MINUTE <= now
    (notice,) = await select(database, "alert_notices", "1 = 1")
    assert began <= notice["held_until"] <= now


async def test_clocks_that_differ_a_little_change_nothing(database: Database) -> None:
    at = clock.now_us() + clock.MAX_SKEW
    await fill(database, at)
    await database.transaction(presence.pull_in)
    for table, column in PAST:
        assert max(row[column] for row in await select(database, table, "1 = 1")) == at, (table, column)


async def test_killed_process_counts_for_as_long_as_others(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now_us()
    await put(database, "server_processes", id=new_id(now), name="killed", keys="key", seen_at=now + AHEAD)
    await database.transaction(presence.pull_in)
    assert len(await presence.running(database)) == 1, "it may still run, by a clock that is ahead"
    monkeypatch.setattr(clock, "now_us", lambda: now + presence.SILENCE + clock.MINUTE)
    assert await presence.running(database) == []


async def test_engines_are_seen_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = await insert_engine(database, "engine")
    notes, now = EngineNotes(database), clock.now_us()
    for at in (now + AHEAD, now):
        monkeypatch.setattr(clock, "now_us", lambda at=at: at)
        notes.seen(["engine"], "client")
    await notes.close()
    (client,) = (await issues.clients_of(database, [engine]))[engine]
    assert client.last_seen_at == now
