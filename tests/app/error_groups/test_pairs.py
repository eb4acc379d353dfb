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


@pytest.mark.parametrize("held_out", [True, False])
def test_the_score_is_as_promised(held_out: bool) -> None:
    """In 95 of 100 pairs, and as many of those that nobody looked at while the rules were written."""
    right = [(key(pair["one"]) == key(pair["other"])) is pair["same"] for pair in PAIRS if pair["heldOut"] is held_out]
    assert sum(right) / len(right) >= 0.95


def test_recorders_are_kept_for_all_that_was_recorded() -> None:
    recorders = Path(__file__).parent / "recorders"
    runs = (recorders / "record.py").read_text(encoding="utf-8")
    documented = (recorders / "documented.py").read_text(encoding="utf-8")
    for pair in PAIRS:
        runtime = pair["pair"].split(":")[0]
        assert f'"{runtime}"' in runs if pair["from"] == "run" else runtime in documented
    programs = {path.name for path in (recorders / "programs").iterdir()}
    assert programs <= {name for name in programs if f'"{name}"' in runs}
    readme = (recorders / "README.md").read_text(encoding="utf-8")
    assert f"Of {len(PAIRS)} pairs {sum(pair['heldOut'] for pair in PAIRS)} were set aside" in readme


def test_the_table_is_as_large_as_promised() -> None:
    assert len({pair["pair"] for pair in PAIRS}) == len(PAIRS) >= 80
    assert len(RUNTIMES) >= 14
    assert sum(pair["heldOut"] for pair in PAIRS) * 3 >= len(PAIRS) * 0.95
    assert {pair["from"] for pair in PAIRS} == {"run", "format"}
