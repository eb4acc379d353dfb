"""What a plan costs is known before it runs, and counted while it does; much of it lets others run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import strawberry
from graphql import get_operation_ast, parse

from app.errors import LimitExceeded
from app.graphql.compiled import Cost, compile_operation, tasks


@strawberry.type
class Leaf:
    n: int
    text: str = strawberry.field(metadata={"bytes": 1000})


@strawberry.type
class Page:
    """A connection: the field around says how long its lists are."""

    nodes: list[Leaf]
    single: Leaf


def four_pages() -> list[Page]:
    leaf = Leaf(n=1, text="x")
    return [Page(nodes=[leaf] * 10, single=leaf) for _ in range(4)]


@strawberry.type
class Query:
    @strawberry.field
    async def page(self, first: int | None = None) -> Page:
        leaf = Leaf(n=1, text="x")
        return Page(nodes=[leaf] * (first or 3), single=leaf)

    few: list[Page] = strawberry.field(resolver=four_pages, metadata={"rows": 4})


SCHEMA = strawberry.Schema(Query)


class Meter:
    def __init__(self, most: int = 10**9) -> None:
        self.most = most
        self.cost: Cost | None = None
        self.touched = 0

    def before(self, cost: Cost) -> None:
        self.cost = cost

    def during(self, fields: int) -> None:
        self.touched += fields
        if self.touched > self.most:
            raise LimitExceeded("too much")


async def run(document: str, meter: Meter, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    parsed = parse(document)
    operation = get_operation_ast(parsed)
    assert operation is not None
    return await compile_operation(SCHEMA, parsed, operation).execute(None, variables, meter=meter)


@pytest.mark.parametrize(
    ("document", "variables", "cost", "touched"),
    [
        ("{ __typename }", {}, Cost(1, 0, 32), 0),
        ("{ page { nodes { n } } }", {}, Cost(1 + 1 + 10, 10, 32 * 12), 3),
        ("{ page(first: 50) { nodes { n a: n } } }", {}, Cost(2 + 100, 50, 32 * 102), 100),
        ("query ($f: Int = 7) { page(first: $f) { nodes { n text } } }", {}, Cost(16, 7, 16 * 32 + 7 * 1000), 14),
        ("query ($f: Int) { page(first: $f) { nodes { n } single { n } } }", {"f": 20}, Cost(24, 20, 24 * 32), 20),
        ("query ($f: Int) { page(first: $f) { nodes { ...F } } } fragment F on Leaf { n a: n }", {"f": 2}, None, 4),
        ("{ few { nodes { n } single { n } } }", {}, Cost(1 + 4 * (2 + 10 + 1), 4 * 11, 53 * 32), 4 * 3 + 4 * 10),
    ],
)
async def test_cost_is_known_and_counted(
    document: str, variables: dict[str, Any], cost: Cost | None, touched: int
) -> None:
    meter = Meter()
    await run(document, meter, variables)
    assert meter.cost is not None
    assert cost in (None, meter.cost)
    assert meter.touched == touched <= meter.cost.fields


async def test_meter_ends_a_plan() -> None:
    meter = Meter(most=5)
    with pytest.raises(LimitExceeded):
        await run("{ a: page(first: 5) { nodes { n } } b: page(first: 5) { nodes { n } } }", meter)
    assert meter.touched == 10


@pytest.mark.parametrize(("most", "turns"), [(10_000, 0), (20, 9)])
async def test_plan_that_does_much_lets_others_run(most: int, turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "MAX_FIELDS_OF_A_BURST", most)
    taken, done = 0, False

    async def other() -> None:
        nonlocal taken
        while not done:
            await asyncio.sleep(0)
            taken += not done

    beside = asyncio.create_task(other())
    await asyncio.sleep(0)
    taken = 0
    answer = await run(f"{{ {' '.join(f'a{n}: page(first: 20) {{ nodes {{ n }} }}' for n in range(10))} }}", Meter())
    done = True
    await beside
    assert len(answer) == 10
    assert taken == turns
