"""Figures through GraphQL: a list of workflows has them of each, and an operation reads no more than it asks for."""

from __future__ import annotations

from typing import Any

import pytest

from app import clock
from app.db import Database
from app.errors import BadInput, LimitExceeded
from app.graphql.bounds import Bounds
from app.ids import new_id, to_global
from app.lifecycle import State
from app.metrics.histograms import Histogram
from resolvers import budget
from schema import schema
from schema.figures import percent
from tests.contexts import context_of
from tests.factories import (
    execution_row,
    insert,
    insert_engine,
    insert_executions,
    insert_workflow,
    record_statements,
)

GROUPS = tuple(f"{number:032x}" for number in range(1, 4))


async def ask(database: Database, document: str) -> Any:
    """The data of an operation that must work."""
    result = await schema.execute(document, context_value=context_of(database))
    assert result.errors is None
    return result.data


async def fill(database: Database) -> list[str]:
    """Workflow n of 100 has, in this hour, n % 3 failures of group n % 3, a success and a pending one; their ids."""
    engine, now = await insert_engine(database, "engine"), clock.now_us()
    rows: list[dict[str, Any]] = []
    ids = []
    for number in range(100):
        workflow = await insert_workflow(database, engine, f"workflow {number:03}")
        ids.append(workflow)
        for state in (State.SUCCEEDED, State.RUNNING, *[State.FAILED] * (number % 3)):
            failed = state is State.FAILED
            row = execution_row(
                id=new_id(now + len(rows)),
                engine_id=engine,
                workflow_id=workflow,
                workflow_name=f"workflow {number:03}",
                state=state,
                queued_at=now - clock.SECOND,
                duration=None if state is State.RUNNING else (number + 1) * clock.SECOND,
                error_message="disk full" if failed else None,
                error_group_id=GROUPS[number % 3] if failed else None,
            )
            rows.append(row)
    await insert_executions(database, *rows)
    await insert(
        database,
        "metric_deltas",
        [
            {
                "hour": row["queued_at"] - row["queued_at"] % clock.HOUR,
                "workflow_id": row["workflow_id"],
                "trigger_kind": row["trigger_kind"],
                "status": row["status"],
                "duration": row["duration"],
                "error_group_id": row["error_group_id"],
                "sign": 1,
            }
            for row in rows
            if row["status"]
        ],
    )
    return ids


def test_whole_per_cents_are_whole() -> None:
    assert [percent(number, 100 - number) for number in range(101)] == list(range(101))
    assert percent(0, 0) is None


LIST = """{ workflows(first: 100) { nodes { name metrics {
  total pending succeeded failed cancelled successRatePercent averageDurationMs
  durations { count p50Ms p95Ms maxMs } trend { total p95DurationMs }
  topErrors { count group { message count } } byWorkflow { workflow { name } total failed p95DurationMs }
} } } }"""


async def test_a_hundred_workflows_with_figures_each(database: Database) -> None:
    await fill(database)
    recorded = record_statements(database)
    nodes = (await ask(database, LIST))["workflows"]["nodes"]
    assert len(nodes) == 100
    for number, node in enumerate(nodes):
        found, failed = node["metrics"], number % 3
        ms = (number + 1) * 1000
        assert node["name"] == f"workflow {number:03}"
        counts = [found[name] for name in ("total", "pending", "succeeded", "failed", "cancelled")]
        assert counts == [2 + failed, 1, 1, failed, 0]
        assert found["successRatePercent"] == pytest.approx(100 / (1 + failed))
        assert found["averageDurationMs"] == ms
        assert found["durations"]["count"] == 1 + failed
        for name in ("p50Ms", "p95Ms", "maxMs"):
            assert found["durations"][name] == pytest.approx(ms, rel=0.02)
        assert sum(point["total"] for point in found["trend"]) == 2 + failed
        assert [each["count"] for each in found["topErrors"]] == [failed] * bool(failed)
        (of_workflow,) = found["byWorkflow"]
        assert (of_workflow["workflow"]["name"], of_workflow["failed"]) == (node["name"], failed)
    # Figures, errors and workflows of each; look-ups by id are batched, as they come.
    assert len(recorded) <= 5 * 100


async def test_no_more_is_read_than_is_asked_for(database: Database) -> None:
    await fill(database)
    for selection, statements, histograms in (
        ("total successRatePercent averageDurationMs", 1, False),
        ("durations { count averageMs }", 1, False),
        ("trend { total }", 1, False),
        ("total trend { p50DurationMs }", 1, True),
        ("a: durations(status: FAILURE) { x: p99Ms }", 1, True),
        ("byWorkflow { total }", 3, False),  # and theirs, and the workflows
    ):
        recorded = record_statements(database)
        await ask(database, f"{{ metrics {{ {selection} }} }}")
        del database.fetch
        assert len(recorded) == statements, selection
        # One figure of all, or one of each bucket; single durations, or only their sums.
        assert ("CAST(0 AS BIGINT) AS part" in recorded[0][0]) is not ("trend" in selection)
        assert ("GROUP BY s.part, s.status, bucket" in recorded[0][0]) is histograms, selection


async def test_the_filter_of_a_workflow_narrows(database: Database) -> None:
    first, second = (to_global("workflow", id_) for id_ in (await fill(database))[:2])
    for allowed, total in (([first], 2), ([first, second], 2), ([second], 0), ([], 0)):
        ids = ", ".join(f'"{id_}"' for id_ in allowed)
        document = f'{{ workflow(id: "{first}") {{ metrics(filter: {{workflowId: [{ids}]}}) {{ total }} }} }}'
        assert (await ask(database, document))["workflow"]["metrics"] == {"total": total}


def nested(levels: int) -> str:
    """Figures of the workflows of the errors of figures, and so on."""
    selection = "total"
    for _ in range(levels):
        selection = f"topErrors {{ group {{ latestExecution {{ workflow {{ metrics {{ {selection} }} }} }} }} }}"
    return f"{{ metrics {{ {selection} }} }}"


async def test_an_operation_asks_for_figures_a_bounded_number_of_times(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However deep it nests them."""
    await fill(database)
    monkeypatch.setattr(budget, "MAX_FIGURES", 7)
    assert await ask(database, nested(1))  # figures, their errors, and figures for each of two groups
    recorded = record_statements(database)
    for depth in (4, 20):
        recorded.clear()
        context = context_of(database, bounds=Bounds(cost=10**40))
        result = await schema.execute(nested(depth), context_value=context)
        assert result.errors
        assert all(isinstance(error.original_error, LimitExceeded) for error in result.errors)
        measuring = [text for text, _ in recorded if "metric_" in text or "FROM executions x WHERE" in text]
        assert 0 < len(measuring) <= 7 * 3
        context.forget()  # an event of a subscription is an operation of its own
        assert context.budget.figures == 0


async def test_the_trends_of_an_operation_have_a_bounded_number_of_points(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window that is too long for its bucket is refused as such, whatever else is asked for."""
    monkeypatch.setattr(budget, "MAX_POINTS", 30)
    day = '{from: "2026-05-01T00:00:00Z", to: "2026-05-02T00:00:00Z"}'
    queued = day.replace("from", "queuedFrom").replace("to:", "queuedTo:")
    for field in (
        f"metrics(filter: {day}) {{ trend {{ total }} }}",
        f"executionHistogram(filter: {queued}) {{ points {{ total }} }}",
    ):
        assert await ask(database, f"{{ {field} }}")
        context = context_of(database)
        result = await schema.execute(f"{{ a: {field} b: {field} }}", context_value=context)
        assert result.errors
        assert all(isinstance(error.original_error, LimitExceeded) for error in result.errors)
        context.forget()
        assert context.budget.points == 0
    many = " ".join(f"a{number}: metrics(filter: {day}) {{ total }}" for number in range(9))
    assert await ask(database, f"{{ {many} }}")  # without trends there are no points
    context = context_of(database)
    result = await schema.execute(
        f"{{ metrics(filter: {day}, bucket: MINUTE) {{ trend {{ total }} }} }}", context_value=context
    )
    assert result.errors
    assert isinstance(result.errors[0].original_error, BadInput)


async def test_a_trend_computes_only_the_percentiles_that_are_asked_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database)
    shares: list[float] = []
    quantile = Histogram.quantile

    def counted(histogram: Histogram, share: float) -> int | None:
        shares.append(share)
        return quantile(histogram, share)

    monkeypatch.setattr(Histogram, "quantile", counted)
    await ask(database, "{ metrics { trend { total averageDurationMs } } }")
    assert not shares
    data = await ask(database, "{ metrics { trend { p95DurationMs } } }")
    assert shares == [0.95] * len(data["metrics"]["trend"])
