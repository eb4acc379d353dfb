"""The window that fits a list."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from app import clock
from app.db import Database
from app.executions.filters import ExecutionFilter
from app.lifecycle import State, Status
from app.metrics import of_executions
from app.metrics.filters import MAX_WINDOW
from app.metrics.of_executions import trend_of
from tests.app.executions.lists import WORKFLOWS
from tests.app.metrics.test_of_executions import fill
from tests.factories import NOON, execution_row, insert_executions

FOUR_DAYS = [NOON - 4 * clock.DAY] * 3


@pytest.mark.parametrize(
    ("queued", "length"),
    [
        ([], clock.DAY),
        ([NOON - 1], clock.HOUR),
        ([NOON - clock.HOUR], clock.HOUR),
        ([NOON - clock.HOUR - 1, NOON + 5], 6 * clock.HOUR),
        ([NOON - 1, *FOUR_DAYS], 7 * clock.DAY),
        ([NOON - 1, NOON - 2, NOON - 3, *FOUR_DAYS], clock.HOUR),  # of which the newest three have to be in it
        ([NOON - 91 * clock.DAY], MAX_WINDOW),
        ([NOON - 2 * MAX_WINDOW], MAX_WINDOW),
    ],
)
@pytest.mark.parametrize("conditions", [{}, {"search": "run"}, {"statuses": (Status.SUCCESS,)}], ids=str)
async def test_a_window_that_fits_has_what_the_list_begins_with(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    queued: list[int],
    length: int,
    conditions: dict[str, Any],
) -> None:
    monkeypatch.setattr(of_executions, "FITTING_ROWS", 3)
    engine_id, workflow_id, _ = WORKFLOWS[0]
    row = partial(execution_row, engine_id=engine_id, workflow_id=workflow_id)
    others = [] if "statuses" not in conditions else [row(state=State.FAILED, queued_at=NOON - 20 * clock.DAY)]
    await fill(database, [*(row(queued_at=at) for at in queued), *others], None)
    where = ExecutionFilter(queued_to=NOON, **conditions)
    points = (await trend_of(database, where, None, histograms=False, fit=True)).points
    assert (points[0].start, points[-1].end) == (NOON - length, NOON)
    given = replace(where, queued_from=NOON - 5)
    assert (await trend_of(database, given, None, histograms=False, fit=True)).points[0].start == NOON - 5


async def test_a_window_that_fits_begins_in_1970_at_the_earliest(database: Database) -> None:
    await insert_executions(database, execution_row(queued_at=3))
    where = ExecutionFilter(queued_to=5)
    points = (await trend_of(database, where, None, histograms=False, fit=True)).points
    assert (points[0].start, points[-1].end) == (0, 5)
