"""Failures of many languages in pairs: one error group or two? The table is recorded (recorders/README.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.error_groups.fingerprints import fingerprint

PAIRS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "pairs.ndjson").read_text(encoding="utf-8").splitlines()
]
RUNTIMES = sorted({pair["pair"].split(":")[0] for pair in PAIRS})


def key(error: dict[str, str | None]) -> str:
    return fingerprint(error["type"], error["message"], error["stackTrace"], workflow="w", failed_step=None).key


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_one_place_is_one_group_and_two_places_are_two(runtime: str) -> None:
    pairs = [pair for pair in PAIRS if pair["pair"].split(":")[0] == runtime]
    assert [pair["pair"] for pair in pairs if (key(pair["one"]) == key(pair["other"])) is not pair["same"]] == []


def test_the_table_is_as_large_as_promised() -> None:
    assert len({pair["pair"] for pair in PAIRS}) == len(PAIRS) >= 80
    assert len(RUNTIMES) >= 14
    assert sum(pair["heldOut"] for pair in PAIRS) * 3 >= len(PAIRS) * 0.95
    assert {pair["from"] for pair in PAIRS} == {"run", "format"}
