"""From an operation to its results: the port between a socket and an executor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from typing import Any, Protocol, TypeVar, runtime_checkable

from graphql import GraphQLError, OperationType
from strawberry import Schema
from strawberry.types.execution import ExecutionResult

from app.errors import AppError, BadInput, Unavailable, shown
from app.graphql.bounds import OverBudget, Spending, within
from app.graphql.documents import Prepared
from app.graphql.errors import before_execution, shown_all
from app.graphql.messages import Operation
from app.graphql.payload import Payload
from app.graphql.queries import Queries
from app.graphql.writing import written

# A result: an object to serialise, or its JSON.
Result = dict[str, Any] | bytes
ContextT_contra = TypeVar("ContextT_contra", contravariant=True)


class OperationFailed(Exception):
    """The operation failed; `errors` are as clients see them."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors[0]["message"] if errors else "")
        self.errors = errors


class Sink(Protocol):
    """Where the results of one operation go."""

    @property
    def has_room(self) -> bool:
        """Whether the socket has room for a result now."""
        ...

    async def room(self) -> None:
        """Wait until it has. A client that does not read for too long is closed meanwhile."""
        ...

    def send(self, payload: Payload) -> None:
        """Send results; after has_room or room, without awaiting anything in between."""
        ...


@runtime_checkable
class Pushed(Protocol):
    """Results that come by themselves."""

    async def push(self, sink: Sink) -> None:
        """Send results until there are no more or the task is cancelled."""
        ...


class Operations(Protocol[ContextT_contra]):
    """Executes operations.

    `start`, the iterator and `push` may raise OperationFailed, AppError or, masked, anything else: the client receives
    an `error` message, and the socket lives on; but Unavailable closes it with 1013. Results are requested at the pace
    at which the socket takes them. At the client's `complete`, or the socket's end, the task that iterates or pushes is
    cancelled, and an iterator with `aclose` is closed; both must be done within socket.CLEANUP_SECONDS.
    """

    async def start(self, context: ContextT_contra, operation: Operation) -> AsyncIterator[Result] | Pushed:
        """The results of an operation; one for a query or a mutation."""
        ...


class SchemaOperations:
    """Executes with Strawberry, each operation by itself."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._queries = Queries(schema)

    async def start(self, context: Any, operation: Operation) -> AsyncIterator[Result]:
        """Executes nothing before the first result is requested."""
        if not operation.query.strip():
            raise BadInput('"query" must be a GraphQL document')
        self._queries.begin(operation, context)
        prepared = await self._queries.prepare(operation, context)
        results = self._results(context, operation, prepared)
        spending = getattr(context, "spending", None)
        if spending is not None and prepared.type is not OperationType.SUBSCRIPTION:
            results = _in_its_place(results, spending)
        return _unbroken(results) if prepared.type is OperationType.MUTATION else results

    async def _query(self, context: Any, operation: Operation) -> Result:
        try:
            with within(context):
                result = await self._schema.execute(
                    operation.query,
                    variable_values=operation.variables,
                    operation_name=operation.name,
                    context_value=context,
                )
            return written(_shown(result, context), getattr(context, "spending", None))
        except OverBudget as error:
            raise OperationFailed([shown(error)]) from None

    async def _results(self, context: Any, operation: Operation, prepared: Prepared) -> AsyncGenerator[Result, None]:
        """As long as they come, `prepared` is kept."""
        try:
            answer = await self._queries.answer(operation, context)
        except OverBudget as error:
            raise OperationFailed([shown(error)]) from None
        if answer is not None:
            yield answer
            return
        if prepared.type is OperationType.QUERY:
            yield await self._query(context, operation)
            return
        stream = await self._schema.stream(
            operation.query,
            variable_values=operation.variables,
            operation_name=operation.name,
            context_value=context,
        )
        try:
            async with aclosing(stream):
                async for result in stream:
                    if prepared.type is OperationType.SUBSCRIPTION:
                        check_available(getattr(result, "errors", None))
                    yield _shown(result, context)
        except (AppError, GraphQLError) as error:
            # Raised before execution, by an extension: too long, syntax, not signed in.
            raise OperationFailed(shown_all([_located(error)], context)) from None


def _shown(result: Any, context: Any) -> dict[str, Any]:
    # PreExecutionError is one too, and increments need a setting of the schema that we do not use.
    assert isinstance(result, ExecutionResult)
    if result.data is None and before_execution(result.errors):
        # Also what a subscription's source raises: no further event follows, and graphql-ws calls that an error.
        raise OperationFailed(shown_all(result.errors or (), context))
    return response(result.data, result.errors, context)


def check_available(errors: Iterable[GraphQLError] | None) -> None:
    """Raise the Unavailable that made a result fail: the same event may be executed later."""
    for error in errors or ():
        cause = error.original_error
        while isinstance(cause, GraphQLError):
            cause = cause.original_error
        if isinstance(cause, Unavailable):
            raise cause


def response(data: Any, errors: Iterable[GraphQLError] | None, context: Any) -> dict[str, Any]:
    """A result in the form to serialise."""
    return {"data": data, "errors": shown_all(errors, context)} if errors else {"data": data}


def _located(error: Exception) -> GraphQLError:
    return error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)


async def _in_its_place(results: AsyncGenerator[Result, None], spending: Spending) -> AsyncGenerator[Result, None]:
    """The results of an operation that waits for a place among those of its client, and pays."""
    await spending.enter()
    try:
        async with aclosing(results):
            async for result in results:
                yield result
    finally:
        spending.leave()


async def _unbroken(results: AsyncGenerator[Result, None]) -> AsyncGenerator[Result, None]:
    """The only result of a mutation. Once started, it runs to its end, whether or not anybody still waits."""

    async def only() -> Result:
        async with aclosing(results):
            return await anext(results)

    task = asyncio.create_task(only())
    _unfinished.add(task)
    task.add_done_callback(_unfinished.discard)
    try:
        result = await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody is there to hear of it
        raise
    yield result


_unfinished: set[asyncio.Task[Result]] = set()  # the event loop itself holds tasks weakly
