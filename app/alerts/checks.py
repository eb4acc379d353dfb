"""Checks: which executions failed, recorded by the transaction that commits it.

Appending waits for nobody, and what is committed is looked at, whoever dies in between (app/alerts/firing.py).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from app import clock
from app.db import Transaction

# Whatever finished longer ago is history, and no reason to wake anybody.
NEWS = clock.HOUR


class Failing(NamedTuple):
    """An execution that failed, as streaks see it."""

    workflow_id: str
    finished_at: int  # µs since the epoch
    execution_id: str


async def append(transaction: Transaction, failures: Collection[Failing]) -> None:
    """Record new failures, unless they are old."""
    oldest = clock.now_us() - NEWS
    news = sorted(each for each in failures if each.finished_at >= oldest)
    await transaction.insert("alert_checks", Failing._fields, news)
