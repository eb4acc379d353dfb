"""Whatever the order of arrival, and whenever somebody looks: rules fire as a plain reading of the finishes says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.alerts import streaks
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
    """Plain lists: what is known of each run, and where the streaks began that each rule has fired in."""

    known: dict[int, tuple[int, str]] = field(default_factory=dict)
    begun: dict[int, list[tuple[int, str]]] = field(default_factory=lambda: {number: [] for number in NUMBERS})
    news: bool = False

    def tell(self, number: int, at: int, state: str) -> None:
        before = self.known.get(number)
        after = self.known[number] = max(before or (at, state), (at, state))
        if after[1] == "FAILED" and after != before:
            self.news = True

    def streak(self, ids: Mapping[int, str]) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for at, id_, state in sorted((at, ids[number], state) for number, (at, state) in self.known.items()):
            if state == "SUCCEEDED":
                found = []
            elif state == "FAILED":
                found.append((at, id_))
        return found

    def look(self, ids: Mapping[int, str]) -> None:
        streak = self.streak(ids)
        successes = [(at, ids[number]) for number, (at, state) in self.known.items() if state == "SUCCEEDED"]
        for number, begun in self.begun.items():
            within = [start for start in begun if all(success < start for success in successes)]
            if self.news and len(streak) >= number and not within:
                begun.append(streak[0])
        self.news = False


async def ids_of(database: Database) -> dict[int, str]:
    rows = await select(database, "executions", "1 = 1")
    return {int(row["external_id"]): row["id"] for row in rows}


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
    assert lengths == {workflow_id: len(oracle.streak(await ids_of(database)))}


@given(states=st.lists(st.sampled_from(STATES), max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_in_their_order_each_long_enough_streak_fires_once(database: Database, states: Sequence[str]) -> None:
    await empty(database, *TABLES)
    scene = Scene(database)
    rule_ids = {number: (await scene.rule(number)).rule.id for number in NUMBERS}
    for at, state in enumerate(states):
        await scene.tell(*run(str(at), at, state))
        await scene.firing.fire_all()
    text = "".join(state[0] for state in states).replace("C", "")
    fired = await scene.alerts()
    for number, rule_id in rule_ids.items():
        failures = [alert["failures"] for alert in fired if alert["rule_id"] == rule_id]
        assert failures == [number] * sum(len(streak) >= number for streak in text.split("S"))
