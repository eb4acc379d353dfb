"""A subscription of many events keeps nothing of them."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncGenerator

import pytest
import strawberry

from app.graphql.executor import EventByEvent
from app.graphql.messages import Operation
from app.graphql.operations import SchemaOperations

EVENTS = 2_000


@strawberry.type
class Leaf:
    name: str


@strawberry.type
class Event:
    number: int

    @strawberry.field
    async def leaf(self) -> Leaf:
        return Leaf(name="x")


@strawberry.type
class Query:
    a: int = 1


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def events(self) -> AsyncGenerator[Event, None]:
        number = 0
        while True:
            number += 1
            yield Event(number=number)


async def growth(schema: strawberry.Schema) -> float:
    """Bytes that an event leaves behind."""
    results = await SchemaOperations(schema).start(
        None, Operation("subscription { events { number leaf { name } ...F } } fragment F on Event { leaf { name } }")
    )
    for _ in range(200):
        await anext(results)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(EVENTS):
            assert isinstance(await anext(results), dict)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / EVENTS
    finally:
        tracemalloc.stop()
        await results.aclose()  # type: ignore[attr-defined]


@pytest.mark.slow
async def test_events_leave_nothing_behind() -> None:
    kept = await growth(strawberry.Schema(query=Query, subscription=Subscription, execution_context_class=EventByEvent))
    assert kept < 50


@pytest.mark.slow
@pytest.mark.xfail(strict=True, reason="graphql-core 3.3.2 leaks; when it does not, EventByEvent can go")
async def test_events_without_our_executor_leave_nothing_behind() -> None:
    assert await growth(strawberry.Schema(query=Query, subscription=Subscription)) < 50
