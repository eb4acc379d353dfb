"""The runs of the example, and what events of runs are asked."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from app.importing.galaxy import events_of_run

EXAMPLE = Path(__file__).parents[3] / "examples" / "galaxy-runs.ndjson"
HOUR = 3600 * 1_000_000
RUNS: list[dict[str, Any]] = [json.loads(line) for line in EXAMPLE.read_text(encoding="utf-8").splitlines()]
EVENTS = [event for run in RUNS for event in events_of_run(run)]


def of_type(kind: str, events: list[dict[str, Any]] = EVENTS) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == kind]


def times_of(events: list[dict[str, Any]]) -> dict[str, datetime]:
    return {event["id"]: datetime.fromisoformat(event["time"]) for event in events}
