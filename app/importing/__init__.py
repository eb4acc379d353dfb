"""Imports files of runs in committed batches, so that an interrupted import continues where it stopped."""

from __future__ import annotations

import hashlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from app import clock
from app.changes.revisions import revision_of
from app.db import Database
from app.errors import BadInput
from app.events import Batch
from app.events.decoding import Form, decode
from app.importing.galaxy import events_of_run, newest_time_us
from app.ingestion import Ingestion
from app.secrets.sealing import Sealer

# Lines per transaction. 200 Galaxy runs are 5,000 events: about 0.1 s on SQLite.
LINES_A_BATCH = {"cloudevents": 5_000, "galaxy": 50}


class Format(StrEnum):
    """The format of a line."""

    CLOUDEVENTS = "cloudevents"
    GALAXY = "galaxy"


@dataclass(slots=True)
class ImportSummary:
    """The result of an import."""

    accepted: int = 0
    skipped_lines: int = 0  # imported by an earlier call
    shift_us: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)  # line number from 1, and the reason


class Importer:
    """Imports one file. Keeps its position in `state_dir` after every commit. BadInput for a pipe."""

    def __init__(self, database: Database, sealer: Sealer, path: Path, format_: Format, state_dir: Path) -> None:
        if not path.is_file():
            raise BadInput(f"{path}: not a regular file: an import reads it several times, so write it to one first")
        self._database = database
        self._sealer = sealer
        self._ingestion = Ingestion(database, sealer)
        self._path = path
        self._format = format_
        self._state_dir = state_dir

    async def run(self, *, shift_to_now: bool, progress: Callable[[int], None]) -> ImportSummary:
        """Import what is not imported yet. Calls `progress` with the lines done. Only Galaxy runs can be shifted.

        The rest of an interrupted import keeps its shift: another shift would stretch the same runs.
        """
        state_path = await self._state_path()
        state: dict[str, int]
        if state_path.exists():
            state = orjson.loads(state_path.read_bytes())
        else:
            state = {"lines": 0, "shift_us": clock.now_us() - self._newest() if shift_to_now else 0}
        report = ImportSummary(skipped_lines=state["lines"], shift_us=state["shift_us"])
        with self._path.open("rb") as file:
            lines = enumerate(file, 1)
            done = sum(1 for _ in islice(lines, state["lines"]))
            progress(done)
            while chunk := list(islice(lines, LINES_A_BATCH[self._format])):
                await self._record(chunk, report)
                state["lines"] = chunk[-1][0]
                _write(state_path, state)
                progress(state["lines"])
        return report

    async def _state_path(self) -> Path:
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        epoch, _ = await revision_of(self._database)  # another database is another import
        self._state_dir.mkdir(parents=True, exist_ok=True)
        return self._state_dir / f"{digest[:16]}-{self._format}-{epoch[:16]}.json"

    def _newest(self) -> int:
        if self._format is not Format.GALAXY:
            raise BadInput("--shift-to-now works with --format galaxy only: events keep their times")
        with self._path.open("rb") as file:
            return max((newest_time_us(run) for run in _runs(file)), default=clock.now_us())

    async def _record(self, chunk: Sequence[tuple[int, bytes]], report: ImportSummary) -> None:
        line_of: list[int] = []
        parts: list[bytes] = []
        for number, line in chunk:
            try:
                events = self._events(line, report.shift_us)
            except (ValueError, orjson.JSONDecodeError) as error:
                report.rejected.append((number, str(error)))
                continue
            parts += events
            line_of += [number] * len(events)
        try:
            batch = _decode(parts, self._sealer)
        except BadInput as error:
            if not report.accepted and not report.skipped_lines:
                raise BadInput(f"The file does not match its format: {error.message}") from None
            # Good lines came before: these are just bad ones, and must not stop the import.
            report.rejected += [(number, error.message) for number in line_of]
            return
        rejected = [*batch.rejected, *await self._ingestion.record(batch.events, imported=True)]
        report.rejected += [(line_of[each.index], each.error) for each in rejected]
        report.accepted += len(parts) - len(rejected)

    def _events(self, line: bytes, shift_us: int) -> list[bytes]:
        line = line.strip().removeprefix(BOM_UTF8).strip()
        if not line:
            return []
        if self._format is Format.CLOUDEVENTS:
            line.decode()  # raises ValueError: one line that is not UTF-8 must not take its batch with it
            return [line]
        return [orjson.dumps(event) for event in events_of_run(orjson.loads(line), shift_us=shift_us)]


def _decode(parts: list[bytes], sealer: Sealer) -> Batch:
    if not parts:
        return Batch([], [])
    body = b"\n".join(part.strip() for part in parts)
    return decode(body, Form.LINES, now=clock.now_us(), sealer=sealer, limit=len(parts))


def _runs(lines: Iterator[bytes] | Any) -> Iterator[Any]:
    for line in lines:
        try:
            run = orjson.loads(line.removeprefix(BOM_UTF8))
            newest_time_us(run)
        except (ValueError, orjson.JSONDecodeError):
            continue  # said when its turn comes
        yield run


def _write(path: Path, state: dict[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_bytes(orjson.dumps(state))
    draft.replace(path)
