"""runwatch prune."""

from __future__ import annotations

from collections.abc import Mapping

from app import clock
from app.commands.running import run
from app.db import Database
from app.errors import BadInput
from app.retention.plan import MAX_COUNT, plan
from app.retention.rules import Rules
from app.retention.turns import Turn
from app.server.console import console
from app.settings import Settings


def prune(days: float | None, *, dry_run: bool) -> None:
    """Delete what the settings no longer keep, or finished runs that were queued more than `days` ago."""

    async def work(database: Database, settings: Settings) -> Mapping[str, int]:
        # Days from the command line are about runs alone, whatever became of them.
        only_runs = Rules(days, keep_metrics=settings.prune_keeps_metrics, others=False)
        rules = Rules.of(settings) if days is None else only_runs
        if not rules.given:
            raise BadInput("Pass --older-than DAYS, or set RUNWATCH_KEPT_DAYS or another RUNWATCH_KEPT_…")
        if dry_run:
            return await plan(database, rules, clock.now_us())
        return await Turn(database, rules, paced=False).run()

    done = run(work)
    executions = done.get("executions", 0)
    others = {name: number for name, number in done.items() if number and name != "executions"}
    console.print(f"{'Would delete' if dry_run else 'Deleted'} {_number(executions, dry_run)} executions")
    for name, number in others.items():
        console.print(f"  and {_number(number, dry_run)} {name.replace('_', ' ')}")


def _number(number: int, capped: bool) -> str:
    return f"{MAX_COUNT} or more" if capped and number >= MAX_COUNT else str(number)
