"""Documents that are not kept are freed with their operation, without a collection of garbage.

A server puts full ones off while it is busy: of 300 subscriptions of 12 KB, 500 MB stayed for as much as 15 minutes.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import AsyncGenerator, Iterator

import pytest
import strawberry
from graphql import DocumentNode

from app.graphql import documents
from app.graphql.document import parse_bounded
from app.graphql.documents import OneOperation, documents_of
from app.graphql.messages import Operation
from app.graphql.operations import OperationFailed, SchemaOperations


@strawberry.type
class Leaf:
    name: str = "x"

    @strawberry.field
    async def waits(self) -> str:
        return "y"


@strawberry.type
class Query:
    @strawberry.field
    def leaf(self) -> Leaf:
        return Leaf()


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def change(self) -> Leaf:
        return Leaf()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def leaves(self) -> AsyncGenerator[Leaf, None]:
        yield Leaf()
        yield Leaf()


schema = strawberry.Schema(Query, Mutation, Subscription, extensions=[OneOperation])
FIELDS = "name waits ...F } } fragment F on Leaf { n: name w: waits }"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[DocumentNode]]]:
    """Every document that is parsed; none is kept, and there is no garbage collection."""
    found = list[weakref.ref[DocumentNode]]()

    def remembered(query: str) -> DocumentNode:
        document = parse_bounded(query)
        found.append(weakref.ref(document))
        return document

    monkeypatch.setattr(documents, "parse_bounded", remembered)
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", 0)
    gc.disable()
    yield found
    gc.enable()


async def execute(query: str) -> None:
    try:
        async for _ in await SchemaOperations(schema).start(None, Operation(query)):
            pass
    except OperationFailed:
        pass
    await documents_of(schema._schema).beside(query, "", lambda: None)  # its thread has let go of it


@pytest.mark.parametrize("padding", [0, documents.MAX_CHARACTERS_IN_LOOP], ids=["short", "long"])
@pytest.mark.parametrize(
    "query",
    [
        f"query {{ leaf {{ {FIELDS}",
        f"mutation {{ change {{ {FIELDS}",
        f"subscription {{ leaves {{ {FIELDS}",
        "{ leaf { nothing } }",
        "{ leaf { name ...F } } fragment F on Leaf { ...F }",
    ],
    ids=["query", "mutation", "subscription", "unknown field", "cycle"],
)
async def test_document_is_freed_with_its_operation(
    parsed: list[weakref.ref[DocumentNode]], query: str, padding: int
) -> None:
    await execute(query + " " * padding)
    assert [each() for each in parsed] == [None]
