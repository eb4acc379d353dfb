"""Mutations: each field runs once, whatever becomes of its payload. Events of subscriptions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import strawberry

from app.graphql.documents import OneOperation
from app.graphql.executor import EventByEvent
from app.graphql.plans import fallbacks


@strawberry.type
class Part:
    owner: strawberry.Private[Any]
    n: int

    @strawberry.field
    async def read(self, info: strawberry.Info) -> str | None:
        info.context.reads += 1
        if self.owner == "fails":
            raise ValueError("no such part")
        return f"part {self.n} of {self.owner}"


@strawberry.type
class Payload:
    name: str
    number: int
    parts: list[Part]


def payload(kind: str) -> Payload:
    parts = [Part(owner=kind, n=n) for n in range(3)]
    return Payload(name=kind, number=2**40 if kind == "odd" else 1, parts=parts)


@strawberry.type
class Query:
    n: int = 1


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def change(self, info: strawberry.Info, kind: str = "fine") -> Payload | None:
        info.context.calls.append(kind)
        if kind == "refused":
            raise ValueError("refused")
        return None if kind == "nothing" else payload(kind)

    @strawberry.mutation
    def now(self, info: strawberry.Info) -> int:
        info.context.calls.append("now")
        return len(info.context.calls)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def events(self, kinds: list[str]) -> AsyncGenerator[Payload, None]:
        for kind in kinds:
            yield payload(kind)


SCHEMA = strawberry.Schema(
    Query, Mutation, Subscription, extensions=[OneOperation], execution_context_class=EventByEvent
)
PARTS = "{ name number parts { n read } }"


def context_for(*, compiled: bool) -> Any:
    return SimpleNamespace(compiled=compiled, calls=[], reads=0, mark=lambda: None, go_back=lambda *_: None)


def shown(result: Any) -> bytes:
    return orjson.dumps([result.data, sorted(str(error) for error in result.errors or ())])


@pytest.mark.parametrize(
    "kinds", [("fine",), ("odd",), ("fails",), ("refused",), ("nothing",), ("fine", "fails", "odd", "fine")]
)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
async def test_each_field_of_a_mutation_runs_once_and_in_order(kinds: tuple[str, ...]) -> None:
    fields = " ".join(f'a{number}: change(kind: "{kind}") {PARTS}' for number, kind in enumerate(kinds))
    query = f"mutation {{ first: now {fields} last: now __typename }}"
    reference, by_plan = context_for(compiled=False), context_for(compiled=True)
    expected = await SCHEMA.execute(query, context_value=reference)
    before = fallbacks.total()
    result = await SCHEMA.execute(query, context_value=by_plan)
    assert shown(result) == shown(expected)
    assert by_plan.calls == reference.calls == ["now", *kinds, "now"]
    assert (fallbacks.total() > before) == bool({"odd", "fails"} & set(kinds))
    if kinds == ("fine",):
        assert by_plan.reads == 3


async def test_events_of_a_subscription_are_those_of_graphql_core() -> None:
    query = f"subscription E($kinds: [String!]!) {{ events(kinds: $kinds) {PARTS} }}"
    kinds = ["fine", "odd", "fine", "fails", "fine"]
    found: dict[bool, list[bytes]] = {}
    before = fallbacks.total()
    for compiled in (False, True):
        stream: Any = await SCHEMA.subscribe(query, {"kinds": kinds}, context_value=context_for(compiled=compiled))
        found[compiled] = [shown(result) async for result in stream]
    assert found[True] == found[False]
    assert len(found[True]) == 5
    assert fallbacks.total() == before + 2
