"""Executes the events of a subscription, each by itself, and completes the results of mutations.

Both by their plans where there are any (app/graphql/plans.py), otherwise as graphql-core does.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLSchema, OperationType
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.graphql.compiled import CompiledOperation
from app.graphql.documents import documents_of
from app.graphql.plans import compiled_of, count, fall_back


class EventByEvent(StrawberryGraphQLCoreExecutionContext):
    """Keeps nothing of an event after its execution."""

    _compiled: CompiledOperation | None = None

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """The executor of one event."""
        if self._compiled is None:
            self._compiled = self._find()  # all events have it
        executor = super().build_per_event_executor(payload)
        # graphql-core 3.3.2 shares this memo of all executors, whose keys are ids of lists made anew for each event:
        # 2 to 4 KB an event that are never freed, for as long as the subscription lives.
        executor._relevant_sub_fields = {}
        return executor

    async def source(self) -> AsyncIterable[Any] | None:
        """The result of the subscription's own resolver; None when that or its arguments fail."""
        stream = create_source_event_stream(self)
        found = await stream if isawaitable(stream) else stream
        return None if isinstance(found, ExecutionResult) else found

    async def execute_event(self, root: Any, context: Any) -> ExecutionResult:
        """The result of one event, whose fields see their own context."""
        executor = self.build_per_event_executor(root)
        executor.context_value = context
        result = execute_subscription_event(executor)
        return await result if isawaitable(result) else result

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result of the operation, or of one event."""
        type_ = self.operation.operation
        if type_ is OperationType.MUTATION:
            self._complete_by_plan()
        elif type_ is OperationType.SUBSCRIPTION and self._compiled is not None:
            return self._event(self._compiled)
        return super().execute_operation(serially)

    def _find(self) -> CompiledOperation | None:
        """What there is for this operation; queries have a shorter way (app/graphql/queries.py)."""
        if not getattr(self.context_value, "compiled", False):
            return None
        prepared = documents_of(self.schema).of_operation(self.operation)
        return None if prepared is None else compiled_of(self.schema, prepared)

    async def _event(self, compiled: CompiledOperation) -> ExecutionResult:
        mark = self.context_value.mark()
        try:
            values = self.variable_values
            run, plan = compiled.run(self.context_value, values.coerced, values)
            return ExecutionResult(await run.complete(plan.root, self.root_value), None)
        except Exception as error:
            fall_back(error, self.context_value, mark)
        result = super().execute_operation(False)
        return await result if isawaitable(result) else result  # type: ignore[return-value]

    def _complete_by_plan(self) -> None:
        """Have the results of the mutation's fields completed by their plan, each once it is there."""
        compiled = self._find()
        if compiled is None:
            return
        try:
            run, plan = compiled.run(self.context_value, self.variable_values.coerced, self.variable_values)
        except Exception as error:
            count(error)
            return
        by_core = self.complete_value

        def complete_value(type_: Any, nodes: Any, info: Any, path: Any, result: Any, position: Any) -> Any:
            function = plan.payloads.get(path.key) if path.prev is None else None
            if function is None or result is None or isinstance(result, Exception):
                return by_core(type_, nodes, info, path, result, position)

            async def complete() -> Any:
                mark = self.context_value.mark()
                try:
                    return await run.again().complete(function, result)
                except Exception as error:
                    fall_back(error, self.context_value, mark)
                # From the result that is there: the field is not run again.
                completed = by_core(type_, nodes, info, path, result, position)
                return await completed if isawaitable(completed) else completed

            return complete()

        self.complete_value = complete_value  # type: ignore[assignment, method-assign]


def executor_of(
    schema: GraphQLSchema, document: DocumentNode, context: Any, variables: Mapping[str, Any] | None, name: str | None
) -> EventByEvent | None:
    """The executor of a valid document, built as Strawberry builds it; None when the variables do not fit."""
    built = EventByEvent.build(
        schema,
        document,
        context_value=context,
        raw_variable_values=dict(variables or {}),
        operation_name=name,
        operation_extensions=None,
    )
    return built if isinstance(built, EventByEvent) else None
