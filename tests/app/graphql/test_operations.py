"""Operations by Strawberry: a mutation that was begun is brought to its end, whoever goes away; and how others end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import strawberry

from app.graphql.messages import Operation
from app.graphql.operations import SchemaOperations


class Work:
    """An operation's context."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.finished = False


async def _work(work: Work) -> int:
    work.begun.set()
    await work.go_on.wait()
    work.finished = True
    return 1


Info = strawberry.Info[Work, None]


@strawberry.type
class Query:
    @strawberry.field
    async def work(self, info: Info) -> int:
        return await _work(info.context)


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def work(self, info: Info) -> int:
        return await _work(info.context)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, info: Info) -> AsyncGenerator[int, None]:
        yield 1
        yield 2
        await _work(info.context)


SCHEMA = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)
EACH = "query Q { work } mutation M { work } subscription S { count }"


async def cancelled(document: str, times: int = 1, name: str | None = None) -> bool:
    """Whether an operation is finished whose reader goes away in the midst of it."""
    work = Work()

    async def read() -> None:
        async for _ in await SchemaOperations(SCHEMA).start(work, Operation(document, None, name)):
            pass

    task = asyncio.create_task(read())
    await work.begun.wait()
    for _ in range(times):
        task.cancel()
        await asyncio.wait([task], timeout=0.01)
    work.go_on.set()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()
    await asyncio.sleep(0.01)
    return work.finished


async def test_a_mutation_is_brought_to_its_end() -> None:
    assert await cancelled("mutation { work }")
    assert await cancelled("mutation B { work }", times=2)
    assert await cancelled(EACH, name="M")


async def test_a_query_is_not() -> None:
    assert not await cancelled("query mutation { work }")
    assert not await cancelled(EACH, name="Q")


async def test_a_subscription_whose_document_has_a_mutation_as_well() -> None:
    """As GraphiQL sends it: everything in its editor, and which operation to run."""
    assert not await cancelled(EACH, name="S")
    work = Work()
    work.go_on.set()
    results = await SchemaOperations(SCHEMA).start(work, Operation(EACH, None, "S"))
    assert [result async for result in results] == [{"data": {"count": 1}}, {"data": {"count": 2}}]


async def test_the_result_of_a_mutation() -> None:
    work = Work()
    work.go_on.set()
    results = await SchemaOperations(SCHEMA).start(work, Operation("mutation { work }"))
    assert [result async for result in results] == [{"data": {"work": 1}}]
