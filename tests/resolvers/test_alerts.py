"""Alerts over GraphQL: a page costs a fixed number of statements, and everything in it is found by its id."""

from __future__ import annotations

from typing import Any

import pytest

from app import ids
from app.alerts import rules
from app.db import Database
from schema import schema
from tests.app.alerts.scene import Scene
from tests.contexts import context_of
from tests.factories import record_statements

PAGE = """
query P($after: String) { alerts(first: 3, after: $after) {
  totalCount { value } pageInfo { hasNextPage endCursor }
  nodes {
    id failures deliveredAt lastError rule { id webhookHost workflow { id } } workflow { id consecutiveFailures }
  }
} }
"""
NARROWED = """
query N($filter: AlertFilter) { alerts(filter: $filter) { totalCount { value } nodes { workflow { name } } } }
"""
NODE = """
query N($id: ID!) { node(id: $id) { id ... on Alert { failures } ... on AlertRule { enabled consecutiveFailures } } }
"""


async def ask(database: Database, document: str, **variables: Any) -> Any:
    context = context_of(database)
    result = await schema.execute(document, variable_values=variables, context_value=context)
    assert result.errors is None
    return result.data


@pytest.fixture
async def scene(database: Database) -> Scene:
    """Seven workflows that failed twice, and a rule about all of them."""
    scene = Scene(database)
    await scene.rule(2)
    for number in range(7):
        await scene.fail(2, workflow=f"w{number}")
    await scene.firing.fire_all()
    return scene


async def test_alerts_are_narrowed_by_rule_workflow_and_whether_they_go_on(scene: Scene) -> None:
    async def found(**where: Any) -> list[Any]:
        alerts = (await ask(scene.database, NARROWED, filter=where))["alerts"]
        assert alerts["totalCount"]["value"] == len(alerts["nodes"])
        return [node["workflow"]["name"] for node in alerts["nodes"]]

    rule = (await scene.rule(3, workflow_id=await scene.workflow_id("w3"))).rule.id
    await scene.fail(1, workflow="w3", start=100)
    await scene.firing.fire_all()
    await scene.run("UPDATE alerts SET ended_at = fired_at WHERE workflow_id = $1", await scene.workflow_id("w1"))
    assert await found(ruleId=ids.to_global("alertRule", rule)) == ["w3"]
    assert await found(workflowId=ids.to_global("workflow", await scene.workflow_id("w3"))) == ["w3", "w3"]
    assert await found(open=False) == ["w1"]
    assert sorted(await found(open=True)) == ["w0", "w2", "w3", "w3", "w4", "w5", "w6"]
    assert await found(ruleId=ids.to_global("alertRule", "0" * 32)) == []
    result = await schema.execute(
        NARROWED, variable_values={"filter": {"ruleId": "nonsense"}}, context_value=context_of(scene.database)
    )
    assert [error.message for error in result.errors or ()] == ["filter.ruleId: not an alertRule id: 'nonsense'"]


async def test_pages_of_alerts(scene: Scene) -> None:
    seen: list[Any] = []
    after = None
    while True:
        page = (await ask(scene.database, PAGE, after=after))["alerts"]
        assert page["totalCount"] == {"value": 7}
        seen += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    fired = await scene.alerts()
    assert [each["id"] for each in seen] == [ids.to_global("alert", row["id"]) for row in reversed(fired)]
    assert {each["workflow"]["consecutiveFailures"] for each in seen} == {2}
    assert {(each["failures"], each["deliveredAt"], each["lastError"]) for each in seen} == {(2, None, None)}


async def test_a_page_takes_one_statement_a_kind(scene: Scene) -> None:
    recorded = record_statements(scene.database)
    await ask(scene.database, PAGE)
    # Revision, page, count, rules, their channels, workflows, deliveries, streaks.
    assert len(recorded) == 8


async def test_nodes(scene: Scene) -> None:
    database = scene.database
    (rule,) = await rules.list_all(database)
    rule_id = ids.to_global("alertRule", rule.id)
    alert_id = ids.to_global("alert", (await scene.alerts())[0]["id"])
    assert (await ask(database, NODE, id=alert_id))["node"] == {"id": alert_id, "failures": 2}
    assert (await ask(database, NODE, id=rule_id))["node"] == {"id": rule_id, "enabled": True, "consecutiveFailures": 2}
    await rules.delete(database, "ada", rule.id)
    assert (await ask(database, NODE, id=rule_id))["node"]["enabled"] is False, "its alerts name it still"
    for unknown in ("alert_" + "0" * 32, "alertRule_" + "0" * 32, "alert_x"):
        assert (await ask(database, NODE, id=unknown))["node"] is None
