"""Imports run in batches, continue where they stopped, and report what they could not import."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from app import importing
from app.clock import MINUTE, now_us
from app.db import Database
from app.errors import BadInput
from app.importing import Format, Importer, ImportSummary
from tests.app.reports import report
from tests.databases import before_any_statement
from tests.sealing import SEALER

SAMPLE = Path(__file__).parents[3] / "examples" / "galaxy-runs.ndjson"
TABLES = ("executions", "steps", "log_entries", "execution_revisions")


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "LINES_A_BATCH", {"cloudevents": 2, "galaxy": 2})


@pytest.fixture
def galaxy(tmp_path: Path) -> Path:
    path = tmp_path / "runs.ndjson"
    with SAMPLE.open("rb") as file:
        path.write_bytes(b"".join(next(file) for _ in range(6)))
    return path


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.ndjson"
    lines = [json.dumps(report("execution.queued", name, id_=name, workflow="nightly")) for name in "abcde"]
    path.write_text("\n".join(lines) + "\n\n")
    return path


async def run(
    database: Database, path: Path, format_: Format, *, stop_after: int | None = None, shift_to_now: bool = False
) -> ImportSummary:
    def progress(done: int) -> None:
        if stop_after is not None and done >= stop_after:
            raise Stopped

    importer = Importer(database, SEALER, path, format_, path.parent / "imports")
    return await importer.run(shift_to_now=shift_to_now, progress=progress)


async def contents(database: Database) -> list[list[Any]]:
    return [sorted(map(tuple, await database.fetch(f"SELECT * FROM {table}"))) for table in TABLES]


async def count(database: Database) -> int:
    return int((await database.fetch("SELECT count(*) FROM executions"))[0][0])


@pytest.mark.parametrize("format_", list(Format))
async def test_an_interrupted_import_goes_on(database: Database, format_: Format, galaxy: Path, events: Path) -> None:
    path = galaxy if format_ is Format.GALAXY else events
    with pytest.raises(Stopped):
        await run(database, path, format_, stop_after=2)
    assert await count(database) == 2
    report_ = await run(database, path, format_)
    assert report_.skipped_lines == 2
    assert report_.rejected == []
    assert await count(database) == (6 if format_ is Format.GALAXY else 5)
    before = await contents(database)
    again = await run(database, path, format_)
    assert (again.accepted, again.rejected) == (0, [])
    assert await contents(database) == before


async def test_importing_again_without_its_state_changes_nothing(database: Database, galaxy: Path) -> None:
    first = await run(database, galaxy, Format.GALAXY)
    before = await contents(database)
    for state in (galaxy.parent / "imports").iterdir():
        state.unlink()
    second = await run(database, galaxy, Format.GALAXY)
    assert second.accepted == first.accepted > 0
    after = await contents(database)
    assert after[1:] == before[1:], "the same events made something new"


async def test_the_shift_of_an_interrupted_import_is_kept(database: Database, galaxy: Path) -> None:
    with pytest.raises(Stopped):
        await run(database, galaxy, Format.GALAXY, stop_after=2, shift_to_now=True)
    (state,) = (galaxy.parent / "imports").iterdir()
    shift = orjson.loads(state.read_bytes())["shift_us"]
    finished = await run(database, galaxy, Format.GALAXY)  # the flag is forgotten; the runs must not be stretched
    assert finished.shift_us == shift > 0
    ((newest,),) = await database.fetch("SELECT max(finished_at) FROM executions")
    assert now_us() - MINUTE < newest <= now_us()


async def test_events_cannot_be_shifted(database: Database, events: Path) -> None:
    with pytest.raises(BadInput, match="galaxy"):
        await run(database, events, Format.CLOUDEVENTS, shift_to_now=True)
    assert await count(database) == 0


async def test_rejected_lines_are_said_by_number(database: Database, events: Path, galaxy: Path) -> None:
    lines = events.read_text().splitlines()
    lines[1] = '{"specversion": "1.0"}'
    lines[3] = lines[3].replace("execution.queued", "execution.exploded")
    events.write_text("\n".join(lines))
    report_ = await run(database, events, Format.CLOUDEVENTS)
    assert (report_.accepted, [number for number, _ in report_.rejected]) == (3, [2, 4])
    runs = galaxy.read_text().splitlines()
    runs[2] = "{"
    runs[4] = '{"id": "x"}'
    galaxy.write_text("\n".join(runs))
    report_ = await run(database, galaxy, Format.GALAXY)
    assert [number for number, _ in report_.rejected] == [3, 5]
    assert all(reason for _, reason in report_.rejected)


@pytest.mark.parametrize("content", [b"", b"\n\n"])
@pytest.mark.parametrize("format_", list(Format))
async def test_a_file_without_lines(database: Database, tmp_path: Path, content: bytes, format_: Format) -> None:
    path = tmp_path / "empty"
    path.write_bytes(content)
    report_ = await run(database, path, format_)
    assert (report_.accepted, report_.rejected) == (0, [])
    assert await count(database) == 0


@pytest.mark.parametrize("bad", [b"\xff\xfe", b"[1]", b"5", b"null", b"[" * 5000 + b"]" * 5000, b'{"a": "\\ud800"}'])
@pytest.mark.parametrize("format_", list(Format))
async def test_a_line_that_is_anything(
    database: Database, galaxy: Path, events: Path, bad: bytes, format_: Format
) -> None:
    path = galaxy if format_ is Format.GALAXY else events
    lines = path.read_bytes().splitlines()
    lines.insert(2, bad)  # alone in its batch with a good one
    path.write_bytes(b"\n".join(lines))
    report_ = await run(database, path, format_)
    assert [number for number, _ in report_.rejected] == [3]
    assert await count(database) == (6 if format_ is Format.GALAXY else 5)


async def test_bad_lines_at_the_end_do_not_stop_it(database: Database, events: Path) -> None:
    path = events.with_name("ends-badly")
    path.write_text(events.read_text().strip() + "\n{}\n{}\n{}\n")
    report_ = await run(database, path, Format.CLOUDEVENTS)
    assert (report_.accepted, [number for number, _ in report_.rejected]) == (5, [6, 7, 8])


async def test_a_file_of_another_kind_is_refused(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("not\nan\nevent\n")
    with pytest.raises(BadInput, match="does not match its format"):
        await run(database, path, Format.CLOUDEVENTS)


@before_any_statement
def test_a_pipe_is_refused(database: Database, tmp_path: Path) -> None:
    """What has been read from it once would be missing: `import <(zcat …)` said that there was nothing to import."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="not a regular file"):
        Importer(database, SEALER, tmp_path / "pipe", Format.CLOUDEVENTS, tmp_path / "imports")
