"""Whatever the order of arrival, and whenever somebody looks: rules fire as a plain reading of the finishes says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.alerts import streaks
from app.alerts.streaks import Position
from app.db import Database
from tests.app.alerts.scene import TABLES, Scene, base, run
from tests.app.reports import select
from tests.factories import empty

STATES = ("SUCCEEDED", "FAILED", "CANCELLED")
NUMBERS = (1, 2, 3)  # of rules

finishes = st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from(STATES))
# A run by its number, when it ended, how, and whether somebody looks then.
arrivals = st.lists(st.tuples(finishes, st.booleans()), max_size=14)


@dataclass
class Oracle:
    """A model of plain lists: the known facts of each run, and where the streaks began that each rule has fired in."""

    known: dict[int, tuple[int, str]] = field(default_factory=dict)
    begun: dict[int, list[Position]] = field(default_factory=lambda: {number: [] for number in NUMBERS})
    news: set[tuple[int, int]] = field(default_factory=set)  # failures since the last look: when, and which run

    def tell(self, number: int, at: int, state: str) -> None:
        before = self.known.get(number)
        after = self.known[number] = max(before or (at, state), (at, state))
        if after[1] == "FAILED" and after != before:
            self.news.add((at, number))

    def streaks(self, ids: Mapping[int, str]) -> list[tuple[Position, Position, list[Position]]]:
        """The places that each lies between, and its failures; the last one is open."""
        found: list[tuple[Position, Position, list[Position]]] = []
        after, failures = (-1, ""), list[Position]()
        for at, id_, state in sorted((at, ids[number], state) for number, (at, state) in self.known.items()):
            if state == "SUCCEEDED":
                found.append((after, (at, id_), failures))
                after, failures = (at, id_), []
            elif state == "FAILED":
                failures.append((at, id_))
        return [*found, (after, (99, ""), failures)]

    def look(self, ids: Mapping[int, str]) -> None:
        now = {ids[number]: (at, ids[number]) for number, (at, _) in self.known.items()}
        news = [(at, ids[number]) for at, number in self.news]
        for after, before, failures in self.streaks(ids):
            for number, begun in self.begun.items():
                fired = [start for start in begun if start > after and after < now[start[1]] < before]
                if len(failures) >= number and not fired and any(after < each < before for each in news):
                    begun.append(failures[0])
        self.news.clear()


async def ids_of(database: Database) -> dict[int, str]:
    rows = await select(database, "executions", "1 = 1")
    return {int(row["external_id"]): row["id"] for row in rows}


@pytest.mark.slow
@given(given_arrivals=arrivals)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_rules_fire_as_a_plain_reading_says(
    database: Database, given_arrivals: Sequence[tuple[tuple[int, int, str], bool]]
) -> None:
    await empty(database, *TABLES)
    scene, oracle = Scene(database), Oracle()
    rule_ids = {number: (await scene.rule(number)).rule.id for number in NUMBERS}
    for (number, at, state), look in [*given_arrivals, ((9, 6, "CANCELLED"), True)]:
        await scene.tell(*run(str(number), at, state))
        oracle.tell(number, at, state)
        if look:
            await scene.firing.fire_all()
            oracle.look(await ids_of(database))
    fired = await scene.alerts()
    found = {
        failures: [
            ((alert["since"] - base()) // 1_000_000, alert["first_execution_id"])
            for alert in fired
            if alert["rule_id"] == rule_id
        ]
        for failures, rule_id in rule_ids.items()
    }
    assert found == oracle.begun
    workflow_id = await scene.workflow_id()
    lengths = await streaks.lengths(database, [workflow_id])
    assert lengths == {workflow_id: len(oracle.streaks(await ids_of(database))[-1][2])}


@given(states=st.lists(st.sampled_from(STATES), max_size=20), looks=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_in_their_order_each_long_enough_streak_fires_once(
    database: Database, states: Sequence[str], looks: bool
) -> None:
    """Also when nobody looks before the end, and most streaks are over."""
    await empty(database, *TABLES)
    scene = Scene(database)
    rule_ids = {number: (await scene.rule(number)).rule.id for number in NUMBERS}
    for at, state in enumerate(states):
        await scene.tell(*run(str(at), at, state))
        if looks:
            await scene.firing.fire_all()
    text = "".join(state[0] for state in states).replace("C", "")
    fired = await scene.alerts()
    for number, rule_id in rule_ids.items():
        failures = [alert["failures"] for alert in fired if alert["rule_id"] == rule_id]
        lengths = [len(streak) for streak in text.split("S") if len(streak) >= number]
        assert failures == [number if looks else length for length in lengths]
