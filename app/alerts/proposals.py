"""Rules that somebody without any could begin with, made to the measure of the last week."""

from __future__ import annotations

from dataclasses import dataclass

from app.alerts import preview, rules
from app.alerts.conditions import AnyCondition, FailuresInARow, NewErrorGroup, NoRun
from app.alerts.preview import Past, Preview
from app.db import Database

DAYS = 7
# Failures in a row that are tried, and how often the rule may have fired: about once a day.
COUNTS, ENOUGH = (2, 3, 4, 5), 7


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule about every workflow, and how often it would have fired."""

    condition: AnyCondition
    preview: Preview


async def proposals(database: Database) -> list[Proposal]:
    """At most three; none without any run, and none of a kind that a rule about every workflow has already."""
    past = await preview.past(database, None, DAYS)
    if not past.runs:
        return []
    taken = {type(rule.condition) for rule in await rules.list_all(database) if rule.workflow_id is None}
    found = (_in_a_row(past), NewErrorGroup(), NoRun(None))
    return [Proposal(each, preview.of_past(past, each)) for each in found if type(each) not in taken]


def _in_a_row(past: Past) -> FailuresInARow:
    """The fewest failures with which it would have fired seldom enough."""
    for count in COUNTS:
        condition = FailuresInARow(count)
        if preview.of_past(past, condition).count <= ENOUGH:
            return condition
    return FailuresInARow(COUNTS[-1])
