"""What an operation needs before it runs is made once, and for a long one beside the loop."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from app.db import Database
from app.graphql.beside import Beside
from app.graphql.bounds import Bounds
from app.graphql.compiled import costs
from app.graphql.compiled import operation as module
from app.graphql.compiled.compiler import Compiler
from app.graphql.documents import MAX_CHARACTERS_IN_LOOP
from app.graphql.messages import Operation
from app.graphql.operations import Pushed, SchemaOperations
from app.live.sharing import SharedUpdates
from resolvers.context import Context
from schema import schema
from schema.execution_update import ExecutionUpdate
from tests.contexts import READER, context_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_numbers = count()
# By the type of the operation: of what an event executes, of what a mutation answers, of a query.
SELECTED = "{ %s id state workflow { name } }"
DOCUMENTS = {
    "query": f"{{ executions(first: 1) {{ nodes {SELECTED} }} }}",
    "mutation": f'mutation {{ retryExecution(input: {{executionId: "none"}}) {{ execution {SELECTED} }} }}',
    "shared": f"subscription {{ executionUpdated {{ execution {SELECTED} }} }}",
    "ordinary": 'subscription { executionLogAppended(executionId: "none") { entry { %s message } } }',
}


def document_of(kind: str, *, long: bool) -> str:
    """One that no test has asked before."""
    padding = " " * MAX_CHARACTERS_IN_LOOP if long else ""
    return DOCUMENTS[kind] % f"a{next(_numbers)}: id {padding}"


class Work:
    """The threads that priced and compiled."""

    def __init__(self) -> None:
        self.priced: list[str] = []
        self.compiled: list[str] = []


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    found = Work()
    price, compiler = costs.price, Compiler

    def priced(*given: Any) -> Any:
        found.priced.append(threading.current_thread().name)
        return price(*given)

    def compiled(*given: Any) -> Any:
        found.compiled.append(threading.current_thread().name)
        return compiler(*given)

    monkeypatch.setattr(module, "price", priced)
    monkeypatch.setattr(module, "Compiler", compiled)
    return found


async def run(database: Database, context: Context, document: str) -> list[Any]:
    """The results of an operation, as far as they come by themselves."""
    shared = SharedUpdates(
        schema._schema,
        SchemaOperations(schema),
        context.feed,  # type: ignore[arg-type]
        lambda viewer, feed: context_of(database, viewer, feed=feed),
        ExecutionUpdate.of,
    )
    started = await shared.start(context, Operation(document))
    if isinstance(started, Pushed):
        return []
    assert isinstance(started, AsyncIterator)
    try:
        return [await anext(started)]
    except Exception as error:
        return [error]


@pytest.mark.parametrize("long", [True, False])
@pytest.mark.parametrize("kind", DOCUMENTS)
async def test_it_is_made_once_and_for_a_long_one_beside_the_loop(
    kind: str, long: bool, database: Database, work: Work
) -> None:
    document = document_of(kind, long=long)
    for _ in range(2):
        await run(database, context_of(database), document)
    assert len(work.priced) == len(work.compiled) == 1
    [thread] = {*work.priced, *work.compiled}
    assert thread.startswith("documents") is long, thread


@pytest.mark.parametrize("kind", DOCUMENTS)
async def test_what_is_there_waits_for_no_thread(
    kind: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, asked = document_of(kind, long=True), list[object]()
    await run(database, context_of(database), document)
    monkeypatch.setattr(Beside, "join", lambda *given: asked.append(given))
    await run(database, context_of(database), document)
    assert not asked, "it would be done behind all that others have there"


@pytest.mark.parametrize("kind", DOCUMENTS)
async def test_nothing_is_compiled_of_what_costs_too_much(kind: str, database: Database, work: Work) -> None:
    document = document_of(kind, long=True)
    await run(database, context_of(database, READER, bounds=Bounds(cost=2)), document)
    assert (len(work.priced), work.compiled) == (1, [])
