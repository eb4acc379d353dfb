"""What a plan costs is known before it runs, and counted while it does; much of it lets others run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from sys import getrefcount
from typing import Any

import pytest
import strawberry
from graphql import get_operation_ast, parse
from strawberry.dataloader import DataLoader

from app.errors import LimitExceeded
from app.graphql.compiled import CompiledOperation, Cost, NotRight, compile_operation, tasks
from app.graphql.compiled import run as one_run
from app.graphql.compiled.costs import WAITING


@strawberry.type
class Leaf:
    n: int
    text: str = strawberry.field(metadata={"bytes": 1000})


@strawberry.type
class Page:
    """A connection: the field around says how long its lists are."""

    nodes: list[Leaf]
    single: Leaf

    @strawberry.field
    def said(self, text: str | None = None) -> str | None:
        return text


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
    def __init__(self, most: int = 10**9, steps: int = 10**9) -> None:
        self.most = most
        self.steps = steps  # of an execution, until others should have their turn
        self.looks = 0
        self.cost: Cost | None = None
        self.touched = 0

    def allows(self, cost: Cost) -> bool:
        raise AssertionError("nothing is compiled beside the loop")

    def before(self, cost: Cost, root: int) -> None:
        self.cost, self.root = cost, root

    def large(self, size: int) -> None:
        raise AssertionError("nothing here is")

    def is_over(self) -> bool:
        self.looks += 1
        return self.looks % self.steps == 0

    async def turn(self) -> None:
        await asyncio.sleep(0)

    def during(self, fields: int) -> None:
        self.touched += fields
        if self.touched > self.most:
            raise LimitExceeded("too much")


async def run(document: str, meter: Meter, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    parsed = parse(document)
    found = get_operation_ast(parsed)
    assert found is not None
    return await compile_operation(SCHEMA, parsed, found).execute(None, variables, meter=meter)


@pytest.mark.parametrize(
    ("document", "variables", "cost", "touched"),
    [
        ("{ __typename }", {}, Cost(1, 0, 32), 0),
        ("{ page { nodes { n } } }", {}, Cost(WAITING + 1 + 50, 50, 32 * 52), 3),
        ("{ page(first: 50) { nodes { n a: n } } }", {}, Cost(WAITING + 1 + 100, 50, 32 * 102), 100),
        ("{ page(first: -1) { nodes { n } } }", {}, Cost(WAITING + 1 + 1, 1, 32 * 3), 0),
        (
            *("query ($f: Int = 7) { page(first: $f) { nodes { n text } } }", {}),
            *(Cost(WAITING + 1 + 14, 7, 16 * 32 + 7 * 1000), 14),
        ),
        (
            *("query ($f: Int) { page(first: $f) { nodes { n } single { n } } }", {"f": 20}),
            *(Cost(WAITING + 23, 20, 24 * 32), 20),
        ),
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


@pytest.mark.parametrize("work", [CompiledOperation.price, CompiledOperation.plan])
def test_nothing_of_the_variables_is_kept_but_conditions(work: Callable[..., Any]) -> None:
    text = "x" * 1_000
    heads, selected = "$f: Int, $s: String, $a: Boolean!", "said(text: $s) @include(if: $a)"
    parsed = parse(f"query ({heads}) {{ page(first: $f) {{ {selected} }} }}")
    found = get_operation_ast(parsed)
    assert found is not None
    compiled, before = compile_operation(SCHEMA, parsed, found), getrefcount(text)
    work(compiled, {"f": 2, "s": text, "a": True})
    assert getrefcount(text) == before, "a request of a megabyte would stay as long as its document"


async def test_meter_ends_a_plan() -> None:
    meter = Meter(most=5)
    with pytest.raises(LimitExceeded):
        await run("{ a: page(first: 5) { nodes { n } } b: page(first: 5) { nodes { n } } }", meter)
    assert meter.touched == 10


@pytest.mark.parametrize(("steps", "turns"), [(10**9, 0), (1, 10)])
async def test_plan_that_does_much_lets_others_run(steps: int, turns: int) -> None:
    meter, taken = Meter(steps=steps), 0
    turn = meter.turn

    async def counted() -> None:
        nonlocal taken
        taken += 1
        await turn()

    meter.turn = counted  # type: ignore[method-assign]
    answer = await run(f"{{ {' '.join(f'a{n}: page(first: 20) {{ nodes {{ n }} }}' for n in range(10))} }}", meter)
    assert len(answer) == 10
    assert taken == turns


@pytest.mark.parametrize(("most", "at_once"), [(40, True), (10, False)])
async def test_those_that_wait_at_one_level_do_so_within_one_turn(
    monkeypatch: pytest.MonkeyPatch, most: int, at_once: bool
) -> None:
    """So that a loader has the keys of all, though the time of a turn is always over; unless they are very many."""
    monkeypatch.setattr(tasks, "WAITING_TOGETHER", most)
    asked: list[int] = []

    async def load(keys: list[int]) -> list[int]:
        asked.append(len(keys))
        return keys

    async def one(key: int) -> int:
        return await loader.load(key)

    loader = DataLoader(load)
    into: dict[str, int] = {}
    together = tasks.Tasks(Meter(steps=1))
    for key in range(40):
        together.start(one(key), into, str(key), lambda value, run: value)
    await together.finish(None)
    assert into == {str(key): key for key in range(40)}
    assert sum(asked) == 40
    assert (len(asked) == 1) is at_once


async def test_long_list_is_completed_in_pieces_and_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "MAX_FIELDS_OF_A_PIECE", 10)
    monkeypatch.setattr(one_run, "MAX_FIELDS_OF_A_PIECE", 10)
    meter = Meter(steps=2)
    answer = await run("{ page(first: 33) { nodes { n a: n } } }", meter)
    assert answer == {"page": {"nodes": [{"n": 1, "a": 1}] * 33}}
    assert meter.looks >= 33 / 5 - 1
    assert (await run("{ few { nodes { n } } }", meter))["few"] == [{"nodes": [{"n": 1}] * 10}] * 4


async def test_what_fails_in_a_later_piece_ends_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "MAX_FIELDS_OF_A_PIECE", 2)
    monkeypatch.setattr(one_run, "MAX_FIELDS_OF_A_PIECE", 2)
    monkeypatch.setattr(Leaf, "n", None, raising=False)
    seen = 0

    def fifth(self: Leaf) -> int:
        nonlocal seen
        seen += 1
        return 1 if seen < 5 else None  # type: ignore[return-value]

    monkeypatch.setattr(Leaf, "n", property(fifth, lambda self, value: None))
    with pytest.raises(NotRight):
        await run("{ page(first: 9) { nodes { n } } }", Meter())
    assert seen == 5
